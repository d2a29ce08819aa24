"""The calls that reach the disk."""

import errno
from pathlib import Path

import pytest

from emulator.stores.files import Files, write_all


def test_appending_goes_to_the_end_after_a_cut(tmp_path: Path):
    files = Files()
    descriptor = files.open_new(tmp_path / "a")
    files.write(descriptor, b"one two")
    files.truncate(descriptor, 3)
    files.write(descriptor, b"!")
    files.close(descriptor)
    assert (tmp_path / "a").read_bytes() == b"one!"


def test_a_new_file_takes_the_place_of_a_leftover(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"leftover")
    files = Files()
    files.close(files.open_new(tmp_path / "a"))
    assert (tmp_path / "a").read_bytes() == b""


def test_files_are_replaced_and_removed(tmp_path: Path):
    (tmp_path / "new").write_bytes(b"new")
    (tmp_path / "old").write_bytes(b"old")
    files = Files()
    files.replace(tmp_path / "new", tmp_path / "old")
    files.sync_folder(tmp_path)
    assert (tmp_path / "old").read_bytes() == b"new"
    files.remove(tmp_path / "old")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step_bytes", [1, 2, 3, 7, 100])
def test_every_byte_is_written_however_few_go_at_once(tmp_path: Path, files, step_bytes):
    files.write_bytes_max = step_bytes
    descriptor = files.open_new(tmp_path / "a")
    write_all(files, descriptor, b"0123456789")
    files.close(descriptor)
    assert (tmp_path / "a").read_bytes() == b"0123456789"


def test_a_disk_that_takes_nothing_is_full_not_an_endless_loop(tmp_path: Path, files):
    files.write_bytes_max = 0
    descriptor = files.open_new(tmp_path / "a")
    with pytest.raises(OSError, match="no more bytes") as raised:
        write_all(files, descriptor, b"0123456789")
    assert raised.value.errno == errno.ENOSPC
