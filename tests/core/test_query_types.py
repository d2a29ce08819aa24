"""Names and numbers of types."""

from decimal import Decimal

import pytest

from emulator.core.query_types import NUMBER_TYPES, TYPE_NUMBERS, type_name, type_set
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


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (1, "int"),
        (2**31, "long"),
        (-(2**31) - 1, "long"),
        (Int64(1), "long"),
        (1.0, "double"),
        (Decimal(1), "decimal"),
        ("", "string"),
        ({}, "object"),
        ([], "array"),
        (None, "null"),
        (True, "bool"),
        (Date(0), "date"),
        (ObjectId("0" * 24), "objectId"),
        (Regex(""), "regex"),
        (Binary(b""), "binData"),
        (Timestamp(0, 0), "timestamp"),
        (MIN_KEY, "minKey"),
        (MAX_KEY, "maxKey"),
        (MISSING, "missing"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_every_value_has_one_name(value, name):
    assert type_name(value) == name


@pytest.mark.parametrize(("name", "number"), TYPE_NUMBERS.items())
def test_names_and_numbers_mean_the_same(name, number):
    assert type_set(name) == type_set(number) == type_set(float(number)) == {name}


def test_lists_are_unions_and_number_is_all_numbers():
    assert type_set(["string", 16]) == {"string", "int"}
    assert type_set("number") == NUMBER_TYPES
