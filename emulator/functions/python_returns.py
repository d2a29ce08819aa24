"""Owns the way back of calls: from the threads that ran them to the suite's.

Not here: what an answer does (`python_inline`). The one idea: outcomes gather in a queue, and the
suite's thread is woken once for as many as have come; a function's loop wakes it at the end of a
turn, and nobody does while it stands still and waits (`short_wait`).
"""

from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable, Collection
from contextvars import Context

from emulator.functions.base import Outcome
from emulator.functions.python_calls import Call
from emulator.functions.short_wait import ShortWait

Take = Callable[[Call, Outcome], None]


class Returns:
    """The calls of one runtime that have come back; `take` gets each on the suite's thread."""

    def __init__(
        self, suite: AbstractEventLoop, *, wait: ShortWait, under_way: Collection[Call], take: Take
    ) -> None:
        self._suite = suite
        self._wait = wait
        self._under_way = under_way
        self._take = take
        self._posted: deque[tuple[Call, Outcome | None]] = deque()
        self._called = False

    def post(self, call: Call, outcome: Outcome | None) -> None:
        """Hand over what came of a call, None when nobody waits any more; from any thread."""
        self._posted.append((call, outcome))
        if self._called and not self._wait.waiting:
            return
        if self._wait.tell():
            return
        loop = call.loop
        if loop is None:
            self._tell()
        elif not loop.tells:
            if len(self._under_way) > 1 and loop.is_here():
                loop.once_a_turn(self._tell)
            else:
                self._tell()

    def deliver(self) -> None:
        """Take everything that has come back; on the suite's thread."""
        # Cleared first: what is posted from now on calls again.
        self._called = False
        posted = self._posted
        while posted:
            call, outcome = posted.popleft()
            call.generation.held.remove(call)
            if outcome is not None:
                self._take(call, outcome)

    def _tell(self) -> None:
        if not self._called:
            self._called = True
            tell(self._suite, self.deliver)


def tell(suite: AbstractEventLoop, function: Callable[..., object], *arguments: object) -> None:
    """Call on the suite's loop, in a context that is nobody's; not at all once it has closed."""
    try:
        suite.call_soon_threadsafe(function, *arguments, context=Context())
    except RuntimeError:
        return
