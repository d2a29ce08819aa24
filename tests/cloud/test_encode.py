import copy
import json
import re
from collections import OrderedDict
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import IntEnum, StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.cloud.encode import (
    Unencodable,
    decode,
    decode_documents,
    encode,
    json_data,
    passed,
)
from emulator.cloud.errors import CloudError
from emulator.cloud.geo import Geo, Point
from emulator.cloud.markers import ObjectId, RegExp, ServerDate
from emulator.core.values import (
    MAX_KEY,
    Binary,
    Date,
    Int64,
    Regex,
    Timestamp,
)
from emulator.core.values import ObjectId as CoreObjectId
from emulator.core.values import ServerDate as CoreServerDate


class Colour(StrEnum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        pytest.param(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), Date(1000), id="date"),
        pytest.param(datetime(1970, 1, 1), Date(0), id="naive-dates-are-utc"),
        pytest.param(
            datetime(1970, 1, 1, 8, tzinfo=timezone(timedelta(hours=8))), Date(0), id="zoned"
        ),
        pytest.param(b"ab", Binary(b"ab"), id="bytes"),
        pytest.param(bytearray(b"ab"), Binary(b"ab"), id="bytearray"),
        pytest.param(re.compile("a", re.IGNORECASE), Regex("a", "i"), id="pattern"),
        pytest.param(RegExp("a"), Regex("a"), id="RegExp"),
        pytest.param(ServerDate(offset=1), CoreServerDate(1), id="server-date"),
        pytest.param(ObjectId("a" * 24), CoreObjectId("a" * 24), id="ObjectId"),
        pytest.param(Colour.RED, "red", id="text-enumeration"),
        pytest.param(Level.HIGH, 3, id="number-enumeration"),
        pytest.param(OrderedDict(a=(1, None)), {"a": [1, None]}, id="kinds-of-containers"),
        pytest.param(Int64(5), Int64(5), id="a-value-of-the-database"),
        pytest.param(Decimal("1.5"), Decimal("1.5"), id="decimal"),
        pytest.param(2**63 - 1, 2**63 - 1, id="largest-number"),
    ],
)
def test_python_values_become_the_database_s(value, encoded):
    found = encode({"at": [value]})["at"][0]
    assert found == encoded
    assert type(found) is type(encoded)


def test_a_shape_becomes_a_plain_object_of_its_own():
    point = Geo.Point(1, 2)
    encoded = encode(point)
    assert encoded == {"type": "Point", "coordinates": [1, 2]}
    assert type(encoded) is dict
    assert encoded["coordinates"] is not point["coordinates"]


@pytest.mark.parametrize(
    ("value", "decoded"),
    [
        pytest.param(Date(1000), datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), id="date"),
        pytest.param(Date(10**17), 10**17, id="a-date-beyond-python"),
        pytest.param(Binary(b"ab"), b"ab", id="bytes"),
        pytest.param(CoreObjectId("a" * 24), "a" * 24, id="ObjectId"),
        pytest.param(Int64(5), 5, id="long"),
        pytest.param(Regex("a", "i"), {"pattern": "a", "options": "i"}, id="regex"),
        pytest.param(Decimal("1.5"), Decimal("1.5"), id="decimal"),
        pytest.param(Timestamp(1, 2), {"$timestamp": {"t": 1, "i": 2}}, id="timestamp"),
        pytest.param(MAX_KEY, {"$maxKey": 1}, id="max-key"),
    ],
)
def test_values_of_the_database_become_python_s(value, decoded):
    found = decode({"at": [value]})["at"][0]
    assert found == decoded
    assert type(found) is type(decoded)


def test_geojson_comes_back_as_a_shape_and_anything_else_as_it_is():
    stored = {
        "place": {"type": "Point", "coordinates": [1, 2]},
        "odd": {"type": "Point", "coordinates": "far away"},
        "named": {"type": "Point", "coordinates": [1, 2], "name": "home"},
    }
    found = decode_documents([stored])[0]
    assert type(found["place"]) is Point
    assert found["place"].latitude == 2
    assert found["odd"] == stored["odd"]
    assert found["named"] == stored["named"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.floats(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), json_values))
def test_what_goes_in_comes_out_and_shares_nothing(document):
    kept = copy.deepcopy(document)
    stored = encode(document)
    spoil(document)
    found = decode(stored)
    spoil(found)
    assert json.dumps(decode(stored)) == json.dumps(kept)


def spoil(value):
    if isinstance(value, dict):
        for item in value.values():
            spoil(item)
        value["spoilt"] = True
    elif isinstance(value, list):
        for item in value:
            spoil(item)
        value.append("spoilt")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(
            {"items": [{"owner": object()}]},
            r"data\.items\[0\]\.owner cannot hold a value of type object",
            id="an-object",
        ),
        pytest.param({"a": {"b", "c"}}, r"data\.a cannot hold a value of type set", id="a-set"),
        pytest.param(
            {"a": date(2026, 1, 1)}, r"data\.a cannot hold a value of type date", id="date"
        ),
        pytest.param({"n": 2**63}, r"data\.n holds a number beyond 64 bits", id="a-huge-number"),
        pytest.param({"a": {1: 2}}, r"data has a field name that is no text: 1", id="a-number-key"),
        pytest.param(
            {"fine": [1], "p": re.compile(b"x")}, r"data\.p holds a pattern of bytes", id="bytes"
        ),
    ],
)
def test_a_value_no_document_can_hold_is_named_by_its_place(value, text):
    with pytest.raises(CloudError, match=f"collection.add:fail {text}"):
        passed("collection.add", "data", encode, value)


def test_a_value_that_holds_itself_is_refused():
    loop = {}
    loop["self"] = loop
    with pytest.raises(CloudError, match="nested too deeply or holds itself"):
        passed("collection.add", "data", encode, loop)


@pytest.mark.parametrize(
    ("value", "data"),
    [
        pytest.param(datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00.000Z", id="date"),
        pytest.param(float("nan"), None, id="nan"),
        pytest.param((1, [2]), [1, [2]], id="tuple"),
        pytest.param(ServerDate(), {"offset": 0}, id="marker"),
        pytest.param(Colour.RED, "red", id="enumeration"),
        pytest.param(1.5, 1.5, id="number"),
    ],
)
def test_events_are_json(value, data):
    assert json_data({"at": value}) == {"at": data}


@pytest.mark.parametrize("value", [{"a": b"x"}, {"a": object()}, {1: 2}])
def test_what_json_cannot_hold_is_no_event(value):
    with pytest.raises(Unencodable):
        json_data(value)


def test_json_data_holds_no_halves_of_surrogate_pairs():
    assert json_data({"k\ud800": ["v\udc80"]}) == {"k\ufffd": ["v\ufffd"]}
