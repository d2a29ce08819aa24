"""Filters over columns say what the filter over documents says."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.core.query import compile_filter
from emulator.core.query_columns import COLUMNS_MAX, DOUBLE_EXACT_MAX, column_filter
from emulator.core.values import MISSING, Date, Int64, ObjectId, Regex

OPERANDS = [
    1, 0, 7, Int64(2), 2.5, DOUBLE_EXACT_MAX, DOUBLE_EXACT_MAX + 1, "a", "",
    True, Decimal(2), Date(5), Regex("a"),
    {"$gt": 1}, {"$gte": 1.5}, {"$lt": DOUBLE_EXACT_MAX + 1}, {"$lte": -1}, {"$gt": "a"},
    {"$lt": Date(5)}, {"$in": [0, 1]}, {"$in": ["a", "b"]}, {"$in": [1, 2]},
    {"$gt": 1, "$lt": 5},
]  # fmt: skip
NOT_COLUMNAR = [
    None, [1], {"x": 1}, {"$ne": 1}, {"$exists": True}, {"$size": 1}, {"$in": [None, 1]},
    {"$elemMatch": {"$gt": 1}}, {"$mod": [2, 0]}, {"$lt": Decimal(2)},
    {"$gt": float("nan")}, ObjectId("0" * 24),
]  # fmt: skip
NUMBERS = st.sampled_from([0, 1, -1, 2, 2.5, 0.0, float("nan"), float("inf"), DOUBLE_EXACT_MAX + 1])
VALUES = st.one_of(
    NUMBERS,
    st.sampled_from([None, MISSING, True, False, "a", "ab", "", Date(4), Date(5), Int64(7)]),
    st.sampled_from([Decimal(2), ObjectId("0" * 24), {"x": 1}, Regex("a")]),
    st.lists(st.one_of(NUMBERS, st.sampled_from(["a", None, Date(4)])), max_size=2),
)
ALIKE = [
    st.lists(st.floats(allow_nan=True), max_size=8),
    st.lists(st.integers(-3, 9), max_size=8),
    st.lists(st.sampled_from(["", "a", "b"]), max_size=8),
    st.lists(VALUES, max_size=8),
]


def check(operands, columns):
    names = "abcdefgh"[: len(operands)]
    compiled = compile_filter(dict(zip(names, operands, strict=True)))
    columnar = column_filter(compiled.node)
    assert columnar is not None
    rows = list(zip(*columns, strict=True))
    documents = [
        {name: value for name, value in zip(names, row, strict=True) if value is not MISSING}
        for row in rows
    ]
    expected = [bool(compiled.matches(each)) for each in documents]
    values = {name: list(column) for name, column in zip(names, columns, strict=True)}
    asked = [values[path[0]] for path in columnar.paths]
    for kinds in ([None] * len(asked), [frozenset(map(type, column)) for column in asked]):
        assert columnar.flags(asked, kinds) == expected


@pytest.mark.parametrize("operand", OPERANDS, ids=repr)
@given(columns=st.one_of(ALIKE))
def test_one_condition(operand, columns):
    check([operand], [columns])


@given(
    operands=st.lists(st.sampled_from(OPERANDS), min_size=2, max_size=2),
    rows=st.lists(st.tuples(VALUES, VALUES), max_size=8),
)
def test_two_conditions(operands, rows):
    check(operands, list(zip(*rows, strict=True)) or [(), ()])


@pytest.mark.parametrize("operand", NOT_COLUMNAR, ids=repr)
def test_what_needs_documents_has_none(operand):
    assert column_filter(compile_filter({"a": operand}).node) is None


@pytest.mark.parametrize(
    "filter_",
    [
        {},
        {"a.b": 1},
        {"$or": [{"a": 1}, {"b": 1}]},
        dict.fromkeys("abcdefghij"[: COLUMNS_MAX + 1], 1),
    ],
    ids=["nothing", "deeper", "or", "many"],
)
def test_other_filters_have_none(filter_):
    assert column_filter(compile_filter(filter_).node) is None
