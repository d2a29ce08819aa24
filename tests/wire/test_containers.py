"""callContainer: through a whole suite to a server of the test's own."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL


async def echo(request: web.Request) -> web.StreamResponse:
    if request.path.endswith("/big"):
        return web.Response(body=b"x" * 300_000)
    if request.path.endswith("/same"):
        return web.Response(body=await request.read())
    if request.path.endswith("/none"):
        return web.Response(status=204)
    if request.path.endswith("/who"):
        said = request.headers
        told = {"service": said.get("X-WX-SERVICE"), "env": said.get("X-WX-ENV")}
        return web.json_response({"user": said.getall("X-WX-OPENID", []), **told})
    if request.path.endswith("/away"):
        raise web.HTTPFound("/elsewhere")
    told = {
        "method": request.method,
        "path": request.raw_path,
        "body": (await request.read()).decode(),
        "header": request.headers.get("X-Own", ""),
    }
    return web.json_response(told, status=201, headers={"X-Back": "yes"})


@pytest.fixture
async def ask(start_project) -> AsyncIterator[Any]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", echo)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        files = {
            ".emulator.toml": (
                f'[containers]\nshop = "http://127.0.0.1:{server.port}/base"\n'
                'gone = "http://127.0.0.1:1"\n'
            )
        }
        async with start_project(files) as running:

            async def ask(method: str, path: str, **options: Any) -> tuple[int, Any, Any]:
                url = URL(f"{running.url}{path}", encoded=True)
                options = {"allow_redirects": False, **options}
                async with session.request(method, url, **options) as answer:
                    return answer.status, answer.headers, await answer.read()

            yield ask


async def test_a_request_goes_to_the_address_and_its_answer_comes_back(ask):
    status, headers, body = await ask(
        "POST", "/v1/cloudrun/shop/a%20b/c?d=%2F", data=b'{"n":1}', headers={"X-Own": "1"}
    )
    assert status == 201
    assert headers["X-Back"] == "yes"
    assert headers["x-cloudbase-request-id"]
    assert json.loads(body) == {
        "method": "POST",
        "path": "/base/a%20b/c?d=%2F",
        "body": '{"n":1}',
        "header": "1",
    }


@pytest.mark.parametrize("path", ["", "/"])
async def test_a_path_may_be_missing(ask, path: str):
    status, _, body = await ask("GET", f"/v1/cloudrun/shop{path}")
    assert (status, json.loads(body)["path"]) == (201, f"/base{path}")


async def test_a_container_hears_who_asks(ask):
    given = {"X-WX-OPENID": "oForged", "X-WX-SERVICE": "shop"}
    for user in ("oAda", ""):
        headers = {**given, **({"x-emu-openid": user} if user else {})}
        told = json.loads((await ask("GET", "/v1/cloudrun/shop/who", headers=headers))[2])
        assert told["user"] == [user or "oForged"]
        assert told["service"] == "shop"
        assert told["env"] == ("demo-env" if user else None)
    token = {"Authorization": "Bearer for-the-server-itself"}
    told = json.loads((await ask("GET", "/e/demo-env/v1/cloudrun/shop/who", headers=token))[2])
    assert told["user"] == []


async def test_bytes_go_there_and_back(ask):
    content = bytes(range(256)) * 4
    status, headers, body = await ask("POST", "/v1/cloudrun/shop/same", data=content)
    assert (status, body) == (200, content)
    assert headers["Content-Type"] == "application/octet-stream"
    assert (await ask("POST", "/v1/cloudrun/shop/none", data=b""))[0] == 204


async def test_answers_may_be_large_empty_or_lead_elsewhere(ask):
    assert len((await ask("GET", "/v1/cloudrun/shop/big"))[2]) == 300_000
    assert (await ask("HEAD", "/v1/cloudrun/shop/x"))[0] == 201
    status, headers, _ = await ask("GET", "/v1/cloudrun/shop/away")
    assert (status, headers["Location"]) == (302, "/elsewhere")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/cloudrun/none/x", 404, "SERVICE_NOT_FOUND"),
        ("/v1/cloudrun/gone/x", 404, "SERVICE_NOT_FOUND"),
        ("/v1/model/prod/x/list", 400, "RESOURCE_NOT_INITIAL"),
        ("/v1/rdb/rest/t", 400, "RESOURCE_NOT_INITIAL"),
    ],
)
async def test_what_cannot_be_reached_is_said(ask, path: str, status: int, code: str):
    found, _, body = await ask("POST", path, data=b"{}")
    told = json.loads(body)
    assert (found, told["code"]) == (status, code)
    assert told["message"]


async def test_a_page_of_another_origin_is_refused(ask):
    status, _, _ = await ask(
        "GET", "/v1/cloudrun/shop/x", headers={"Origin": "http://evil.example"}
    )
    assert status == 403
