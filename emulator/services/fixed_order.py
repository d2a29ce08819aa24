"""Owns the order of a run that has to give the same bytes each time.

Not here: what is called (`services.dispatcher`). The one idea: nothing that draws ids or writes may
fall between others at random. Whoever comes from outside waits until what the one before set off
has ended, and triggered calls begin one after another once the call that set them off has ended.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextvars import Context
from typing import Any, Final

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


class OneByOne:
    """Triggered calls in the order in which they were set off, each once no call is under way."""

    def __init__(self, under_way: Callable[[], bool]) -> None:
        self._under_way = under_way
        self._waiting: deque[Callable[[], Coroutine[Any, Any, None]]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._stopwatch = SystemClock()

    def add(self, call: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Make a call when its turn comes, in a context that is nobody's."""
        self._waiting.append(call)
        if self._task is None or self._task.done():
            loop = asyncio.get_running_loop()
            self._task = loop.create_task(self._run(), context=Context())

    async def close(self) -> None:
        """Forget what waits and give up what runs."""
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while self._waiting:
            await self._quiet()
            await self._waiting.popleft()()

    async def _quiet(self) -> None:
        """Wait for calls under way, which may wait for this one and so not for ever."""
        deadline_s = self._stopwatch.elapsed_s() + WAIT_MAX_S
        while True:
            if not self._under_way() or self._stopwatch.elapsed_s() >= deadline_s:
                return
            await asyncio.sleep(LOOK_S)
