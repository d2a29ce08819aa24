"""Owns the realtime connections of client SDKs: pumps sessions over WebSockets.

Not here: what is said (`wire.watch_protocol`). The one idea: a frame is written to the transport at
once and nobody waits for it; whoever does not read is dropped when too much has gathered, and the
SDK connects anew and catches up. Who opens a connection proves itself in its first message, by a
signature and no cookie, so the page that opened it does not matter.
"""

import asyncio
import itertools
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from aiohttp import WSCloseCode, WSMsgType, web

from emulator.core.errors import EmulatorError, InvalidParam
from emulator.core.values import Value
from emulator.services.recorder import Recorder
from emulator.services.watch import Watches
from emulator.wire.watch_protocol import Around, Later, Login, WatchSession

PATHS: Final = ("/ws", "/e/{env}/ws")
MESSAGE_MAX_BYTES: Final = 1024 * 1024
UNREAD_MAX_BYTES: Final = 4 * 1024 * 1024
"""So much may wait for a client that does not read, and one message more."""
HEARTBEAT_S: Final = 30.0
CLOSE_WAIT_S: Final = 0.5
CONNECTIONS_MAX: Final = 5_000
DELAY_MAX_S: Final = 60.0
_CLOSE_CODES: Final = range(1000, 5000)
_NOT_SENT: Final = frozenset({1004, 1005, 1006, 1015})


class TooManyConnections(EmulatorError):
    """More realtime connections are open than a suite serves."""

    code = "EXCEED_CONCURRENT_REQUEST_LIMIT"


class _Connection:
    """One WebSocket and its session; `delay` tells how many seconds messages are held back."""

    def __init__(
        self,
        number: int,
        around: Around,
        transport: asyncio.Transport,
        *,
        delay: Callable[[], float],
        drop: Callable[["_Connection"], None],
    ) -> None:
        self.number = number
        self.session = WatchSession(around, self.send)
        self.socket: web.WebSocketResponse | None = None
        self._transport = transport
        self._later = around.later
        self._delay = delay
        self._drop = drop
        self._held: list[bytes] = []

    def send(self, payload: bytes) -> None:
        """Write a text message, now or when its delay is over; messages keep their order."""
        delay_s = self._delay()
        if delay_s or self._held:
            self._held.append(payload)
            self._later(delay_s, self._release)
        else:
            self._write(payload)

    def cut(self) -> None:
        """Break the connection off, as a lost network does."""
        self.session.close()
        self._transport.abort()

    def _release(self) -> None:
        if self._held:
            self._write(self._held.pop(0))

    def _write(self, payload: bytes) -> None:
        if self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() > UNREAD_MAX_BYTES:
            self._drop(self)
            return
        self._transport.write(frame(payload))


class WatchDoor:
    """The door of one suite."""

    def __init__(
        self, watches: Watches, *, login: Login, env_id: str, later: Later, recorder: Recorder
    ) -> None:
        self._around = Around(watches=watches, login=login, env_id=env_id, later=later)
        self._recorder = recorder
        self._connections: dict[int, _Connection] = {}
        self._numbers = itertools.count(1)
        self._delay_s = 0.0

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the door: its own, and the same for a named environment."""
        return [web.get(path, self.answer) for path in PATHS]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection until either side ends it."""
        if len(self._connections) >= CONNECTIONS_MAX:
            raise TooManyConnections(f"{CONNECTIONS_MAX} realtime connections are open")
        socket = web.WebSocketResponse(
            autoclose=False,
            compress=False,
            max_msg_size=MESSAGE_MAX_BYTES,
            heartbeat=HEARTBEAT_S,
            timeout=CLOSE_WAIT_S,
        )
        await socket.prepare(request)
        transport = request.transport
        if transport is None:
            return socket
        connection = _Connection(
            next(self._numbers),
            self._around,
            transport,
            delay=lambda: self._delay_s,
            drop=self._drop,
        )
        connection.socket = socket
        self._connections[connection.number] = connection
        try:
            await _pump(socket, connection.session)
        finally:
            connection.session.close()
            self._connections.pop(connection.number, None)
        return socket

    def listing(self) -> list[dict[str, Value]]:
        """Return the connections with what they listen to, as JSON data."""
        return [
            {
                "connection": each.number,
                "user": each.session.user(),
                "watchers": each.session.listeners(),
            }
            for each in self._connections.values()
        ]

    def cut(self, number: int | None = None) -> int:
        """Break one connection off, or all, and return how many those were.

        Raises:
            InvalidParam: there is no such connection.
        """
        if number is not None and number not in self._connections:
            raise InvalidParam(f"there is no realtime connection {number}")
        chosen = [self._connections[number]] if number else list(self._connections.values())
        for connection in chosen:
            connection.cut()
        return len(chosen)

    def delay_s(self) -> float:
        """Return how long every message is held back."""
        return self._delay_s

    def delay(self, delay_s: float) -> None:
        """Hold every message back for so long, 0 for none; raises InvalidParam."""
        if not 0 <= delay_s <= DELAY_MAX_S:
            raise InvalidParam(f"delay_s must be from 0 to {DELAY_MAX_S:.0f}")
        self._delay_s = delay_s

    async def close(self) -> None:
        """Tell every client that the suite stops, and wait a moment for them to agree."""
        connections = list(self._connections.values())
        for connection in connections:
            connection.session.close()
        await asyncio.gather(
            *(
                each.socket.close(code=WSCloseCode.GOING_AWAY)
                for each in connections
                if each.socket is not None
            ),
            return_exceptions=True,
        )

    def _drop(self, connection: _Connection) -> None:
        self._recorder.notice(
            "slow_watcher",
            f"realtime connection {connection.number} did not read {UNREAD_MAX_BYTES} bytes and "
            "was dropped; an SDK connects anew and catches up",
            level="warn",
        )
        connection.cut()


async def _pump(socket: web.WebSocketResponse, session: WatchSession) -> None:
    while True:
        message = await socket.receive()
        if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
            await session.take(message.data)
        elif message.type is WSMsgType.CLOSE:
            # An SDK that sees another code than its own opens a needless new connection.
            code = message.data if _is_sendable(message.data) else WSCloseCode.OK
            with suppress(ConnectionError):
                await socket.close(code=code)
            return
        elif message.type in (WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
            return


def _is_sendable(code: object) -> bool:
    return type(code) is int and code in _CLOSE_CODES and code not in _NOT_SENT


def frame(payload: bytes) -> bytes:
    """Return a whole text message as a server sends it: one frame without a mask (RFC 6455)."""
    length = len(payload)
    if length < 126:
        return b"\x81%c%b" % (length, payload)
    if length < 65_536:
        return b"\x81\x7e" + struct.pack("!H", length) + payload
    return b"\x81\x7f" + struct.pack("!Q", length) + payload
