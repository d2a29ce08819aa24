"""Owns arithmetic on stored numbers: which kind a result has, and what is beyond int64.

Not here: aggregation's, where an int64 that overflows becomes a double. The one idea: int32 widens
to int64 when it must, any double makes a double, any decimal a decimal of 34 digits.
"""

import operator
from collections.abc import Callable
from decimal import Context, Decimal
from typing import Final, TypeAlias

from emulator.core.values import INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, Int64, Value

Arithmetic: TypeAlias = Callable[[Value, Value], Value]

_DECIMAL128: Final = Context(prec=34, traps=[])


def is_long(number: int) -> bool:
    """Tell whether an integer is an int64, by its kind or its size."""
    return type(number) is Int64 or not INT32_MIN <= number <= INT32_MAX


def stored_integer(number: int, *, as_long: bool) -> int | None:
    """Return an integer as it is stored, None beyond int64."""
    if INT32_MIN <= number <= INT32_MAX:
        return Int64(number) if as_long else int(number)
    return int(number) if INT64_MIN <= number <= INT64_MAX else None


def add(a: Value, b: Value) -> Value:
    """Return the sum in the wider kind of the two, None beyond int64."""
    return _combine(a, b, operator.add, _DECIMAL128.add)


def multiply(a: Value, b: Value) -> Value:
    """Return the product in the wider kind of the two, None beyond int64."""
    return _combine(a, b, operator.mul, _DECIMAL128.multiply)


def _combine(
    a: Value, b: Value, plain: Arithmetic, exact: Callable[[Decimal, Decimal], Decimal]
) -> Value:
    kinds = (type(a), type(b))
    if Decimal in kinds:
        return exact(as_decimal(a), as_decimal(b))
    if float in kinds:
        return plain(float(a), float(b))
    return stored_integer(plain(int(a), int(b)), as_long=is_long(a) or is_long(b))


def as_decimal(number: Value) -> Decimal:
    """Return a number as a decimal; doubles by their shortest digits."""
    return Decimal(repr(number)) if type(number) is float else Decimal(number)


def zero_like(number: Value) -> Value:
    """Return zero of the same kind."""
    if type(number) is int:
        return Int64(0) if is_long(number) else 0
    return type(number)(0)
