"""Owns the suite's thread standing still for a call that will be back at once.

Not here: who may wait (`services.timers`, while somebody turns the clock). The one idea: a turn of
the event loop costs more than an empty function does; when nothing else is to be done anyway, the
thread waits on a lock for a moment, and for what takes longer on the loop as ever.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from emulator.ambient import Clock

WAIT_MAX_S: Final = 0.001
"""The loop, and code that asks it for something, is kept from its work no longer than this."""
USUAL_AFTER_MISS: Final = 32
"""A function that took longer is not waited for in so many calls that follow."""


class ShortWait:
    """One thread that may wait, and others that tell it something has come back."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told = threading.Lock()
        self._told.acquire()
        self.waiting = False
        """Whether the thread waits, or is about to."""

    def begin(self) -> None:
        """Be told from now on; before the work is handed over."""
        self._told.acquire(blocking=False)
        self.waiting = True

    def end(self) -> None:
        """Be told no more; what was told is to be looked at once more after this."""
        self.waiting = False

    def tell(self) -> bool:
        """Tell the thread that waits, from any thread; False when none does."""
        if not self.waiting:
            return False
        # Told twice before it looked: once is enough.
        with suppress(RuntimeError):
            self._told.release()
        return True

    def until(self, done: Callable[[], bool]) -> bool:
        """Wait until `done` says so, asked whenever something is told; False when it took long."""
        deadline_s = self._clock.elapsed_s() + WAIT_MAX_S
        left_s = WAIT_MAX_S
        while self._told.acquire(timeout=left_s):
            if done():
                break
            left_s = max(deadline_s - self._clock.elapsed_s(), 0)
        # What others told since is not lost: it is looked at once more.
        self.end()
        return done()
