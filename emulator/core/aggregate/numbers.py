"""Owns arithmetic over MongoDB's numbers: which type comes out, and what overflow does.

Not here: operators and their refusals (`expressions_arithmetic`, `accumulators`). The one idea:
whole numbers are exact in Python, so the type is decided afterwards: int while all operands are
int and the result fits, then long, then double; one double makes a double, one decimal a decimal.
"""

import math
from collections.abc import Callable, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Final, TypeAlias

from emulator.core.query_operators import NUMBERS
from emulator.core.values import INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, Int64, Value

Number: TypeAlias = int | float | Decimal

WHOLE: Final = frozenset({int, Int64})
_DECIMAL_DIGITS: Final = 34
_QUANTIZE_DIGITS: Final = 7_000


def is_number(value: Value) -> bool:
    """Tell whether a value is an int, long, double or decimal."""
    return value.__class__ in NUMBERS


def is_long(value: Value) -> bool:
    """Tell whether a whole number is an int64 rather than an int32."""
    return value.__class__ is Int64 or not INT32_MIN <= value <= INT32_MAX


def whole(number: int, *, long: bool) -> Value:
    """Return a whole number as int, or as long where asked or needed, or as double beyond int64."""
    if INT32_MIN <= number <= INT32_MAX:
        return Int64(number) if long else int(number)
    return int(number) if INT64_MIN <= number <= INT64_MAX else float(number)


def context() -> Context:
    """Return the rules of MongoDB's decimals (IEEE 754 decimal128), which never raise."""
    return Context(
        prec=_DECIMAL_DIGITS, rounding=ROUND_HALF_EVEN, Emin=-6143, Emax=6144, clamp=1, traps=[]
    )


def to_decimal(number: Number) -> Decimal:
    """Return a number as decimal; a double keeps fifteen digits, as MongoDB converts it."""
    if type(number) is Decimal:
        return number
    if type(number) is float:
        return Decimal(f"{number:.14e}") if math.isfinite(number) else Decimal(number)
    return Decimal(int(number))


def combine(
    a: Value,
    b: Value,
    whole_numbers: Callable[[int, int], int],
    doubles: Callable[[float, float], float],
    decimals: Callable[[Context], Callable[[Decimal, Decimal], Decimal]],
) -> Value:
    """Return two numbers put together by the function for their common type."""
    kind_a, kind_b = type(a), type(b)
    if kind_a in WHOLE and kind_b in WHOLE:
        return whole(whole_numbers(a, b), long=is_long(a) or is_long(b))
    if kind_a is Decimal or kind_b is Decimal:
        return decimals(context())(to_decimal(a), to_decimal(b))
    return doubles(float(a), float(b))


def add(a: Value, b: Value) -> Value:
    """Return the sum of two numbers."""
    return combine(a, b, int.__add__, float.__add__, lambda rules: rules.add)


def subtract(a: Value, b: Value) -> Value:
    """Return the difference of two numbers."""
    return combine(a, b, int.__sub__, float.__sub__, lambda rules: rules.subtract)


def multiply(a: Value, b: Value) -> Value:
    """Return the product of two numbers."""
    return combine(a, b, int.__mul__, float.__mul__, lambda rules: rules.multiply)


def divide(a: Value, b: Value) -> Value:
    """Return the quotient of two numbers, a double or decimal; the divisor is not zero."""
    if type(a) is Decimal or type(b) is Decimal:
        return context().divide(to_decimal(a), to_decimal(b))
    return float(a) / float(b)


def remainder(a: Value, b: Value) -> Value:
    """Return what a division leaves, with the sign of the dividend; the divisor is not zero.

    A double that is whole and fits an int32 divides integers as one of them.
    """
    if type(b) is float and type(a) in WHOLE and b.is_integer() and abs(b) <= INT32_MAX:
        b = int(b)
    return combine(a, b, _whole_remainder, _double_remainder, lambda rules: rules.remainder)


def _whole_remainder(a: int, b: int) -> int:
    rest = abs(a) % abs(b)
    return rest if a >= 0 else -rest


def _double_remainder(a: float, b: float) -> float:
    return math.nan if math.isinf(a) or b == 0 else math.fmod(a, b)


def sum_doubles(numbers: Sequence[float]) -> float:
    """Return the sum, rounded once; infinities and NaN go through."""
    try:
        return math.fsum(numbers)
    except (OverflowError, ValueError):
        return sum(numbers)


def is_whole_number(value: Value) -> bool:
    """Tell whether a number, of whatever type, has no fraction and fits int64."""
    if type(value) in WHOLE:
        return True
    if not is_number(value) or not math.isfinite(value):
        return False
    return bool(value == int(value)) and INT64_MIN <= value <= INT64_MAX


def is_int32(value: Value) -> bool:
    """Tell whether a number, of whatever type, has no fraction and fits int32."""
    return is_whole_number(value) and INT32_MIN <= value <= INT32_MAX


def truncated(value: Value) -> int:
    """Return a number as int64, its fraction cut off, held within int64's limits; NaN gives 0."""
    if type(value) in WHOLE:
        return int(value)
    if value != value:  # noqa: PLR0124  # NaN
        return 0
    if math.isinf(value):
        return INT64_MAX if value > 0 else INT64_MIN
    return max(INT64_MIN, min(INT64_MAX, int(value)))


def number_text(value: Value) -> str:
    """Return a number as text, as MongoDB writes it into a string."""
    kind = type(value)
    if kind in WHOLE:
        return str(int(value))
    if kind is Decimal:
        return str(value).replace("sNaN", "NaN")
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    text = repr(value)
    return text[:-2] if text.endswith(".0") else text


def parse_decimal(text: str) -> Decimal:
    """Return text as decimal128, rounded; raises ValueError where it is no number."""
    try:
        return context().create_decimal(Decimal(text))
    except InvalidOperation as fault:
        raise ValueError(text) from fault


def quantized(value: Decimal, places: int, *, rounding: str = ROUND_DOWN) -> Decimal:
    """Return a decimal cut or rounded to so many places, which may be negative."""
    if not value.is_finite():
        return value
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= -places:
        return value
    wide = Context(prec=_QUANTIZE_DIGITS, rounding=rounding, traps=[])
    return context().create_decimal(value.quantize(Decimal((0, (1,), -places)), context=wide))
