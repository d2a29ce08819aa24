"""Owns dates as text by a format: `%Y-%m-%d` and its like, written and read.

Not here: text without a format (`date_parsing`). The one idea: a format is turned once into a list
of functions, or into one regular expression with a group for each part.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final

from emulator.core.aggregate.date_parsing import DateFields, date_ms, unparsable
from emulator.core.aggregate.dates import Moment, moment
from emulator.core.aggregate.nodes import refusal
from emulator.core.aggregate.zones import Zone

DEFAULT_FORMAT: Final = "%Y-%m-%dT%H:%M:%S.%LZ"
MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_CACHED_FORMATS: Final = 128
_PIECES: Final = re.compile(r"%(.)|%\Z|([^%]+)", re.DOTALL)


def _year(year: int) -> str:
    if not 0 <= year <= 9999:
        raise refusal(
            f"$dateToString is only defined on year 0-9999, tried to use year {year}", 18537
        )
    return f"{year:04d}"


def _offset(at: Moment) -> str:
    sign, minutes = "-" if at.offset_s < 0 else "+", abs(at.offset_s) // 60
    return f"{sign}{minutes // 60:02d}{minutes % 60:02d}"


_WRITERS: Final[Mapping[str, Callable[[Moment], str]]] = {
    "Y": lambda at: _year(at.year),
    "m": lambda at: f"{at.date[1]:02d}",
    "d": lambda at: f"{at.date[2]:02d}",
    "H": lambda at: f"{at.hour:02d}",
    "M": lambda at: f"{at.minute:02d}",
    "S": lambda at: f"{at.second:02d}",
    "L": lambda at: f"{at.millisecond:03d}",
    "j": lambda at: f"{at.day_of_year:03d}",
    "U": lambda at: f"{at.week:02d}",
    "w": lambda at: str(at.day_of_week),
    "G": lambda at: _year(at.iso_week_year),
    "V": lambda at: f"{at.iso_week:02d}",
    "u": lambda at: str(at.iso_day_of_week),
    "z": _offset,
    "Z": lambda at: str(int(at.offset_s / 60)),
    "b": lambda at: MONTHS[at.date[1] - 1][:3],
    "B": lambda at: MONTHS[at.date[1] - 1],
    "%": lambda _at: "%",
}


@lru_cache(maxsize=_CACHED_FORMATS)
def writer(form: str) -> Callable[[int, Zone], str]:
    """Return a function that writes UTC milliseconds as a place's clocks show them.

    Raises:
        DatabaseRequestFailed: an unknown specifier (18535) or a lone `%` at the end (18536); from
            the function: the year has not four digits (18537).
    """
    pieces = [_piece(found) for found in _PIECES.finditer(form)]

    def write(ms: int, zone: Zone) -> str:
        at = moment(ms, zone.offset_s(ms))
        return "".join([piece if isinstance(piece, str) else piece(at) for piece in pieces])

    return write


def _piece(found: re.Match[str]) -> str | Callable[[Moment], str]:
    specifier, text = found.groups()
    if text is not None:
        return text
    if specifier is None:
        raise refusal("Unmatched '%' at end of format string", 18535)
    if specifier not in _WRITERS:
        raise refusal(f"Invalid format character '%{specifier}' in format string", 18536)
    return _WRITERS[specifier]


# --- reading -------------------------------------------------------------------------------------

_READERS: Final[Mapping[str, tuple[str, str]]] = {
    "Y": ("year", r"(\d{4})"),
    "m": ("month", r"(\d{1,2})"),
    "d": ("day", r"(\d{1,2})"),
    "H": ("hour", r"(\d{1,2})"),
    "M": ("minute", r"(\d{1,2})"),
    "S": ("second", r"(\d{1,2})"),
    "L": ("millisecond", r"(\d{1,3})"),
    "G": ("iso_year", r"(\d{1,4})"),
    "V": ("iso_week", r"(\d{1,2})"),
    "u": ("iso_day", r"([1-7])"),
    "j": ("day_of_year", r"(\d{1,3})"),
    "z": ("offset", r"(\s*(?:(?:GMT|UTC)?[+-]\d\d?(?::?\d\d)?|[A-Za-z]{1,5}))"),
    "Z": ("offset_minutes", r"([+-]?\d{1,4})"),
    "b": ("month_name", r"([A-Za-z]{3})"),
    "B": ("month_name", r"([A-Za-z]+)"),
}


@lru_cache(maxsize=_CACHED_FORMATS)
def reader(form: str) -> Callable[[str, Zone | None], int]:
    """Return a function that reads text of a format as UTC milliseconds.

    Raises:
        DatabaseRequestFailed: an unknown specifier (18536) or a lone `%` (18535); from the
            function: the text is not of this format, or is no date (241).
    """
    names: list[str] = []
    pattern = re.compile(
        "".join(_pattern(found, names) for found in _PIECES.finditer(form)) + r"\Z"
    )

    def read(text: str, zone: Zone | None) -> int:
        found = pattern.match(text)
        if found is None:
            raise unparsable(text, f"it is not of the form '{form}'")
        return date_ms(text, _fields(names, found.groups()), zone)

    return read


def _pattern(found: re.Match[str], names: list[str]) -> str:
    specifier, text = found.groups()
    if text is not None:
        return re.escape(text)
    if specifier == "%":
        return "%"
    if specifier is None:
        raise refusal("Unmatched '%' at end of format string", 18535)
    if specifier not in _READERS:
        raise refusal(f"Invalid format character '%{specifier}' in format string", 18536)
    name, pattern = _READERS[specifier]
    names.append(name)
    return pattern


def _fields(names: Sequence[str], texts: Sequence[str]) -> DateFields:
    fields = DateFields()
    for name, text in zip(names, texts, strict=True):
        if name == "millisecond":
            text = text.ljust(3, "0")
        fields.put(name, text)
    return fields
