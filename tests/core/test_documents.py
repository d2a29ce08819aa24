"""The door for documents on their way in."""

from collections import OrderedDict
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import IntEnum
from types import MappingProxyType

import pytest

from emulator.core import ejson
from emulator.core.documents import (
    DOCUMENT_SIZE_MAX_BYTES,
    EJSON_TAGS,
    NESTING_MAX_LEVELS,
    admit,
    admit_value,
    check_document,
    check_id,
    resolve,
)
from emulator.core.errors import DatabaseRequestFailed, InvalidParam, RequestTooLarge
from emulator.core.values import (
    MAX_KEY,
    MISSING,
    Binary,
    Date,
    Int64,
    ObjectId,
    Regex,
    ServerDate,
    Timestamp,
)

NOW_MS = 1_700_000_000_000


class Level(IntEnum):
    HIGH = 3


class Text(str):
    __slots__ = ()


def test_what_comes_in_is_a_deep_copy():
    given = {"a": {"b": [1, {"c": 2}]}, "_id": "x"}
    admitted = admit(given, now_ms=NOW_MS)
    given["a"]["b"][1]["c"] = 3
    given["a"]["b"].append(4)
    assert admitted == {"_id": "x", "a": {"b": [1, {"c": 2}]}}
    assert next(iter(admitted)) == "_id"


AS_THEY_ARE = [None, True, 5, Int64(5), 1.5, float("inf"), "x", "中" * 100, Date(1), Regex("a"),
               ObjectId("a" * 24), Binary(b"x"), Timestamp(1, 2), MAX_KEY, Decimal("1.5"), [], {},
               2**63 - 1, -(2**63)]  # fmt: skip


@pytest.mark.parametrize("value", AS_THEY_ARE, ids=repr)
def test_values_of_the_model_stay_as_they_are(value):
    for document in ({"f": value}, {"f": {"g": value}}, {"f": [value]}):
        admitted = admit(document, now_ms=NOW_MS)
        assert admitted == document
    assert type(admitted["f"][0]) is type(value)


CONVERTED = [
    pytest.param(ServerDate(5), Date(NOW_MS + 5), id="server date"),
    pytest.param(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), Date(1000), id="datetime"),
    pytest.param(datetime(1970, 1, 1, 0, 0, 1), Date(1000), id="naive datetime"),
    pytest.param((1, (2,)), [1, [2]], id="tuple"),
    pytest.param(OrderedDict(a=1), {"a": 1}, id="mapping"),
    pytest.param(MappingProxyType({"a": (1,)}), {"a": [1]}, id="read-only mapping"),
    pytest.param(b"x", Binary(b"x"), id="bytes"),
    pytest.param(bytearray(b"x"), Binary(b"x"), id="bytearray"),
    pytest.param(Level.HIGH, 3, id="enum"),
    pytest.param(Text("a"), "a", id="text of a kind"),
]


@pytest.mark.parametrize(("value", "expected"), CONVERTED)
def test_values_of_programs_are_converted(value, expected):
    admitted = admit({"f": value, "l": [value]}, now_ms=NOW_MS)
    assert admitted == {"f": expected, "l": [expected]}
    assert type(admitted["f"]) is type(expected)


def test_a_decimal_nan_is_quiet():
    assert admit({"f": Decimal("sNaN")}, now_ms=0)["f"].is_qnan()


def test_undefined_is_left_out_and_null_in_arrays():
    assert admit({"a": MISSING, "b": [MISSING, 1]}, now_ms=0) == {"b": [None, 1]}


REFUSED = [
    pytest.param(
        {"$a": 1}, DatabaseRequestFailed, "\\$ prefixed field names: \\$a", id="dollar key"
    ),
    pytest.param({1: 2}, InvalidParam, "no string: 1", id="key"),
    pytest.param({"a": {"b": {None: 1}}}, InvalidParam, "inside 'a.b'", id="deep key"),
    pytest.param({"a": 2**63}, InvalidParam, "'a' is beyond 64 bits", id="beyond int64"),
    pytest.param({"a": [-(2**63) - 1]}, InvalidParam, "'a.0' is beyond", id="below int64"),
    pytest.param(
        {"a": {"b": [date(2020, 1, 1)]}}, InvalidParam, "'a.b.0' is of type date", id="kind"
    ),
    pytest.param({"a": {1, 2}}, InvalidParam, "type set", id="set"),
    pytest.param({"a": "\ud800"}, InvalidParam, "half of a surrogate pair", id="surrogate"),
    pytest.param({"_id": [1]}, DatabaseRequestFailed, "array for _id", id="array id"),
    pytest.param({"_id": Regex("x")}, DatabaseRequestFailed, "regex for _id", id="regex id"),
    pytest.param({"_id": {"$x": 1}}, DatabaseRequestFailed, "_id.\\$x", id="dollar in id"),
    pytest.param({"_id": {"a": [{"$x": 1}]}}, DatabaseRequestFailed, "_id.a.\\$x", id="deep in id"),
    pytest.param({"a\0b": 1}, DatabaseRequestFailed, "null-bytes", id="null byte"),
    pytest.param({"a": [{"b\0": 1}]}, DatabaseRequestFailed, "null-bytes", id="null byte within"),
    pytest.param([1], InvalidParam, "must be an object", id="no object"),
]


@pytest.mark.parametrize(("document", "error", "text"), REFUSED)
def test_document_is_refused(document, error, text):
    with pytest.raises(error, match=text):
        admit(document, now_ms=NOW_MS)


def test_check_id_lets_all_other_ids_pass():
    for document_id in ("x", 5, None, {"a": 1}, {"$ref": "c"}, ObjectId("a" * 24)):
        check_id(document_id)


@pytest.mark.parametrize("tag", sorted(EJSON_TAGS))
def test_no_stored_object_begins_with_a_tag(tag):
    with pytest.raises(DatabaseRequestFailed, match="not valid for storage") as refusal:
        admit({"a": {tag: {}, "b": 1}}, now_ms=NOW_MS)
    assert refusal.value.mongo_code == 52


def test_the_tags_are_those_that_extended_json_reads():
    for name in ("$foo", "$ref", "$regex", *EJSON_TAGS):
        stays = True
        try:
            stays = ejson.decode({name: {"x": 1}}) == {name: {"x": 1}}
        except InvalidParam:
            stays = False
        assert stays is (name not in EJSON_TAGS), name


def test_other_nested_dollar_keys_pass_and_come_back():
    document = {"a": {"$b": 1}, "r": {"$ref": "c", "$id": 1}, "later": {"x": 1, "$date": 2}}
    assert admit(document, now_ms=0) == document
    assert ejson.decode(ejson.encode(document)) == document


def nested(levels):
    document = {"leaf": 1}
    for _ in range(levels - 1):
        document = {"a": document}
    return document


def test_nesting_has_a_bound():
    admit(nested(NESTING_MAX_LEVELS), now_ms=0)
    lists = []
    for _ in range(NESTING_MAX_LEVELS):
        lists = [lists]
    for document in (nested(NESTING_MAX_LEVELS + 1), {"a": lists}):
        with pytest.raises(DatabaseRequestFailed, match="nested deeper") as refusal:
            admit(document, now_ms=0)
        assert refusal.value.mongo_code == 15


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("x" * (DOCUMENT_SIZE_MAX_BYTES + 1), id="text"),
        pytest.param("中" * (DOCUMENT_SIZE_MAX_BYTES // 3 + 1), id="bytes of a text"),
        pytest.param(Binary(b"x" * (DOCUMENT_SIZE_MAX_BYTES + 1)), id="binary"),
        pytest.param([0] * (DOCUMENT_SIZE_MAX_BYTES // 8 + 1), id="array"),
    ],
)
def test_size_has_a_bound(value):
    with pytest.raises(RequestTooLarge, match=str(DOCUMENT_SIZE_MAX_BYTES)):
        admit({"f": value}, now_ms=0)
    with pytest.raises(RequestTooLarge):
        admit_value(value, path="f", now_ms=0)
    with pytest.raises(RequestTooLarge):
        check_document({"f": value})


def test_a_large_document_below_the_bound_passes():
    text = "x" * (DOCUMENT_SIZE_MAX_BYTES - 1000)
    assert admit({"f": text}, now_ms=0) == {"f": text}


def geo(kind, coordinates):
    return {"type": kind, "coordinates": coordinates}


@pytest.mark.parametrize(
    "value",
    [
        geo("Point", [181, 0]),
        geo("Point", [0, -91]),
        geo("Point", [float("nan"), 0]),
        geo("Point", []),
        geo("Point", ["1", 2]),
        geo("LineString", [[0, 0], [0, 99]]),
        geo("Polygon", [[[0, 0], [1, 1], [200, 1], [0, 0]]]),
        geo("MultiPolygon", [[[[0, 0], [1, 1], [200, 1], [0, 0]]]]),
    ],
    ids=str,
)
def test_places_the_sdk_cannot_read_back_are_refused(value):
    for document in ({"p": value}, {"o": {"p": [value]}}):
        with pytest.raises(DatabaseRequestFailed, match="no place on Earth") as refusal:
            admit(document, now_ms=0)
        assert refusal.value.mongo_code == 16755


@pytest.mark.parametrize(
    "value",
    [
        geo("Point", [180, -90]),
        geo("Point", [1.5, Int64(2), 900]),
        geo("LineString", [[0, 0], "x"]),
        geo("Circle", [900, 900]),
        geo(5, [900, 900]),
        geo("Point", "900"),
        {"coordinates": [900, 900]},
    ],
    ids=str,
)
def test_everything_else_is_only_an_object(value):
    assert admit({"p": value}, now_ms=0) == {"p": value}


def test_server_dates_are_resolved_wherever_they_are():
    value = {"a": {"$gt": ServerDate(1)}, "$or": [{"b": ServerDate()}], "c": 5}
    assert resolve(value, now_ms=10) == {"a": {"$gt": Date(11)}, "$or": [{"b": Date(10)}], "c": 5}


@pytest.mark.parametrize("value", [{"a": {"b": [1, {}]}}, [], "x", None, {}], ids=str)
def test_without_server_dates_the_same_object_comes_back(value):
    assert resolve(value, now_ms=10) is value


def test_a_value_is_checked_like_a_field():
    assert admit_value((1, ServerDate()), path="a.b", now_ms=7) == [1, Date(7)]
    with pytest.raises(InvalidParam, match=r"'a\.b\.0'"):
        admit_value([{1}], path="a.b", now_ms=0)
    with pytest.raises(DatabaseRequestFailed, match="nested deeper"):
        admit_value(nested(10), path=".".join("a" * NESTING_MAX_LEVELS), now_ms=0)


def test_an_empty_timestamp_at_the_top_becomes_the_moment():
    empty = Timestamp(0, 0)
    document = {"_id": empty, "t": empty, "s": Timestamp(0, 1), "o": {"t": empty}, "l": [empty]}
    admitted = admit(document, now_ms=7_900)
    assert admitted == document | {"t": Timestamp(7, 1)}
    assert admit_value(empty, path="t", now_ms=7_900) == empty
