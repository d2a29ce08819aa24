"""What would be charged for."""

import pytest

from emulator.ambient import ManualClock
from emulator.functions.base import StoredFile
from emulator.services.recorder import Recorder
from emulator.services.usage import PLANS, Usage

DAY_S = 86_400


@pytest.fixture
def clock():
    return ManualClock(1_700_000_000_000)


@pytest.fixture
def recorder(clock):
    return Recorder(clock)


@pytest.fixture
def usage(clock, recorder):
    made = Usage(clock=clock, recorder=recorder, alerts={"reads": 3})
    recorder.trace.on_end(made.heard, at_once=True)
    return made


def happen(recorder, clock, kind, name="find", *, times=1, seconds=0.0, **attributes):
    for _ in range(times):
        span = recorder.trace.begin(name, kind, attributes=attributes)
        clock.advance(seconds)
        recorder.trace.end(span)


def test_reads_and_writes_are_commands_and_calls_cost_memory_times_time(usage, recorder, clock):
    happen(recorder, clock, "read", times=2)
    happen(recorder, clock, "write")
    happen(recorder, clock, "storage", "download")
    happen(recorder, clock, "database")
    happen(recorder, clock, "invocation", "f", times=2, seconds=2.0, memory_mb=256)
    usage.stored(StoredFile(cloud_path="a", file_id="x", operation="put"))
    usage.stored(StoredFile(cloud_path="a", file_id="x", operation="delete"))
    meters = usage.report()["meters"]
    assert {name: meter["total"] for name, meter in meters.items()} == {
        "reads": 2,
        "writes": 1,
        "calls": 2,
        "gb_s": 1.0,
        "uploads": 1,
        "downloads": 1,
    }


def test_rates_are_by_day_of_the_clock_and_shares_of_what_is_free(usage, recorder, clock):
    for _ in range(4):
        happen(recorder, clock, "read", times=250)
        happen(recorder, clock, "invocation", "f", seconds=200.0, memory_mb=1024)
        clock.advance(DAY_S)
    told = usage.report("pay-as-you-go-2022")
    assert (told["days"], told["dated"]) == (5, "2022")
    reads, gb_s = told["meters"]["reads"], told["meters"]["gb_s"]
    assert (reads["total"], reads["today"], reads["per_day"], reads["share"]) == (1000, 0, 200, 0.4)
    assert (gb_s["share"], gb_s["free_for_days"]) == (4.8, 6.2)


def test_passing_an_amount_is_said_once_a_day(usage, recorder, clock):
    happen(recorder, clock, "read", times=9)
    clock.advance(DAY_S)
    happen(recorder, clock, "read", times=3)
    assert sum("more than 3 reads" in entry.line for entry in recorder.logs()) == 1
    happen(recorder, clock, "read")
    assert sum("more than 3 reads" in entry.line for entry in recorder.logs()) == 2


def test_clearing_begins_anew(usage, recorder, clock):
    happen(recorder, clock, "read")
    usage.clear()
    assert usage.report()["meters"]["reads"]["total"] == 0


@pytest.mark.parametrize("plan", PLANS)
def test_every_plan_says_when_and_where_it_was_found(usage, plan):
    told = usage.report(plan)
    assert told["dated"]
    assert told["source"]
    assert all(meter.get("free", 1) > 0 for meter in told["meters"].values())
