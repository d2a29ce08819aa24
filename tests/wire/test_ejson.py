import contextlib
import json
import math

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.core.errors import InvalidParam
from emulator.core.values import (
    MAX_KEY,
    Binary,
    Date,
    Int64,
    ObjectId,
    Regex,
    ServerDate,
    Timestamp,
)
from emulator.wire import ejson

DAY_MS = 86_400_000
HEX = "5f" * 12


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param('{"n":{"$numberInt":"5"}}', {"n": 5}, id="int"),
        pytest.param('{"n":{"$numberLong":"5000000000"}}', {"n": 5_000_000_000}, id="long"),
        pytest.param('{"n":{"$numberDouble":"1.5"}}', {"n": 1.5}, id="double"),
        pytest.param('{"d":{"$date":{"$numberLong":"7"}}}', {"d": Date(7)}, id="date"),
        pytest.param('{"d":{"$date":7}}', {"d": Date(7)}, id="date of the old dialect"),
        pytest.param(
            '{"d":{"$date":"1970-01-01T00:00:00.007Z"}}', {"d": Date(7)}, id="date as text"
        ),
        pytest.param(
            '{"d":{"$tcb_server_date":{"offset":{"$numberInt":"60000"}}}}',
            {"d": ServerDate(60_000)},
            id="server date",
        ),
        pytest.param(
            '{"d":{"$date":{"offset":5}}}', {"d": ServerDate(5)}, id="server date of the old one"
        ),
        pytest.param(
            '{"r":{"$regularExpression":{"pattern":"^S","options":"gi"}}}',
            {"r": Regex("^S", "i")},
            id="regex with JavaScript's flags",
        ),
        pytest.param(f'{{"o":{{"$oid":"{HEX}"}}}}', {"o": ObjectId(HEX)}, id="object id"),
        pytest.param('{"$and":[{"n":{"$gt":{"$numberInt":"0"}}}]}', None, id="operators stay"),
        pytest.param('{"a":[1,null,true,"中"]}', {"a": [1, None, True, "中"]}, id="plain JSON"),
    ],
)
def test_text_is_read_as_values(text, value):
    expected = {"$and": [{"n": {"$gt": 0}}]} if value is None else value
    assert ejson.read_text(text, "query") == expected


def test_int_and_double_arrive_distinct():
    read = ejson.read_text('{"i":{"$numberInt":"1"},"d":{"$numberDouble":"1"}}', "data")
    assert [type(each) for each in read.values()] == [int, float]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{", id="cut short"),
        pytest.param("\x00", id="a control character"),
        pytest.param('{"n":NaN}', id="a bare NaN"),
        pytest.param('{"n":{"$numberInt":"x"}}', id="a tag that holds nonsense"),
        pytest.param('{"n":{"$numberInt":5000000000}}', id="an int beyond 32 bits"),
        pytest.param('{"d":{"$date":[]}}', id="a date that is an array"),
        pytest.param('{"o":{"$oid":"zz"}}', id="an id that is none"),
        pytest.param("[" * 100_000 + "]" * 100_000, id="a nesting bomb"),
        pytest.param('{"a":' * 201 + "1" + "}" * 201, id="one level too deep"),
        pytest.param('{"$and":[' * 400 + "]}" * 400, id="deep operators"),
    ],
)
def test_text_that_is_no_document_is_refused_by_the_name_of_its_field(text):
    with pytest.raises(InvalidParam) as caught:
        ejson.read_text(text, "the query")
    assert len(caught.value.message) < 300


def test_nesting_up_to_the_bound_is_read():
    depth = ejson.DEPTH_MAX_LEVELS
    read = ejson.read_text('{"a":' * depth + "1" + "}" * depth, "q")
    for _ in range(depth):
        read = read["a"]
    assert read == 1


def test_many_brackets_side_by_side_are_not_deep():
    assert len(ejson.read_text(json.dumps([[]] * 5_000), "data")) == 5_000


@pytest.mark.parametrize(
    ("value", "written"),
    [
        pytest.param(Date(1_700_000_000_123), {"$date": "2023-11-14T22:13:20.123Z"}, id="date"),
        pytest.param(Date(0), {"$date": "1970-01-01T00:00:00.000Z"}, id="the epoch"),
        pytest.param(Date(-1), {"$date": {"$numberLong": "-1"}}, id="before the epoch"),
        pytest.param(
            Date(253_402_300_800_000),
            {"$date": {"$numberLong": "253402300800000"}},
            id="year 10000",
        ),
        pytest.param(ObjectId(HEX), HEX, id="object id is plain text"),
        pytest.param(Int64(7), 7, id="a long is a plain number"),
        pytest.param(
            Regex("a", "i"),
            {"$regularExpression": {"pattern": "a", "options": "i"}},
            id="regex",
        ),
        pytest.param(Binary(b"hi"), {"$binary": {"base64": "aGk=", "subType": "00"}}, id="binary"),
        pytest.param(Timestamp(1, 2), {"$timestamp": {"t": 1, "i": 2}}, id="timestamp"),
        pytest.param(MAX_KEY, {"$maxKey": 1}, id="edge"),
        pytest.param(math.nan, {"$numberDouble": "NaN"}, id="NaN"),
        pytest.param(math.inf, {"$numberDouble": "Infinity"}, id="infinity"),
        pytest.param(None, None, id="null"),
        pytest.param(
            {"type": "Point", "coordinates": [113.5, 23]},
            {"type": "Point", "coordinates": [113.5, 23]},
            id="geo",
        ),
    ],
)
def test_values_are_written_as_the_sdk_reads_them(value, written):
    assert json.loads(ejson.document_text({"v": value})) == {"v": written}
    nested = {"list": [{"deep": value}, None]}
    assert json.loads(ejson.document_text(nested)) == {"list": [{"deep": written}, None]}


def test_dates_of_the_old_dialect_are_tagged_once():
    document = {"d": Date(-5), "e": Date(0), "o": ObjectId(HEX), "n": math.nan, "x": None}
    assert json.loads(ejson.document_json(document)) == {
        "d": {"$date": -5},
        "e": {"$date": "1970-01-01T00:00:00.000Z"},
        "o": HEX,
        "n": {"$numberDouble": "NaN"},
        "x": None,
    }


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text()
    | st.builds(Date, st.integers(-(2**53), 2**53))
    | st.builds(Regex, st.text(), st.sampled_from(["", "i", "ims"]))
    | st.builds(Binary, st.binary(), st.integers(0, 255))
)
DOCUMENTS = st.dictionaries(
    st.text().filter(lambda key: not key.startswith("$")),
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from("abc"), inner),
        max_leaves=12,
    ),
)


@given(DOCUMENTS)
def test_what_is_written_reads_back_as_the_same_document(document):
    again = ejson.read_text(ejson.document_text(document), "data")
    assert canonical(again) == canonical(document)


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(InvalidParam):
        ejson.read_text(text, "query")


def canonical(value):
    """Tell 1 from 1.0 and True, and let NaN equal itself."""
    if type(value) is dict:
        return {key: canonical(item) for key, item in value.items()}
    if type(value) is list:
        return [canonical(item) for item in value]
    return (int if isinstance(value, Int64) else type(value), repr(value))


def test_a_tag_inside_text_is_text():
    written = orjson.dumps({"s": 'say "$date" twice'}).decode()
    assert ejson.read_text(written, "data") == {"s": 'say "$date" twice'}
