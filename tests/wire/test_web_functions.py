"""HTTP functions through the gateway: what is passed on, who asks, what is not for them."""

import shutil
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

TELL = """
import json


def main(event, context):
    told = {key: event[key] for key in ("httpMethod", "path", "queryStringParameters", "body")}
    told["openid"] = event["headers"].get("x-wx-openid")
    headers = {"Content-Type": "application/json", "X-Told": "yes"}
    return {"statusCode": 201, "headers": headers, "body": json.dumps(told)}
"""
PIECES = """
def main(event, context):
    return {"statusCode": 200, "body": (f"piece {n};" for n in range(3))}
"""
SERVER = """
const http = require('http')
http.createServer((request, answer) => answer.end(`${request.method} ${request.url}`)).listen(9000)
"""
FILES = {
    "functions/tell/index.py": TELL,
    "functions/pieces/index.py": PIECES,
    "functions/fails/index.py": "def main(event, context):\n    raise ValueError('out of paper')\n",
    "functions/server/scf_bootstrap": "#!/bin/bash\nnode index.js\n",
    "functions/server/index.js": SERVER,
}
MEANT = {"X-Tcb-Webfn": "true"}
PAGE = "https://somewhere.example"


@pytest.fixture
async def session(start_project: Any) -> AsyncIterator[aiohttp.ClientSession]:
    async with (
        start_project(FILES) as running,
        aiohttp.ClientSession(running.url, headers={"x-emu-openid": "oAda"}) as session,
    ):
        yield session


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/tell?webfn=true", "/"),
        ("/tell/?webfn=true", "/"),
        ("/tell/a/%E4%B8%AD?webfn=true", "/a/中"),
        ("/tell/tell?webfn=TRUE", "/tell"),
    ],
)
async def test_a_request_is_passed_on(
    session: aiohttp.ClientSession, method: str, path: str, told: str
):
    for start in ("/v1/functions", "/e/demo-env/v1/functions"):
        async with session.request(method, f"{start}{path}&a=1", data=b"x") as answer:
            assert (answer.status, answer.headers["X-Told"]) == (201, "yes")
            assert answer.headers["X-Request-Id"]
            heard = await answer.json()
        assert (heard["httpMethod"], heard["path"], heard["body"]) == (method, told, "x")
        assert heard["queryStringParameters"]["a"] == "1"


async def test_the_header_says_it_as_well(session: aiohttp.ClientSession):
    async with session.post("/v1/functions/tell/x", headers=MEANT) as answer:
        assert (await answer.json())["path"] == "/x"


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node: install Node.js 18+")
async def test_a_program_that_listens_hears_the_rest_of_the_path(session: aiohttp.ClientSession):
    for path, told in (("/server", "/?webfn=true"), ("/server/api/users", "/api/users?webfn=true")):
        async with session.get(f"/v1/functions{path}?webfn=true") as answer:
            assert await answer.text() == f"GET {told}"
    async with session.post("/v1/functions/server", json={}) as answer:
        assert answer.status == 400
        assert "webfn=true" in (await answer.json())["message"]


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://localhost:5173"}])
async def test_a_body_comes_in_pieces(session: aiohttp.ClientSession, headers: dict[str, str]):
    async with session.post("/v1/functions/pieces?webfn=true", headers=headers) as answer:
        assert await answer.text() == "piece 0;piece 1;piece 2;"
        assert answer.headers.get("Access-Control-Allow-Origin") == headers.get("Origin")


async def test_it_knows_who_asks(session: aiohttp.ClientSession):
    headers = {"x-wx-openid": "oForged"}
    for method in ("GET", "POST"):
        path = "/v1/functions/tell?webfn=true"
        async with session.request(method, path, headers=headers) as answer:
            assert (await answer.json())["openid"] == "oAda"
        bad = {"Authorization": "Bearer nonsense"}
        async with session.request(method, path, headers=bad) as answer:
            assert answer.status == 401
            assert (await answer.json())["code"]


async def test_nobody_may_not_call(session: aiohttp.ClientSession):
    for method in ("GET", "POST"):
        path = "/v1/functions/tell?webfn=true"
        async with session.request(method, path, headers={"x-emu-openid": ""}) as answer:
            assert (answer.status, (await answer.json())["code"]) == (403, "EXCEED_AUTHORITY")


async def test_pages_of_any_origin_may_ask(session: aiohttp.ClientSession):
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "PUT"}
    async with session.options("/v1/functions/tell/x?webfn=true", headers=asked) as answer:
        assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (204, PAGE)
    for path in ("/tell", "/nothing"):
        headers = {"Origin": PAGE, "x-emu-openid": "", **MEANT}
        async with session.put(f"/v1/functions{path}", headers=headers) as answer:
            assert answer.headers["Access-Control-Allow-Origin"] == PAGE


async def test_what_is_not_there_has_the_gateway_s_code(session: aiohttp.ClientSession):
    for method in ("GET", "POST"):
        async with session.request(method, "/v1/functions/nothing?webfn=true") as answer:
            assert (answer.status, (await answer.json())["code"]) == (404, "FUNCTION_NOT_FOUND")
    async with session.post("/v1/functions/tell/below", json={}) as answer:
        assert (answer.status, (await answer.json())["code"]) == (404, "INVALID_PATH")


async def test_a_function_that_fails_has_the_gateway_s_code(session: aiohttp.ClientSession):
    for method in ("GET", "POST"):
        async with session.request(method, "/v1/functions/fails?webfn=true") as answer:
            assert answer.content_type == "application/json"
            told = await answer.json()
        assert (answer.status, told["code"]) == (400, "FUNCTION_INVOCATION_FAILED")
        assert "out of paper" in told["message"]


async def test_other_calls_are_as_before(session: aiohttp.ClientSession):
    async with session.post("/v1/functions/tell?webfn=false", json={}) as answer:
        assert answer.status == 400  # an event has no httpMethod
    async with session.get("/v1/functions/tell") as answer:
        assert answer.status == 404


async def test_environments_and_versions_are_looked_at(start_project: Any):
    files = {**FILES, ".emulator.toml": "[emulator]\nstrict = true\n"}
    async with start_project(files) as running, aiohttp.ClientSession(running.url) as session:
        for method in ("GET", "POST"):
            path = "/v1/functions/tell?webfn=true"
            async with session.request(method, f"/e/prod-1{path}") as answer:
                assert (answer.status, (await answer.json())["code"]) == (400, "INVALID_ENV")
            headers = {"X-Qualifier": "9"}
            async with session.request(method, path, headers=headers) as answer:
                assert (await answer.json())["code"] == "FUNCTION_QUALIFIER_NOT_FOUND"
