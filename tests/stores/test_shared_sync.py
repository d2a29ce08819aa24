"""Waiting for the disk: commits share a sync, and none is told before its own is done."""

import asyncio
import threading

import pytest

from emulator.core.errors import StoreError
from emulator.stores.shared_sync import SharedSync


class Journal:
    """A journal whose sync lets the test look in."""

    def __init__(self):
        self.sequence = 0
        self.synced = 0
        self.threads = []
        self.fault = None
        self.gate = threading.Event()
        self.gate.set()

    def sync(self):
        reached = self.sequence
        self.threads.append(threading.current_thread() is threading.main_thread())
        assert self.gate.wait(10)
        if self.fault is not None:
            raise self.fault
        self.synced = reached
        return reached


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def shared(journal: Journal) -> SharedSync:
    return SharedSync(journal)


async def commit(journal: Journal, shared: SharedSync) -> None:
    journal.sequence += 1
    mine = journal.sequence
    await shared.wait()
    assert journal.synced >= mine


async def test_nothing_new_needs_no_sync(journal, shared):
    await shared.wait()
    assert journal.threads == []


async def test_a_single_waiter_is_served_in_place(journal, shared):
    await commit(journal, shared)
    assert journal.threads == [True]


async def test_many_waiters_share_one_sync_in_a_thread(journal, shared):
    await asyncio.gather(*(commit(journal, shared) for _ in range(20)))
    assert journal.threads == [False]


async def test_who_commits_during_a_sync_waits_for_the_next(journal, shared):
    journal.gate.clear()
    first = [asyncio.create_task(commit(journal, shared)) for _ in range(2)]
    while not journal.threads:
        await asyncio.sleep(0)
    late = asyncio.create_task(commit(journal, shared))
    await asyncio.sleep(0)
    journal.gate.set()
    await asyncio.gather(*first, late)
    assert journal.threads[0] is False
    assert len(journal.threads) == 2
    assert journal.synced == 3


async def test_a_refused_sync_is_told_to_everyone_and_tried_again(journal, shared):
    journal.fault = StoreError("refused")
    answers = await asyncio.gather(
        *(commit(journal, shared) for _ in range(3)), return_exceptions=True
    )
    assert answers == [journal.fault] * 3
    with pytest.raises(StoreError):
        await shared.wait()
    journal.fault = None
    await shared.wait()
    assert journal.synced == 3


async def test_a_waiter_that_gives_up_disturbs_nobody(journal, shared):
    journal.gate.clear()
    waiters = [asyncio.create_task(commit(journal, shared)) for _ in range(3)]
    while not journal.threads:
        await asyncio.sleep(0)
    waiters[0].cancel()
    await asyncio.sleep(0)
    assert waiters[0].cancelled()
    journal.gate.set()
    await asyncio.gather(*waiters[1:])
    await commit(journal, shared)
    assert journal.threads == [False, True]


async def test_a_failed_sync_that_nobody_waits_for_any_more_is_no_warning(journal, shared):
    journal.gate.clear()
    waiters = [asyncio.create_task(commit(journal, shared)) for _ in range(2)]
    while not journal.threads:
        await asyncio.sleep(0)
    for waiter in waiters:
        waiter.cancel()
    await asyncio.gather(*waiters, return_exceptions=True)
    journal.fault = StoreError("refused")
    journal.gate.set()
    await asyncio.get_running_loop().run_in_executor(None, lambda: None)
    journal.fault = None
    await shared.wait()
    assert journal.synced == 2
