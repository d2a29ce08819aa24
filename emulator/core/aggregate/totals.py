"""Owns sums and means: the accumulators `$sum` and `$avg`, and counting.

Not here: the other accumulators (`accumulators`). The one idea: whole numbers are summed exactly;
doubles are kept until there are many and then summed at once, rounded once.
"""

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, TypeAlias

from emulator.core.aggregate import numbers
from emulator.core.aggregate.numbers import WHOLE
from emulator.core.query_operators import NUMBERS
from emulator.core.values import INT32_MAX, INT32_MIN, Int64, Value

Kinds: TypeAlias = frozenset[type]
"""The types among values, which often decide at once what is to be done."""

DOUBLES_HELD_MAX: Final = 10_000

_INT: Final = frozenset({int})
_DOUBLE: Final = frozenset({float})


class Total:
    """The sum and count of the numbers among values, each type on its own."""

    __slots__ = ("_decimal", "_doubles", "_is_long", "_whole", "count")

    def __init__(self) -> None:
        self.count = 0
        self._whole = 0
        self._is_long = False
        self._doubles: list[float] = []
        self._decimal: Decimal | None = None

    def add(self, values: list[Value], kinds: Kinds) -> None:
        """Take the numbers among more values."""
        if kinds == _INT:
            self._add_whole(values)
        elif kinds == _DOUBLE:
            self._add_doubles(values)
        else:
            values = [value for value in values if value.__class__ in NUMBERS]
            self._add_mixed(values)
        self.count += len(values)

    def _add_mixed(self, values: Sequence[Value]) -> None:
        self._add_whole([value for value in values if value.__class__ in WHOLE])
        self._add_doubles([value for value in values if value.__class__ is float])
        for value in values:
            if value.__class__ is Decimal:
                self._decimal = numbers.context().add(self._decimal or Decimal(0), value)

    def _add_whole(self, values: Sequence[int]) -> None:
        if not values:
            return
        self._whole += sum(values)
        if not self._is_long:
            self._is_long = (
                min(values) < INT32_MIN
                or max(values) > INT32_MAX
                or any(value.__class__ is Int64 for value in values)
            )

    def _add_doubles(self, values: Sequence[float]) -> None:
        self._doubles += values
        if len(self._doubles) > DOUBLES_HELD_MAX:
            self._doubles = _in_two(self._doubles)

    def value(self) -> Value:
        """Return the sum in the widest type among the numbers."""
        if self._decimal is not None:
            return numbers.add(self._decimal, self._as_decimal())
        if not self._doubles:
            return numbers.whole(self._whole, long=self._is_long)
        return numbers.sum_doubles([*self._doubles, float(self._whole)])

    def mean(self) -> Value:
        """Return the mean as double or decimal, None where there were no numbers."""
        if not self.count:
            return None
        if self._decimal is not None:
            return numbers.divide(self.value(), self.count)
        return float(self.value()) / self.count

    def _as_decimal(self) -> Decimal:
        rules = numbers.context()
        total = Decimal(self._whole)
        for part in _in_two(self._doubles):
            total = rules.add(total, Decimal(part))
        return total


def _in_two(doubles: Sequence[float]) -> list[float]:
    """Return the sum of doubles in twice their precision: the sum, and what rounding left over."""
    total = numbers.sum_doubles(doubles)
    if not math.isfinite(total):
        return [total]
    return [total, numbers.sum_doubles([*doubles, -total])]


class Sum(Total):
    """`$sum`."""

    __slots__ = ()

    def result(self) -> Value:
        """Return the sum."""
        return self.value()


class Mean(Total):
    """`$avg`."""

    __slots__ = ()

    def result(self) -> Value:
        """Return the mean."""
        return self.mean()


class Count:
    """A whole number for each document: `$count`, and `$sum` of a constant."""

    __slots__ = ("_count", "_step")

    def __init__(self, step: int = 1) -> None:
        self._count = 0
        self._step = step

    def add(self, values: list[Value], kinds: Kinds) -> None:
        """Count, whatever the values are."""
        del kinds
        self._count += len(values)

    def result(self) -> Value:
        """Return how many there were, times the step."""
        return numbers.whole(self._count * self._step, long=numbers.is_long(self._step))
