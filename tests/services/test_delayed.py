import asyncio
from typing import Any

import pytest

from emulator.ambient import ManualClock
from emulator.core.errors import FunctionNotFound, InvalidParam
from emulator.services import delayed
from emulator.services.caller import ADMINISTRATOR
from emulator.services.delayed import DELAY_MAX_S, DELAY_MIN_S, Delayed
from emulator.services.recorder import Recorder


class Functions:
    """Notes calls; a call goes on until the test lets it end."""

    def __init__(self) -> None:
        self.called: list[tuple[str, Any]] = []
        self.ends = asyncio.Event()
        self.ends.set()

    async def invoke(self, name: str, event: Any, caller: Any, *, request_id: str = "") -> Any:
        if name == "nobody":
            raise FunctionNotFound("no function nobody")
        self.called.append((name, event))
        await self.ends.wait()


class Desk:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.functions = Functions()
        self.recorder = Recorder(self.clock)
        self.delayed = Delayed(self.functions, clock=self.clock, recorder=self.recorder)

    async def pass_s(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.clock.advance(seconds)
        for _ in range(5):
            await asyncio.sleep(0)


async def test_a_function_is_called_after_its_delay_and_not_before():
    desk = Desk()
    desk.delayed.order("f", {"a": 1}, 10, ADMINISTRATOR)
    await desk.pass_s(9.999)
    assert desk.functions.called == []
    assert desk.delayed.running() == []
    desk.functions.ends.clear()
    await desk.pass_s(0.001)
    assert desk.functions.called == [("f", {"a": 1})]
    assert desk.delayed.running() == ["1 delayed calls"]
    desk.functions.ends.set()
    await desk.pass_s(0)
    assert desk.delayed.running() == []


async def test_a_function_that_is_gone_by_then_is_told_in_its_log():
    desk = Desk()
    desk.delayed.order("nobody", {}, 10, ADMINISTRATOR)
    await desk.pass_s(10)
    (line,) = desk.recorder.logs(function="nobody")
    assert "no function nobody" in line.line


@pytest.mark.parametrize("delay_s", [DELAY_MIN_S - 1, DELAY_MAX_S + 1, -1])
async def test_a_delay_out_of_its_range_is_refused(delay_s: int):
    with pytest.raises(InvalidParam, match="delay_time"):
        Desk().delayed.order("f", {}, delay_s, ADMINISTRATOR)


async def test_orders_have_a_bound_and_end_with_the_suite(monkeypatch):
    monkeypatch.setattr(delayed, "ORDERS_MAX", 2)
    desk = Desk()
    for _ in range(2):
        desk.delayed.order("f", {}, 10, ADMINISTRATOR)
    with pytest.raises(InvalidParam, match="wait already"):
        desk.delayed.order("f", {}, 10, ADMINISTRATOR)
    await desk.delayed.close()
    await desk.pass_s(10)
    assert desk.functions.called == []
