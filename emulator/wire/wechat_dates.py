"""Owns `new Date(...)`: numbers and texts to dates, as JavaScript reads them where the zone is UTC.

Texts are ISO 8601, its usual kin with spaces and slashes, and what `toString()` and `toUTCString()`
of a date give; others, whose meaning differs from one JavaScript to the next, are refused.
"""

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Final

from emulator.core.errors import InvalidParam
from emulator.core.values import Date, Value

DATE_MAX_MS: Final = 8_640_000_000_000_000
"""A hundred million days around 1970, ECMAScript's own bound."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_TEXT: Final = re.compile(
    r"([0-9]{4})(?:([-/])([0-9]{1,2})(?:\2([0-9]{1,2}))?)?"
    r"(?:[Tt ]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?)?"
    r" ?(?:([Zz])|([+-])([0-9]{2}):?([0-9]{2}))?\Z"
)
_MONTHS: Final = [
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
]
_WORDED: Final = re.compile(
    r"[A-Z][a-z]{2}(?: (?P<month>[A-Z][a-z]{2}) (?P<day>[0-9]{2})|"
    r", (?P<utc_day>[0-9]{2}) (?P<utc_month>[A-Z][a-z]{2})) (?P<year>[0-9]{4})"
    r"(?P<time> [0-9]{2}:[0-9]{2}:[0-9]{2})(?: GMT(?P<zone>[+-][0-9]{4})?(?: \(.*\))?)?\Z"
)
_PART_DEFAULTS: Final = (0, 0, 1, 0, 0, 0, 0)
_YEARS_MAX: Final = 270_000


def date_of(parts: tuple[Value, ...], now_ms: int) -> Date:
    """Return the date of the arguments of `new Date`: none, milliseconds, a text, a date, parts.

    Raises:
        InvalidParam: they are no date.
    """
    if not parts:
        return Date(now_ms)
    if len(parts) > 1:
        return Date(utc_ms(*parts))
    first = parts[0]
    if type(first) is Date:
        return first
    if type(first) is str:
        return Date(_text_ms(first))
    return Date(_bounded(_whole(first, "the milliseconds")))


def utc_ms(*parts: Value) -> int:
    """Return the milliseconds of year, month from 0, day, hour, minute, second and millisecond.

    Parts may be out of their range and carry over, as in JavaScript.

    Raises:
        InvalidParam: they are no date.
    """
    numbers = [_whole(part, "a part of the date") for part in parts]
    numbers += _PART_DEFAULTS[len(numbers) :]
    year, month, day, hour, minute, second, ms = numbers
    if 0 <= year <= 99:
        year += 1900
    year, month = year + month // 12, month % 12
    if abs(year) > _YEARS_MAX:
        raise _no_date(year)
    days = _days_before(year, month) + day - 1
    return _bounded(((days * 24 + hour) * 60 + minute) * 60_000 + second * 1000 + ms)


def _days_before(year: int, month: int) -> int:
    # The Gregorian calendar repeats every 400 years, which lets `datetime` do years beyond its own.
    cycles, within = divmod(year - 1970, 400)
    return cycles * 146_097 + (datetime(1970 + within, month + 1, 1, tzinfo=UTC) - _EPOCH).days


def _text_ms(text: str) -> int:
    found = _TEXT.match(_unworded(text.strip()))
    if found is None:
        raise _no_date(text)
    year, _, month, day, hour, minute, second, fraction, _, sign, hours, minutes = found.groups()
    try:
        moment = datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            int((fraction or "0").ljust(6, "0")[:6]),
            tzinfo=UTC,
        )
    except ValueError as fault:
        raise _no_date(text) from fault
    east = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    return (moment - _EPOCH) // _MILLISECOND - (east // _MILLISECOND) * (-1 if sign == "-" else 1)


def _unworded(text: str) -> str:
    """Return `Fri Feb 01 2019 08:00:00 GMT+0800` in figures, another text as it is."""
    found = _WORDED.match(text)
    month = found and (found["month"] or found["utc_month"])
    if found is None or month not in _MONTHS:
        return text
    day, number = found["day"] or found["utc_day"], _MONTHS.index(month) + 1
    return f"{found['year']}-{number:02d}-{day}{found['time']}{found['zone'] or ''}"


def _whole(value: Value, what: str) -> int:
    if type(value) is int:
        return value
    if type(value) is float and math.isfinite(value):
        return math.trunc(value)
    raise InvalidParam(f"{what} must be a number, not {value!r:.40}")


def _bounded(ms: int) -> int:
    if abs(ms) > DATE_MAX_MS:
        raise _no_date(ms)
    return ms


def _no_date(value: Value) -> InvalidParam:
    return InvalidParam(
        f"{value!r:.40} is no date", hint="write ISO 8601, such as 2026-01-31T12:00:00.000Z"
    )
