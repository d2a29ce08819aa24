"""Owns watching: who watches what, and that each listener learns of what is new.

Not here: what a change means (`core.watch`) and how it is told (`wire.watch_protocol`). The one
idea: a writer only adds to a queue; live queries take from it, and then wake their listeners, in
time that writers do not need (`services.waking`). Listeners of the same query share one live result
with numbered steps, and each remembers the last step it was told.

Commits that publish no changes (a dropped collection, seeds, imports) show as a gap in the store's
sequence; all results are then read anew and differ by what happened.
"""

import asyncio
from collections.abc import Callable, Hashable, Sequence
from typing import Final

from emulator.ambient import Clock, Ids
from emulator.core.aggregate.filters import compile_request_filter
from emulator.core.changes import Change
from emulator.core.errors import CollectionNotExist, EmulatorError, InvalidParam
from emulator.core.values import Document
from emulator.core.watch import LiveResult
from emulator.services.access import Access
from emulator.services.access_look_ups import Ask
from emulator.services.bus import Bus
from emulator.services.caller import Caller
from emulator.services.live_queries import Channel, Channels, Hears, Live, WatchQuery
from emulator.services.live_reading import LiveReading
from emulator.services.planning import Reader
from emulator.services.waking import Waking
from emulator.stores.base import DocumentStore

STEPS_AT_ONCE: Final = 32
"""Who is more commits behind hears of them as of one."""
LINGER_S: Final = 60.0
"""So long a query stays live without listeners: they may only have lost their connection."""
LINGERING_MAX: Final = 256
PREPARATIONS_MAX: Final = 3
"""So often a query is made ready that changes its kind meanwhile; then it is read in one piece."""
LOOK_S: Final = 0.5
"""How often commits without changes, and new rules, are looked for."""


class Watches:
    """The live queries of one environment."""

    def __init__(
        self,
        store: DocumentStore,
        *,
        access: Access,
        reader: Reader,
        bus: Bus,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._store = store
        self._access = access
        self._reader = reader
        self._clock = clock
        self._ids = ids
        self._lives: dict[Hashable, Live] = {}
        self._channels: dict[str, Channels] = {}
        self._lingering: dict[Hashable, asyncio.TimerHandle] = {}
        self._pending: list[Change] = []
        self._waking = Waking(clock.elapsed_s)
        self._readings = LiveReading(
            store, reader, pass_on=self._pass_on, renewed=self._read, failed=self._give_up
        )
        self._drain_soon: asyncio.Handle | None = None
        self._look_later: asyncio.Handle | None = None
        self._sequence = 0
        self._version = access.permissions.version
        self._is_stale = False
        self._is_closed = False
        self._unsubscribe = bus.subscribe(Change, self._enqueue)

    def __len__(self) -> int:
        return sum(len(live.listeners) for live in self._lives.values())

    async def prepare(self, query: WatchQuery, caller: Caller) -> Live:
        """Read in slices what `open` would read in one piece; raises as `open`."""
        for _ in range(PREPARATIONS_MAX):
            live = self._reach(query, caller, at_once=False)
            if live.reading is None:
                self._linger(live)
                return live
            live.waiting += 1
            try:
                await asyncio.wait([live.reading])
            finally:
                live.waiting -= 1
                if not live.waiting:
                    self._linger(live)
            if live.fault is not None:
                raise live.fault
            if self._is_closed:
                raise EmulatorError("the suite is stopping")
        return self._reach(query, caller, at_once=True)

    def open(self, query: WatchQuery, caller: Caller, listener: Hears) -> Live:
        """Return the live query, with what it holds now; the listener is woken for what follows.

        Raises:
            PermissionDenied: the caller may not read what the query may find.
            CollectionNotExist: there is no such collection.
            WatchTooLarge: it finds more than a listener may hold.
            EmulatorError: the filter or the order is refused.
        """
        live = self._reach(query, caller, at_once=True)
        live.listeners.add(listener)
        # Not at once: whoever asks anew is not to hear what it is about to be answered.
        self._waking.begin_soon()
        lingering = self._lingering.pop(live.key, None)
        if lingering is not None:
            lingering.cancel()
        return live

    def leave(self, live: Live, listener: Hears) -> None:
        """Let a listener go; the query stays live for a while in case it comes back."""
        live.listeners.discard(listener)
        self._linger(live)

    def _linger(self, live: Live) -> None:
        """Keep a query without listeners for a while."""
        is_wanted = len(live.listeners) or live.waiting or live.key in self._lingering
        if is_wanted or self._lives.get(live.key) is not live:
            return
        if len(self._lingering) >= LINGERING_MAX:
            self._end(self._lives[next(iter(self._lingering))])
        loop = asyncio.get_running_loop()
        self._lingering[live.key] = loop.call_later(LINGER_S, self._end, live)

    def running(self) -> list[str]:
        """Return what is still to be told."""
        waiting = self._waking.count()
        if self._pending:
            return [f"{len(self._pending)} changes for listeners"]
        if len(self._readings):
            return [f"{len(self._readings)} watched queries to be read"]
        return [f"{waiting} listeners to be told of changes"] if waiting else []

    def close(self) -> None:
        """Hear of nothing any more."""
        self._is_closed = True
        self._unsubscribe()
        for live in list(self._lives.values()):
            self._end(live)
        self._waking.close()
        for handle in (self._drain_soon, self._look_later):
            if handle is not None:
                handle.cancel()

    def drain(self) -> None:
        """Pass on what was written, and begin to wake whoever it may concern."""
        self._pass_on()
        self._waking.begin()

    # --- changes ---------------------------------------------------------------------------------

    def _pass_on(self) -> None:
        """Give what was written to the channels that it may concern, which are then to be woken."""
        if self._drain_soon is not None:
            self._drain_soon.cancel()
            self._drain_soon = None
        pending, self._pending = self._pending, []
        start, count = 0, len(pending)
        while start < count:
            end = start + 1
            while end < count and pending[end].sequence == pending[start].sequence:
                end += 1
            self._take(pending[start:end])
            start = end
        if self._is_stale or self._store.sequence != self._sequence:
            self._is_stale, self._sequence = False, self._store.sequence
            for live in self._lives.values():
                live.is_lost = True
                self._waking.call(live.channel.crowd)

    def _enqueue(self, change: Change) -> None:
        if not self._lives:
            return
        if change.sequence != self._sequence:
            self._waking.yield_more()
        self._is_stale = self._is_stale or change.sequence > self._sequence + 1
        self._sequence = change.sequence
        if change.collection not in self._channels:
            return
        self._pending.append(change)
        if self._drain_soon is None:
            self._drain_soon = asyncio.get_running_loop().call_soon(self.drain)

    def _take(self, changes: Sequence[Change]) -> None:
        """Add what one commit changed to the channels that it may concern."""
        concerned: dict[Channel, list[Change]] = {}
        for change in changes:
            channels = self._channels.get(change.collection)
            if channels is not None:
                for channel in channels.concerned(change):
                    concerned.setdefault(channel, []).append(change)
        for channel, heard in concerned.items():
            channel.add(heard)
            self._waking.call(channel.crowd)

    def _renew(self, live: Live, *, at_once: bool = False, is_asked: bool = False) -> None:
        """Bring one live query up to date, now or soon, and have its listeners woken.

        With nobody there to hear, what must be read anew waits until somebody asks.
        """
        number = live.number
        try:
            if live.reading is not None and not at_once:
                live.follow()
            elif live.reading is not None:
                self._readings.now(live)
            elif self._is_followed(live):
                live.tell()
            elif at_once:
                self._readings.now(live)
            elif not (is_asked or live.waiting or len(live.listeners)):
                live.is_lost = True
            else:
                self._readings.begin(live)
        except EmulatorError as fault:
            self._give_up(live, fault)
            return
        if live.number != number:
            self._waking.call(live.listeners)

    def _give_up(self, live: Live, fault: EmulatorError) -> None:
        live.fault = fault
        listeners = list(live.listeners)
        self._end(live)
        for listener in listeners:
            listener.fail(fault)

    def _read(self, live: Live) -> None:
        """Take note that a reading is over."""
        self._waking.call(live.listeners)
        self._waking.begin()

    def _is_followed(self, live: Live) -> bool:
        """Let a query take what was written; False if all is to be read anew."""
        commits = live.channel.take(live)
        if live.is_lost:
            live.is_lost, commits = False, None
        if commits is not None and not commits:
            return True
        if live.ask is not None:
            was_hidden, live.is_hidden = live.is_hidden, not live.allowed()
            if live.is_hidden:
                live.untold += [] if was_hidden else live.result.load(())
                return True
            if was_hidden:
                return False
        if commits is None:
            return False
        if live.ask is not None or len(commits) > STEPS_AT_ONCE:
            # What was so in between may be what the rule forbids.
            commits = [[change for changes in commits for change in changes]]
        for changes in commits:
            live.untold += live.result.apply(changes)
            if live.result.is_doubtful:
                return False
            live.tell()
        return True

    def _look(self) -> None:
        """Look for what nobody publishes, as long as somebody listens."""
        self._look_later = None
        if not self._lives:
            return
        self._look_later = asyncio.get_running_loop().call_later(LOOK_S, self._look)
        if self._version != self._access.permissions.version:
            self._version = self._access.permissions.version
            for live in list(self._lives.values()):
                for listener in list(live.listeners):
                    if listener.caller.kind != "administrator":
                        listener.renew()
        late = [each for each in self._lives.values() if each.is_lost and len(each.listeners)]
        for live in late:
            self._waking.call(live.channel.crowd)
        if late or self._store.sequence != self._sequence:
            self.drain()

    # --- live queries ----------------------------------------------------------------------------

    def _permitted(
        self, query: WatchQuery, caller: Caller
    ) -> tuple[Document, Callable[[], object] | None]:
        """Return the filter that the caller may watch, and how to ask again if a rule decides."""
        if caller.kind == "administrator":
            return query.filter, None

        def ask() -> Document:
            now_ms = self._clock.now_ms()
            asked = Ask(caller, "read", query.collection, self._store, self._reader, now_ms)
            return self._access.reach(asked, filter_)

        filter_ = query.filter
        if self._access.permissions.of(query.collection).preset is None:
            return ask(), ask
        # A preset's owner stays part of the filter, also where one document is named, which
        # may become another's.
        filter_ = {"$and": [query.filter]} if query.filter else {}
        return ask(), None

    def _reach(self, query: WatchQuery, caller: Caller, *, at_once: bool) -> Live:
        """Return the live query that the caller may watch, up to date or about to be so."""
        self._pass_on()
        filter_, ask = self._permitted(query, caller)
        who = (caller.openid, caller.uid, caller.login_type) if ask else None
        key = (query.collection, repr(filter_), tuple(query.sort), query.limit, who)
        before = self._lives.get(key)
        if before is not None:
            self._renew(before, at_once=at_once, is_asked=True)
        live = self._lives.get(key)
        if live is None:
            live = self._begin(key, query, filter_, ask)
            try:
                read = self._readings.now if at_once else self._readings.begin
                read(live)
            except EmulatorError:
                self._end(live)
                raise
        return live

    def _begin(
        self,
        key: Hashable,
        query: WatchQuery,
        filter_: Document,
        ask: Callable[[], object] | None,
    ) -> Live:
        """Return a live query that follows what is written, and was not read yet."""
        if self._store.collection(query.collection) is None:
            raise CollectionNotExist(
                f"Db or Table not exist: {query.collection}",
                hint=f"create it first: db.createCollection({query.collection!r}), or seed it",
            )
        matcher = compile_request_filter(filter_, now_ms=self._clock.now_ms())
        if matcher.near is not None:
            raise InvalidParam("a watched query cannot be sorted by distance; use geoWithin")
        channel = self._channels.setdefault(query.collection, Channels()).of(matcher)
        live = Live(
            id=self._ids.document_id(),
            key=key,
            query=query,
            matcher=matcher,
            result=LiveResult(matcher, query.sort, query.limit),
            channel=channel,
            renewed=self._renew,
            ask=ask,
            position=channel.end,
        )
        channel.crowd.add(live)
        if not self._lives:
            self._sequence = self._store.sequence
        self._lives[key] = live
        if self._look_later is None:
            self._look_later = asyncio.get_running_loop().call_later(LOOK_S, self._look)
        return live

    def _end(self, live: Live) -> None:
        if self._lives.get(live.key) is not live:
            return
        del self._lives[live.key]
        self._readings.stop(live)
        channels = self._channels[live.query.collection]
        channels.leave(live)
        if not len(channels):
            del self._channels[live.query.collection]
        lingering = self._lingering.pop(live.key, None)
        if lingering is not None:
            lingering.cancel()
