"""Owns an answer that is sent while the function makes it: pieces to a connection, in its own time.

Not here: what the pieces are (`functions.body_stream` carries them) and how the function is called
(`wire.http_access`). The one idea: a visitor who reads slowly makes the function wait, one who left
ends it; a body that the function did not finish ends with its connection, so that nobody takes it
for whole.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from aiohttp import hdrs, web
from multidict import CIMultiDict

from emulator.functions.body_stream import BodyStream
from emulator.functions.triggers.http import NO_BODY, streamed_head

LOOK_S: Final = 0.25
"""How often a connection on which nothing is sent is looked at."""
HEARTBEAT_EVERY_S: Final = 3.0
"""As functions-framework 1.18 does."""
REST_MAX_S: Final = 60.0
"""A visitor who does not take what is left within so long after the call's end is let go."""
REST_FAILED_MAX_S: Final = 1.0


class StreamedAnswer:
    """The answer to one request, in pieces; nothing is sent unless the function begins one.

    `prepare` gets the response before its head is sent.
    """

    def __init__(
        self, request: web.Request, prepare: Callable[[web.StreamResponse], object]
    ) -> None:
        self._request = request
        self._prepare = prepare
        self._sending: asyncio.Task[web.StreamResponse] | None = None
        self.stream = BodyStream(self._begin)

    async def finished(self, *, failed: bool) -> web.StreamResponse | None:
        """Return the answer once the call has ended and all is sent; None when there was none."""
        stream = self.stream
        if stream.head is None:
            stream.close()
            return None
        self._begin(stream)
        sending = self._sending
        assert sending is not None, "begun above"
        cut = failed and not stream.ended
        if not stream.ended:
            stream.end()
        await asyncio.wait({sending}, timeout=REST_FAILED_MAX_S if cut else REST_MAX_S)
        if not sending.done():
            self._hang_up()
        elif cut and self._request.transport is not None:
            # What was sent arrives; that it is not all shows in the end that is missing.
            self._request.transport.close()
        return await sending

    async def close(self) -> None:
        """Have the function hear that nobody reads, whatever is under way."""
        self.stream.close()
        if self._sending is not None and not self._sending.done():
            self._hang_up()
            await asyncio.wait({self._sending}, timeout=REST_FAILED_MAX_S)

    def _begin(self, stream: BodyStream) -> None:
        if self._sending is None:
            self._sending = asyncio.get_running_loop().create_task(self._send(stream))

    async def _send(self, stream: BodyStream) -> web.StreamResponse:
        answer = streamed_head(stream.head)
        response = web.StreamResponse(status=answer.status, headers=CIMultiDict(answer.headers))
        self._prepare(response)
        try:
            await response.prepare(self._request)
            if answer.body:
                await response.write(answer.body)
            elif answer.status not in NO_BODY and self._request.method != hdrs.METH_HEAD:
                await self._send_pieces(stream, response)
        except ConnectionError:
            pass  # the visitor left, which is how many streams end
        finally:
            stream.close()
        return response

    async def _send_pieces(self, stream: BodyStream, response: web.StreamResponse) -> None:
        loop = asyncio.get_running_loop()
        beat_s = loop.time() + HEARTBEAT_EVERY_S
        while (piece := await stream.take(LOOK_S)) is not None:
            if piece:
                await response.write(piece)
            elif self._has_left():
                return
            if stream.heartbeat and loop.time() >= beat_s:
                await response.write(stream.heartbeat)
                beat_s = loop.time() + HEARTBEAT_EVERY_S

    def _has_left(self) -> bool:
        transport = self._request.transport
        return transport is None or transport.is_closing()

    def _hang_up(self) -> None:
        """End the connection at once, whatever has not been sent."""
        transport = self._request.transport
        if transport is not None:
            with suppress(RuntimeError):  # closed by the other side meanwhile
                transport.abort()
