"""Owns the accumulators: `$sum`, `$avg`, `$push` and so on, in `$group` and as expressions.

Not here: who gathers groups (`stages_group`). The one idea: an accumulator is fed whole lists of
values, so that a group's cost is that of Python's own loops; its state is a few fields.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from emulator.core.aggregate import numbers
from emulator.core.aggregate.expressions_sets import as_set
from emulator.core.aggregate.nodes import (
    Expression,
    Operator,
    Scope,
    Variables,
    folded,
    is_nullish,
    operands_of,
    wrong_type,
)
from emulator.core.aggregate.totals import Kinds, Mean, Sum
from emulator.core.ordering import is_nan, sort_key
from emulator.core.values import MISSING, Document, Missing, Value

SORTED_SET_MAX_VALUES: Final = 2_000
"""Sorting more would hold the loop for too long."""
_PLAIN: Final = frozenset({frozenset({int}), frozenset({str})})
"""Kinds of values that Python compares as MongoDB does."""
_NUMBERS: Final = frozenset({int, float})
"""Kinds that it does so unless a NaN is among them."""


def kinds_of(values: Sequence[Value]) -> Kinds:
    """Return the types among values."""
    return frozenset(map(type, values))


class Accumulator(Protocol):
    """The state of one accumulator in one group."""

    def add(self, values: list[Value], kinds: Kinds) -> None:
        """Take more values, in order, and their types."""
        ...

    def result(self) -> Value:
        """Return what has come of all of them, MISSING for nothing."""
        ...


class _Extreme:
    """The smallest or largest of the values that are there."""

    __slots__ = ("_best",)
    pick: Callable[..., Value]

    def __init__(self) -> None:
        self._best: Value = MISSING

    def add(self, values: list[Value], kinds: Kinds) -> None:
        """Take more values; null and missing do not count."""
        is_plain = kinds in _PLAIN or (kinds <= _NUMBERS and not is_nan(sum(values)))
        if not is_plain:
            values = [value for value in values if not is_nullish(value)]
        if not values:
            return
        key = None if is_plain else sort_key
        best = type(self).pick(values, key=key)
        if self._best is not MISSING:
            best = type(self).pick((self._best, best), key=sort_key)
        self._best = best

    def result(self) -> Value:
        """Return the best value, null where there was none."""
        return None if self._best is MISSING else self._best


class Smallest(_Extreme):
    """`$min`."""

    __slots__ = ()
    pick = staticmethod(min)


class Largest(_Extreme):
    """`$max`."""

    __slots__ = ()
    pick = staticmethod(max)


class First:
    """`$first`."""

    __slots__ = ("_is_empty", "_value")

    def __init__(self) -> None:
        self._is_empty = True
        self._value: Value = MISSING

    def add(self, values: list[Value], kinds: Kinds) -> None:
        """Keep the very first value."""
        del kinds
        if self._is_empty and values:
            self._is_empty, self._value = False, values[0]

    def result(self) -> Value:
        """Return it."""
        return self._value


class Last:
    """`$last`."""

    __slots__ = ("_value",)

    def __init__(self) -> None:
        self._value: Value = MISSING

    def add(self, values: list[Value], kinds: Kinds) -> None:
        """Keep the last value."""
        del kinds
        if values:
            self._value = values[-1]

    def result(self) -> Value:
        """Return it."""
        return self._value


class Push:
    """`$push`."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: list[Value] = []

    def __len__(self) -> int:
        return len(self._values)

    def add(self, values: list[Value], kinds: Kinds) -> None:
        """Take the values that are there."""
        if Missing in kinds:
            values = [value for value in values if value is not MISSING]
        self._values += values

    def result(self) -> Value:
        """Return them all."""
        return self._values


class AddToSet:
    """`$addToSet`; `values` are the different ones by what tells them apart."""

    __slots__ = ("_kinds", "values")

    def __init__(self) -> None:
        self.values: dict[object, Value] = {}
        self._kinds: Kinds = frozenset()

    def __len__(self) -> int:
        return len(self.values)

    def add(self, values: list[Value], kinds: Kinds) -> None:
        """Take the values that are there and new."""
        # What replaces an equal value must be of its kind, or 0 would take the place of -0.0.
        if kinds in _PLAIN and self._kinds <= kinds:
            self._kinds = kinds
            self.values.update(zip(values, values, strict=True))
            return
        self._kinds |= kinds
        for key, value in as_set(values).items():
            if value is not MISSING:
                self.values.setdefault(key, value)

    def result(self) -> Value:
        """Return the different values, few of them sorted; MongoDB promises no order."""
        values = list(self.values.values())
        return sorted(values, key=sort_key) if len(values) <= SORTED_SET_MAX_VALUES else values


class MergeObjects:
    """`$mergeObjects`."""

    __slots__ = ("_merged",)

    def __init__(self) -> None:
        self._merged: Document = {}

    def add(self, values: list[Value], kinds: Kinds) -> None:
        """Put objects one over the other."""
        del kinds
        for value in values:
            if value.__class__ is dict:
                self._merged.update(value)
            elif not is_nullish(value):
                raise wrong_type(
                    "$mergeObjects requires object inputs, but input is of type {type}",
                    40400,
                    value,
                )

    def result(self) -> Value:
        """Return the merged object."""
        return self._merged


class _Deviation:
    """Count, mean and squared deviation of the numbers among values (Welford's way)."""

    __slots__ = ("_count", "_mean", "_squares")

    def __init__(self) -> None:
        self._count = 0
        self._mean = 0.0
        self._squares = 0.0

    def add(self, values: list[Value], kinds: Kinds) -> None:
        """Take the numbers among more values."""
        del kinds
        for value in values:
            if numbers.is_number(value):
                number = float(value)
                self._count += 1
                delta = number - self._mean
                self._mean += delta / self._count
                self._squares += delta * (number - self._mean)

    def _root(self, taken_away: int) -> Value:
        if self._count <= taken_away:
            return None
        variance = self._squares / (self._count - taken_away)
        return math.sqrt(variance) if variance >= 0 else math.nan


class PopulationDeviation(_Deviation):
    """`$stdDevPop`."""

    __slots__ = ()

    def result(self) -> Value:
        """Return the deviation, null where there were no numbers."""
        return self._root(0)


class SampleDeviation(_Deviation):
    """`$stdDevSamp`."""

    __slots__ = ()

    def result(self) -> Value:
        """Return the deviation, null where there were less than two numbers."""
        return self._root(1)


ACCUMULATORS: Final[Mapping[str, Callable[[], Accumulator]]] = {
    "$addToSet": AddToSet,
    "$avg": Mean,
    "$first": First,
    "$last": Last,
    "$max": Largest,
    "$mergeObjects": MergeObjects,
    "$min": Smallest,
    "$push": Push,
    "$stdDevPop": PopulationDeviation,
    "$stdDevSamp": SampleDeviation,
    "$sum": Sum,
}

# --- as expressions ------------------------------------------------------------------------------


def _expression(start: Callable[[], Accumulator]) -> Operator:
    """Return the accumulator over operands; a single one that is an array stands for its items."""

    def build(_name: str, operand: Value, scope: Scope) -> Expression:
        arguments = [scope.expression(each) for each in operands_of(operand)]
        runs = [argument.run for argument in arguments]

        def run(document: Document, variables: Variables) -> Value:
            values = [each(document, variables) for each in runs]
            return _accumulated(start, values)

        return folded(run, arguments)

    return Operator(build, "x or [x, ...]")


def _accumulated(start: Callable[[], Accumulator], values: list[Value]) -> Value:
    if len(values) == 1 and values[0].__class__ is list:
        values = values[0]
    accumulator = start()
    accumulator.add(values, kinds_of(values))
    return accumulator.result()


AS_EXPRESSIONS: Final[Mapping[str, Operator]] = {
    name: _expression(ACCUMULATORS[name])
    for name in ("$avg", "$max", "$min", "$stdDevPop", "$stdDevSamp", "$sum")
}
