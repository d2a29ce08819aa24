"""What is too large to go into a function or come out is refused, at the very byte."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.core.errors import RequestTooLarge
from emulator.core.limits import PROFILES, WECHAT
from emulator.functions.base import Outcome
from emulator.services.caller import Caller
from emulator.services.payloads import (
    GROWTH_MAX,
    bounded,
    require_asynchronous_event,
    require_event,
    size_of,
)

ADMIN = Caller(kind="administrator")
USER = Caller(kind="user", openid="oAda", source="wx_client")
KIB, MIB = 1024, 1024 * 1024


def event_of(size_bytes: int) -> dict[str, str]:
    return {"text": "x" * (size_bytes - len(orjson.dumps({"text": ""})))}


def test_event_may_have_six_mebibytes_and_no_byte_more():
    require_event("f", event_of(6 * MIB), ADMIN, WECHAT)
    with pytest.raises(RequestTooLarge, match="the event of f has 6,291,457 bytes") as refused:
        require_event("f", event_of(6 * MIB + 1), ADMIN, WECHAT)
    assert refused.value.code == "INVALID_PARAM"
    assert "upload" in refused.value.hint


def test_call_that_nobody_waits_for_takes_less():
    require_asynchronous_event("f", 128 * KIB, WECHAT)
    with pytest.raises(RequestTooLarge, match="an asynchronous event may have 131,072"):
        require_asynchronous_event("f", 128 * KIB + 1, WECHAT)


def test_what_triggers_tell_is_not_bounded():
    trigger = Caller(kind="administrator", source="wx_trigger")
    require_event("f", event_of(7 * MIB), trigger, WECHAT)


@pytest.mark.parametrize(
    ("event", "size"), [(None, 4), ("文", 5), ({"a": 2**70}, 29), ([1.5, True], 10)]
)
def test_size_is_that_of_the_json_text(event, size):
    assert size_of(event) == size


@pytest.mark.parametrize(
    ("profile", "caller", "passes"),
    [
        ("wechat", USER, False),
        ("wechat", ADMIN, True),
        ("wechat", Caller(kind="user", source="wx_client,scf"), True),
        ("cloudbase", USER, True),
        ("alipay", USER, True),
    ],
)
def test_mini_programs_are_answered_a_mebibyte(profile, caller, passes):
    limits = PROFILES[profile]
    large = Outcome(result=b"x" * (MIB + 1), failure=None, duration_ms=1.0)
    found = bounded(large, caller, limits)
    assert (found.failure is None) is passes
    if not passes:
        assert found.result == b"null"
        assert found.failure.kind == "result"
        assert found.failure.message.startswith("-604001: the result has 1,048,577 bytes")
    fitting = Outcome(result=b"x" * MIB, failure=None, duration_ms=1.0)
    assert bounded(fitting, caller, limits) is fitting


@pytest.mark.parametrize(
    "text", ["9e15", "[1e15,1E9]", '"\\u4e2d"', '"\U0001f600"', "1e-5", '{"a":1e2}', "0e0"]
)
def test_text_that_is_read_and_written_again_grows_within_the_bound(text):
    assert size_of(orjson.loads(text)) <= len(text) * GROWTH_MAX


@given(st.recursive(st.floats(allow_nan=False) | st.integers() | st.text(), st.lists))
def test_no_value_grows_beyond_the_bound(value):
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    assert size_of(json.loads(text)) <= len(text) * GROWTH_MAX


@pytest.mark.parametrize("surplus", [0, 1])
def test_event_is_measured_when_its_text_may_have_been_too_long(surplus):
    event = event_of(6 * MIB + surplus)
    sent = len(orjson.dumps(event))
    if surplus:
        with pytest.raises(RequestTooLarge):
            require_event("f", event, ADMIN, WECHAT, sent_characters=sent)
    else:
        require_event("f", event, ADMIN, WECHAT, sent_characters=sent)
