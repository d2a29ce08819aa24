"""The open APIs as a service: tables of calls and answers, permissions, mocks, the outbox."""

import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from emulator.ambient import CountedIds, ManualClock
from emulator.core.errors import ConfigurationError
from emulator.core.openapi import CallOpenApi, Media
from emulator.services.caller import ADMINISTRATOR, Caller
from emulator.services.openapi.calls import OpenApiDenied, OpenApiNotFound
from emulator.services.openapi.checks import PICTURE_SIZE_MAX_BYTES, TEST_TEXT
from emulator.services.openapi.outbox import MESSAGES_MAX, Outbox
from emulator.services.openapi.payment import Payments
from emulator.services.openapi.service import OpenApi
from emulator.services.openapi.settings import Mock, OpenApiSettings
from emulator.services.users import Users
from emulator.services.wechat_users import WechatUsers
from emulator.stores.memory import MemoryDocumentStore

INSIDE = Caller(kind="administrator", request_id="request-1")


def make(settings: OpenApiSettings | None = None, *, allowed: Any = None) -> OpenApi:
    clock, ids = ManualClock(), CountedIds()

    async def notify(name: str, event: dict[str, Any]) -> None:
        raise AssertionError("no order names a function here")

    made = settings or OpenApiSettings()
    payments = Payments(appid="wx1", clock=clock, ids=ids, auto_pay=made.auto_pay, notify=notify)
    store = MemoryDocumentStore()
    users = WechatUsers(Users(store, clock=clock, ids=ids), store, env_id="demo", appid="wx1")
    openapi = OpenApi(
        made,
        appid="wx1",
        users=users,
        clock=clock,
        outbox=Outbox(clock),
        payments=payments,
        openid_of=lambda request_id: "oServed" if request_id == "served" else "",
        permissions=lambda request_id: allowed if request_id else None,
        log=lambda line, request_id: lines.append((line, request_id)),
        order=lambda name, event, delay_s: orders.append((name, event, delay_s)),
    )
    lines: list[tuple[str, str]] = []
    orders: list[tuple[str, Any, int]] = []
    openapi.orders = orders  # type: ignore[attr-defined]
    openapi.lines = lines  # type: ignore[attr-defined]
    return openapi


MESSAGE = {"touser": "o", "template_id": "t", "data": {"thing1": {"value": "x"}}}
TEXT = {"touser": "o", "msgtype": "text", "text": {"content": "hi"}}


@pytest.mark.parametrize(
    ("api", "data", "errcode"),
    [
        ("subscribeMessage.send", MESSAGE, 0),
        ("subscribeMessage.send", {**MESSAGE, "touser": ""}, 40003),
        ("subscribeMessage.send", {**MESSAGE, "template_id": None}, 40037),
        ("subscribeMessage.send", {**MESSAGE, "miniprogram_state": "alpha"}, 47003),
        ("subscribeMessage.send", {**MESSAGE, "data": {"thing1": {"value": "x" * 21}}}, 47003),
        ("subscribeMessage.addTemplate", {"tid": "401"}, 0),
        ("subscribeMessage.addTemplate", {}, 200014),
        ("subscribeMessage.getTemplateList", {}, 0),
        ("subscribeMessage.getCategory", {}, 0),
        ("templateMessage.send", {**MESSAGE, "form_id": "f"}, 0),
        ("templateMessage.send", MESSAGE, 41028),
        ("subscribeMessage.getPubTemplateTitleList", {"ids": "2", "start": 0, "limit": 1}, 0),
        ("subscribeMessage.getPubTemplateKeyWordsById", {"tid": "99"}, 0),
        ("uniformMessage.send", {}, 40003),
        ("uniformMessage.send", {"touser": "o"}, 47001),
        ("uniformMessage.send", {"touser": "o", "weapp_template_msg": {}}, 40037),
        (
            "uniformMessage.send",
            {"touser": "o", "weapp_template_msg": {"template_id": "t"}},
            41028,
        ),
        ("uniformMessage.send", {"touser": "o", "mp_template_msg": {"template_id": "t"}}, 40013),
        (
            "uniformMessage.send",
            {"touser": "o", "mp_template_msg": {"appid": "a", "template_id": "t"}},
            0,
        ),
        ("auth.getPaidUnionId", {"openid": "o"}, 0),
        ("auth.getPaidUnionId", {}, 40003),
        ("customerServiceMessage.send", TEXT, 0),
        ("customerServiceMessage.send", {**TEXT, "msgtype": "poem"}, 40008),
        ("customerServiceMessage.send", {**TEXT, "text": {}}, 44004),
        ("customerServiceMessage.send", {**TEXT, "touser": ""}, 40003),
        ("customerServiceMessage.setTyping", {"command": "Typing", "touser": "o"}, 0),
        ("customerServiceMessage.setTyping", {"command": "Typing"}, 40003),
        ("customerServiceMessage.setTyping", {"command": "Sleep"}, 45072),
        ("customerServiceMessage.uploadTempMedia", {"media": "text"}, 41005),
        ("customerServiceMessage.getTempMedia", {"media_id": "none"}, 40007),
        ("wxacode.get", {}, 40159),
        ("wxacode.get", {"path": "p" * 1025}, 40159),
        ("wxacode.getUnlimited", {"scene": "s" * 33}, 40169),
        ("wxacode.getUnlimited", {"scene": "中"}, 40169),
        ("wxacode.getUnlimited", {"scene": "a", "page": "/pages/x"}, 41030),
        ("wxacode.getUnlimited", {"scene": "a", "env_version": "beta"}, 40097),
        ("urlscheme.generate", {}, 0),
        ("security.msgSecCheck", {"content": "fine"}, 0),
        ("security.msgSecCheck", {"content": TEST_TEXT}, 87014),
        ("security.msgSecCheck", {"content": ""}, 44002),
        ("security.msgSecCheck", {"content": "x" * 500_001}, 45002),
        ("security.msgSecCheck", {"content": "x", "version": 2}, 40003),
        ("security.msgSecCheck", {"content": "x", "version": "2"}, 40003),
        ("security.msgSecCheck", {"content": "x" * 2_501, "version": 2, "openid": "o"}, 45002),
        ("security.msgSecCheck", {"content": "x", "version": 2, "openid": "o"}, 40097),
        ("security.imgSecCheck", {"media": Media(b"png")}, 0),
        ("security.imgSecCheck", {}, 41005),
        ("security.imgSecCheck", {"media": Media(b"x" * (PICTURE_SIZE_MAX_BYTES + 1))}, 40006),
        ("security.mediaCheckAsync", {"media_url": "http://x"}, 0),
        ("security.mediaCheckAsync", {}, 40097),
        ("security.mediaCheckAsync", {"media_url": "u", "version": 2, "scene": 1}, 40003),
        ("security.mediaCheckAsync", {"media_url": "u", "version": 2, "openid": "o"}, 40097),
        (
            "security.mediaCheckAsync",
            {"media_url": "u", "version": 2, "openid": "o", "scene": 1},
            0,
        ),
        ("phonenumber.getPhoneNumber", {"code": "c"}, 0),
        ("phonenumber.getPhoneNumber", {}, 40029),
        ("auth.code2Session", {"js_code": "c"}, 0),
        ("auth.code2Session", {}, 41008),
        ("cloudbase.addPermission", {"env": "e"}, 0),
        ("cloudbase.addDelayedFunctionTask", {"function_name": "f", "delay_time": 9}, 0),
        ("cloudbase.sendSms", {"phone_number_list": ["+8613800138000"], "content": "x"}, 0),
        ("riskControl.getUserRiskRank", {"openid": "o", "scene": 1}, 0),
        ("riskControl.getUserRiskRank", {"scene": 1}, 40003),
        ("shortlink.generate", {"page_url": "pages/x"}, 0),
        ("updatableMessage.createActivityId", {}, 0),
    ],
)
def test_an_api_answers_with_wechat_s_number(api: str, data: dict[str, Any], errcode: int):
    answer = make().call(api, data, ADMINISTRATOR)
    assert answer.errcode == errcode
    assert bool(answer.data["errmsg"])


def picture_size(content: bytes) -> tuple[int, int]:
    """Return the size of a PNG after checking that every part of it is whole."""
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    at, size = 8, (0, 0)
    while at < len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        kind, data = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        (check,) = struct.unpack(">I", content[at + 8 + length : at + 12 + length])
        assert check == zlib.crc32(kind + data)
        if kind == b"IHDR":
            size = struct.unpack(">II", data[:8])
        at += 12 + length
    return size


@pytest.mark.parametrize(
    ("api", "data", "width"),
    [
        ("wxacode.get", {"path": "pages/index?a=1"}, 430),
        ("wxacode.createQRCode", {"path": "pages/index", "width": 1000}, 1000),
        ("wxacode.getUnlimited", {"scene": "a=1", "page": "pages/x", "width": 5}, 280),
        (
            "wxacode.getUnlimited",
            {"scene": "a", "line_color": {"r": "255", "g": 0, "b": "x"}, "is_hyaline": True},
            430,
        ),
    ],
)
def test_a_code_is_a_whole_picture_of_the_width(api: str, data: dict[str, Any], width: int):
    answer = make().call(api, data, ADMINISTRATOR)
    assert answer.content is not None
    assert answer.content_type == "image/png"
    across, high = picture_size(answer.content)
    assert across == high
    assert across == width


def test_different_pages_have_different_codes():
    openapi = make()
    first, second = (
        openapi.call("wxacode.get", {"path": path}, ADMINISTRATOR).content for path in ("a", "b")
    )
    assert first != second


def test_uploaded_media_comes_back():
    openapi = make()
    upload = {"type": "image", "media": Media(b"picture", "a.png")}
    told = openapi.call("customerServiceMessage.uploadTempMedia", upload, ADMINISTRATOR).data
    answer = openapi.call(
        "customerServiceMessage.getTempMedia", {"media_id": told["media_id"]}, ADMINISTRATOR
    )
    assert answer.content == b"picture"


def test_the_second_version_of_the_text_check_gives_a_verdict():
    openapi = make(OpenApiSettings(risky_words=("bad",)))
    asked = {"version": 2, "openid": "o", "scene": 1}
    for content, suggest in (("good", "pass"), ("so bad", "risky")):
        told = openapi.call("security.msgSecCheck", {**asked, "content": content}, ADMINISTRATOR)
        assert told.data["result"]["suggest"] == suggest


def test_pictures_are_as_risky_as_the_project_says():
    openapi = make(OpenApiSettings(images="risky"))
    answer = openapi.call("security.imgSecCheck", {"media": Media(b"x")}, ADMINISTRATOR)
    assert answer.errcode == 87014


def test_known_templates_make_others_unknown_and_their_fields_wanted():
    openapi = make(OpenApiSettings(templates={"t": ("thing1", "date2")}))
    send = "subscribeMessage.send"
    assert openapi.call(send, {**MESSAGE, "template_id": "u"}, ADMINISTRATOR).errcode == 40037
    missing = openapi.call(send, MESSAGE, ADMINISTRATOR)
    assert missing.data["errmsg"] == "argument invalid! data.date2.value is empty"
    (listed,) = openapi.call("subscribeMessage.getTemplateList", {}, ADMINISTRATOR).data["data"]
    assert listed["pri_tmpl_id"] == "t"
    assert "{{date2.DATA}}" in listed["content"]


def test_a_function_may_call_what_its_configuration_lists_and_no_more():
    openapi = make(allowed=("wxacode.get",))
    assert openapi.call("wxacode.get", {"path": "p"}, INSIDE).content
    with pytest.raises(OpenApiDenied) as caught:
        openapi.call("subscribeMessage.send", MESSAGE, INSIDE)
    assert "permissions.openapi" in caught.value.hint
    openapi.tell(caught.value, INSIDE)
    assert openapi.lines[0][1] == "request-1"  # type: ignore[attr-defined]
    assert openapi.call("cloudbase.addPermission", {}, INSIDE).errcode == 0
    assert openapi.call("subscribeMessage.send", MESSAGE, ADMINISTRATOR).errcode == 0


def test_permissions_need_not_be_enforced():
    openapi = make(OpenApiSettings(enforce_permissions=False), allowed=())
    assert openapi.call("subscribeMessage.send", MESSAGE, INSIDE).errcode == 0


def test_an_unknown_api_is_refused_with_near_ones():
    with pytest.raises(OpenApiNotFound) as caught:
        make().call("wxacode.gett", {}, ADMINISTRATOR)
    assert "wxacode.get" in caught.value.hint
    assert '[openapi.mocks."wxacode.gett"]' in caught.value.hint


def test_a_mock_comes_before_everything(tmp_path: Path):
    file = tmp_path / "code.jpg"
    file.write_bytes(b"jpeg")
    openapi = make(
        OpenApiSettings(
            mocks={
                "ocr.idcard": Mock(data={"name": "x"}),
                "wxacode.get": Mock(file=file, content_type="image/jpeg"),
                "subscribeMessage.send": Mock(data={"errcode": 43101, "errmsg": "refused"}),
                "wxacode.createQRCode": Mock(file=tmp_path / "gone"),
            }
        )
    )
    assert openapi.call("ocr.idcard", {}, ADMINISTRATOR).data["name"] == "x"
    assert openapi.call("wxacode.get", {}, ADMINISTRATOR).content == b"jpeg"
    assert openapi.call("subscribeMessage.send", {}, ADMINISTRATOR).errcode == 43101
    with pytest.raises(ConfigurationError, match="gone"):
        openapi.call("wxacode.createQRCode", {}, ADMINISTRATOR)


def test_the_outbox_keeps_calls_with_their_answers_newest_last():
    openapi = make()
    openapi.call("security.imgSecCheck", {"media": Media(b"png", "a.png")}, INSIDE)
    openapi.call("wxacode.get", {"path": "p", "more": ["x" * 20_000]}, ADMINISTRATOR)
    first, second = openapi.outbox.messages()
    assert first["data"] == {"media": {"file_name": "a.png", "size_bytes": 3}}
    assert first["result"] == {"errcode": 0, "errmsg": "ok"}
    assert first["request_id"] == "request-1"
    assert first["at"].endswith("Z")
    assert second["result"]["contentType"] == "image/png"
    assert len(second["data"]["more"][0]) == 10_000
    openapi.clear()
    assert openapi.outbox.messages() == []


def test_the_outbox_has_a_bound():
    openapi = make()
    for number in range(MESSAGES_MAX + 5):
        openapi.call("search.submitPages", {"n": number}, ADMINISTRATOR)
    kept = openapi.outbox.messages()
    assert (len(kept), kept[0]["data"]) == (MESSAGES_MAX, {"n": 5})


async def test_the_cloud_object_reaches_all_families():
    openapi = make(OpenApiSettings(open_data={"nickName": "x"}))
    called = await openapi.carry_out(
        CallOpenApi(api="openapi.search.submitPages", data={}), ADMINISTRATOR
    )
    assert called.errcode == 0
    found = await openapi.carry_out(
        CallOpenApi(api="getOpenData", data={"list": ["c1", 5]}), ADMINISTRATOR
    )
    (item,) = found.data["list"]
    assert (item["cloudID"], item["data"]["nickName"]) == ("c1", "x")
    assert item["data"]["watermark"]["appid"] == "wx1"
    queried = await openapi.carry_out(
        CallOpenApi(api="cloudPay.queryOrder", data={}), ADMINISTRATOR
    )
    assert queried.data["err_code"] == "ORDERNOTEXIST"
    signed = await openapi.carry_out(
        CallOpenApi(api="getVoIPSign", data={"group_id": "g"}), ADMINISTRATOR
    )
    assert signed.data["signature"]
    with pytest.raises(OpenApiNotFound, match="createTicket"):
        await openapi.carry_out(CallOpenApi(api="createTicket", data={}), ADMINISTRATOR)


def test_an_activity_lasts_a_day_from_now():
    told = make().call("updatableMessage.createActivityId", {}, ADMINISTRATOR).data
    assert told["expiration_time"] == ManualClock().now_ms() // 1000 + 86_400


async def test_a_function_asks_for_the_user_it_serves():
    openapi = make()
    inside = Caller(kind="administrator", source="wx_client,scf", request_id="served")
    order = {"body": "b", "out_trade_no": "1", "spbill_create_ip": "127.0.0.1", "total_fee": 1}
    await openapi.pay("unifiedOrder", order, inside)
    found = await openapi.pay("queryOrder", {"out_trade_no": "1"}, inside)
    assert found.data["trade_state"] == "NOTPAY"
    paid = await openapi.payments.settle("1", succeeds=True)
    assert paid.openid == "oServed"


def test_each_message_has_a_number_of_its_own():
    openapi = make()
    numbers = [
        openapi.call("subscribeMessage.send", MESSAGE, INSIDE).data["msgid"] for _ in range(3)
    ]
    assert len(set(numbers)) == 3
