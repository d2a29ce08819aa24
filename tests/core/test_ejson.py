"""Extended JSON: each tag, both spellings, and what no tag may hold."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from emulator.core.ejson import (
    canonical,
    date_from_datetime,
    date_text,
    datetime_from_date,
    decode,
    encode,
    holds_non_finite,
    tag,
)
from emulator.core.errors import InvalidParam
from emulator.core.ordering import identical
from emulator.core.values import (
    MAX_KEY,
    MIN_KEY,
    MISSING,
    Binary,
    Date,
    Int64,
    ObjectId,
    Regex,
    ServerDate,
    Timestamp,
)

OID = "5f" * 12

BOTH_WAYS = [
    pytest.param({"$numberInt": "5"}, 5, id="int"),
    pytest.param({"$numberInt": "-2147483648"}, -(2**31), id="least int"),
    pytest.param({"$numberLong": "5"}, Int64(5), id="small long"),
    pytest.param({"$numberLong": "5000000000"}, 5_000_000_000, id="long"),
    pytest.param({"$numberDouble": "1.5"}, 1.5, id="double"),
    pytest.param({"$numberDouble": "5.0"}, 5.0, id="whole double"),
    pytest.param({"$numberDouble": "-0.0"}, -0.0, id="minus zero"),
    pytest.param({"$numberDouble": "NaN"}, float("nan"), id="NaN"),
    pytest.param({"$numberDouble": "Infinity"}, float("inf"), id="infinity"),
    pytest.param({"$numberDouble": "-Infinity"}, float("-inf"), id="minus infinity"),
    pytest.param({"$numberDecimal": "1.50"}, Decimal("1.50"), id="decimal"),
    pytest.param({"$date": {"$numberLong": "-1"}}, Date(-1), id="date"),
    pytest.param({"$oid": OID}, ObjectId(OID), id="ObjectId"),
    pytest.param(
        {"$regularExpression": {"pattern": "^a", "options": "im"}}, Regex("^a", "im"), id="regex"
    ),
    pytest.param({"$binary": {"base64": "AAE=", "subType": "05"}}, Binary(b"\0\1", 5), id="binary"),
    pytest.param({"$timestamp": {"t": 1, "i": 2}}, Timestamp(1, 2), id="timestamp"),
    pytest.param({"$minKey": 1}, MIN_KEY, id="MinKey"),
    pytest.param({"$maxKey": 1}, MAX_KEY, id="MaxKey"),
    pytest.param({"$undefined": True}, MISSING, id="undefined"),
    pytest.param({"$tcb_server_date": {"offset": 7}}, ServerDate(7), id="server date"),
    pytest.param([None, True, {"a": ["x"]}], [None, True, {"a": ["x"]}], id="plain"),
    pytest.param({"$gt": {"$numberInt": "1"}}, {"$gt": 1}, id="operators stay"),
]  # fmt: skip

ONLY_READ = [
    pytest.param({"$date": "1970-01-01T00:00:00.005Z"}, Date(5), id="date text"),
    pytest.param({"$date": "1970-01-01T08:00:00+08:00"}, Date(0), id="date text with a zone"),
    pytest.param({"$date": 7}, Date(7), id="legacy date"),
    pytest.param({"$date": 7.9}, Date(7), id="fraction of a millisecond"),
    pytest.param({"$date": -0.5}, Date(-1), id="fraction before 1970"),
    pytest.param({"$date": {"$numberInt": "7"}}, Date(7), id="date of an int"),
    pytest.param({"$date": {"offset": -60000}}, ServerDate(-60000), id="old server date"),
    pytest.param({"$tcb_server_date": {"offset": {"$numberInt": "9"}}}, ServerDate(9), id="int"),
    pytest.param({"$oid": OID.upper()}, ObjectId(OID), id="upper-case ObjectId"),
    pytest.param(
        {"$regularExpression": {"pattern": "a", "options": "giu"}}, Regex("a", "i"), id="JS flags"
    ),
    pytest.param({"$regularExpression": {"pattern": "a"}}, Regex("a"), id="no options"),
    pytest.param({"$binary": "AAE=", "$type": "00"}, Binary(b"\0\1"), id="legacy binary"),
    pytest.param({"$numberInt": "1", "b": 2}, {"$numberInt": "1", "b": 2}, id="a key beside a tag"),
    pytest.param({"b": 2, "$oid": 1}, {"b": 2, "$oid": 1}, id="a tag behind another key"),
    pytest.param({}, {}, id="empty"),
]  # fmt: skip

REFUSED = [
    {"$numberInt": "2147483648"},
    {"$numberInt": "x"},
    {"$numberInt": None},
    {"$numberLong": "9223372036854775808"},
    {"$numberDouble": "one"},
    {"$numberDecimal": "one"},
    {"$date": "yesterday"},
    {"$date": None},
    {"$date": True},
    {"$date": {"$numberLong": "x"}},
    {"$oid": "5f"},
    {"$oid": 5},
    {"$regularExpression": {"options": "i"}},
    {"$regularExpression": "a"},
    {"$binary": {"base64": "!", "subType": "00"}},
    {"$binary": "AA==", "other": 1},
    {"$timestamp": {"t": 1}},
    {"$tcb_server_date": {}},
]


@pytest.mark.parametrize(("data", "value"), BOTH_WAYS)
def test_a_tag_is_a_value_both_ways(data, value):
    assert identical(decode(data), value)
    assert canonical(value) == data


@pytest.mark.parametrize(("data", "value"), ONLY_READ)
def test_other_spellings_are_read(data, value):
    assert decode(data) == value


@pytest.mark.parametrize("data", REFUSED, ids=str)
def test_a_tag_with_another_content_is_refused(data):
    with pytest.raises(InvalidParam, match=r"cannot hold") as refusal:
        decode({"inside": [data]})
    assert "Extended JSON" in refusal.value.hint


def test_relaxed_form_tags_only_what_json_cannot_say():
    value = {"i": 1, "l": 2**40, "d": 1.5, "n": float("nan"), "at": Date(0), "long": Int64(1)}
    assert encode([value, None]) == [encode(value), None]
    assert encode(value) == {
        "i": 1,
        "l": 2**40,
        "d": 1.5,
        "n": {"$numberDouble": "NaN"},
        "at": {"$date": {"$numberLong": "0"}},
        "long": {"$numberLong": "1"},
    }


def test_what_no_document_holds_has_no_tag():
    with pytest.raises(TypeError, match="set"):
        tag({1})


@pytest.mark.parametrize(
    ("value", "held"),
    [
        (1, False),
        (1.5, False),
        (float("inf"), True),
        ([1, {"a": [float("nan")]}], True),
        ({"a": [1.5, {"b": "x"}]}, False),
    ],
    ids=str,
)
def test_non_finite_numbers_are_found_anywhere(value, held):
    assert holds_non_finite(value) is held


def test_datetimes_become_milliseconds_cut_down():
    noon = datetime(2026, 1, 2, 12, 0, 0, 1999, tzinfo=UTC)
    assert datetime_from_date(date_from_datetime(noon)) == noon.replace(microsecond=1000)
    zoned = noon.astimezone(timezone(timedelta(hours=8)))
    assert date_from_datetime(zoned) == date_from_datetime(noon.replace(tzinfo=None))
    assert date_from_datetime(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == Date(-1)


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_700_000_000_123, "2023-11-14T22:13:20.123Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        (253_402_300_800_000, None),
        (-1, None),
    ],
)
def test_date_text_has_milliseconds_and_four_digit_years(ms, text):
    assert date_text(Date(ms)) == text
