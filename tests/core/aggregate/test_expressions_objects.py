"""Operators on objects."""

import pytest

from emulator.core.values import MISSING

DOCUMENT = {"a": {"x": 1, "y.z": 2}, "$b": 3, "n": 5}

VALUES = [
    ({"$arrayToObject": [[["a", 1], ["b", 2]]]}, {"a": 1, "b": 2}),
    ({"$arrayToObject": {"$literal": [{"k": "a", "v": 1}, {"k": "a", "v": 2}]}}, {"a": 2}),
    ({"$arrayToObject": [[]]}, {}),
    ({"$arrayToObject": None}, None),
    ({"$objectToArray": "$a"}, [{"k": "x", "v": 1}, {"k": "y.z", "v": 2}]),
    ({"$objectToArray": "$no"}, None),
    ({"$mergeObjects": ["$a", {"x": 9, "w": 1}]}, {"x": 9, "y.z": 2, "w": 1}),
    ({"$mergeObjects": [None, "$no"]}, {}),
    ({"$mergeObjects": "$a"}, {"x": 1, "y.z": 2}),
    ({"$getField": {"field": "y.z", "input": "$a"}}, 2),
    ({"$getField": "n"}, 5),
    ({"$getField": {"$literal": "$b"}}, 3),
    ({"$getField": {"field": "no", "input": "$a"}}, MISSING),
    ({"$getField": {"field": "x", "input": "$n"}}, MISSING),
    ({"$getField": {"field": "x", "input": None}}, None),
    ({"$setField": {"field": "x", "input": "$a", "value": 7}}, {"x": 7, "y.z": 2}),
    ({"$setField": {"field": "x", "input": "$a", "value": "$$REMOVE"}}, {"y.z": 2}),
    ({"$setField": {"field": "x", "input": None, "value": 7}}, None),
    ({"$unsetField": {"field": "y.z", "input": "$a"}}, {"x": 1}),
]

REFUSALS = [
    ({"$arrayToObject": "x"}, 40386),
    ({"$arrayToObject": [["x"]]}, 40398),
    ({"$arrayToObject": [[["a", 1], {"k": "b", "v": 1}]]}, 40396),
    ({"$arrayToObject": {"$literal": [{"k": "a", "v": 1}, ["b", 1]]}}, 40391),
    ({"$arrayToObject": [[["a", 1, 2]]]}, 40397),
    ({"$arrayToObject": [[[1, 1]]]}, 40395),
    ({"$arrayToObject": {"$literal": [{"k": "a"}]}}, 40392),
    ({"$arrayToObject": {"$literal": [{"k": "a", "x": 1}]}}, 40393),
    ({"$arrayToObject": {"$literal": [{"k": 1, "v": 1}]}}, 40394),
    ({"$arrayToObject": [[["a\0b", 1]]]}, 4940400),
    ({"$objectToArray": "$n"}, 40390),
    ({"$setField": {"field": "x", "input": 5, "value": 1}}, 4161105),
    ({"$mergeObjects": ["$a", 5]}, 40400),
]


@pytest.mark.parametrize(("expression", "expected"), VALUES, ids=repr)
def test_an_object_operator(require, expression, expected):
    require(expression, expected, DOCUMENT)


@pytest.mark.parametrize(("expression", "code"), REFUSALS, ids=repr)
def test_a_wrong_operand_is_refused(refused, expression, code):
    refused(expression, code, DOCUMENT)
