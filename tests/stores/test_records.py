"""Extended JSON on disk, and records that prove themselves."""

import math
import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.core.errors import InvalidParam
from emulator.core.values import (
    INT64_MAX,
    INT64_MIN,
    MAX_KEY,
    MIN_KEY,
    MISSING,
    Binary,
    Date,
    Int64,
    ObjectId,
    Regex,
    Timestamp,
)
from emulator.stores.records import decode, encode, read_record, record

KINDS = [
    pytest.param(None, id="null"),
    pytest.param(True, id="bool"),
    pytest.param(7, id="int"),
    pytest.param(INT64_MAX, id="largest long"),
    pytest.param(INT64_MIN, id="smallest long"),
    pytest.param(Int64(7), id="small long"),
    pytest.param(7.0, id="whole double"),
    pytest.param(-0.0, id="negative zero"),
    pytest.param(1e300, id="large double"),
    pytest.param(math.inf, id="infinity"),
    pytest.param(-math.inf, id="minus infinity"),
    pytest.param("null \u2028 \n 文", id="text"),
    pytest.param("missing", id="text that a kind is called by"),
    pytest.param("$date", id="text with a dollar"),
    pytest.param(Date(-1), id="date"),
    pytest.param(ObjectId("5f" * 12), id="object id"),
    pytest.param(Regex("a/b", "im"), id="regex"),
    pytest.param(Binary(b"\x00\xff", 4), id="binary"),
    pytest.param(Decimal("1.10"), id="decimal"),
    pytest.param(Timestamp(1, 2), id="timestamp"),
    pytest.param(MIN_KEY, id="min key"),
    pytest.param(MAX_KEY, id="max key"),
    pytest.param(MISSING, id="undefined"),
    pytest.param([], id="empty array"),
    pytest.param({}, id="empty object"),
    pytest.param({"$inc": {"n": 1}, "b": [None, {"a.b": 1}]}, id="object with a dollar"),
]


@pytest.mark.parametrize("value", KINDS)
def test_a_value_comes_back_with_its_own_type(value):
    for place in (value, [value], {"deep": {"er": [1, value]}}):
        back = decode(encode(place))
        assert back == place
        assert encode(back) == encode(place)
    kept = decode(encode(value))
    assert type(kept) is type(value)
    assert str(kept) == str(value)


def test_nan_comes_back_as_nan_beside_null():
    back = decode(encode({"a": math.nan, "b": None}))
    assert math.isnan(back["a"])
    assert back["b"] is None


def test_order_of_fields_is_kept():
    assert list(decode(encode({"b": 1, "a": 2, "10": 3, "9": 4}))) == ["b", "a", "10", "9"]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({1, 2}, id="a set"),
        pytest.param(datetime(2026, 1, 2), id="a datetime"),
        pytest.param({1: "a"}, id="a key that is no text"),
        pytest.param(2**70, id="a number beyond 64 bits"),
        pytest.param("\ud800", id="half a character"),
        pytest.param([None, {"a": object()}], id="an object beside null"),
    ],
)
def test_what_no_document_can_hold_is_refused(value):
    with pytest.raises(InvalidParam, match="cannot be stored"):
        encode({"value": value})


@pytest.mark.parametrize("value", KINDS)
def test_a_record_is_one_line(value):
    line = record({"value": value})
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert encode(read_record(line)) == encode({"value": value})


def test_a_record_is_length_checksum_and_json():
    length, checksum, body = record({"a": 1}).split(b" ", 2)
    assert (int(length), len(checksum), orjson.loads(body)) == (len(body) - 1, 8, {"a": 1})


def test_the_examples_of_the_storage_page_prove_themselves():
    page = Path(__file__).parents[2] / "docs/reference/storage-format.md"
    [example] = re.findall(r"```text\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    header, commit = [read_record(line.encode()) for line in example.splitlines(keepends=True)]
    assert header["sequence"] + 1 == commit["sequence"]


LINE = record({"sequence": 3, "writes": [["put", "orders", 1, {"_id": "a", "at": Date(5)}]]})


@pytest.mark.parametrize("end", range(len(LINE)))
def test_a_torn_record_does_not_prove_itself(end):
    with pytest.raises(ValueError):
        read_record(LINE[:end])


@given(st.integers(0, len(LINE) - 1), st.integers(1, 255))
def test_a_damaged_record_does_not_prove_itself(position, flip):
    damaged = bytearray(LINE)
    damaged[position] ^= flip
    try:
        value = read_record(bytes(damaged))
    except ValueError:
        return
    # The checksum's digits may change their case without changing their meaning.
    assert value == read_record(LINE)


def test_a_record_with_a_tag_that_cannot_be_read_does_not_prove_itself():
    with pytest.raises(ValueError, match=r"\$oid"):
        read_record(record({"a": {"$oid": "not an id"}}))
