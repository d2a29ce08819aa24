"""Operators on a field: (filter, documents) and which of them match."""

import re
from decimal import Decimal

import pytest

from emulator.core.errors import DatabaseRequestFailed, InvalidOperator
from emulator.core.query import compile_filter
from emulator.core.query_operators import integral, is_truthy, whole_number
from emulator.core.values import (
    MAX_KEY,
    MIN_KEY,
    MISSING,
    Binary,
    Date,
    Int64,
    ObjectId,
    Regex,
    Timestamp,
)

NAN = float("nan")
ABSENT = object()


def found(filter_, values):
    """Return which of the values of field `a` match, by every way of running the filter."""
    documents = [{} if value is ABSENT else {"a": value} for value in values]
    compiled = compile_filter(filter_)
    chosen = compiled.select(documents)
    assert chosen == [document for document in documents if compiled.matches(document)]
    assert chosen == [document for document in documents if compiled(document)]
    for document in documents:
        assert (compiled.matched_index(document) is None) or document in chosen
    return [place for place, document in enumerate(documents) if any(document is c for c in chosen)]


EQUALITY = [
    pytest.param({"a": 5}, [5, 5.0, Int64(5), Decimal(5), "5", None, ABSENT, [1, 5], [[5]]],
                 [0, 1, 2, 3, 7], id="number"),
    pytest.param({"a": 1}, [True, 1, 1.0, [True], [1]], [1, 2, 4], id="one is not true"),
    pytest.param({"a": 0}, [False, 0, -0.0, [False], [0.0]], [1, 2, 4], id="zero is not false"),
    pytest.param({"a": True}, [True, 1, [True], False], [0, 2], id="true"),
    pytest.param({"a": "x"}, ["x", ["x"], ["y"], {"x": 1}, "X"], [0, 1], id="text"),
    pytest.param({"a": None}, [None, ABSENT, [None], [], 0, False, ""], [0, 1, 2], id="null"),
    pytest.param({"a": NAN}, [NAN, 1.0, [NAN], Decimal("NaN")], [0, 2, 3], id="NaN"),
    pytest.param({"a": Date(5)}, [Date(5), 5, [Date(5)], Date(6)], [0, 2], id="date"),
    pytest.param({"a": ObjectId("a" * 24)}, [ObjectId("a" * 24), "a" * 24], [0], id="object id"),
    pytest.param({"a": [1, 2]}, [[1, 2], [[1, 2]], [2, 1], [1, 2, 3], 1], [0, 1], id="array"),
    pytest.param({"a": []}, [[], [[]], ABSENT, None], [0, 1], id="empty array"),
    pytest.param({"a": {"x": 1, "y": 2}}, [{"x": 1, "y": 2}, {"y": 2, "x": 1}, {"x": 1}], [0],
                 id="object with its order"),
    pytest.param({"a": {}}, [{}, [{}], {"x": 1}, ABSENT], [0, 1], id="empty object"),
    pytest.param({"a": {"$eq": 5}}, [5, [5], 6], [0, 1], id="$eq"),
    pytest.param({"a": {"$eq": Regex("x")}}, ["x", Regex("x"), Regex("x", "i")], [1],
                 id="$eq of a regex is the regex"),
    pytest.param({"a": {"$ne": 5}}, [5, 6, [5, 6], ABSENT, None, "5"], [1, 3, 4, 5], id="$ne"),
    pytest.param({"a": {"$ne": None}}, [None, ABSENT, 0, [], [None]], [2, 3], id="$ne null"),
    pytest.param({"a": {"$in": [1, "x", None]}}, [1, True, "x", ABSENT, None, ["x"], 2],
                 [0, 2, 3, 4, 5], id="$in mixed"),
    pytest.param({"a": {"$in": ["x", "y"]}}, ["x", ["y", 1], 1, {"x": 1}, [["x"]]], [0, 1],
                 id="$in texts"),
    pytest.param({"a": {"$in": [0, 1.5]}}, [0, False, 1.5, Int64(0), [1.5], "0"], [0, 2, 3, 4],
                 id="$in numbers"),
    pytest.param({"a": {"$in": [Regex("^x"), 3]}}, ["xy", "yx", 3, ["ax", "x"]], [0, 2, 3],
                 id="$in patterns"),
    pytest.param({"a": {"$in": [[1]]}}, [[1], [[1]], 1], [0, 1], id="$in arrays"),
    pytest.param({"a": {"$in": [NAN, 2]}}, [NAN, 2.0, 1], [0, 1], id="$in NaN"),
    pytest.param({"a": {"$in": [7]}}, [7, [7], 8], [0, 1], id="$in of one"),
    pytest.param({"a": {"$in": []}}, [1, None, ABSENT, []], [], id="$in nothing"),
    pytest.param({"a": {"$nin": []}}, [1, ABSENT], [0, 1], id="$nin nothing"),
    pytest.param({"a": {"$nin": [1, 2]}}, [1, [2, 3], 3, ABSENT], [2, 3], id="$nin"),
]  # fmt: skip

RANGES = [
    pytest.param({"a": {"$gt": 5}}, [5, 6, 5.5, "6", True, None, ABSENT, Date(9), [1, 6], NAN],
                 [1, 2, 8], id="$gt number"),
    pytest.param({"a": {"$gte": 5}}, [5, 4, Decimal("5"), Int64(5), NAN], [0, 2, 3],
                 id="$gte number"),
    pytest.param({"a": {"$lt": 5}}, [4, 5, NAN, None, False, [9, 1]], [0, 5], id="$lt number"),
    pytest.param({"a": {"$lt": Decimal(5)}}, [4, 5, NAN, 4.5, Decimal("NaN"), [NAN, 1]], [0, 3, 5],
                 id="$lt decimal"),
    pytest.param({"a": {"$lte": Int64(5)}}, [5, 6, Decimal("NaN")], [0], id="$lte number"),
    pytest.param({"a": {"$gt": 2**53}}, [2**53 + 1, float(2**53), 2**53], [0],
                 id="longs are exact"),
    pytest.param({"a": {"$gte": "b"}}, ["a", "b", "c", 9, ["x", 1]], [1, 2, 4], id="text"),
    pytest.param({"a": {"$lt": Date(5)}}, [Date(4), Date(5), 4, [Date(1)]], [0, 3], id="date"),
    pytest.param({"a": {"$gte": None}}, [None, ABSENT, 0, [None]], [0, 1, 3], id="$gte null"),
    pytest.param({"a": {"$lte": None}}, [None, ABSENT, 0], [0, 1], id="$lte null"),
    pytest.param({"a": {"$gt": None}}, [None, ABSENT, 1], [], id="$gt null"),
    pytest.param({"a": {"$gte": NAN}}, [NAN, 1, Decimal("NaN")], [0, 2], id="$gte NaN"),
    pytest.param({"a": {"$lt": NAN}}, [NAN, 1], [], id="$lt NaN"),
    pytest.param({"a": {"$gt": False}}, [True, False, 1], [0], id="bool"),
    pytest.param({"a": {"$gt": [1]}}, [[1, 1], [1], [2], 5, [[3]]], [0, 2, 4], id="array"),
    pytest.param({"a": {"$gt": {"x": 1}}}, [{"x": 2}, {"x": 1}, {"w": 5}], [0], id="object"),
    pytest.param({"a": {"$gt": ObjectId("5" * 24)}}, [ObjectId("6" * 24), "6" * 24], [0], id="id"),
    pytest.param({"a": {"$gt": MIN_KEY}}, [0, "x", MIN_KEY], [0, 1], id="above MinKey"),
    pytest.param({"a": {"$lt": MAX_KEY}}, [0, "x", MAX_KEY], [0, 1], id="below MaxKey"),
    pytest.param({"a": {"$gt": 4, "$lt": 6}}, [5, [1, 10], 4], [0, 1],
                 id="two conditions by two elements"),
]  # fmt: skip

OTHERS = [
    pytest.param({"a": {"$exists": True}}, [None, ABSENT, 0, []], [0, 2, 3], id="$exists"),
    pytest.param({"a": {"$exists": 0}}, [None, ABSENT], [1], id="$exists of zero"),
    pytest.param({"a": {"$exists": ""}}, [None, ABSENT], [0], id="$exists of a text is true"),
    pytest.param({"a": {"$type": "int"}}, [1, Int64(1), 1.0, 2**40, True, [1]], [0, 5],
                 id="$type int"),
    pytest.param({"a": {"$type": 18}}, [1, Int64(1), 2**40], [1, 2], id="$type long by number"),
    pytest.param({"a": {"$type": "number"}}, [1, 1.5, Int64(1), Decimal(1), "1", True],
                 [0, 1, 2, 3], id="$type number"),
    pytest.param({"a": {"$type": "array"}}, [[], [1], {}, [[]]], [0, 1, 3], id="$type array"),
    pytest.param({"a": {"$type": ["null", "date"]}}, [None, ABSENT, Date(0), "x"], [0, 2],
                 id="$type list"),
    pytest.param({"a": {"$mod": [4, 3]}}, [7, 3, -1, 7.9, "7", True, ABSENT, [1, 11]],
                 [0, 1, 3, 7], id="$mod"),
    pytest.param({"a": {"$mod": [4, -1]}}, [-5, -1.5, 3], [0, 1], id="$mod keeps the sign"),
    pytest.param({"a": {"$mod": [3.9, 1.2]}}, [4, 5], [0], id="$mod cuts its operands"),
    pytest.param({"a": {"$mod": [2, 0]}}, [float("inf"), NAN, 1e30, Decimal("1E+40"), 4], [4],
                 id="$mod beyond int64"),
    pytest.param({"a": Regex("^b", "i")}, ["Bad", "ab", ["x", "b"], 5, Regex("^b", "i")],
                 [0, 2, 4], id="pattern"),
    pytest.param({"a": {"$regex": "a.c"}}, ["abc", "a\nc"], [0], id="$regex"),
    pytest.param({"a": {"$regex": "A.C", "$options": "is"}}, ["a\nc"], [0], id="$options"),
    pytest.param({"a": {"$regex": Regex("x", "i")}}, ["X"], [0], id="$regex of a pattern"),
    pytest.param({"a": {"$regex": Regex("x"), "$options": "i"}}, ["X"], [0],
                 id="$options beside a pattern"),
    pytest.param({"a": {"$regex": "x", "$options": "gu"}}, ["x", "X"], [0],
                 id="flags of JavaScript are ignored"),
    pytest.param({"a": {"$bitsAllSet": 6}}, [6, 7, 2, 6.0, "6", -1], [0, 1, 3, 5],
                 id="$bitsAllSet"),
    pytest.param({"a": {"$bitsAnySet": [1, 2]}}, [2, 4, 8], [0, 1], id="$bitsAnySet"),
    pytest.param({"a": {"$bitsAllClear": 6}}, [8, 2, 0], [0, 2], id="$bitsAllClear"),
    pytest.param({"a": {"$bitsAnyClear": [70]}}, [1, -1], [0], id="bits beyond 64 repeat the sign"),
    pytest.param({"a": {"$bitsAllSet": Binary(b"\x05")}}, [5, 4, Binary(b"\x05\x01")], [0, 2],
                 id="binary masks and values"),
    pytest.param({"a": {"$bitsAnySet": 1}}, [1.5, NAN, ABSENT], [], id="bits of no integer"),
    pytest.param({"a": {"$comment": "why", "$gt": 1}}, [1, 2], [1], id="$comment"),
]  # fmt: skip


@pytest.mark.parametrize(("filter_", "values", "expected"), EQUALITY + RANGES + OTHERS)
def test_operator_matches(filter_, values, expected):
    assert found(filter_, values) == expected


@pytest.mark.parametrize(("filter_", "values", "expected"), EQUALITY + RANGES + OTHERS)
def test_not_matches_all_the_others(filter_, values, expected):
    operand = filter_["a"]
    if type(operand) is not dict or not operand or next(iter(operand))[0] != "$":
        operand = {"$eq": operand} if type(operand) is not Regex else operand
    rest = [place for place in range(len(values)) if place not in expected]
    assert found({"a": {"$not": operand}}, values) == rest


@pytest.mark.parametrize(("filter_", "values", "expected"), EQUALITY + RANGES + OTHERS)
def test_the_same_holds_behind_a_path(filter_, values, expected):
    documents = [{"o": {}} if value is ABSENT else {"o": {"a": value}} for value in values]
    compiled = compile_filter({"o.a": filter_["a"]})
    assert [p for p, document in enumerate(documents) if compiled.matches(document)] == expected


REFUSED = [
    pytest.param({"$ne": Regex("x")}, 2, "regex as arg to \\$ne", id="$ne pattern"),
    pytest.param({"$gt": Regex("x")}, 2, "RegEx", id="range of a pattern"),
    pytest.param({"$gt": MISSING}, 2, "undefined", id="range of undefined"),
    pytest.param({"$eq": MISSING}, 2, "undefined", id="equal to undefined"),
    pytest.param({"$in": 1}, 2, "\\$in needs an array", id="$in"),
    pytest.param({"$nin": "x"}, 2, "\\$nin needs an array", id="$nin"),
    pytest.param({"$in": [{"$gt": 1}]}, 2, "cannot nest", id="$in operators"),
    pytest.param({"$in": [MISSING, 1]}, 2, "undefined", id="$in undefined"),
    pytest.param({"$type": "integer"}, 2, "Unknown type name alias: integer", id="$type alias"),
    pytest.param({"$type": 99}, 2, "Invalid numerical type code", id="$type number"),
    pytest.param({"$type": None}, 14, "represented as a number or a string", id="$type null"),
    pytest.param({"$type": []}, 9, "at least one type", id="$type nothing"),
    pytest.param({"$mod": 3}, 2, "needs to be an array", id="$mod"),
    pytest.param({"$mod": [3]}, 2, "not enough elements", id="$mod one"),
    pytest.param({"$mod": [3, 1, 2]}, 2, "too many elements", id="$mod three"),
    pytest.param({"$mod": [0.4, 1]}, 2, "divisor cannot be 0", id="$mod zero"),
    pytest.param({"$mod": ["a", 1]}, 2, "int64 numbers", id="$mod text"),
    pytest.param({"$mod": [NAN, 1]}, 2, "int64 numbers", id="$mod NaN"),
    pytest.param({"$regex": 5}, 2, "\\$regex has to be a string", id="$regex"),
    pytest.param({"$regex": "a", "$options": 5}, 2, "\\$options has to be a string", id="$options"),
    pytest.param({"$options": "i"}, 2, "\\$options needs a \\$regex", id="$options alone"),
    pytest.param({"$regex": "a", "$options": "q"}, 51108, "invalid flag", id="unknown option"),
    pytest.param({"$bitsAllSet": -1}, 9, "bit mask", id="negative mask"),
    pytest.param({"$bitsAllSet": "x"}, 2, "bit mask", id="mask of text"),
    pytest.param({"$bitsAllSet": [-1]}, 2, "bit positions", id="negative position"),
    pytest.param({"$foo": 1}, 2, "unknown operator: \\$foo", id="unknown"),
    pytest.param({"$gt": 1, "b": 2}, 2, "unknown operator: b", id="mixed with a field"),
    pytest.param({"$where": "1"}, 2, "JavaScript", id="$where"),
]


@pytest.mark.parametrize(("operand", "code", "text"), REFUSED)
def test_operand_is_refused(operand, code, text):
    with pytest.raises(DatabaseRequestFailed, match=text) as refusal:
        compile_filter({"a": operand})
    assert refusal.value.mongo_code == code
    assert "'a'" in refusal.value.hint or refusal.value.hint


@pytest.mark.parametrize("operand", [{"$foo": 1}, {"$where": "x"}], ids=["unknown", "disallowed"])
def test_operators_that_do_not_exist_have_their_own_code(operand):
    with pytest.raises(InvalidOperator) as refusal:
        compile_filter({"a": operand})
    assert refusal.value.code == "DATABASE_INVALID_OPERRATOR"


@pytest.mark.parametrize(
    ("value", "truth"),
    [
        *((value, False) for value in (0, 0.0, False, None, MISSING)),
        *((value, True) for value in (NAN, "", [], {}, -1, Timestamp(0, 0))),
    ],
)
def test_truthiness_is_mongodbs(value, truth):
    assert is_truthy(value) is truth


@pytest.mark.parametrize(
    ("value", "whole", "exact"),
    [
        (5, 5, 5),
        (5.0, 5, 5),
        (-5.7, -5, None),
        (Decimal("7"), 7, 7),
        (True, None, None),
        ("5", None, None),
        (float("inf"), None, None),
        (Decimal("Infinity"), None, None),
        (1e19, None, None),
    ],
)
def test_whole_numbers_and_integers(value, whole, exact):
    assert whole_number(value) == whole
    assert integral(value) == exact


def test_refusals_name_the_operand_shortly():
    with pytest.raises(DatabaseRequestFailed) as refusal:
        compile_filter({"a": {"$bitsAllSet": "x" * 1000}})
    assert len(refusal.value.message) < 200
    assert re.search("x{20}", refusal.value.message)
