"""What a filter says of the values behind a path, by table."""

import pytest

from emulator.core.bounds import Interval, bounds_of
from emulator.core.query import compile_filter
from emulator.core.values import Regex


@pytest.mark.parametrize(
    ("filter_", "paths"),
    [
        pytest.param({"a": 1, "b": {"$gt": 1}}, {"a": 1, "b": None}, id="both kinds"),
        pytest.param({"a": {"$in": [1, 1.0, "x"]}}, {"a": 2}, id="members by value"),
        pytest.param({"a": {"$in": [1, [2]]}}, {}, id="an array among the members"),
        pytest.param({"a": [1]}, {}, id="an array"),
        pytest.param({"a": Regex("x", "")}, {}, id="a pattern"),
        pytest.param({"a": {"$ne": 1}}, {}, id="a negation"),
        pytest.param({"a": {"$in": [1, 2], "$eq": 1}}, {"a": 1}, id="the fewest"),
        pytest.param({"$and": [{"a": 1}, {"b": 2}]}, {"a": 1, "b": 1}, id="and"),
        pytest.param({"$or": [{"a": 1}, {"b": 2}]}, {}, id="or"),
        pytest.param({"a": {"$gte": None}}, {"a": 1}, id="null is a value"),
        pytest.param({"a": {"$gt": True}}, {}, id="a kind without intervals"),
    ],
)
def test_bounds(filter_, paths):
    found = bounds_of(compile_filter(filter_).node)
    assert {path: bound.points and len(bound.points) for path, bound in found.items()} == paths


@pytest.mark.parametrize(
    ("filter_", "through_array", "interval"),
    [
        ({"$gt": 1, "$lte": 5}, False, [Interval(4, 1, True, 5, False)]),
        ({"$gt": 1, "$gte": 1, "$lt": 9, "$lte": 9}, False, [Interval(4, 1, True, 9, True)]),
        ({"$gte": 1, "$gt": 2, "$lt": 9, "$lte": 3}, False, [Interval(4, 2, True, 3, False)]),
        ({"$gt": 5, "$lt": 5}, False, []),
        ({"$gt": 5, "$lte": 5}, False, []),
        ({"$gte": 5, "$lte": 5}, False, [Interval(4, 5, False, 5, False)]),
        ({"$gt": 5, "$lt": "a"}, False, []),
        ({"$gt": 1, "$lte": 5}, True, [Interval(4, 1, True)]),
    ],
)
def test_conditions_on_one_path_narrow_each_other_unless_elements_may_meet_them(
    filter_, through_array, interval
):
    found = bounds_of(compile_filter({"a": filter_}).node)["a"]
    assert list(found.interval(through_array=through_array)) == interval
