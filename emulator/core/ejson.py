"""Owns MongoDB Extended JSON v2: tagged JSON objects to core values and back.

Not here: bytes (whoever reads or writes them picks a JSON codec) and the differences between SDK
generations (`wire.ejson`). The one idea: JSON's own numbers already are int or double to Python,
so only what JSON cannot say is tagged, and text without `"$` in it needs no decoding at all.
"""

import base64
import binascii
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from emulator.core.errors import InvalidParam
from emulator.core.values import (
    INT32_MAX,
    INT32_MIN,
    INT64_MAX,
    INT64_MIN,
    MAX_KEY,
    MIN_KEY,
    MISSING,
    Binary,
    Date,
    Edge,
    Int64,
    Missing,
    ObjectId,
    Regex,
    ServerDate,
    Timestamp,
    Value,
)

TAG_MARK: Final = b'"$'
"""Encoded text without these bytes holds no tagged value."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_OID: Final = re.compile(r"[0-9a-fA-F]{24}\Z")
_DATE_TEXT_MIN_MS: Final = 0
_DATE_TEXT_MAX_MS: Final = 253_402_300_799_999


def date_from_datetime(moment: datetime) -> Date:
    """Return the date of a datetime; a naive one is read as UTC, as functions run in UTC."""
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return Date((aware - _EPOCH) // _MILLISECOND)


def datetime_from_date(date: Date) -> datetime:
    """Return the datetime of a date in UTC; raises OverflowError outside years 1 to 9999."""
    return _EPOCH + timedelta(milliseconds=date.ms)


def date_text(date: Date) -> str | None:
    """Return `2026-01-02T03:04:05.678Z`, or None where ISO text has no four-digit year."""
    if not _DATE_TEXT_MIN_MS <= date.ms <= _DATE_TEXT_MAX_MS:
        return None
    return f"{datetime_from_date(date).isoformat(timespec='milliseconds')[:-6]}Z"


def tag(value: Value) -> Value:
    """Return the tagged form of one value JSON has no form for; a JSON encoder's default hook.

    Raises:
        TypeError: no document can hold a value of this type.
    """
    encode = _TAGS.get(type(value))
    if encode is None:
        raise TypeError(f"a document cannot hold a value of type {type(value).__name__}")
    return encode(value)


def encode(value: Value) -> Value:
    """Return the value as JSON data, tags only where JSON has no form of its own."""
    kind = type(value)
    if kind is dict:
        return {key: encode(item) for key, item in value.items()}
    if kind is list:
        return [encode(item) for item in value]
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        return value if math.isfinite(value) else {"$numberDouble": _double_text(value)}
    return encode(tag(value))


def canonical(value: Value) -> Value:
    """Return the value as canonical Extended JSON: every number and date tagged."""
    kind = type(value)
    if kind is dict:
        return {key: canonical(item) for key, item in value.items()}
    if kind is list:
        return [canonical(item) for item in value]
    if value is None or kind in (bool, str):
        return value
    if kind is int:
        name = "$numberInt" if INT32_MIN <= value <= INT32_MAX else "$numberLong"
        return {name: str(value)}
    if kind is float:
        return {"$numberDouble": _double_text(value)}
    return tag(value)


def holds_non_finite(value: Value) -> bool:
    """Tell whether NaN or an infinity is anywhere inside, which JSON encoders write as null."""
    kind = type(value)
    if kind is float:
        return not math.isfinite(value)
    items = value.values() if kind is dict else value if kind is list else ()
    for item in items:
        kind = type(item)
        if kind is float:
            if not math.isfinite(item):
                return True
        elif (kind is dict or kind is list) and holds_non_finite(item):
            return True
    return False


def decode(data: Value) -> Value:
    """Return JSON data with every tagged object replaced by the value it stands for.

    Both spellings of dates and legacy tags are read. Objects whose first key is no known tag stay
    objects, so query operators pass through.

    Raises:
        InvalidParam: a tag's content is not of the tag's form.
    """
    kind = type(data)
    if kind is dict:
        if data and len(data) <= 2:
            name = next(iter(data))
            read = _READERS.get(name) if name[:1] == "$" else None
            if read is not None and (len(data) == 1 or name in _TWO_KEY_TAGS):
                return _read(name, read, data)
        return {key: decode(item) for key, item in data.items()}
    if kind is list:
        return [decode(item) for item in data]
    return data


_TWO_KEY_TAGS: Final = frozenset({"$binary"})


def _read(name: str, read: Callable[[Value], Value], data: Mapping[str, Value]) -> Value:
    try:
        if name == "$binary" and len(data) == 2:
            return _binary({"base64": data["$binary"], "subType": data["$type"]})
        return read(data[name])
    except (
        KeyError,
        TypeError,
        ValueError,
        ArithmeticError,
        AttributeError,
        binascii.Error,
    ) as fault:
        raise InvalidParam(
            f"{name} cannot hold {data[name]!r:.80}", hint="see MongoDB Extended JSON v2"
        ) from fault


def _double_text(value: float) -> str:
    if math.isfinite(value):
        return repr(value)
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


def _int32(content: str) -> int:
    number = int(content)
    if not INT32_MIN <= number <= INT32_MAX:
        raise ValueError(content)
    return number


def _int64(content: str) -> int:
    number = int(content)
    if not INT64_MIN <= number <= INT64_MAX:
        raise ValueError(content)
    return Int64(number) if INT32_MIN <= number <= INT32_MAX else number


def _date(content: Value) -> Date | ServerDate:
    if type(content) is dict and len(content) == 1 and "$numberLong" in content:
        return Date(int(content["$numberLong"]))
    if isinstance(content, str):
        return date_from_datetime(datetime.fromisoformat(content))
    plain = decode(content)
    if isinstance(plain, dict):
        return ServerDate(int(plain["offset"]))
    if isinstance(plain, bool) or not isinstance(plain, int | float):
        raise TypeError(content)
    return Date(math.floor(plain))


def _object_id(content: str) -> ObjectId:
    if _OID.match(content) is None:
        raise ValueError(content)
    return ObjectId(content.lower())


def _regex(content: Mapping[str, str]) -> Regex:
    options = "".join(sorted(set(content.get("options", "")) & set("imsx")))
    return Regex(content["pattern"] + "", options)


def _binary(content: Mapping[str, str]) -> Binary:
    data = base64.b64decode(content["base64"], validate=True)
    return Binary(data, int(content["subType"], 16))


def _decimal(content: str) -> Decimal:
    try:
        number = Decimal(content)
        return Decimal("NaN") if number.is_snan() else number
    except InvalidOperation as fault:
        raise ValueError(content) from fault


_READERS: Final[Mapping[str, Callable[[Value], Value]]] = {
    "$numberInt": _int32,
    "$numberLong": _int64,
    "$numberDouble": float,
    "$numberDecimal": _decimal,
    "$date": _date,
    "$oid": _object_id,
    "$regularExpression": _regex,
    "$binary": _binary,
    "$timestamp": lambda content: Timestamp(int(content["t"]), int(content["i"])),
    "$minKey": lambda _: MIN_KEY,
    "$maxKey": lambda _: MAX_KEY,
    "$undefined": lambda _: MISSING,
    "$tcb_server_date": lambda content: ServerDate(int(decode(content["offset"]))),
}

_TAGS: Final[Mapping[type, Callable[[Value], Value]]] = {
    Int64: lambda value: {"$numberLong": str(int(value))},
    Date: lambda value: {"$date": {"$numberLong": str(value.ms)}},
    ObjectId: lambda value: {"$oid": value.hex},
    Regex: lambda value: {
        "$regularExpression": {"pattern": value.pattern, "options": value.options}
    },
    Binary: lambda value: {
        "$binary": {
            "base64": base64.b64encode(value.data).decode(),
            "subType": f"{value.subtype:02x}",
        }
    },
    Decimal: lambda value: {"$numberDecimal": str(value)},
    Timestamp: lambda value: {"$timestamp": {"t": value.seconds, "i": value.counter}},
    Edge: lambda value: {"$minKey" if value.sign < 0 else "$maxKey": 1},
    Missing: lambda _: {"$undefined": True},
    ServerDate: lambda value: {"$tcb_server_date": {"offset": value.offset_ms}},
}
