"""What happens in a suite, line by line."""

import json
import re

import click
import pytest

from emulator.cli.feed import Feed, json_line, left_out

AT = {"at_ms": 1_767_225_600_000}


def lines(*events, **options) -> list[str]:
    """Return what is printed, without colours and times."""
    printed: list[str] = []
    feed = Feed(printed.append, **options)
    for event in events:
        feed.hear(event)
    assert all(re.match(r"\d\d:\d\d:\d\d  ", click.unstyle(line)) for line in printed)
    return [click.unstyle(line)[10:] for line in printed]


@pytest.mark.parametrize(
    ("event", "line"),
    [
        pytest.param(
            {"event": "log", "level": "info", "function": "pay", "line": "hello", **AT},
            "pay             hello",
            id="log",
        ),
        pytest.param(
            {"event": "whatever", "message": "a new kind"},
            "suite           a new kind",
            id="unknown-kind",
        ),
    ],
)
def test_an_event_is_one_line_of_who_and_what(event, line):
    assert lines(event) == [line]


def test_an_event_that_says_nothing_prints_nothing():
    assert lines({"event": "tick"}) == []


def test_a_notice_that_was_logged_is_not_printed_twice():
    logged = {"event": "log", "level": "info", "function": "pay", "line": "function pay reloaded"}
    notice = {"event": "reloaded", "message": "function pay reloaded", "function": "pay"}
    assert lines(logged, notice) == ["pay             function pay reloaded"]


def test_beside_a_command_only_errors_are_printed():
    info = {"event": "log", "level": "info", "line": "fine"}
    error = {"event": "log", "level": "error", "line": "bad"}
    assert lines(info, error, errors_only=True) == ["suite           bad"]


def test_errors_are_red():
    printed: list[str] = []
    Feed(printed.append).hear({"event": "log", "level": "error", "line": "bad"})
    assert click.style("bad", fg="red") in printed[0]


@pytest.mark.parametrize(
    "event",
    [
        pytest.param({"event": "log", "line": "fine", "data": {"a": [1, None, True]}}, id="plain"),
        pytest.param({"event": "log", "line": "你好 \U0001f600"}, id="beyond-ascii"),
        pytest.param({"event": "log", "data": {"a": 2**80}}, id="large-number"),
        pytest.param({"event": "log", "line": "two\nlines\u2028"}, id="line-breaks"),
    ],
)
def test_an_event_for_programs_is_one_line_of_ascii(event):
    line = json_line(event)
    assert line.isascii()
    assert "\n" not in line
    assert json.loads(line) == event


def test_what_json_does_not_know_is_text():
    assert json.loads(json_line({"at": re.compile("a")})) == {"at": "re.compile('a')"}


def test_lines_that_are_missing_are_told_to_people_and_to_programs():
    told = left_out(3, as_json=False)
    assert told == "(3 lines were left out: they came faster than they were read)"
    event = {"event": "left_out", "lines": 3, "message": told}
    assert json.loads(left_out(3, as_json=True)) == event
