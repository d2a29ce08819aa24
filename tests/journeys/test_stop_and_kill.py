"""A suite that is stopped, or killed at any moment."""

import asyncio
import contextlib
import json
import random
import signal
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientError

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

STOP_MAX_S = 2 + 3
"""Two seconds are promised; a busy machine is given some more."""
ROUNDS = 20
WRITERS = 4

BUSY = {
    "spins": "def main(event, context):\n    while True:\n        pass",
    "spinsAsync": "async def main(event, context):\n    while True:\n        pass",
    "sleeps": "import time\ndef main(event, context):\n    time.sleep(3600)",
    "waits": "import asyncio\nasync def main(event, context):\n    await asyncio.sleep(3600)",
    "leftThread": (
        "import threading, time\ndef main(event, context):\n"
        "    threading.Thread(target=time.sleep, args=(3600,)).start()\n    return 'done'"
    ),
}


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
async def test_stops_in_time_with_open_sockets_and_running_functions(world, how):
    world.write({**BUSY, "good": "def main(event, context):\n    return 'up'"}, timeout=60)
    client = world.client(await asyncio.to_thread(world.start))
    process = client.process
    assert await client.result("good") == "up"  # and its connection is kept open
    assert await client.result("leftThread") == "done"
    calls = [asyncio.create_task(client.call(name)) for name in BUSY if name != "leftThread"]
    calls += [asyncio.create_task(client.visit("waits")) for _ in range(3)]
    writers = []
    for url in (process.url, process.site_url):
        parts = urlsplit(url)
        for sent in (b"", b"GET / HT", b"POST /admin HTTP/1.1\r\nContent-Length: 9\r\n\r\n{"):
            _, writer = await asyncio.open_connection(parts.hostname, parts.port)
            writer.write(sent)
            await writer.drain()
            writers.append(writer)
    async with asyncio.timeout(20):
        while True:
            told = await idle_of(client)
            if len(told.get("running", ())) >= 4:
                break
    loop = asyncio.get_running_loop()
    begun = loop.time()
    process.popen.send_signal(how)
    code = await asyncio.to_thread(process.wait)
    took_s = loop.time() - begun
    for writer in writers:
        writer.close()
    await asyncio.gather(*calls, return_exceptions=True)
    assert took_s < STOP_MAX_S
    assert code == 0, world.log.read_text()
    assert "Traceback" not in world.log.read_text()


async def idle_of(client):
    async with client.http.get(f"{client.process.url}/_emu/idle?timeout_s=0") as response:
        return json.loads(await response.text())


async def test_killed_at_any_moment_nothing_acknowledged_is_lost(world):
    """Writers note what was acknowledged; after each kill all of it must be there again."""
    world.write({})
    chance = random.Random(7)
    acknowledged: dict[str, int] = {}
    for turn in range(ROUNDS):
        client = world.client(await asyncio.to_thread(world.start))
        if turn == 0:
            told = await client.admin("database.addCollection", collectionName="kept")
            assert "code" not in told, told
        await assert_all_there(client, acknowledged)
        writers = [
            asyncio.create_task(write(client, f"{turn}-{number}", acknowledged))
            for number in range(WRITERS)
        ]
        await asyncio.sleep(chance.random() * 0.3)
        client.process.popen.kill()
        await asyncio.gather(*writers)
        await asyncio.to_thread(client.process.wait)
    assert len(acknowledged) > ROUNDS


async def write(client, name, acknowledged):
    """Insert and update, one after the other, until the suite is gone."""
    with contextlib.suppress(ClientError, ConnectionError):
        for number in range(100_000):
            key = f"{name}-{number}"
            told = await client.admin(
                "database.insertDocument",
                collectionName="kept",
                data=[json.dumps({"_id": key, "n": 1})],
            )
            assert "code" not in told, told
            acknowledged[key] = 1
            told = await client.admin(
                "database.updateDocument",
                collectionName="kept",
                query=json.dumps({"_id": key}),
                data=json.dumps({"$inc": {"n": 1}}),
                multi=False,
                merge=True,
                upsert=False,
            )
            assert "code" not in told, told
            acknowledged[key] = 2


async def assert_all_there(client, acknowledged):
    async with client.http.get(f"{client.process.url}/_emu/collections/kept") as response:
        text = await response.text()
        assert response.status == 200, text
    found = {each["_id"]: each["n"] for each in documents_of(json.loads(text))}
    lost = {key: n for key, n in acknowledged.items() if found.get(key, 0) < n}
    assert not lost


def documents_of(told):
    return told["documents"] if isinstance(told, dict) else told
