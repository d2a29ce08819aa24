"""Open APIs and payment through a whole suite: front door, cloud object, control API."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from emulator.wire.openapi_messages import write_refusal

SEND = '{"touser": "oX", "template_id": "t", "data": {"thing1": {"value": "x"}}}'
FUNCTION = (
    "from emulator import cloud\n\n"
    "def main(event, context):\n"
    "    try:\n"
    "        return cloud.openapi.subscribeMessage.send(event)\n"
    "    except cloud.CloudError as error:\n"
    "        return error.errCode\n"
)
FILES = {
    "cloudfunctions/may/index.py": FUNCTION,
    "cloudfunctions/may/config.json": (
        '{"permissions": {"openapi": ["subscribeMessage.send", "nonsense"]}}'
    ),
    "cloudfunctions/may_not/index.py": FUNCTION,
    "cloudfunctions/paid/index.py": (
        "def main(event, context):\n"
        "    print(event['outTradeNo'])\n"
        "    return {'errcode': 0, 'errmsg': 'ok'}\n"
    ),
    ".emulator.toml": '[openapi]\nauto_pay = false\n[openapi.mocks."a.file"]\nfile = "f.bin"\n',
    "f.bin": "bytes",
}


class Api:
    def __init__(self, running: Any, session: aiohttp.ClientSession) -> None:
        self.running = running
        self.session = session

    async def form(self, **parts: str | bytes) -> tuple[str, bytes]:
        form = aiohttp.MultipartWriter("form-data")
        for name, value in parts.items():
            form.append(value).set_content_disposition("form-data", name=name)
        async with self.session.post(f"{self.running.url}/admin", data=form) as answer:
            assert answer.status == 200
            return answer.headers["Content-Type"], await answer.read()

    async def ask(self, action: str, **body: Any) -> dict[str, Any]:
        asked = {"action": action, **body}
        async with self.session.post(f"{self.running.url}/admin", json=asked) as answer:
            return json.loads(await answer.read())

    async def control(self, method: str, path: str, **options: Any) -> Any:
        async with self.session.request(method, self.running.url + path, **options) as answer:
            return answer.status, json.loads(await answer.read())


@pytest.fixture
async def api(start_project) -> AsyncIterator[Api]:
    async with start_project(FILES) as running, aiohttp.ClientSession() as session:
        yield Api(running, session)


async def test_a_refusal_is_a_protobuf_message_with_the_number(api: Api):
    kind, content = await api.form(action="wx.openApi", apiName="no.such", requestData=b"\x08\x00")
    assert (kind, content) == ("application/octet-stream", write_refusal(-604100))
    logs = api.running.suite.control.logs()
    assert any("-604100" in entry["line"] and "no.such" in entry["line"] for entry in logs)


async def test_a_message_that_is_none_is_the_usual_failure(api: Api):
    kind, content = await api.form(action="wx.openApi", apiName="a.b", requestData=b"\x12\x05a")
    assert kind == "application/json; charset=utf-8"
    assert json.loads(content)["code"] == "INVALID_PARAM"


async def test_an_unknown_svrkit_name_is_refused(api: Api):
    message = b"\x08\x02\x22\x03\x0a\x01x"
    _, content = await api.form(action="wx.openApi", apiName="x", requestData=message)
    assert content == write_refusal(-604100)


async def test_the_plain_action_answers_json_text(api: Api):
    told = await api.ask("wx.api", apiName="subscribeMessage.send", requestData=SEND)
    assert json.loads(told["data"]["responseData"])["errmsg"] == "ok"
    unknown = await api.ask("wx.api", apiName="no.such")
    assert json.loads(unknown["data"]["responseData"])["errcode"] == -604100
    for body in ({"requestData": "[1]"}, {"requestData": "{"}):
        refused = await api.ask("wx.api", apiName="a.b", **body)
        assert refused["code"] == "INVALID_PARAM"


async def test_the_plain_action_has_no_place_for_a_file(api: Api):
    told = await api.ask("wx.api", apiName="a.file")
    assert "answers a file" in told["message"]


async def test_an_order_waits_for_the_control_api(api: Api):
    order = {"body": "b", "out_trade_no": "n1", "spbill_create_ip": "::1", "total_fee": 5}
    asked = json.dumps({**order, "function_name": "paid"}).encode()
    kind, content = await api.form(
        action="wx.wxPayApi", apiName="unifiedOrder", requestData=asked, apiOptions=b""
    )
    assert kind == "text/plain; charset=utf-8"
    assert json.loads(content)["result_code"] == "SUCCESS"
    status, told = await api.control("POST", "/_emu/payments/n1")
    assert (status, told) == (200, {"out_trade_no": "n1", "trade_state": "SUCCESS"})
    assert [line["line"] for line in api.running.suite.control.logs(function="paid")] == ["n1"]
    status, told = await api.control("POST", "/_emu/payments/n1", json={"succeeds": False})
    assert (status, told["code"]) == (400, "INVALID_PARAM")
    _, messages = await api.control("GET", "/_emu/messages")
    assert [each["api"] for each in messages] == ["cloudPay.unifiedOrder", "cloudPay.notify"]
    assert messages[1]["result"]["answer"] == '{"errcode":0,"errmsg":"ok"}'
    assert (await api.control("GET", "/_emu/outbox"))[1] == messages
    await api.control("POST", "/_emu/reset")
    assert (await api.control("GET", "/_emu/messages"))[1] == []


async def test_an_order_may_name_a_function_that_is_not_there(api: Api):
    order = {"body": "b", "out_trade_no": "n2", "spbill_create_ip": "::1", "total_fee": 5}
    asked = json.dumps({**order, "function_name": "nobody"}).encode()
    await api.form(action="wx.wxPayApi", apiName="unifiedOrder", requestData=asked)
    await api.control("POST", "/_emu/payments/n2", json={"succeeds": True})
    told = api.running.suite.control.messages()[-1]
    assert "could not be found" in told["result"]["answer"]


@pytest.mark.parametrize("data", [b"[1]", b"{", b"\xff"])
async def test_payment_data_that_is_no_object_is_refused(api: Api, data: bytes):
    _, content = await api.form(action="wx.wxPayApi", apiName="queryOrder", requestData=data)
    assert json.loads(content)["code"] == "INVALID_PARAM"


async def test_a_function_needs_the_permission_of_its_configuration(api: Api):
    event = json.loads(SEND)
    sent = await api.running.invoke("may", event)
    assert sent["errMsg"] == "openapi.subscribeMessage.send:ok"
    assert await api.running.invoke("may_not", event) == -604101


async def test_other_actions_say_what_is_not_enabled(api: Api):
    event = json.dumps({"params": {"action": "RunMysqlCommand"}})
    for action, body in {
        "functions.invokeFunction": {
            "function_name": "lowcode-datasource",
            "request_data": event,
        },
    }.items():
        assert (await api.ask(action, **body))["code"] == "RESOURCE_NOT_INITIAL"


async def test_copies_tell_of_each_file(api: Api):
    asked = [{"src_path": "no", "dst_path": "x/no"}]
    told = await api.ask("storage.batchCopyFile", file_list=asked)
    assert told["data"]["copy_list"][0]["code"] == "STORAGE_FILE_NONEXIST"
    many = await api.ask("storage.batchCopyFile", file_list=asked * 51)
    assert many["code"] == "INVALID_PARAM"
    wrong = await api.ask("storage.batchCopyFile", file_list=["a"])
    assert wrong["code"] == "INVALID_PARAM"


async def test_a_user_is_asked_for_by_id(api: Api):
    told = await api.ask("auth.getUserInfoForAdmin", uuid="u1")
    assert told["data"]["uid"] == "u1"
    assert (await api.ask("auth.getUserInfoForAdmin"))["code"] == "INVALID_PARAM"
