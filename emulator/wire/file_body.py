"""Owns sending a part of a file as an answer's body: from memory when small, by the system if not.

Not here: which part (`wire.ranges`) and which headers. The one idea: a small file leaves in one
write with its head; a large one goes from the disk to the socket without passing through Python
where the system can do that, and in pieces where it cannot.
"""

import asyncio
from collections.abc import Mapping
from typing import BinaryIO, Final, Protocol

from aiohttp import web

from emulator.wire.ranges import OK, PARTIAL, Selection

INLINE_BYTES_MAX: Final = 64 * 1024
"""Smaller answers are read at once and sent with their head: sendfile costs more than that."""
CHUNK_BYTES: Final = 256 * 1024


class Source(Protocol):
    """An open content."""

    def read(self, start: int, size_bytes: int) -> bytes:
        """Return up to so many bytes from `start`."""
        ...

    def file(self) -> BinaryIO | None:
        """Return the open file, None where there is none."""
        ...


async def send_part(
    request: web.Request, source: Source, selection: Selection, headers: Mapping[str, str]
) -> web.StreamResponse:
    """Answer with the selected part, or with the status alone when none is due."""
    if selection.status not in (OK, PARTIAL):
        return web.Response(status=selection.status, headers=headers)
    if request.method == "HEAD":
        headers = {**headers, "Content-Length": str(selection.size_bytes)}
        return web.Response(status=selection.status, headers=headers)
    if selection.size_bytes <= INLINE_BYTES_MAX:
        body = source.read(selection.start, selection.size_bytes)
        return web.Response(status=selection.status, headers=headers, body=body)
    headers = {**headers, "Content-Length": str(selection.size_bytes)}
    response = web.StreamResponse(status=selection.status, headers=headers)
    await response.prepare(request)
    await _stream(request, response, source, selection.start, selection.size_bytes)
    await response.write_eof()
    return response


async def _stream(
    request: web.Request,
    response: web.StreamResponse,
    source: Source,
    start: int,
    size_bytes: int,
) -> None:
    file = source.file()
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the client left")
    if file is not None:
        try:
            sent = await asyncio.get_running_loop().sendfile(transport, file, start, size_bytes)
        except NotImplementedError:
            pass  # this loop has no sendfile
        else:
            _require_all(transport, size_bytes - sent)
            return
    while size_bytes and (chunk := source.read(start, min(CHUNK_BYTES, size_bytes))):
        await response.write(chunk)
        start += len(chunk)
        size_bytes -= len(chunk)
    _require_all(transport, size_bytes)


def _require_all(transport: asyncio.Transport, missing_bytes: int) -> None:
    """Hang up when a file became shorter on the way: the client would wait for the rest."""
    if missing_bytes > 0:
        transport.abort()
