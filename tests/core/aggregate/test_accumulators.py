"""Accumulators in a group, slice by slice, and as expressions."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.core.aggregate.accumulators import ACCUMULATORS, kinds_of
from emulator.core.ordering import identical
from emulator.core.values import MISSING, Date, Int64

CASES = [
    ("$sum", [1, 2, "x", None, MISSING, [3]], 3),
    ("$sum", [], 0),
    ("$sum", [2**31 - 1, 1], 2**31),
    ("$sum", [Int64(1), 1], Int64(2)),
    ("$sum", [2**40, -(2**40)], Int64(0)),
    ("$sum", [2**63 - 1, 1], float(2**63)),
    ("$sum", [1, 0.5], 1.5),
    ("$sum", [0.1] * 10, 1.0),
    ("$sum", [1e308, 1e308], math.inf),
    ("$sum", [math.inf, -math.inf], math.nan),
    ("$sum", [Decimal("0.1"), 1], Decimal("1.1")),
    ("$sum", [Decimal("0.5"), 0.5, 1], Decimal("2.0")),
    ("$avg", [1, 2, 4], 7 / 3),
    ("$avg", [1, None, "x", 3], 2.0),
    ("$avg", ["x"], None),
    ("$avg", [Decimal(1), 2], Decimal("1.5")),
    ("$min", [3, 1, None, MISSING], 1),
    ("$min", ["b", "a"], "a"),
    ("$min", ["b", 5], 5),
    ("$min", [None], None),
    ("$min", [[2], [1, 9]], [1, 9]),
    ("$max", [3, 1.5], 3),
    ("$min", [2.5, 0.5, 1.0], 0.5),
    ("$min", [1.0, math.nan, 0.5], math.nan),
    ("$min", [math.inf, -math.inf, 1.0], -math.inf),
    ("$max", [2.5, math.nan, 3], 3),
    ("$max", [math.nan], math.nan),
    ("$max", [0.5, True, 2.5], True),
    ("$max", ["b", Date(0)], Date(0)),
    ("$max", [MISSING], None),
    ("$first", [MISSING, 1], MISSING),
    ("$first", [1, 2], 1),
    ("$last", [1, 2], 2),
    ("$last", [], MISSING),
    ("$push", [1, None, MISSING, 1], [1, None, 1]),
    ("$addToSet", [2, 1, 2.0, "a", MISSING, None], [None, 1, 2, "a"]),
    ("$addToSet", ["b", "a", "b"], ["a", "b"]),
    ("$mergeObjects", [{"a": 1, "b": 1}, None, {"a": 2}], {"a": 2, "b": 1}),
    ("$stdDevPop", [2, 4, "x"], 1.0),
    ("$stdDevPop", [5], 0.0),
    ("$stdDevPop", [], None),
    ("$stdDevSamp", [2, 4], math.sqrt(2)),
    ("$stdDevSamp", [5], None),
    ("$stdDevPop", [math.inf, 1], math.nan),
]


def accumulated(name, *slices):
    accumulator = ACCUMULATORS[name]()
    for values in slices:
        accumulator.add(list(values), kinds_of(values))
    return accumulator.result()


@pytest.mark.parametrize(("name", "values", "expected"), CASES, ids=repr)
def test_what_comes_of_values(name, values, expected):
    found = accumulated(name, values)
    assert identical(found, expected), found


@pytest.mark.parametrize(("name", "values", "expected"), CASES, ids=repr)
def test_slices_make_no_difference(name, values, expected):
    found = accumulated(name, *[[value] for value in values])
    same = identical(found, expected) or found == pytest.approx(expected)
    assert same, found


@given(
    st.sampled_from(["$sum", "$avg", "$min", "$max", "$first", "$last", "$push", "$addToSet"]),
    st.lists(st.integers(-(2**62), 2**62) | st.floats(-1e6, 1e6) | st.text(max_size=3)),
    st.integers(1, 5),
)
def test_however_values_are_sliced_the_result_is_one(name, values, size):
    whole = accumulated(name, values)
    parts = accumulated(
        name, *[values[start : start + size] for start in range(0, len(values), size)]
    )
    assert identical(whole, parts) or whole == pytest.approx(parts)


def test_what_is_no_object_cannot_be_merged(stage_refused):
    stage_refused([{"$group": {"_id": None, "x": {"$mergeObjects": "$v"}}}], 40400, [{"v": 5}])


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ({"$sum": [1, 2]}, 3),
        ({"$sum": "$list"}, 6),
        ({"$sum": ["$list"]}, 6),
        ({"$sum": ["$list", 1]}, 1),
        ({"$avg": "$list"}, 2.0),
        ({"$min": [5, "$no", None]}, 5),
        ({"$max": "$list"}, 3),
        ({"$max": 7}, 7),
        ({"$stdDevPop": [1, 3]}, 1.0),
        ({"$stdDevSamp": "$list"}, 1.0),
        ({"$avg": "$no"}, None),
    ],
    ids=repr,
)
def test_accumulators_as_expressions(require, expression, expected):
    require(expression, expected, {"list": [1, 2, 3]})
