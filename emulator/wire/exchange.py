"""Owns reading a request's body and writing a JSON answer, with as little as possible in between.

Not here: what the bytes mean. The one idea: most requests of an SDK have arrived whole when their
handler starts, and most answers are one small JSON text on a connection that stays open; for
those, headers are a constant and head and body leave in one write.
"""

from typing import Any, Final, NamedTuple, Protocol

import orjson
from aiohttp import ClientPayloadError, HttpVersion11, StreamReader, hdrs, web
from aiohttp.abc import AbstractStreamWriter
from multidict import MultiMapping

from emulator.core.errors import InvalidCommonParam, RequestTooLarge
from emulator.wire import json_text

JSON: Final = "application/json; charset=utf-8"
"""Exactly this text: wx-server-sdk tells failures of open APIs from binary replies by it."""

DRAIN_ABOVE_BYTES: Final = 64 * 1024
_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\n"
    b"Content-Type: application/json; charset=utf-8\r\n"
    b"Content-Length: %d\r\n\r\n"
)


class Headed(Protocol):
    """A request, whichever way it came."""

    @property
    def headers(self) -> MultiMapping[str]:
        """Return its headers."""
        ...

    @property
    def query(self) -> MultiMapping[str]:
        """Return its query."""
        ...


class Binary(NamedTuple):
    """An answer that is not the usual JSON with status 200: bytes of a type."""

    content: bytes
    content_type: str
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


def binary_answer(answer: Binary) -> web.StreamResponse:
    """Return the answer that holds these bytes."""
    headers = {hdrs.CONTENT_TYPE: answer.content_type, **dict(answer.headers)}
    return web.Response(body=answer.content, status=answer.status, headers=headers)


async def read_body(request: web.Request, *, max_bytes: int) -> bytes:
    """Return the whole body.

    Raises:
        RequestTooLarge: it is longer than `max_bytes`.
        InvalidCommonParam: it cannot be unpacked as its headers say, or the client went away.
    """
    if (request.content_length or 0) > max_bytes:
        raise _too_large(max_bytes)
    content = request.content
    try:
        if content.is_eof():
            body = content.read_nowait()
            if len(body) <= max_bytes:
                return body
            raise _too_large(max_bytes)
        return await _read_arriving(content, max_bytes)
    except (web.RequestPayloadError, ClientPayloadError, ConnectionError) as fault:
        raise InvalidCommonParam(f"the request body could not be read: {fault}") from fault


async def _read_arriving(content: StreamReader, max_bytes: int) -> bytes:
    body = bytearray()
    while chunk := await content.readany():
        body += chunk
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
    return bytes(body)


async def read_object(request: web.Request, *, max_bytes: int) -> dict[str, Any]:
    """Return the whole body as a JSON object, whatever type it says it has; empty for none.

    Raises:
        RequestTooLarge: it is longer than `max_bytes`.
        InvalidCommonParam: it is not JSON, not an object, or could not be read.
    """
    raw = await read_body(request, max_bytes=max_bytes)
    if not raw.strip():
        return {}
    try:
        body: Any = json_text.read(raw)
    except orjson.JSONDecodeError as fault:
        raise InvalidCommonParam(f"the request body is not JSON: {fault}") from fault
    if type(body) is not dict:
        raise InvalidCommonParam("the request body must be a JSON object")
    return body


def json_answer(request: web.Request, body: bytes, *, status: int = 200) -> web.StreamResponse:
    """Return the answer that holds this JSON text."""
    plain = status == 200 and request.method == hdrs.METH_POST
    if plain and request.keep_alive and request.version == HttpVersion11:
        return _PlainAnswer(body)
    return web.Response(body=body, status=status, headers={hdrs.CONTENT_TYPE: JSON})


class _PlainAnswer(web.StreamResponse):
    """A 200 with a JSON body on a connection that stays open; sends nothing before its end."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self._content = body

    @property
    def keep_alive(self) -> bool:
        """Tell that the connection stays open."""
        return True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Remember where the answer goes."""
        self._request = request
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Write head and body at once, and wait for a slow reader of a long one."""
        del data
        request, content = self._request, self._content
        if request.transport is None:
            raise ConnectionResetError("the client went away before its answer")
        request.transport.write(_HEAD % len(content) + content)
        if len(content) > DRAIN_ABOVE_BYTES:
            await request.writer.drain()


def _too_large(max_bytes: int) -> RequestTooLarge:
    return RequestTooLarge(f"the request body is longer than {max_bytes:,} bytes")
