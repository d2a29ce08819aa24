"""Owns what a handler returned as JSON text, the way the cloud's JavaScript would write it.

Not here: how it travels on. The one idea: one pass of a fast encoder for results that are plain,
and a second look only at those it refuses, to mend what JSON can hold or to name what it cannot.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time
from enum import Enum
from json import dumps
from types import AsyncGeneratorType, GeneratorType
from typing import Any, Final
from uuid import UUID

import orjson

from emulator.core.ejson import date_from_datetime, date_text
from emulator.core.values import (
    Binary,
    Date,
    Edge,
    ObjectId,
    Regex,
    ServerDate,
    Timestamp,
)
from emulator.core.wellformed import wellformed
from emulator.functions.base import RESPONSE_MAX_BYTES

DEPTH_MAX: Final = 250

# The kinds of `core.values` are data classes too; each has a form of its own.
_OPTIONS: Final = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS


class NotJson(Exception):
    """A result that JSON text cannot hold; the message says where and why."""


def to_json(value: Any) -> bytes:
    """Return the result of a handler as JSON text.

    Moments become ISO text with milliseconds and Z, ids their digits, tuples arrays, NaN null,
    keys that are numbers text, halves of surrogate pairs U+FFFD.

    Raises:
        NotJson: a value has no form in JSON, goes round in a circle, is too deep or too large.
    """
    try:
        text = orjson.dumps(value, _plain, _OPTIONS)
    except TypeError:
        text = _mended(value)
    if len(text) > RESPONSE_MAX_BYTES:
        raise NotJson(
            f"the result has {len(text):,} bytes of JSON; a function may answer at most "
            f"{RESPONSE_MAX_BYTES:,}"
        )
    return text


def _plain(value: Any) -> Any:
    """Return a value that JSON has no form for as one it has.

    Raises:
        TypeError: there is none.
    """
    for kind, convert in _CONVERSIONS:
        if isinstance(value, kind):
            return convert(value)
    if is_dataclass(value) and not isinstance(value, (type, *_REFUSED)):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    raise TypeError(type(value).__name__)


_CONVERSIONS: Final[tuple[tuple[type, Callable[[Any], Any]], ...]] = (
    (Date, date_text),
    (datetime, lambda value: date_text(date_from_datetime(value))),
    (ObjectId, lambda value: value.hex),
    (date, lambda value: value.isoformat()),
    (time, lambda value: value.isoformat()),
    (tuple, list),
    (Mapping, dict),
    (UUID, str),
    # The database fills the placeholder in; returned as it is, the official SDK shows this too.
    (ServerDate, lambda value: {"offset": value.offset_ms}),
)
_REFUSED: Final = (Binary, Edge, Regex, Timestamp)


def _mended(value: Any) -> bytes:
    """Return the JSON text of a value the fast encoder refused."""
    plain = _rebuilt(value, "result", ())
    text = dumps(plain, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.encode()


def _rebuilt(value: Any, path: str, above: tuple[int, ...]) -> Any:
    """Return the value made of what the standard encoder takes.

    Raises:
        NotJson: see `to_json`.
    """
    kind = type(value)
    if value is None or kind in (bool, int):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, Enum):
        return _rebuilt(value.value, path, above)
    if isinstance(value, str | int):
        return wellformed(str(value)) if isinstance(value, str) else int(value)
    if id(value) in above:
        raise NotJson(f"{path} contains itself, which JSON cannot hold")
    if len(above) >= DEPTH_MAX:
        raise NotJson(f"{path} lies more than {DEPTH_MAX} levels deep")
    above = (*above, id(value))
    if isinstance(value, list | tuple):
        return [_rebuilt(item, f"{path}[{at}]", above) for at, item in enumerate(value)]
    if isinstance(value, Mapping):
        return {
            _key(key, path): _rebuilt(item, f"{path}.{key}", above) for key, item in value.items()
        }
    return _rebuilt(_converted(value, path), path, above)


def _converted(value: Any, path: str) -> Any:
    try:
        return _plain(value)
    except TypeError as fault:
        hint = _HINTS.get(type(value), "")
        raise NotJson(
            f"{path} is of type {type(value).__name__}, which JSON cannot hold{hint}"
        ) from fault


def _key(key: Any, path: str) -> str:
    if isinstance(key, str):
        return wellformed(str(key))
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    if isinstance(key, int | float):
        return repr(int(key) if key == key // 1 else key)
    raise NotJson(f"{path} has a key of type {type(key).__name__}; keys in JSON are text")


_BYTES: Final = "; encode it as base64 text, or upload it and return the file id"
_PIECES: Final = "; only a visitor over HTTP access is answered piece by piece"
_HINTS: Final[Mapping[type, str]] = {
    bytes: _BYTES,
    bytearray: _BYTES,
    Binary: _BYTES,
    GeneratorType: _PIECES,
    AsyncGeneratorType: _PIECES,
    set: "; return a list of its members",
    frozenset: "; return a list of its members",
}
