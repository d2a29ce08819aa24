"""Owns telling functions of payments until they have taken note.

Not here: what is told (`services.openapi.payment`). The one idea: a function that does not answer
`{errcode: 0}` is told again, after the times that WeChat Pay waits, by the suite's clock; whoever
turns the clock sees all of it at once. Facts: WeChat's pages on the payment notification (15 s,
15 s, 30 s, 3 min, 10 min, 20 min, 3 × 30 min, 60 min, 3 × 3 h, 2 × 6 h).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from emulator.ambient import Clock
from emulator.core.values import Value

AGAIN_AFTER_S: Final = (
    *(15, 15, 30, 180, 600, 1_200, 1_800, 1_800, 1_800, 3_600),
    *(10_800, 10_800, 10_800, 21_600, 21_600),
)
WAITING_MAX: Final = 1_000
"""Functions that may be told again at a time; one more is told once."""

Notify = Callable[[str, dict[str, Value]], Awaitable[bool]]
"""Call a function with the event of a payment, and return whether it took note."""


class Notices:
    """What one suite tells functions."""

    def __init__(self, notify: Notify, clock: Clock) -> None:
        self._notify = notify
        self._clock = clock
        self._again: set[asyncio.Task[None]] = set()

    async def tell(self, function: str, event: dict[str, Value]) -> None:
        """Tell a function now, and later again as long as it does not take note."""
        if await self._notify(function, event) or len(self._again) >= WAITING_MAX:
            return
        task = asyncio.get_running_loop().create_task(self._repeat(function, event))
        self._again.add(task)
        task.add_done_callback(self._again.discard)

    def clear(self) -> None:
        """Tell nobody again."""
        for task in self._again:
            task.cancel()

    async def close(self) -> None:
        """Tell nobody again, and wait until nobody is being told."""
        self.clear()
        await asyncio.gather(*self._again, return_exceptions=True)

    async def _repeat(self, function: str, event: dict[str, Value]) -> None:
        for seconds in AGAIN_AFTER_S:
            await self._clock.sleep_until(self._clock.now_ms() + seconds * 1000)
            if await self._notify(function, event):
                return
