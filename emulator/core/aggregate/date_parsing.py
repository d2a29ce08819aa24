"""Owns reading a date out of text without a format, and checking what any reader found.

Not here: reading by a format (`date_text`). The one idea: a date, a time and a zone, each in one of
a few shapes, one after the other and nothing else; words for relative dates are refused, and a part
beyond its limits is an error rather than carried over.
"""

import re
from collections.abc import Sequence
from dataclasses import field
from typing import Final

from emulator.core.aggregate import dates
from emulator.core.aggregate.nodes import refusal
from emulator.core.aggregate.zones import UTC_ZONE, Zone, fixed_zone, zone
from emulator.core.errors import DatabaseRequestFailed
from emulator.core.records import dataclass

_MONTHS: Final = (
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
)
_LONG_MONTHS: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_MONTH: Final = r"(?P<month_name>[A-Za-z]{3,9})\.?"
_WEEKDAY: Final = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)?"
_YEAR: Final = r"(?P<year>\d{4})"

_DATES: Final[Sequence[re.Pattern[str]]] = tuple(
    re.compile(pattern, re.IGNORECASE | re.ASCII)
    for pattern in (
        _YEAR + r"-(?P<month>\d{1,2})-(?P<day>\d{1,2})",
        _YEAR + r"-(?P<month>\d{2})(?!\d)",
        _YEAR + r"-?W(?P<iso_week>\d{2})(?:-?(?P<iso_day>[1-7]))?",
        _YEAR + r"[-.]?(?P<day_of_year>\d{3})(?!\d)",
        _YEAR + r"/(?P<month>\d{1,2})/(?P<day>\d{1,2})",
        _YEAR + r"(?P<month>\d{2})(?P<day>\d{2})(?!\d)",
        r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4}|\d{1,2})(?!\d)",
        r"(?P<day>\d{1,2})[-.](?P<month>\d{1,2})[-.]" + _YEAR,
        r"(?P<year>\d{2})-(?P<month>\d{1,2})-(?P<day>\d{1,2})(?!\d)",
        _WEEKDAY + r"(?P<day>\d{1,2})(?:st|nd|rd|th)?[ .-]+" + _MONTH + r"[ .,-]+" + _YEAR,
        _WEEKDAY + _MONTH + r"[ .-]*(?P<day>\d{1,2})(?:st|nd|rd|th)?(?:,\s*|[ .-]+)" + _YEAR,
        _YEAR + r"[ .-]+" + _MONTH + r"[ .-]+(?P<day>\d{1,2})",
        _MONTH + r"[ .,-]+" + _YEAR,
    )
)
_TIME: Final = re.compile(
    r"(?:[Tt]|[\s,]+(?:at\s+)?)"
    r"(?:(?P<hour>\d{1,2}):(?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:[.,:](?P<fraction>\d{1,9}))?)?"
    r"|(?P<hour_>\d{2})(?P<minute_>\d{2})(?:(?P<second_>\d{2})(?:\.(?P<fraction_>\d{1,9}))?)?"
    r"|(?P<hour__>\d{1,2})(?=\s*[AaPp]\.?[Mm])|(?P<word>noon|midnight)\b)"
    r"(?:\s*(?P<half>[AaPp])\.?[Mm]\.?(?![A-Za-z]))?",
    re.ASCII,
)
_ZONE: Final = re.compile(
    r"[\s(]*(?P<zone>(?:GMT|UTC)?[+-]\d{1,2}(?::?\d{2})?|[A-Za-z]{1,5})\)*(?:\s*\([^)]*\))?\Z",
    re.ASCII,
)
_ABBREVIATED_HOURS: Final = {
    "Z": 0, "UTC": 0, "GMT": 0, "WET": 0, "BST": 1, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2,
    "EEST": 3, "MSK": 3, "HKT": 8, "JST": 9, "KST": 9, "AEST": 10, "AEDT": 11, "NZST": 12,
    "NZDT": 13, "AST": -4, "ADT": -3, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7,
    "MDT": -6, "PST": -8, "PDT": -7, "AKST": -9, "AKDT": -8, "HST": -10,
    **{letter: hours for hours, letter in enumerate("ABCDEFGHIKLM", 1)},
    **{letter: -hours for hours, letter in enumerate("NOPQRSTUVWXY", 1)},
}  # fmt: skip
"""How far ahead of UTC an abbreviation is; single letters are the military ones."""
_WORD_HOURS: Final = {"noon": 12, "midnight": 0}
_THIS_CENTURY_YEARS: Final = 70
"""Years of two digits below are of this century, the others of the last."""
_ISO_PARTS: Final = frozenset({"iso_year", "iso_week", "iso_day"})
_NATURAL_PARTS: Final = frozenset({"year", "month", "day", "day_of_year"})
_LIMITS: Final = (("hour", 0, 24), ("minute", 0, 59), ("second", 0, 59))


def unparsable(text: str, reason: str) -> DatabaseRequestFailed:
    """Return the refusal of text that is no date."""
    return refusal(f"Error parsing date string '{text:.100}'; {reason}", 241)


@dataclass(slots=True)
class DateFields:
    """What has been read of a date so far: numbers by name, and the zone."""

    numbers: dict[str, int] = field(default_factory=dict)
    month_name: str = ""
    zone: Zone | None = None

    def put(self, name: str, text: str) -> None:
        """Note one part as it was read."""
        if name == "month_name":
            self.month_name = text.lower()
        elif name == "offset":
            self.zone = zone_in_text(text)
            if self.zone is None:
                raise unparsable(text, "it is no time zone")
        elif name == "offset_minutes":
            self.zone = fixed_zone(int(text) * 60)
        else:
            self.numbers[name] = int(text)


def parse_date(text: str, at: Zone | None) -> int:
    """Return UTC milliseconds of a date in text; `at` is where it was, if the text may not say.

    Raises:
        DatabaseRequestFailed: it is no date, or says its zone although `at` is given (241).
    """
    for pattern in _DATES:
        found = pattern.match(text)
        if found is None:
            continue
        fields = DateFields()
        for name, part in found.groupdict().items():
            if part is not None:
                fields.put(name, part)
        if len(found["year"]) <= 2:
            year = fields.numbers["year"]
            fields.numbers["year"] = year + (2000 if year < _THIS_CENTURY_YEARS else 1900)
        if "iso_week" in fields.numbers:
            fields.numbers["iso_year"] = fields.numbers.pop("year")
        else:
            fields.numbers.setdefault("day", 1)
        if _read_time(text[found.end() :], fields):
            return date_ms(text, fields, at)
    raise unparsable(text, "it is of no form the emulator knows, such as 2026-01-31T12:00:00Z")


def _read_time(text: str, fields: DateFields) -> bool:
    """Note time and zone behind the date; tell whether that is all there was."""
    if not text:
        return True
    found = _TIME.match(text)
    if found is not None:
        parts = {name.rstrip("_"): part for name, part in found.groupdict().items() if part}
        half, fraction = parts.pop("half", ""), parts.pop("fraction", "")
        if word := parts.pop("word", ""):
            fields.numbers["hour"] = _WORD_HOURS[word.lower()]
        for name, part in parts.items():
            fields.put(name, part)
        fields.numbers["millisecond"] = int(fraction[:3].ljust(3, "0"))
        if half:
            hour = fields.numbers["hour"]
            fields.numbers["hour"] = hour % 12 + (12 if half in "Pp" else 0) if hour <= 12 else 99
        text = text[found.end() :]
    if not text:
        return True
    fields.zone = zone_in_text(text)
    return fields.zone is not None


def zone_in_text(text: str) -> Zone | None:
    """Return the zone that ends a date in text: an offset or an abbreviation, never a place."""
    found = _ZONE.match(text)
    if found is None:
        return None
    name = found["zone"]
    hours = _ABBREVIATED_HOURS.get(name.upper())
    if hours is not None:
        return fixed_zone(hours * 3600)
    try:
        return zone(_long_offset(name)) if not name.isalpha() else None
    except DatabaseRequestFailed:
        return None


def _long_offset(name: str) -> str:
    """Return `GMT+8` as `+08`."""
    if name[:3].upper() in ("GMT", "UTC"):
        name = name[3:]
    return f"{name[0]}0{name[1:]}" if re.fullmatch(r"[+-]\d(:\d\d)?", name) else name


# --- checking ------------------------------------------------------------------------------------


def date_ms(text: str, fields: DateFields, at: Zone | None) -> int:
    """Return UTC milliseconds of what was read.

    Raises:
        DatabaseRequestFailed: parts are missing or beyond limits, or there are two zones (241).
    """
    if fields.zone is not None and at is not None:
        raise refusal(
            "you cannot pass in a date/time string with time zone information"
            f" ('{text:.60}') together with a timezone argument",
            241,
        )
    numbers = fields.numbers
    for name, least, most in _LIMITS:
        if not least <= numbers.get(name, 0) <= most:
            raise unparsable(text, f"the {name} is out of range")
    days = _days(text, fields)
    ms = days * dates.DAY_MS + numbers.get("hour", 0) * dates.HOUR_MS
    ms += numbers.get("minute", 0) * dates.MINUTE_MS + numbers.get("second", 0) * dates.SECOND_MS
    return (fields.zone or at or UTC_ZONE).to_utc(ms + numbers.get("millisecond", 0))


def _days(text: str, fields: DateFields) -> int:
    numbers = fields.numbers
    if not numbers.keys().isdisjoint(_ISO_PARTS):
        return _iso_days(text, fields)
    if "year" in numbers and "day_of_year" in numbers:
        if not 1 <= numbers["day_of_year"] <= 366:
            raise unparsable(text, "the day of the year is out of range")
        return dates.days_of_date(numbers["year"], 1, numbers["day_of_year"])
    if fields.month_name:
        numbers["month"] = _month(text, fields.month_name)
    if not {"year", "month", "day"} <= numbers.keys():
        raise unparsable(
            text, "an incomplete date/time string has been found, with elements missing"
        )
    year, month, day = numbers["year"], numbers["month"], numbers["day"]
    if not 1 <= month <= 12 or not 1 <= day <= dates.days_in_month(year, month):
        raise unparsable(text, "The parsed date was invalid")
    return dates.days_of_date(year, month, day)


def _iso_days(text: str, fields: DateFields) -> int:
    numbers = fields.numbers
    if fields.month_name or not numbers.keys().isdisjoint(_NATURAL_PARTS):
        raise unparsable(text, "Mixing of ISO dates with natural dates is not allowed")
    week = numbers.get("iso_week", 1)
    if "iso_year" not in numbers or not 1 <= week <= 53:
        raise unparsable(text, "The parsed date was invalid")
    return dates.days_of_iso_week(numbers["iso_year"], week, numbers.get("iso_day", 1))


def _month(text: str, name: str) -> int:
    if name in _LONG_MONTHS:
        return _LONG_MONTHS.index(name) + 1
    short = "sep" if name == "sept" else name
    if short not in _MONTHS:
        raise unparsable(text, f"there is no month '{name}'")
    return _MONTHS.index(short) + 1
