"""The guide's client code through `wx-cloud.js`, in a page of Chromium of another origin."""

import json
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.client.conftest import client_suite

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(120),
    pytest.mark.asyncio(loop_scope="session"),
]

__all__ = ["client_suite"]
GUIDE = Path(__file__).parent / "guide.js"
HEADS = {
    "module": '<script type="module" src="{url}/_emu/sdk/wx-cloud.js"></script>',
    "script": '<script src="{url}/_emu/sdk/wx-cloud.cjs"></script>',
}


@pytest.mark.parametrize("kind", HEADS)
async def test_every_client_block_of_the_guide_runs(page, client_suite, kind):
    head = HEADS[kind].format(url=client_suite.url)
    html = f"<!doctype html><meta charset=utf-8><link rel=icon href=data:,>{head}<p>a page"

    async def page_of(request: web.Request) -> web.StreamResponse:
        return web.Response(text=html, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page_of)
    async with TestServer(app) as server:
        await page.goto(str(server.make_url("/")))
        await page.wait_for_function("() => globalThis.wx && globalThis.wx.cloud")
        told = await page.evaluate(GUIDE.read_text(encoding="utf-8"), kind)
    assert told == {
        "init": True,
        "added": "string",
        "one": "Data",
        "between": 2,
        "complex": [40, 30],
        "updated": [1, 26, "Beijing"],
        "removed": 1,
        "function": "John Doe",
        "top": [{"_id": "p1", "totalSales": 30, "count": 2}],
        "watched": [["init", 0], ["enqueue", 1]],
        "file": ["cloud", 100, True, True, 0],
        "batch": [0, -503003],
        "batch_deleted": [0, -503003],
        "openid": "string",
        "alipay": 1,
        "uni": 1,
    }, json.dumps(told)
