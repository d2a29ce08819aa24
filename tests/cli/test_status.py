"""`status`, `stop` and `wait` on suites that run in other processes."""

import contextlib
import json
import subprocess
import sys
from urllib.request import urlopen

import pytest

from emulator.cli.banner import exports


def test_status_tells_where_the_suite_is(suite):
    cli, ready = suite
    done = cli("status")
    assert done.code == 0
    assert f"pid {ready['pid']}" in done.out
    assert f"API          {ready['urls']['api']}" in done.out
    assert "functions    1" in done.out


def test_status_tells_programs_everything(suite):
    cli, ready = suite
    told = cli("status", "--json").json
    assert told["running"] is True
    assert told["urls"] == ready["urls"]
    assert told["started_at"].endswith("Z")


def test_a_project_is_named_from_anywhere(suite, tmp_path):
    cli, ready = suite
    assert cli("status", str(cli.project), "--json", cwd=tmp_path).json["pid"] == ready["pid"]
    assert cli("status", cwd=tmp_path).code == 1


def test_waiting_for_a_suite_that_is_ready_answers_at_once(suite):
    cli, ready = suite
    done = cli("wait", "--ready", "--json", "--timeout", "5")
    assert done.code == 0
    assert (done.json["status"], done.json["urls"]) == ("ready", ready["urls"])


def test_waiting_for_idle_answers_when_nothing_runs(suite):
    cli, _ = suite
    done = cli("wait", "--idle", "--timeout", "5")
    assert (done.code, done.out) == (0, "idle\n")


def test_status_without_a_suite_fails(cli):
    done = cli("status")
    assert (done.code, done.out) == (1, f"no suite is running for {cli.project}\n")
    assert cli("status", "--json").json == {"running": False}


def test_stopping_nothing_is_no_failure(cli):
    done = cli("stop", "--json")
    assert (done.code, done.json) == (0, {"stopped": False})


def test_stop_returns_when_the_process_has_ended(cli):
    running, ready = cli.start()
    done = cli("stop", "--json")
    assert (done.code, done.json) == (0, {"stopped": True, "pid": ready["pid"]})
    running.event("stopped")
    assert running.ended() == 0
    assert cli("status").code == 1


def test_a_suite_can_be_stopped_although_its_configuration_broke(cli):
    running, _ = cli.start()
    (cli.project / ".emulator.toml").write_text("[emulator\n")
    assert cli("stop").code == 0
    assert running.ended() == 0
    assert cli("stop").code == 2


STUCK = """\
import re


def main(event, context):
    re.match(r"(a+)+$", "a" * 60 + "b")
"""


def test_a_suite_that_answers_nobody_is_told_and_ended(cli):
    """A regular expression lets no other Python run: not the suite, not its signals."""
    folder = cli.project / "functions" / "stuck"
    folder.mkdir(parents=True)
    (folder / "index.py").write_text(STUCK)
    running, ready = cli.start()
    with contextlib.suppress(TimeoutError):
        urlopen(f"{ready['urls']['api']}/_emu/functions/stuck/invoke", data=b"{}", timeout=0.5)
    told = cli("status", "--json")
    assert (told.code, told.json["code"]) == (1, "NO_ANSWER")
    assert f"pid {ready['pid']}" in told.json["message"]
    assert cli("fn", "log").code == 1
    assert "lives but does not answer" in cli("doctor").out
    stopped = cli("stop", "--json")
    assert stopped.json == {"stopped": True, "pid": ready["pid"], "killed": True}
    running.ended()
    _, again = cli.start()
    assert again["pid"] != ready["pid"]


def test_waiting_has_an_end(cli):
    done = cli("wait", "--ready", "--timeout", "0.2")
    assert done.code == 1
    assert f"no suite is running for {cli.project}" in done.err
    assert cli("wait", "--idle", "--timeout", "0.2").code == 1


def test_waiting_wants_to_know_for_what(cli):
    done = cli("wait")
    assert done.code == 2
    assert "give --ready or --idle" in done.err


def test_waiting_begins_before_the_suite_does(cli):
    waiting = cli.begin("wait", "--ready", "--json")
    _, ready = cli.start()
    assert waiting.line(lambda line: ready["urls"]["api"] in line)
    assert waiting.ended() == 0


WAITS_FOR_A_FILE = """
import os, time

def main(event, context):
    while not os.path.exists(event["file"]):
        time.sleep(0.01)
"""


def test_not_being_idle_in_time_is_a_failure_that_says_what_runs(cli, tmp_path):
    folder, file = cli.project / "functions" / "hello", tmp_path / "go on"
    (folder / "index.py").write_text(WAITS_FOR_A_FILE)
    (folder / "config.json").write_text('{"timeout": 60}')
    cli.start()
    calling = cli.begin("fn", "invoke", "hello", "--data", json.dumps({"file": str(file)}))
    done = cli("wait", "--idle", "--timeout", "0", "--json")
    while done.code == 0:  # the call was not there yet
        done = cli("wait", "--idle", "--timeout", "0", "--json")
    assert done.json["code"] == "NOT_IDLE"
    assert "hello" in done.json["message"]
    file.write_text("")
    assert calling.ended() == 0


def test_lines_for_the_shell_point_a_program_here(suite):
    cli, ready = suite
    done = cli("status", "--env")
    assert done.code == 0
    assert list(exports(ready["variables"], windows=sys.platform == "win32")) == (
        done.out.splitlines()
    )


@pytest.mark.skipif(sys.platform == "win32", reason="runs a POSIX shell")
def test_a_shell_takes_the_lines_as_they_are(suite):
    cli, ready = suite
    show = "import json, os; print(json.dumps(dict(os.environ)))"
    line = f"eval \"$({sys.executable} -m emulator status --env)\"; {sys.executable} -c '{show}'"
    done = subprocess.run(
        ["sh", "-c", line], cwd=cli.project, env=cli.environ, capture_output=True, check=True
    )
    environ = json.loads(done.stdout)
    assert {name: environ[name] for name in ready["variables"]} == ready["variables"]


def test_without_a_suite_there_is_nothing_for_the_shell(cli):
    done = cli("status", "--env")
    assert (done.code, done.out) == (1, "")
    assert "start one: cloud-emu start" in done.err
