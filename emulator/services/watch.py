"""Owns live queries: who watches what, and that each listener learns of what is new.

Not here: what a change means (`core.watch`) and how it is told (`wire.watch_protocol`). The one
idea: listeners of the same query share one live result with numbered steps, and each remembers the
last step it was told; a writer only adds to a queue, and listeners are woken afterwards
(`services.waking`).

Commits that publish no changes (a dropped collection, seeds, imports) show as a gap in the store's
sequence; all results are then read anew and differ by what happened.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Protocol

from emulator.ambient import Clock, Ids
from emulator.core.aggregate.filters import compile_request_filter
from emulator.core.changes import Change
from emulator.core.errors import (
    CollectionNotExist,
    EmulatorError,
    InvalidParam,
    PermissionDenied,
)
from emulator.core.ordering import SortSpecification
from emulator.core.query import CompiledFilter
from emulator.core.values import Document
from emulator.core.watch import Event, LiveResult
from emulator.core.watch_interests import Interests
from emulator.services.access import Access
from emulator.services.access_look_ups import Ask
from emulator.services.bus import Bus
from emulator.services.caller import Caller
from emulator.services.planning import Reader
from emulator.services.reading import Question
from emulator.services.waking import Crowd, Wakes, Waking
from emulator.stores.base import DocumentStore

STEPS_MAX_EVENTS: Final = 5_000
"""Events that a live query keeps for listeners who were away."""
LINGER_S: Final = 60.0
"""So long a query stays live without listeners: they may only have lost their connection."""
LINGERING_MAX: Final = 256
LOOK_S: Final = 0.5
"""How often commits without changes, and new rules, are looked for."""


class Hears(Wakes, Protocol):
    """A listener."""

    @property
    def caller(self) -> Caller:
        """Return for whom it listens."""
        ...

    def renew(self) -> None:
        """Ask for the query anew: what this caller may see may have changed."""
        ...

    def fail(self, fault: EmulatorError) -> None:
        """Take note that it hears nothing any more."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchQuery:
    """What is watched."""

    collection: str
    filter: Document
    sort: SortSpecification = ()
    limit: int | None = None


@dataclass(slots=True)
class Step:
    """What one commit changed, under its number; `told` is kept by whoever writes it out."""

    number: int
    events: Sequence[Event]
    told: Sequence[bytes] | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Live:
    """One live query; `number` is that of its last step, `is_renumbered` that its id says little.

    `ask` is there where a rule decides, which is asked again with each change.
    """

    id: str
    key: Hashable
    query: WatchQuery
    matcher: CompiledFilter
    result: LiveResult
    ask: Callable[[], object] | None = None
    number: int = 1
    is_hidden: bool = False
    is_renumbered: bool = False
    steps: deque[Step] = field(default_factory=deque)
    events: int = 0
    listeners: Crowd[Hears] = field(default_factory=Crowd)

    def since(self, number: int) -> list[Step] | None:
        """Return the steps after that number, None when they are not kept any more."""
        missing = self.number - number
        if not 0 <= missing <= len(self.steps):
            return None
        latest = list(islice(reversed(self.steps), missing))
        latest.reverse()
        return latest

    def add(self, events: Sequence[Event]) -> None:
        """Make a step of the events and forget the oldest ones."""
        self.number += 1
        self.steps.append(Step(self.number, events))
        self.events += len(events)
        while self.events > STEPS_MAX_EVENTS and len(self.steps) > 1:
            self.events -= len(self.steps.popleft().events)


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
        self._interests: dict[str, Interests[Live]] = {}
        self._lingering: dict[Hashable, asyncio.TimerHandle] = {}
        self._pending: list[Change] = []
        self._waking: Waking[Hears] = Waking(clock.elapsed_s)
        self._drain_soon: asyncio.Handle | None = None
        self._look_later: asyncio.Handle | None = None
        self._sequence = 0
        self._version = access.permissions.version
        self._is_stale = False
        self._unsubscribe = bus.subscribe(Change, self._enqueue)

    def __len__(self) -> int:
        return sum(len(live.listeners) for live in self._lives.values())

    def open(self, query: WatchQuery, caller: Caller, listener: Hears) -> Live:
        """Return the live query, with what it holds now; the listener is woken for what follows.

        Raises:
            PermissionDenied: the caller may not read what the query may find.
            CollectionNotExist: there is no such collection.
            WatchTooLarge: it finds more than a listener may hold.
            EmulatorError: the filter or the order is refused.
        """
        self.drain()
        filter_, ask = self._permitted(query, caller)
        who = (caller.openid, caller.uid, caller.login_type) if ask else None
        key = (query.collection, repr(filter_), tuple(query.sort), query.limit, who)
        live = self._lives.get(key)
        if live is None:
            live = self._begin(key, query, filter_, ask)
        live.listeners.add(listener)
        lingering = self._lingering.pop(key, None)
        if lingering is not None:
            lingering.cancel()
        return live

    def leave(self, live: Live, listener: Hears) -> None:
        """Let a listener go; the query stays live for a while in case it comes back."""
        live.listeners.discard(listener)
        if len(live.listeners) or self._lives.get(live.key) is not live:
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
        return [f"{waiting} listeners to be told of changes"] if waiting else []

    def close(self) -> None:
        """Hear of nothing any more."""
        self._unsubscribe()
        for live in list(self._lives.values()):
            self._end(live)
        self._waking.close()
        for handle in (self._drain_soon, self._look_later):
            if handle is not None:
                handle.cancel()

    def drain(self) -> None:
        """Bring every live query up to date, and begin to wake whoever has something to hear."""
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
            for live in list(self._lives.values()):
                self._step(live, None)
        self._waking.begin()

    # --- changes ---------------------------------------------------------------------------------

    def _enqueue(self, change: Change) -> None:
        if not self._lives:
            return
        self._waking.yield_more()
        self._is_stale = self._is_stale or change.sequence > self._sequence + 1
        self._sequence = change.sequence
        if change.collection not in self._interests:
            return
        self._pending.append(change)
        if self._drain_soon is None:
            self._drain_soon = asyncio.get_running_loop().call_soon(self.drain)

    def _take(self, changes: Sequence[Change]) -> None:
        concerned: dict[Live, list[Change]] = {}
        for change in changes:
            interests = self._interests.get(change.collection)
            if interests is not None:
                for live in interests.concerned(change.before, change.after):
                    concerned.setdefault(live, []).append(change)
        for live, heard in concerned.items():
            self._step(live, heard)

    def _step(self, live: Live, changes: Sequence[Change] | None) -> None:
        """Bring one live query up to date, by changes or, without them, by reading it anew."""
        try:
            events = self._differences(live, changes)
        except EmulatorError as fault:
            listeners = list(live.listeners)
            self._end(live)
            for listener in listeners:
                listener.fail(fault)
            return
        if events:
            live.add(events)
            self._waking.call(live.listeners)

    def _differences(self, live: Live, changes: Sequence[Change] | None) -> list[Event]:
        if live.ask is not None:
            was_hidden, live.is_hidden = live.is_hidden, not _holds(live.ask)
            if live.is_hidden:
                return [] if was_hidden else live.result.load(())
            if was_hidden:
                changes = None
        if changes is None:
            return live.result.load(self._read(live))
        events = live.result.apply(changes)
        if live.result.is_doubtful:
            events += live.result.load(self._read(live))
        return events

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
        if self._store.sequence != self._sequence:
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

    def _begin(
        self,
        key: Hashable,
        query: WatchQuery,
        filter_: Document,
        ask: Callable[[], object] | None,
    ) -> Live:
        if self._store.collection(query.collection) is None:
            raise CollectionNotExist(
                f"Db or Table not exist: {query.collection}",
                hint=f"create it first: db.createCollection({query.collection!r}), or seed it",
            )
        matcher = compile_request_filter(filter_, now_ms=self._clock.now_ms())
        if matcher.near is not None:
            raise InvalidParam("a watched query cannot be sorted by distance; use geoWithin")
        live = Live(
            id=self._ids.document_id(),
            key=key,
            query=query,
            matcher=matcher,
            result=LiveResult(matcher, query.sort, query.limit),
            ask=ask,
        )
        live.result.load(self._read(live))
        if not self._lives:
            self._sequence = self._store.sequence
        self._lives[key] = live
        self._interests.setdefault(query.collection, Interests()).add(live, matcher)
        if self._look_later is None:
            self._look_later = asyncio.get_running_loop().call_later(LOOK_S, self._look)
        return live

    def _read(self, live: Live) -> list[Document]:
        collection = self._store.collection(live.query.collection)
        if collection is None:
            return []
        question = Question(
            name=live.query.collection, collection=collection, matcher=live.matcher, cause="watch"
        )
        return self._reader.read_now(question).documents

    def _end(self, live: Live) -> None:
        if self._lives.get(live.key) is not live:
            return
        del self._lives[live.key]
        interests = self._interests[live.query.collection]
        interests.remove(live)
        if not len(interests):
            del self._interests[live.query.collection]
        lingering = self._lingering.pop(live.key, None)
        if lingering is not None:
            lingering.cancel()


def _holds(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except PermissionDenied:
        return False
    return True
