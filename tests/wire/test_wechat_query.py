"""Statements become the commands that the `cloud` object sends for the same calls in Python."""

import contextlib
import inspect
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator import cloud
from emulator.cloud.aggregate import Aggregation
from emulator.core.commands import (
    Aggregate,
    Count,
    Find,
    Insert,
    Remove,
    Update,
)
from emulator.core.errors import EmulatorError, InvalidParam
from emulator.core.values import Date, ObjectId, Regex, ServerDate
from emulator.wire.wechat_names import _COMMAND, _DATABASE, _DOCUMENT, _QUERY, _STAGES, Named
from emulator.wire.wechat_query import REPEATED_LENGTH_MAX, read_statement

NOW_MS = 1_700_000_000_000
_ = cloud.database().command


def read(text: str) -> Any:
    return read_statement(text, now_ms=NOW_MS)


def where(conditions: str) -> Any:
    return read(f"db.collection('c').where({conditions}).get()").filter


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("db.collection('c').get()", Find(collection="c", limit=10)),
        ("db.collection('c').get({})", Find(collection="c", limit=10)),
        ("db.collection('c').doc('a').get({})", Find(collection="c", filter={"_id": "a"})),
        (
            "db.collection('c').orderBy('n', 'desc').orderBy('m').skip(2).limit(5)"
            ".field({n: true, _id: false}).get()",
            Find(
                collection="c",
                limit=5,
                skip=2,
                sort=(("n", -1), ("m", 1)),
                projection={"n": 1, "_id": 0},
            ),
        ),
        ("db.collection('c').doc('a').get()", Find(collection="c", filter={"_id": "a"})),
        (
            "db.collection('c').doc(1).field({n:1}).get()",
            Find(collection="c", filter={"_id": 1}, projection={"n": 1}),
        ),
        ("db.collection('c').where({a:1}).count()", Count(collection="c", filter={"a": 1})),
        (
            "db.collection('c').add({data: {a: 1}})",
            Insert(collection="c", documents=({"a": 1},)),
        ),
        (
            "db.collection('c').add({data: [{a: 1}, {a: 2}]})",
            Insert(collection="c", documents=({"a": 1}, {"a": 2})),
        ),
        (
            "db.collection('c').doc('a').set({data: {a: {b: 1}}})",
            Update(
                collection="c",
                filter={"_id": "a"},
                update={"a": {"b": 1}},
                replace=True,
                upsert=True,
            ),
        ),
        (
            "db.collection('c').doc('a').update({data: {a: {b: 1}, n: _.inc(2)}})",
            Update(
                collection="c",
                filter={"_id": "a"},
                update={"$set": {"a.b": 1}, "$inc": {"n": 2}},
            ),
        ),
        (
            "db.collection('c').where({a: 1}).update({data: {b: 2}})",
            Update(collection="c", filter={"a": 1}, update={"$set": {"b": 2}}, multi=True),
        ),
        (
            "db.collection('c').where({}).remove()",
            Remove(collection="c", filter={}, multi=True),
        ),
        ("db.collection('c').doc('a').remove()", Remove(collection="c", filter={"_id": "a"})),
        (
            "db.collection('c').aggregate().match({a: _.gt(1)})"
            ".lookup({from: 'd', pipeline: $.pipeline().match({b: 1}).project({b: 1}).done(),"
            " as: 'd'}).group({_id: '$a', n: $.sum('$n'), m: $.indexOfCP(['$t', 'x'])}).end()",
            Aggregate(
                collection="c",
                pipeline=(
                    {"$match": {"a": {"$gt": 1}}},
                    {
                        "$lookup": {
                            "from": "d",
                            "pipeline": [{"$match": {"b": 1}}, {"$project": {"b": 1}}],
                            "as": "d",
                        }
                    },
                    {
                        "$group": {
                            "_id": "$a",
                            "n": {"$sum": "$n"},
                            "m": {"$indexOfCP": ["$t", "x"]},
                        }
                    },
                ),
            ),
        ),
        (
            "const _ = db.command, $ = _.aggregate\nconst Point = db.Geo.Point;\n"
            "db.collection('c').where({a: _.lt(1), p: new Point(1, 2)}).count()",
            Count(
                collection="c",
                filter={"a": {"$lt": 1}, "p": {"type": "Point", "coordinates": [1, 2]}},
            ),
        ),
        (
            "const data = {a: 1}; db.collection('c').add({data})",
            Insert(collection="c", documents=({"a": 1},)),
        ),
    ],
)
def test_a_statement_is_one_command(text: str, command: object):
    assert read(text) == command


@pytest.mark.parametrize(
    ("conditions", "filter_"),
    [
        ("{a: /^x/i}", {"a": Regex("^x", "i")}),
        ("{a: db.RegExp({regexp: '^x', options: 'im'})}", {"a": Regex("^x", "im")}),
        ("{a: new RegExp('^x', 'g')}", {"a": Regex("^x", "")}),
        (
            "{a: db.ObjectId('0123456789abcdef01234567')}",
            {"a": ObjectId("0123456789abcdef01234567")},
        ),
        ("{a: new Date()}", {"a": Date(NOW_MS)}),
        ("{a: Date.now()}", {"a": NOW_MS}),
        ("{a: Date.now() - 24 * 60 * 60 * 1000}", {"a": NOW_MS - 86_400_000}),
        ("{a: new Date(Date.now() - 1000)}", {"a": Date(NOW_MS - 1000)}),
        ("{a: 2 * (Date.now() + 1) - 1}", {"a": 2 * NOW_MS + 1}),
        ("{a: new Date().getTime()}", {"a": NOW_MS}),
        ("{a: new Date(5) - new Date(2)}", {"a": 3}),
        ("{a: new Date(0).toISOString()}", {"a": "1970-01-01T00:00:00.000Z"}),
        ("{a: new Date(Date.UTC(1970, 0, 2))}", {"a": Date(86_400_000)}),
        ("{a: _.lt(db.serverDate({offset: 60 * 1000}))}", {"a": {"$lt": ServerDate(60_000)}}),
        ("{a: undefined, b: [undefined]}", {"b": [None]}),
        ("{a: _['in']([1, 2])}", {"a": {"$in": [1, 2]}}),
        ("{a: _.exists(true), b: _.mod(4, 3)}", {"a": {"$exists": True}, "b": {"$mod": [4, 3]}}),
        ("_.or([{a: 1}, {b: _.gt(2)}])", {"$or": [{"a": 1}, {"b": {"$gt": 2}}]}),
        ("{a: _.gt(1).and(_.lt(5))}", {"$and": [{"a": {"$gt": 1}}, {"a": {"$lt": 5}}]}),
        ("{a: _.not(_.gt(1))}", {"a": {"$not": {"$gt": 1}}}),
        ("_.expr($.gt(['$a', '$b']))", {"$expr": {"$gt": ["$a", "$b"]}}),
        (
            "{p: _.geoNear({geometry: db.Geo.Point(1, 2), maxDistance: 5})}",
            {
                "p": {
                    "$nearSphere": {
                        "$geometry": {"type": "Point", "coordinates": [1, 2]},
                        "$maxDistance": 5,
                    }
                }
            },
        ),
        (
            "{p: _.geoWithin({centerSphere: [[1, 2], 0.5]})}",
            {"p": {"$geoWithin": {"$centerSphere": [[1, 2], 0.5]}}},
        ),
    ],
)
def test_conditions_become_the_filter_of_the_sdks(conditions: str, filter_: object):
    assert where(conditions) == filter_


@pytest.mark.parametrize(
    ("data", "update"),
    [
        ("{a: _.set({b: 1})}", {"$set": {"a": {"b": 1}}}),
        ("{a: _.remove()}", {"$unset": {"a": ""}}),
        ("{a: _.push([1, 2])}", {"$push": {"a": {"$each": [1, 2]}}}),
        (
            "{a: _.push({each: [1], position: 0, slice: 3})}",
            {"$push": {"a": {"$each": [1], "$position": 0, "$slice": 3}}},
        ),
        ("{a: _.unshift(1)}", {"$push": {"a": {"$each": [1], "$position": 0}}}),
        ("{a: _.pop(), b: _.shift()}", {"$pop": {"a": 1, "b": -1}}),
        (
            "{a: _.pull(_.gt(1)), b: _.pullAll([1])}",
            {"$pull": {"a": {"$gt": 1}}, "$pullAll": {"b": [1]}},
        ),
        ("{a: _.addToSet(1)}", {"$addToSet": {"a": 1}}),
        ("{a: _.addToSet({each: [1]})}", {"$addToSet": {"a": {"$each": [1]}}}),
        ("{a: _.rename('b'), n: _.mul(2)}", {"$rename": {"a": "b"}, "$mul": {"n": 2}}),
    ],
)
def test_data_becomes_the_update_of_the_sdks(data: str, update: object):
    assert read(f"db.collection('c').doc('x').update({{data: {data}}})").update == update


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1", "should end in a call"),
        ("db.collection('c')", "should end in a call"),
        ("db.collection('c').where({a: new Date() + 1}).get()", "only numbers, or two strings"),
        ("db.collection('c').where({a: Date.now() + 'a'}).get()", "only numbers, or two strings"),
        ("db.collection('c').where({a: _.gt(1) - 1}).get()", "only numbers, or two strings"),
        ("db.collection('c').where({a: db - 1}).get()", "this is no value"),
        ("db.collection('c').where({a: Date.now().x}).get()", "means nothing here"),
        ("db.nothing()", "there is collection"),
        ("db.collection('c').wher({}).get()", "there is where"),
        ("db.__class__", "means nothing here"),
        ("_.gt(1).__init__(2)", "means nothing here"),
        ("$.__class__", "means nothing here"),
        ("Math.max(1)", "Math is not defined"),
        ("db()", "cannot be called"),
        ("'a'.b", "should end here"),
        ("db.collection('c').where({a: _}).get()", "this is no value"),
        ("db.collection('c').where({a: db.collection('d')}).get()", "this is no value"),
        ("db.collection('c').where({a: db.collection('d').count()}).get()", "this is no value"),
        ("db.collection('c').where(1).get()", "a dict, not int"),
        ("db.collection('c').remove()", "say which documents"),
        ("db.collection('c').limit('a').get()", "must be integer"),
        ("db.collection('c').doc().get()", "0 arguments given; 1 wanted"),
        ("db.collection('c').orderBy('a', 'b', 'c').get()", "1 to 2 wanted"),
        ("db.collection('c').orderBy('a', 'up').get()", "up"),
        ("db.collection('c').add({data: {a: new Date('x')}})", "is no date"),
        ("db.collection('c').add({data: 1})", "should be dict"),
        ("db.collection('c').add({documents: 1})", "documents is not known"),
        ("db.collection('c').doc('a').update({data: {}})", "must not be empty"),
        ("db.collection('c').where({a: _.geoNear([1])}).get()", "cannot be taken"),
        ("db.collection('c').where({a: new db.Geo.Point(200, 1)}).get()", "longitude"),
        ("const a = [1]; const b = [a, a]; db.collection('c').add({data: {b}})", "a is data"),
        ("db.collection('c').then(1).get()", "means nothing here"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(text: str, why: str):
    with pytest.raises(InvalidParam) as caught:
        read(text)
    assert "query, line 1, column " in caught.value.message
    assert why in caught.value.message


def test_a_name_of_data_cannot_be_used_without_end():
    uses = REPEATED_LENGTH_MAX // 2_000
    with pytest.raises(InvalidParam, match="used too often"):
        read(f"const a = '{'x' * 1_500}'; db.collection('c').add({{data: [{'a,' * uses}]}})")


def test_a_condition_of_many_parts_is_refused_not_a_crash():
    with contextlib.suppress(EmulatorError):
        where("{a: _.gt(1)" + ".and(_.lt(5))" * 400 + "}")


# One value in both languages: what stands in a statement, and what the `cloud` object is given.
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False).filter(lambda n: not n.is_integer()),
    st.text(st.characters(codec="utf-8"), max_size=5),
).map(lambda value: (json.dumps(value), value))
KEYS = st.text("abc", min_size=1, max_size=2)
OPERATORS = st.sampled_from(["eq", "neq", "gt", "gte", "lt", "lte"])


def object_of(values: Any) -> Any:
    return st.dictionaries(KEYS, values, max_size=3).map(
        lambda given: (
            "{" + ", ".join(f"{key}: {text}" for key, (text, _) in given.items()) + "}",
            {key: value for key, (_, value) in given.items()},
        )
    )


def array_of(values: Any) -> Any:
    return st.lists(values, max_size=3).map(
        lambda given: (f"[{', '.join(text for text, _ in given)}]", [value for _, value in given])
    )


DATA = st.recursive(SCALARS, lambda inner: object_of(inner) | array_of(inner), max_leaves=8)
COMPARED = st.tuples(OPERATORS, DATA).map(
    lambda given: (f"_.{given[0]}({given[1][0]})", getattr(_, given[0])(given[1][1]))
)
JOINED = st.tuples(COMPARED, st.sampled_from(["and", "or"]), COMPARED).map(
    lambda given: (
        f"{given[0][0]}.{given[1]}({given[2][0]})",
        getattr(given[0][1], f"{given[1]}_")(given[2][1]),
    )
)
CONDITIONS = object_of(st.one_of(DATA, COMPARED, JOINED))


@given(CONDITIONS)
def test_conditions_mean_what_they_mean_in_python(pair: tuple[str, Any]):
    text, conditions = pair
    assert where(text) == Named("c").query().where(conditions)._find.filter


@given(DATA.filter(lambda pair: type(pair[1]) is dict))
def test_documents_are_added_as_they_stand(pair: tuple[str, Any]):
    text, document = pair
    assert read(f"db.collection('c').add({{data: {text}}})").documents == (document,)


@given(CONDITIONS)
def test_pipelines_mean_what_they_mean_in_python(pair: tuple[str, Any]):
    text, conditions = pair
    pipeline = Aggregation("c").match(conditions).limit(3)
    assert read(f"db.collection('c').aggregate().match({text}).limit(3).end()") == (
        inspect.unwrap(Aggregation.end)(pipeline).command
    )


WORDS = st.lists(
    st.sampled_from(
        [*"_$.()[]{},:1-", *_QUERY, *_DATABASE.members, "db", "new", "Date", "/a/", "'a'", "gt(1)"]
    ),
    max_size=30,
).map(" ".join)
TAILS = st.lists(
    st.tuples(
        st.sampled_from(
            [*_QUERY, *_DOCUMENT, *_STAGES, *_COMMAND.members, *_DATABASE.members, "end", "doc"]
        ),
        st.lists(DATA, max_size=2),
    ),
    max_size=4,
).map(
    lambda steps: "".join(
        f".{name}({', '.join(text for text, _ in arguments)})" for name, arguments in steps
    )
)


@given(st.one_of(st.text(), WORDS, TAILS.map(lambda tail: f"db.collection('c'){tail}")))
def test_any_text_is_a_command_or_refused(text: str):
    with contextlib.suppress(EmulatorError):
        read(text)


def test_a_match_that_is_no_condition_is_refused():
    with pytest.raises(InvalidParam, match="must be an object of conditions"):
        read("db.collection('c').aggregate().match(_.remove()).end()")


@given(
    st.sampled_from(["db", "_", "db.Geo", "$", "Date", "_.project"]),
    TAILS.filter(bool),
    st.sampled_from(
        ["where({a: %s}).get()", "add({data: {a: %s}})", "aggregate().match(%s).end()"]
    ),
)
def test_any_call_in_data_is_taken_or_refused(root: str, tail: str, around: str):
    with contextlib.suppress(EmulatorError):
        read(f"db.collection('c').{around % (root + tail)}")


def test_sums_may_have_names_given_before():
    text = "const day = 24 * 3600 * 1000; const c = db.collection('c');"
    find = read(f"{text} c.where({{a: _.gt(Date.now() - 7 * day)}}).get()")
    assert find.filter == {"a": {"$gt": NOW_MS - 7 * 86_400_000}}


@pytest.mark.parametrize("tail", ["get()", "remove()", "update({data: {a: 1}})"])
def test_conditions_that_are_all_undefined_do_not_mean_all(tail: str):
    with pytest.raises(InvalidParam, match="不能均为undefined"):
        read(f"db.collection('c').where({{a: undefined, b: undefined}}).{tail}")
    assert read("db.collection('c').where({a: undefined, b: 1}).get()").filter == {"b": 1}
    assert read("db.collection('c').where({}).get()").filter == {}
