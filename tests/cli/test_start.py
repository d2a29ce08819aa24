"""`cloud-emu start` as a process: what it says, and how it ends."""

import json
import os
import signal
import socket
import sys
import threading
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from emulator.cli import run

WAIT_MAX_S = 20.0
posix = pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")


def ask(url: str, path: str, method: str = "GET") -> object:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname, parts.port, timeout=5)
    try:
        connection.request(method, path)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def test_the_first_line_tells_programs_all_they_need(cli):
    _, ready = cli.start()
    assert ready["env"] == "demo-env"
    assert ready["data_dir"] == str(cli.project / ".cloud-emu")
    assert [(each["name"], each["state"]) for each in ready["functions"]] == [("hello", "ready")]
    assert ready["variables"]["CLOUD_EMU_URL"] == ready["urls"]["api"]
    assert ready["variables"]["TCB_ENV"] == "demo-env"
    assert ask(ready["urls"]["api"], "/_emu/health")["pid"] == ready["pid"]


def test_what_happens_is_told_line_by_line(cli):
    running, ready = cli.start()
    ask(ready["urls"]["api"], "/_emu/functions/hello/invoke", "POST")
    told = running.event("log")
    assert (told["function"], told["line"]) == ("hello", "called")


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_it_cleanly(cli, number):
    running, _ = cli.start()
    discovery = cli.project / ".cloud-emu" / "emulator.json"
    assert discovery.exists()
    running.signal(number)
    running.event("stopped")
    assert running.ended() == 0
    assert not discovery.exists()


HANGS = """
import time

def main(event, context):
    print("hangs")
    while event.get("spins"):
        pass
    time.sleep(60)
"""


@posix
@pytest.mark.parametrize("event", [{}, {"spins": True}], ids=["sleeps", "spins"])
def test_it_stops_while_functions_run_and_connections_are_open(cli, event):
    (cli.project / "functions" / "hello" / "index.py").write_text(HANGS)
    (cli.project / "functions" / "hello" / "config.json").write_text('{"timeout": 60}')
    running, ready = cli.start()
    parts = urlsplit(ready["urls"]["api"])
    with socket.create_connection((parts.hostname, parts.port)):
        cli.begin("fn", "invoke", "hello", "--data", json.dumps(event))
        cli.begin("fn", "log", "--follow")
        running.event("log")
        running.signal(signal.SIGINT)
        running.event("stopped")
        assert running.ended() == 0


@posix
def test_two_signals_at_once_are_one(cli):
    running, _ = cli.start()
    running.signal(signal.SIGINT)
    running.signal(signal.SIGINT)
    running.event("stopped")
    assert running.ended() == 0


@posix
def test_a_signal_before_it_is_ready_ends_it_with_130(cli):
    (cli.project / "functions" / "hello" / "index.py").write_text("import time; time.sleep(60)")
    running = cli.begin("start", "--port", "0", "--site-port", "0")
    deadline = time.monotonic() + WAIT_MAX_S
    while not (cli.project / ".cloud-emu" / "emulator.lock").exists():
        assert time.monotonic() < deadline
    running.signal(signal.SIGINT)
    assert running.ended() == 130


@posix
def test_a_reader_that_goes_stops_it(cli):
    reader, writer = os.pipe()
    running = cli.begin("start", "--port", "0", "--site-port", "0", "--json", stdout=writer)
    os.close(writer)
    with open(reader, encoding="utf-8") as lines:
        url = json.loads(lines.readline())["urls"]["api"]
    deadline = time.monotonic() + WAIT_MAX_S
    while running.process.poll() is None and time.monotonic() < deadline:
        try:
            ask(url, "/_emu/functions/hello/invoke", "POST")
        except (OSError, HTTPException):
            break
    assert running.ended() == 0


def test_people_read_a_banner_and_then_lines(cli):
    (cli.project / "functions" / "broken").mkdir()
    (cli.project / "functions" / "broken" / "index.py").write_text("def main(:\n")
    running = cli.begin("start", "--port", "0", "--site-port", "0")
    running.line(lambda line: line == "Ctrl-C stops.")
    text = "\n".join(running.seen)
    assert "environment demo-env" in text
    assert "API       http://127.0.0.1:" in text
    assert f"Data      {cli.project / '.cloud-emu'}" in text
    assert "ok      hello" in text
    assert "failed  broken" in text
    assert "index.py:1: " in text
    assert "TCB_ENV" in text


def test_a_second_suite_in_the_same_folder_is_refused_and_told_of_the_first(cli):
    _, ready = cli.start()
    second = cli("start", "--port", "0", "--site-port", "0")
    assert second.code == 1
    assert f"another suite runs in {cli.project / '.cloud-emu'}" in second.err
    assert f"pid {ready['pid']}, {ready['urls']['api']}" in second.err
    assert "--ephemeral" in second.err


def test_a_second_suite_that_keeps_nothing_is_welcome(cli):
    cli.start()
    cli.start("--ephemeral")


def test_the_holder_of_a_busy_port_is_named(cli):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        done = cli("start", "--port", str(port), "--json")
    assert done.code == 1
    assert done.json["event"] == "failed"
    assert done.json["code"] == "PORT_TAKEN"
    assert f"port {port} is taken by " in done.json["message"]
    assert "--port 0" in done.json["hint"]


def test_a_suite_on_the_port_is_named_with_its_project(cli, tmp_path):
    _, ready = cli.start()
    other = tmp_path / "other"
    other.mkdir()
    port = urlsplit(ready["urls"]["api"]).port
    done = cli("start", str(other), "--port", str(port), "--site-port", "0")
    assert done.code == 1
    assert f"port {port} is taken by the suite of {cli.project}" in done.err
    assert f'cloud-emu stop "{cli.project}"' in done.err


def test_a_wrong_configuration_is_told_with_its_line(cli):
    (cli.project / ".emulator.toml").write_text("[emulator]\nprot = 1\n")
    done = cli("start")
    assert done.code == 2
    assert (
        'error: .emulator.toml:2: emulator.prot: no such setting; did you mean "port"?' in done.err
    )
    assert cli("start", "--json").json["event"] == "failed"


@posix
def test_a_killed_suite_leaves_nothing_in_the_way(cli):
    running, first = cli.start()
    running.process.kill()
    running.ended()
    assert (cli.project / ".cloud-emu" / "emulator.json").exists()
    assert cli("status").code == 1
    _, second = cli.start()
    assert second["pid"] != first["pid"]


def test_the_data_folder_stays_out_of_version_control(cli):
    cli.start()
    assert (cli.project / ".cloud-emu" / ".gitignore").read_text() == "*\n"


def test_an_ephemeral_suite_leaves_no_folder_and_is_found_all_the_same(cli):
    _, ready = cli.start("--ephemeral")
    assert ready["data_dir"] is None
    assert not (cli.project / ".cloud-emu").exists()
    assert cli("status", "--json").json["pid"] == ready["pid"]


def test_a_data_folder_that_cannot_be_made_is_told(cli):
    Path(cli.project, "file").write_text("")
    done = cli("start", "--data-dir", "file/data")
    assert done.code == 1
    assert f"the data folder {cli.project / 'file' / 'data'} cannot be used" in done.err


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["people", "programs"])
def test_a_suite_in_this_process_ends_when_it_is_asked_to(tmp_path, capsys, options):
    write = tmp_path / "functions" / "hello" / "index.py"
    write.parent.mkdir(parents=True)
    write.write_text("def main(event, context): ...")
    stopper = threading.Thread(target=stop_when_ready, args=(tmp_path / ".cloud-emu",))
    stopper.start()
    code = run(["start", str(tmp_path), "--port", "0", "--site-port", "0", *options])
    stopper.join(WAIT_MAX_S)
    said = capsys.readouterr().out
    assert code == 0
    if options:
        events = [json.loads(line)["event"] for line in said.splitlines()]
        assert (events[0], events[-2:]) == ("ready", ["stopping", "stopped"])
    else:
        assert "ok      hello" in said
        assert said.endswith("stopping\n")


def stop_when_ready(data_dir: Path) -> None:
    file, deadline = data_dir / "emulator.json", time.monotonic() + WAIT_MAX_S
    while not file.exists():
        assert time.monotonic() < deadline
    ask(json.loads(file.read_text())["urls"]["api"], "/_emu/stop", "POST")
