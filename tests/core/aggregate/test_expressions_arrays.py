"""Operators on arrays."""

import math

import pytest

from emulator.core.values import MISSING

VALUES = [
    ({"$arrayElemAt": [[1, 2, 3], 0]}, 1),
    ({"$arrayElemAt": [[1, 2, 3], -1]}, 3),
    ({"$arrayElemAt": [[1, 2, 3], 1.0]}, 2),
    ({"$arrayElemAt": [[1], 5]}, MISSING),
    ({"$arrayElemAt": [None, 0]}, None),
    ({"$arrayElemAt": [[1], None]}, None),
    ({"$first": {"$literal": [1, 2]}}, 1),
    ({"$last": {"$literal": [1, 2]}}, 2),
    ({"$first": {"$literal": []}}, MISSING),
    ({"$last": "$no"}, None),
    ({"$concatArrays": [[1], [2, 3], []]}, [1, 2, 3]),
    ({"$concatArrays": [[1], None]}, None),
    ({"$concatArrays": []}, []),
    ({"$in": [2, [1, 2]]}, True),
    ({"$in": [True, [1]]}, False),
    ({"$in": [1, [1.0]]}, True),
    ({"$indexOfArray": [["a", "b", "a"], "a"]}, 0),
    ({"$indexOfArray": [["a", "b", "a"], "a", 1]}, 2),
    ({"$indexOfArray": [["a", "b", "a"], "a", 1, 2]}, -1),
    ({"$indexOfArray": [["a"], "x"]}, -1),
    ({"$indexOfArray": [None, "x"]}, None),
    ({"$isArray": [[1]]}, True),
    ({"$isArray": "x"}, False),
    ({"$range": [0, 3]}, [0, 1, 2]),
    ({"$range": [3, 0, -2]}, [3, 1]),
    ({"$range": [0, 3, -1]}, []),
    ({"$reverseArray": [[1, 2]]}, [2, 1]),
    ({"$reverseArray": None}, None),
    ({"$size": [[1, 2]]}, 2),
    ({"$slice": [[1, 2, 3], 2]}, [1, 2]),
    ({"$slice": [[1, 2, 3], -2]}, [2, 3]),
    ({"$slice": [[1, 2, 3], 1, 1]}, [2]),
    ({"$slice": [[1, 2, 3], -9, 2]}, [1, 2]),
    ({"$slice": [[1, 2, 3], 9, 2]}, []),
    ({"$slice": [None, 1]}, None),
    ({"$slice": [[1], None]}, None),
    ({"$slice": [[1], None, 1]}, None),
    ({"$slice": [[1], 0, None]}, None),
    ({"$zip": {"inputs": [[1, 2], ["a"]]}}, [[1, "a"]]),
    (
        {"$zip": {"inputs": [[1, 2], ["a"]], "useLongestLength": True}},
        [[1, "a"], [2, None]],
    ),
    (
        {"$zip": {"inputs": [[1, 2], ["a"]], "useLongestLength": True, "defaults": [0, "z"]}},
        [[1, "a"], [2, "z"]],
    ),
    ({"$zip": {"inputs": [[1], None]}}, None),
]

REFUSALS = [
    ({"$arrayElemAt": ["x", 0]}, 28689),
    ({"$arrayElemAt": [[1], "x"]}, 28690),
    ({"$arrayElemAt": [[1], 1.5]}, 28691),
    ({"$first": "x"}, 28689),
    ({"$concatArrays": [[1], "x"]}, 28664),
    ({"$in": [1, "x"]}, 40081),
    ({"$indexOfArray": ["x", 1]}, 40090),
    ({"$indexOfArray": [[1], 1, "x"]}, 40096),
    ({"$indexOfArray": [[1], 1, -1]}, 40097),
    ({"$range": ["x", 1]}, 34443),
    ({"$range": [0.5, 1]}, 34444),
    ({"$range": [0, "x"]}, 34445),
    ({"$range": [0, 0.5]}, 34446),
    ({"$range": [0, 1, "x"]}, 34447),
    ({"$range": [0, 1, 0.5]}, 34448),
    ({"$range": [0, 1, 0]}, 34449),
    ({"$range": [0, 3_000_000]}, 146),
    ({"$reverseArray": "x"}, 34435),
    ({"$size": "x"}, 17124),
    ({"$size": "$no"}, 17124),
    ({"$slice": ["x", 1]}, 28724),
    ({"$slice": [[1], "x"]}, 28725),
    ({"$slice": [[1], math.nan]}, 28726),
    ({"$slice": [[1], 1, "x"]}, 28727),
    ({"$slice": [[1], 1, 0.5]}, 28728),
    ({"$slice": [[1], 1, 0]}, 28729),
    ({"$zip": [[1]]}, 34460),
    ({"$zip": {"inputs": "x"}}, 34461),
    ({"$zip": {"inputs": [[1]], "defaults": 5}}, 34462),
    ({"$zip": {"inputs": [[1]], "useLongestLength": 1}}, 34463),
    ({"$zip": {"inputs": [[1]], "no": 1}}, 34464),
    ({"$zip": {"inputs": []}}, 34465),
    ({"$zip": {"inputs": [[1]], "defaults": [0]}}, 34466),
    ({"$zip": {"inputs": [[1]], "defaults": [0, 1], "useLongestLength": True}}, 34467),
    ({"$zip": {"inputs": ["x"]}}, 34468),
]


@pytest.mark.parametrize(("expression", "expected"), VALUES, ids=repr)
def test_an_array_operator(require, expression, expected):
    require(expression, expected)


@pytest.mark.parametrize(("expression", "code"), REFUSALS, ids=repr)
def test_a_wrong_operand_is_refused(refused, expression, code):
    refused(expression, code)


def test_arrays_are_bounded(refused):
    many = {"$range": [0, 1_500_000]}
    refused({"$size": {"$concatArrays": [many, many]}}, 146)
