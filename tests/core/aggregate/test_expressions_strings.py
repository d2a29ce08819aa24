"""Strings by code point and by byte."""

import math

import pytest

from emulator.core.aggregate.nodes import TEXT_LENGTH_MAX
from emulator.core.values import Date, Timestamp

VALUES = [
    ({"$concat": ["a", "b", "c"]}, "abc"),
    ({"$concat": []}, ""),
    ({"$concat": ["a", None]}, None),
    ({"$toUpper": "aé1"}, "Aé1"),
    ({"$toLower": "AÉ1"}, "aÉ1"),
    ({"$toUpper": None}, ""),
    ({"$toLower": 1.5}, "1.5"),
    ({"$toUpper": Date(0)}, "1970-01-01T00:00:00.000Z"),
    ({"$strcasecmp": ["A", "a"]}, 0),
    ({"$strcasecmp": ["a", None]}, 1),
    ({"$strcasecmp": ["a", "b"]}, -1),
    ({"$strLenBytes": "é世"}, 5),
    ({"$strLenCP": "é世😀"}, 3),
    ({"$substrCP": ["a世😀b", 1, 2]}, "世😀"),
    ({"$substrCP": [None, 0, 1]}, ""),
    ({"$substrCP": ["abc", 9, 1]}, ""),
    ({"$substrBytes": ["é世", 2, 3]}, "世"),
    ({"$substrBytes": ["abc", 1, -1]}, "bc"),
    ({"$substr": [123, 1, 1]}, "2"),
    ({"$indexOfCP": ["a世b世", "世"]}, 1),
    ({"$indexOfCP": ["a世b世", "世", 2]}, 3),
    ({"$indexOfCP": ["a世b世", "世", 2, 3]}, -1),
    ({"$indexOfCP": ["abc", "b", 9]}, -1),
    ({"$indexOfCP": [None, "b"]}, None),
    ({"$indexOfBytes": ["é世", "世"]}, 2),
    ({"$indexOfBytes": ["abc", ""]}, 0),
    ({"$split": ["a,b,,c", ","]}, ["a", "b", "", "c"]),
    ({"$split": [None, ","]}, None),
]

REFUSALS = [
    ({"$concat": ["a", 1]}, 16702),
    ({"$toUpper": True}, 16007),
    ({"$toLower": [[1]]}, 16007),
    ({"$strcasecmp": ["a", {}]}, 16007),
    ({"$strLenBytes": None}, 34473),
    ({"$strLenCP": 1}, 34471),
    ({"$substrCP": ["a", "x", 1]}, 34450),
    ({"$substrCP": ["a", 0.5, 1]}, 34451),
    ({"$substrCP": ["a", 0, "x"]}, 34452),
    ({"$substrCP": ["a", 0, 0.5]}, 34453),
    ({"$substrCP": ["a", 0, -1]}, 34454),
    ({"$substrCP": ["a", -1, 1]}, 34455),
    ({"$substr": ["abc", -1, 2]}, 50752),
    ({"$substrBytes": ["a", "x", 1]}, 16034),
    ({"$substrBytes": ["a", 0, "x"]}, 16035),
    ({"$substrBytes": ["é", 1, 1]}, 28656),
    ({"$substrBytes": ["é", 0, 1]}, 28657),
    ({"$indexOfCP": [1, "x"]}, 40093),
    ({"$indexOfCP": ["x", None]}, 40094),
    ({"$indexOfBytes": [1, "x"]}, 40091),
    ({"$indexOfBytes": ["x", 1]}, 40092),
    ({"$indexOfCP": ["x", "x", "y"]}, 40096),
    ({"$indexOfCP": ["x", "x", -1]}, 40097),
    ({"$split": [1, ","]}, 40085),
    ({"$split": ["a", 1]}, 40086),
    ({"$split": ["a", ""]}, 40087),
]


@pytest.mark.parametrize(("expression", "expected"), VALUES, ids=repr)
def test_a_string_operator(require, expression, expected):
    require(expression, expected)


@pytest.mark.parametrize(("expression", "code"), REFUSALS, ids=repr)
def test_a_wrong_operand_is_refused(refused, expression, code):
    refused(expression, code)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1, "1"),
        (1.0, "1"),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
    ],
)
def test_a_number_becomes_text(require, number, text):
    require({"$toLower": {"$substr": [{"$literal": number}, 0, -1]}}, text.lower())


def test_a_timestamp_becomes_text(evaluate):
    assert evaluate({"$toUpper": {"$literal": Timestamp(0, 1)}})


def test_texts_are_bounded(refused):
    half = "x" * (TEXT_LENGTH_MAX // 2 + 1)
    refused({"$concat": [{"$literal": half}, {"$literal": half}]}, 146)
