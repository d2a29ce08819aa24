"""The order of a run that gives the same bytes: outsiders wait, triggered calls go one by one."""

import asyncio

import pytest

from emulator.services import fixed_order as module
from emulator.services.caller import Caller
from emulator.services.fixed_order import FixedOrder, OneByOne

OUTSIDE = Caller(kind="administrator", source="wx_http")


@pytest.mark.parametrize(
    ("caller", "waits"),
    [
        (OUTSIDE, True),
        (Caller(kind="administrator", source="wx_trigger", depth=1), False),
        (Caller(kind="administrator", source="scf", request_id="inside"), False),
        (Caller(kind="administrator", source="scf", request_id="elsewhere"), True),
    ],
)
async def test_only_who_comes_from_outside_waits(caller, waits):
    running = ["a triggered call"]
    order = FixedOrder(lambda: running, is_inside={"inside"}.__contains__)
    entering = asyncio.create_task(order.enter(caller))
    await asyncio.sleep(0)
    assert entering.done() is not waits
    running.clear()
    await entering


async def test_a_wait_that_never_ends_ends(monkeypatch):
    monkeypatch.setattr(module, "WAIT_MAX_S", 0.01)
    await FixedOrder(lambda: ["for ever"], is_inside=bool).enter(OUTSIDE)
    ended = asyncio.Event()

    async def call():
        ended.set()

    one_by_one = OneByOne(lambda: True)
    one_by_one.add(call)
    await ended.wait()


async def test_calls_are_made_one_by_one_in_order_once_nothing_is_under_way():
    under_way, begun, ended = True, [], []

    def make(number, pauses):
        async def call():
            begun.append(number)
            assert len(begun) == len(ended) + 1
            for _ in range(pauses):
                await asyncio.sleep(0)
            ended.append(number)
            if number == 1:
                one_by_one.add(make(9, 0))

        return call

    one_by_one = OneByOne(lambda: under_way)
    for number in range(3):
        one_by_one.add(make(number, 5 - number))
    for _ in range(10):
        await asyncio.sleep(0)
    assert begun == []
    under_way = False
    while len(ended) < 4:
        await asyncio.sleep(0)
    assert ended == [0, 1, 2, 9]
    one_by_one.add(make(4, 0))
    while len(ended) < 5:
        await asyncio.sleep(0)


async def test_closing_forgets_what_waits_and_gives_up_what_runs():
    begun, given_up = asyncio.Event(), []

    async def hangs():
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            given_up.append(1)

    one_by_one = OneByOne(lambda: False)
    await one_by_one.close()
    one_by_one.add(hangs)
    one_by_one.add(hangs)
    await begun.wait()
    await one_by_one.close()
    assert given_up == [1]
