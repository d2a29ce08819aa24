"""httpOverCallFunction: requests inside a call, through a whole suite."""

import json
from typing import Any

import aiohttp
import pytest

CLOUD = "https://demo.api.tcloudbasegateway.com"
DOCUMENTS = "/v1/database/instances/(default)/databases/(default)/collections/notes/documents"


@pytest.fixture
async def call(start_project):
    async with start_project({".emulator.toml": ""}) as running, aiohttp.ClientSession() as session:
        await running.seed({"notes": []})

        async def call(openid: str = "oAda", **data: Any) -> Any:
            body = {
                "action": "functions.invokeFunction",
                "function_name": "httpOverCallFunction",
                "request_data": json.dumps(data),
            }
            headers = {"x-emu-openid": openid} if openid else {}
            async with session.post(f"{running.url}/web", json=body, headers=headers) as answer:
                told = await answer.json()
            data = told.get("data", {})
            return json.loads(data["response_data"]) if "response_data" in data else told

        yield call


async def test_a_request_is_carried_out_as_the_caller(call):
    url = CLOUD + DOCUMENTS
    made = await call(url=url, method="post", body=json.dumps({"data": [{"_id": "a", "n": 1}]}))
    assert (made["statusCode"], made["body"]) == (201, {"insertedIds": ["a"]})
    seen = await call(url=f"{url}?limit=1", method="GET", headers={"origin": "https://x.example"})
    assert seen["body"]["list"][0] == {"_id": "a", "n": 1, "_openid": "oAda"}
    assert seen["headers"]["content-type"].startswith("application/json")
    assert (await call("oBob", url=url))["body"]["list"] == []


async def test_a_body_may_be_data_and_a_failure_is_told(call):
    told = await call(url=CLOUD + DOCUMENTS, method="POST", body={"data": []})
    assert (told["statusCode"], told["body"]["code"]) == (400, "INVALID_PARAM")
    told = await call(url=f"{CLOUD}/v1/rdb/rest/t")
    assert (told["statusCode"], told["body"]["code"]) == (400, "RESOURCE_NOT_INITIAL")


@pytest.mark.parametrize(
    "data",
    [
        {"url": f"{CLOUD}/_emu/stop", "method": "POST"},
        {"url": f"{CLOUD}/v1/%2e%2e/_emu/stop", "method": "POST"},
        {"url": f"{CLOUD}/v1x/", "method": "GET"},
        {"url": "http://[", "method": "GET"},
        {"url": f"{CLOUD}/v1/x", "method": "CONNECT"},
        {"method": "GET"},
        {"url": ""},
    ],
)
async def test_nothing_but_the_gateway_is_asked(call, data: dict[str, Any]):
    told = await call(**data)
    assert told["code"] == "INVALID_PARAM"
    assert told["message"]
