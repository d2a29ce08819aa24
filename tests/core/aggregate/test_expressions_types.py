"""Names of types, and conversions between them."""

import math
from decimal import Decimal

import pytest

from emulator.core.values import INT64_MAX, MAX_KEY, Binary, Date, Int64, ObjectId, Regex, Timestamp

OID = ObjectId("5f" * 12)

TYPES = [
    (1, "int"),
    (2**40, "long"),
    (Int64(1), "long"),
    (1.0, "double"),
    (Decimal(1), "decimal"),
    ("x", "string"),
    (True, "bool"),
    (None, "null"),
    ({}, "object"),
    ([], "array"),
    (Date(0), "date"),
    (OID, "objectId"),
    (Regex("x"), "regex"),
    (Binary(b""), "binData"),
    (Timestamp(0, 0), "timestamp"),
    (MAX_KEY, "maxKey"),
]

VALUES = [
    ({"$type": "$no"}, "missing"),
    ({"$isNumber": 1}, True),
    ({"$isNumber": "1"}, False),
    ({"$toInt": "42"}, 42),
    ({"$toInt": 3.99}, 3),
    ({"$toInt": True}, 1),
    ({"$toInt": Decimal("-2.5")}, -2),
    ({"$toInt": None}, None),
    ({"$toLong": 5}, Int64(5)),
    ({"$toLong": "-7"}, Int64(-7)),
    ({"$toLong": Date(9)}, Int64(9)),
    ({"$toDouble": 5}, 5.0),
    ({"$toDouble": "-1.5e2"}, -150.0),
    ({"$toDouble": Date(9)}, 9.0),
    ({"$toDouble": Decimal("Infinity")}, math.inf),
    ({"$toDecimal": 5}, Decimal(5)),
    ({"$toDecimal": "1.50"}, Decimal("1.50")),
    ({"$toDecimal": Date(9)}, Decimal(9)),
    ({"$toString": 5}, "5"),
    ({"$toString": 2.5}, "2.5"),
    ({"$toString": True}, "true"),
    ({"$toString": OID}, OID.hex),
    ({"$toString": Date(0)}, "1970-01-01T00:00:00.000Z"),
    ({"$toBool": 0}, False),
    ({"$toBool": ""}, True),
    ({"$toBool": Date(0)}, True),
    ({"$toDate": 1000.7}, Date(1000)),
    ({"$toDate": "1970-01-01T00:00:01Z"}, Date(1000)),
    ({"$toDate": ObjectId("00000001" + "00" * 8)}, Date(1000)),
    ({"$toObjectId": "5F" * 12}, OID),
    ({"$toString": "x"}, "x"),
    ({"$convert": {"input": "5", "to": "int"}}, 5),
    ({"$convert": {"input": 5, "to": 2}}, "5"),
    ({"$convert": {"input": "x", "to": "int", "onError": 0}}, 0),
    ({"$convert": {"input": 1, "to": "missing", "onError": 0}}, 0),
    ({"$convert": {"input": 1, "to": "minKey", "onError": 0}}, 0),
    ({"$convert": {"input": None, "to": "int", "onNull": 0}}, 0),
    ({"$convert": {"input": "$no", "to": "int"}}, None),
    ({"$convert": {"input": 5, "to": None}}, None),
]

REFUSALS = [
    ({"$toInt": "4.2"}, 241),
    ({"$toInt": 2**31}, 241),
    ({"$toInt": math.nan}, 241),
    ({"$toInt": Date(0)}, 241),
    ({"$toInt": [[1]]}, 241),
    ({"$toLong": 1e19}, 241),
    ({"$toDouble": "1e400"}, 241),
    ({"$toDouble": "0x1"}, 241),
    ({"$toDouble": Decimal("1E+400")}, 241),
    ({"$toDecimal": "x"}, 241),
    ({"$toDecimal": "1e9999999999"}, 241),
    ({"$toDecimal": "1e99999999999999999999"}, 241),
    ({"$toDate": True}, 241),
    ({"$toDate": math.inf}, 241),
    ({"$toDate": 1e30}, 241),
    ({"$toDate": "x"}, 241),
    ({"$toObjectId": "x"}, 241),
    ({"$toString": [[1]]}, 241),
    ({"$toInt": [1, 2]}, 50723),
    ({"$convert": 5}, 9),
    ({"$convert": {"input": 5}}, 9),
    ({"$convert": {"input": 5, "to": "int", "no": 1}}, 9),
    ({"$convert": {"input": 5, "to": "no"}}, 2),
    ({"$convert": {"input": 5, "to": 99}}, 9),
    ({"$convert": {"input": 5, "to": {}}}, 9),
    ({"$convert": {"input": 5, "to": "regex"}}, 241),
]


@pytest.mark.parametrize(("value", "name"), TYPES, ids=repr)
def test_a_type_has_its_name(require, value, name):
    require({"$type": "$v"}, name, {"v": value})


@pytest.mark.parametrize(("expression", "expected"), VALUES, ids=repr)
def test_a_conversion(require, expression, expected):
    require(expression, expected)


@pytest.mark.parametrize(("expression", "code"), REFUSALS, ids=repr)
def test_what_cannot_be_converted_is_refused(refused, expression, code):
    refused(expression, code)


def test_a_conversion_and_back(evaluate):
    for number in (0, -5, INT64_MAX):
        document = {"n": number}
        assert evaluate({"$toLong": {"$toString": "$n"}}, document) == number
