"""Trigonometry: doubles in, doubles out, decimals as decimals."""

import math
from decimal import Decimal

import pytest

VALUES = [
    ({"$sin": 0}, 0.0),
    ({"$cos": 0}, 1.0),
    ({"$tan": 0.0}, 0.0),
    ({"$asin": 1}, math.pi / 2),
    ({"$acos": 1}, 0.0),
    ({"$atan": math.inf}, math.pi / 2),
    ({"$atan2": [1, 1]}, math.pi / 4),
    ({"$atan2": [None, 1]}, None),
    ({"$sinh": 1000}, math.inf),
    ({"$cosh": -1000}, math.inf),
    ({"$tanh": 0}, 0.0),
    ({"$asinh": 0}, 0.0),
    ({"$acosh": 1}, 0.0),
    ({"$atanh": 1}, math.inf),
    ({"$degreesToRadians": 180}, math.pi),
    ({"$radiansToDegrees": math.pi}, 180.0),
    ({"$sin": math.nan}, math.nan),
    ({"$sin": None}, None),
    ({"$cos": Decimal(0)}, Decimal("1.0")),
    ({"$atan2": [Decimal(0), 1]}, Decimal("0.0")),
]


@pytest.mark.parametrize(("expression", "expected"), VALUES, ids=repr)
def test_an_angle_is_a_double(require, expression, expected):
    require(expression, expected)


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ({"$sin": math.inf}, 50989),
        ({"$asin": 2}, 50989),
        ({"$acosh": 0}, 50989),
        ({"$cos": "x"}, 28765),
        ({"$atan2": ["x", 1]}, 51044),
        ({"$atan2": [1, "x"]}, 51045),
    ],
    ids=repr,
)
def test_what_has_no_angle_is_refused(refused, expression, code):
    refused(expression, code)
