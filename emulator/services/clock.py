"""Owns turning the suite's clock: set, advance, freeze, resume, and what falls due on the way.

Not here: the clock itself (`ambient.SuiteClock`) and what is done at a moment. The one idea: time
that is advanced goes from due moment to due moment; at each one the clock stands at exactly that
moment, timers are called one after another and awaited, and so is what they set off, before it
goes on. Time that is set jumps, and what lies between is late.
"""

import asyncio
import math
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, Protocol

from emulator.ambient import SuiteClock, SystemClock
from emulator.core.errors import InvalidParam
from emulator.core.values import Value
from emulator.services.recorder import Recorder
from emulator.services.timers import Timers

MOMENT_MAX_MS: Final = 253_402_300_799_999
"""The end of the year 9999, the last a date of the database can show as text."""
SETTLE_MAX_S: Final = 75.0
"""What fell due at one moment is not waited for longer: the longest function there is."""
SETTLE_LOOK_S: Final = 0.001
BREATH_EVERY_S: Final = 0.002
"""Firings that end at once leave the loop to others after so long."""
TURNS_QUIET: Final = 2
"""A task that was woken needs a turn of the loop to begin, another to start others."""
DURATION_MAX_MS: Final = 366 * 100 * 86_400_000
_UNITS_MS: Final[Mapping[str, int]] = {
    "ms": 1,
    "s": 1_000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
}
_DURATION: Final = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+\Z")
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")


def duration_ms(duration: Value) -> int:
    """Return a duration such as `1d2h30m`, or a number of seconds, in milliseconds.

    Raises:
        InvalidParam: it is none, negative, or longer than a hundred years.
    """
    text = str(duration).replace(" ", "").lower()
    if isinstance(duration, int | float) and not isinstance(duration, bool):
        found = round(duration * 1000) if math.isfinite(duration) else -1
    elif _DURATION.match(text):
        found = round(sum(float(amount) * _UNITS_MS[unit] for amount, unit in _PART.findall(text)))
    else:
        found = -1
    if not 0 <= found <= DURATION_MAX_MS:
        raise InvalidParam(
            f"{duration!r:.60} is no duration", hint="such as 30d, 1d2h30m, 500ms, or seconds"
        )
    return found


def _always() -> bool:
    return True


Carry = Callable[[Coroutine[Any, Any, int]], Awaitable[int]]
"""How work is done that calls one function after the other."""


def _as_it_is(work: Coroutine[Any, Any, int]) -> Awaitable[int]:
    return work


class Due(Protocol):
    """Whoever does something at moments of its own and is told when they have come."""

    def next_due_ms(self) -> int | None:
        """Return the next moment, None when there is none."""
        ...

    async def run_due(self) -> int:
        """Do what is due by now, wait for it, and return how many timers were called."""
        ...


class Clockwork:
    """The clock of one suite, as people turn it; one turning at a time."""

    def __init__(
        self,
        clock: SuiteClock,
        timers: Timers,
        *,
        recorder: Recorder,
        others: Sequence[Due] = (),
        running: Sequence[Callable[[], Sequence[str]]] = (),
        carry: Carry = _as_it_is,
    ) -> None:
        self._carry = carry
        self._clock = clock
        self._timers = timers
        self._recorder = recorder
        self._sources: Sequence[Due] = (*others, timers)
        self._running = running
        self._turning = asyncio.Lock()
        self._stopwatch = SystemClock()

    def now_ms(self) -> int:
        """Return the moment shown."""
        return self._clock.now_ms()

    @property
    def frozen(self) -> bool:
        """Tell whether the clock stands still when nobody turns it."""
        return self._clock.frozen

    @property
    def offset_ms(self) -> int:
        """Return how far the clock is ahead of the machine's."""
        return self._clock.offset_ms

    async def set(self, moment_ms: int) -> None:
        """Show this moment at once, before or after now; timers in between count as late.

        Raises:
            InvalidParam: no date has such a moment.
        """
        _require_moment(moment_ms)
        async with self._turning:
            back = moment_ms < self._clock.now_ms()
            self._clock.turn_to(moment_ms)
            if back:
                self._timers.restart()
            else:
                self._timers.fire_due()
            for source in self._sources[:-1]:
                await source.run_due()
            await self._settle()

    async def advance(self, milliseconds: int, *, is_wanted: Callable[[], bool] = _always) -> int:
        """Go on by so much, calling everything due on the way in order; returns how many timers.

        Once it is not wanted any more the clock stays where it has come to.

        Raises:
            InvalidParam: time cannot be advanced backwards or past the year 9999.
        """
        if milliseconds < 0:
            raise InvalidParam("a clock advances forwards", hint="set it to go back")
        async with self._turning:
            target_ms = self._clock.now_ms() + milliseconds
            _require_moment(target_ms)
            was_frozen = self._clock.frozen
            self._clock.freeze()
            self._timers.hold(held=True)
            try:
                await self._settle()
                fired = await self._carry(self._run_until(target_ms, is_wanted))
                if is_wanted():
                    self._clock.turn_to(target_ms)
                    await self._settle()
            finally:
                self._timers.hold(held=False)
                if not was_frozen:
                    self._clock.resume()
        return fired

    async def freeze(self) -> None:
        """Stand still from now on."""
        async with self._turning:
            self._clock.freeze()

    async def resume(self) -> None:
        """Run on from the moment shown."""
        async with self._turning:
            self._clock.resume()

    async def _run_until(self, target_ms: int, is_wanted: Callable[[], bool]) -> int:
        fired = 0
        breath_s = self._stopwatch.elapsed_s()
        while True:
            sleeper_ms = self._clock.next_moment_ms()
            due = [each.next_due_ms() for each in self._sources]
            moments = [each for each in (*due, sleeper_ms) if each is not None]
            if not moments or min(moments) > target_ms:
                return fired
            moment_ms = max(min(moments), self._clock.now_ms())
            self._clock.turn_to(moment_ms)
            if sleeper_ms is not None and sleeper_ms <= moment_ms:
                await self._settle()
            for source, due_ms in zip(self._sources, due, strict=True):
                if due_ms is not None and due_ms <= moment_ms:
                    fired += await source.run_due()
            await self._settle(woken=False)
            if self._stopwatch.elapsed_s() > breath_s + BREATH_EVERY_S:
                await asyncio.sleep(0)
                if not is_wanted():
                    return fired
                breath_s = self._stopwatch.elapsed_s()

    async def _settle(self, *, woken: bool = True) -> None:
        """Wait until what this moment set off has ended, within reason."""
        if not woken and not self._busy():
            return
        deadline_s = self._stopwatch.elapsed_s() + SETTLE_MAX_S
        quiet = 0
        while quiet < TURNS_QUIET:
            await asyncio.sleep(SETTLE_LOOK_S if quiet == 0 and self._busy() else 0)
            quiet = 0 if self._busy() else quiet + 1
            if self._stopwatch.elapsed_s() > deadline_s:
                left = ", ".join(each for running in self._running for each in running())
                self._recorder.notice(
                    "clock_goes_on",
                    f"the clock goes on while something still runs: {left or 'a task'}",
                    level="warn",
                )
                return

    def _busy(self) -> bool:
        return self._clock.awake() or any(running() for running in self._running)


def _require_moment(moment_ms: int) -> None:
    if not 0 <= moment_ms <= MOMENT_MAX_MS:
        raise InvalidParam(
            f"{moment_ms} ms is no moment of the clock", hint="from 1970 to the year 9999"
        )
