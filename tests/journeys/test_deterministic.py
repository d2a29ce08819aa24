"""Two runs with the same seed give the same bytes."""

import json

import aiohttp
import pytest

from emulator.config import load_config
from emulator.suite import Suite

FILES = {
    "functions/shop/index.py": (
        "from emulator import cloud\n"
        "cloud.init()\n"
        "def main(event, context):\n"
        "    db = cloud.database()\n"
        "    added = db.collection('orders').add(data={'at': db.server_date()})\n"
        "    print('made', added['_id'])\n"
        "    return {'id': added['_id'], 'request': context['request_id']}\n"
    ),
    "functions/shop/config.json": json.dumps(
        {"triggers": [{"name": "hourly", "type": "timer", "config": "0 0 * * * * *"}]}
    ),
    "functions/heard/index.py": (
        "from emulator import cloud\n"
        "cloud.init()\n"
        "def main(event, context):\n"
        "    for each in event['dataList']:\n"
        "        cloud.database().collection('notes').add(data={'of': each['docId']})\n"
    ),
    "functions/heard/config.json": json.dumps(
        {"triggers": [{"name": "each", "type": "database", "config": {"collection": "orders"}}]}
    ),
}


async def run(project, seed):
    """Return everything a run answered, as bytes."""
    given = {"port": 0, "site_port": 0, "ephemeral": True, "deterministic": seed}
    suite = Suite(load_config(project, given))
    await suite.start()
    answers = []
    try:
        async with aiohttp.ClientSession(suite.urls["api"]) as session:

            async def ask(method, path, body=None):
                async with session.request(method, f"/_emu{path}", json=body) as response:
                    answers.append(await response.read())

            await ask("POST", "/seed", {"collections": {"orders": [], "notes": []}})
            for _ in range(3):
                await ask("POST", "/functions/shop/invoke", {"openid": "oAda"})
            await ask("POST", "/clock", {"advance": "12h"})
            await ask("GET", "/idle")
            for name in ("orders", "notes"):
                await ask("GET", f"/collections/{name}")
            await ask("GET", "/logs")
            await ask("GET", "/requests")
    finally:
        await suite.stop()
    return b"\n".join(answers)


@pytest.fixture
def project(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


async def test_two_runs_give_the_same_bytes_and_another_seed_others(project):
    first = await run(project, 1)
    assert b'"fired":12' in first
    assert first.count(b'"of":') == 15
    assert await run(project, 1) == first
    assert await run(project, 2) != first
