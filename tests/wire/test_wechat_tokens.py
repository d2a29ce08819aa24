"""Access tokens of WeChat's server HTTP API, over real sockets."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

ASKED = {"grant_type": "client_credential", "appid": "wx1", "secret": "s"}


class Api:
    def __init__(self, running: Any, session: aiohttp.ClientSession) -> None:
        self.running = running
        self.session = session

    async def post(self, path: str, **options: Any) -> dict[str, Any]:
        async with self.session.post(self.running.url + path, **options) as answer:
            return json.loads(await answer.read())

    async def stable(self, **more: Any) -> dict[str, Any]:
        return await self.post("/cgi-bin/stable_token", json={**ASKED, **more})


@pytest.fixture
async def api(start_project) -> AsyncIterator[Api]:
    async with start_project({".emulator.toml": ""}) as running, aiohttp.ClientSession() as session:
        yield Api(running, session)


async def test_the_stable_token_is_the_same_while_it_lasts(api: Api):
    first = await api.stable()
    assert first["expires_in"] == 7200
    assert (await api.stable(appid="wx2"))["access_token"] != first["access_token"]
    api.running.clock.advance(1000)
    again = await api.stable()
    assert again["access_token"] == first["access_token"]
    assert 6190 < again["expires_in"] <= 6200
    forced = await api.stable(force_refresh=True)
    assert forced["access_token"] != first["access_token"]
    assert (await api.stable())["access_token"] == forced["access_token"]
    api.running.clock.advance(7200)
    assert (await api.stable())["access_token"] != forced["access_token"]
    assert (await api.post("/cgi-bin/stable_token", json={}))["errcode"] == 40002


async def test_a_token_may_be_asked_for_with_a_form(api: Api):
    assert (await api.post("/cgi-bin/token", data=ASKED))["expires_in"] == 7200
    without = {key: value for key, value in ASKED.items() if key != "secret"}
    assert (await api.post("/cgi-bin/token", data=without))["errcode"] == 41004


async def test_what_is_for_providers_is_not_for_a_mini_program(api: Api):
    told = await api.post("/componenttcb/dbrecord?access_token=t", json={"env": "e"})
    assert told["errcode"] == 48001
