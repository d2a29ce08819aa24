"""Functions edited, deleted and made again while callers hammer them."""

import asyncio
import json
import shutil

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

CALLERS = 32
QUICK = (20, 0.15)
"""So many edits, so long between them."""
MINUTE = (60, 1.0)
VERSION = "import helper\n{kind} main(event, context):\n    return [{number}, helper.NUMBER]\n"


def save(world, name, number, kind="def", *, how):
    """Save entry and helper, each of which says a number."""
    folder = world.project / "cloudfunctions" / name
    for file, text in {
        "helper.py": f"NUMBER = {number}\n",
        "index.py": VERSION.format(kind=kind, number=number),
    }.items():
        if how == "in place":
            (folder / file).write_text(text, encoding="utf-8")
        else:
            aside = folder / f".{file}.writing"
            aside.write_text(text, encoding="utf-8")
            aside.replace(folder / file)


@pytest.mark.parametrize(
    ("kind", "how", "pace"),
    [
        *((kind, how, QUICK) for kind in ("def", "async def") for how in ("in place", "renamed")),
        ("async def", "renamed", MINUTE),
    ],
)
async def test_no_call_fails_and_no_old_code_answers_after_a_save(world, kind, how, pace):
    """What is saved before a call begins answers it; calls under way may finish on the old.

    A file that is written in place is empty for a moment, and a call may fall into it.
    """
    edits, between_s = pace
    world.write({"busy": ""})
    save(world, "busy", 0, kind, how=how)
    client = world.client(await asyncio.to_thread(world.start, "--ephemeral"))
    saved, stopping, calls, wrong = 0, False, 0, []

    async def hammer():
        nonlocal calls
        while not stopping:
            begun_with = saved
            told = await client.call("busy")
            calls += 1
            numbers = json.loads(told["data"]["response_data"]) if "data" in told else [-1]
            if min(numbers) < begun_with or max(numbers) > edits:
                wrong.append((begun_with, told))

    callers = [asyncio.create_task(hammer()) for _ in range(CALLERS)]
    for number in range(1, edits + 1):
        save(world, "busy", number, kind, how=how)
        saved = number
        await asyncio.sleep(between_s)
    stopping = True
    await asyncio.gather(*callers)
    assert not wrong, (len(wrong), calls, wrong[:3])
    assert calls > CALLERS * edits / 2
    assert await client.result("busy") == [edits, edits]


async def test_other_functions_are_not_disturbed_by_code_that_does_not_load(world):
    world.write({"other": "def main(event, context):\n    return 'up'", "broken": "def main(: 1"})
    client = world.client(await asyncio.to_thread(world.start, "--ephemeral"))
    for number in range(20):
        (world.project / "cloudfunctions/broken/index.py").write_text(f"raise ValueError({number})")
        told, up = await asyncio.gather(client.call("broken"), client.result("other"))
        assert f"ValueError: {number}" in told["message"]
        assert up == "up"


async def test_folders_deleted_and_made_again_serve_what_lies_there(world):
    code = "def main(event, context):\n    return {number}"
    world.write({"again": code.format(number=-1), "other": code.format(number="'up'")})
    client = world.client(await asyncio.to_thread(world.start, "--ephemeral"))
    folder = world.project / "cloudfunctions/again"
    for number in range(30):
        shutil.rmtree(folder)
        if number % 3 == 0:
            async with asyncio.timeout(10):
                while (await client.call("again")).get("code") != "FUNCTION_NOT_FOUND":
                    pass
        world.write({"again": code.format(number=number)})
        assert await client.result("again") == number
        assert await client.visit("other") == (200, b"up")
    shutil.rmtree(folder.parent)
    async with asyncio.timeout(10):
        while "code" not in await client.call("other"):
            pass
    world.write({"again": code.format(number="'back'")})
    async with asyncio.timeout(10):
        while await client.visit("again") != (200, b"back"):
            pass
