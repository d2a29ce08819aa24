"""Operators on whole arrays, and `$not`."""

import pytest

from emulator.core.errors import DatabaseRequestFailed
from emulator.core.query import compile_element, compile_filter
from emulator.core.values import Regex


def found(operand, values):
    documents = [{"a": value} for value in values]
    compiled = compile_filter({"a": operand})
    return [place for place, document in enumerate(documents) if compiled.matches(document)]


CASES = [
    pytest.param({"$size": 2}, [[1, 2], [1], [[1, 2]], "ab", {"length": 2}], [0], id="$size"),
    pytest.param({"$size": 0.0}, [[], [None], 0], [0], id="$size of a double"),
    pytest.param({"$all": [1, 2]}, [[2, 1, 3], [1], 1, [[1, 2]]], [0], id="$all"),
    pytest.param({"$all": [1]}, [1, [1], [2]], [0, 1], id="$all takes a scalar field"),
    pytest.param({"$all": []}, [[], [1], 1], [], id="$all of nothing"),
    pytest.param({"$all": [[1, 2]]}, [[1, 2], [[1, 2]], [1, 2, 3]], [0, 1], id="$all of an array"),
    pytest.param({"$all": [Regex("^a"), "b"]}, [["ax", "b"], ["b"], ["ab"]], [0],
                 id="$all of patterns"),
    pytest.param({"$all": [None]}, [None, [None], [1]], [0, 1], id="$all of null"),
    pytest.param({"$all": [{"$elemMatch": {"x": 1}}, {"$elemMatch": {"x": 2}}]},
                 [[{"x": 1}, {"x": 2}], [{"x": 1}]], [0], id="$all of $elemMatch"),
    pytest.param({"$elemMatch": {"$gt": 4, "$lt": 6}}, [[1, 10], [5], 5, [[5]]], [1],
                 id="$elemMatch binds one element"),
    pytest.param({"$elemMatch": {"x": 1, "y": 1}}, [[{"x": 1, "y": 1}], [{"x": 1}, {"y": 1}]], [0],
                 id="$elemMatch binds one object"),
    pytest.param({"$elemMatch": {"x": {"$exists": False}}}, [[{"y": 1}], [1], []], [0],
                 id="$elemMatch of objects skips scalars"),
    pytest.param({"$elemMatch": {"0": 5}}, [[[5, 6]], [[6, 5]]], [0],
                 id="$elemMatch sees an array as an object"),
    pytest.param({"$elemMatch": {"$or": [{"x": 1}, {"x": 2}]}}, [[{"x": 2}], [{"x": 3}], [2]], [0],
                 id="$elemMatch with $or is about objects"),
    pytest.param({"$elemMatch": {}}, [[{}], [1], [[]], []], [0, 2], id="$elemMatch of nothing"),
    pytest.param({"$elemMatch": {"$elemMatch": {"$gt": 1}}}, [[[1, 2]], [1, 2]], [0],
                 id="$elemMatch in $elemMatch"),
    pytest.param({"$elemMatch": {"$not": {"$gt": 1}}}, [[0, 5], [5]], [0],
                 id="$not inside $elemMatch is about the element"),
    pytest.param({"$elemMatch": {"$ne": 1, "$exists": True}}, [[1, 2], [1]], [0],
                 id="negations inside $elemMatch"),
    pytest.param({"$elemMatch": {"$all": [5]}}, [[5], [[5]]], [0], id="$all in $elemMatch"),
    pytest.param({"$not": {"$gt": 5}}, [5, 6, [1, 6], "x", None], [0, 3, 4], id="$not"),
    pytest.param({"$not": Regex("^a")}, ["ab", "b", 5, ["b", "a"]], [1, 2], id="$not pattern"),
    pytest.param({"$not": {"$not": {"$gt": 5}}}, [5, 6], [1], id="$not twice"),
    pytest.param({"$not": {"$gt": 1, "$lt": 5}}, [3, 0, 9], [1, 2], id="$not of two"),
]  # fmt: skip


@pytest.mark.parametrize(("operand", "values", "expected"), CASES)
def test_array_operator_matches(operand, values, expected):
    assert found(operand, values) == expected


REFUSED = [
    pytest.param({"$size": -1}, "may not be negative", id="negative size"),
    pytest.param({"$size": 1.5}, "whole number", id="broken size"),
    pytest.param({"$size": "2"}, "a number", id="size of text"),
    pytest.param({"$all": 1}, "needs an array", id="$all"),
    pytest.param({"$all": [{"$gt": 1}]}, "no \\$ expressions", id="operators in $all"),
    pytest.param({"$all": [{"$elemMatch": {}}, 1]}, "no \\$ expressions", id="mixed $all"),
    pytest.param({"$elemMatch": 1}, "needs an Object", id="$elemMatch"),
    pytest.param({"$not": 5}, "needs a regex or a document", id="$not of a number"),
    pytest.param({"$not": {}}, "cannot be empty", id="$not of nothing"),
    pytest.param({"$not": {"x": 1}}, "unknown operator: x", id="$not of an object"),
    pytest.param({"$elemMatch": {"$expr": True}}, "top-level document", id="$expr in $elemMatch"),
    pytest.param(
        {"$elemMatch": {"x": {"$near": [0, 0]}}}, "inside \\$elemMatch", id="$near inside"
    ),
]


@pytest.mark.parametrize(("operand", "text"), REFUSED)
def test_operand_is_refused(operand, text):
    with pytest.raises(DatabaseRequestFailed, match=text):
        compile_filter({"a": operand})


def test_an_element_test_stands_alone():
    test = compile_element({"x": {"$gt": 1}})
    assert [test(item) for item in ({"x": 2}, {"x": 1}, 5)] == [True, False, False]
