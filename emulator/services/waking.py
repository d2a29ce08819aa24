"""Owns waking crowds of listeners without keeping anyone else waiting.

Not here: what listeners hear (`services.watch`). The one idea: listeners are woken in slices with
rests between them, longer ones while somebody writes; calling a crowd costs the same whatever
its size, for it only says how many at its front are still to be woken.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Final, Generic, Protocol, TypeVar

SLICE_FIRST_S: Final = 0.005
"""How long listeners are woken at once; up to a hundred have heard by then."""
SLICE_S: Final = 0.0004
"""How long others of a crowd are woken at a stretch; writers wait no longer than that."""
TRIFLE: Final = 16
"""So few are woken without a rest; how long that took says more of the machine than of them."""
REST_SHARE: Final = 0.5
"""The rest after a slice, in slices, when nobody writes."""
REST_SHARE_BUSY: Final = 8.0
BUSY_WRITES: Final = 2
"""Who writes once in a rest may wait for it to be heard; who writes more does not."""
REST_MAX_S: Final = 0.1
TURN: Final = 64
"""So many of one crowd are woken before another's turn."""


class Wakes(Protocol):
    """Whoever can be woken."""

    def wake(self) -> None:
        """Take what is new."""
        ...


W = TypeVar("W", bound=Wakes)


class Crowd(Generic[W]):
    """Listeners that are woken together; who was woken last stands at the end."""

    def __init__(self) -> None:
        self._members: OrderedDict[W, None] = OrderedDict()
        self.due = 0
        """So many at the front are to be woken."""

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[W]:
        return iter(self._members)

    def add(self, member: W) -> None:
        """Let somebody in, who knows what there is."""
        self._members[member] = None

    def discard(self, member: W) -> None:
        """Let somebody go."""
        self._members.pop(member, None)
        self.due = min(self.due, len(self._members))

    def call(self) -> None:
        """Have all of them to be woken."""
        self.due = len(self._members)

    def wake_next(self) -> None:
        """Wake one of those who are to be woken."""
        member = next(iter(self._members))
        self._members.move_to_end(member)
        self.due -= 1
        member.wake()


class Called(Hashable, Protocol):
    """A crowd of anyone."""

    due: int

    def call(self) -> None:
        """Have all of them to be woken."""
        ...

    def wake_next(self) -> None:
        """Wake one of those who are to be woken."""
        ...


class Waking:
    """Wakes the crowds that were called."""

    def __init__(self, stopwatch_s: Callable[[], float]) -> None:
        self._stopwatch_s = stopwatch_s
        self._called: OrderedDict[Called, None] = OrderedDict()
        self._later: asyncio.Handle | None = None
        self._writes = 0
        self._share = REST_SHARE

    def call(self, crowd: Called) -> None:
        """Have a crowd woken by `begin`."""
        crowd.call()
        self._called[crowd] = None

    def yield_more(self) -> None:
        """Take note that somebody wrote, who is not to be kept waiting."""
        self._writes += 1

    def begin(self) -> None:
        """Begin to wake whoever was called, or go on as begun."""
        if self._later is None and self._called:
            self._wake(SLICE_FIRST_S)

    def begin_soon(self) -> None:
        """Do as `begin` when whatever runs now is done."""
        if self._later is None and self._called:
            later = asyncio.get_running_loop().call_soon
            self._later = later(self._wake, SLICE_FIRST_S)

    def count(self) -> int:
        """Return how many are still to be woken."""
        return sum(crowd.due for crowd in self._called)

    def close(self) -> None:
        """Wake nobody any more."""
        self._called.clear()
        if self._later is not None:
            self._later.cancel()

    def _wake(self, slice_s: float) -> None:
        self._later = None
        began_s = self._stopwatch_s()
        woken, is_over = 0, False
        try:
            while self._called and not is_over:
                crowd = next(iter(self._called))
                count, is_over = self._wake_some(crowd, began_s + slice_s)
                woken += count
                if crowd.due > 0:
                    self._called.move_to_end(crowd)
                else:
                    del self._called[crowd]
        finally:
            # Whoever fails, the others are woken.
            if self._called or woken > TRIFLE:
                # Some loops write to sockets after what runs now; that belongs to the slice.
                self._later = asyncio.get_running_loop().call_soon(self._rest, began_s)

    def _wake_some(self, crowd: Called, end_s: float) -> tuple[int, bool]:
        """Wake some of a crowd, and return how many, and whether the slice is over."""
        for count in range(TURN):
            if crowd.due <= 0:
                return count, False
            crowd.wake_next()
            if self._stopwatch_s() >= end_s:
                return count + 1, True
        return TURN, False

    def _rest(self, began_s: float) -> None:
        took_s = self._stopwatch_s() - began_s
        self._writes = 0
        rest_s = min(took_s * self._share, REST_MAX_S)
        self._later = asyncio.get_running_loop().call_later(rest_s, self._go_on)

    def _go_on(self) -> None:
        self._later = None
        self._share = REST_SHARE_BUSY if self._writes >= BUSY_WRITES else REST_SHARE
        if self._called:
            self._wake(SLICE_S)
