"""Owns days that only a calendar knows: last of a month, nearest working day, nth Monday.

Not here: times of the day and all other fields (`timer`). Notation and meaning are those of Tencent
Cloud's page on timer triggers (583/9708): `L`, `LW` and `10W` among days, `5L` and `5#2` among
weekdays. The one idea: a day is asked whether it is one of them; nothing is enumerated.
"""

import re
from calendar import monthrange
from collections.abc import Callable, Collection
from datetime import date, timedelta
from typing import Final

from emulator.core.records import dataclass

IsDay = Callable[[date], bool]

_DAY: Final = re.compile(r"L|LW|([1-9]|[12][0-9]|3[01])W")
_WEEKDAY: Final = re.compile(r"([0-7])(?:L|#([1-5]))")


@dataclass(frozen=True, slots=True)
class Days:
    """Days that fit either the day or the weekday of an expression, whichever it names."""

    tests: tuple[IsDay, ...]

    def has(self, day: date) -> bool:
        """Tell whether a day is among them."""
        return any(test(day) for test in self.tests)


def is_special(piece: str) -> bool:
    """Tell whether a piece of a day or weekday field is more than numbers and names."""
    return "#" in piece or piece.endswith(("L", "W"))


def special_day(piece: str) -> IsDay | None:
    """Return what a piece of the day field means, None for one that means nothing."""
    found = _DAY.fullmatch(piece)
    if found is None:
        return None
    if piece == "L":
        return lambda day: day.day == _length(day)
    if piece == "LW":
        return lambda day: day == _nearest(day, _length(day))
    number = int(found[1])
    return lambda day: number <= _length(day) and day == _nearest(day, number)


def special_weekday(piece: str) -> IsDay | None:
    """Return what a piece of the weekday field means, 0 being Sunday; None for nonsense."""
    found = _WEEKDAY.fullmatch(piece)
    if found is None:
        return None
    weekday = int(found[1]) % 7
    if found[2] is None:
        return lambda day: _from_sunday(day) == weekday and day.day > _length(day) - 7
    number = int(found[2])
    return lambda day: _from_sunday(day) == weekday and (day.day - 1) // 7 + 1 == number


def plain_day(numbers: Collection[int]) -> IsDay:
    """Return the test for days of the month."""
    return lambda day: day.day in numbers


def plain_weekday(numbers: Collection[int]) -> IsDay:
    """Return the test for days of the week, 0 or 7 being Sunday."""
    known = {number % 7 for number in numbers}
    return lambda day: _from_sunday(day) in known


def _length(day: date) -> int:
    return monthrange(day.year, day.month)[1]


def _nearest(day: date, number: int) -> date:
    """Return the day from Monday to Friday nearest to one of the same month, never of another."""
    wished = day.replace(day=number)
    aside = {5: -1, 6: 1}.get(wished.weekday(), 0)
    nearest = wished + timedelta(days=aside)
    return nearest if nearest.month == day.month else wished - timedelta(days=2 * aside)


def _from_sunday(day: date) -> int:
    return day.isoweekday() % 7
