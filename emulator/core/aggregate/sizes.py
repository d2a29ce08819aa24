"""Owns how many bytes a value takes as BSON, MongoDB's own encoding: its bounds are told in those.

Not here: who keeps to a bound. The one idea: a row for each kind; documents and arrays add up.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from emulator.core.aggregate.expressions_strings import encoded
from emulator.core.aggregate.nodes import Operator, fixed, is_nullish, wrong_type
from emulator.core.aggregate.numbers import is_long
from emulator.core.values import (
    Binary,
    Date,
    Document,
    Edge,
    Int64,
    Missing,
    ObjectId,
    Regex,
    Timestamp,
    Value,
)

MEMORY_MAX_BYTES: Final = 100 * 1024 * 1024
"""What a `$group` or a `$sort` may hold, as the cloud's pages on these stages tell."""

_FRAME_BYTES: Final = 5
_FIELD_BYTES: Final = 2


def _text_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(encoded(text))


_TEXT_KIND: Final = {str}
_FIXED_KINDS: Final[Mapping[type, int]] = {float: 8, bool: 1, Date: 8, ObjectId: 12}


def _of_list(items: Sequence[Value]) -> int:
    """Return the size of an array; items of one kind are measured together."""
    kinds = set(map(type, items))
    if kinds == _TEXT_KIND and all(map(str.isascii, items)):
        content = 5 * len(items) + sum(map(len, items))
    elif len(kinds) == 1 and (each := _FIXED_KINDS.get(*kinds)) is not None:
        content = each * len(items)
    else:
        content = sum(map(bson_bytes, items))
    return _FRAME_BYTES + content + names_bytes(len(items))


def names_bytes(count: int) -> int:
    """Return what the names of an array's items take, which are their places as text."""
    total, first, digits = _FIELD_BYTES * count, 0, 1
    while first < count:
        last = min(10**digits, count)
        total += digits * (last - first)
        first, digits = last, digits + 1
    return total


def _of_items(items: Iterable[tuple[str, Value]]) -> int:
    return _FRAME_BYTES + sum(
        _FIELD_BYTES + _text_bytes(name) + bson_bytes(value) for name, value in items
    )


_BYTES: Final[Mapping[type, Callable[[Value], int]]] = {
    type(None): lambda _: 0,
    Missing: lambda _: 0,
    Edge: lambda _: 0,
    bool: lambda _: 1,
    int: lambda value: 8 if is_long(value) else 4,
    Int64: lambda _: 8,
    float: lambda _: 8,
    Date: lambda _: 8,
    Timestamp: lambda _: 8,
    ObjectId: lambda _: 12,
    Decimal: lambda _: 16,
    str: lambda value: 5 + _text_bytes(value),
    Binary: lambda value: 5 + len(value.data),
    Regex: lambda value: 2 + _text_bytes(value.pattern) + len(value.options),
    dict: lambda value: _of_items(value.items()),
    list: _of_list,
}


def bson_bytes(value: Value) -> int:
    """Return how many bytes a value takes, without its name."""
    return _BYTES[type(value)](value)


def about_bytes(values: Sequence[Value]) -> int:
    """Return about how many bytes many values take, by a look at three of them."""
    if not values:
        return 0
    some = {0, len(values) // 2, len(values) - 1}
    return sum(bson_bytes(values[place]) for place in some) * len(values) // len(some)


def _bson_size(value: Value) -> int | None:
    if is_nullish(value):
        return None
    if type(value) is not dict:
        raise wrong_type("$bsonSize requires a document input, found: {type}", 31393, value)
    document: Document = value
    return bson_bytes(document)


def _binary_size(value: Value) -> int | None:
    if is_nullish(value):
        return None
    if type(value) is str:
        return _text_bytes(value)
    if type(value) is not Binary:
        raise wrong_type(
            "$binarySize requires a string or BinData argument, found: {type}", 51276, value
        )
    return len(value.data)


SIZES: Final[Mapping[str, Operator]] = {
    "$binarySize": fixed(1, _binary_size),
    "$bsonSize": fixed(1, _bson_size),
}
