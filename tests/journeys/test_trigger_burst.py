"""A burst of writes: every change calls its function once, and idle means that all were called."""

import json
from collections import Counter

import aiohttp

FILES = {
    "functions/heard/index.py": (
        "seen = []\n"
        "def main(event, context):\n"
        "    if event.get('tell'):\n"
        "        return seen\n"
        "    seen.extend((each['docId'], each['doc']['n']) for each in event['dataList'])\n"
    ),
    "functions/heard/config.json": json.dumps(
        {"triggers": [{"name": "each", "type": "database", "config": {"collection": "orders"}}]}
    ),
    "functions/burst/index.py": (
        "from emulator import cloud\n"
        "cloud.init()\n"
        "async def main(event, context):\n"
        "    orders = cloud.database().collection('orders')\n"
        "    for n in range(event['count']):\n"
        "        await orders.add(data={'_id': str(n), 'n': n})\n"
        "        if n % 10 == 0:\n"
        "            await orders.doc(str(n)).update(data={'n': n + 1})\n"
    ),
    "functions/burst/config.json": json.dumps({"timeout": 60}),
}
COUNT = 1_000


async def test_none_is_lost_none_is_doubled_and_idle_is_when_all_were_called(start_project):
    async with (
        start_project(FILES) as running,
        aiohttp.ClientSession(running.url) as session,
    ):
        await running.seed({"orders": []})
        await running.invoke("burst", {"count": COUNT})
        async with session.get("/_emu/idle", params={"timeout_s": 60}) as response:
            assert await response.json() == {"idle": True}
        seen = await running.invoke("heard", {"tell": True})
    expected = [(str(n), n) for n in range(COUNT)]
    expected += [(str(n), n + 1) for n in range(0, COUNT, 10)]
    assert Counter(map(tuple, seen)) == Counter(expected)
    updated = [n for document, n in seen if document == "10"]
    assert updated == [10, 11], "changes of one document come in order"
