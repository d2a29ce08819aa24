"""Owns the short way of a request: from the socket to a door and back, past no router.

Not here: what doors answer, nor HTTP as such, which is aiohttp's. The one idea: most requests of an
SDK are a small POST with a length, from a program, to one of a few paths, on a connection that
stays open; a GET without a body is as plain. Such a one is recognised as it stands and answered by
one task. At the first request
that is anything else, the connection and all that came of that request are handed to aiohttp, which
keeps them. So nothing is decided here that could be decided differently there: a head that is
unusual in any way is not read, it is handed over.
"""

import asyncio
import re
from asyncio import AbstractEventLoop, Future, Task, Transport
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from typing import Final, NamedTuple, cast

from aiohttp import hdrs
from multidict import CIMultiDict, CIMultiDictProxy, MultiDict, MultiDictProxy, MultiMapping
from yarl import URL

from emulator.wire.exchange import JSON, Binary

HEAD_MAX_BYTES: Final = 8 * 1024
BODY_MAX_BYTES: Final = 1024 * 1024
"""A longer one is handed over: aiohttp streams it."""
PIPELINE_MAX_BYTES: Final = 1024 * 1024
"""So much may have arrived behind a request under way before the socket is left unread."""
IDLE_MAX_S: Final = 3_630.0
"""How long a connection may say nothing; aiohttp's own bound."""

LINES_REMEMBERED_MAX: Final = 256
LINE_REMEMBERED_MAX_BYTES: Final = 256

BODILESS: Final = frozenset({204, 304})
_PHRASES: Final = {int(each): each.phrase for each in HTTPStatus}

NO_QUERY: Final[MultiMapping[str]] = MultiDictProxy(MultiDict())

_BEGINNINGS: Final = (b"POST /", b"GET /")
_END: Final = b"\r\n\r\n"
_LINE: Final = re.compile(
    rb"(POST|GET) (/(?!/)[\w./~-]*)(?:\?([\w./~%&=+:,;@!$'()*-]*))? HTTP/1\.1", re.ASCII
)
_LENGTH: Final = re.compile("[0-9]{1,10}")
_NAME: Final = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")
_UNUSUAL: Final = frozenset(
    {
        *("connection", "content-encoding", "expect", "origin", "proxy-connection"),
        *("te", "trailer", "transfer-encoding", "upgrade"),
    }
)
"""A request with one of these is handed over, but for a connection that says it stays open."""
_STAYS_OPEN: Final = ("connection", "keep-alive")
_JSON_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %%d\r\n\r\n" % JSON.encode()
)


class Whole:
    """A GET or POST that has arrived whole; `path` and `raw_query` are as they were sent.

    `connection` is there on the short way, for an answer that is sent in pieces.
    """

    __slots__ = ("_query", "body", "connection", "headers", "method", "path", "raw_query")

    def __init__(  # noqa: PLR0913  # the parts of one request, each by its name
        self,
        path: str,
        headers: MultiMapping[str],
        body: bytes,
        *,
        method: str = hdrs.METH_POST,
        raw_query: str = "",
        query: MultiMapping[str] | None = None,
        connection: "Connection | None" = None,
    ) -> None:
        self.path = path
        self.headers = headers
        self.body = body
        self.method = method
        self.raw_query = raw_query
        self.connection = connection
        self._query = query

    @property
    def query(self) -> MultiMapping[str]:
        """Return the query; SDKs send one that nobody reads."""
        if self._query is None:
            self._query = _query(self.raw_query) if self.raw_query else NO_QUERY
        return self._query


Door = Callable[[Whole], Awaitable[bytes | Binary | None]]
"""Answers with JSON text and status 200, or with whatever else, and raises nothing.

None says that the answer was sent in pieces, by `Whole.connection`.
"""

Doors = Callable[[str, str], Door | None]
"""Return the door of a method and a path, None where only the long way leads there."""


class _Head(NamedTuple):
    """What stands before a body of `length` bytes; `text` is all of it, as it was sent."""

    text: bytes
    method: str
    path: str
    raw_query: str
    headers: MultiMapping[str]
    length: int


class ShortWay:
    """The short way of one port: its doors, and whether a Host header is one of ours.

    `hand_over` makes the connection that takes everything else.
    """

    def __init__(
        self,
        doors: Doors,
        *,
        admits: Callable[[str], bool],
        hand_over: Callable[[], asyncio.Protocol],
        loop: AbstractEventLoop,
        idle_max_s: float = IDLE_MAX_S,
    ) -> None:
        self._doors = doors
        self._fields: dict[bytes, tuple[str, str]] = {}
        self._admits = admits
        self.hand_over = hand_over
        self.loop = loop
        self.idle_max_s = idle_max_s
        self.open: set[Connection] = set()

    def __call__(self) -> "Connection":
        """Return a new connection."""
        return Connection(self)

    def read(self, data: bytes, last: _Head | None) -> tuple[_Head, Door] | int | None:
        """Return a head and its door, how many bytes it takes to tell more, or None: hand it over.

        Clients say the same again and again, so `last`, the head before, is not read twice.
        """
        head = last
        if head is None or not data.startswith(head.text):
            end = data.find(_END, 0, HEAD_MAX_BYTES)
            if end < 0:
                usual = any(data[: len(each)] == each[: len(data)] for each in _BEGINNINGS)
                return len(data) + 1 if usual and len(data) < HEAD_MAX_BYTES else None
            head = self._head(data[: end + len(_END)])
        if head is None:
            return None
        door = self._doors(head.method, head.path)
        if door is None or not self._admits(head.headers.get("Host", "")):
            return None
        return head, door

    def _head(self, text: bytes) -> _Head | None:
        """Return a head that was read, None where anything in it is unusual."""
        line, *fields = text[: -len(_END)].split(b"\r\n")
        parts = _LINE.fullmatch(line)
        headers = None if parts is None else self._headers(fields)
        if parts is None or headers is None:
            return None
        method = parts[1].decode()
        length = headers.get("Content-Length", "0" if method == hdrs.METH_GET else "")
        # Of many digits Python makes no number, and no short body needs them.
        if not _LENGTH.fullmatch(length) or int(length) > BODY_MAX_BYTES:
            return None
        raw_query = (parts[3] or b"").decode()
        return _Head(text, method, parts[2].decode(), raw_query, headers, int(length))

    def _headers(self, lines: list[bytes]) -> MultiMapping[str] | None:
        """Return the headers of a request, None where one of them is unusual or said twice."""
        known = self._fields
        fields: dict[str, str] = {}
        for line in lines:
            field = known.get(line) or _field(line)
            if field is None or field[0] in fields:
                return None
            fields[field[0]] = field[1]
            if len(known) < LINES_REMEMBERED_MAX and len(line) <= LINE_REMEMBERED_MAX_BYTES:
                # Most of them come with every request.
                known[line] = field
        return CIMultiDictProxy(CIMultiDict(fields))

    async def close(self, grace_s: float) -> None:
        """Close every connection; requests under way may end within the time."""
        busy = [task for each in tuple(self.open) for task in each.close()]
        if busy:
            await asyncio.wait(busy, timeout=grace_s)
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)


class Connection(asyncio.Protocol):
    """One connection, as long as all it brings are requests of the short way."""

    __slots__ = (
        *("_arrived", "_closing", "_idle", "_heard_s", "_last", "_paused", "_reading", "_task"),
        *("_transport", "_wanted", "_way", "_writable", "_size"),
    )

    def __init__(self, way: ShortWay) -> None:
        self._way = way
        self._transport: Transport | None = None
        self._arrived: list[bytes] = []
        self._last: _Head | None = None
        self._size = 0
        self._wanted = 0
        self._task: Task[None] | None = None
        self._writable: Future[None] | None = None
        self._reading = True
        self._closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to listen."""
        self._transport = cast(Transport, transport)
        self._way.open.add(self)
        self._heard_s = self._way.loop.time()
        self._idle = self._way.loop.call_later(self._way.idle_max_s, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection; what it asked for is carried out all the same."""
        self._leave()
        self._transport = None
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)

    def pause_writing(self) -> None:
        """Answer nothing more until the client has read."""
        self._writable = self._way.loop.create_future()

    def resume_writing(self) -> None:
        """Go on answering."""
        writable, self._writable = self._writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Take what came and, if it is enough, answer it."""
        self._arrived.append(data)
        self._size += len(data)
        if self._task is not None:
            if self._size > PIPELINE_MAX_BYTES and self._reading and self._transport is not None:
                self._reading = False
                self._transport.pause_reading()
        elif self._size >= self._wanted:
            self._go_on()

    @property
    def transport(self) -> Transport | None:
        """Return what is written to, None once the client has left."""
        return self._transport

    async def send(self, data: bytes) -> None:
        """Send bytes, and wait for a client that does not read.

        Raises:
            ConnectionResetError: it has left.
        """
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("the client left before its answer was sent")
        self._transport.write(data)
        if self._writable is not None:
            await self._writable

    def close(self) -> list[Task[None]]:
        """Close as soon as nothing is under way, and return the task of what is."""
        self._closing = True
        if self._task is not None:
            return [self._task]
        if self._transport is not None:
            self._transport.close()
        return []

    def _go_on(self) -> None:
        """Answer the next request if all of it is here."""
        if not self._arrived:
            self._wanted = 0
            return
        data = self._arrived[0] if len(self._arrived) == 1 else b"".join(self._arrived)
        found = self._way.read(data, self._last)
        if found is None:
            self._hand_over(data)
            return
        if isinstance(found, int):
            self._arrived, self._wanted = [data], found
            return
        head, door = found
        self._last = head
        start = len(head.text)
        end = start + head.length
        if len(data) < end:
            self._arrived, self._wanted = [data], end
            return
        rest = data[end:]
        self._arrived, self._size, self._wanted = ([rest] if rest else []), len(rest), 0
        body = data[start:end]
        whole = Whole(
            head.path,
            head.headers,
            body,
            method=head.method,
            raw_query=head.raw_query,
            connection=self,
        )
        self._task = self._way.loop.create_task(self._answer(door, whole))

    async def _answer(self, door: Door, whole: Whole) -> None:
        try:
            answer = await door(whole)
            if answer is not None:
                await self.send(_text_of(answer))
        except ConnectionError:
            pass  # what was asked for is done; nobody hears of it
        except BaseException:
            # A client that waits must not wait for ever.
            if self._transport is not None:
                self._transport.abort()
            raise
        finally:
            self._task = None
        if self._closing:
            self.close()
        elif self._transport is not None:
            self._heard_s = self._way.loop.time()
            if not self._reading and self._size <= PIPELINE_MAX_BYTES:
                self._reading = True
                self._transport.resume_reading()
            if self._arrived:
                self._go_on()

    def _hand_over(self, data: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        self._leave()
        connection = self._way.hand_over()
        transport.set_protocol(connection)
        connection.connection_made(transport)
        if self._writable is not None:
            connection.pause_writing()
        connection.data_received(data)

    def _leave(self) -> None:
        self._way.open.discard(self)
        self._idle.cancel()

    def _look(self) -> None:
        """Close a connection that has been silent for long."""
        loop = self._way.loop
        left_s = self._heard_s + self._way.idle_max_s - loop.time()
        if left_s <= 0 and self._task is None:
            self.close()
        else:
            self._idle = loop.call_later(max(left_s, self._way.idle_max_s / 10), self._look)


def _field(line: bytes) -> tuple[str, str] | None:
    """Return a header's name and value, None where it is unusual."""
    if not line.isascii():
        return None
    said, colon, value = line.decode().partition(":")
    name, value = said.lower(), value.strip(" \t")
    if not (colon and name and _NAME.issuperset(name) and value.isprintable()):
        return None
    return None if name in _UNUSUAL and (name, value.lower()) != _STAYS_OPEN else (name, value)


def _query(text: str) -> MultiMapping[str]:
    """Return a query as aiohttp reads it."""
    return MultiDictProxy(MultiDict(URL.build(query_string=text, encoded=True).query))


def _text_of(answer: bytes | Binary) -> bytes:
    if isinstance(answer, bytes):
        return _JSON_HEAD % len(answer) + answer
    fields = [("Content-Type", answer.content_type)] if answer.content_type else []
    if answer.status not in BODILESS:
        fields.append(("Content-Length", str(len(answer.content))))
    return head_of(answer.status, [*fields, *answer.headers]) + answer.content


def head_of(status: int, headers: Iterable[tuple[str, str]]) -> bytes:
    """Return the head of an answer."""
    line = f"HTTP/1.1 {status} {_PHRASES.get(status, '')}"
    fields = [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([line, *fields, "", ""]).encode("utf-8", "surrogateescape")
