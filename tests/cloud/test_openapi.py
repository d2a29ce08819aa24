import pytest

from emulator import cloud
from emulator.core.openapi import CallOpenApi, Media, OpenApiAnswer
from emulator.services.openapi.calls import OpenApiDenied, OpenApiNotFound

OK = OpenApiAnswer(data={"errcode": 0, "errmsg": "ok", "msg_id": 5, "list": [{"some_key": 1}]})


@pytest.mark.parametrize(
    "call",
    [
        lambda: cloud.openapi.subscribeMessage.send({"touser": "o", "templateId": "t"}),
        lambda: cloud.openapi.subscribe_message.send(touser="o", template_id="t"),
    ],
    ids=["as-a-dict", "by-name"],
)
def test_a_call_goes_out_in_snake_case_and_comes_back_in_camel_case(bound, call):
    bound.answer(OK)
    assert call() == {
        "msgId": 5,
        "list": [{"someKey": 1}],
        "errMsg": "openapi.subscribeMessage.send:ok",
        "errCode": 0,
    }
    assert bound.transport.last == CallOpenApi(
        api="openapi.subscribeMessage.send", data={"touser": "o", "template_id": "t"}
    )


def test_nested_keys_are_turned_too_and_bytes_are_media(bound):
    bound.answer(OK)
    media = {"contentType": "image/png", "value": b"png"}
    cloud.openapi.some.name(
        {"lineColor": {"redPart": [1, {"inList": 2}]}, "from": 1, "media": media}
    )
    assert bound.transport.last.data == {
        "line_color": {"red_part": [1, {"in_list": 2}]},
        "from": 1,
        "media": Media(b"png", "media.png"),
    }


def test_a_file_comes_back_as_a_buffer(bound):
    bound.answer(OpenApiAnswer(content=b"png", content_type="image/png"))
    answer = cloud.openapi.wxacode.get(path="pages/index")
    assert (answer["contentType"], answer["buffer"], answer["errCode"]) == ("image/png", b"png", 0)


def test_what_wechat_refuses_is_an_error_with_its_number(bound):
    bound.answer(OpenApiAnswer(data={"errcode": 87014, "errmsg": "risky content"}))
    with pytest.raises(cloud.CloudError) as caught:
        cloud.openapi.security.msgSecCheck(content="x")
    assert caught.value.errCode == 87014
    assert caught.value.message == "openapi.security.msgSecCheck:fail risky content"


@pytest.mark.parametrize(
    ("fault", "number", "phrase"),
    [
        (OpenApiNotFound("no such"), -604100, "API not found"),
        (OpenApiDenied("not listed"), -604101, "function has no permission to call this API"),
    ],
)
def test_what_the_suite_refuses_has_the_platform_s_number(bound, fault, number, phrase):
    bound.answer(fault)
    with pytest.raises(cloud.CloudError) as caught:
        cloud.openapi.cloudbase.addPermission({})
    assert caught.value.errCode == number
    assert caught.value.message == (
        f"openapi.cloudbase.addPermission:fail {number} {phrase}. {fault.message}"
    )


@pytest.mark.parametrize("name", ["cloud_pay", "cloudPay"])
def test_payment_goes_the_same_way(bound, name):
    bound.answer(OK)
    getattr(cloud, name).unified_order({"outTradeNo": "1"})
    assert bound.transport.last == CallOpenApi(
        api="cloudPay.unifiedOrder", data={"out_trade_no": "1"}
    )


@pytest.mark.parametrize("options", [5, "text", [1]])
def test_anything_but_a_dict_is_refused(bound, options):
    with pytest.raises(cloud.CloudError, match="should be dict"):
        cloud.openapi.some.name(options)


def test_what_json_cannot_hold_is_named(bound):
    with pytest.raises(cloud.CloudError, match="data"):
        cloud.openapi.some.name({"data": {"a": object()}})


def test_a_name_has_no_magic_of_its_own():
    with pytest.raises(AttributeError):
        cloud.openapi.__wrapped__  # noqa: B018  # the look-up is the test


def test_the_names_for_another_app_are_the_same(bound):
    bound.answer(OK)
    cloud.openapi({"appid": "wx2"}).subscribeMessage.send({"touser": "o"})
    assert bound.transport.last.api == "openapi.subscribeMessage.send"


def test_a_signature_for_voices_is_asked_for(bound):
    bound.answer(OpenApiAnswer(data={"errcode": 0, "errmsg": "ok", "signature": "s"}))
    told = cloud.getVoIPSign({"groupId": "g", "nonce": "n", "timestamp": 1})
    assert told == {"signature": "s", "errMsg": "getVoIPSign:ok", "errCode": 0}
    assert bound.transport.last == CallOpenApi(
        api="getVoIPSign", data={"group_id": "g", "nonce": "n", "timestamp": 1}
    )
