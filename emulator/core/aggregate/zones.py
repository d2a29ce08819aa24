"""Owns time zones by name or offset: how far ahead of UTC a place is at a moment.

Not here: the calendar (`dates`). The one idea: the tz database speaks through `zoneinfo`; moments
outside the years that Python's dates know are asked about in a year of the same calendar, a
multiple of 400 years away.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from emulator.core.aggregate.dates import DAY_MS, ERA_DAYS, SECOND_MS
from emulator.core.aggregate.nodes import refusal
from emulator.core.records import dataclass

_CACHED_ZONES: Final = 64
_OFFSET: Final = re.compile(r"([+-])(\d\d)(?::?(\d\d))?\Z")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*\Z")
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001  # arithmetic only, never a moment
_ERA_MS: Final = ERA_DAYS * DAY_MS
_FIRST_MS: Final = -62_104_060_800_000
_LAST_MS: Final = 253_370_764_800_000
"""2 January of year 2 and of year 9999: within, an offset never leaves Python's years."""


@dataclass(frozen=True, slots=True, eq=False)
class Zone:
    """A place: its offset at a moment, and at what its own clocks show."""

    offset_s: Callable[[int], int]
    offset_of_local_s: Callable[[int], int]

    def to_utc(self, local_ms: int) -> int:
        """Return UTC milliseconds of what the place's clocks show."""
        return local_ms - self.offset_of_local_s(local_ms) * SECOND_MS


def fixed_zone(offset_s: int) -> Zone:
    """Return the place that is always so many seconds ahead of UTC."""
    return Zone(lambda _ms: offset_s, lambda _ms: offset_s)


UTC_ZONE: Final = fixed_zone(0)


@lru_cache(maxsize=_CACHED_ZONES)
def zone(text: str) -> Zone:
    """Return the zone of an Olson name or an offset such as `+08:00`, `+0800` or `+08`.

    Raises:
        DatabaseRequestFailed: there is no such zone (40485).
    """
    if text in ("UTC", "GMT", "Z"):
        return UTC_ZONE
    found = _OFFSET.match(text)
    if found is not None:
        sign, hours, minutes = found.groups()
        seconds = int(hours) * 3600 + int(minutes or 0) * 60
        return fixed_zone(-seconds if sign == "-" else seconds)
    return _named(text)


def _named(text: str) -> Zone:
    if _NAME.match(text) is None:
        raise _unknown(text)
    try:
        info = ZoneInfo(text)
    except (KeyError, OSError, ValueError) as fault:
        raise _unknown(text) from fault
    return Zone(lambda ms: _offset(info, ms), lambda ms: _offset_of_local(info, ms))


def _unknown(text: str) -> Exception:
    return refusal(f'unrecognized time zone identifier: "{text}"', 40485)


def _shown(ms: int) -> datetime:
    """Return milliseconds as a date Python can hold, maybe some 400 years away."""
    if ms < _FIRST_MS:
        ms += (-(ms - _FIRST_MS) // _ERA_MS + 1) * _ERA_MS
    elif ms > _LAST_MS:
        ms -= ((ms - _LAST_MS) // _ERA_MS + 1) * _ERA_MS
    return _EPOCH + timedelta(milliseconds=ms)


def _offset(info: ZoneInfo, ms: int) -> int:
    return _seconds(info.fromutc(_shown(ms).replace(tzinfo=info)).utcoffset())


def _offset_of_local(info: ZoneInfo, local_ms: int) -> int:
    return _seconds(_shown(local_ms).replace(tzinfo=info).utcoffset())


def _seconds(offset: timedelta | None) -> int:
    return 0 if offset is None else int(offset.total_seconds())
