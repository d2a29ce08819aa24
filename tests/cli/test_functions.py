"""`cloud-emu fn`: functions of a suite that runs elsewhere."""

import json
import signal
import sys

import pytest

posix = pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")


def test_functions_are_listed(suite):
    cli, _ = suite
    done = cli("fn", "list")
    assert (done.code, done.out) == (0, "hello  ready   python\n")
    assert [each["name"] for each in cli("fn", "list", "--json").json] == ["hello"]


def test_a_function_that_does_not_load_is_listed_with_the_reason(cli):
    (cli.project / "functions" / "bad").mkdir()
    (cli.project / "functions" / "bad" / "index.py").write_text("x = 1\ndef main(:\n")
    cli.start()
    done = cli("fn", "list")
    assert done.code == 1
    line = next(line for line in done.out.splitlines() if line.startswith("bad"))
    assert "failed" in line
    assert "index.py:2: " in line


@pytest.mark.parametrize(
    ("arguments", "event"),
    [
        pytest.param([], {}, id="nothing"),
        pytest.param(["--data", '{"名": [1, 2.5, null]}'], {"名": [1, 2.5, None]}, id="text"),
    ],
)
def test_the_result_is_on_standard_output_and_logs_beside_it(suite, arguments, event):
    cli, _ = suite
    done = cli("fn", "invoke", "hello", *arguments)
    assert done.code == 0
    assert done.json == {"event": event}
    assert done.err == "info  called\n"


def test_the_event_may_come_from_a_file_or_standard_input(suite):
    cli, _ = suite
    (cli.project / "event.json").write_text('{"a": 1}', encoding="utf-8-sig")
    assert cli("fn", "invoke", "hello", "--data", "@event.json").json == {"event": {"a": 1}}
    told = cli("fn", "invoke", "hello", "--data", "-", input='{"b": 2}')
    assert told.json == {"event": {"b": 2}}


def test_a_user_may_be_named(suite):
    cli, _ = suite
    answer = cli("fn", "invoke", "hello", "--openid", "oAda", "--json").json
    assert answer["result"]["event"]["userInfo"]["openId"] == "oAda"
    assert set(answer) >= {"request_id", "duration_ms", "logs"}


def test_a_function_that_fails_fails_the_command(suite):
    cli, _ = suite
    done = cli("fn", "invoke", "hello", "--data", '{"fail": true}')
    assert (done.code, done.out) == (1, "")
    assert "as asked" in done.err
    assert "index.py" in done.err
    assert cli("fn", "invoke", "hello", "--data", '{"fail": true}', "--json").code == 1


@pytest.mark.parametrize("data", ["{", "@none.json"])
def test_an_event_that_is_no_json_is_wrong_usage(suite, data):
    cli, _ = suite
    assert cli("fn", "invoke", "hello", "--data", data).code == 2


def test_a_function_that_is_not_there_is_told(suite):
    cli, _ = suite
    done = cli("fn", "invoke", "helo", "--json")
    assert done.code == 1
    assert done.json["code"] == "FUNCTION_NOT_FOUND"
    assert "helo" in done.json["message"]


def test_logs_are_shown_and_counted(suite):
    cli, _ = suite
    for _ in "ab":
        cli("fn", "invoke", "hello")
    told = cli("fn", "log", "hello", "--limit", "2", "--json").out.splitlines()
    assert len(told) == 2
    assert json.loads(told[-1])["line"] == "called"
    assert "called" in cli("fn", "log").out
    wrong = cli("fn", "log", "helo", "--json")
    assert (wrong.code, wrong.json["code"]) == (1, "FUNCTION_NOT_FOUND")
    assert wrong.json["hint"] == "did you mean hello?"


@posix
def test_logs_are_followed_until_ctrl_c(suite):
    cli, _ = suite
    cli("reset")
    cli("fn", "invoke", "hello")
    following = cli.begin("fn", "log", "hello", "-f", "--json")
    following.line(lambda line: "called" in line)
    cli("fn", "invoke", "hello")
    following.line(lambda line: "called" in line)
    following.signal(signal.SIGINT)
    assert following.ended() == 130


def test_a_new_function_is_taken_up_by_the_running_suite(cli):
    cli.start()
    done = cli("fn", "new", "fresh", "--json")
    assert done.code == 0
    assert (cli.project / "functions" / "fresh" / "config.json").exists()
    answer = cli("fn", "invoke", "fresh", "--data", '{"name": "Ada"}').json
    assert answer["message"] == "Hello, Ada!"


def test_a_new_function_needs_no_suite_and_touches_nothing(cli):
    done = cli("fn", "new", "hello")
    assert done.code == 1
    assert "is there already" in done.err
    assert "called" in (cli.project / "functions" / "hello" / "index.py").read_text()
    assert cli("fn", "new", "other").code == 0


@pytest.mark.parametrize("name", ["1st", "a b", "../x", "a" * 61])
def test_a_name_the_cloud_refuses_is_refused(cli, name):
    done = cli("fn", "new", name)
    assert done.code == 2
    assert "is no name for a function" in done.err


def test_inside_exec_the_suite_is_found_by_the_variable(cli):
    done = cli("exec", "--", sys.executable, "-m", "emulator", "fn", "invoke", "hello")
    assert (done.code, done.json) == (0, {"event": {}})


def test_without_a_suite_functions_are_listed_as_they_lie_on_disk(cli):
    done = cli("fn", "list")
    assert (done.code, done.out) == (0, "hello  idle    python\n")


def test_without_a_suite_the_way_to_one_is_told(cli):
    done = cli("fn", "invoke", "hello")
    assert done.code == 1
    assert "start one: cloud-emu start" in done.err


def test_log_is_narrowed_by_level_and_request(suite):
    cli, _ = suite
    failed = cli("fn", "invoke", "hello", "--data", '{"fail": true}', "--json").json
    other = cli("fn", "invoke", "hello", "--json").json
    grave = cli("fn", "log", "--level", "error", "--json").out
    assert "as asked" in grave
    assert other["request_id"] not in grave
    one = cli("fn", "log", "--request", other["request_id"], "--json").out
    assert other["request_id"] in one
    assert failed["request_id"] not in one
