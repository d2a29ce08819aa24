"""Owns the realtime session of a client SDK without any I/O: a message in, messages out.

Not here: the socket (`wire.watch`) and what is new (`services.watch`). The one idea: a client's
counter of events must grow one by one, so each listener keeps how far it was told and by how much
its numbers differ from those of the live query. What cannot be told step by step is told as one
step that replaces the client's list.
"""

import asyncio
import itertools
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Final

import orjson

from emulator.core.errors import EmulatorError, InvalidParam
from emulator.core.records import dataclass
from emulator.core.values import Value
from emulator.services.caller import Caller
from emulator.services.live_queries import Live
from emulator.services.watch import Watches
from emulator.wire import fields
from emulator.wire.fields import Body
from emulator.wire.watch_messages import (
    Asked,
    FirstTexts,
    StepTexts,
    WatchDenied,
    asked_by,
    denied,
    events_data,
    failure,
    head,
    head_of,
    news_data,
    read_asked,
    read_data,
    read_message,
    read_query_id,
    replacing_events,
)

LISTENERS_MAX: Final = 1_000
"""Listeners of one connection; each app of an SDK has one connection."""
SETTLE_S: Final = 0.02
"""An SDK drops events that come while it still takes in the first result."""

_READING: Final = frozenset({"INIT_WATCH", "REBUILD_WATCH"})

Login = Callable[[str], Caller]
"""Return who opens a connection by a signature; raises whatever speaks against it."""

Later = Callable[[float, Callable[[], None]], object]
"""Call a function after so many seconds."""


class NotLoggedIn(EmulatorError):
    """The connection has no user: its first message has to be a login that succeeds."""

    code = "CHECK_LOGIN_FAILED"


class NoSuchWatch(EmulatorError):
    """The message is about a listener that this connection does not have."""

    code = "QUERYID_INVALID_ERROR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What every session of a suite is given."""

    watches: Watches
    login: Login
    env_id: str
    later: Later
    texts: StepTexts = field(default_factory=StepTexts)


class _Listener:
    """One `watch()` of a client; `told` is the last step of `live` that it was told."""

    live: Live

    def __init__(self, session: "WatchSession", watch_id: str, asked: Asked) -> None:
        self._session = session
        self.watch_id = watch_id
        self.watch_id_text = orjson.dumps(watch_id)
        self.asked = asked
        self.told = 0
        self.offset = 0
        self.is_settling = False
        self.is_renewing = False
        self.query_id = b""

    @property
    def caller(self) -> Caller:
        """Return for whom it listens."""
        return self._session.caller

    def wake(self) -> None:
        """Tell the client what is new, unless it is still taking in what it was told before.

        Nor while it is asked anew what the client may see.
        """
        if not self.is_settling and not self.is_renewing:
            self._session.tell_news(self)

    def renew(self) -> None:
        """Ask for the query anew and tell all of it, or why it is over."""
        self._session.renew(self)

    def fail(self, fault: EmulatorError) -> None:
        """Tell the client that it hears nothing any more."""
        self._session.end(self, fault)


class WatchSession:
    """One connection; `send` takes finished messages and never waits."""

    def __init__(self, around: Around, send: Callable[[bytes], None]) -> None:
        self._around = around
        self._send = send
        self._caller: Caller | None = None
        self._listeners: dict[str, _Listener] = {}
        self._numbers = itertools.count(1)
        self._is_closed = False
        self._texts = FirstTexts()
        self._renewals: set[asyncio.Task[None]] = set()
        self._table: Mapping[str, Callable[[Body, bytes], None]] = {
            "LOGIN": self._log_in,
            "INIT_WATCH": self._init,
            "REBUILD_WATCH": self._rebuild,
            "CHECK_LAST": self._check,
            "CLOSE_WATCH": self._close,
            "PING": self._ping,
        }

    @property
    def caller(self) -> Caller:
        """Return whose connection it is; raises NotLoggedIn."""
        if self._caller is None:
            raise NotLoggedIn("the first message has to be a LOGIN that succeeds")
        return self._caller

    def receive(self, text: str | bytes) -> None:
        """Take one message, and answer it; what is not prepared is read in one piece."""
        message = self._read(text)
        if message is not None:
            self._answer(message)

    async def take(self, text: str | bytes) -> None:
        """Take one message, and answer it when what it asks for was read in slices."""
        message = self._read(text)
        if message is None:
            return
        try:
            if message["msgType"] in _READING:
                asked = asked_by(message)
                await self._texts.prepare((await self._prepare(asked)).result)
                # While texts were written, others may have written documents.
                await self._prepare(asked)
        except Exception as fault:  # noqa: BLE001  # the rim of a message
            self._refuse(head_of(message), failure(fault))
        else:
            self._answer(message)
        finally:
            self._texts.clear()

    def close(self) -> None:
        """Let every listener go; nothing is sent any more."""
        self._is_closed = True
        for renewal in self._renewals:
            renewal.cancel()
        for listener in list(self._listeners.values()):
            self._leave(listener)

    def user(self) -> str:
        """Return whose connection it is: an id, `administrator`, nothing before the login."""
        if self._caller is None:
            return ""
        return self._caller.owner_id or self._caller.kind

    def listeners(self) -> list[dict[str, Value]]:
        """Return what is listened to, as JSON data."""
        return [
            {
                "watchId": each.watch_id,
                "collection": each.asked.collection,
                "query": each.asked.filter_text,
                "orderBy": dict(each.asked.order),
                "limit": each.asked.limit,
                "documents": len(each.live.result),
                "lastEvent": each.told + each.offset,
            }
            for each in self._listeners.values()
        ]

    # --- what clients ask ------------------------------------------------------------------------

    def _read(self, text: str | bytes) -> Body | None:
        """Return a message of a known kind, None when it was refused."""
        message: Body = {}
        try:
            message = read_message(text)
            kind = fields.text(message, "msgType")
            if kind not in self._table:
                raise InvalidParam(f"no message is called {kind!r:.40}")
        except EmulatorError as fault:
            self._refuse(head_of(message), failure(fault))
            return None
        return message

    def _answer(self, message: Body) -> None:
        try:
            self._table[message["msgType"]](message, head_of(message))
        except Exception as fault:  # noqa: BLE001  # the rim of a message
            self._refuse(head_of(message), failure(fault))

    def _log_in(self, message: Body, ids: bytes) -> None:
        given = message.get("exMsgData")
        signature = given.get("signStr") if isinstance(given, dict) else None
        try:
            if not isinstance(signature, str):
                raise NotLoggedIn("the LOGIN has no signStr")
            self._caller = self._around.login(signature)
        except EmulatorError as fault:
            told = {"code": NotLoggedIn.code, "message": f"{fault.code}: {fault.message}"}
            self._say(ids, b"LOGIN_RES", orjson.dumps(told))
            return
        self._say(ids, b"LOGIN_RES", orjson.dumps({"envId": self._around.env_id}))

    def _init(self, message: Body, ids: bytes) -> None:
        asked = read_asked(read_data(message))
        listener = self._open(fields.text(message, "watchId"), asked)
        live = listener.live
        listener.told, listener.query_id = live.number, orjson.dumps(asked.id(live.id))
        told = [(live.number, self._texts.first_events(live.result.documents()))]
        self._settle(listener)
        self._say(ids, b"INIT_EVENT", events_data(listener.query_id, live.number, told))

    def _rebuild(self, message: Body, ids: bytes) -> None:
        watch_id, data = fields.text(message, "watchId"), read_data(message)
        number, query_id = fields.count(data, "eventID") or 0, fields.text(data, "queryID")
        asked, live_id = read_query_id(query_id)
        before = self._listeners.get(watch_id)
        listener = self._open(watch_id, asked)
        live = listener.live
        listener.query_id = orjson.dumps(query_id)
        is_known = live.id == live_id and not live.is_renumbered
        if before is not None and before.live is live:
            # The same connection: whatever the numbers mean, it is known.
            listener.offset, is_known = before.offset, True
        told = number - listener.offset if is_known else None
        self._settle(listener)
        self._say(ids, b"NEXT_EVENT", self._caught_up(listener, number, told))

    def _check(self, message: Body, ids: bytes) -> None:
        listener = self._known(message)
        number = listener.told + listener.offset
        told = b'{"queryID":%b,"currEvent":%d}' % (listener.query_id, number)
        self._say(ids, b"CHECK_EVENT", told)

    def _close(self, message: Body, ids: bytes) -> None:
        del ids
        listener = self._listeners.get(fields.text(message, "watchId"))
        if listener is not None:
            self._leave(listener)

    def _ping(self, message: Body, ids: bytes) -> None:
        del message
        self._say(ids, b"PONG", b"null")

    # --- what listeners hear ---------------------------------------------------------------------

    def tell_news(self, listener: _Listener) -> None:
        """Tell what the listener was not told yet."""
        live = listener.live
        if listener.told != live.number:
            number = listener.told + listener.offset
            data = self._caught_up(listener, number, listener.told)
            self._say(self._next_head(listener), b"NEXT_EVENT", data)

    def renew(self, listener: _Listener) -> None:
        """Open the query anew and tell everything as one step, or why it is over."""
        if not listener.is_renewing:
            listener.is_renewing = True
            renewal = asyncio.get_running_loop().create_task(self._renew(listener))
            self._renewals.add(renewal)
            renewal.add_done_callback(self._renewals.discard)

    async def _renew(self, listener: _Listener) -> None:
        try:
            await self._prepare(listener.asked)
            if self._listeners.get(listener.watch_id) is listener:
                self._renewed(listener)
        except Exception as fault:  # noqa: BLE001  # the rim of a renewal
            if self._listeners.get(listener.watch_id) is listener:
                self.end(listener, failure(fault))

    def _renewed(self, listener: _Listener) -> None:
        number = listener.told + listener.offset
        fresh = self._open(listener.watch_id, listener.asked)
        fresh.query_id = listener.query_id
        if listener.is_settling:
            self._settle(fresh)
        told = None
        if fresh.live is listener.live:
            fresh.offset, told = listener.offset, listener.told
        is_new = told != fresh.live.number
        data = self._caught_up(fresh, number, told)
        if is_new:
            self._say(self._next_head(fresh), b"NEXT_EVENT", data)

    def end(self, listener: _Listener, fault: EmulatorError) -> None:
        """Tell the client that the listener is over."""
        self._leave(listener)
        self._refuse(self._next_head(listener), fault)

    def _caught_up(self, listener: _Listener, number: int, told: int | None) -> bytes:
        """Return the data of what brings a client from its number to the present.

        `told` is the last step it was told, None when that is not known.
        """
        live = listener.live
        listener.told = live.number
        if told is not None:
            text = self._around.texts.of(live, told, listener.offset)
            if text is not None:
                return news_data(listener.query_id, text)
        number += 1
        listener.offset = number - live.number
        live.is_renumbered = live.is_renumbered or listener.offset != 0
        events = [(number, replacing_events(live.result.documents(), self._texts))]
        return events_data(listener.query_id, number, events)

    def _next_head(self, listener: _Listener) -> bytes:
        return head(next(self._numbers), listener.watch_id_text)

    def _settle(self, listener: _Listener) -> None:
        listener.is_settling = True

        def settled() -> None:
            listener.is_settling = False
            if self._listeners.get(listener.watch_id) is listener:
                listener.wake()

        self._around.later(SETTLE_S, settled)

    # --- listeners -------------------------------------------------------------------------------

    async def _prepare(self, asked: Asked) -> Live:
        with denied():
            return await self._around.watches.prepare(asked.query(), self.caller)

    def _open(self, watch_id: str, asked: Asked) -> _Listener:
        """Open the query for a listener, which takes the place of one of that id."""
        before = self._listeners.get(watch_id)
        if before is None and len(self._listeners) >= LISTENERS_MAX:
            raise InvalidParam(f"a connection has at most {LISTENERS_MAX} listeners; close some")
        listener = _Listener(self, watch_id, asked)
        with denied():
            listener.live = self._around.watches.open(asked.query(), self.caller, listener)
        if before is not None:
            self._leave(before)
        self._listeners[watch_id] = listener
        return listener

    def _leave(self, listener: _Listener) -> None:
        if self._listeners.get(listener.watch_id) is listener:
            del self._listeners[listener.watch_id]
        self._around.watches.leave(listener.live, listener)

    def _known(self, message: Body) -> _Listener:
        watch_id = fields.text(message, "watchId")
        listener = self._listeners.get(watch_id)
        if listener is None:
            raise NoSuchWatch(f"this connection has no listener {watch_id!r:.60}")
        return listener

    # --- sending ---------------------------------------------------------------------------------

    def _say(self, ids: bytes, kind: bytes, data: bytes) -> None:
        if not self._is_closed:
            self._send(b'{"msgType":"%b",%b,"msgData":%b}' % (kind, ids, data))

    def _refuse(self, ids: bytes, fault: EmulatorError) -> None:
        hint = f"; {fault.hint}" if fault.hint and fault.code != WatchDenied.code else ""
        told = {"code": fault.code, "message": f"{fault.message}{hint}"}
        self._say(ids, b"ERROR", orjson.dumps(told))
