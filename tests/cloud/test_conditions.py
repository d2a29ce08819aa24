"""Every expression below says in Python what the recorded one said in JavaScript."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from emulator.cloud.command import Command
from emulator.cloud.conditions import encode_filter, encode_stage, encode_update
from emulator.cloud.encode import Unencodable
from emulator.cloud.expressions import Pipeline
from emulator.cloud.geo import Geo
from emulator.cloud.markers import RegExp, ServerDate
from emulator.core import ejson
from emulator.core.values import Date

_ = Command()
agg = _.aggregate
RECORDED = json.loads(Path(__file__).with_name("wx_server_sdk_wire.json").read_text("utf-8"))

RING = Geo.LineString([Geo.Point(0, 0), Geo.Point(0, 3), Geo.Point(3, 3), Geo.Point(0, 0)])


def at(ms):
    return datetime.fromtimestamp(ms / 1000, UTC)


FILTERS = {
    "and_chain": {"a": _.gt(20).and_(_.lt(30))},
    "comparison_chain": {"a": _.gt(1).lt(5)},
    "or_after_chain": {"d": _.gt(1).lt(5).or_(_.eq(10))},
    "or_call": {"b": _.or_(_.eq(1), _.eq(2))},
    "or_list": {"b": _.or_([_.eq(3), _.gt(9)])},
    "two_ors": {"b": _.or_(_.eq(1), _.eq(2)), "d": _.or_([_.eq(3), _.gt(9)])},
    "and_of_or": {"a": _.and_(_.gt(1), _.or_(_.lt(5), _.eq(9)))},
    "two_ands": {"a": _.gt(1).and_(_.lt(5)), "b": _.gt(2).and_(_.lt(6))},
    "nor": {"c": _.nor(_.eq(1), _.eq(2))},
    "not_": {"a": _.not_(_.gt(1))},
    "not_regex": {"b": _.not_(re.compile("x"))},
    "root_or": _.or_([{"a": 1, "b": {"c": _.gt(3)}}, {"d": re.compile("x", re.IGNORECASE)}]),
    "root_and": _.and_({"a": 1}, {"b": 2}),
    "root_nested": _.and_([{"a": _.gt(1)}, _.or_([{"b": 2}, {"b": 3}])]),
    "root_nor": _.nor([{"a": 1}, {"b": 2}]),
    "nested": {"a": {"b": {"c": 1}, "d": "x"}},
    "nested_command": {"a": {"b": _.in_([1, 2])}},
    "nested_array": {"a": {"k": [{"z": 1}]}},
    "empty_object": {"a": {}},
    "dotted": {"a.b": 1},
    "raw_operator": {"h": {"$gt": 5}},
    "raw_and_field": {"h": {"$gt": 5, "i": 2}},
    "raw_or": {"$or": [{"q": 1}, {"r": 2}]},
    "raw_regex": {"n": {"$regex": "x", "$options": "i"}},
    "eq_object": {"a": _.eq({"b": 1})},
    "neq": {"a": _.neq(None)},
    "nin": {"a": _.nin(["x"])},
    "all": {"a": _.all([1, 2])},
    "exists": {"a": _.exists(True)},
    "size": {"a": _.size(3)},
    "mod": {"a": _.mod(4, 3)},
    "mod_list": {"a": _.mod([4, 3])},
    "elem_match_object": {"a": _.elem_match({"v": _.gt(0)})},
    "elem_match_command": {"a": _.elem_match(_.gt(2))},
    "regexp": {"n": RegExp({"regexp": "^S", "options": "i"})},
    "regex_literal": {"n": re.compile("^S", re.IGNORECASE | re.MULTILINE)},
    "server_date": {"t": ServerDate(), "u": _.lt(ServerDate({"offset": -1000}))},
    "date": {"t": at(5), "u": _.gte(at(6))},
    "object_id": {"i": _.eq("x")},
    "null_": {"a": None},
    "long": {"a": 5000000000},
    "fraction": {"a": 1.5},
    "point": {"l": Geo.Point(113.5, 23)},
    "geo_near": {"l": _.geo_near(geometry=Geo.Point(1, 2), max_distance=5, min_distance=1)},
    "geo_within": {"l": _.geo_within({"geometry": Geo.Polygon([RING])})},
    "geo_sphere": {"l": _.geo_within({"centerSphere": [[1, 2], 0.1]})},
    "geo_sphere_point": {"l": _.geo_within(center_sphere=[Geo.Point(1, 2), 0.1])},
    "geo_intersects": {"l": _.geo_intersects(geometry=RING)},
    "expr": _.expr(agg.gt(["$a", "$b"])),
    "same_field_twice": {"a": _.gt(3), "a.b": 5},
    "empty": {},
}

UPDATES = {
    "merge": {"age": 26, "address.city": "Beijing"},
    "nested": {"a": {"x": 9, "y": {"z": 1}}},
    "array": {"a": [1, {"b": 2}]},
    "empty_object": {"a": {}},
    "set": {"a": _.set({"x": 1})},
    "remove": {"a": _.remove()},
    "inc": {"a": _.inc(1)},
    "nested_inc": {"n": {"o": _.inc(2), "p": "x"}},
    "mul": {"a": _.mul(2)},
    "min": {"a": _.min(5)},
    "max": {"a": _.max(5)},
    "rename": {"a": _.rename("z")},
    "bit": {"a": _.bit({"and": 5})},
    "push_items": {"a": _.push(1, 2)},
    "push_list": {"a": _.push([1, 2])},
    "push_object": {"a": _.push({"b": 1})},
    "push_list_in_list": {"a": _.push([[1, 2]])},
    "push_each": {"a": _.push(each=[1], position=0, sort=1, slice=3)},
    "unshift": {"a": _.unshift([1, 2])},
    "pop": {"a": _.pop()},
    "shift": {"a": _.shift()},
    "pull_value": {"a": _.pull(3)},
    "pull_condition": {"a": _.pull(_.gte(3))},
    "pull_in": {"a": _.pull(_.in_([1, 2]))},
    "pull_object": {"a": _.pull({"x": _.gt(1)})},
    "pull_all": {"a": _.pull_all([1])},
    "add_to_set": {"a": _.add_to_set(5)},
    "add_each": {"a": _.add_to_set(each=[1, 2])},
    "several": {"a": 1, "b": _.inc(1), "c": _.inc(2), "d": _.remove()},
    "raw": {"$set": {"raw": 1}, "a": 2},
    "server_date": {"t": ServerDate(), "n": {"u": ServerDate(offset=5)}},
    "date": {"p": {"q": at(5)}},
    "point": {"l": Geo.Point(1, 2)},
    "null_": {"a": None},
}

PIPELINES = {
    "guide": Pipeline()
    .match({"status": "completed", "createTime": agg.gte(at(0))})
    .group({"_id": "$productId", "totalSales": agg.sum("$amount"), "count": agg.sum(1)})
    .sort({"totalSales": -1})
    .limit(10),
    "match_flattens": Pipeline().match({"a": _.gt(1).and_(_.lt(5)), "c": {"d": 1}}),
    "scalars": Pipeline().skip(2).unwind("$x").sort_by_count("$z").count("n").sample({"size": 3}),
    "lookup_pipeline": Pipeline().lookup(
        {
            "from": "b",
            "let": {"i": "$i"},
            "pipeline": agg.pipeline()
            .match(_.expr(agg.eq(["$x", "$$i"])))
            .project({"_id": 0})
            .done(),
            "as": "z",
        }
    ),
    "expressions": Pipeline().project(
        {
            "s": agg.date_to_string({"date": "$d", "format": "%Y"}),
            "n": agg.neq(["$a", 1]),
            "c": agg.cond(if_=agg.gte(["$a", 1]), then="x", else_="y"),
            "m": agg.multiply("$a", 2),
        }
    ),
    "nested_project": Pipeline()
    .project({"a": {"b": 1}})
    .add_fields({"t": at(5)})
    .replace_root({"newRoot": "$a"})
    .bucket({"groupBy": "$p", "boundaries": [0, 5], "default": "o"})
    .bucket_auto({"groupBy": "$p", "buckets": 2}),
}


@pytest.mark.parametrize("name", RECORDED["filters"])
def test_a_filter_is_what_the_javascript_sdk_sends(name):
    assert encode_filter(FILTERS[name]) == ejson.decode(RECORDED["filters"][name])


@pytest.mark.parametrize("name", RECORDED["updates"])
def test_an_update_is_what_the_javascript_sdk_sends(name):
    assert encode_update(UPDATES[name]) == ejson.decode(RECORDED["updates"][name])


@pytest.mark.parametrize("name", RECORDED["pipelines"])
def test_a_pipeline_is_what_the_javascript_sdk_sends(name):
    stages = [encode_stage(stage) for stage in PIPELINES[name].stages]
    assert stages == ejson.decode(RECORDED["pipelines"][name])


def test_every_case_has_a_recorded_counterpart():
    assert (set(FILTERS), set(UPDATES), set(PIPELINES)) == tuple(
        set(RECORDED[group]) for group in ("filters", "updates", "pipelines")
    )


@pytest.mark.parametrize(
    ("conditions", "filter_"),
    [
        pytest.param(
            {"$or": [{"q": _.gt(1)}, {"r": {"s": 2}}]},
            {"$or": [{"q": {"$gt": 1}}, {"r": {"s": 2}}]},
            id="commands-inside-a-raw-or",
        ),
        pytest.param(
            {"a": _.not_(_.gt(1).and_(_.lt(5)))},
            {"$nor": [{"$and": [{"a": {"$gt": 1}}, {"a": {"$lt": 5}}]}]},
            id="not-of-several-conditions",
        ),
        pytest.param(
            _.not_({"a": 1, "b": 2}), {"$nor": [{"a": 1, "b": 2}]}, id="not-of-a-whole-condition"
        ),
        pytest.param(
            {"a": _.elem_match(_.gt(1).and_(_.lt(5)))},
            {"a": {"$elemMatch": {"$gt": 1, "$lt": 5}}},
            id="elem-match-of-several-comparisons",
        ),
        pytest.param(
            {"a": _.elem_match({"v": _.gt(0).and_(_.lt(9))})},
            {"a": {"$elemMatch": {"$and": [{"v": {"$gt": 0}}, {"v": {"$lt": 9}}]}}},
            id="logic-inside-elem-match",
        ),
        pytest.param(
            {"$or": [{"z": 1}], "b": _.or_(_.eq(1), _.eq(2))},
            {"$or": [{"z": 1}, {"b": {"$eq": 1}}, {"b": {"$eq": 2}}]},
            id="a-raw-or-and-a-command-are-one-list",
        ),
        pytest.param(
            {"a.b": {"$gt": 1}, "a": {"b": _.lt(5)}},
            {"a.b": {"$gt": 1, "$lt": 5}},
            id="two-conditions-on-one-path-both-count",
        ),
        pytest.param({"a": _.or_(1, 2)}, {"$or": [{"a": 1}, {"a": 2}]}, id="or-of-plain-values"),
        pytest.param(
            {"a": _.or_({"b": 1}, {"c": {"d": 2}})},
            {"$or": [{"b": 1}, {"c.d": 2}]},
            id="conditions-in-a-field's-or-name-their-own-fields",
        ),
        pytest.param({"t": _.gt(at(5))}, {"t": {"$gt": Date(5)}}, id="dates-in-commands"),
    ],
)
def test_what_the_javascript_sdk_garbles_is_sent_as_meant(conditions, filter_):
    assert encode_filter(conditions) == filter_


def test_set_of_a_point_or_a_server_date_keeps_its_meaning():
    update = encode_update({"l": _.set(Geo.Point(1, 2)), "t": _.set({"u": ServerDate()})})
    assert ejson.canonical(update)["$set"] == {
        "l": {"type": "Point", "coordinates": [{"$numberInt": "1"}, {"$numberInt": "2"}]},
        "t": {"u": {"$tcb_server_date": {"offset": 0}}},
    }


@pytest.mark.parametrize(
    ("encoder", "value"),
    [
        pytest.param(encode_filter, {"a": object()}, id="an-object-in-a-filter"),
        pytest.param(encode_filter, {1: 2}, id="a-number-as-field-name"),
        pytest.param(encode_filter, {"a": _.inc(1)}, id="an-update-operator-in-a-filter"),
        pytest.param(encode_filter, {"a": _.elem_match(_.or_(1, 2))}, id="or-without-a-field"),
        pytest.param(encode_update, {"a": _.gt(1)}, id="a-condition-in-an-update"),
        pytest.param(encode_update, {"a": [_.inc(1)]}, id="an-operator-inside-a-list"),
    ],
)
def test_what_cannot_be_sent_is_refused(encoder, value):
    with pytest.raises(Unencodable):
        encoder(value)


def test_not_can_stand_inside_elem_match():
    assert encode_filter({"a": _.elem_match(_.not_(_.gt(1)))}) == {
        "a": {"$elemMatch": {"$not": {"$gt": 1}}}
    }


@pytest.mark.parametrize(
    ("conditions", "sent"),
    [
        (_.or_([{"a": 1}, {"b": _.gt(2)}]), {"$or": [{"a": 1}, {"b": {"$gt": 2}}]}),
        (
            _.and_(_.or_({"a": 1}, {"c": {"d": 1}}), {"p": _.gt(1)}),
            {"$and": [{"$or": [{"a": 1}, {"c.d": 1}]}, {"p": {"$gt": 1}}]},
        ),
    ],
)
def test_match_takes_whole_conditions_as_where_does(conditions, sent):
    assert encode_stage({"$match": conditions}) == {"$match": sent}
    inner = {"$lookup": {"pipeline": Pipeline().match(conditions).done()}}
    assert encode_stage(inner) == {"$lookup": {"pipeline": [{"$match": sent}]}}
