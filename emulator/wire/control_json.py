"""Owns reading the input of the control API and writing its answers.

Not here: what is read for which call (`wire.control`). The one idea: everything read has a bound
and is refused by name; everything answered is relaxed Extended JSON.
"""

import math
from typing import Any, Final

import orjson
from aiohttp import web

from emulator.core import ejson
from emulator.core.auth_errors import UserExists, UserNotFound
from emulator.core.errors import (
    CollectionExists,
    CollectionNotExist,
    EmulatorError,
    FunctionNotFound,
    InvalidParam,
    PermissionDenied,
    RequestTooLarge,
    StorageDenied,
    StorageFileNotExist,
    StoreError,
    TransactionConflict,
)
from emulator.core.values import Date, Document, Value
from emulator.core.wellformed import wellformed_data
from emulator.wire import json_text
from emulator.wire.ejson import require_shallow

ENTRIES_DEFAULT: Final = 100
ENTRIES_MAX: Final = 10_000

Json = dict[str, Any]

_STATUS: Final[tuple[tuple[type[EmulatorError], int], ...]] = (
    (FunctionNotFound, 404),
    (UserNotFound, 404),
    (UserExists, 409),
    (CollectionNotExist, 404),
    (StorageFileNotExist, 404),
    (RequestTooLarge, 413),
    (PermissionDenied, 403),
    (StorageDenied, 403),
    (CollectionExists, 409),
    (TransactionConflict, 409),
    (StoreError, 500),
    (EmulatorError, 400),
)


def relaxed_json(value: Value) -> bytes:
    """Return values of documents as relaxed Extended JSON text."""
    finite = _finite(value) if ejson.holds_non_finite(value) else value
    try:
        return orjson.dumps(finite, default=_relaxed, option=orjson.OPT_PASSTHROUGH_DATACLASS)
    except TypeError:  # half of a surrogate pair, out of the name of a file or a collection
        mended = wellformed_data(finite)
        return orjson.dumps(mended, default=_relaxed, option=orjson.OPT_PASSTHROUGH_DATACLASS)


def refused(fault: EmulatorError) -> web.Response:
    """Return the answer to a call that the suite refused."""
    status = next(status for kind, status in _STATUS if isinstance(fault, kind))
    return refusal(fault.code, fault.message, hint=fault.hint, status=status)


def refusal(code: str, message: str, *, hint: str, status: int) -> web.Response:
    """Return an error as JSON for programs."""
    return answer({"code": code, "message": message, "hint": hint}, status=status)


def answer(value: Value, *, status: int = 200) -> web.Response:
    """Return a value as JSON."""
    return web.Response(
        body=relaxed_json(value),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


async def read_body(request: web.Request, size_max_bytes: int) -> bytes:
    """Return the whole body, or refuse it as soon as it is known to be too large."""
    too_large = RequestTooLarge(f"the body is larger than {size_max_bytes} bytes")
    if (request.content_length or 0) > size_max_bytes:
        raise too_large
    read = bytearray()
    async for chunk in request.content.iter_any():
        read += chunk
        if len(read) > size_max_bytes:
            raise too_large
    return bytes(read)


def read_object(raw: bytes, *, known: tuple[str, ...]) -> Json:
    """Return a body as an object of known fields, empty for no body; raises InvalidParam."""
    if not raw.strip():
        return {}
    try:
        data = json_text.read(raw)
    except orjson.JSONDecodeError as fault:
        raise InvalidParam(f"the body is not JSON: {fault}") from fault
    if not isinstance(data, dict):
        raise InvalidParam("the body must be a JSON object")
    unknown = [name for name in data if name not in known]
    if unknown:
        raise InvalidParam(
            f'the body has no field "{unknown[0]}"', hint=f"known: {', '.join(known)}"
        )
    require_shallow(data, "the body")
    return data


def read_collections(data: Value, *, tagged: bool) -> dict[str, list[Document]]:
    """Return documents by collection, decoded if they may hold tags; raises InvalidParam."""
    if not isinstance(data, dict):
        raise InvalidParam("collections must be an object of lists", hint='{"orders": [{}, {}]}')
    for name, documents in data.items():
        if not isinstance(documents, list):
            raise InvalidParam(f"collections.{name} must be a list of documents")
        for number, document in enumerate(documents):
            if not isinstance(document, dict):
                raise InvalidParam(f"collections.{name}[{number}] must be an object")
    if not tagged:
        return data
    return {name: [ejson.decode(each) for each in documents] for name, documents in data.items()}


def flag(data: Json, name: str) -> bool:
    """Return a boolean field, false when absent; raises InvalidParam."""
    value = data.get(name, False)
    if not isinstance(value, bool):
        raise InvalidParam(f"{name} must be true or false")
    return value


def text_or_none(data: Json, name: str) -> str | None:
    """Return a text field, None when absent or null; raises InvalidParam."""
    value = data.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidParam(f"{name} must be a text or null")
    return value


def seconds(request: web.Request, name: str, default_s: float, max_s: float) -> float:
    """Return a query parameter in seconds; raises InvalidParam."""
    text = request.query.get(name)
    if text is None:
        return default_s
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= max_s:
        raise InvalidParam(f"{name} must be 0 to {max_s:g} seconds, is {text!r:.40}")
    return value


def limit(request: web.Request) -> int:
    """Return the query parameter `limit`; raises InvalidParam."""
    text = request.query.get("limit", str(ENTRIES_DEFAULT))
    if not text.isdecimal() or not 1 <= int(text) <= ENTRIES_MAX:
        raise InvalidParam(f"limit must be 1 to {ENTRIES_MAX}, is {text!r:.40}")
    return int(text)


def _finite(value: Value) -> Value:
    kind = type(value)
    if kind is dict:
        return {key: _finite(item) for key, item in value.items()}
    if kind is list:
        return [_finite(item) for item in value]
    return ejson.encode(value) if kind is float and not math.isfinite(value) else value


def _relaxed(value: Value) -> Value:
    text = ejson.date_text(value) if type(value) is Date else None
    return ejson.tag(value) if text is None else {"$date": text}
