"""Bytes of values as BSON."""

from decimal import Decimal

import pytest

from emulator.core.aggregate.sizes import bson_bytes
from emulator.core.values import MAX_KEY, Binary, Date, Int64, ObjectId, Regex, Timestamp


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({}, 5),
        ({"a": 1}, 12),
        ({"a": 2**40}, 16),
        ({"a": Int64(1)}, 16),
        ({"a": 1.5}, 16),
        ({"a": "xy"}, 15),
        ({"世": "世"}, 18),
        ({"a": None}, 8),
        ({"a": MAX_KEY}, 8),
        ({"a": True}, 9),
        ({"a": Date(0)}, 16),
        ({"a": Timestamp(0, 0)}, 16),
        ({"a": ObjectId("5f" * 12)}, 20),
        ({"a": Decimal(1)}, 24),
        ({"a": Binary(b"abc")}, 16),
        ({"a": Regex("ab", "i")}, 13),
        ({"a": [1, 2]}, 27),
        ({"a": {"b": 1}}, 20),
    ],
    ids=repr,
)
def test_a_document_takes_so_many_bytes(value, size):
    assert bson_bytes(value) == size


def test_operators_ask_for_sizes(require, refused):
    require({"$bsonSize": "$$ROOT"}, 12, {"a": 1})
    require({"$bsonSize": "$no"}, None)
    refused({"$bsonSize": 5}, 31393)
    require({"$binarySize": "é"}, 2)
    require({"$binarySize": Binary(b"abc")}, 3)
    require({"$binarySize": None}, None)
    refused({"$binarySize": 5}, 51276)


@pytest.mark.parametrize(
    "items",
    [
        [],
        ["a"] * 9,
        ["a", "bc"] * 60,
        ["é", "a"] * 6,
        [1.5] * 101,
        [True, False] * 5,
        [1, 2**40, 2.5, None],
        [["x"] * 11, {"a": 1}],
    ],
)
def test_an_array_takes_what_an_object_of_its_places_takes(items):
    assert bson_bytes(items) == bson_bytes({str(place): item for place, item in enumerate(items)})
