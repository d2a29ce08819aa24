"""Owns the way of values between user code and the database, and between functions as JSON.

Not here: commands inside data (`conditions`) and Extended JSON (`core.ejson`). The one idea: a
table from the type of a value to how it is turned over; whatever passes is a copy, in both
directions, so neither side can change what the other holds.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from emulator.cloud.errors import sdk_error
from emulator.cloud.geo import SHAPES, shape_of
from emulator.cloud.markers import ObjectId, RegExp, ServerDate, pattern_options
from emulator.core import ejson, values
from emulator.core.values import INT64_MAX, INT64_MIN, Document, Value
from emulator.core.wellformed import wellformed

PLAIN: Final = frozenset({str, int, float, bool, type(None)})


class Unencodable(Exception):
    """A document cannot hold this value; `reason` goes on from the name of its place."""

    def __init__(self, value: object, reason: str = "") -> None:
        self.value = value
        self.reason = reason or f"cannot hold a value of type {type(value).__name__}"
        super().__init__(self.reason)


def encode(value: Value) -> Value:
    """Return the value as the database takes it.

    Raises:
        Unencodable: no document can hold the value or something inside it.
    """
    kind = type(value)
    if kind is str or value is None or kind is bool or kind is float:
        return value
    read = _ENCODERS.get(kind)
    return read(value) if read is not None else _encode_kin(value)


def decode(value: Value) -> Value:
    """Return a value of the database as user code gets it, free to be changed."""
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind is dict:
        document = {
            key: item if type(item) in PLAIN else decode(item) for key, item in value.items()
        }
        if len(document) == 2 and "coordinates" in document and "type" in document:
            return shape_of(document) or document
        return document
    if kind is list:
        return [item if type(item) in PLAIN else decode(item) for item in value]
    write = _DECODERS.get(kind)
    return write(value) if write is not None else ejson.tag(value)


def decode_documents(documents: Iterable[Document]) -> list[Document]:
    """Return documents as user code gets them."""
    return [
        {key: item if type(item) in PLAIN else decode(item) for key, item in document.items()}
        for document in documents
    ]


def json_data(value: Value) -> Value:
    """Return the value as the JSON data that a called function receives.

    Dates become their ISO text and what JSON has no number for becomes null, as in JavaScript.

    Raises:
        Unencodable: JSON has no form for the value or something inside it.
    """
    kind = type(value)
    if kind is float:
        return value if math.isfinite(value) else None
    if kind is str:
        return wellformed(value)
    if kind in PLAIN:
        return value
    if isinstance(value, Mapping):
        return {wellformed(_key(key)): json_data(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_data(item) for item in value]
    if isinstance(value, datetime):
        return ejson.date_text(ejson.date_from_datetime(value))
    if isinstance(value, str | int | float):
        return json.loads(json.dumps(value))
    raise Unencodable(value)


def passed(api: str, place: str, encoder: Callable[[Any], Any], value: Value) -> Any:
    """Return the encoded argument of a call, or name the place in it that cannot be.

    Raises:
        CloudError: something in the argument cannot be sent.
    """
    try:
        return encoder(value)
    except Unencodable as fault:
        where = _place_of(fault.value, value, place) or place
        raise sdk_error(api, f"{where} {fault.reason}") from None
    except RecursionError:
        raise sdk_error(api, f"{place} is nested too deeply or holds itself") from None


def _place_of(culprit: object, value: Value, place: str) -> str:
    """Return the name of the place inside `value` where the culprit lies, "" if it does not."""
    if value is culprit:
        return place
    inside: Iterable[tuple[str, Value]] = ()
    if isinstance(value, Mapping):
        inside = ((f"{place}.{key}", item) for key, item in value.items())
    elif isinstance(value, list | tuple):
        inside = ((f"{place}[{index}]", item) for index, item in enumerate(value))
    return next((found for at, item in inside if (found := _place_of(culprit, item, at))), "")


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise Unencodable(key, f"has a field name that is no text: {key!r:.80}")
    return key


def _encode_dict(value: Mapping[str, Value]) -> Value:
    return {_key(key): encode(item) for key, item in value.items()}


def _encode_items(value: Iterable[Value]) -> Value:
    return [encode(item) for item in value]


def _encode_int(value: int) -> Value:
    if not INT64_MIN <= value <= INT64_MAX:
        raise Unencodable(value, "holds a number beyond 64 bits")
    return value


def _encode_pattern(pattern: "re.Pattern[Any]") -> Value:
    if not isinstance(pattern.pattern, str):
        raise Unencodable(pattern, "holds a pattern of bytes; use one of text")
    return values.Regex(pattern.pattern, pattern_options(pattern))


def _same(value: Value) -> Value:
    return value


def _encode_kin(value: Value) -> Value:
    """Encode what derives from a type of the table, such as an enumeration or an ordered dict."""
    for kind, plain in _KIN:
        if isinstance(value, kind):
            return encode(plain(value))
    raise Unencodable(value)


_ENCODERS: Final[Mapping[type, Callable[[Any], Value]]] = {
    dict: _encode_dict,
    list: _encode_items,
    tuple: _encode_items,
    int: _encode_int,
    datetime: ejson.date_from_datetime,
    bytes: values.Binary,
    bytearray: lambda value: values.Binary(bytes(value)),
    memoryview: lambda value: values.Binary(bytes(value)),
    re.Pattern: _encode_pattern,
    ServerDate: ServerDate.core,
    RegExp: RegExp.core,
    ObjectId: ObjectId.core,
    **dict.fromkeys(SHAPES.values(), _encode_dict),
    **dict.fromkeys(
        (
            values.Int64,
            values.Date,
            values.ObjectId,
            values.Binary,
            values.Regex,
            values.Timestamp,
            values.Edge,
            values.ServerDate,
            Decimal,
        ),
        _same,
    ),
}

_KIN: Final[tuple[tuple[type, Callable[[Any], Value]], ...]] = (
    (str, lambda value: str.__str__(value)),
    (int, int.__index__),
    (float, float.__float__),
    (Mapping, dict),
    (list, list),
    (tuple, list),
    (datetime, ejson.date_from_datetime),
)


def _decode_date(date: values.Date) -> Value:
    try:
        return ejson.datetime_from_date(date)
    except OverflowError:  # beyond the years 1 to 9999, which JavaScript has and Python has not
        return date.ms


_DECODERS: Final[Mapping[type, Callable[[Any], Value]]] = {
    values.Int64: int,
    values.Date: _decode_date,
    values.ObjectId: lambda value: value.hex,
    values.Binary: lambda value: value.data,
    values.Regex: lambda value: {"pattern": value.pattern, "options": value.options},
    Decimal: _same,
}
