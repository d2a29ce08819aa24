"""Owns the way back of calls: from the threads that ran them to the suite's.

Not here: what an answer does (`python_inline`). The one idea: outcomes gather in a queue, and the
suite's thread is woken once for as many as have come; a function's loop wakes it at the end of a
turn, and nobody does while a thread with the baton takes them itself (`python_baton`).
"""

from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable, Collection
from contextvars import Context

from emulator.functions.base import Outcome
from emulator.functions.python_calls import Call

Take = Callable[[Call, Outcome], None]


class Returns:
    """The calls of one runtime that have come back; `take` gets each on the suite's thread.

    Of those that are `away` whoever ran them asks for it to be taken, or to be told.
    """

    def __init__(
        self,
        suite: AbstractEventLoop,
        *,
        is_away: Callable[[Call], bool],
        under_way: Collection[Call],
        take: Take,
    ) -> None:
        self._suite = suite
        self._is_away = is_away
        self._under_way = under_way
        self._take = take
        self._posted: deque[tuple[Call, Outcome | None]] = deque()
        self._called = False

    def post(self, call: Call, outcome: Outcome | None) -> None:
        """Hand over what came of a call, None when nobody waits any more; from any thread."""
        self._posted.append((call, outcome))
        if self._called or self._is_away(call):
            return
        loop = call.loop
        if loop is None:
            self.tell()
        elif not loop.tells:
            if len(self._under_way) > 1 and loop.is_here():
                loop.once_a_turn(self.tell)
            else:
                self.tell()

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

    def tell(self) -> None:
        """Have what has come back taken soon; from any thread."""
        if not self._called:
            self._called = True
            tell(self._suite, self.deliver)


def tell(suite: AbstractEventLoop, function: Callable[..., object], *arguments: object) -> None:
    """Call on the suite's loop, in a context that is nobody's; not at all once it has closed."""
    try:
        suite.call_soon_threadsafe(function, *arguments, context=Context())
    except RuntimeError:
        return
