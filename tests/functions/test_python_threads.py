"""Threads for calls that block."""

import asyncio
import threading

import pytest

from emulator.functions import python_threads
from emulator.functions.python_threads import (
    QUEUE_LENGTH_MAX,
    WORKERS_EAGER,
    WORKERS_MAX,
    Abandoned,
    TooManyWaiting,
    Workers,
)


class Held:
    """A job that ends when the test says so."""

    def __init__(self, gate: threading.Event):
        self.gate = gate
        self.begun = threading.Event()
        self.ended = threading.Event()
        self.worker = None

    def __call__(self, worker):
        self.worker = worker
        self.begun.set()
        self.gate.wait(10)
        self.ended.set()


@pytest.fixture
async def workers():
    pool = Workers("test calls", asyncio.get_running_loop().call_later)
    yield pool
    pool.close()


def alive():
    return [each for each in threading.enumerate() if each.name == "test calls"]


async def test_more_threads_come_when_those_there_are_held_up(workers, eventually):
    gate = threading.Event()
    jobs = [Held(gate) for _ in range(WORKERS_EAGER * 5)]
    for job in jobs:
        workers.submit(job, nested=False)
    await eventually(lambda: all(job.begun.is_set() for job in jobs))
    gate.set()
    await eventually(lambda: all(job.ended.is_set() for job in jobs))


async def test_threads_are_bounded_and_the_rest_waits_in_a_queue_with_an_end(workers, eventually):
    gate = threading.Event()
    jobs = [Held(gate) for _ in range(WORKERS_MAX + 50)]
    for job in jobs:
        workers.submit(job, nested=False)
    await eventually(lambda: sum(job.begun.is_set() for job in jobs) == WORKERS_MAX)
    await asyncio.sleep(python_threads.RELIEF_S * 4)
    assert sum(job.begun.is_set() for job in jobs) == WORKERS_MAX
    for _ in range(QUEUE_LENGTH_MAX - 50):
        workers.submit(Held(gate), nested=False)
    with pytest.raises(TooManyWaiting, match=f"{QUEUE_LENGTH_MAX} calls wait"):
        workers.submit(Held(gate), nested=False)
    nested = Held(gate)
    workers.submit(nested, nested=True)
    await eventually(nested.begun.is_set)
    gate.set()
    await eventually(lambda: all(job.ended.is_set() for job in jobs))


async def test_calls_made_by_calls_have_a_bound_too(workers, eventually, monkeypatch):
    monkeypatch.setattr(python_threads, "WORKERS_NESTED_MAX", 3)
    gate = threading.Event()
    jobs = [Held(gate) for _ in range(3)]
    for job in jobs:
        workers.submit(job, nested=True)
    await eventually(lambda: all(job.begun.is_set() for job in jobs))
    with pytest.raises(TooManyWaiting, match="3 calls run in threads already"):
        workers.submit(Held(gate), nested=True)
    gate.set()
    await eventually(lambda: all(job.ended.is_set() for job in jobs))


async def test_interrupted_job_gives_up_and_its_thread_is_not_used_again(workers, eventually):
    seen = []

    class Spinning:
        worker = None

        def __call__(self, worker):
            self.worker = worker
            try:
                while True:
                    pass
            except Abandoned:
                seen.append("abandoned")
                raise

    job = Spinning()
    workers.submit(job, nested=False)
    await eventually(lambda: job.worker is not None)
    assert job.worker.interrupt(job)
    await eventually(lambda: not alive())
    assert seen == ["abandoned"]
    assert not job.worker.interrupt(job)


async def test_interrupt_of_a_job_that_has_ended_touches_nobody(workers, eventually):
    gate = threading.Event()
    gate.set()
    first = Held(gate)
    workers.submit(first, nested=False)
    await eventually(lambda: first.ended.is_set() and first.worker.job is None)
    assert not first.worker.interrupt(first)
    second = Held(gate)
    workers.submit(second, nested=False)
    await eventually(second.ended.is_set)


async def test_idle_threads_end_by_themselves(workers, eventually, monkeypatch):
    monkeypatch.setattr(python_threads, "WORKER_IDLE_S", 0.01)
    gate = threading.Event()
    gate.set()
    workers.submit(Held(gate), nested=False)
    await eventually(lambda: not alive())
    again = Held(gate)
    workers.submit(again, nested=False)
    await eventually(again.ended.is_set)


async def test_closed_pool_ends_its_threads(workers, eventually):
    gate = threading.Event()
    job = Held(gate)
    workers.submit(job, nested=False)
    await eventually(job.begun.is_set)
    workers.close()
    gate.set()
    await eventually(lambda: not alive())
