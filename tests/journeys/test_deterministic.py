"""Two runs with the same seed give the same bytes."""

import json
import shutil

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


SCENARIO = {
    **FILES,
    "functions/upload/index.py": (
        "from emulator import cloud\n"
        "cloud.init()\n"
        "async def main(event, context):\n"
        "    name = f\"images/{event['number']}.txt\"\n"
        "    content = b'x' * event['number']\n"
        "    stored = await cloud.upload_file(cloud_path=name, file_content=content)\n"
        "    await cloud.database().collection('orders').doc(event['id']).update(\n"
        "        data={'file': stored['fileID']})\n"
        "    nested = await cloud.call_function(name='shop', data={})\n"
        "    return [stored['fileID'], nested['result']]\n"
    ),
    "functions/stored/index.py": (
        "from emulator import cloud\n"
        "cloud.init()\n"
        "def main(event, context):\n"
        "    cloud.database().collection('notes').add(data={'event': event})\n"
    ),
    "functions/stored/config.json": json.dumps(
        {
            "runtime": "process",
            "triggers": [
                {
                    "name": "put",
                    "type": "storage",
                    "config": {"prefix": "images/", "operations": ["put"]},
                }
            ],
        }
    ),
    "functions/page/index.js": (
        "exports.main = async (event, context) => {\n"
        "  console.log('called by', event.dataList ? 'a trigger' : 'a visitor')\n"
        "  return { request: context.request_id, left: typeof context.environment }\n"
        "}\n"
    ),
    "functions/page/config.json": json.dumps(
        {"triggers": [{"name": "notes", "type": "database", "config": {"collection": "notes"}}]}
    ),
    "functions/fails/index.py": "def main(event, context):\n    raise ValueError('no more')\n",
    "functions/fails/config.json": json.dumps(
        {
            "triggers": [
                {"name": "at", "type": "timer", "config": "30 30 * * * * *"},
                {"name": "each", "type": "database", "config": {"collection": "failing"}},
            ]
        }
    ),
}


async def scenario(project, data_dir):
    """Return what a run answered and left: documents, files, logs, spans, figures, its folder."""
    given = {"port": 0, "site_port": 0, "data_dir": data_dir, "deterministic": 7}
    suite = Suite(load_config(project, given))
    await suite.start()
    told = {}
    try:
        async with aiohttp.ClientSession(suite.urls["api"]) as session:

            async def ask(method, path, body=None):
                async with session.request(method, f"/_emu{path}", json=body) as response:
                    told[len(told), path] = answer = await response.read()
                    assert response.status < 400, answer
                    return answer

            empty = {name: [] for name in ("orders", "notes", "failing")}
            await ask("POST", "/seed", {"collections": empty})
            await ask("POST", "/users", {"name": "Ada", "openid": "oAda"})
            keys = {"keys": {"at": 1}}
            await ask("POST", "/collections/orders/indexes", keys)
            orders = json.loads(await ask("POST", "/functions/shop/invoke", {"openid": "oAda"}))
            for number in range(5):
                event = {"number": number, "id": orders["result"]["id"]}
                await ask("POST", "/functions/upload/invoke", {"event": event, "openid": "oAda"})
            await ask("POST", "/functions/page/invoke", {"openid": "oAda"})
            failing = {"failing": [{"_id": "a"}, {"_id": "b"}]}
            await ask("POST", "/seed", {"collections": failing, "triggers": True})
            await ask("GET", "/idle?timeout_s=30")
            await ask("POST", "/clock", {"advance": "6h"})
            await ask("GET", "/idle?timeout_s=30")
            for path in (
                *("/collections/orders", "/collections/notes", "/storage", "/users", "/triggers"),
                *("/logs?limit=10000", "/requests?limit=1000", "/reads", "/dead-letters"),
                *("/trace?limit=10000&form=otlp", "/trace?limit=10000&form=tree"),
                *("/metrics", "/usage", "/clock"),
                *(
                    "/collections/orders/export?format=jsonl",
                    "/collections/notes/export?format=csv",
                ),
            ):
                await ask("GET", path)
    finally:
        await suite.stop()
    for path in sorted(data_dir.rglob("*")):
        if path.is_file():
            told["folder", path.relative_to(data_dir).as_posix()] = path.read_bytes()
    shutil.rmtree(data_dir)
    return told


async def test_a_whole_scenario_leaves_the_same_bytes_twice(tmp_path):
    project = tmp_path / "project"
    for name, text in SCENARIO.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    first = await scenario(project, tmp_path / "data")
    second = await scenario(project, tmp_path / "data")
    assert first.keys() == second.keys()
    for name, answer in first.items():
        assert answer == second[name], name
    assert any(name[0] == "folder" for name in first)
    spans = next(answer for name, answer in first.items() if "otlp" in name[1])
    for kind in (b"timer at", b"trigger each", b"trigger put", b"upload", b"shop"):
        assert kind in spans, kind
