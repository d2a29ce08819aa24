"""When checkpoints are written: on demand, and when the journal is long and nobody writes."""

import asyncio
import threading

import pytest

from emulator.ambient import ManualClock
from emulator.core.errors import StoreError
from emulator.stores.upkeep import CHECKPOINT_PAUSE_MS, Upkeep

TURNS_MAX = 10_000


class Folder:
    """An open folder as the upkeep sees it."""

    def __init__(self):
        self.sequence = 1
        self.checkpoint_due = False
        self.checkpoint_urgent = False
        self.written = []
        self.begun = 0
        self.fault = None
        self.gate = threading.Event()
        self.gate.set()

    def begin_checkpoint(self):
        self.begun += 1
        if self.written and self.written[-1] == self.sequence:
            return None
        sequence = self.sequence
        return lambda: self.write(sequence)

    def write(self, sequence):
        assert self.gate.wait(10)
        if self.fault is not None:
            raise self.fault
        self.written.append(sequence)
        self.checkpoint_due = False


@pytest.fixture
def kept() -> Folder:
    return Folder()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def upkeep(kept: Folder, clock: ManualClock) -> Upkeep:
    return Upkeep(kept, clock=clock)


@pytest.fixture
async def pause(upkeep: Upkeep, clock: ManualClock):
    """Tend in the background; call the fixture to let a pause go by and its work be done."""

    async def pass_by():
        clock.advance(CHECKPOINT_PAUSE_MS / 1000)
        for _ in range(TURNS_MAX):
            await asyncio.sleep(0)
            if clock._sleepers:
                return
        pytest.fail("the upkeep went nowhere")

    tending = asyncio.create_task(upkeep.tend())
    await asyncio.sleep(0)
    yield pass_by
    tending.cancel()
    await asyncio.gather(tending, return_exceptions=True)
    assert tending.cancelled()


async def test_a_checkpoint_is_written_on_demand_once(upkeep, kept):
    await upkeep.checkpoint()
    await upkeep.checkpoint()
    assert kept.written == [1]


async def test_two_demands_are_served_one_after_the_other(upkeep, kept):
    kept.gate.clear()
    demands = [asyncio.create_task(upkeep.checkpoint()) for _ in range(2)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert kept.begun == 1
    kept.sequence = 2
    kept.gate.set()
    await asyncio.gather(*demands)
    assert kept.written == [1, 2]


async def test_nothing_is_written_while_none_is_due(pause, kept):
    for _ in range(3):
        await pause()
    assert kept.written == []


async def test_a_due_checkpoint_waits_for_a_quiet_pause(pause, kept):
    kept.checkpoint_due = True
    for _ in range(3):
        kept.sequence += 1
        await pause()
    assert kept.written == []
    await pause()
    assert kept.written == [4]


async def test_an_urgent_checkpoint_does_not_wait(pause, kept):
    kept.checkpoint_due = kept.checkpoint_urgent = True
    kept.sequence += 1
    await pause()
    assert kept.written == [2]


async def test_a_failure_is_told_and_tried_again_after_new_writes(pause, kept, upkeep):
    kept.checkpoint_due = True
    kept.fault = StoreError("the disk is full")
    for _ in range(4):
        await pause()
    assert kept.begun == 1
    assert "the disk is full" in upkeep.failure
    kept.fault = None
    kept.sequence += 1
    await pause()
    await pause()
    assert kept.written == [2]
    assert upkeep.failure == ""


async def test_who_asks_for_a_checkpoint_hears_of_its_failure(upkeep, kept):
    kept.fault = StoreError("the disk is full")
    with pytest.raises(StoreError, match="full"):
        await upkeep.checkpoint()


async def test_a_demand_that_is_given_up_does_not_stop_the_writing(upkeep, kept):
    kept.gate.clear()
    demand = asyncio.create_task(upkeep.checkpoint())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    demand.cancel()
    await asyncio.gather(demand, return_exceptions=True)
    kept.gate.set()
    await asyncio.get_running_loop().run_in_executor(None, lambda: None)
    await asyncio.to_thread(lambda: None)
    for _ in range(TURNS_MAX):
        if kept.written:
            break
        await asyncio.sleep(0)
    assert kept.written == [1]
