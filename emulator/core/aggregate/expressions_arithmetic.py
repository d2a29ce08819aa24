"""Owns the arithmetic operators, from `$abs` to `$trunc`.

Not here: types and overflow (`numbers`), angles (`expressions_angles`). The one idea: null and
missing operands give null before anything else is looked at; whatever else is no number is refused
with MongoDB's number.
"""

import math
import operator
from collections.abc import Callable, Mapping
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from typing import Final

from emulator.core.aggregate import numbers
from emulator.core.aggregate.nodes import (
    ColumnKinds,
    Operator,
    Pairs,
    fixed,
    is_nullish,
    ranged,
    refusal,
    variadic,
    wrong_type,
)
from emulator.core.aggregate.numbers import WHOLE, is_number
from emulator.core.ordering import is_nan
from emulator.core.query_types import type_name
from emulator.core.values import INT32_MAX, INT64_MAX, INT64_MIN, Date, Value

PLACES_MIN: Final = -20
PLACES_MAX: Final = 100

# --- sums and products ---------------------------------------------------------------------------

_SHORT: Final = frozenset({int, float})
_DOUBLE: Final = {float}
_ADDEND_MAX: Final = 2**30
_FACTOR_MAX: Final = 46_340
"""Of two int32 within these limits the sum and the product are int32."""


def _is_short(a: Value, b: Value, most: int) -> bool:
    """Tell whether Python's own arithmetic gives MongoDB's number and type."""
    if a.__class__ is b.__class__:
        return a.__class__ is float or (
            a.__class__ is int and -most <= a <= most and -most <= b <= most
        )
    return a.__class__ in _SHORT and b.__class__ in _SHORT


def _add_two(a: Value, b: Value) -> Value:
    return a + b if _is_short(a, b, _ADDEND_MAX) else _add([a, b])


def _multiply_two(a: Value, b: Value) -> Value:
    return a * b if _is_short(a, b, _FACTOR_MAX) else _multiply([a, b])


def _doubles(call: Callable[[Value, Value], Value]) -> Pairs:
    """Return the short way for columns of which one holds doubles only and the other numbers."""

    def pairs(left: list[Value], right: list[Value], kinds: ColumnKinds) -> list[Value] | None:
        if _DOUBLE in kinds and kinds[0] | kinds[1] <= _SHORT:
            return list(map(call, left, right))
        return None

    return pairs


def _add(values: list[Value]) -> Value:
    total: Value = 0
    date: Date | None = None
    for value in values:
        if value is None or is_nullish(value):
            return None
        if value.__class__ is Date:
            if date is not None:
                raise refusal("only one date allowed in an $add expression", 16612)
            date = value
        elif is_number(value):
            total = numbers.add(total, value)
        else:
            raise wrong_type("$add only supports numeric or date types, not {type}", 16554, value)
    return total if date is None else _moved(date, total, 1)


def _moved(date: Date, number: Value, sign: int) -> Date:
    """Return a date so many milliseconds later or earlier, a fraction rounded."""
    if not math.isfinite(number):
        raise refusal("date overflow in $add or $subtract", 15)
    by = int(number) if number.__class__ in WHOLE else int(_half_away(number))
    ms = date.ms + sign * by
    if not INT64_MIN <= ms <= INT64_MAX:
        raise refusal("date overflow in $add or $subtract", 15)
    return Date(ms)


def _half_away(number: Value) -> Value:
    if type(number) is Decimal:
        return number.to_integral_value(rounding="ROUND_HALF_UP")
    return math.floor(number + 0.5) if number >= 0 else math.ceil(number - 0.5)


def _subtract(a: Value, b: Value) -> Value:
    if _is_short(a, b, _ADDEND_MAX):
        return a - b
    if is_nullish(a) or is_nullish(b):
        return None
    if is_number(a) and is_number(b):
        return numbers.subtract(a, b)
    if a.__class__ is Date:
        if b.__class__ is Date:
            return numbers.whole(a.ms - b.ms, long=True)
        if is_number(b):
            return _moved(a, b, -1)
    raise refusal(f"cant $subtract a {type_name(b)} from a {type_name(a)}", 16556)


def _multiply(values: list[Value]) -> Value:
    product: Value = 1
    for value in values:
        if is_nullish(value):
            return None
        if not is_number(value):
            raise wrong_type("$multiply only supports numeric types, not {type}", 16555, value)
        product = numbers.multiply(product, value)
    return product


def _divide(a: Value, b: Value) -> Value:
    if is_number(a) and is_number(b):
        if b == 0:
            raise refusal("can't $divide by zero", 16608)
        return numbers.divide(a, b)
    if is_nullish(a) or is_nullish(b):
        return None
    raise refusal(
        f"$divide only supports numeric types, not {type_name(a)} and {type_name(b)}", 16609
    )


def _mod(a: Value, b: Value) -> Value:
    if a.__class__ is int and b.__class__ is int and 0 <= a <= INT32_MAX and 0 < b <= INT32_MAX:
        return a % b
    if is_number(a) and is_number(b):
        if b == 0:
            raise refusal("can't $mod by zero", 16610)
        return numbers.remainder(a, b)
    if is_nullish(a) or is_nullish(b):
        return None
    raise refusal(f"$mod only supports numeric types, not {type_name(a)} and {type_name(b)}", 16611)


# --- powers and logarithms -----------------------------------------------------------------------


def _pow(base: Value, exponent: Value) -> Value:
    if is_nullish(base) or is_nullish(exponent):
        return None
    if not is_number(base):
        raise wrong_type("$pow's base must be numeric, not {type}", 28762, base)
    if not is_number(exponent):
        raise wrong_type("$pow's exponent must be numeric, not {type}", 28763, exponent)
    if Decimal in (type(base), type(exponent)) and (is_nan(base) or is_nan(exponent)):
        return Decimal("NaN")
    if base == 0 and exponent < 0:
        raise refusal("$pow cannot take a base of 0 and a negative exponent", 28764)
    if type(base) is Decimal or type(exponent) is Decimal:
        return numbers.context().power(numbers.to_decimal(base), numbers.to_decimal(exponent))
    if type(base) in WHOLE and type(exponent) in WHOLE:
        return _whole_power(base, exponent)
    return _double_power(float(base), float(exponent))


def _whole_power(base: int, exponent: int) -> Value:
    """Return the power as int or long where it is whole and fits, else as double."""
    long = numbers.is_long(base) or numbers.is_long(exponent)
    if base in (-1, 1):
        return numbers.whole(base if exponent % 2 else 1, long=long)
    if exponent < 0:
        return _double_power(float(base), float(exponent))
    if base == 0 or exponent <= 64:
        power = int(base) ** int(min(exponent, 64))
        if INT64_MIN <= power <= INT64_MAX:
            return numbers.whole(power, long=long)
    return _double_power(float(base), float(exponent))


def _double_power(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return -math.inf if base < 0 and exponent % 2 == 1 else math.inf
    except ValueError:
        return math.nan


def unary(
    name: str, doubles: Callable[[float], float], decimals: Callable[[Context, Decimal], Decimal]
) -> Callable[[Value], Value]:
    """Return a function of one number that gives a double, or a decimal for a decimal."""

    def call(value: Value) -> Value:
        if is_nullish(value):
            return None
        if not is_number(value):
            raise wrong_type(f"{name} only supports numeric types, not {{type}}", 28765, value)
        if type(value) is Decimal:
            return value if value.is_nan() else decimals(numbers.context(), value)
        return doubles(float(value))

    return call


def _exp(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


def _positive(name: str, code: int, call: Callable[[float], float]) -> Callable[[float], float]:
    def checked(value: float) -> float:
        if value <= 0:
            raise refusal(f"{name}'s argument must be a positive number, but is {value}", code)
        return call(value)

    return checked


def _positive_decimal(
    name: str, code: int, call: Callable[[Context, Decimal], Decimal]
) -> Callable[[Context, Decimal], Decimal]:
    def checked(rules: Context, value: Decimal) -> Decimal:
        if value <= 0:
            raise refusal(f"{name}'s argument must be a positive number, but is {value}", code)
        return call(rules, value)

    return checked


def _sqrt(value: float) -> float:
    if value < 0:
        raise refusal("$sqrt's argument must be greater than or equal to 0", 28714)
    return math.sqrt(value)


def _sqrt_decimal(rules: Context, value: Decimal) -> Decimal:
    if value < 0:
        raise refusal("$sqrt's argument must be greater than or equal to 0", 28714)
    return rules.sqrt(value)


def _log(value: Value, base: Value) -> Value:
    if is_nullish(value) or is_nullish(base):
        return None
    if not is_number(value):
        raise wrong_type("$log's argument must be numeric, not {type}", 28756, value)
    if not is_number(base):
        raise wrong_type("$log's base must be numeric, not {type}", 28757, base)
    if is_nan(value) or is_nan(base):
        return numbers.multiply(value, base)
    if value <= 0:
        raise refusal(f"$log's argument must be a positive number, but is {value}", 28758)
    if base <= 0 or base == 1:
        raise refusal(f"$log's base must be a positive number not equal to 1, but is {base}", 28759)
    if type(value) is Decimal or type(base) is Decimal:
        rules = numbers.context()
        parts = (rules.ln(numbers.to_decimal(number)) for number in (value, base))
        return rules.divide(*parts)
    denominator = math.log(base)
    return math.log(value) / denominator if denominator else math.nan


# --- rounding ------------------------------------------------------------------------------------


def _abs(value: Value) -> Value:
    if is_nullish(value):
        return None
    if not is_number(value):
        raise wrong_type("$abs only supports numeric types, not {type}", 28765, value)
    if type(value) in WHOLE:
        if value == INT64_MIN:
            raise refusal("can't take $abs of long long min", 28680)
        return numbers.whole(abs(int(value)), long=numbers.is_long(value))
    return value.copy_abs() if type(value) is Decimal else abs(value)


def _to_whole(
    name: str, code: int, doubles: Callable[[float], float], rounding: str
) -> Callable[[Value], Value]:
    """Return the rounding of one number to a whole one of the same type."""

    def call(value: Value) -> Value:
        if is_nullish(value):
            return None
        if not is_number(value):
            raise wrong_type(f"{name} only supports numeric types, not {{type}}", code, value)
        if type(value) in WHOLE:
            return value
        if type(value) is Decimal:
            return numbers.quantized(value, 0, rounding=rounding)
        return math.copysign(doubles(value), value) if math.isfinite(value) else value

    return call


def _to_places(name: str, doubles: Callable[[float], float], rounding: str) -> Callable[..., Value]:
    """Return the rounding of a number to so many decimal places, none by default."""
    to_whole = _to_whole(name, 51081, doubles, rounding)

    def call(value: Value, places: Value = 0) -> Value:
        if is_nullish(value) or is_nullish(places):
            return None
        if not is_number(value):
            raise wrong_type(f"{name} only supports numeric types, not {{type}}", 51081, value)
        if not numbers.is_whole_number(places):
            raise refusal(f"precision argument to {name} must be an integral value", 51082)
        if not PLACES_MIN <= places <= PLACES_MAX:
            raise refusal(
                f"cannot apply {name} with precision value {places} value must be in"
                f" [{PLACES_MIN}, {PLACES_MAX}]",
                51083,
            )
        return _placed(value, int(places), rounding) if places else to_whole(value)

    return call


def _placed(value: Value, places: int, rounding: str) -> Value:
    if type(value) is Decimal:
        return numbers.quantized(value, places, rounding=rounding)
    if type(value) in WHOLE:
        if places >= 0:
            return value
        placed = int(numbers.quantized(Decimal(int(value)), places, rounding=rounding))
        if not INT64_MIN <= placed <= INT64_MAX:
            raise refusal("invalid conversion from Decimal128 result in $round", 51080)
        return numbers.whole(placed, long=numbers.is_long(value))
    if not math.isfinite(value):
        return value
    exact = numbers.quantized(Decimal(repr(value)), places, rounding=rounding)
    return math.copysign(float(exact), value)


ARITHMETIC: Final[Mapping[str, Operator]] = {
    "$abs": fixed(1, _abs),
    "$add": variadic(_add, _add_two, _doubles(operator.add)),
    "$ceil": fixed(1, _to_whole("$ceil", 28765, math.ceil, ROUND_CEILING)),
    "$divide": fixed(2, _divide),
    "$exp": fixed(1, unary("$exp", _exp, Context.exp)),
    "$floor": fixed(1, _to_whole("$floor", 28765, math.floor, ROUND_FLOOR)),
    "$ln": fixed(
        1,
        unary(
            "$ln", _positive("$ln", 28766, math.log), _positive_decimal("$ln", 28766, Context.ln)
        ),
    ),
    "$log": fixed(2, _log),
    "$log10": fixed(
        1,
        unary(
            "$log10",
            _positive("$log10", 28761, math.log10),
            _positive_decimal("$log10", 28761, Context.log10),
        ),
    ),
    "$mod": fixed(2, _mod),
    "$multiply": variadic(_multiply, _multiply_two, _doubles(operator.mul)),
    "$pow": fixed(2, _pow),
    "$round": ranged(1, 2, _to_places("$round", round, ROUND_HALF_EVEN)),
    "$sqrt": fixed(1, unary("$sqrt", _sqrt, _sqrt_decimal)),
    "$subtract": fixed(2, _subtract, _doubles(operator.sub)),
    "$trunc": ranged(1, 2, _to_places("$trunc", math.trunc, ROUND_DOWN)),
}
