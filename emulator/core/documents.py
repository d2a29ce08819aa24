"""Owns the door for documents on their way in: they are copied, checked and made the engine's own.

Not here: unique ids and indexes. The one idea: one walk makes the copy and sees every key and value
once; whatever passes can be stored, sorted, encoded and read back by the SDKs.
Bounds follow MongoDB 4.0: 16 MiB a document, 200 levels (server source `bson_depth.h`). Nested keys
that start with `$` pass, as that server lets them, unless Extended JSON would read the object as
something else; at the top they are refused.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

from emulator.core.ejson import date_from_datetime
from emulator.core.errors import DatabaseRequestFailed, InvalidParam, RequestTooLarge
from emulator.core.geometry_json import LATITUDE_MAX, LONGITUDE_MAX
from emulator.core.values import (
    INT64_MAX,
    INT64_MIN,
    MISSING,
    Binary,
    Date,
    Document,
    Edge,
    Int64,
    ObjectId,
    Regex,
    ServerDate,
    Timestamp,
    Value,
)
from emulator.core.wording import shown

DOCUMENT_SIZE_MAX_BYTES: Final = 16 * 1024 * 1024
NESTING_MAX_LEVELS: Final = 200

EJSON_TAGS: Final = frozenset(
    {
        "$binary",
        "$date",
        "$maxKey",
        "$minKey",
        "$numberDecimal",
        "$numberDouble",
        "$numberInt",
        "$numberLong",
        "$oid",
        "$regularExpression",
        "$tcb_server_date",
        "$timestamp",
        "$undefined",
    }
)
"""First keys that Extended JSON reads as a tagged value; no stored object may begin with one."""

_GEO_TYPES: Final = frozenset(
    {"Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon"}
)
_AS_IS: Final = frozenset({type(None), bool, float, Date, ObjectId, Regex, Edge})
_REFERENCE_KEYS: Final = frozenset({"$ref", "$id", "$db"})
_UNSET_STAMP: Final = Timestamp(0, 0)
_FIELD_OVERHEAD_BYTES: Final = 8
_TEXT_CHECK_LENGTH: Final = 64


def admit(document: Document, *, now_ms: int) -> Document:
    """Return a deep copy the engine owns, `_id` first and server dates resolved.

    Fields that are undefined are left out; inside arrays they become null. A `Timestamp(0, 0)` at
    the top stands for the moment, as in MongoDB.

    Raises:
        DatabaseRequestFailed: a top-level key starts with `$` (52), the `_id` is of a kind no id
            can be (53), a nested key is a tag of Extended JSON (52), a key holds a null byte (2), a
            GeoJSON position is out of range (2), the nesting is too deep (15).
        InvalidParam: a key is no string, or a value of no kind a document can hold.
        RequestTooLarge: the document is larger than 16 MiB.
    """
    if not isinstance(document, Mapping):
        raise InvalidParam(f"a document must be an object, not {shown(document)}")
    for key in document:
        if type(key) is str and key[:1] == "$":
            raise DatabaseRequestFailed(
                f"Document can't have $ prefixed field names: {key}", mongo_code=52
            )
    copy = _Copy(now_ms, stamps=True)
    admitted: Document = copy.mapping(document, "", 1)
    copy.check_size()
    if "_id" in admitted and next(iter(admitted)) != "_id":
        admitted = {"_id": admitted.pop("_id"), **admitted}
    check_id(admitted.get("_id"))
    return admitted


def admit_value(value: Value, *, path: str, now_ms: int) -> Value:
    """Return a deep copy of a value for the field at `path`, checked as `admit` checks."""
    copy = _Copy(now_ms)
    admitted = copy.value(value, path, path.count(".") + 1)
    copy.check_size()
    return admitted


def resolve(value: Value, *, now_ms: int) -> Value:
    """Return a filter or update with its server dates resolved; the same object without any."""
    return _resolved(value, now_ms) if _has_server_date(value) else value


def _has_server_date(value: Value) -> bool:
    """Tell whether a server date is in it; most have none, and a look makes no copies."""
    kind = type(value)
    if kind is dict:
        value = value.values()
    elif kind is not list:
        return kind is ServerDate
    for item in value:
        kind = type(item)
        if kind is ServerDate or ((kind is dict or kind is list) and _has_server_date(item)):
            return True
    return False


def _resolved(value: Value, now_ms: int) -> Value:
    kind = type(value)
    if kind is ServerDate:
        return Date(now_ms + value.offset_ms)
    if kind is dict:
        return {key: _resolved(item, now_ms) for key, item in value.items()}
    if kind is list:
        return [_resolved(item, now_ms) for item in value]
    return value


def check_id(document_id: Value) -> None:
    """Refuse an `_id` that MongoDB refuses.

    Raises:
        DatabaseRequestFailed: it is an array, a regex or undefined (53), or an object with a key
            that starts with `$` (52).
    """
    if type(document_id) in (list, Regex):
        kind = "an array" if type(document_id) is list else "a regex"
        raise DatabaseRequestFailed(f"can't use {kind} for _id", mongo_code=53)
    if type(document_id) is dict:
        refuse_dollar_keys(document_id, "_id")


def refuse_dollar_keys(value: Value, path: str) -> None:
    """Refuse keys that start with `$` anywhere inside, but for those of a reference.

    Raises:
        DatabaseRequestFailed: there is one (52).
    """
    if type(value) is dict:
        for key, item in value.items():
            if key[:1] == "$" and key not in _REFERENCE_KEYS:
                raise DatabaseRequestFailed(
                    f"The dollar ($) prefixed field '{key}' in '{path}.{key}' is not valid for "
                    "storage.",
                    mongo_code=52,
                )
            refuse_dollar_keys(item, f"{path}.{key}")
    elif type(value) is list:
        for item in value:
            refuse_dollar_keys(item, path)


def check_document(document: Document) -> None:
    """Check what an update made of a document: its size, its depth, its places.

    Raises:
        DatabaseRequestFailed: nested too deeply (15), or a GeoJSON position is out of range (2).
        RequestTooLarge: the document is larger than 16 MiB.
    """
    copy = _Copy(0)
    copy.mapping(document, "", 1)
    copy.check_size()


def check_geo_json(value: Mapping[str, Value], path: str) -> None:
    """Refuse GeoJSON whose positions the SDKs cannot read back.

    They build points out of everything that looks like GeoJSON in a reply, and one number out of
    range makes the whole read throw.

    Raises:
        DatabaseRequestFailed: a position is out of range, or a Point without two numbers (2).
    """
    kind, coordinates = value.get("type"), value.get("coordinates")
    if type(kind) is not str or kind not in _GEO_TYPES or type(coordinates) is not list:
        return
    if kind == "Point" and not _is_position(coordinates):
        raise _bad_place(path, coordinates)
    _check_positions(coordinates, path)


def _check_positions(coordinates: list[Value], path: str) -> None:
    if _is_position(coordinates):
        longitude, latitude = coordinates[:2]
        if not (abs(longitude) <= LONGITUDE_MAX and abs(latitude) <= LATITUDE_MAX):
            raise _bad_place(path, coordinates)
        return
    for item in coordinates:
        if type(item) is list:
            _check_positions(item, path)


def _is_position(coordinates: list[Value]) -> bool:
    numbers = coordinates[:2]
    return len(numbers) == 2 and all(type(item) in (int, Int64, float) for item in numbers)


def _bad_place(path: str, coordinates: Value) -> DatabaseRequestFailed:
    return DatabaseRequestFailed(
        f"Can't extract geo keys: '{path}' is no place on Earth: {shown(coordinates)}",
        mongo_code=16755,
        hint="a position is [longitude -180..180, latitude -90..90]",
    )


class _Copy:
    """One walk over one document; `size_bytes` is an estimate that counts long texts exactly."""

    def __init__(self, now_ms: int, *, stamps: bool = False) -> None:
        self._now_ms = now_ms
        self._stamps = stamps
        self._size_bytes = 0

    def check_size(self) -> None:
        if self._size_bytes > DOCUMENT_SIZE_MAX_BYTES:
            raise RequestTooLarge(
                f"the document is about {self._size_bytes} bytes, "
                f"a document may have {DOCUMENT_SIZE_MAX_BYTES}"
            )

    def value(self, value: Value, path: str, level: int) -> Value:
        kind = type(value)
        if kind in _AS_IS:
            return value
        if kind is str:
            return self._text(value, path)
        if kind is int or kind is Int64:
            return _checked_integer(value, path)
        if kind is dict:
            return self.mapping(value, path, level + 1)
        if kind is list:
            return self._array(value, path, level + 1)
        return self._rare(value, path, level)

    def _rare(self, value: Value, path: str, level: int) -> Value:
        kind = type(value)
        if kind is ServerDate:
            return Date(self._now_ms + value.offset_ms)
        if kind is Binary:
            self._size_bytes += len(value.data)
            return value
        if kind is Timestamp:
            is_unset = self._stamps and level == 1 and path != "_id" and value == _UNSET_STAMP
            return Timestamp(self._now_ms // 1000, 1) if is_unset else value
        return self._foreign(value, path, level)

    def mapping(self, value: Mapping[str, Value], path: str, level: int) -> Document:
        if level > NESTING_MAX_LEVELS:
            raise _too_deep(path)
        copied: Document = {}
        for key, item in value.items():
            if type(key) is not str:
                raise InvalidParam(f"a key inside '{path}' is no string: {key!r:.60}")
            kind = type(item)
            if (
                kind in _AS_IS
                or (kind is str and len(item) <= _TEXT_CHECK_LENGTH and item.isascii())
                or (kind is int and INT64_MIN <= item <= INT64_MAX)
            ):
                copied[key] = item
            elif item is not MISSING:
                copied[key] = self.value(item, f"{path}.{key}" if path else key, level)
        self._size_bytes += len(copied) * _FIELD_OVERHEAD_BYTES
        if "\0" in "".join(copied):
            raise null_byte(next(key for key in copied if "\0" in key))
        if level > 1:
            _check_object(copied, path)
        return copied

    def _array(self, value: list[Value], path: str, level: int) -> list[Value]:
        if level > NESTING_MAX_LEVELS:
            raise _too_deep(path)
        self._size_bytes += len(value) * _FIELD_OVERHEAD_BYTES
        return [
            item
            if (kind := type(item)) in _AS_IS
            or (kind is str and len(item) <= _TEXT_CHECK_LENGTH and item.isascii())
            or (kind is int and INT64_MIN <= item <= INT64_MAX)
            else None
            if item is MISSING
            else self.value(item, f"{path}.{place}", level)
            for place, item in enumerate(value)
        ]

    def _text(self, value: str, path: str) -> str:
        if len(value) > _TEXT_CHECK_LENGTH:
            self._size_bytes += len(value)
        if not value.isascii():
            try:
                self._size_bytes += len(value.encode()) - len(value)
            except UnicodeEncodeError as fault:
                raise InvalidParam(
                    f"the text in '{path}' is no valid Unicode: half of a surrogate pair"
                ) from fault
        return value

    def _foreign(self, value: Value, path: str, level: int) -> Value:
        """Return what stands for a value of a kind that only programs in this process can send."""
        for kind, convert in _CONVERSIONS:
            if isinstance(value, kind):
                return self.value(convert(value), path, level)
        if isinstance(value, Decimal):
            return Decimal("NaN") if value.is_nan() else value
        raise InvalidParam(
            f"'{path}' is of type {type(value).__name__}, which no document can hold",
            hint="use None, bool, int, float, str, list, dict, datetime, bytes or core.values",
        )


_CONVERSIONS: Final[tuple[tuple[type, Callable[[Value], Value]], ...]] = (
    (datetime, date_from_datetime),
    (tuple, list),
    (list, list),
    (Mapping, dict),
    (bytes, Binary),
    (bytearray, lambda value: Binary(bytes(value))),
    (str, lambda value: str.__str__(value)),
    (int, int),
    (float, float),
)


def _checked_integer(value: int, path: str) -> int:
    if not INT64_MIN <= value <= INT64_MAX:
        raise InvalidParam(f"'{path}' is beyond 64 bits: {value}")
    return value


def _check_object(value: Document, path: str) -> None:
    first = next(iter(value), "")
    if first in EJSON_TAGS:
        raise DatabaseRequestFailed(
            f"The dollar ($) prefixed field '{first}' in '{path}' is not valid for storage.",
            mongo_code=52,
            hint="Extended JSON would read this object as another kind of value",
        )
    if "coordinates" in value:
        check_geo_json(value, path)


def null_byte(name: str) -> DatabaseRequestFailed:
    """Return the refusal of a field's name that BSON cannot hold."""
    return DatabaseRequestFailed(f"BSON element keys cannot contain null-bytes: {shown(name)}")


def _too_deep(path: str) -> DatabaseRequestFailed:
    return DatabaseRequestFailed(
        f"'{path[:80]}' is nested deeper than {NESTING_MAX_LEVELS} levels", mongo_code=15
    )
