"""Which generation of a function serves."""

import asyncio

import pytest

from emulator.core.errors import FunctionNotFound
from emulator.functions.base import Problem
from emulator.services.caller import Caller

ADMIN = Caller(kind="administrator")
BROKEN = Problem(file="index.py", line=3, message="SyntaxError: '(' was never closed")


def says(text):
    async def main(event, invocation):
        return text

    return main


async def answer(stage, name):
    return (await stage.functions.invoke(name, {}, ADMIN)).outcome.result


async def test_saved_code_answers_the_next_call(stage):
    await stage.save("f", says("old"))
    assert await answer(stage, "f") == b'"old"'
    await stage.save("f", says("new"))
    assert await answer(stage, "f") == b'"new"'


async def test_saved_code_answers_even_before_the_watcher_says_so(stage):
    await stage.save("f", says("old"))
    stage.runtime.code["f"] = says("new")
    stage.runtime.loaded[-1].current = False
    assert await answer(stage, "f") == b'"new"'


async def test_broken_code_leaves_the_last_good_generation_serving(stage):
    await stage.save("f", says("good"))
    await stage.save("f", BROKEN)
    assert await answer(stage, "f") == b'"good"'
    (state,) = stage.registry.states()
    assert (state.state, state.problem) == ("failed", BROKEN)
    assert any("index.py:3" in line and "goes on serving" in line for line in stage.lines())
    said = [entry for entry in stage.recorder.logs() if entry.line == "said while it loaded"]
    assert {(entry.level, entry.function) for entry in said} == {("error", "f")}


async def test_mended_code_serves_and_the_problem_is_gone(stage):
    await stage.save("f", BROKEN)
    outcome = (await stage.functions.invoke("f", {}, ADMIN)).outcome
    assert outcome.failure is not None
    assert "index.py:3" in outcome.failure.message
    await stage.save("f", says("mended"))
    assert await answer(stage, "f") == b'"mended"'
    assert stage.registry.states()[0].problem is None


async def test_call_under_way_keeps_its_generation_which_is_retired_at_its_end(stage):
    go = asyncio.Event()

    async def waits(event, invocation):
        await go.wait()
        return "old"

    await stage.save("f", waits)
    call = asyncio.create_task(stage.functions.invoke("f", {}, ADMIN))
    while not stage.functions.running():
        await asyncio.sleep(0)
    await stage.save("f", says("new"))
    assert stage.runtime.retired == []
    assert await answer(stage, "f") == b'"new"'
    go.set()
    assert (await call).outcome.result == b'"old"'
    assert stage.runtime.retired == [stage.runtime.loaded[0]]


async def test_function_whose_folder_is_gone_is_gone(stage):
    await stage.save("f", says("here"))
    del stage.on_disk["f"]
    await stage.registry.reload("f")
    with pytest.raises(FunctionNotFound):
        await answer(stage, "f")
    assert stage.runtime.retired == [stage.runtime.loaded[0]]


async def test_new_folder_answers_without_being_announced(stage):
    stage.place_on_disk("late", says("late"))
    assert await answer(stage, "late") == b'"late"'


async def test_many_calls_during_a_change_load_once(stage):
    await stage.save("f", says("old"))
    stage.runtime.loaded[-1].current = False
    stage.runtime.code["f"] = says("new")
    answers = await asyncio.gather(*(answer(stage, "f") for _ in range(20)))
    assert set(answers) == {b'"new"'}
    assert len(stage.runtime.loaded) == 2


async def test_files_are_looked_at_once_for_calls_of_one_turn(stage, monkeypatch):
    await stage.save("f", says("old"))
    generation = stage.runtime.loaded[-1]
    looks = []
    monkeypatch.setattr(
        type(generation), "is_current", lambda each: not looks.append(each) and each.current
    )
    await asyncio.gather(*(answer(stage, "f") for _ in range(5)))
    assert len(looks) == 1
    await answer(stage, "f")
    assert len(looks) == 2
