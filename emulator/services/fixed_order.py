"""Owns that whoever comes from outside waits until what the one before set off has ended.

Not here: what that is (`services.dispatcher` says what it runs). The one idea: in a run that has to
give the same bytes each time, triggered calls must not fall between the next requests at random.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from emulator.ambient import SystemClock
from emulator.services.caller import Caller

WAIT_MAX_S: Final = 10.0
LOOK_S: Final = 0.001


class FixedOrder:
    """One after another: requests from outside, and in between what they triggered."""

    def __init__(
        self, running: Callable[[], Sequence[str]], *, is_inside: Callable[[str], bool]
    ) -> None:
        self._running = running
        self._is_inside = is_inside
        self._stopwatch = SystemClock()

    async def enter(self, caller: Caller) -> None:
        """Wait for triggered calls, unless it is one of them or code of a function that asks.

        A wait that might never end, as when such code comes in as a stranger, ends after a while.
        """
        if caller.depth or self._is_inside(caller.request_id):
            return
        deadline_s = self._stopwatch.elapsed_s() + WAIT_MAX_S
        while True:
            if not self._running() or self._stopwatch.elapsed_s() >= deadline_s:
                return
            await asyncio.sleep(LOOK_S)
