"""Owns an answer that is sent while the function makes it: pieces to a connection, in its own time.

Not here: what the pieces are (`functions.body_stream` carries them) and how the function is called
(`wire.http_access`). The one idea: a visitor who reads slowly makes the function wait, one who left
ends it; a body that the function did not finish ends with its connection, so that nobody takes it
for whole.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final, Protocol

from aiohttp import web
from multidict import CIMultiDict

from emulator.functions.body_stream import BodyStream
from emulator.functions.triggers.http import NO_BODY, streamed_head
from emulator.wire.short_way import Connection, head_of

LOOK_S: Final = 0.25
"""How often a connection on which nothing is sent is looked at."""
HEARTBEAT_EVERY_S: Final = 3.0
"""As functions-framework 1.18 does."""
REST_MAX_S: Final = 60.0
"""A visitor who does not take what is left within so long after the call's end is let go."""
REST_FAILED_MAX_S: Final = 1.0


Headers = Iterable[tuple[str, str]]


class Outlet(Protocol):
    """A connection that an answer goes out on, in pieces."""

    @property
    def transport(self) -> asyncio.Transport | None:
        """Return what is written to, None once the visitor has left."""
        ...

    async def begin(self, status: int, headers: Headers) -> None:
        """Send the head."""
        ...

    async def write(self, piece: bytes) -> None:
        """Send a piece of the body, and wait for a visitor who reads slowly."""
        ...


class ShortOutlet:
    """A connection of the short way; `usual` are headers of an answer that has none of its own."""

    def __init__(self, connection: Connection, usual: Headers) -> None:
        self._connection = connection
        self._usual = tuple(usual)
        self._chunked = False

    def headers_of(self, headers: Headers) -> list[tuple[str, str]]:
        """Return the headers of an answer with the usual ones that it does not say itself."""
        told = list(headers)
        names = {name.lower() for name, _ in told}
        told += [each for each in self._usual if each[0].lower() not in names]
        return told

    @property
    def transport(self) -> asyncio.Transport | None:
        """Return what is written to, None once the visitor has left."""
        return self._connection.transport

    async def begin(self, status: int, headers: Headers) -> None:
        """Send the head; the body comes in chunks, for its length is not known."""
        self._chunked = status not in NO_BODY
        fields = self.headers_of(headers)
        if self._chunked:
            fields.append(("Transfer-Encoding", "chunked"))
        await self._connection.send(head_of(status, fields))

    async def write(self, piece: bytes) -> None:
        """Send a piece of the body, and wait for a visitor who reads slowly."""
        await self._connection.send(b"%x\r\n%b\r\n" % (len(piece), piece))

    async def end(self) -> None:
        """Say that the body is whole."""
        if self._chunked:
            await self._connection.send(b"0\r\n\r\n")


class LongOutlet:
    """A connection of aiohttp's; `prepare` gets the response before its head is sent."""

    def __init__(
        self, request: web.Request, prepare: Callable[[web.StreamResponse], object]
    ) -> None:
        self._request = request
        self._prepare = prepare
        self.response: web.StreamResponse | None = None

    @property
    def transport(self) -> asyncio.Transport | None:
        """Return what is written to, None once the visitor has left."""
        return self._request.transport

    async def begin(self, status: int, headers: Headers) -> None:
        """Send the head."""
        self.response = web.StreamResponse(status=status, headers=CIMultiDict(headers))
        self._prepare(self.response)
        await self.response.prepare(self._request)

    async def write(self, piece: bytes) -> None:
        """Send a piece of the body, and wait for a visitor who reads slowly."""
        assert self.response is not None, "begun before"
        await self.response.write(piece)


class StreamedAnswer:
    """The answer to one request, in pieces; nothing is sent unless the function begins one.

    `bodiless`: the request wants none, as HEAD does.
    """

    def __init__(self, outlet: Outlet, *, bodiless: bool) -> None:
        self._outlet = outlet
        self._bodiless = bodiless
        self._sending: asyncio.Task[None] | None = None
        self.stream = BodyStream(self._begin)

    async def finished(self, *, failed: bool) -> bool:
        """Tell, once the call has ended and all is sent, whether there was such an answer."""
        stream = self.stream
        if stream.head is None:
            return False
        self._begin(stream)
        sending = self._sending
        assert sending is not None, "begun above"
        cut = failed and not stream.ended
        if not stream.ended:
            stream.end()
        await asyncio.wait({sending}, timeout=REST_FAILED_MAX_S if cut else REST_MAX_S)
        if not sending.done():
            self._hang_up()
        elif cut and self._outlet.transport is not None:
            # What was sent arrives; that it is not all shows in the end that is missing.
            self._outlet.transport.close()
        await sending
        return True

    async def close(self) -> None:
        """Have the function hear that nobody reads, whatever is under way."""
        self.stream.close()
        if self._sending is not None and not self._sending.done():
            self._hang_up()
            await asyncio.wait({self._sending}, timeout=REST_FAILED_MAX_S)

    def _begin(self, stream: BodyStream) -> None:
        if self._sending is None:
            self._sending = asyncio.get_running_loop().create_task(self._send(stream))

    async def _send(self, stream: BodyStream) -> None:
        answer = streamed_head(stream.head)
        try:
            await self._outlet.begin(answer.status, answer.headers)
            if answer.body:
                await self._outlet.write(answer.body)
            elif answer.status not in NO_BODY and not self._bodiless:
                await self._send_pieces(stream)
        except ConnectionError:
            pass  # the visitor left, which is how many streams end
        finally:
            stream.close()

    async def _send_pieces(self, stream: BodyStream) -> None:
        write = self._outlet.write
        loop = asyncio.get_running_loop()
        beat_s = loop.time() + HEARTBEAT_EVERY_S
        while (piece := await stream.take(LOOK_S)) is not None:
            if piece:
                await write(piece)
            elif self._has_left():
                return
            if stream.heartbeat and loop.time() >= beat_s:
                await write(stream.heartbeat)
                beat_s = loop.time() + HEARTBEAT_EVERY_S

    def _has_left(self) -> bool:
        transport = self._outlet.transport
        return transport is None or transport.is_closing()

    def _hang_up(self) -> None:
        """End the connection at once, whatever has not been sent."""
        transport = self._outlet.transport
        if transport is not None:
            with suppress(RuntimeError):  # closed by the other side meanwhile
                transport.abort()
