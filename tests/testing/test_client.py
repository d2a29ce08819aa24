"""The client of a running suite: blocking and awaited, in this process and in another."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from emulator.testing import Emulator, Refused, connect

FILES = {
    "functions/note/index.py": (
        "from emulator import cloud\n"
        "cloud.init()\n"
        "def main(event, context):\n"
        "    print('noted')\n"
        "    if 'dataList' in event or event.get('Type') == 'Timer':\n"
        "        cloud.database().collection('notes').add(data={'why': event.get('Type', 'db')})\n"
        "    return {'user': cloud.get_wx_context().get('OPENID', ''), 'event': event}\n"
    ),
    "functions/note/config.json": json.dumps(
        {
            "triggers": [
                {"name": "hourly", "type": "timer", "config": "0 0 * * * * *"},
                {"name": "each", "type": "database", "config": {"collection": "orders"}},
            ]
        }
    ),
    "functions/waits/index.py": (
        "import asyncio\n"
        "gate = asyncio.Event()\n"
        "async def main(event, context):\n"
        "    gate.set() if event.get('go') else await asyncio.wait_for(gate.wait(), 30)\n"
    ),
    "functions/waits/config.json": json.dumps({"timeout": 60}),
}


@pytest.fixture
async def running(start_project):
    async with start_project(FILES) as suite:
        yield suite


@pytest.fixture
def suite(running):
    """The client on the loop of the suite itself: every call is awaited."""
    return Emulator(running.url)


def in_thread(work, *arguments):
    """Run as a program without a loop does, beside the loop of the suite."""
    return asyncio.to_thread(work, *arguments)


async def test_documents_files_and_reset(suite):
    order = {"_id": "a", "at": {"$date": "2026-01-02T03:04:05.000Z"}}
    assert await suite.seed({"orders": [order], "notes": []}) == {"orders": 1, "notes": 0}
    assert await suite.documents("orders") == [order]
    assert await suite.files("images/") == []
    await suite.reset()
    with pytest.raises(Refused) as refused:
        await suite.documents("orders")
    assert refused.value.code == "DATABASE_COLLECTION_NOT_EXIST"


async def test_the_same_calls_block_where_no_loop_runs(suite):
    def program():
        told = suite.invoke("note", {"a": 1}, openid="oAda")
        assert told["result"]["user"] == "oAda"
        with pytest.raises(Refused) as refused:
            suite.invoke("nobody")
        assert refused.value.code == "FUNCTION_NOT_FOUND"
        assert suite.logs(function="note")[0]["line"] == "noted"
        assert suite.requests(1)[0]["function"] == "note"
        return suite.info()["env"]

    assert await in_thread(program) == "demo-env"


async def test_the_clock_is_set_advanced_frozen_and_resumed(suite):
    await suite.seed({"notes": []})
    moment = datetime(2026, 1, 31, 9, tzinfo=UTC)
    assert (await suite.clock.set(moment))["now"].startswith("2026-01-31T09:00:00")
    assert (await suite.clock.freeze())["frozen"]
    assert (await suite.clock.advance("1d"))["fired"] == 24
    assert (await suite.clock.advance(timedelta(hours=2)))["fired"] == 2
    assert (await suite.clock.advance(3600))["fired"] == 1
    assert len(await suite.documents("notes")) == 27
    shown = await suite.clock.show()
    assert shown["now_ms"] == moment.timestamp() * 1000 + 27 * 3_600_000
    assert not (await suite.clock.resume())["frozen"]


async def test_triggers_hear_of_nothing_in_the_block(suite):
    await suite.seed({"orders": [], "notes": []})
    async with suite.triggers_disabled():
        async with suite.triggers_disabled():
            await suite.seed({"orders": [{"_id": 1}]}, triggers=True)
        await suite.seed({"orders": [{"_id": 2}]}, triggers=True)
        assert await suite.idle() == []
        assert await suite.documents("notes") == []
    await suite.seed({"orders": [{"_id": 3}]}, triggers=True)
    assert await suite.idle() == []
    assert len(await suite.documents("notes")) == 1


async def test_triggers_hear_again_whatever_the_block_ends_with(suite):
    def program():
        suite.seed({"orders": [], "notes": []})
        with pytest.raises(ValueError, match="stop"), suite.triggers_disabled():
            raise ValueError("stop")
        suite.seed({"orders": [{"_id": 1}]}, triggers=True)
        suite.idle()
        return suite.documents("notes")

    assert len(await in_thread(program)) == 1
    with pytest.raises(RuntimeError, match="async with"), suite.triggers_disabled():
        pass


async def test_idle_lists_what_still_runs(suite):
    waits = suite.invoke("waits")
    while not (left := await suite.idle(0)):
        pass
    assert any("waits" in each for each in left)
    await suite.invoke("waits", {"go": True})
    await waits
    assert await suite.idle() == []


async def test_triggers_are_listed_fired_and_paused(suite):
    await suite.seed({"notes": []})
    assert {each["trigger"] for each in await suite.triggers.list()} == {"hourly", "each"}
    assert (await suite.triggers.fire("note", "hourly"))["result"]["event"]["Type"] == "Timer"
    assert await suite.triggers.pause("note", "hourly") == {"paused": True}
    assert (await suite.clock.advance("1d"))["fired"] == 0
    assert await suite.triggers.resume("note", "hourly") == {"paused": False}
    assert await suite.triggers.failed() == []
    assert await suite.triggers.replay() == 0


async def test_users_are_made_chosen_and_removed(suite):
    before = await suite.users.list()
    ada = await suite.users.add("Ada", openid="oAda")
    assert ada["openid"] == "oAda"
    assert (await suite.users.use("oAda"))["current"]
    assert (await suite.users.sign_in(ada["uid"]))["access_token"]
    assert ada["uid"] in {each["uid"] for each in await suite.users.list()}
    await suite.users.remove(ada["uid"])
    assert {each["uid"] for each in await suite.users.list()} == {each["uid"] for each in before}
    assert await suite.inbox() == []


async def test_trace_metrics_usage_and_messages(suite):
    request_id = (await suite.invoke("note"))["request_id"]
    assert "note" in json.dumps(await suite.trace(request_id=request_id))
    assert 'cloud_emu_invocations_total{function="note",outcome="ok"} 1.0' in await suite.metrics()
    assert (await suite.usage())["meters"]["calls"]["total"] == 1
    assert await suite.messages() == []


async def test_new_lines_are_followed(suite):
    def program():
        lines = suite.follow("logs")
        suite.invoke("note")
        found = next(each for each in lines if each["line"] == "noted")
        lines.close()
        return found["function"]

    assert await in_thread(program) == "note"


async def test_a_suite_is_found_by_its_address_and_by_its_variable(suite, monkeypatch, tmp_path):
    assert connect(url=suite.url + "/").url == suite.url
    monkeypatch.setenv("CLOUD_EMU_URL", suite.url)
    assert connect().url == suite.url
    with pytest.raises(Refused) as refused:
        connect(tmp_path)
    assert refused.value.code == "NOT_RUNNING"
    with pytest.raises(Refused, match="no address of a suite"):
        connect(url="ftp://127.0.0.1")


async def test_nobody_who_answers_is_said(suite, running):
    await running.suite.stop()
    with pytest.raises(Refused) as refused:
        await suite.info()
    assert refused.value.code == "GONE"
    await running.suite.start()
