"""Owns server-sent events as a handler sends them: `context.sse()`, twin of the platform's.

Not here: how they travel (`body_stream`). Behaviour follows functions-framework 1.18
(docs.cloudbase.net/cloud-function/function-calls/sse): the stream stays open after the handler
returned until `end()`, the visitor leaves or the time-out comes; an exception is sent as an event
`error`. The one idea: in a blocking handler `send` waits until there is room, in one that is a
coroutine it is awaited; its value tells whether there still is.
"""

import asyncio
import re
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final, Protocol

import orjson

from emulator.functions.body_stream import BodyStream, ReaderGone, ReadsTooSlowly

HEADERS: Final[Mapping[str, str]] = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache",
}
HEARTBEAT: Final = b": heartbeat\n\n"
_NEW_LINES: Final = re.compile(r"[\r\n]+")
_FIELDS: Final = ("comment", "event", "id", "retry")
UNCAUGHT: Final = "uncaught-exception-from-user-code"


class Sent:
    """What came of a `send`: true while there is room for more; awaited, it waits for room."""

    __slots__ = ("_room", "_stream")

    def __init__(self, stream: BodyStream, *, room: bool) -> None:
        self._stream = stream
        self._room = room

    def __bool__(self) -> bool:
        return self._room

    def __await__(self) -> Generator[Any, None, bool]:
        if not self._room:
            yield from self._stream.room().__await__()
        return not self._stream.closed


class ServerSentEvents:
    """A stream of events to the visitor that made the request."""

    def __init__(self, stream: BodyStream, report: Callable[[str], None]) -> None:
        self._stream = stream
        self._report = report

    @property
    def closed(self) -> bool:
        """Tell whether nothing can be sent any more: it was ended, or the visitor left."""
        return self._stream.closed or self._stream.ended

    def send(self, event: Any = None, /, **fields: Any) -> Sent:
        """Send an event: `{"data", "event", "id", "retry", "comment"}`, text as it is, or a list.

        Fields may be given by name as well. After the end nothing is sent, and it is false.
        """
        if fields:
            event = {**(event or {}), **fields}
        try:
            room = self._stream.put(encode(event))
        except ReaderGone:
            return Sent(self._stream, room=False)
        except ReadsTooSlowly:
            self._report(
                "the visitor reads more slowly than events come and was left: await sse.send(), "
                "or stop while it is false"
            )
            return Sent(self._stream, room=False)
        if not room and not _on_a_loop():
            self._stream.wait_for_room()
            room = not self.closed
        return Sent(self._stream, room=room)

    def end(self, event: Any = None, /, **fields: Any) -> None:
        """Send a last event, if any is given, and end the stream."""
        if event is not None or fields:
            self.send(event, **fields)
        self._stream.end()

    def on(self, name: str, listener: Callable[[], object]) -> "ServerSentEvents":
        """Call a listener on the handler's loop on `close`: once nothing can be sent any more.

        Raises:
            RuntimeError: the handler is no coroutine; such a one asks `closed`.
        """
        if name == "close":
            loop = asyncio.get_running_loop()
            self._stream.when_over(partial(_call_on, loop, listener))
        return self

    def fail(self, message: str) -> None:
        """Tell the visitor of an exception and end."""
        self.end({"event": "error", "data": message, "comment": UNCAUGHT})


class Opens(Protocol):
    """Whatever begins an answer of events."""

    def __call__(self, *, keepalive: bool, headers: Mapping[str, Any]) -> ServerSentEvents | None:
        """Return the stream, None when another answer has begun."""
        ...


class HandlerContext(dict[str, Any]):
    """The second argument of a handler: a dictionary that can also open a stream of events."""

    # Of the class: most calls have no visitor who waits, and cost no more than a dictionary.
    _open: Opens | None = None
    _sse: ServerSentEvents | None = None

    @classmethod
    def for_visitor(cls, told: Mapping[str, Any], opens: Opens) -> "HandlerContext":
        """Return one that `opens` a stream when the handler asks for it."""
        made = cls(told)
        made._open = opens
        return made

    @property
    def events(self) -> ServerSentEvents | None:
        """Return the stream of events that was opened, if any."""
        return self._sse

    def sse(
        self,
        options: Mapping[str, Any] | None = None,
        *,
        keepalive: bool = True,
        headers: Mapping[str, Any] | None = None,
    ) -> ServerSentEvents | None:
        """Answer with events from now on; None when no visitor over HTTP access is waiting."""
        if self._sse is None and self._open is not None:
            told = {"keepalive": keepalive, "headers": headers, **(options or {})}
            self._sse = self._open(keepalive=bool(told["keepalive"]), headers=told["headers"] or {})
        return self._sse


def open_events(
    stream: BodyStream,
    report: Callable[[str], None],
    *,
    keepalive: bool,
    headers: Mapping[str, Any],
) -> ServerSentEvents | None:
    """Begin the answer of a stream with events; None when another answer has begun."""
    if stream.head is not None or stream.ended or stream.closed:
        return None
    own = {name: value for name, value in headers.items() if name.lower() not in _OURS}
    stream.events = True
    stream.heartbeat = HEARTBEAT if keepalive else b""
    stream.begin({"statusCode": 200, "headers": {**own, **HEADERS}})
    return ServerSentEvents(stream, report)


_OURS: Final = frozenset(name.lower() for name in HEADERS)


def encode(event: Any) -> bytes:
    """Return an event, text, bytes or a list of these as they are sent."""
    if isinstance(event, Mapping):
        return _encoded(event)
    if isinstance(event, str):
        return event.encode("utf-8", "replace")
    if isinstance(event, bytes | bytearray | memoryview):
        return bytes(event)
    if isinstance(event, Iterable):
        return b"".join(encode(each) for each in event)
    return b""


def _encoded(event: Mapping[str, Any]) -> bytes:
    lines = [
        f"{'' if field == 'comment' else field}: {_NEW_LINES.sub(' ', str(event[field]))}\n"
        for field in _FIELDS
        if field in event
    ]
    if "data" in event:
        lines += [f"data: {line}\n" for line in _NEW_LINES.split(_text(event["data"]))]
    return "".join([*lines, "\n"]).encode("utf-8", "replace") if lines else b""


def _text(data: Any) -> str:
    if isinstance(data, str):
        return data
    if isinstance(data, bytes | bytearray | memoryview):
        return bytes(data).decode("utf-8", "replace")
    return orjson.dumps(data, default=str).decode()


def _call_on(loop: asyncio.AbstractEventLoop, listener: Callable[[], object]) -> None:
    with suppress(RuntimeError):  # the function's loop has ended, and its listeners with it
        loop.call_soon_threadsafe(listener)


def _on_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
