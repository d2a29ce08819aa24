"""Owns bodies that are sent while they are made, across the way between a worker and the suite.

Not here: the body's own channel (`body_stream`), frames (`process_channel`). The one idea: on each
side stands a stream of its own, and between them one batch of pieces travels at a time, so that a
visitor who reads slowly makes the handler wait, and one who leaves is heard of.

Frames: `s` how it begins, `w` pieces, an empty one the end; back come `W` for room and `G` when
nobody reads any more, both with the id of the request.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import orjson

from emulator.functions.base import Invocation
from emulator.functions.body_stream import BodyStream, ReaderGone, ReadsTooSlowly

LOOK_EVERY_S: Final = 60.0

Send = Callable[[str, bytes], None]


class Inlet:
    """The suite's side: the body of the call that a worker runs; used on the suite's loop."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._stream: BodyStream | None = None
        self._id = b""

    def attach(self, invocation: Invocation) -> None:
        """Take that another call has begun."""
        self._stream = invocation.manner.stream
        self._id = invocation.request_id.encode()

    def begin(self, payload: bytes) -> None:
        """Take how the body begins."""
        stream = self._stream
        if stream is None:
            return
        told = orjson.loads(payload)
        stream.events = told["events"]
        stream.heartbeat = told["heartbeat"].encode()
        stream.when_over(lambda: self._over(stream))
        stream.begin(told["head"])

    def take(self, payload: bytes) -> None:
        """Take pieces of the body, or its end."""
        stream = self._stream
        if stream is None:
            return
        if not payload:
            stream.end()
            return
        try:
            stream.put(payload)
        except (ReaderGone, ReadsTooSlowly):
            return
        stream.when_room(lambda: self._answer(stream, "W"))

    def _over(self, stream: BodyStream) -> None:
        if stream.closed:
            self._answer(stream, "G")

    def _answer(self, stream: BodyStream, kind: str) -> None:
        if stream is self._stream:
            self._send(kind, self._id)


class Outlet:
    """The worker's side: the body of one call; used on the worker's own loop."""

    def __init__(self, request_id: str, send: Send) -> None:
        self.stream = BodyStream(self._begin)
        self._id = request_id.encode()
        self._send = send
        self._room = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None

    def has_room(self, payload: bytes) -> None:
        """Take that more may be sent."""
        if payload == self._id:
            self._room.set()

    def is_left(self, payload: bytes) -> None:
        """Take that nobody reads any more."""
        if payload == self._id:
            self.stream.close()
            self._room.set()

    async def finish(self) -> None:
        """Have what was written sent, now that the call is over."""
        if self._pump is None:
            return
        if self.stream.ended or self.stream.closed:
            await self._pump
            return
        # It broke off: what there is of it is told, its end is not.
        self._pump.cancel()
        rest = await self.stream.take(0)
        if rest:
            self._send("w", rest)
        self.stream.close()

    def _begin(self, stream: BodyStream) -> None:
        told = {
            "head": stream.head,
            "events": stream.events,
            "heartbeat": stream.heartbeat.decode(),
        }
        self._send("s", orjson.dumps(told))
        self._pump = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while (pieces := await self.stream.take(LOOK_EVERY_S)) is not None:
            if pieces:
                self._room.clear()
                self._send("w", pieces)
                await self._room.wait()
        if not self.stream.closed:
            self._send("w", b"")
