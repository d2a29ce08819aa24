"""Owns live queries: one live result in numbered steps for everyone who watches the same.

Not here: who may watch and what is read (`services.watch`), what changes mean (`core.watch`). The
one idea: queries that the same changes may concern share a channel, so whoever writes adds to one
list, and each query takes from it when its turn comes.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import field
from itertools import islice
from typing import Final, Protocol

from emulator.core.changes import Change
from emulator.core.errors import EmulatorError, PermissionDenied
from emulator.core.ordering import SortSpecification
from emulator.core.query import CompiledFilter
from emulator.core.records import dataclass
from emulator.core.values import Document
from emulator.core.watch import Event, LiveResult
from emulator.core.watch_interests import Interests, Place, place_of
from emulator.services.caller import Caller
from emulator.services.waking import Crowd, Wakes

STEPS_MAX_EVENTS: Final = 5_000
"""Events that a live query keeps for listeners who were away."""
CHANNEL_MAX_CHANGES: Final = 20_000
"""Changes that a channel keeps, and its newest commit; who is behind reads its result anew."""


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


class Channel:
    """Live queries that the same changes may concern, and the commits that some did not take."""

    def __init__(self) -> None:
        self.crowd: Crowd[Live] = Crowd()
        self._commits: deque[Sequence[Change]] = deque()
        self._first = 0
        self._changes = 0

    @property
    def end(self) -> int:
        """Return the number of the next commit."""
        return self._first + len(self._commits)

    def add(self, changes: Sequence[Change]) -> None:
        """Keep what one commit changed."""
        self._commits.append(changes)
        self._changes += len(changes)
        while self._changes > CHANNEL_MAX_CHANGES and len(self._commits) > 1:
            self._changes -= len(self._commits.popleft())
            self._first += 1

    def take(self, live: "Live") -> list[Sequence[Change]] | None:
        """Return the commits that a query did not take yet, None when not all are kept."""
        start, live.position = live.position - self._first, self.end
        taken = list(islice(self._commits, start, None)) if start >= 0 else None
        if self.crowd.due == 0:
            self._first, self._changes = self.end, 0
            self._commits.clear()
        return taken


class Channels:
    """The channels of one collection."""

    def __init__(self) -> None:
        self._interests: Interests[Channel] = Interests()
        self._by_place: dict[Place, Channel] = {}

    def __len__(self) -> int:
        return len(self._by_place)

    def of(self, matcher: CompiledFilter) -> Channel:
        """Return the channel of whatever may concern this filter."""
        place = place_of(matcher)
        channel = self._by_place.get(place)
        if channel is None:
            channel = self._by_place[place] = Channel()
            self._interests.add(channel, matcher)
        return channel

    def leave(self, live: "Live") -> None:
        """Let a query hear nothing any more."""
        live.channel.crowd.discard(live)
        if not len(live.channel.crowd):
            del self._by_place[place_of(live.matcher)]
            self._interests.remove(live.channel)

    def concerned(self, change: Change) -> list[Channel]:
        """Return the channels that a change may concern."""
        return self._interests.concerned(change.before, change.after)


@dataclass(slots=True, kw_only=True, eq=False)
class Live:
    """One live query; `number` is that of its last step, `is_renumbered` that its id says little.

    `ask` is there where a rule decides, which is asked again with each change; `renewed` brings the
    query up to date. `reading` is there while all is read anew, `meanwhile` holds what happened
    since that began, and `untold` are events that wait for it. `waiting` counts who is about to
    listen; `fault` is what ended the query.
    """

    id: str
    key: Hashable
    query: WatchQuery
    matcher: CompiledFilter
    result: LiveResult
    channel: Channel
    renewed: Callable[["Live"], None]
    ask: Callable[[], object] | None = None
    position: int = 0
    is_lost: bool = False
    number: int = 1
    is_hidden: bool = False
    is_renumbered: bool = False
    is_begun: bool = False
    reading: asyncio.Task[None] | None = None
    meanwhile: list[Change] = field(default_factory=list)
    untold: list[Event] = field(default_factory=list)
    waiting: int = 0
    fault: EmulatorError | None = None
    steps: deque[Step] = field(default_factory=deque)
    events: int = 0
    listeners: Crowd[Hears] = field(default_factory=Crowd)

    def wake(self) -> None:
        """Take what the channel has."""
        self.renewed(self)

    def allowed(self) -> bool:
        """Tell whether the rule, if one decides, lets its listeners read."""
        try:
            if self.ask is not None:
                self.ask()
        except PermissionDenied:
            return False
        return True

    def tell(self) -> None:
        """Make a step of what was not told yet."""
        if self.untold:
            self.add(self.untold)
            self.untold = []

    def follow(self) -> None:
        """Keep what happened while all is read anew; too much of it is as good as lost."""
        commits = self.channel.take(self)
        if commits is None or self.is_lost:
            self.is_lost = True
            self.meanwhile.clear()
            return
        for changes in commits:
            self.meanwhile += changes
        if len(self.meanwhile) > CHANNEL_MAX_CHANGES:
            self.is_lost = True
            self.meanwhile.clear()

    def begin_to_follow(self) -> None:
        """Keep what happens from now on."""
        self.channel.take(self)
        self.is_lost = False
        self.meanwhile.clear()

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
