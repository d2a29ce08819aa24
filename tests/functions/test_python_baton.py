"""Work that calls functions one after the other, carried by the threads that run them."""

import asyncio
import random
import threading
import time
from contextvars import ContextVar

import pytest

from emulator.functions import python_baton
from emulator.functions.base import MANNER_ALONE
from emulator.functions.python_run import running_run
from emulator.functions.python_threads import TooManyWaiting, Workers

KINDS = pytest.mark.parametrize("kind", ["def", "async def"])
LOOP_FOR_EVER = "while True:\n        pass"


@pytest.fixture
def make_loop(any_loop):
    """Run every test over each kind of function's loop."""
    return any_loop


async def each(stage, calls, **options):
    """Call functions one after the other as a turned clock does; returns the outcomes."""

    async def work():
        return [
            await stage.call(generation, event, manner=MANNER_ALONE, **options)
            for generation, event in calls
        ]

    return await stage.runtime.carry(work())


async def results(stage, calls, **options):
    return [outcome.result for outcome in await each(stage, calls, **options)]


@KINDS
async def test_calls_follow_each_other_without_a_turn_of_the_loop(stage, monkeypatch, kind):
    monkeypatch.setattr(python_baton, "WAIT_MAX_S", 30.0)
    generation = await stage.load("fn", f"{kind} main(event): return event")
    turns = []
    asyncio.get_running_loop().call_soon(turns.append, 1)
    found = await results(stage, [(generation, number) for number in range(100)])
    assert found == [b"%d" % number for number in range(100)]
    assert turns == []
    assert stage.runtime.running() == []


async def test_thread_that_ran_a_function_goes_on_with_the_work(stage, monkeypatch):
    monkeypatch.setattr(python_baton, "WAIT_MAX_S", 30.0)
    generation = await stage.load("fn", "def main(event): return event")
    threads = []

    async def work():
        for _ in range(3):
            threads.append(threading.current_thread().name)
            await stage.call(generation, manner=MANNER_ALONE)
        threads.append(threading.current_thread().name)

    await stage.runtime.carry(work())
    mine = threading.current_thread().name
    assert threads == [mine, "function calls", "function calls", "function calls"]


async def test_work_finds_the_suites_loop_task_and_context_wherever_it_runs(stage):
    generation = await stage.load("fn", "def main(event): return event")
    variable = ContextVar("variable")
    variable.set("of the task")
    seen = []

    async def work():
        for _ in range(3):
            seen.append(
                (asyncio.get_running_loop(), asyncio.current_task(), variable.get(), running_run())
            )
            await stage.call(generation, manner=MANNER_ALONE)
        await asyncio.sleep(0)
        return "done"

    assert await stage.runtime.carry(work()) == "done"
    here = (asyncio.get_running_loop(), asyncio.current_task(), "of the task", None)
    assert seen == [here] * 3


async def test_user_code_finds_nothing_of_the_suites(stage):
    code = """
    import asyncio
    def main(event):
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            print("no loop")
            return "no loop"
    """
    generation = await stage.load("fn", code)
    assert await results(stage, [(generation, 1)] * 3) == [b'"no loop"'] * 3
    assert stage.lines == [("info", "no loop")] * 3


async def test_what_the_work_prints_is_no_functions(stage, capsys):
    generation = await stage.load("fn", "def main(event): print('of the function')")

    async def work():
        for _ in range(3):
            await stage.call(generation, manner=MANNER_ALONE)
            print("of the suite")

    await stage.runtime.carry(work())
    assert stage.lines == [("info", "of the function")] * 3
    assert capsys.readouterr().out == "of the suite\n" * 3


@KINDS
async def test_function_that_takes_long_leaves_the_loop_to_others(stage, kind):
    code = f"""
    import asyncio, threading
    go = threading.Event()
    {kind} main(event):
        if event == "go":
            go.set()
        elif event == "wait":
            assert go.wait(30)
        return event
    """
    if kind == "async def":
        code = code.replace("go.wait(30)", "await asyncio.to_thread(go.wait, 30)")
    generation = await stage.load("fn", code)
    waits = asyncio.create_task(results(stage, [(generation, "wait"), (generation, 1)]))
    await asyncio.sleep(0)
    assert not waits.done()
    assert await stage.result(generation, "go") == "go"
    assert await waits == [b'"wait"', b"1"]
    found = await results(stage, [(generation, number) for number in range(100)])
    assert found == [b"%d" % number for number in range(100)]


@KINDS
@pytest.mark.parametrize(
    "body", [LOOP_FOR_EVER, "import time; time.sleep(1)"], ids=["spins", "sleeps"]
)
async def test_runaway_is_answered_at_its_time_out_and_the_work_goes_on(
    stage, eventually, kind, body
):
    runaway = await stage.load("bad", f"{kind} main(event):\n    if event: return 1\n    {body}")
    good = await stage.load("good", f"{kind} main(event): return event")
    calls = [(good, 1), (runaway, None), (good, 2), (runaway, 1), (good, 3)]
    outcomes = await each(stage, calls, timeout_s=0.4)
    assert [outcome.result for outcome in outcomes] == [b"1", b"null", b"2", b"1", b"3"]
    assert outcomes[1].failure.kind == "timeout"
    await eventually(lambda: not stage.runtime.running())


async def test_functions_of_every_kind_take_turns(stage):
    one = await stage.load("one", "def main(event): return ['one', event]")
    two = await stage.load("two", "async def main(event): return ['two', event]")
    code = "async def later(event): return ['three', event]\ndef main(event): return later(event)"
    three = await stage.load("three", code)
    order = [random.Random(3).choice([one, two, three]) for _ in range(200)]
    found = await results(stage, [(generation, at) for at, generation in enumerate(order)])
    names = {one: "one", two: "two", three: "three"}
    assert found == [
        f'["{names[generation]}",{at}]'.encode() for at, generation in enumerate(order)
    ]


@KINDS
async def test_failures_are_outcomes_like_any(stage, kind):
    code = f"""
    {kind} main(event):
        if event == 1: 1 / 0
        if event == 2: raise SystemExit(3)
        if event == 3: raise KeyboardInterrupt
        if event == 4: return object()
        return event
    """
    generation = await stage.load("fn", code)
    outcomes = await each(stage, [(generation, number) for number in range(6)])
    kinds = [outcome.failure and outcome.failure.kind for outcome in outcomes]
    assert kinds == [None, "exception", "exit", "exception", "result", None]


async def test_refused_call_is_told_and_spoils_nothing(stage, monkeypatch):
    generation = await stage.load("fn", "def main(event): return event")

    def refuse(self, job, *, nested):
        raise TooManyWaiting("no thread")

    with monkeypatch.context() as patched:
        patched.setattr(Workers, "submit", refuse)
        outcomes = await each(stage, [(generation, 1), (generation, 2)])
    assert [each.failure.message for each in outcomes] == ["function fn was not run: no thread"] * 2
    assert await results(stage, [(generation, 3)]) == [b"3"]
    assert await stage.result(generation, 4) == 4


async def test_work_may_wait_for_anything_between_calls(stage):
    generation = await stage.load("fn", "def main(event): return event")
    loop = asyncio.get_running_loop()

    async def work():
        seen = []
        for number in range(20):
            seen.append((await stage.call(generation, number, manner=MANNER_ALONE)).result)
            await asyncio.sleep(0)
            future = loop.create_future()
            loop.call_soon(future.set_result, number)
            assert await future == number
            async with asyncio.timeout(30):
                await asyncio.sleep(0.0001)
        return seen

    assert await stage.runtime.carry(work()) == [b"%d" % number for number in range(20)]


async def test_exception_of_the_work_reaches_whoever_awaits_it(stage):
    generation = await stage.load("fn", "def main(event): return event")

    async def work():
        await stage.call(generation, manner=MANNER_ALONE)
        raise LookupError("of the work")

    with pytest.raises(LookupError, match="of the work"):
        await stage.runtime.carry(work())
    assert await results(stage, [(generation, 1)]) == [b"1"]


@KINDS
async def test_work_hears_that_it_is_cancelled(stage, eventually, kind):
    code = f"""
    import asyncio, threading
    go = threading.Event()
    {kind} main(event):
        if event: go.set()
        else: go.wait(30)
    """
    if kind == "async def":
        code = code.replace("go.wait(30)", "await asyncio.to_thread(go.wait, 30)")
    generation = await stage.load("fn", code)
    heard = []

    async def work():
        try:
            await stage.call(generation, manner=MANNER_ALONE)
        except asyncio.CancelledError:
            heard.append("cancelled")
            raise

    task = asyncio.ensure_future(stage.runtime.carry(work()))
    while not stage.runtime.running():
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert heard == ["cancelled"]
    await stage.result(generation, 1)
    await eventually(lambda: not stage.runtime.running())
    assert len(await results(stage, [(generation, 1)] * 3)) == 3


async def test_loop_that_is_debugged_keeps_the_work_on_its_own_thread(stage):
    generation = await stage.load("fn", "def main(event): return event")
    asyncio.get_running_loop().set_debug(enabled=True)
    threads = set()

    async def work():
        for _ in range(3):
            await stage.call(generation, manner=MANNER_ALONE)
            threads.add(threading.current_thread())

    await stage.runtime.carry(work())
    assert threads == {threading.current_thread()}


async def test_work_beside_carried_work_goes_the_usual_way(stage):
    generation = await stage.load("fn", "def main(event): return event")

    async def work(name):
        found = []
        for number in range(20):
            found.append((await stage.call(generation, number, manner=MANNER_ALONE)).result)
            await asyncio.sleep(0)
        return name, found

    both = await asyncio.gather(stage.runtime.carry(work("a")), stage.runtime.carry(work("b")))
    expected = [b"%d" % number for number in range(20)]
    assert both == [("a", expected), ("b", expected)]


@pytest.mark.parametrize("seed", range(8))
async def test_nothing_is_lost_whatever_functions_do(stage, eventually, seed):
    chance = random.Random(seed)
    body = """
    if event % 11 == 1: time.sleep(0.0015)
    if event % 13 == 2: 1 / 0
    if event % 17 == 3: print(event)
    if event % 19 == 4: threading.Thread(target=time.sleep, args=(0.001,)).start()
    if event % 97 == 5: time.sleep(0.03)
    return event
    """
    both = [
        await stage.load(name, f"import threading, time\n{kind} main(event):{body}")
        for name, kind in (("blocks", "def"), ("awaits", "async def"))
    ]
    beside = await stage.load("beside", "def main(event): return event")
    calls = [(chance.choice(both), chance.randrange(1_000)) for _ in range(300)]
    waits = asyncio.ensure_future(each(stage, calls, timeout_s=0.02))
    answers = 0
    while not waits.done():
        assert await stage.result(beside, answers) == answers
        answers += 1
    for (_, event), outcome in zip(calls, await waits, strict=True):
        if event % 97 == 5 and outcome.failure is not None:
            assert outcome.failure.kind in ("timeout", "exception")
        elif event % 13 == 2:
            assert "ZeroDivisionError" in outcome.failure.message
        elif outcome.failure is None:
            assert outcome.result == b"%d" % event
        else:
            # Beside a call that blocks the loop of its function for long.
            assert outcome.failure.kind in ("timeout", "exception")
    await eventually(lambda: not stage.runtime.running())


async def test_thousand_calls_that_just_take_too_long_end_each_once(stage):
    code = "import time\ndef main(event):\n    time.sleep(0.0009 + event % 3 * 0.0002)\n"
    generation = await stage.load("fn", code + "    return event")
    monkey = pytest.MonkeyPatch()
    monkey.setattr(python_baton, "USUAL_AFTER_MISS", 0)
    monkey.setattr(python_baton, "LOOK_S", 0.0005)
    begun = time.perf_counter()
    try:
        found = await results(stage, [(generation, number) for number in range(1_000)])
    finally:
        monkey.undo()
    assert found == [b"%d" % number for number in range(1_000)]
    assert time.perf_counter() - begun < 60, "none waited for its time-out"
