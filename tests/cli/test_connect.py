"""Which suite a command means."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from emulator.cli import discovery
from emulator.cli.connect import connect, not_running, running_suite
from emulator.cli.output import Failed
from emulator.core.errors import ConfigurationError


class Health(BaseHTTPRequestHandler):
    """Answers like the suite whose process this is."""

    def do_GET(self):
        body = json.dumps({"status": "ready", "pid": os.getpid()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with nothing in it; no suite of whoever runs the tests is in reach."""
    monkeypatch.delenv("CLOUD_EMU_URL", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "run"))
    (tmp_path / "run").mkdir()
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


@pytest.fixture
def url():
    """The address of something that answers as a suite does."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Health)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def leave_file(path: Path, url: str) -> None:
    record = discovery.Discovered(
        pid=os.getpid(), env="demo-env", urls={"api": url}, started_at="2026-01-01T00:00:00.000Z"
    )
    discovery.publish(path, record)


def test_nothing_runs_and_the_failure_says_how_to_start(project):
    assert running_suite(project) is None
    with pytest.raises(Failed) as caught:
        connect(project)
    assert caught.value.code == "NOT_RUNNING"
    assert caught.value.hint == f'start one: cloud-emu start "{project}"'


def test_here_needs_no_name():
    assert not_running(Path()).hint == "start one: cloud-emu start"


@pytest.mark.parametrize("is_kept", [True, False])
def test_the_projects_file_says_where_it_is(project, url, is_kept):
    kept = discovery.kept_file(project / ".cloud-emu")
    leave_file(kept if is_kept else discovery.ephemeral_file(project), url)
    assert connect(project).url == url


def test_the_data_folder_is_the_configured_one(project, url):
    (project / ".emulator.toml").write_text('[emulator]\ndata_dir = "elsewhere"\n')
    leave_file(discovery.kept_file(project / "elsewhere"), url)
    assert connect(project).url == url


def test_a_broken_configuration_does_not_hide_a_suite_that_runs(project, url):
    (project / ".emulator.toml").write_text("[emulator\n")
    leave_file(discovery.kept_file(project / ".cloud-emu"), url)
    assert connect(project).url == url


def test_a_broken_configuration_is_told_when_nothing_runs(project):
    (project / ".emulator.toml").write_text("[emulator\n")
    with pytest.raises(ConfigurationError):
        connect(project)


def test_the_variable_means_here_and_a_named_project_is_stronger(project, url, monkeypatch):
    monkeypatch.setenv("CLOUD_EMU_URL", "http://127.0.0.1:9")
    leave_file(discovery.kept_file(project / ".cloud-emu"), url)
    assert connect(Path()).url == "http://127.0.0.1:9"
    assert connect(project).url == url
