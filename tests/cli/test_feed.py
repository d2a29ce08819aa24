"""What happens in a suite, line by line."""

import re

import click
import pytest

from emulator.cli.feed import Feed

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
