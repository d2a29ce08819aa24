"""Owns the two spellings of values that the server SDKs speak, over the tags of `core.ejson`.

Not here: which field of which action holds what (`wire.requests`, `wire.replies`). The one idea:
dialect B (node-sdk 2 and 3, wx-server-sdk 2 to 4) sends a document as Extended JSON *text*,
dialect A (tcb-admin-node, wx-server-sdk 1) as a plain JSON object, so the type of a field tells
which one it is. Text without a tag is decoded by the JSON parser alone, and a document is encoded
by one pass of it, with a hook for what JSON has no form for.
"""

import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

import orjson

from emulator.core import ejson
from emulator.core.errors import InvalidParam
from emulator.core.values import Date, Document, ObjectId, Value
from emulator.wire import json_text

DEPTH_MAX_LEVELS: Final = 200
"""MongoDB's own bound on nesting; it also keeps recursion far from Python's."""

_TAG: Final = '"$'
_OPTIONS: Final = orjson.OPT_PASSTHROUGH_DATACLASS
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DATE_TEXT_MAX_MS: Final = 253_402_300_799_999

Hook = Callable[[Value], Value]


def read_text(text: str, field: str) -> Value:
    """Return the value of a field that holds Extended JSON text.

    Raises:
        InvalidParam: it is not JSON, nested too deeply, or holds a tag with the wrong content.
    """
    data = read_json(text, field)
    return ejson.decode(data) if _TAG in text else data


def read_json(text: str, field: str) -> Value:
    """Return the data of a field that holds JSON text, as the parser gives it.

    Raises:
        InvalidParam: it is not JSON, or nested too deeply.
    """
    try:
        data = json_text.read(text)
    except orjson.JSONDecodeError as fault:
        raise InvalidParam(f"{field} is not JSON text: {fault}") from fault
    # No value can be nested deeper than there are brackets; counting them is all most texts need.
    if text.count("{") + text.count("[") > DEPTH_MAX_LEVELS:
        require_shallow(data, field)
    return data


def read_plain(data: Value, field: str) -> Value:
    """Return the value of a field that holds a plain JSON object or array, as dialect A sends it.

    Raises:
        InvalidParam: it is nested too deeply, or holds a tag with the wrong content.
    """
    require_shallow(data, field)
    return ejson.decode(data)


def require_shallow(data: Value, field: str) -> None:
    """Refuse data that is nested beyond `DEPTH_MAX_LEVELS`."""
    level = [data] if type(data) in (dict, list) else []
    for _ in range(DEPTH_MAX_LEVELS):
        if not level:
            return
        level = [
            item
            for holder in level
            for item in (holder.values() if type(holder) is dict else holder)
            if type(item) in (dict, list)
        ]
    if level:
        raise InvalidParam(f"{field} is nested deeper than {DEPTH_MAX_LEVELS} levels")


def document_text(document: Document) -> str:
    """Return a document as dialect B reads it: relaxed Extended JSON text."""
    return _encode(document, _relaxed).decode()


def exact_text(document: Document) -> str:
    """Return a document as relaxed Extended JSON text in which every value keeps its type."""
    return _encode(document, _exact).decode()


def document_json(document: Document) -> bytes:
    """Return a document as dialect A reads it: JSON whose dates are never tagged twice.

    Dates are ISO text where there is one (tcb-admin-node 1.23 loses `{"$date": 0}`).
    """
    return _encode(document, _plain)


def client_document_json(document: Document) -> bytes:
    """Return a document as client SDKs read it: JSON whose dates are `{"$date": milliseconds}`."""
    return _encode(document, _client)


def value_json(value: Value) -> bytes:
    """Return any value, such as a list of ids, as JSON."""
    return _encode(value, _relaxed)


def _encode(value: Value, hook: Hook) -> bytes:
    text = orjson.dumps(value, default=hook, option=_OPTIONS)
    # The encoder writes NaN and the infinities as null; without a null there is none of them.
    if b"null" in text and _holds_non_finite([value]):
        return orjson.dumps(_finite(value), default=hook, option=_OPTIONS)
    return text


def _holds_non_finite(items: Iterable[Value]) -> bool:
    for item in items:
        kind = type(item)
        if kind is float:
            if not math.isfinite(item):
                return True
        elif kind is dict:
            if _holds_non_finite(item.values()):
                return True
        elif kind is list and _holds_non_finite(item):
            return True
    return False


def _finite(value: Value) -> Value:
    """Return the value with every number JSON cannot write replaced by its tag."""
    kind = type(value)
    if kind is dict:
        return {key: _finite(item) for key, item in value.items()}
    if kind is list:
        return [_finite(item) for item in value]
    if kind is float and not math.isfinite(value):
        return ejson.encode(value)
    return value


def _relaxed(value: Value) -> Value:
    # The SDKs lose an `$oid` (it becomes {}), so ids are plain hexadecimal text.
    if type(value) is ObjectId:
        return value.hex
    if type(value) is Date and 0 <= value.ms <= _DATE_TEXT_MAX_MS:
        moment = _EPOCH + timedelta(milliseconds=value.ms)
        return {"$date": moment.isoformat(timespec="milliseconds")[:-6] + "Z"}
    return ejson.tag(value)


def _exact(value: Value) -> Value:
    return ejson.tag(value) if type(value) is ObjectId else _relaxed(value)


def _plain(value: Value) -> Value:
    if type(value) is Date and not 0 <= value.ms <= _DATE_TEXT_MAX_MS:
        return {"$date": value.ms}
    return _relaxed(value)


def _client(value: Value) -> Value:
    # The SDKs see no date in a `$date` of 0.
    return {"$date": value.ms} if type(value) is Date and value.ms else _relaxed(value)
