"""Owns timers: what an expression of seven fields means, and when it fires next.

Not here: clocks and calls (`services.timers`). Fields are second, minute, hour, day, month,
weekday and year with `,` `-` `*` `/` and names; when both day and weekday are given, either
suffices (developers.weixin.qq.com, functions, triggers). croniter finds the moments; what it would
read otherwise, such as fewer fields, is brought into seven fields first.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from emulator.core.ejson import datetime_from_date
from emulator.core.errors import ConfigurationError
from emulator.core.values import Date, Value
from emulator.functions.base import TriggerConfig

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
_EXAMPLE: Final = "seven fields, such as 0 30 9 * * MON-FRI * for half past nine on working days"


@dataclass(frozen=True, slots=True)
class CompiledTimer:
    """A timer, ready to be asked; `expression` has seven fields."""

    name: str
    expression: str
    zone: ZoneInfo
    notes: tuple[str, ...]
    _moments: "croniter"

    def next_fire_ms(self, after_ms: int) -> int | None:
        """Return the first moment strictly after the given one, None when there is none.

        When clocks are set forward, what falls into the gap fires at its end; when they are set
        back, an hour that is named fires once, every hour fires in both.
        """
        from croniter import CroniterBadDateError

        start = datetime_from_date(Date(after_ms)).astimezone(self.zone)
        try:
            moment = self._moments.get_next(datetime, start_time=start)
            while moment.fold and self._names_hours():
                moment = self._moments.get_next(datetime)
        except CroniterBadDateError:
            return None
        return round(moment.timestamp()) * 1000

    def event(self, moment_ms: int) -> dict[str, Value]:
        """Return the event of a firing."""
        moment = datetime_from_date(Date(moment_ms))
        return {
            "Type": "Timer",
            "TriggerName": self.name,
            "Time": f"{moment:%Y-%m-%dT%H:%M:%S}Z",
            "Message": "",
        }

    def _names_hours(self) -> bool:
        return not self.expression.split()[2].startswith("*")


def compile_timer(trigger: TriggerConfig, *, time_zone: str = TIME_ZONE_DEFAULT) -> CompiledTimer:
    """Return the timer, ready to be asked.

    Raises:
        ConfigurationError: the expression or the time zone is not one.
    """
    if not isinstance(trigger.config, str):
        raise ConfigurationError(
            f"timer {trigger.name}: config must be text", hint=f"write {_EXAMPLE}"
        )
    fields, notes = _seven(trigger.name, trigger.config.upper().split())
    for name, text in zip(FIELDS, fields, strict=True):
        _check(trigger.name, name, text)
    if any(letter.isdigit() for letter in fields[5]):
        notes.append(
            f"timer {trigger.name}: weekday {fields[5]} is read with 0 as Sunday; Tencent Cloud's "
            "own pages count from Monday. Names such as MON mean the same everywhere"
        )
    # Imported here: a project without timers does not pay the 20 ms.
    from croniter import CroniterError, croniter

    expression = " ".join(fields)
    zone = _zone(time_zone)
    try:
        moments = croniter(expression, datetime.fromtimestamp(0, zone), second_at_beginning=True)
    except CroniterError as fault:
        raise ConfigurationError(
            f"timer {trigger.name}: {expression!r} is not understood: {fault}",
            hint=f"write {_EXAMPLE}",
        ) from fault
    return CompiledTimer(trigger.name, expression, zone, tuple(notes), moments)


def _seven(name: str, fields: list[str]) -> tuple[list[str], list[str]]:
    """Return the seven fields, and a note when there were fewer."""
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


def _check(trigger: str, name: str, text: str) -> None:
    """Raise ConfigurationError unless the field is a list of values, ranges and steps."""
    low, high = _BOUNDS[name]
    value = rf"(?:\d+{_NAMES.get(name, '')})"
    part = re.compile(rf"(?:\*|{value}(?:-{value})?)(?:/[1-9]\d*)?\Z")
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
