"""How values read in the texts of errors."""

from decimal import Decimal

import pytest

from emulator.core.values import (
    MAX_KEY,
    MIN_KEY,
    MISSING,
    Binary,
    Date,
    Int64,
    ObjectId,
    Regex,
    ServerDate,
    Timestamp,
)
from emulator.core.wording import SHOWN_MAX_CHARACTERS, shown

TEXTS = [
    (None, "null"),
    (MISSING, "undefined"),
    (True, "true"),
    (5, "5"),
    (Int64(5), "5"),
    (5.0, "5.0"),
    (1.5, "1.5"),
    (Decimal("1.50"), "1.50"),
    ('a"中', '"a\\"中"'),
    (Date(-5), "new Date(-5)"),
    (ServerDate(9), "new Date()"),
    (ObjectId("5f" * 12), f"ObjectId('{'5f' * 12}')"),
    (Regex("^a", "i"), "/^a/i"),
    (Binary(b"\0\1", 5), "BinData(5, 0001)"),
    (Timestamp(1, 2), "Timestamp(1, 2)"),
    (MIN_KEY, "MinKey"),
    (MAX_KEY, "MaxKey"),
    ({}, "{}"),
    ([], "[]"),
    ({"y": None, "o": {"a": [1, "x"]}}, '{ y: null, o: { a: [ 1, "x" ] } }'),
    ({1}, "{1}"),
]


@pytest.mark.parametrize(("value", "text"), TEXTS, ids=str)
def test_a_value_reads_as_mongodb_writes_it(value, text):
    assert shown(value) == text


@pytest.mark.parametrize("value", ["x" * 1000, list(range(10**6)), {"a": {"b": "y" * 500}}])
def test_a_long_value_is_cut(value):
    text = shown(value)
    assert len(text) == SHOWN_MAX_CHARACTERS
    assert text.endswith("...")
    assert shown(value, 20) == f"{text[:17]}..."
