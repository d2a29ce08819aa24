"""Owns the series of preferred numbers that bucket limits can be rounded to.

Not here: buckets (`stages_bucket`). The one idea: a series is the list of its numbers within one
power of ten; rounding always leaves the number itself, upward or downward, zero aside.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from emulator.core.aggregate.nodes import refusal, wrong_type
from emulator.core.aggregate.numbers import is_number
from emulator.core.ordering import is_nan
from emulator.core.records import dataclass
from emulator.core.values import Value

# Renard's numbers, to three digits (ISO 3).
_R80: Final = (
    100, 103, 106, 109, 112, 115, 118, 122, 125, 128, 132, 136, 140, 145, 150, 155, 160, 165, 170,
    175, 180, 185, 190, 195, 200, 206, 212, 218, 224, 230, 236, 243, 250, 258, 265, 272, 280, 290,
    300, 307, 315, 325, 335, 345, 355, 365, 375, 387, 400, 412, 425, 437, 450, 462, 475, 487, 500,
    515, 530, 545, 560, 580, 600, 615, 630, 650, 670, 690, 710, 730, 750, 775, 800, 825, 850, 875,
    900, 925, 950, 975,
)  # fmt: skip
_E24: Final = (
    100, 110, 120, 130, 150, 160, 180, 200, 220, 240, 270, 300, 330, 360, 390, 430, 470, 510, 560,
    620, 680, 750, 820, 910,
)  # fmt: skip
# From E48 on the numbers are the powers themselves, rounded; 920 is the standard's one exception.
_E192: Final = tuple(
    920 if place == 185 else round(100 * 10 ** (place / 192)) for place in range(192)
)

_SERIES: Final[Mapping[str, Sequence[int]]] = {
    "R5": _R80[::16],
    "R10": _R80[::8],
    "R20": _R80[::4],
    "R40": _R80[::2],
    "R80": _R80,
    "1-2-5": (100, 200, 500),
    "E6": _E24[::4],
    "E12": _E24[::2],
    "E24": _E24,
    "E48": _E192[::4],
    "E96": _E192[::2],
    "E192": _E192,
}


@dataclass(frozen=True, slots=True)
class Granularity:
    """Rounding to the next number of a series above and below."""

    above: Callable[[float], float]
    below: Callable[[float], float]

    def up(self, value: Value) -> float:
        """Return the series' first number above a value, zero for zero."""
        number = _checked(value)
        return self.above(number) if number and math.isfinite(number) else number

    def down(self, value: Value) -> float:
        """Return the series' last number below a value, zero for zero."""
        number = _checked(value)
        return self.below(number) if number and math.isfinite(number) else number


def granularity(name: Value) -> Granularity:
    """Return the series of a name.

    Raises:
        DatabaseRequestFailed: there is none (40257), or it is no string (40261).
    """
    if type(name) is not str:
        raise wrong_type(
            "The $bucketAuto 'granularity' field must be a string, but found type: {type}",
            40261,
            name,
        )
    if name == "POWERSOF2":
        return Granularity(_power_above, _power_below)
    if name not in _SERIES:
        raise refusal(f"Unknown rounding granularity '{name}'", 40257)
    series = _SERIES[name]
    return Granularity(
        lambda number: min(each for each in _around(series, number) if each > number),
        lambda number: max(each for each in _around(series, number) if each < number),
    )


def _checked(value: Value) -> float:
    if not is_number(value):
        raise wrong_type(
            "A granularity can only be used on numeric values, but found type: {type}", 40258, value
        )
    if is_nan(value):
        raise refusal("A granularity cannot be used on NaN", 40259)
    if value < 0:
        raise refusal(f"A granularity can only be used on non-negative numbers, not {value}", 40260)
    return float(value)


def _around(series: Sequence[int], number: float) -> list[float]:
    """Return the series' numbers of the powers of ten around a number."""
    power = math.floor(math.log10(number)) - 2
    found: list[float] = []
    for exponent in (power - 1, power, power + 1):
        found += [_scaled(each, exponent) for each in series]
    return found


def _scaled(number: int, exponent: int) -> float:
    return float(f"{number}e{exponent}")


def _power_above(number: float) -> float:
    try:
        return math.ldexp(1.0, math.frexp(number)[1])
    except OverflowError:
        return math.inf


def _power_below(number: float) -> float:
    mantissa, exponent = math.frexp(number)
    return 2.0 ** (exponent - 2 if mantissa == 0.5 else exponent - 1)
