"""Timers: one task, the earliest moment first."""

import asyncio

import pytest

from emulator.core.errors import FunctionNotFound
from emulator.services.timers import MISFIRE_GRACE_MS, Timer, Timers


class Every:
    """A timer that fires at every multiple of a period."""

    notes = ()

    def __init__(self, period_ms):
        self.period_ms = period_ms

    def next_fire_ms(self, after_ms):
        return (after_ms // self.period_ms + 1) * self.period_ms

    def event(self, moment_ms):
        return {"Type": "Timer", "at": moment_ms}


@pytest.fixture
async def timers(stage):
    made = Timers(stage.functions, clock=stage.clock, recorder=stage.recorder)
    made.start()
    yield made
    await made.close()


async def settle(timers):
    for _ in range(20):
        await asyncio.sleep(0)
    while timers.running():
        await asyncio.sleep(0)


async def test_due_timers_fire_in_order_of_their_moment(stage, timers):
    fired = []

    async def main(event, invocation):
        fired.append((invocation.context["function_name"], event["at"] % 100_000))

    for name in ("slow", "fast"):
        await stage.save(name, main)
    timers.listen(
        [
            Timer("slow", "t", "each 20 s", Every(20_000)),
            Timer("fast", "t", "each 10 s", Every(10_000)),
        ]
    )
    await settle(timers)
    stage.clock.advance(10)
    await settle(timers)
    stage.clock.advance(10)
    await settle(timers)
    assert fired == [("fast", 10_000), ("fast", 20_000), ("slow", 20_000)]


@pytest.mark.parametrize("fails", [True, False])
async def test_the_span_of_a_firing_tells_whether_its_call_failed(stage, timers, fails):
    async def main(event, invocation):
        if fails:
            raise ValueError("no more")

    await stage.save("f", main)
    timers.listen([Timer("f", "t", "each 10 s", Every(10_000))])
    await timers.fire("f", "t")
    (firing,) = [each for each in stage.recorder.trace.spans() if each.kind == "trigger"]
    assert firing.error == ("exception: no more" if fails else "")


async def test_firing_is_late_after_a_long_sleep_and_skipped(stage, timers):
    fired = []

    async def main(event, invocation):
        fired.append(event["at"])

    await stage.save("f", main)
    timers.listen([Timer("f", "t", "each 10 s", Every(10_000))])
    await settle(timers)
    stage.clock.advance(MISFIRE_GRACE_MS / 1000 + 3600)
    await settle(timers)
    assert fired == []
    assert any("skipped" in line for line in stage.lines())
    stage.clock.advance(10)
    await settle(timers)
    assert len(fired) == 1


async def test_reload_keeps_the_next_firing_of_a_timer_that_stays(stage, timers):
    timer = Timer("f", "t", "each 10 s", Every(10_000))
    timers.listen([timer])
    before = timers.states()[0].next_fire_ms
    stage.clock.advance(4)
    timers.listen([Timer("f", "t", "each 10 s", Every(10_000))])
    assert timers.states()[0].next_fire_ms == before


async def test_fire_now_calls_at_once_and_knows_its_timers(stage, timers):
    async def main(event, invocation):
        return event["Type"]

    await stage.save("f", main)
    timers.listen([Timer("f", "t", "each 10 s", Every(10_000))])
    assert (await timers.fire("f", "t")).outcome.result == b'"Timer"'
    with pytest.raises(FunctionNotFound) as refused:
        await timers.fire("f", "nope")
    assert "f/t" in refused.value.hint


async def test_timer_of_a_function_that_is_gone_is_said_and_the_others_go_on(stage, timers):
    fired = []

    async def main(event, invocation):
        fired.append(event["at"])

    await stage.save("here", main)
    timers.listen(
        [
            Timer("gone", "t", "each 10 s", Every(10_000)),
            Timer("here", "t", "each 10 s", Every(10_000)),
        ]
    )
    await settle(timers)
    stage.clock.advance(10)
    await settle(timers)
    stage.clock.advance(10)
    await settle(timers)
    assert len(fired) == 2
    assert any("gone" in line for line in stage.lines())


@pytest.mark.parametrize(
    ("misfire", "fired"),
    [
        ("skip", []),
        ("once", [1_700_000_010_000]),
        ("all", [1_700_000_000_000 + each * 10_000 for each in range(1, 61)]),
    ],
)
async def test_what_was_missed_is_left_out_or_called_once_or_each(stage, misfire, fired):
    timers = Timers(stage.functions, clock=stage.clock, recorder=stage.recorder, misfire=misfire)
    seen = []

    async def main(event, invocation):
        seen.append(event["at"])

    await stage.save("f", main)
    timers.listen([Timer("f", "t", "each 10 s", Every(10_000))])
    stage.clock.advance(600)
    timers.fire_due()
    await settle(timers)
    assert sorted(seen) == fired
    assert timers.next_due_ms() == 1_700_000_610_000
    await timers.close()


async def test_paused_timer_does_not_fire_and_makes_up_for_nothing(stage, timers):
    seen = []

    async def main(event, invocation):
        seen.append(event["at"])

    await stage.save("f", main)
    timers.listen([Timer("f", "t", "each 10 s", Every(10_000))])
    assert timers.pause("f", "t", paused=True)
    assert timers.next_due_ms() is None
    stage.clock.advance(25)
    await settle(timers)
    timers.listen([Timer("f", "t", "each 10 s", Every(10_000))])
    assert timers.states()[0].paused, "a saved file does not resume it"
    assert timers.pause("f", "t", paused=False)
    stage.clock.advance(10)
    await settle(timers)
    assert seen == [1_700_000_030_000]
    assert not timers.pause("f", "other", paused=True)
