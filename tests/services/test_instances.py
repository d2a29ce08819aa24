"""How long the module state of a function lives: by the suite's clock, as the project says."""

import asyncio
import json
import os

import pytest

from emulator.ambient import ManualClock
from emulator.services.instances import Lifetimes

COUNTS = "seen = []\ndef main(event, context):\n    seen.append(1)\n    return len(seen)"
PROCESS = json.dumps({"runtime": "process", "timeout": 20})
NODE = "let seen = 0\nexports.main = () => ++seen"
MINUTE_MS = 60_000


@pytest.mark.parametrize(
    ("idle_s", "lifetime_s", "over"),
    [
        (None, None, False),
        (60, None, False),
        (59, None, True),
        (None, 120, False),
        (None, 119, True),
    ],
)
def test_instance_is_over_when_it_rested_or_lived_for_longer(idle_s, lifetime_s, over):
    lifetimes = Lifetimes(ManualClock(3 * MINUTE_MS), idle_s=idle_s, lifetime_s=lifetime_s)
    assert lifetimes.is_over(loaded_ms=MINUTE_MS, used_ms=2 * MINUTE_MS) is over
    assert lifetimes.are_bounded is (idle_s is not None or lifetime_s is not None)


@pytest.fixture
def files():
    return {
        "functions/inline/index.py": COUNTS,
        "functions/process/index.py": COUNTS,
        "functions/process/config.json": PROCESS,
        "functions/node/index.js": NODE,
        "functions/node/config.json": '{"timeout": 20}',
    }


@pytest.mark.parametrize("name", ["inline", "process", "node"])
async def test_rest_and_age_end_module_state(start_project, files, name):
    files[".emulator.toml"] = "[functions]\nidle_s = 60\nlifetime_s = 150\n"
    async with start_project(files) as it:
        assert [await it.invoke(name) for _ in range(2)] == [1, 2]
        it.clock.advance(59)
        assert await it.invoke(name) == 3
        it.clock.advance(61)
        assert await it.invoke(name) == 1
        for expected in (2, 3):
            it.clock.advance(59)
            assert await it.invoke(name) == expected
        it.clock.advance(40)
        assert await it.invoke(name) == 1


@pytest.mark.parametrize("name", ["inline", "process", "node"])
async def test_without_a_word_module_state_stays(start_project, files, name):
    async with start_project(files) as it:
        assert await it.invoke(name) == 1
        it.clock.advance(365 * 86_400)
        assert await it.invoke(name) == 2


@pytest.mark.parametrize("name", ["inline", "process", "node"])
async def test_cold_call_finds_no_memory_and_leaves_the_warm_one_alone(start_project, files, name):
    async with start_project(files) as it:
        assert await it.invoke(name) == 1
        for _ in range(2):
            told = await it.suite.control.invoke(name, {}, openid=None, source="", cold=True)
            assert told["result"] == 1
        assert await it.invoke(name) == 2
        await it.suite.control.restart(name)
        assert await it.invoke(name) == 1


@pytest.mark.parametrize("name", ["inline", "process", "node"])
async def test_suite_may_be_cold_altogether(start_project, files, name):
    async with start_project(files, cold=True) as it:
        assert [await it.invoke(name) for _ in range(3)] == [1, 1, 1]


async def test_instances_tell_where_code_is_in_memory(start_project, files):
    files["functions/process/index.py"] = (
        "import os, time\ndef main(event, context):\n    time.sleep(event.get('s', 0))\n"
        "    return os.getpid()"
    )
    async with start_project(files) as it:
        (pid,) = {await it.invoke("process") for _ in range(3)}
        found = {each["function"]: each for each in it.suite.control.instances()}
        assert found["inline"]["pid"] == os.getpid()
        assert (found["process"]["pid"], found["process"]["calls_running"]) == (pid, 0)
        assert found["node"]["engine"] == "node"
        both = await asyncio.gather(*(it.invoke("process", {"s": 1}) for _ in range(2)))
        assert len(set(both)) == 2, "an instance runs one event at a time"
        states = [each for each in it.suite.control.instances() if each["function"] == "process"]
        assert {each["pid"] for each in states} == set(both)


async def test_asynchronous_call_that_fails_is_made_twice_again_and_kept(start_project):
    code = (
        "seen = []\ndef main(event, context):\n    seen.append(1)\n"
        "    if len(seen) <= event['fails']: raise ValueError(len(seen))\n    print('done')"
    )
    async with start_project({"functions/fn/index.py": code}) as it:
        control = it.suite.control
        control.call_soon("fn", {"fails": 2}, openid=None, source="")
        await it.idle()
        assert [each["ok"] for each in control.requests(10)] == [False, False, True]
        assert it.suite.parts.dispatcher.dead_letters() == []
        await control.restart("fn")
        control.call_soon("fn", {"fails": 9}, openid=None, source="")
        await it.idle()
        assert [each["ok"] for each in control.requests(3)] == [False] * 3
        (letter,) = it.suite.parts.dispatcher.dead_letters()
        told = letter.told()
        assert (told["function"], told["attempts"]) == ("fn", 3)
