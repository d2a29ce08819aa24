"""Comparison without brackets, truth, and choices."""

import math
from decimal import Decimal

import pytest

from emulator.core.values import MISSING, Date, Int64, ObjectId

VALUES = [
    ({"$cmp": [1, 2]}, -1),
    ({"$cmp": ["a", 1]}, 1),
    ({"$cmp": [1, 1.0]}, 0),
    ({"$eq": [1, 1.0]}, True),
    ({"$eq": [1, True]}, False),
    ({"$eq": [None, "$no"]}, False),
    ({"$eq": [[1, 2], [1, 2]]}, True),
    ({"$eq": [math.nan, math.nan]}, True),
    ({"$ne": [1, Int64(1)]}, False),
    ({"$gt": ["s", 5]}, True),
    ({"$gt": [2.5, 2]}, True),
    ({"$gt": [2, math.nan]}, True),
    ({"$gt": [math.nan, 2]}, False),
    ({"$gte": [Decimal("2.5"), 2.5]}, True),
    ({"$lt": ["$no", None]}, True),
    ({"$lt": ["a", "b"]}, True),
    ({"$lte": [Date(1), Date(1)]}, True),
    ({"$lte": [ObjectId("5f" * 12), True]}, True),
    ({"$and": []}, True),
    ({"$and": [1, "", []]}, True),
    ({"$and": [1, 0]}, False),
    ({"$and": ["$no", {"$divide": [1, 0]}]}, False),
    ({"$or": []}, False),
    ({"$or": [0, None, "$no"]}, False),
    ({"$or": [True, {"$divide": [1, 0]}]}, True),
    ({"$not": 0}, True),
    ({"$not": [""]}, False),
    ({"$cond": [True, 1, 2]}, 1),
    ({"$cond": {"if": "$no", "then": 1, "else": 2}}, 2),
    ({"$cond": ["$yes", {"$add": ["$yes", 1]}, 2]}, 2),
    ({"$cond": ["$no", 1, "$$REMOVE"]}, MISSING),
    ({"$cond": [False, {"$divide": [1, 0]}, 2]}, 2),
    ({"$ifNull": ["$no", 1]}, 1),
    ({"$ifNull": [None, "$no", 3]}, 3),
    ({"$ifNull": [0, 1]}, 0),
    ({"$ifNull": ["$no", "$no"]}, MISSING),
    (
        {"$switch": {"branches": [{"case": 0, "then": 1}, {"case": "$yes", "then": 2}]}},
        2,
    ),
    ({"$switch": {"branches": [{"case": "$no", "then": 1}], "default": 9}}, 9),
    ({"$literal": "$yes"}, "$yes"),
    ({"$literal": {"$add": [1, 2]}}, {"$add": [1, 2]}),
    ({"$const": [1]}, [1]),
]

REFUSALS = [
    ({"$eq": [1]}, 16020),
    ({"$not": [1, 2]}, 16020),
    ({"$cond": [1, 2]}, 16020),
    ({"$cond": {"then": 1, "else": 2}}, 17080),
    ({"$cond": {"if": 1, "else": 2}}, 17081),
    ({"$cond": {"if": 1, "then": 2}}, 17082),
    ({"$cond": {"if": 1, "then": 2, "else": 3, "no": 4}}, 17083),
    ({"$ifNull": [1]}, 1257300),
    ({"$switch": [1]}, 40060),
    ({"$switch": {"branches": 1}}, 40061),
    ({"$switch": {"branches": [1]}}, 40062),
    ({"$switch": {"branches": [{"case": 1, "then": 1, "no": 1}]}}, 40063),
    ({"$switch": {"branches": [{"then": 1}]}}, 40064),
    ({"$switch": {"branches": [{"case": 1}]}}, 40065),
    ({"$switch": {"branches": [{"case": "$no", "then": 1}]}}, 40066),
    ({"$switch": {"branches": [{"case": 1, "then": 1}], "no": 1}}, 40067),
    ({"$switch": {"branches": []}}, 40068),
]


@pytest.mark.parametrize(("expression", "expected"), VALUES, ids=repr)
def test_a_choice(require, expression, expected):
    require(expression, expected, {"yes": 1})


@pytest.mark.parametrize(("expression", "code"), REFUSALS, ids=repr)
def test_a_wrong_operand_is_refused(refused, expression, code):
    refused(expression, code, {"yes": 1})
