"""Data models, SQL and AI: asked of the project's own servers where it names them."""

import json
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

FAR = {"Origin": "https://elsewhere.example"}


def server(name: str) -> TestServer:
    async def echo(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/stream"):
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            for piece in ("data: 1\n\n", "data: [DONE]\n\n"):
                await response.write(piece.encode())
            return response
        told = {"path": request.raw_path, "body": (await request.read()).decode()}
        return web.json_response({"server": name, **told})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", echo)
    return TestServer(app)


@pytest.fixture
async def ask(start_project):
    async with server("ai") as ai, server("own") as own, aiohttp.ClientSession() as session:
        config = f"""
[services]
ai = "http://127.0.0.1:{ai.port}/base"
"ai/own-model" = "http://localhost:{own.port}"
sql = "http://127.0.0.1:1"
"""
        async with start_project({".emulator.toml": config}) as running:

            async def ask(method: str, path: str, **options: Any) -> tuple[int, Any]:
                async with session.request(method, f"{running.url}{path}", **options) as answer:
                    text = await answer.text()
                    return answer.status, json.loads(text) if text[:1] == "{" else text

            yield ask


@pytest.mark.parametrize(
    ("path", "server", "asked"),
    [
        ("/v1/ai/deepseek/chat?a=1", "ai", "/base/deepseek/chat?a=1"),
        ("/v1/ai/own-model/x", "own", "/x"),
        ("/v1/ai/own-models", "ai", "/base/own-models"),
        ("/v1/ai", "ai", "/base"),
        ("/e/local/v1/ai/x", "ai", "/base/x"),
    ],
)
async def test_the_longest_path_decides(ask, path: str, server: str, asked: str) -> None:
    status, told = await ask("POST", path, data=b"{}")
    assert (status, told) == (200, {"server": server, "path": asked, "body": "{}"})


async def test_a_stream_goes_through(ask) -> None:
    assert await ask("GET", "/v1/ai/stream") == (200, "data: 1\n\ndata: [DONE]\n\n")


async def test_who_does_not_answer_is_said(ask) -> None:
    status, told = await ask("POST", "/v1/sql/prod/t/run", json={})
    assert (status, told["code"]) == (404, "SERVICE_NOT_FOUND")
    assert "service sql at http://127.0.0.1:1 did not answer" in told["message"]


async def test_what_is_not_named_is_not_enabled(ask) -> None:
    status, told = await ask("POST", "/v1/model/prod/post/list", json={})
    assert (status, told["code"]) == (400, "RESOURCE_NOT_INITIAL")


async def test_pages_from_elsewhere_sign_in_first(ask) -> None:
    status, told = await ask("POST", "/v1/ai/x", json={}, headers=FAR)
    assert (status, told["code"]) == (403, "INVALID_REQUEST_SOURCE")
