"""The bounds on events and results, over the ways in and for each kind of runtime."""

import io
import json

import pytest
from aiohttp import ClientSession

MIB = 1024 * 1024
PYTHON = "def main(event, context): return 'x' * event.get('n', 0) if 'n' in event else len(event)"
NODE = "exports.main = (e) => 'n' in e ? 'x'.repeat(e.n) : Object.keys(e).length"
PROCESS = json.dumps({"runtime": "process", "timeout": 20})
FILES = {
    "functions/inline/index.py": PYTHON,
    "functions/process/index.py": PYTHON,
    "functions/process/config.json": PROCESS,
    "functions/node/index.js": NODE,
    "functions/node/config.json": '{"timeout": 20}',
    "functions/caller/index.py": (
        "from emulator import cloud\ndef main(event, context):\n    try:\n"
        "        cloud.call_function(name='inline', data={'a': 'x' * event['size']})\n"
        "    except cloud.CloudError as fault:\n        return [fault.code, fault.err_code]\n"
    ),
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", ["inline", "process", "node"])
async def test_every_runtime_keeps_to_the_bounds(start_project, name):
    async with start_project(FILES) as it, ClientSession() as http:
        url = f"{it.url}/_emu/functions/{name}/invoke"

        async def call(event, **options):
            body = io.BytesIO(json.dumps({"event": event, **options}).encode())
            async with http.post(url, data=body) as answer:
                return answer.status, await answer.json()

        status, told = await call({"a": "x" * (6 * MIB - 100)}, source="scf")
        assert (status, told["result"]) in ((200, 1), (200, 2))
        status, told = await call({"a": "x" * 6 * MIB})
        assert (status, told["code"]) == (413, "INVALID_PARAM")
        assert "6,291,456" in told["message"]
        status, told = await call({"a": "x" * 128 * 1024}, asynchronous=True)
        assert (status, told["code"]) == (413, "INVALID_PARAM")
        status, told = await call({"n": 6 * MIB - 2}, source="scf")
        assert len(told["result"]) == 6 * MIB - 2
        status, told = await call({"n": 6 * MIB - 1}, source="scf")
        assert told["error"]["kind"] == "result"
        status, told = await call({"n": MIB}, openid="oAda")
        assert told["error"]["message"].startswith("-604001")
        await it.idle()


async def test_call_by_a_function_is_refused_with_the_clouds_code(start_project):
    async with start_project(FILES) as it:
        assert await it.invoke("caller", {"size": 6 * MIB}) == ["INVALID_PARAM", -501007]
        assert await it.invoke("caller", {"size": 100}) is None


DEEP = "exports.main = (e) => { let at = []; while (e.n-- > 0) at = [at]; return at }"


async def test_result_that_nests_too_deeply_to_be_shown_is_told_to_be(start_project):
    files = {"functions/deep/index.js": DEEP}
    async with start_project(files) as it, ClientSession() as http:
        for levels, kind in [(200, None), (300, "result"), (600, "result"), (1_500, "result")]:
            url = f"{it.url}/_emu/functions/deep/invoke"
            async with http.post(url, json={"event": {"n": levels}}) as answer:
                told = await answer.json()
                assert (answer.status, told.get("error", {}).get("kind")) == (200, kind)
