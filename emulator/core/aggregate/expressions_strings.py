"""Owns the operators on text by code points and by bytes of UTF-8.

Not here: trimming, replacing and patterns (`expressions_text`). The one idea: a code point is a
Python character, a byte position is one in the encoded text, and letters fold in ASCII only.
"""

from collections.abc import Callable, Mapping
from typing import Final

from emulator.core.aggregate.date_text import DEFAULT_FORMAT, writer
from emulator.core.aggregate.nodes import (
    TEXT_LENGTH_MAX,
    Operator,
    fixed,
    is_nullish,
    ranged,
    refusal,
    variadic,
    wrong_type,
)
from emulator.core.aggregate.numbers import is_int32, is_number, number_text, truncated
from emulator.core.aggregate.zones import UTC_ZONE
from emulator.core.query_types import type_name
from emulator.core.values import INT32_MAX, INT32_MIN, Date, Timestamp, Value

_LOWER: Final = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_UPPER: Final = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}


def encoded(text: str) -> bytes:
    """Return text as UTF-8; lone surrogates, which JavaScript allows, keep three bytes."""
    return text.encode("utf-8", "surrogatepass")


def decoded(data: bytes) -> str:
    """Return UTF-8 as text."""
    return data.decode("utf-8", "surrogatepass")


def check_length(length: int, operator: str) -> None:
    """Refuse the text an operator would make where it is beyond the bound."""
    if length > TEXT_LENGTH_MAX:
        raise refusal(
            f"{operator} would make a string of more than {TEXT_LENGTH_MAX} characters", 146
        )


def as_text(value: Value) -> str:
    """Return text, a number, a date or null as text, as the string operators take them.

    Raises:
        DatabaseRequestFailed: it is of another type (16007).
    """
    if value.__class__ is str:
        return str(value)
    if is_nullish(value):
        return ""
    if is_number(value):
        return number_text(value)
    if value.__class__ is Date:
        return date_as_text(value)
    if value.__class__ is Timestamp:
        return f"Timestamp({value.seconds}, {value.counter})"
    raise wrong_type("can't convert from BSON type {type} to String", 16007, value)


def date_as_text(date: Date) -> str:
    """Return a date as ISO text in UTC."""
    return writer(DEFAULT_FORMAT)(date.ms, UTC_ZONE)


def _concat(values: list[Value]) -> Value:
    for value in values:
        if is_nullish(value):
            return None
        if value.__class__ is not str:
            raise wrong_type("$concat only supports strings, not {type}", 16702, value)
    check_length(sum(map(len, values)), "$concat")
    return "".join(values)


def _to_lower(value: Value) -> str:
    return as_text(value).translate(_LOWER)


def _to_upper(value: Value) -> str:
    return as_text(value).translate(_UPPER)


def _strcasecmp(a: Value, b: Value) -> int:
    first, second = encoded(_to_upper(a)), encoded(_to_upper(b))
    return (first > second) - (first < second)


# --- lengths and parts ---------------------------------------------------------------------------


def _length(name: str, code: int, count: Callable[[str], int]) -> Callable[[Value], int]:
    def call(value: Value) -> int:
        if value.__class__ is not str:
            raise wrong_type(f"{name} requires a string argument, found: {{type}}", code, value)
        return count(value)

    return call


def _substr_bytes(text: Value, start: Value, length: Value) -> str:
    data = encoded(as_text(text))
    if not is_number(start):
        raise wrong_type(
            "$substrBytes:  starting index must be a numeric type (is BSON type {type})",
            16034,
            start,
        )
    if not is_number(length):
        raise wrong_type(
            "$substrBytes:  length must be a numeric type (is BSON type {type})", 16035, length
        )
    low, count = truncated(start), truncated(length)
    if low < 0:
        raise refusal(f"$substrBytes: starting index must be non-negative (got: {low})", 50752)
    high = len(data) if count < 0 else min(low + count, len(data))
    if _splits_character(data, low):
        raise refusal(
            "$substrBytes:  Invalid range, starting index is a UTF-8 continuation byte.", 28656
        )
    if _splits_character(data, high):
        raise refusal(
            "$substrBytes:  Invalid range, ending index is in the middle of a UTF-8 character.",
            28657,
        )
    return decoded(data[low:high])


def _splits_character(data: bytes, place: int) -> bool:
    return place < len(data) and data[place] & 0xC0 == 0x80


def _substr_cp(text: Value, start: Value, length: Value) -> str:
    whole = as_text(text)
    low = _index(start, "starting index", 34450, 34451)
    count = _index(length, "length", 34452, 34453)
    if low < 0:
        raise refusal("$substrCP: the starting index must be a non-negative integer.", 34455)
    if count < 0:
        raise refusal("$substrCP: length must be a non-negative integer.", 34454)
    return whole[low : low + count]


def _index(value: Value, what: str, not_number: int, not_int32: int) -> int:
    if value.__class__ is int and INT32_MIN <= value <= INT32_MAX:
        return int(value)
    if not is_number(value):
        raise wrong_type(
            f"$substrCP: {what} must be a numeric type (is BSON type {{type}})", not_number, value
        )
    if not is_int32(value):
        raise refusal(
            f"$substrCP: {what} cannot be represented as a 32-bit integral value: {value}",
            not_int32,
        )
    return int(value)


# --- searching -----------------------------------------------------------------------------------


def _index_of(
    name: str, codes: tuple[int, int], find: Callable[[str, str, int, int], int]
) -> Callable[..., Value]:
    """Return the search of a text in a text between two positions."""

    def call(text: Value, token: Value, *bounds: Value) -> Value:
        if is_nullish(text):
            return None
        if text.__class__ is not str:
            raise wrong_type(
                f"{name} requires a string as the first argument, found: {{type}}", codes[0], text
            )
        if token.__class__ is not str:
            raise wrong_type(
                f"{name} requires a string as the second argument, found: {{type}}", codes[1], token
            )
        low = _position(name, bounds[0], "starting") if bounds else 0
        high = _position(name, bounds[1], "ending") if len(bounds) > 1 else INT32_MAX
        return find(text, token, low, high) if low <= high else -1

    return call


def _position(name: str, value: Value, which: str) -> int:
    if not is_int32(value):
        raise refusal(
            f"{name} requires an integral {which} index, found a value of type:"
            f" {type_name(value)}, with value: {value!r:.40}",
            40096,
        )
    if value < 0:
        raise refusal(f"{name} requires a nonnegative {which} index, found: {value}", 40097)
    return int(value)


def _find_bytes(text: str, token: str, low: int, high: int) -> int:
    return encoded(text).find(encoded(token), low, high)


def _split(text: Value, separator: Value) -> Value:
    if is_nullish(text) or is_nullish(separator):
        return None
    if text.__class__ is not str:
        raise wrong_type(
            "$split requires an expression that evaluates to a string as a first argument, found:"
            " {type}",
            40085,
            text,
        )
    if separator.__class__ is not str:
        raise wrong_type(
            "$split requires an expression that evaluates to a string as a second argument, found:"
            " {type}",
            40086,
            separator,
        )
    if not separator:
        raise refusal("$split requires a non-empty separator", 40087)
    return text.split(separator)


STRINGS: Final[Mapping[str, Operator]] = {
    "$concat": variadic(_concat),
    "$indexOfBytes": ranged(2, 4, _index_of("$indexOfBytes", (40091, 40092), _find_bytes)),
    "$indexOfCP": ranged(2, 4, _index_of("$indexOfCP", (40093, 40094), str.find)),
    "$split": fixed(2, _split),
    "$strLenBytes": fixed(1, _length("$strLenBytes", 34473, lambda text: len(encoded(text)))),
    "$strLenCP": fixed(1, _length("$strLenCP", 34471, len)),
    "$strcasecmp": fixed(2, _strcasecmp),
    "$substr": fixed(3, _substr_bytes),
    "$substrBytes": fixed(3, _substr_bytes),
    "$substrCP": fixed(3, _substr_cp),
    "$toLower": fixed(1, _to_lower),
    "$toUpper": fixed(1, _to_upper),
}
