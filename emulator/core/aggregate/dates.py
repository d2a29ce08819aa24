"""Owns the calendar: milliseconds since 1970 to year, month, week and back, for any year.

Not here: time zones (`zones`), dates as text (`date_text`). The one idea: everything is integer
arithmetic over days of the proleptic Gregorian calendar, which Python's own dates end at year 9999.
"""

from functools import lru_cache
from typing import Final

from emulator.core.records import dataclass

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000
MINUTE_MS: Final = 60_000
SECOND_MS: Final = 1_000
ERA_DAYS: Final = 146_097
"""Days of 400 years, after which the calendar repeats itself, weekdays included."""

_CACHED_DAYS: Final = 4_096
_EPOCH_SHIFT_DAYS: Final = 719_468
_MONTH_DAYS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def days_of_date(year: int, month: int, day: int) -> int:
    """Return the day's number, 1970-01-01 being 0; month and day may lie beyond their limits."""
    year += (month - 1) // 12
    month = (month - 1) % 12 + 1
    shifted = year - (month <= 2)
    era, year_of_era = divmod(shifted, 400)
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    return era * ERA_DAYS + day_of_era - _EPOCH_SHIFT_DAYS + day - 1


@lru_cache(maxsize=_CACHED_DAYS)
def date_of_days(days: int) -> tuple[int, int, int]:
    """Return year, month and day of a day's number."""
    era, day_of_era = divmod(days + _EPOCH_SHIFT_DAYS, ERA_DAYS)
    year_of_era = (
        day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096
    ) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted_month = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * shifted_month + 2) // 5 + 1
    month = shifted_month + 3 if shifted_month < 10 else shifted_month - 9
    return era * 400 + year_of_era + (month <= 2), month, day


def days_in_month(year: int, month: int) -> int:
    """Return how many days a month has."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if month == 2 and leap else _MONTH_DAYS[month - 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A moment as clock and calendar show it at a place; `offset_s` is that place's."""

    days: int
    ms_of_day: int
    offset_s: int = 0

    @property
    def date(self) -> tuple[int, int, int]:
        """Year, month and day."""
        return date_of_days(self.days)

    @property
    def year(self) -> int:
        """The year, 0 being 1 BC."""
        return self.date[0]

    @property
    def hour(self) -> int:
        """The hour, 0 to 23."""
        return self.ms_of_day // HOUR_MS

    @property
    def minute(self) -> int:
        """The minute, 0 to 59."""
        return self.ms_of_day // MINUTE_MS % 60

    @property
    def second(self) -> int:
        """The second, 0 to 59."""
        return self.ms_of_day // SECOND_MS % 60

    @property
    def millisecond(self) -> int:
        """The millisecond, 0 to 999."""
        return self.ms_of_day % SECOND_MS

    @property
    def day_of_week(self) -> int:
        """1 for Sunday to 7 for Saturday."""
        return (self.days + 4) % 7 + 1

    @property
    def iso_day_of_week(self) -> int:
        """1 for Monday to 7 for Sunday."""
        return (self.days + 3) % 7 + 1

    @property
    def day_of_year(self) -> int:
        """1 to 366."""
        return self.days - days_of_date(self.year, 1, 1) + 1

    @property
    def week(self) -> int:
        """0 to 53; week 1 starts with the year's first Sunday."""
        return (self.day_of_year - self.day_of_week + 7) // 7

    @property
    def iso_week_year(self) -> int:
        """The year the ISO week belongs to: the one of its Thursday."""
        return date_of_days(self._thursday)[0]

    @property
    def iso_week(self) -> int:
        """1 to 53; week 1 holds the year's first Thursday."""
        return (self._thursday - days_of_date(self.iso_week_year, 1, 1)) // 7 + 1

    @property
    def _thursday(self) -> int:
        return self.days + 4 - self.iso_day_of_week


def moment(ms: int, offset_s: int = 0) -> Moment:
    """Return the moment of UTC milliseconds at a place so many seconds ahead of UTC."""
    days, ms_of_day = divmod(ms + offset_s * SECOND_MS, DAY_MS)
    return Moment(days=days, ms_of_day=ms_of_day, offset_s=offset_s)


def days_of_iso_week(year: int, week: int, day: int) -> int:
    """Return the day's number of an ISO week date; week and day may lie beyond their limits."""
    january_4 = days_of_date(year, 1, 4)
    monday = january_4 - (january_4 + 3) % 7
    return monday + (week - 1) * 7 + day - 1
