"""The open APIs on the environment: calls for later, texts, open data, signatures."""

import json
from typing import Any

import pytest

from emulator.core.errors import InvalidParam
from emulator.services.openapi.calls import Answer, Call
from emulator.services.openapi.environment import PHONE_NUMBERS_MAX, Environment
from emulator.services.openapi.people import People
from emulator.services.openapi.settings import OpenApiSettings

ORDER = {"env": "e", "function_name": "echo", "delay_time": 10, "data": '{"test":true}'}
TEXT = {"env": "e", "phone_number_list": ["+8613800138000"], "content": "hello"}


class World:
    """The APIs, and what was ordered."""

    def __init__(self) -> None:
        self.orders: list[tuple[str, Any, int]] = []
        people = People(OpenApiSettings(), appid="wx1", now_ms=lambda: 5_000)
        self._handlers = Environment(people, self._order, lambda: 5_000).handlers()

    def _order(self, name: str, event: Any, delay_s: int) -> None:
        if delay_s < 6:
            raise InvalidParam("delay_time is 6 to 2592000 s")
        self.orders.append((name, event, delay_s))

    def call(self, api: str, data: dict[str, Any]) -> Answer:
        name = f"cloudbase.{api}"
        return self._handlers[name](Call(api=name, data=data, request_id="request-1"))


@pytest.mark.parametrize(
    ("data", "event"),
    [
        (ORDER, {"test": True}),
        ({**ORDER, "data": "[1]"}, [1]),
        ({**ORDER, "data": ""}, {}),
        ({key: value for key, value in ORDER.items() if key != "data"}, {}),
    ],
)
def test_a_call_is_ordered_for_later_with_its_event(data: dict[str, Any], event: Any):
    world = World()
    assert world.call("addDelayedFunctionTask", data).errcode == 0
    assert world.orders == [("echo", event, 10)]


@pytest.mark.parametrize(
    ("change", "errcode"),
    [
        ({"function_name": ""}, 40101),
        ({"delay_time": None}, 40101),
        ({"delay_time": "10"}, 40101),
        ({"delay_time": 5}, -501007),
        ({"data": "{'test\":true}"}, 47001),
        ({"data": {"test": True}}, 47001),
    ],
)
def test_an_order_that_says_nothing_of_use_is_refused(change: dict[str, Any], errcode: int):
    world = World()
    assert world.call("addDelayedFunctionTask", {**ORDER, **change}).errcode == errcode
    assert world.orders == []


@pytest.mark.parametrize("api", ["sendSms", "sendSmsV2"])
def test_a_text_goes_to_each_number_of_the_mainland(api: str):
    numbers = ["+8613800138000", "13800138001", 5]
    told = World().call(api, {**TEXT, "phone_number_list": numbers}).data
    assert told["errcode"] == 0
    assert [each["code"] for each in told["send_status_list"]] == [
        "Ok",
        "FailedOperation.PhoneNumberInvalid",
        "FailedOperation.PhoneNumberInvalid",
    ]
    assert [each["phone_number"] for each in told["send_status_list"]] == [
        "+8613800138000",
        "13800138001",
        "5",
    ]


@pytest.mark.parametrize(
    ("change", "errcode"),
    [
        ({"phone_number_list": None}, 40101),
        ({"phone_number_list": []}, 40101),
        ({"phone_number_list": ["+86"] * (PHONE_NUMBERS_MAX + 1)}, -501007),
        ({"content": "长" * 31}, -501007),
    ],
)
def test_a_text_that_cannot_be_sent_is_refused(change: dict[str, Any], errcode: int):
    assert World().call("sendSms", {**TEXT, **change}).errcode == errcode


def test_open_data_is_text_that_is_parsed_once_more():
    told = World().call("getOpenData", {"openid": "o", "cloudid_list": ["c1", "c2", 3]}).data
    assert [each["cloud_id"] for each in told["data_list"]] == ["c1", "c2"]
    inside = json.loads(told["data_list"][0]["json"])
    assert inside["cloudID"] == "c1"
    assert inside["data"]["phoneNumber"] == "13800138000"
    assert World().call("getOpenData", {}).errcode == 40101


def test_a_signature_is_of_what_it_signs():
    room = {"group_id": "g", "timestamp": 1, "nonce": "n"}
    first = World().call("getVoIPSign", room).data["signature"]
    assert first == World().call("getVoIPSign", room).data["signature"]
    assert first != World().call("getVoIPSign", {**room, "nonce": "m"}).data["signature"]


def test_texts_can_be_asked_for_afterwards():
    world = World()
    for number in ("+8613800138000", "+8613800138001", "5"):
        world.call("sendSms", {**TEXT, "phone_number_list": [number]})
    days = {"EnvId": "e", "StartDate": "1970-01-01", "EndDate": "1970-01-01"}
    told = world.call("describeSmsRecords", {"PostData": days}).data
    assert told["TotalCount"] == 3
    assert told["SmsRecords"][0]["Status"] == "error"
    assert told["SmsRecords"][1] == {
        "Mobile": "+8613800138001",
        "Content": "hello",
        "ContentSize": 5,
        "Fee": 1,
        "CreateTime": "1970-01-01 08:00:05",
        "ReceivedTime": "1970-01-01 08:00:05",
        "Status": "sent",
        "Remarks": "send success",
    }
    paged = {**days, "PageNumber": 2, "PageSize": 2}
    assert len(world.call("describeSmsRecords", paged).data["SmsRecords"]) == 1
    as_the_sdk_sends = {"start_date": "1970-01-01", "end_date": "1970-01-02", "mobile": "5"}
    assert world.call("describeSmsRecords", as_the_sdk_sends).data["TotalCount"] == 1
    assert world.call("describeSmsRecords", {**days, "EndDate": "1969"}).data["SmsRecords"] == []
    for wrong in ({}, {"PostData": 5}, {**days, "EndDate": 5}):
        assert world.call("describeSmsRecords", wrong).errcode == -501007


@pytest.mark.parametrize(
    ("api", "errcode"),
    [
        ("createSendSmsTask", -601028),
        ("describeExtensionUploadInfo", -501007),
        ("getStatistics", 10011),
        ("report", 0),
    ],
)
def test_what_is_not_bought_is_told_with_the_pages_number(api: str, errcode: int):
    assert World().call(api, {"env": "e"}).errcode == errcode
