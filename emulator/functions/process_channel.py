"""Owns the frames between the suite and a worker, and the socket they travel over.

Not here: what frames mean (`process_worker`). The one idea: a socket of its own for every worker,
so that whatever user code prints cannot disturb what is said here. POSIX hands one end of a socket
pair down; where descriptors cannot be handed down, the worker connects to a loopback port that
takes one connection, with a secret. Both cost the same within what can be measured.
"""

import asyncio
import socket
import struct
import sys
from collections.abc import Callable
from typing import Final, Protocol, cast

_HEAD: Final = struct.Struct(">IB")
HEAD_BYTES: Final = _HEAD.size
FRAME_MAX_BYTES: Final = 256 * 1024 * 1024
"""More than that is no frame but a worker gone mad."""


def frame(kind: str, payload: bytes) -> bytes:
    """Return a frame: its length and kind, then the payload."""
    return _HEAD.pack(len(payload), ord(kind)) + payload


class Channel(asyncio.Protocol):
    """One end of the way to a worker; calls `on_frame` with kind and payload, at last `on_lost`."""

    def __init__(self, on_frame: Callable[[str, bytes], None], on_lost: Callable[[], None]) -> None:
        self._on_frame = on_frame
        self._on_lost = on_lost
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take bytes, however they were cut."""
        buffer: bytes | bytearray = data
        if self._buffer:
            self._buffer += data
            buffer = self._buffer
        at = 0
        while len(buffer) - at >= HEAD_BYTES:
            size, kind = _HEAD.unpack_from(buffer, at)
            if size > FRAME_MAX_BYTES:
                self.close()
                return
            end = at + HEAD_BYTES + size
            if end > len(buffer):
                break
            payload = bytes(buffer[at + HEAD_BYTES : end])
            at = end
            self._on_frame(chr(kind), payload)
        if buffer is self._buffer:
            del self._buffer[:at]
        elif at < len(buffer):
            self._buffer += buffer[at:]

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell that nothing more will come."""
        del exc
        self._transport = None
        self._on_lost()

    def send(self, kind: str, payload: bytes) -> None:
        """Send a frame; one that nobody can take any more is dropped, as `on_lost` has told."""
        self.write(frame(kind, payload))

    def write(self, frames: bytes) -> None:
        """Send frames that were made before, at once."""
        if self._transport is not None:
            self._transport.write(frames)

    def close(self) -> None:
        """End the connection, what was sent first."""
        if self._transport is not None:
            self._transport.close()


class Endpoint(Protocol):
    """The suite's end of a connection that a worker is about to take up.

    `address` tells the worker how; `descriptors` are handed down to it.
    """

    address: str
    descriptors: tuple[int, ...]

    async def connect(self, channel: Channel) -> None:
        """Connect the channel with the worker that has been started."""
        ...

    def close(self) -> None:
        """Let go of what was only needed to connect; may be repeated."""
        ...


class PairEndpoint:
    """A socket pair, one end of which the worker inherits."""

    def __init__(self) -> None:
        self._own, self._theirs = socket.socketpair()
        self._own.settimeout(0)
        self._is_connected = False
        self.address = f"fd:{self._theirs.fileno()}"
        self.descriptors: tuple[int, ...] = (self._theirs.fileno(),)

    async def connect(self, channel: Channel) -> None:
        """Connect; the other end is the worker's alone from now on."""
        loop = asyncio.get_running_loop()
        await loop.create_unix_connection(lambda: channel, sock=self._own)
        self._is_connected = True
        self._theirs.close()

    def close(self) -> None:
        """Close what is still ours: both ends if the worker was never started."""
        self._theirs.close()
        if not self._is_connected:
            self._own.close()


class LoopbackEndpoint:
    """A port on the loopback interface that one bearer of a secret may connect to."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode("ascii")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0)
        self.address = f"tcp:{self._listener.getsockname()[1]}:{secret}"
        self.descriptors: tuple[int, ...] = ()

    async def connect(self, channel: Channel) -> None:
        """Take the first connection that begins with the secret; others are closed."""
        loop = asyncio.get_running_loop()
        while True:
            connection = await self._accepted(loop)
            try:
                if await self._is_known(loop, connection):
                    await loop.create_connection(lambda: channel, sock=connection)
                    return
            except OSError:
                # Gone again before it said who it was.
                connection.close()
                continue
            except BaseException:
                # The start was given up meanwhile.
                connection.close()
                raise
            connection.close()

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()

    async def _accepted(self, loop: asyncio.AbstractEventLoop) -> socket.socket:
        """Return the next connection; one that comes while the wait is given up is not taken."""
        descriptor = self._listener.fileno()
        while True:
            came = asyncio.Event()
            try:
                loop.add_reader(descriptor, came.set)
            except NotImplementedError:
                # Windows' own loop has no readers; it accepts by itself.
                return (await loop.sock_accept(self._listener))[0]
            try:
                await came.wait()
            finally:
                loop.remove_reader(descriptor)
            try:
                connection, _ = self._listener.accept()
            except BlockingIOError:
                # It has left again.
                continue
            connection.settimeout(0)
            return connection

    async def _is_known(self, loop: asyncio.AbstractEventLoop, connection: socket.socket) -> bool:
        said = b""
        while len(said) < len(self._secret):
            more = await loop.sock_recv(connection, len(self._secret) - len(said))
            if not more:
                return False
            said += more
        return said == self._secret


def open_endpoint(secret: Callable[[], str], *, loopback: bool = False) -> Endpoint:
    """Return the endpoint that suits the system; raises OSError when it refuses."""
    if loopback or sys.platform == "win32":
        return LoopbackEndpoint(secret())
    return PairEndpoint()
