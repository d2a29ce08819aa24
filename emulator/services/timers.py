"""Owns moments: when each timer fires next, and the call when it does.

Not here: what an expression means (`functions.triggers.timer`). The one idea: one task sleeps on
the suite's clock until the earliest next firing; while somebody advances the clock, that one calls
what is due instead, in order, and waits for it. A firing that is late beyond the grace, as after a
laptop slept, is a misfire: skipped, or called once, or called for each moment, as configured.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final, Literal

from emulator.ambient import Clock
from emulator.core.errors import EmulatorError, FunctionNotFound
from emulator.core.records import dataclass
from emulator.functions.base import MANNER_ALONE, MANNER_USUAL, Manner, TimerTrigger
from emulator.services.caller import Caller
from emulator.services.functions import Functions, Invoked
from emulator.services.recorder import Recorder

Misfire = Literal["skip", "once", "all"]

MISFIRE_GRACE_MS: Final = 60_000
MISFIRES_MAX: Final = 1_000
"""Of a timer that missed more moments than this, the rest is skipped."""
CALLS_MAX: Final = 100
CALLER: Final = Caller(kind="administrator", source="wx_trigger")


@dataclass(slots=True)
class Timer:
    """A timer of a function and when it fires next."""

    function: str
    trigger: str
    expression: str
    compiled: TimerTrigger
    next_fire_ms: int | None = None
    paused: bool = False

    @property
    def due_ms(self) -> int | None:
        """Return when it fires next, None for one that is paused or has no moment left."""
        return None if self.paused else self.next_fire_ms


class Timers:
    """The timers of one environment."""

    def __init__(
        self,
        functions: Functions,
        *,
        clock: Clock,
        recorder: Recorder,
        misfire: Misfire = "skip",
    ) -> None:
        self._functions = functions
        self._clock = clock
        self._recorder = recorder
        self._misfire = misfire
        self._trace = recorder.trace
        self._held = False
        self._timers: list[Timer] = []
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._calls: set[asyncio.Task[None]] = set()

    def listen(self, timers: Iterable[Timer]) -> None:
        """Fire these timers from now on; one that was there before keeps its next firing."""
        kept = {
            (old.function, old.trigger, old.expression): old.next_fire_ms for old in self._timers
        }
        paused = {(old.function, old.trigger) for old in self._timers if old.paused}
        now_ms = self._clock.now_ms()
        self._timers = list(timers)
        for timer in self._timers:
            key = (timer.function, timer.trigger, timer.expression)
            timer.next_fire_ms = kept[key] if key in kept else timer.compiled.next_fire_ms(now_ms)
            timer.paused = (timer.function, timer.trigger) in paused
        self._changed.set()

    def fire_due(self) -> None:
        """Begin the calls of what is due by now, misfires by their policy."""
        now_ms = self._clock.now_ms()
        for timer in self.states():
            if timer.due_ms is None or timer.due_ms > now_ms:
                return
            for moment_ms in self._moments(timer, now_ms):
                self._start_call(timer, moment_ms)

    def restart(self) -> None:
        """Look for every next firing again, for the clock was set back."""
        now_ms = self._clock.now_ms()
        for timer in self._timers:
            timer.next_fire_ms = timer.compiled.next_fire_ms(now_ms)
        self._changed.set()

    def pause(self, function: str, trigger: str, *, paused: bool) -> bool:
        """Stop or resume a timer; False when there is none. What it misses is not made up for."""
        found = [
            each for each in self._timers if (each.function, each.trigger) == (function, trigger)
        ]
        for timer in found:
            if timer.paused and not paused:
                timer.next_fire_ms = timer.compiled.next_fire_ms(self._clock.now_ms())
            timer.paused = paused
        self._changed.set()
        return bool(found)

    def hold(self, *, held: bool) -> None:
        """Leave firing to whoever advances the clock, or take it back."""
        self._held = held
        self._changed.set()

    def next_due_ms(self) -> int | None:
        """Return when the next timer fires, None when none will."""
        due = [moment for each in self._timers if (moment := each.due_ms) is not None]
        return min(due, default=None)

    async def run_due(self) -> int:
        """Call what is due in order of moment and name, waiting for each; returns how many."""
        now_ms = self._clock.now_ms()
        due = [
            (moment, each.function, each.trigger, each)
            for each in self._timers
            if (moment := each.due_ms) is not None and moment <= now_ms
        ]
        for moment_ms, _, _, timer in sorted(due):
            timer.next_fire_ms = timer.compiled.next_fire_ms(moment_ms)
            await self._call(timer, moment_ms, MANNER_ALONE)
        return len(due)

    def states(self) -> Sequence[Timer]:
        """Return the timers, the earliest to fire first."""
        never = 2**63
        return sorted(
            self._timers, key=lambda each: (each.due_ms or never, each.function, each.trigger)
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
            due_ms = None if self._held else self.next_due_ms()
            if due_ms is None:
                await self._changed.wait()
                continue
            await self._sleep_or_change(due_ms)
            if not self._held:
                self.fire_due()

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

    def _moments(self, timer: Timer, now_ms: int) -> list[int]:
        """Return the moments to call a due timer for, and find its next one."""
        moment_ms = timer.next_fire_ms
        assert moment_ms is not None, "only a timer that is due has moments"
        if now_ms - moment_ms <= MISFIRE_GRACE_MS:
            timer.next_fire_ms = timer.compiled.next_fire_ms(moment_ms)
            return [moment_ms]
        timer.next_fire_ms = timer.compiled.next_fire_ms(now_ms)
        if self._misfire == "once":
            return [moment_ms]
        if self._misfire == "skip":
            why = "a firing was skipped: the clock was not running"
            self._say(timer, "misfire", why, level="warn")
            return []
        missed: list[int] = []
        at: int | None = moment_ms
        while at is not None and at <= now_ms and len(missed) < MISFIRES_MAX:
            missed.append(at)
            at = timer.compiled.next_fire_ms(at)
        return missed

    def _start_call(self, timer: Timer, moment_ms: int) -> None:
        if len(self._calls) >= CALLS_MAX and self._misfire != "all":
            why = f"a firing was skipped: {CALLS_MAX} calls are under way"
            self._say(timer, "misfire", why, level="warn")
            return
        task = asyncio.get_running_loop().create_task(self._call(timer, moment_ms))
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def _call(self, timer: Timer, moment_ms: int, manner: Manner = MANNER_USUAL) -> None:
        try:
            await self._invoke(timer, moment_ms, manner)
        except EmulatorError as fault:
            self._say(timer, "trigger_failed", fault.message, level="error")

    async def _invoke(self, timer: Timer, moment_ms: int, manner: Manner = MANNER_USUAL) -> Invoked:
        event = timer.compiled.event(moment_ms)
        span = self._trace.begin(f"timer {timer.trigger}", "trigger")
        with self._trace.within(span):
            invoked = await self._functions.invoke(timer.function, event, CALLER, manner=manner)
            failure = invoked.outcome.failure
            if failure is not None:
                span.error = f"{failure.kind}: {failure.message}"
        ok = failure is None
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
