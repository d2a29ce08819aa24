"""Owns the answer to "is anything still queued or running?".

Not here: the work itself. The one idea: whoever queues or runs work offers a function that lists
it in short sentences; idle is when every list is empty twice, with a turn of the loop between.
"""

import asyncio
from collections.abc import Callable, Sequence

from emulator.ambient import SystemClock

POLL_S = 0.005


class Activity:
    """What is queued or running anywhere in the suite."""

    def __init__(self) -> None:
        self._sources: list[Callable[[], Sequence[str]]] = []
        self._stopwatch = SystemClock()

    def add_source(self, running: Callable[[], Sequence[str]]) -> None:
        """Ask `running` whenever someone wants to know."""
        self._sources.append(running)

    def running(self) -> list[str]:
        """Return what is queued or running now."""
        return [sentence for source in self._sources for sentence in source()]

    async def idle(self, timeout_s: float) -> list[str]:
        """Wait until nothing is queued or running; returns what still is at the time-out.

        The wait is in real time, whatever the suite's clock shows.
        """
        deadline_s = self._stopwatch.elapsed_s() + timeout_s
        quiet = 0
        while True:
            running = self.running()
            quiet = 0 if running else quiet + 1
            if quiet >= 2 or self._stopwatch.elapsed_s() >= deadline_s:
                return running
            await asyncio.sleep(POLL_S if running else 0)
