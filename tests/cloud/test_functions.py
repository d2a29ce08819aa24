from datetime import UTC, datetime

import pytest

from emulator import cloud
from emulator.core.commands import Called, CallFunction
from emulator.core.errors import FunctionFailed, FunctionNotFound


@pytest.mark.parametrize(
    "call",
    [
        lambda: cloud.call_function(name="greet", data={"at": datetime(2026, 1, 2, tzinfo=UTC)}),
        lambda: cloud.callFunction(
            {"name": "greet", "data": {"at": datetime(2026, 1, 2, tzinfo=UTC)}}
        ),
    ],
    ids=["by-name", "as-a-dict"],
)
def test_a_function_is_called_with_json_data(bound, call):
    bound.answer(Called(result=b'{"hello": [1, null]}', request_id="request-1"))
    assert call() == {
        "result": {"hello": [1, None]},
        "errMsg": "callFunction:ok",
        "requestID": "request-1",
    }
    assert bound.transport.last == CallFunction(
        name="greet", event={"at": "2026-01-02T00:00:00.000Z"}
    )


def test_a_call_without_data_sends_an_empty_object(bound):
    bound.answer(Called(result=b"null", request_id="request-1"))
    assert cloud.call_function(name="greet")["result"] is None
    assert bound.transport.last.event == {}


@pytest.mark.parametrize(
    ("text", "result"),
    [(b'"5"', 5), (b'"hello"', "hello"), (b'"{\\"a\\": 1}"', {"a": 1}), (b"not json", "not json")],
)
def test_text_that_is_json_is_read_once_more_as_the_sdks_do(bound, text, result):
    bound.answer(Called(result=text, request_id="request-1"))
    assert cloud.call_function(name="greet")["result"] == result


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (FunctionFailed("Error: boom"), "-504002 functions execute fail. "),
        (FunctionNotFound("no function greet"), "-501001 resource system error. "),
    ],
)
def test_a_failed_call_is_an_error(bound, fault, text):
    bound.answer(fault)
    with pytest.raises(cloud.CloudError) as caught:
        cloud.call_function(name="greet")
    assert caught.value.message == f"callFunction:fail {text}{fault.message}"


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: cloud.call_function(), "parameter.name must be given"),
        (lambda: cloud.call_function(name=5), "parameter.name should be str instead of int"),
        (lambda: cloud.call_function(name="x", data="s"), "parameter.data should be dict"),
        (lambda: cloud.call_function(name="x", data={"a": b""}), r"data\.a cannot hold .*bytes"),
    ],
)
def test_wrong_arguments_are_named(bound, call, text):
    with pytest.raises(cloud.CloudError, match=text):
        call()
