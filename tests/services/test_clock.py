"""Turning the clock: everything due on the way, in order, awaited."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.ambient import ManualClock, SuiteClock
from emulator.core.errors import InvalidParam
from emulator.services import clock as module
from emulator.services.clock import Clockwork, duration_ms
from emulator.services.timers import Timer, Timers

START_MS = 1_700_000_000_000


class Every:
    """A timer that fires at every multiple of a period."""

    notes = ()

    def __init__(self, period_ms):
        self.period_ms = period_ms

    def next_fire_ms(self, after_ms):
        return (after_ms // self.period_ms + 1) * self.period_ms

    def event(self, moment_ms):
        return {"at": moment_ms}


@pytest.fixture
async def turned(stage):
    """The stage's services with a clock of the suite, its timers and who turns it."""
    stage.clock = SuiteClock(ManualClock(START_MS))
    timers = Timers(stage.functions, clock=stage.clock, recorder=stage.recorder)
    timers.start()
    yield Clockwork(stage.clock, timers, recorder=stage.recorder, running=[timers.running]), timers
    await timers.close()


async def save_noting(stage, name, fired):
    async def main(event, invocation):
        await asyncio.sleep(0)
        fired.append((name, event["at"], stage.clock.now_ms()))

    await stage.save(name, main)


async def test_advance_calls_every_due_timer_in_order_at_its_moment(stage, turned):
    clockwork, timers = turned
    fired = []
    for name in ("b", "a"):
        await save_noting(stage, name, fired)
    timers.listen([Timer("b", "t", "", Every(60_000)), Timer("a", "t", "", Every(20_000))])
    count = await clockwork.advance(180_000)
    assert count == len(fired) == 12
    assert [(at, name) for name, at, _ in fired] == sorted((at, name) for name, at, _ in fired)
    assert all(at == shown for _, at, shown in fired)
    assert clockwork.now_ms() == START_MS + 180_000
    assert not clockwork.frozen


async def test_one_call_ends_before_the_next_begins(stage, turned):
    clockwork, timers = turned
    inside = most = 0

    async def main(event, invocation):
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0)
        inside -= 1

    for name in ("a", "b"):
        await stage.save(name, main)
    timers.listen([Timer(name, "t", "", Every(1_000)) for name in ("a", "b")])
    assert await clockwork.advance(10_000) == 20
    assert most == 1


async def test_others_are_served_while_calls_end_at_once(stage, turned, monkeypatch):
    clockwork, timers = turned
    monkeypatch.setattr(module, "BREATH_EVERY_S", -1.0)
    turns = []

    async def main(event, invocation):
        return None

    await stage.save("f", main)
    timers.listen([Timer("f", "t", "", Every(60_000))])

    async def other():
        while True:
            turns.append(stage.clock.now_ms())
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    await clockwork.advance(600_000)
    task.cancel()
    assert len(set(turns)) >= 9


async def test_time_that_nobody_wants_any_more_stops_where_it_has_come_to(
    stage, turned, monkeypatch
):
    clockwork, timers = turned
    monkeypatch.setattr(module, "BREATH_EVERY_S", -1.0)
    fired = []
    await save_noting(stage, "f", fired)
    timers.listen([Timer("f", "t", "", Every(60_000))])
    count = await clockwork.advance(86_400_000, is_wanted=lambda: len(fired) < 3)
    assert count == 3
    assert clockwork.now_ms() == fired[-1][1] == fired[-1][2]
    assert not clockwork.frozen
    assert await clockwork.advance(60_000) == 1, "and goes on from there"


async def test_sleepers_wake_at_their_moment_and_are_waited_for(stage, turned):
    clockwork, _ = turned
    seen = []

    async def sleeper(moment_ms):
        await stage.clock.sleep_until(moment_ms)
        await asyncio.sleep(0)
        seen.append((moment_ms, stage.clock.now_ms()))

    moments = [START_MS + each for each in (5_000, 1_000, 3_000, 60_000)]
    tasks = [asyncio.create_task(sleeper(each)) for each in moments]
    await asyncio.sleep(0)
    await clockwork.advance(10_000)
    assert seen == [(each, each) for each in sorted(moments)[:3]]
    tasks[3].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_one_who_sleeps_again_and_again_is_woken_each_time(stage, turned):
    clockwork, _ = turned
    woken = []

    async def sweeps():
        while True:
            await stage.clock.sleep_until(stage.clock.now_ms() + 60_000)
            woken.append(stage.clock.now_ms() - START_MS)

    task = asyncio.create_task(sweeps())
    await asyncio.sleep(0)
    await clockwork.advance(300_000)
    assert woken == [60_000, 120_000, 180_000, 240_000, 300_000]
    task.cancel()


async def test_what_does_not_end_is_said_and_time_goes_on(stage, turned, monkeypatch):
    clockwork, _ = turned
    monkeypatch.setattr(module, "SETTLE_MAX_S", 0.02)
    never = asyncio.Event()

    async def hangs():
        await stage.clock.sleep_until(START_MS + 1_000)
        await never.wait()

    task = asyncio.create_task(hangs())
    await asyncio.sleep(0)
    await clockwork.advance(5_000)
    assert clockwork.now_ms() == START_MS + 5_000
    assert any("still runs" in line for line in stage.lines())
    task.cancel()


async def test_set_jumps_and_skips_what_lies_between(stage, turned):
    clockwork, timers = turned
    fired = []
    await save_noting(stage, "f", fired)
    timers.listen([Timer("f", "t", "", Every(60_000))])
    await clockwork.set(START_MS + 86_400_000)
    assert fired == []
    assert timers.next_due_ms() > START_MS + 86_400_000


async def test_set_back_finds_the_next_firing_again(stage, turned):
    clockwork, timers = turned
    await save_noting(stage, "f", [])
    timers.listen([Timer("f", "t", "", Every(60_000))])
    await clockwork.set(START_MS - 86_400_000)
    assert START_MS - 86_400_000 < timers.next_due_ms() <= START_MS - 86_400_000 + 60_000


async def test_frozen_clock_stands_until_resumed(stage, turned):
    clockwork, _ = turned
    await clockwork.freeze()
    stage.clock.machine.advance(10)
    assert clockwork.now_ms() == START_MS
    await clockwork.advance(1_000)
    assert (clockwork.frozen, clockwork.now_ms()) == (True, START_MS + 1_000)
    await clockwork.resume()
    stage.clock.machine.advance(5)
    assert clockwork.now_ms() == START_MS + 6_000


async def test_clock_neither_advances_backwards_nor_past_the_last_year(turned):
    clockwork, _ = turned
    with pytest.raises(InvalidParam, match="forwards"):
        await clockwork.advance(-1)
    with pytest.raises(InvalidParam, match="no moment"):
        await clockwork.set(module.MOMENT_MAX_MS + 1)
    assert clockwork.now_ms() == START_MS


@pytest.mark.parametrize(
    ("duration", "milliseconds"),
    [
        ("30d", 2_592_000_000),
        ("1d2h", 93_600_000),
        ("1D 2H 30m", 95_400_000),
        ("500ms", 500),
        ("1.5s", 1_500),
        ("2w", 1_209_600_000),
        (90, 90_000),
        (0.25, 250),
        (0, 0),
    ],
)
def test_duration_is_read(duration, milliseconds):
    assert duration_ms(duration) == milliseconds


@pytest.mark.parametrize(
    "duration", ["", "d", "1", "1x", "-1d", "1d-2h", -1, None, True, {}, float("nan"), "999999w"]
)
def test_what_is_no_duration_is_refused(duration):
    with pytest.raises(InvalidParam, match="no duration"):
        duration_ms(duration)


@given(st.integers(0, 400), st.integers(0, 23), st.integers(0, 59))
def test_duration_is_the_sum_of_its_parts(days, hours, minutes):
    expected = ((days * 24 + hours) * 60 + minutes) * 60_000
    assert duration_ms(f"{days}d{hours}h{minutes}m") == expected
