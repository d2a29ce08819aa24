"""The event loop of one generation."""

import asyncio
import threading

import pytest

from emulator.functions.python_loops import SIDE_JOBS_MAX, FunctionLoop


@pytest.fixture
def started(any_loop):
    """Start a loop, of each kind."""

    def start(first=None):
        loop = FunctionLoop("test loop", first, make_loop=any_loop)
        loop.start()
        return loop

    return start


async def test_coroutines_run_in_the_loops_own_thread(started, eventually):
    loop, seen = started(), []

    async def work():
        seen.append(threading.current_thread())

    for _ in range(3):
        loop.submit(work)
    await eventually(lambda: len(seen) == 3)
    assert set(seen) == {loop.thread}
    loop.leave()
    await eventually(lambda: not loop.thread.is_alive())


async def test_thread_ends_when_the_first_step_says_no_loop_is_needed(started, eventually):
    ran = []
    loop = started(lambda: bool(ran.append("first")))
    await eventually(lambda: not loop.thread.is_alive())
    assert ran == ["first"]


async def test_loop_that_leaves_waits_for_its_tasks(started, eventually):
    loop, gate, seen = started(), asyncio.Event(), []

    async def later():
        await gate.wait()
        seen.append("done")

    async def work():
        task = asyncio.create_task(later())
        seen.append(task)

    loop.submit(work)
    await eventually(lambda: seen)
    loop.leave()
    question = loop.ask()
    await eventually(lambda: loop.has_answered(question))
    assert loop.thread.is_alive()
    loop.call(gate.set)
    await eventually(lambda: not loop.thread.is_alive())
    assert seen[1] == "done"


async def test_stop_cancels_what_is_there(started, eventually):
    loop, seen = started(), []

    async def work():
        seen.append("begun")
        try:
            await asyncio.sleep(60)
        finally:
            seen.append("cancelled")

    loop.submit(work)
    await eventually(lambda: seen == ["begun"])
    loop.stop()
    await eventually(lambda: not loop.thread.is_alive())
    assert seen == ["begun", "cancelled"]
    loop.call(seen.append, "never")
    loop.submit(work)


async def test_blocked_loop_does_not_answer_until_it_is_interrupted(started, eventually):
    loop, blocking = started(), threading.Event()

    async def block():
        blocking.set()
        while True:
            pass

    loop.submit(block)
    await eventually(blocking.is_set)
    question = loop.ask()
    assert not loop.has_answered(question)
    waiting = []
    loop.submit(lambda: waiting.append("taken back"))
    assert len(loop.take_waiting()) == 1
    loop.interrupt()
    await eventually(lambda: loop.has_answered(question))
    loop.leave()
    await eventually(lambda: not loop.thread.is_alive())


async def test_exit_in_a_task_does_not_end_the_loop(started, eventually):
    loop, seen = started(), []

    async def leave():
        asyncio.get_running_loop().call_soon(_exit)

    def _exit():
        raise SystemExit(1)

    async def after():
        seen.append("after")

    loop.submit(leave)
    loop.submit(after)
    await eventually(lambda: seen == ["after"])
    question = loop.ask()
    await eventually(lambda: loop.has_answered(question))
    loop.leave()
    await eventually(lambda: not loop.thread.is_alive())


async def test_side_jobs_run_in_a_bounded_number_of_daemon_threads(started, eventually):
    loop, gate, threads, done = started(), threading.Event(), set(), []

    def job():
        threads.add(threading.current_thread())
        gate.wait(10)
        return 1

    async def work():
        done.append(
            sum(await asyncio.gather(*(asyncio.to_thread(job) for _ in range(SIDE_JOBS_MAX + 8))))
        )

    loop.submit(work)
    await eventually(lambda: len(threads) == SIDE_JOBS_MAX)
    gate.set()
    await eventually(lambda: done == [SIDE_JOBS_MAX + 8])
    assert all(thread.daemon for thread in threads)
    loop.leave()
    await eventually(lambda: not loop.thread.is_alive())


async def test_exception_of_a_side_job_reaches_who_awaits_it(started, eventually):
    loop, seen = started(), []

    async def work():
        try:
            await asyncio.to_thread(int, "x")
        except ValueError as fault:
            seen.append(str(fault))

    loop.submit(work)
    await eventually(lambda: len(seen) == 1)
    loop.leave()
    await eventually(lambda: not loop.thread.is_alive())
