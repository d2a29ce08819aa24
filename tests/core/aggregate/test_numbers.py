"""Types of numbers, and their text."""

import math
from decimal import Decimal

import pytest

from emulator.core.aggregate import numbers
from emulator.core.values import INT64_MAX, INT64_MIN, Int64


@pytest.mark.parametrize(
    ("number", "long", "expected"),
    [
        (5, False, 5),
        (5, True, Int64(5)),
        (2**31, False, 2**31),
        (2**63, False, float(2**63)),
        (-(2**63), True, -(2**63)),
    ],
)
def test_a_whole_number_has_the_narrowest_type_that_is_allowed(number, long, expected):
    found = numbers.whole(number, long=long)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("value", "whole", "int32", "cut"),
    [
        (5, True, True, 5),
        (5.0, True, True, 5),
        (5.5, False, False, 5),
        (-5.5, False, False, -5),
        (Decimal("7"), True, True, 7),
        (2**40, True, False, 2**40),
        (1e300, False, False, INT64_MAX),
        (-1e300, False, False, INT64_MIN),
        (math.inf, False, False, INT64_MAX),
        (-math.inf, False, False, INT64_MIN),
        (math.nan, False, False, 0),
    ],
)
def test_whole_numbers_and_what_is_cut_off(value, whole, int32, cut):
    assert numbers.is_whole_number(value) is whole
    assert numbers.is_int32(value) is int32
    assert numbers.truncated(value) == cut


def test_what_is_no_number_is_not_whole():
    assert not numbers.is_whole_number("5")
    assert not numbers.is_whole_number(True)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Int64(5), "5"),
        (5.0, "5"),
        (0.5, "0.5"),
        (math.nan, "NaN"),
        (-math.inf, "-Infinity"),
        (Decimal("1.50"), "1.50"),
        (Decimal("NaN"), "NaN"),
    ],
)
def test_the_text_of_a_number(value, text):
    assert numbers.number_text(value) == text


@pytest.mark.parametrize(
    ("a", "b", "rest"), [(7, 3, 1), (-7, 3, -1), (7.5, 0.0, math.nan), (math.inf, 2, math.nan)]
)
def test_a_remainder_has_the_dividends_sign(a, b, rest):
    assert numbers.remainder(a, b) == pytest.approx(rest, nan_ok=True)


def test_a_double_becomes_a_decimal_of_fifteen_digits():
    assert numbers.to_decimal(0.1) == Decimal("0.1")
    assert numbers.to_decimal(math.inf) == Decimal("Infinity")
    assert numbers.to_decimal(5) == Decimal(5)


def test_sums_of_doubles_round_once():
    assert numbers.sum_doubles([0.1] * 10) == 1.0
    assert numbers.sum_doubles([1e308, 1e308]) == math.inf
    assert math.isnan(numbers.sum_doubles([math.inf, -math.inf]))


def test_text_that_is_no_decimal():
    with pytest.raises(ValueError, match="x"):
        numbers.parse_decimal("x")
    assert numbers.quantized(Decimal("1.25"), 1) == Decimal("1.2")
    assert numbers.quantized(Decimal("5"), 3) == Decimal("5")
