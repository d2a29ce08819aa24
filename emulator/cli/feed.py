"""Owns how what happens in a running suite reads as one line, to people or to programs.

Not here: what happens (the suite's feed says it) and the printing (`cli.printer`). The one idea: a
line is time, who, what; an event nobody knows shows its message.
"""

import time
from collections.abc import Callable, Mapping
from json import JSONEncoder  # by name: functions share the module and may break it
from typing import Any, Final

import orjson

from emulator.ambient import SystemClock
from emulator.cli.output import bold, colored, faint

Event = Mapping[str, Any]

WHO_MIN_CHARACTERS: Final = 14
_LEVEL_COLORS: Final[Mapping[str, str]] = {
    "error": "red",
    "warning": "yellow",
    "warn": "yellow",
}
_encode_ascii: Final = JSONEncoder(default=str, separators=(",", ":")).encode


def json_line(event: Event) -> str:
    """Return an event for programs; plain ASCII, so that no code page can spoil it."""
    try:
        encoded = orjson.dumps(event, default=str)
    except TypeError:  # a number of more than 64 bits
        return _encode_ascii(event)
    return encoded.decode() if encoded.isascii() else _encode_ascii(event)


def left_out(count: int, *, as_json: bool) -> str:
    """Return the line in place of so many that came faster than they were read."""
    message = f"({count} lines were left out: they came faster than they were read)"
    if as_json:
        return json_line({"event": "left_out", "lines": count, "message": message})
    return message


class Feed:
    """Turns the events of one suite into lines."""

    def __init__(self, put: Callable[[str], None], *, errors_only: bool = False) -> None:
        self._put = put
        self._errors_only = errors_only
        self._clock = SystemClock()
        self._last_logged = ""

    def hear(self, event: Event) -> None:
        """Print what an event says, if it says anything to people."""
        kind = event.get("event")
        if kind == "log":
            self._log(event)
        elif event.get("message") and event["message"] != self._last_logged:
            # A notice also is a log line, which came just before it.
            self._line(event, str(event["message"]), str(event.get("level", "info")))

    def _log(self, event: Event) -> None:
        text = str(event.get("line", event.get("message", "")))
        self._last_logged = text
        self._line(event, text, str(event.get("level", "info")))

    def _line(self, event: Event, text: str, level: str) -> None:
        if self._errors_only and level != "error":
            return
        color = _LEVEL_COLORS.get(level)
        shown = colored(text, color) if color else text
        who = str(event.get("function") or "suite").ljust(WHO_MIN_CHARACTERS)
        self._put(f"{faint(self._time(event))}  {bold(who)}  {shown}")

    def _time(self, event: Event) -> str:
        at_ms = event.get("at_ms") or self._clock.now_ms()
        return time.strftime("%H:%M:%S", time.localtime(at_ms / 1000))
