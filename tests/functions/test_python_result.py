"""Results as JSON text."""

import enum
import json
import uuid
from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.core.values import (
    Binary,
    Date,
    Int64,
    ObjectId,
    Regex,
    ServerDate,
)
from emulator.functions.python_result import RESPONSE_MAX_BYTES, NotJson, to_json

Pair = namedtuple("Pair", "a b")


class Colour(enum.Enum):
    RED = "red"


class Text(str):
    __slots__ = ()


@dataclass
class Point:
    x: int
    at: Date


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(None, "null", id="none"),
        pytest.param({"a": [1, 2.5, True, "x"]}, '{"a":[1,2.5,true,"x"]}', id="plain"),
        pytest.param("好", '"好"', id="text"),
        pytest.param((1, (2,)), "[1,[2]]", id="tuples"),
        pytest.param(Pair(1, 2), "[1,2]", id="named tuple"),
        pytest.param(float("nan"), "null", id="not a number"),
        pytest.param([float("inf")], "[null]", id="infinity"),
        pytest.param({"n": float("nan"), 1: 2}, '{"n":null,"1":2}', id="not a number, mended"),
        pytest.param(["a\ud800"], '["a\\ufffd"]', id="half a pair"),
        pytest.param({"k\udc80": "\ud83d\ude00"}, r'{"k\ufffd":"\ud83d\ude00"}', id="half in key"),
        pytest.param(Date(1_700_000_000_123), '"2023-11-14T22:13:20.123Z"', id="date"),
        pytest.param(Date(10**16), "null", id="date beyond the calendar"),
        pytest.param(ObjectId("65" * 12), f'"{"65" * 12}"', id="object id"),
        pytest.param(Int64(5), "5", id="long"),
        pytest.param(datetime(2026, 1, 2, 3, 4, 5, 6789), '"2026-01-02T03:04:05.006Z"', id="naive"),
        pytest.param(
            datetime(2026, 1, 2, 8, tzinfo=timezone(timedelta(hours=8))),
            '"2026-01-02T00:00:00.000Z"',
            id="zone",
        ),
        pytest.param(datetime(2026, 1, 2, tzinfo=UTC), '"2026-01-02T00:00:00.000Z"', id="utc"),
        pytest.param(date(2026, 1, 2), '"2026-01-02"', id="day"),
        pytest.param(time(3, 4), '"03:04:00"', id="time"),
        pytest.param({1: "a", 2.5: "b", 3.0: "c"}, '{"1":"a","2.5":"b","3":"c"}', id="number keys"),
        pytest.param({None: 1, True: 2, False: 3}, '{"null":1,"true":2,"false":3}', id="word keys"),
        pytest.param(OrderedDict(b=1, a=2), '{"b":1,"a":2}', id="ordered"),
        pytest.param(MappingProxyType({"a": 1}), '{"a":1}', id="mapping"),
        pytest.param(Colour.RED, '"red"', id="enum"),
        pytest.param({1: Colour.RED}, '{"1":"red"}', id="enum, mended"),
        pytest.param(Point(1, Date(0)), '{"x":1,"at":"1970-01-01T00:00:00.000Z"}', id="data class"),
        pytest.param({1: Point(1, Date(10**16))}, '{"1":{"x":1,"at":null}}', id="class, mended"),
        pytest.param(uuid.UUID(int=1), f'"{uuid.UUID(int=1)}"', id="uuid"),
        pytest.param({1: uuid.UUID(int=1)}, f'{{"1":"{uuid.UUID(int=1)}"}}', id="uuid, mended"),
        pytest.param(2**80, "1208925819614629174706176", id="beyond 64 bits"),
        pytest.param(ServerDate(5), '{"offset":5}', id="server date"),
        pytest.param({1: Text("t")}, '{"1":"t"}', id="text of a subclass"),
    ],
)  # fmt: skip
def test_value_is_written_as_the_cloud_would(value, text):
    assert to_json(value).decode() == text


def circle():
    value = {"a": []}
    value["a"].append(value)
    return value


def deep(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param({"a": {"b": [0, {1, 2}]}}, r"result\.a\.b\[1\] is of type set", id="set"),
        pytest.param(object(), "result is of type object", id="object"),
        pytest.param([b"x"], r"result\[0\] is of type bytes.*base64", id="bytes"),
        pytest.param(Binary(b"x"), "type Binary.*base64", id="binary"),
        pytest.param(Regex("a"), "type Regex", id="regex"),
        pytest.param({"f": len}, "result.f is of type builtin_function", id="function"),
        pytest.param((n for n in []), "type generator", id="generator"),
        pytest.param(circle(), r"result\.a\[0\] contains itself", id="circle"),
        pytest.param(deep(1000), "levels deep", id="too deep"),
        pytest.param({(1, 2): 3}, "key of type tuple", id="key"),
        pytest.param("x" * RESPONSE_MAX_BYTES, "at most 6,291,456", id="too large"),
        pytest.param(Point, "type type", id="a class"),
    ],
)
def test_value_that_json_cannot_hold_is_named_with_its_place(value, message):
    with pytest.raises(NotJson, match=message):
        to_json(value)


def test_result_may_be_as_large_as_the_bound():
    assert len(to_json("x" * (RESPONSE_MAX_BYTES - 2))) == RESPONSE_MAX_BYTES


json_data = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(json_data)
def test_json_data_comes_back_as_it_was(value):
    assert json.loads(to_json(value)) == value


@given(st.dictionaries(st.integers(), json_data, max_size=4))
def test_number_keys_become_text_whatever_they_hold(value):
    assert json.loads(to_json(value)) == {str(key): item for key, item in value.items()}
