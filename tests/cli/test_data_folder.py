"""Taking a data folder, and being refused."""

import errno
import os

import pytest

from emulator.cli import data_folder, discovery
from emulator.cli.data_folder import taken
from emulator.cli.folder_lock import FolderLock
from emulator.cli.output import Failed


def test_a_folder_is_made_kept_out_of_version_control_and_freed(tmp_path):
    folder = tmp_path / "a" / "data"
    with taken(folder):
        assert (folder / ".gitignore").read_text() == "*\n"
        with (
            pytest.raises(Failed, match=r"another suite runs in .*, which is starting"),
            taken(folder),
        ):
            pass
    with taken(folder):
        pass


def test_what_the_user_ignores_stays(tmp_path):
    (tmp_path / ".gitignore").write_text("mine\n")
    with taken(tmp_path):
        assert (tmp_path / ".gitignore").read_text() == "mine\n"


def test_the_first_suite_is_named(tmp_path):
    record = discovery.Discovered(
        pid=7, env="e", urls={"api": "http://127.0.0.1:1"}, started_at="", project=""
    )
    discovery.publish(discovery.kept_file(tmp_path), record)
    with (
        taken(tmp_path),
        pytest.raises(Failed, match=r"another suite runs in .* \(pid 7, http://127\.0\.0\.1:1\)"),
        taken(tmp_path),
    ):
        pass


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Failed, match="cannot be used") as raised, taken(tmp_path / "file"):
        pass
    assert "--data-dir" in raised.value.hint


def test_a_file_system_without_locks_is_told_and_used(tmp_path, monkeypatch, capsys):
    def no_locks(lock: FolderLock) -> bool:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(data_folder.FolderLock, "acquire", no_locks)
    with taken(tmp_path):
        pass
    assert "knows no locks" in capsys.readouterr().err
