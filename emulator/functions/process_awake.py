"""Owns for how long the loop goes on looking for what a process says before it falls asleep.

Not here: what is said (`process_channel`). The one idea: to fall asleep and be woken takes longer
than a quick call, so after a call has gone to a process, and after its answer, when the next call
may follow at once, the loop turns for a moment without sleeping. Where the last call was not quick,
for its code is not or others keep the processors busy, it sleeps as ever.
"""

from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Final

LOOKS_MAX: Final = 100
"""Turns of the loop; without anything to do they take a third of a millisecond."""
QUICK_MS: Final = 0.3
"""How soon an answer comes that is worth to be looked for; about as long as the looks take."""


class Awake:
    """Keeps a loop awake; `looks` turns at most after something was said, none where it is 0.

    `may` tells whether nobody waits for the interpreter's lock: a thread that does would get it
    milliseconds later from a loop that never sleeps.
    """

    def __init__(self, looks: int = 0, *, may: Callable[[], bool] = lambda: True) -> None:
        self._looks = looks
        self._may = may
        self._left = 0
        self._is_quick = True

    def asked(self, loop: AbstractEventLoop) -> None:
        """Look for the answer to a call."""
        if self._looks and self._is_quick and self._may():
            if not self._left:
                loop.call_soon(self._look, loop)
            self._left = self._looks

    def answered(self, loop: AbstractEventLoop, took_ms: float) -> None:
        """Look for the next call."""
        self._is_quick = took_ms <= QUICK_MS
        self.asked(loop)

    def _look(self, loop: AbstractEventLoop) -> None:
        self._left = self._left - 1 if self._may() else 0
        if self._left:
            loop.call_soon(self._look, loop)
