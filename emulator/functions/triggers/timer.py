"""Owns timers: what an expression of seven fields means, and when it fires next.

Not here: clocks and calls (`services.timers`). Fields are second, minute, hour, day, month,
weekday and year with `,` `-` `*` `/` and names; when both day and weekday are given, either
suffices (developers.weixin.qq.com, functions, triggers); for `L`, `W` and `#` see `special_days`.
croniter finds the days and what clocks that are set do to them; what it would read otherwise, such
as fewer fields or other weekday numbers, is brought into its form first. The one idea: on a day of
24 hours that is known to match, the next moment is a look into three tables.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from emulator.core.ejson import datetime_from_date
from emulator.core.errors import ConfigurationError
from emulator.core.records import dataclass
from emulator.core.values import Date, Value
from emulator.functions.base import TriggerConfig
from emulator.functions.triggers.special_days import (
    Days,
    IsDay,
    is_special,
    plain_day,
    plain_weekday,
    special_day,
    special_weekday,
)

if TYPE_CHECKING:
    from croniter import croniter

TIME_ZONE_DEFAULT: Final = "Asia/Shanghai"

SCHEMA: Final[Mapping[str, Value]] = {"type": "string", "minLength": 1, "maxLength": 256}

FIELDS: Final = ("second", "minute", "hour", "day", "month", "weekday", "year")
_MONTHS: Final = "JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC"
_WEEKDAYS: Final = "SUN|MON|TUE|WED|THU|FRI|SAT"
_NAMES: Final[Mapping[str, str]] = {"month": f"|{_MONTHS}", "weekday": f"|{_WEEKDAYS}"}
_BOUNDS: Final[Mapping[str, tuple[int, int]]] = {
    "second": (0, 59),
    "minute": (0, 59),
    "hour": (0, 23),
    "day": (1, 31),
    "month": (1, 12),
    "weekday": (0, 7),
    "year": (1970, 2099),
}
_WEEKDAYS_TOLD: Final = {
    "sunday": "0 as Sunday, as WeChat's and Tencent Cloud's pages say; older ones from Monday",
    "monday": "0 as Monday, as older pages of Tencent Cloud and QQ's say; others count from Sunday",
    "quartz": "1 as Sunday, as Alipay's pages say; WeChat's pages count from 0",
}
_EXAMPLE: Final = "seven fields, such as 0 30 9 * * MON-FRI * for half past nine on working days"


Weekdays = Literal["sunday", "monday", "quartz"]
"""What weekday numbers mean: 0 is Sunday (developers.weixin.qq.com, docs.cloudbase.net, SCF's page
583/9708), 0 is Monday (QQ, and older pages), 1 is Sunday (Alipay)."""
_WEEKDAY_SHIFTS: Final[Mapping[Weekdays, tuple[int, int, int]]] = {
    "sunday": (0, 7, 0),
    "monday": (0, 6, 1),
    "quartz": (1, 7, -1),
}
"""The lowest and highest number, and what makes it one with 0 as Sunday."""
_PLACES: Final[Mapping[str, int]] = {"second": 5, "minute": 0, "hour": 1}
"""Where croniter keeps what these fields stand for."""
DAY_S: Final = 86_400
DAYS_SEARCHED_MAX: Final = 40 * 366
"""29 February is a fifth Friday once in 28 years, or 40 over 2100."""
_SPECIAL_EXAMPLES: Final = {
    "day": "L for the last day, LW for the last working day, 10W for the one nearest the 10th",
    "weekday": "5L or FRIL for the last Friday, 5#2 or FRI#2 for the second",
}
_SPECIAL_UNTOLD: Final = (
    "L, W and # stand on Tencent Cloud's page about timers, which runs the functions, but not on "
    "WeChat's"
)


class _OpenDay:
    """The day that was matched last, as long as it has 24 hours: from and until, in ms."""

    __slots__ = ("from_ms", "until_ms")

    def __init__(self) -> None:
        self.from_ms = self.until_ms = 0


@dataclass(frozen=True, slots=True)
class CompiledTimer:
    """A timer, ready to be asked; `expression` has seven fields, weekdays with 0 as Sunday."""

    name: str
    expression: str
    zone: ZoneInfo
    notes: tuple[str, ...]
    _moments: "croniter"
    _clock_face: tuple[tuple[int, ...], ...]
    _days: Days | None = None
    _day: _OpenDay = field(default_factory=_OpenDay, compare=False)

    def next_fire_ms(self, after_ms: int) -> int | None:
        """Return the first moment strictly after the given one, None when there is none.

        When clocks are set forward, what falls into the gap fires at its end; when they are set
        back, an hour that is named fires once, every hour fires in both.
        """
        day = self._day
        if day.from_ms <= after_ms < day.until_ms:
            second = _next_second((after_ms - day.from_ms) // 1000 + 1, self._clock_face)
            if second >= 0:
                return day.from_ms + second * 1000
        return self._search(after_ms)

    def _search(self, after_ms: int) -> int | None:
        from croniter import CroniterBadDateError

        start = datetime_from_date(Date(after_ms)).astimezone(self.zone)
        try:
            moment = self._next(start) if self._days is None else self._next_on(self._days, start)
        except CroniterBadDateError:
            return None
        if moment is None:
            return None
        self._open(moment)
        return round(moment.timestamp()) * 1000

    def _next(self, start: datetime) -> datetime:
        moment: datetime = self._moments.get_next(datetime, start_time=start)
        while moment.fold and self._names_hours():
            moment = self._moments.get_next(datetime)
        return moment

    def _next_on(self, days: Days, start: datetime) -> datetime | None:
        """Return the next moment on one of the days; the expression itself names every day."""
        last = start.date() + timedelta(days=DAYS_SEARCHED_MAX)
        day = start.date()
        while day < last:
            if days.has(day):
                before = datetime(day.year, day.month, day.day, tzinfo=self.zone)
                moment = self._next(max(start, before - timedelta(seconds=1)))
                if moment.date() == day:
                    return moment
                day = max(day, moment.date() - timedelta(days=1))
            day += timedelta(days=1)
        return None

    def _open(self, moment: datetime) -> None:
        """Remember the day of a moment, unless clocks are set on it."""
        midnight = datetime(moment.year, moment.month, moment.day, tzinfo=self.zone)
        from_ms = round(midnight.timestamp()) * 1000
        until_ms = round((midnight + timedelta(days=1)).timestamp()) * 1000
        if until_ms - from_ms == DAY_S * 1000:
            self._day.from_ms, self._day.until_ms = from_ms, until_ms

    def event(self, moment_ms: int) -> dict[str, Value]:
        """Return the event of a firing."""
        moment = datetime_from_date(Date(moment_ms))
        return {
            "Type": "Timer",
            "TriggerName": self.name,
            "Time": f"{moment.replace(tzinfo=None).isoformat(timespec='seconds')}Z",
            "Message": "",
        }

    def _names_hours(self) -> bool:
        return not self.expression.split()[2].startswith("*")


def compile_timer(
    trigger: TriggerConfig,
    *,
    time_zone: str = TIME_ZONE_DEFAULT,
    weekdays: Weekdays = "sunday",
    strict: bool = False,
    tells_special_days: bool = False,
) -> CompiledTimer:
    """Return the timer, ready to be asked; `strict` refuses what the platform would.

    `tells_special_days` says that the platform's page on timers knows L, W and #.

    Raises:
        ConfigurationError: the expression or the time zone is not one.
    """
    if not isinstance(trigger.config, str):
        raise ConfigurationError(
            f"timer {trigger.name}: config must be text", hint=f"write {_EXAMPLE}"
        )
    fields, notes = _seven(trigger.name, trigger.config.upper().split(), strict=strict)
    days = _special(trigger.name, fields, weekdays)
    if days is not None and not tells_special_days:
        notes.append(_untold(trigger.name, strict=strict))
    bounds = {**_BOUNDS, "weekday": _WEEKDAY_SHIFTS[weekdays][:2]}
    for name, text in zip(FIELDS, fields, strict=True):
        _check(trigger.name, name, text, bounds[name])
    if any(letter.isdigit() for letter in fields[5]):
        notes.append(
            f"timer {trigger.name}: weekday {fields[5]} is read with {_WEEKDAYS_TOLD[weekdays]}. "
            "Names such as MON mean the same everywhere"
        )
        fields[5] = _from_sunday(fields[5], weekdays)
    expression, zone = " ".join(fields), _zone(time_zone)
    moments = _moments_of(trigger.name, expression, zone)
    return CompiledTimer(
        trigger.name,
        expression,
        zone,
        tuple(notes),
        moments,
        tuple(
            _following(moments.expanded[place], _BOUNDS[name][1]) for name, place in _PLACES.items()
        ),
        days,
    )


def _special(name: str, fields: list[str], weekdays: Weekdays) -> Days | None:
    """Return the days that L, W and # name, which leave the fields for every day; None without."""
    day, weekday = fields[3].split(","), fields[5].split(",")
    if not any(map(is_special, (*day, *weekday))):
        return None
    low, high, shift = _WEEKDAY_SHIFTS[weekdays]
    tests: list[IsDay | None] = []
    for piece in day:
        if is_special(piece):
            tests.append(special_day(piece) or _no_day(name, "day", piece))
        elif piece != "*":
            _check(name, "day", piece, _BOUNDS["day"])
            tests.append(plain_day(_unrolled(piece, *_BOUNDS["day"])))
    for piece in weekday:
        plain = _numbered(piece)
        if is_special(piece):
            number = int(plain[0]) if plain[0].isdigit() else -1
            is_name = plain != piece
            told = f"{(number if is_name else number + shift) % 7}{plain[1:]}"
            known = is_name or low <= number <= high
            tests.append(
                (special_weekday(told) if known else None) or _no_day(name, "weekday", piece)
            )
        elif piece != "*":
            _check(name, "weekday", piece, (low, high))
            numbers = _from_sunday(piece, weekdays) if any(map(str.isdigit, piece)) else plain
            tests.append(plain_weekday(_unrolled_list(numbers)))
    fields[3] = fields[5] = "*"
    return Days(tuple(test for test in tests if test is not None))


def _untold(name: str, *, strict: bool) -> str:
    """Return the note about days that WeChat's page does not tell of; `strict` refuses them."""
    note = f"timer {name}: {_SPECIAL_UNTOLD}"
    if strict:
        raise ConfigurationError(note, hint="name the days, or leave out strict")
    return note


def _unrolled_list(text: str) -> list[int]:
    return [number for piece in text.split(",") for number in _unrolled(piece, 0, 7)]


def _numbered(text: str) -> str:
    """Return a weekday field with numbers for names, 0 being Sunday."""
    for number, name in enumerate(_WEEKDAYS.split("|")):
        text = text.replace(name, str(number))
    return text


def _no_day(name: str, field: str, piece: str) -> IsDay:
    raise ConfigurationError(
        f"timer {name}: {field} {piece!r} names no day", hint=f"write {_SPECIAL_EXAMPLES[field]}"
    )


def _moments_of(name: str, expression: str, zone: ZoneInfo) -> "croniter":
    # Imported here: a project without timers does not pay the 20 ms.
    from croniter import CroniterError, croniter

    try:
        return croniter(expression, datetime.fromtimestamp(0, zone), second_at_beginning=True)
    except CroniterError as fault:
        raise ConfigurationError(
            f"timer {name}: {expression!r} is not understood: {fault}", hint=f"write {_EXAMPLE}"
        ) from fault


def _following(values: Sequence[int | str], high: int) -> tuple[int, ...]:
    """Return for each number up to one past the highest the next value, -1 after the last."""
    table, following = [], -1
    for number in range(high + 1, -1, -1):
        named = number in values or (number <= high and "*" in values)
        following = number if named else following
        table.append(following)
    return tuple(reversed(table))


def _next_second(second: int, face: tuple[tuple[int, ...], ...]) -> int:
    """Return the first second of the day from the given one on that the tables name, or -1."""
    if second >= DAY_S:
        return -1
    seconds, minutes, hours = face
    hour, minute = second // 3600, second // 60 % 60
    if hours[hour] == hour:
        if minutes[minute] == minute and (found := seconds[second % 60]) >= 0:
            return hour * 3600 + minute * 60 + found
        if (found := minutes[minute + 1]) >= 0:
            return hour * 3600 + found * 60 + seconds[0]
    if (found := hours[hour + 1]) >= 0:
        return found * 3600 + minutes[0] * 60 + seconds[0]
    return -1


def _from_sunday(text: str, weekdays: Weekdays) -> str:
    """Return a weekday field of any numbering as numbers with 0 as Sunday."""
    low, high, shift = _WEEKDAY_SHIFTS[weekdays]
    if shift == 0:
        return text
    for number, name in enumerate(_WEEKDAYS.split("|")):
        own = (number - shift) % 7
        text = text.replace(name, str(own if own >= low else own + 7))
    pieces = [_unrolled(piece, low, high) for piece in text.split(",")]
    return ",".join(str(each) for each in sorted({(n + shift) % 7 for p in pieces for n in p}))


def _unrolled(piece: str, low: int, high: int) -> list[int]:
    """Return the numbers of one piece; a range may go over the end of the week."""
    span, _, step = piece.partition("/")
    first, dash, last = span.partition("-")
    begin = low if first == "*" else int(first)
    if dash:
        end = int(last) + (7 if int(last) < begin else 0)
    else:
        end = high if step or first == "*" else begin
    return list(range(begin, end + 1, int(step or 1)))


def _seven(name: str, fields: list[str], *, strict: bool) -> tuple[list[str], list[str]]:
    """Return the seven fields, and a note when there were fewer."""
    if strict and len(fields) in (5, 6):
        raise ConfigurationError(
            f"timer {name}: {' '.join(fields)!r} has {len(fields)} fields, the platform asks for "
            "seven",
            hint=f"write {_EXAMPLE}, or leave out strict",
        )
    if len(fields) == 7:
        return [field.replace("?", "*") for field in fields], []
    if len(fields) == 6:
        full = [*fields, "*"]
        note = "has six fields, read as second minute hour day month weekday in any year"
    elif len(fields) == 5:
        full = ["0", *fields, "*"]
        note = "has five fields, read as minute hour day month weekday, at second 0"
    else:
        raise ConfigurationError(
            f"timer {name}: {' '.join(fields)!r} has {len(fields)} fields", hint=f"write {_EXAMPLE}"
        )
    full = [field.replace("?", "*") for field in full]
    return full, [f"timer {name}: {note}: {' '.join(full)}. The platform asks for seven"]


def _check(trigger: str, name: str, text: str, bounds: tuple[int, int]) -> None:
    """Raise ConfigurationError unless the field is a list of values, ranges and steps."""
    low, high = bounds
    value = rf"(?:\d+{_NAMES.get(name, '')})"
    part = re.compile(rf"(?:\*|{value}(?:-{value})?)(?:/[1-9]\d*)?\Z", re.ASCII)
    for piece in text.split(","):
        numbers = map(int, re.findall(r"\d+", piece.partition("/")[0]))
        if not part.match(piece) or not all(low <= number <= high for number in numbers):
            names = " or a name such as " + _NAMES[name].split("|")[1] if name in _NAMES else ""
            raise ConfigurationError(
                f"timer {trigger}: {name} {text!r} is not understood: {piece!r} is no value from "
                f"{low} to {high}{names}, no range and no step",
                hint=f"write {_EXAMPLE}",
            )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as fault:
        raise ConfigurationError(
            f"time zone {name!r} is not known", hint="a name such as Asia/Shanghai or UTC"
        ) from fault
