"""Owns the way of a body that is sent while it is made: from user code on any thread to its reader.

Not here: what the pieces are (`python_body`, `event_stream`) and the connection they go out on
(`wire.http_stream`). The one idea: a bounded channel. Whoever writes is told when enough waits and
waits in turn, by blocking or awaiting; whoever reads may leave, and the writer hears of it.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Final

from emulator.core.values import Value

WAITING_MAX_BYTES: Final = 256 * 1024
"""When more waits to be sent, writers wait."""
UNREAD_MAX_BYTES: Final = 8 * 1024 * 1024
"""A writer that does not wait is cut off here."""


class ReaderGone(Exception):
    """Nobody reads any more: the visitor left, or the call is over."""


class ReadsTooSlowly(Exception):
    """More waits than may wait, for the writer did not wait itself."""


class BodyStream:
    """One body on its way; written from any thread, read on the loop it was made on.

    `on_begin` is called on that loop once there is a head.
    """

    def __init__(self, on_begin: "Callable[[BodyStream], None]") -> None:
        self._loop = asyncio.get_running_loop()
        self._on_begin = on_begin
        self._lock = Lock()
        self._pieces: deque[bytes] = deque()
        self._bytes = 0
        self._waiters: list[Callable[[], None]] = []
        self._when_over: list[Callable[[], None]] = []
        self._ready: asyncio.Event | None = None
        self.head: Value = None
        """The integration response without its body, None before there is one."""
        self.heartbeat: bytes = b""
        """What is sent now and then, so that the connection is known to live; empty for nothing."""
        self.events = False
        """Whether it is a stream of events: an object of user code that outlives the handler."""
        self.ended = False
        self.closed = False

    # Of whoever writes, on any thread

    def begin(self, head: Value) -> None:
        """Say how the answer begins: `statusCode` and `headers`."""
        self.head = head
        self._tell(self._on_begin, self)

    def put(self, piece: bytes) -> bool:
        """Have a piece sent; False when enough waits and the writer should wait for room.

        Raises:
            ReaderGone: nobody reads it any more.
            ReadsTooSlowly: too much waits already; nobody reads from now on.
        """
        with self._lock:
            if self.closed or self.ended:
                raise ReaderGone
            too_much = self._bytes > UNREAD_MAX_BYTES
            if not too_much:
                self._pieces.append(piece)
                self._bytes += len(piece)
                first, room = len(self._pieces) == 1, self._bytes <= WAITING_MAX_BYTES
        if too_much:
            self.close()
            raise ReadsTooSlowly
        if first:
            self._tell(self._wake)
        return room

    def when_room(self, call: Callable[[], None]) -> None:
        """Call once less waits or nobody reads any more; possibly at once, from any thread."""
        with self._lock:
            waits = self._bytes > WAITING_MAX_BYTES and not self.closed
            if waits:
                self._waiters.append(call)
        if not waits:
            call()

    def wait_for_room(self) -> None:
        """Block the calling thread until less waits."""
        turn = Lock()
        turn.acquire()
        self.when_room(turn.release)
        turn.acquire()

    async def room(self) -> None:
        """Wait on the calling loop until less waits."""
        loop = asyncio.get_running_loop()
        made: asyncio.Future[None] = loop.create_future()

        def wake() -> None:
            loop.call_soon_threadsafe(_settle, made)

        self.when_room(wake)
        await made

    def end(self) -> None:
        """Say that this is all."""
        with self._lock:
            over = self._over() if not self.ended else []
            self.ended = True
        self._tell(self._wake)
        for call in over:
            call()

    def when_over(self, call: Callable[[], None]) -> None:
        """Call once it has ended or nobody reads; possibly at once, from any thread."""
        with self._lock:
            waits = not (self.ended or self.closed)
            if waits:
                self._when_over.append(call)
        if not waits:
            call()

    # Of whoever reads, on the loop

    async def take(self, timeout_s: float) -> bytes | None:
        """Return all that waits, nothing at the time-out, None once there is no more to come."""
        if not self._pieces and not self.ended and not self.closed:
            ready = self._ready = self._ready or asyncio.Event()
            ready.clear()
            # Put in between: it is told of after the clearing, or seen here.
            if not self._pieces and not self.ended:
                try:
                    await asyncio.wait_for(ready.wait(), timeout_s)
                except TimeoutError:
                    return b""
        with self._lock:
            pieces = list(self._pieces)
            self._pieces.clear()
            self._bytes = 0
            waiters, self._waiters = self._waiters, []
        for wake in waiters:
            wake()
        if pieces:
            return b"".join(pieces)
        return None if self.ended or self.closed else b""

    def close(self) -> None:
        """Read no more; whoever writes or waits hears of it."""
        with self._lock:
            if self.closed:
                return
            self.closed = True
            self._pieces.clear()
            self._bytes = 0
            waiters, self._waiters = self._waiters, []
            over = self._over()
        if self.head is not None:
            self._tell(self._wake)
        for call in (*waiters, *over):
            call()

    def _wake(self) -> None:
        if self._ready is not None:
            self._ready.set()

    def _over(self) -> list[Callable[[], None]]:
        over, self._when_over = self._when_over, []
        return over

    def _tell(self, call: Callable[..., object], *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:
            # The suite has stopped: nobody will read.
            self.closed = True


def _settle(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
