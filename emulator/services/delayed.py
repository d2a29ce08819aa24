"""Owns calls of functions that were ordered for later.

Not here: timers (`services.timers`). The one idea: an order is a task that sleeps by the suite's
clock; orders live in memory and end with the suite, as nothing of this kind is promised longer.
"""

import asyncio
from typing import Final, Protocol

from emulator.ambient import Clock
from emulator.core.errors import EmulatorError, InvalidParam
from emulator.core.limits import WECHAT, Limits
from emulator.core.values import Value
from emulator.services.caller import Caller
from emulator.services.functions import Invoked
from emulator.services.payloads import require_asynchronous_event, size_of
from emulator.services.recorder import Recorder

ORDERS_MAX: Final = 10_000
DELAY_MIN_S: Final = 6
DELAY_MAX_S: Final = 30 * 86_400
"""WeChat's page on addDelayedFunctionTask: 6 seconds to 30 days."""


class Calls(Protocol):
    """Whatever calls functions."""

    async def invoke(
        self, name: str, event: Value, caller: Caller, *, request_id: str = ""
    ) -> Invoked:
        """Return what came of the call."""
        ...


class Delayed:
    """The orders of one suite."""

    def __init__(
        self, functions: Calls, *, clock: Clock, recorder: Recorder, limits: Limits = WECHAT
    ) -> None:
        self._limits = limits
        self._functions = functions
        self._clock = clock
        self._recorder = recorder
        self._orders: set[asyncio.Task[None]] = set()
        self._calling = 0

    def running(self) -> list[str]:
        """Return the calls under way; orders that wait are not."""
        return [f"{self._calling} delayed calls"] if self._calling else []

    def order(self, name: str, event: Value, delay_s: int, caller: Caller) -> None:
        """Call a function after so many seconds.

        Raises:
            InvalidParam: the delay is out of its range, or too many orders wait.
            RequestTooLarge: the event is.
        """
        if not DELAY_MIN_S <= delay_s <= DELAY_MAX_S:
            raise InvalidParam(f"delay_time is {DELAY_MIN_S} to {DELAY_MAX_S} s, not {delay_s}")
        if len(self._orders) >= ORDERS_MAX:
            raise InvalidParam(f"{ORDERS_MAX} delayed calls wait already")
        require_asynchronous_event(name, size_of(event), self._limits)
        moment_ms = self._clock.now_ms() + delay_s * 1000
        task = asyncio.get_running_loop().create_task(self._call(name, event, moment_ms, caller))
        self._orders.add(task)
        task.add_done_callback(self._orders.discard)

    async def close(self) -> None:
        """Forget every order; calls under way are not waited for."""
        orders = list(self._orders)
        for task in orders:
            task.cancel()
        await asyncio.gather(*orders, return_exceptions=True)

    async def _call(self, name: str, event: Value, moment_ms: int, caller: Caller) -> None:
        await self._clock.sleep_until(moment_ms)
        self._calling += 1
        try:
            await self._functions.invoke(name, event, caller)
        except EmulatorError as fault:
            self._recorder.log("error", f"a delayed call: {fault.message}", function=name)
        finally:
            self._calling -= 1
