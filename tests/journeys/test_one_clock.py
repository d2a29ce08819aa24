"""Everything that knows the time knows the suite's: one turn of the clock moves all of it."""

import asyncio
import json
from datetime import datetime

import aiohttp
import pytest

from emulator.core.commands import (
    CommitTransaction,
    CreateIndex,
    Insert,
    StartTransaction,
    TemporaryUrls,
    UploadFile,
)
from emulator.core.errors import EmulatorError
from emulator.core.values import Date
from emulator.services.caller import ADMINISTRATOR, Caller

FILES = {
    "functions/note/index.py": (
        "from emulator import cloud\n"
        "cloud.init()\n"
        "def main(event, context):\n"
        "    cloud.database().collection('notes').add(\n"
        "        data={'why': event.get('why'), 'at': cloud.database().server_date()})\n"
    ),
    "functions/note/config.json": json.dumps({}),
    **{
        f"functions/{name}/index.py": (
            "from emulator import cloud\n"
            "cloud.init()\n"
            f"{kind} main(event, context):\n"
            f"    {wait}cloud.database().collection('fired').add(\n"
            f"        data={{'_id': '{name} ' + event['Time'],\n"
            "              'at': cloud.database().server_date()})\n"
        )
        for name, kind, wait in (("sooner", "def", ""), ("later", "async def", "await "))
    },
    **{
        f"functions/{name}/config.json": json.dumps(
            {"triggers": [{"name": "timer", "type": "timer", "config": f"{second} * 9 * * * *"}]}
        )
        for name, second in (("sooner", 0), ("later", 30))
    },
}
DAY_MS = 86_400_000


@pytest.fixture
async def running(start_project):
    async with start_project(FILES) as suite:
        await suite.seed({"notes": [], "sessions": [], "fired": []})
        yield suite


def execute(running, command, caller=ADMINISTRATOR):
    return running.suite.parts.executor.execute(command, caller)


async def advance(running, milliseconds):
    return await running.suite.parts.clockwork.advance(milliseconds)


async def test_documents_expire_on_the_way(running):
    now_ms = running.suite.clock.now_ms()
    await execute(
        running, CreateIndex(collection="sessions", keys=(("until", 1),), expire_after_s=3600)
    )
    documents = [{"_id": name, "until": Date(now_ms + after)} for name, after in
                 (("today", 0), ("tomorrow", DAY_MS), ("later", 3 * DAY_MS))]  # fmt: skip
    await execute(running, Insert(collection="sessions", documents=documents))
    left = []
    for _ in range(3):
        await advance(running, DAY_MS)
        left.append([each["_id"] for each in await running.documents("sessions")])
    assert left == [["tomorrow", "later"], ["later"], ["later"]]


async def test_delayed_call_is_made_at_its_moment_and_awaited(running):
    parts = running.suite.parts
    start_ms = running.suite.clock.now_ms()
    for delay_s in (7200, 60):
        caller = Caller(kind="administrator", source="wx_http")
        parts.delayed.order("note", {"why": delay_s}, delay_s, caller)
    await advance(running, DAY_MS)
    notes = await running.documents("notes")
    told = [(each["why"], int(each["at"]["$date"]["$numberLong"]) - start_ms) for each in notes]
    assert told == [(60, 60_000), (7200, 7_200_000)]


async def test_timers_whose_functions_write_are_called_in_order_at_their_moments(running):
    start_ms = running.suite.clock.now_ms()
    assert await advance(running, DAY_MS) == 120
    fired = await running.documents("fired")
    moments = [int(each["at"]["$date"]["$numberLong"]) for each in fired]
    assert moments == sorted(moments)
    assert moments == list(range(moments[0], moments[0] + 3_600_000, 30_000))
    assert moments[0] >= start_ms
    for at, each in zip(moments, fired, strict=True):
        name, _, told = each["_id"].partition(" ")
        assert name == ("sooner" if at % 60_000 == 0 else "later")
        assert round(datetime.fromisoformat(told).timestamp() * 1000) == at


async def test_time_stops_when_who_turned_it_has_left(running):
    async with aiohttp.ClientSession(running.url) as session:
        turning = asyncio.create_task(session.post("/_emu/clock", json={"advance": "36500d"}))
        start_ms = running.suite.clock.now_ms()
        while running.suite.clock.now_ms() == start_ms:
            await asyncio.sleep(0)
        turning.cancel()
        await asyncio.gather(turning, return_exceptions=True)
        async with session.post("/_emu/clock", json={"freeze": True}) as response:
            shown = await response.json()
    assert start_ms < shown["now_ms"] < start_ms + 36_500 * DAY_MS
    assert running.suite.clock.now_ms() == shown["now_ms"]


async def test_open_transaction_ends_by_the_clock(running):
    transaction = await execute(running, StartTransaction())
    await advance(running, 60_000)
    with pytest.raises(EmulatorError):
        await execute(running, CommitTransaction(transaction_id=transaction))


async def test_temporary_urls_expire_by_the_clock(running):
    stored = await execute(running, UploadFile(cloud_path="a.txt", content=b"a"))
    (url,) = await execute(running, TemporaryUrls(files=((stored.file_id, 3600),)))
    async with aiohttp.ClientSession() as session:
        async with session.get(url.url) as response:
            assert (response.status, await response.read()) == (200, b"a")
        await advance(running, 2 * 3_600_000)
        async with session.get(url.url) as response:
            assert response.status == 403


async def test_logs_bear_the_suites_time(running):
    await advance(running, 30 * DAY_MS)
    called = await running.call("note")
    (first, *_) = running.suite.control.requests(1)
    assert first["request_id"] == called["request_id"]
    assert first["at_ms"] == running.suite.clock.now_ms() == 1_700_000_000_000 + 30 * DAY_MS
