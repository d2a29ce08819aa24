"""Time and chance: clocks that are turned, ids that follow from a seed."""

import asyncio

import pytest

from emulator.ambient import ManualClock, SeededIds, SuiteClock, SystemClock

START_MS = 1_000_000


@pytest.fixture
def machine():
    return ManualClock(START_MS)


@pytest.fixture
def clock(machine):
    return SuiteClock(machine)


async def turns(count=10):
    for _ in range(count):
        await asyncio.sleep(0)


async def sleeping(clock, *moments):
    """Start sleepers; returns the list that each puts its moment in when it wakes."""
    woken = []

    async def sleep(moment_ms):
        await clock.sleep_until(moment_ms)
        woken.append(moment_ms)

    tasks = [asyncio.create_task(sleep(each)) for each in moments]
    await turns()
    return woken, tasks


async def end(tasks):
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_untouched_clock_is_the_machines(clock, machine):
    assert (clock.now_ms(), clock.offset_ms, clock.frozen) == (START_MS, 0, False)
    machine.advance(1)
    assert clock.now_ms() == START_MS + 1_000
    assert SuiteClock().machine.now_ms() >= SystemClock().now_ms() - 1_000


async def test_turned_clock_runs_on_from_there(clock, machine):
    clock.turn_to(5_000_000)
    machine.advance(2)
    assert (clock.now_ms(), clock.offset_ms) == (5_002_000, 4_000_000)


async def test_frozen_clock_stands_and_resumes_where_it_stood(clock, machine):
    clock.freeze()
    machine.advance(60)
    assert clock.now_ms() == START_MS
    clock.resume()
    machine.advance(1)
    assert clock.now_ms() == START_MS + 1_000


async def test_running_clock_wakes_sleepers_in_order(clock, machine):
    woken, tasks = await sleeping(clock, START_MS + 3_000, START_MS + 1_000, START_MS + 9_000)
    machine.advance(5)
    await turns()
    assert woken == [START_MS + 1_000, START_MS + 3_000]
    await end(tasks)


async def test_turning_wakes_whom_it_passes_and_nobody_else(clock):
    woken, tasks = await sleeping(clock, START_MS + 3_000, START_MS + 1_000, START_MS + 9_000)
    assert clock.next_moment_ms() == START_MS + 1_000
    clock.turn_to(START_MS + 3_000)
    await turns()
    assert woken == [START_MS + 1_000, START_MS + 3_000]
    assert clock.next_moment_ms() == START_MS + 9_000
    await end(tasks)


async def test_frozen_clock_wakes_nobody_until_it_is_turned(clock, machine):
    woken, tasks = await sleeping(clock, START_MS + 1_000)
    clock.freeze()
    machine.advance(60)
    await turns()
    assert woken == []
    clock.turn_to(START_MS + 1_000)
    await turns()
    assert woken == [START_MS + 1_000]
    await end(tasks)


async def test_one_set_back_waits_the_longer(clock, machine):
    woken, tasks = await sleeping(clock, START_MS + 1_000)
    clock.turn_to(START_MS - 10_000)
    machine.advance(5)
    await turns()
    assert woken == []
    machine.advance(6)
    await turns()
    assert woken == [START_MS + 1_000]
    await end(tasks)


async def test_moment_that_has_passed_is_not_waited_for(clock):
    await clock.sleep_until(START_MS)
    await clock.sleep_until(0)
    assert clock.next_moment_ms() is None


async def test_cancelled_sleeper_is_forgotten(clock):
    _, tasks = await sleeping(clock, START_MS + 1_000)
    await end(tasks)
    assert clock.next_moment_ms() is None
    clock.turn_to(START_MS + 5_000)


async def test_woken_one_is_awake_until_it_sleeps_again_or_ends(clock):
    go = asyncio.Event()

    async def worker():
        await clock.sleep_until(START_MS + 1_000)
        await go.wait()
        await clock.sleep_until(START_MS + 2_000)

    task = asyncio.create_task(worker())
    await turns()
    assert not clock.awake()
    clock.turn_to(START_MS + 1_000)
    await turns()
    assert clock.awake()
    go.set()
    await turns()
    assert not clock.awake()
    clock.turn_to(START_MS + 2_000)
    assert clock.awake()
    await task
    assert not clock.awake()


def drawn(ids):
    return [ids.document_id(), ids.request_id(), ids.token(), list(ids.sample(100, 5))]


def test_same_seed_gives_the_same_ids_and_another_others():
    assert drawn(SeededIds(7)) == drawn(SeededIds(7))
    first, other = drawn(SeededIds(7)), drawn(SeededIds(8))
    assert all(one != another for one, another in zip(first, other, strict=True))


def test_seeded_ids_have_the_form_of_drawn_ones():
    ids = SeededIds(1)
    assert len(ids.document_id()) == 32
    assert [len(part) for part in ids.request_id().split("-")] == [8, 4, 4, 4, 12]
    assert len(ids.token()) == 43
    assert len(set(ids.sample(10, 10))) == 10
