"""The discovery file, and what makes it count."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from emulator.cli import discovery
from emulator.cli.discovery import Discovered, ephemeral_file, find, kept_file, publish, read


class Health(BaseHTTPRequestHandler):
    """Answers as a suite that starts, with the pid the server was given."""

    def do_GET(self) -> None:
        body = json.dumps(self.server.health).encode()
        self.send_response(503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Health)
    server.health = {"status": "starting", "pid": os.getpid()}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def record(server: ThreadingHTTPServer) -> Discovered:
    """What the file of a suite in this very process would say."""
    return Discovered(
        pid=os.getpid(),
        env="demo-env",
        urls={"api": f"http://127.0.0.1:{server.server_port}"},
        started_at="2026-01-01T00:00:00.000Z",
        project="/p",
    )


@pytest.fixture(autouse=True)
def runtime_folder(tmp_path, monkeypatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home))
    monkeypatch.setenv("LOCALAPPDATA", str(home))


def test_what_was_published_is_found(tmp_path, record):
    publish(kept_file(tmp_path / "data"), record)
    assert find(tmp_path / "data", tmp_path) == record
    stored = json.loads((tmp_path / "data" / "emulator.json").read_text())
    assert set(stored) >= {"pid", "env", "urls", "started_at"}


@pytest.mark.skipif(sys.platform == "win32", reason="rights as POSIX has them")
def test_only_its_user_may_read_the_file(tmp_path, record):
    path = ephemeral_file(tmp_path)
    publish(path, record)
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_an_ephemeral_suite_is_found_by_project(tmp_path, record):
    publish(ephemeral_file(tmp_path / "a"), record)
    assert find(tmp_path / "a" / ".cloud-emu", tmp_path / "a") == record
    assert find(tmp_path / "b" / ".cloud-emu", tmp_path / "b") is None


def test_a_process_that_is_gone_does_not_count(tmp_path, record):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    publish(kept_file(tmp_path), replace(record, pid=ended.pid))
    assert find(tmp_path, tmp_path) is None


def test_a_process_that_got_the_old_id_does_not_count(tmp_path, record, server):
    """The pid lives, and at the address a suite answers, but it is another process."""
    server.health = {"status": "ready", "pid": os.getpid() + 1}
    publish(kept_file(tmp_path), record)
    assert find(tmp_path, tmp_path) is None


def test_something_else_at_the_address_does_not_count(tmp_path, record, server):
    server.health = {"hello": "world"}
    publish(kept_file(tmp_path), record)
    assert find(tmp_path, tmp_path) is None


def test_nobody_at_the_address_does_not_count(tmp_path, record):
    publish(kept_file(tmp_path), replace(record, urls={"api": "http://127.0.0.1:9"}))
    assert find(tmp_path, tmp_path) is None


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="torn"),
        pytest.param(b"[]", id="list"),
        pytest.param(b'{"pid": "7", "urls": {}}', id="pid-as-text"),
        pytest.param(b'{"pid": 0, "urls": {}}', id="no-pid"),
        pytest.param(b'{"pid": 7}', id="no-urls"),
        pytest.param(b"\xff\xfe\x00", id="bytes"),
    ],
)
def test_a_file_that_makes_no_sense_does_not_count(tmp_path, content):
    kept_file(tmp_path).write_bytes(content)
    assert read(kept_file(tmp_path)) is None


def test_a_suite_removes_its_own_file_only(tmp_path, record):
    path = kept_file(tmp_path)
    publish(path, record)
    discovery.withdraw(path, record.pid + 1)
    assert path.exists()
    discovery.withdraw(path, record.pid)
    assert not path.exists()
    discovery.withdraw(path, record.pid)


def test_without_a_folder_of_the_system_a_temporary_one_is_used(tmp_path):
    path = ephemeral_file(tmp_path, {"XDG_RUNTIME_DIR": str(tmp_path / "nowhere")})
    assert "cloud-emu" in str(path)
    assert tmp_path not in path.parents
