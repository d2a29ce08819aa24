"""Owns the operators on angles, from `$sin` to `$radiansToDegrees`.

Not here: other arithmetic (`expressions_arithmetic`). The one idea: each is a function of one
double between two limits; decimals are computed as doubles.
"""

import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from emulator.core.aggregate import numbers
from emulator.core.aggregate.expressions_arithmetic import unary
from emulator.core.aggregate.nodes import Operator, fixed, is_nullish, refusal, wrong_type
from emulator.core.aggregate.numbers import is_number
from emulator.core.values import Value


def _bounded(
    name: str, call: Callable[[float], float], least: float, most: float
) -> Callable[[Value], Value]:
    """Return a function of a double within limits; decimals are computed as doubles."""

    def checked(value: float) -> float:
        if not (least <= value <= most or math.isnan(value)):
            raise refusal(
                f"cannot apply {name} to {numbers.number_text(value)}, value must be in"
                f" [{numbers.number_text(least)}, {numbers.number_text(most)}]",
                50989,
            )
        return _lenient(call)(value)

    return unary(
        name, checked, lambda rules, value: rules.create_decimal(repr(checked(float(value))))
    )


def _lenient(call: Callable[[float], float]) -> Callable[[float], float]:
    def lenient(value: float) -> float:
        try:
            return call(value)
        except OverflowError:
            return math.copysign(math.inf, value) if call is not math.cosh else math.inf
        except ValueError:
            return math.copysign(math.inf, value)

    return lenient


def _atan2(y: Value, x: Value) -> Value:
    if is_nullish(y) or is_nullish(x):
        return None
    for value, mongo_code in ((y, 51044), (x, 51045)):
        if not is_number(value):
            raise wrong_type("$atan2 only supports numeric types, not {type}", mongo_code, value)
    angle = math.atan2(float(y), float(x))
    return Decimal(repr(angle)) if Decimal in (type(y), type(x)) else angle


_FINITE: Final = math.nextafter(math.inf, 0)

_ANGLES: Final[Mapping[str, tuple[Callable[[float], float], float, float]]] = {
    "$sin": (math.sin, -_FINITE, _FINITE),
    "$cos": (math.cos, -_FINITE, _FINITE),
    "$tan": (math.tan, -_FINITE, _FINITE),
    "$asin": (math.asin, -1, 1),
    "$acos": (math.acos, -1, 1),
    "$atan": (math.atan, -math.inf, math.inf),
    "$sinh": (math.sinh, -math.inf, math.inf),
    "$cosh": (math.cosh, -math.inf, math.inf),
    "$tanh": (math.tanh, -math.inf, math.inf),
    "$asinh": (math.asinh, -math.inf, math.inf),
    "$acosh": (math.acosh, 1, math.inf),
    "$atanh": (math.atanh, -1, 1),
    "$degreesToRadians": (math.radians, -math.inf, math.inf),
    "$radiansToDegrees": (math.degrees, -math.inf, math.inf),
}

ANGLES: Final[Mapping[str, Operator]] = {
    "$atan2": fixed(2, _atan2),
    **{name: fixed(1, _bounded(name, *row)) for name, row in _ANGLES.items()},
}
