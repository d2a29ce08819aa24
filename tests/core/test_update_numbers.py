"""Arithmetic on stored numbers."""

from decimal import Decimal

import pytest

from emulator.core.update_numbers import (
    add,
    as_decimal,
    is_long,
    multiply,
    stored_integer,
    zero_like,
)
from emulator.core.values import INT64_MAX, INT64_MIN, Int64

SUMS = [
    (1, 2, 3),
    (2**31 - 1, 1, 2**31),
    (Int64(1), 2, Int64(3)),
    (1, 0.5, 1.5),
    (Int64(1), 1.0, 2.0),
    (1, Decimal("0.1"), Decimal("1.1")),
    (0.1, Decimal("0.2"), Decimal("0.3")),
    (INT64_MAX, 1, None),
    (INT64_MIN, -1, None),
    (2**31, -(2**31), Int64(0)),
]


@pytest.mark.parametrize(("a", "b", "total"), SUMS)
def test_sums_have_the_wider_kind(a, b, total):
    for result in (add(a, b), add(b, a)):
        assert result == total
        assert type(result) is type(total)


def test_products_have_the_wider_kind():
    assert type(multiply(Int64(2), 3)) is Int64
    assert multiply(2**40, 2**40) is None
    assert multiply(3, 0.5) == 1.5
    assert multiply(Decimal(3), 2) == Decimal(6)


def test_longs_are_known_by_kind_or_size():
    assert is_long(Int64(1))
    assert is_long(2**31)
    assert not is_long(5)
    assert type(stored_integer(5, as_long=True)) is Int64
    assert type(stored_integer(2**40, as_long=False)) is int
    assert stored_integer(2**63, as_long=True) is None


@pytest.mark.parametrize("number", [1, Int64(1), 1.5, Decimal(1), 2**40])
def test_zero_is_of_the_same_kind(number):
    zero = zero_like(number)
    assert zero == 0
    assert type(zero) is (Int64 if number == 2**40 else type(number))


def test_doubles_become_decimals_by_their_digits():
    assert as_decimal(0.1) == Decimal("0.1")
