"""Owns moments: when each timer fires next, and the call when it does.

Not here: what an expression means (`functions.triggers.timer`). The one idea: one task sleeps on
the suite's clock until the earliest next firing. A firing that is late beyond the grace, as after
a laptop slept, is skipped and said, never replayed in a burst.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from emulator.ambient import Clock
from emulator.core.errors import EmulatorError, FunctionNotFound
from emulator.functions.base import TimerTrigger
from emulator.services.caller import Caller
from emulator.services.functions import Functions, Invoked
from emulator.services.recorder import Recorder

MISFIRE_GRACE_MS: Final = 60_000
CALLS_MAX: Final = 100
SOURCE: Final = "wx_trigger"


@dataclass(slots=True)
class Timer:
    """A timer of a function and when it fires next."""

    function: str
    trigger: str
    expression: str
    compiled: TimerTrigger
    next_fire_ms: int | None = None


class Timers:
    """The timers of one environment."""

    def __init__(self, functions: Functions, *, clock: Clock, recorder: Recorder) -> None:
        self._functions = functions
        self._clock = clock
        self._recorder = recorder
        self._timers: list[Timer] = []
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._calls: set[asyncio.Task[None]] = set()

    def listen(self, timers: Iterable[Timer]) -> None:
        """Fire these timers from now on; one that was there before keeps its next firing."""
        kept = {
            (old.function, old.trigger, old.expression): old.next_fire_ms for old in self._timers
        }
        now_ms = self._clock.now_ms()
        self._timers = list(timers)
        for timer in self._timers:
            key = (timer.function, timer.trigger, timer.expression)
            timer.next_fire_ms = kept[key] if key in kept else timer.compiled.next_fire_ms(now_ms)
        self._changed.set()

    def states(self) -> Sequence[Timer]:
        """Return the timers, the earliest to fire first."""
        never = 2**63
        return sorted(
            self._timers, key=lambda each: (each.next_fire_ms or never, each.function, each.trigger)
        )

    def running(self) -> list[str]:
        """Return the calls under way."""
        return [f"{len(self._calls)} calls by timers"] if self._calls else []

    def start(self) -> None:
        """Begin to fire."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop firing; calls under way are not waited for."""
        tasks = [task for task in (self._task, *self._calls) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def fire(self, function: str, trigger: str) -> Invoked:
        """Fire a timer now, whatever its expression says.

        Raises:
            FunctionNotFound: no such function or timer.
        """
        for timer in self._timers:
            if timer.function == function and timer.trigger == trigger:
                return await self._invoke(timer, self._clock.now_ms())
        known = ", ".join(f"{each.function}/{each.trigger}" for each in self._timers) or "none"
        raise FunctionNotFound(f"no timer {function}/{trigger}", hint=f"timers: {known}")

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            due = [each.next_fire_ms for each in self._timers if each.next_fire_ms is not None]
            if not due:
                await self._changed.wait()
                continue
            await self._sleep_or_change(min(due))
            self._fire_due()

    async def _sleep_or_change(self, moment_ms: int) -> None:
        loop = asyncio.get_running_loop()
        waits = [
            loop.create_task(self._clock.sleep_until(moment_ms)),
            loop.create_task(self._changed.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _fire_due(self) -> None:
        now_ms = self._clock.now_ms()
        for timer in list(self.states()):
            moment_ms = timer.next_fire_ms
            if moment_ms is None or moment_ms > now_ms:
                return
            late = now_ms - moment_ms > MISFIRE_GRACE_MS
            timer.next_fire_ms = timer.compiled.next_fire_ms(now_ms if late else moment_ms)
            if late or len(self._calls) >= CALLS_MAX:
                why = "the clock was not running" if late else f"{CALLS_MAX} calls are under way"
                self._say(timer, "misfire", f"a firing was skipped: {why}", level="warn")
                continue
            task = asyncio.get_running_loop().create_task(self._call(timer, moment_ms))
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)

    async def _call(self, timer: Timer, moment_ms: int) -> None:
        try:
            await self._invoke(timer, moment_ms)
        except EmulatorError as fault:
            self._say(timer, "trigger_failed", fault.message, level="error")

    async def _invoke(self, timer: Timer, moment_ms: int) -> Invoked:
        caller = Caller(kind="administrator", source=SOURCE)
        event = timer.compiled.event(moment_ms)
        invoked = await self._functions.invoke(timer.function, event, caller)
        ok = invoked.outcome.failure is None
        self._say(
            timer,
            "trigger",
            f"timer {timer.trigger} called {timer.function}" + ("" if ok else ", which failed"),
            level="info" if ok else "error",
        )
        return invoked

    def _say(self, timer: Timer, event: str, message: str, *, level: str) -> None:
        self._recorder.notice(
            event, message, function=timer.function, trigger=timer.trigger, level=level
        )
