"""Owns for how long the loop goes on looking for what a process says before it falls asleep.

Not here: what is said (`process_channel`). The one idea: to fall asleep and be woken takes longer
than a quick call, so after a call has gone to a process, and after its answer, when the next call
may follow at once, the loop turns for a moment without sleeping.
"""

from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Final

LOOKS_MAX: Final = 100
"""Turns of the loop; without anything to do they take a third of a millisecond."""


class Awake:
    """Keeps a loop awake; `looks` turns at most after something was said, none where it is 0.

    `may` tells whether nobody waits for the interpreter's lock: a thread that does would get it
    milliseconds later from a loop that never sleeps.
    """

    def __init__(self, looks: int = 0, *, may: Callable[[], bool] = lambda: True) -> None:
        self._looks = looks
        self._may = may
        self._left = 0

    def stay(self, loop: AbstractEventLoop) -> None:
        """Look on from now, as something was said or asked that is soon replied to."""
        if self._looks and self._may():
            if not self._left:
                loop.call_soon(self._look, loop)
            self._left = self._looks

    def _look(self, loop: AbstractEventLoop) -> None:
        self._left = self._left - 1 if self._may() else 0
        if self._left:
            loop.call_soon(self._look, loop)
