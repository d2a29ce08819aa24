"""Owns what a filter says of the values behind a path: some values, or an interval of one kind.

Not here: which index can use it (`core.planner`). The one idea: bounds promise only that a document
which matches has a value inside them, so they may be wide and the filter itself is asked again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from emulator.core.indexes import BEYOND, Direction, directed
from emulator.core.ordering import NUMBER_RANK, SortKey, hash_key, sort_key
from emulator.core.query_nodes import And, Check, Leaf, Node
from emulator.core.records import dataclass
from emulator.core.values import MISSING, Value

POINTS_MAX: Final = 1_000
"""More values than this, or combinations of them, make no better plan than fewer keys do."""

_RANKS: Final[Mapping[str, int]] = {"number": NUMBER_RANK, "string": 5, "date": 11}
_OPAQUE_KINDS: Final = frozenset({list})
"""Kinds of operand that also match a whole array, which no row holds."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Keys of one kind between two ends; MISSING is no end on that side."""

    rank: int
    low: Value = MISSING
    low_open: bool = False
    high: Value = MISSING
    high_open: bool = False

    def span(self, direction: Direction) -> tuple[SortKey, bool, SortKey, bool]:
        """Return low key, whether it is open, high key, whether it is open, in a direction."""
        low = (self.rank,) if self.low is MISSING else (self.rank, self.low)
        high = (self.rank,) if self.high is MISSING else (self.rank, self.high)
        if direction == -1:
            low, high = directed(high, -1), directed(low, -1)
            low_open, high_open = self.high_open, self.low_open
        else:
            low_open, high_open = self.low_open, self.high_open
        if len(high) == 1:
            high, high_open = (high[0] + 1,), True
        return low, low_open, high, high_open

    def narrowed(self, other: "Interval") -> "Interval":
        """Return what lies in both intervals of one kind."""
        merged = self
        if other.low is not MISSING and (
            self.low is MISSING or (other.low, other.low_open) > (self.low, self.low_open)
        ):
            merged = replace(merged, low=other.low, low_open=other.low_open)
        if other.high is not MISSING and (
            self.high is MISSING
            or (other.high, not other.high_open) < (self.high, not self.high_open)
        ):
            merged = replace(merged, high=other.high, high_open=other.high_open)
        return merged

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing can lie inside."""
        if self.low is MISSING or self.high is MISSING:
            return False
        return bool(
            self.low > self.high or (self.low == self.high and (self.low_open or self.high_open))
        )


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one path is bound by: `points` are the keys of the only values it may have.

    Of several conditions each holds for some element of an array, not all for the same one.
    """

    points: tuple[SortKey, ...] | None = None
    has_null: bool = False
    intervals: tuple[Interval, ...] = ()

    def added(self, other: "Bounds") -> "Bounds":
        """Return the bounds of two conditions on one path: the fewest points win."""
        points, has_null = self.points, self.has_null
        if other.points is not None and (points is None or len(other.points) < len(points)):
            points, has_null = other.points, other.has_null
        return Bounds(points, has_null, self.intervals + other.intervals)

    def interval(self, *, through_array: bool) -> tuple[Interval, ...]:
        """Return the interval to look in, nothing where no value can meet all conditions."""
        first, *others = self.intervals
        if through_array:
            return (first,)
        for other in others:
            if other.rank != first.rank:
                return ()
            first = first.narrowed(other)
        return () if first.is_empty else (first,)


def bounds_of(node: Node) -> dict[str, Bounds]:
    """Return the bounds of every path that all matching documents keep to."""
    found: dict[str, Bounds] = {}
    for leaf in node.nodes if isinstance(node, And) else (node,):
        if not isinstance(leaf, Leaf):
            continue
        bounds = _bounds(leaf.check)
        if bounds is not None:
            path = ".".join(leaf.parts)
            found[path] = found[path].added(bounds) if path in found else bounds
    return found


def _bounds(check: Check) -> Bounds | None:
    if check.operand is not MISSING:
        value = check.operand
        if type(value) in _OPAQUE_KINDS:
            return None
        return Bounds(points=(sort_key(value),), has_null=value is None)
    if check.members is not None:
        return None if len(check.constant) > POINTS_MAX else _among(check.members)
    kind, _, sign = check.shape.partition(" ")
    if sign[:1] not in ("<", ">") or kind not in _RANKS:
        return None
    is_open = len(sign) == 1
    if sign[0] == "<":
        return Bounds(intervals=(Interval(_RANKS[kind], high=check.constant, high_open=is_open),))
    return Bounds(intervals=(Interval(_RANKS[kind], low=check.constant, low_open=is_open),))


def _among(values: Iterable[Value]) -> Bounds | None:
    distinct = {hash_key(value): value for value in values}
    if any(type(value) in _OPAQUE_KINDS for value in distinct.values()):
        return None
    return Bounds(
        points=tuple(map(sort_key, distinct.values())),
        has_null=any(value is None for value in distinct.values()),
    )


def low_row(prefix: tuple[SortKey, ...], key: SortKey, *, is_open: bool) -> tuple[SortKey, ...]:
    """Return the row before which nothing of an interval lies."""
    return (*prefix, key, BEYOND) if is_open else (*prefix, key)


def high_row(prefix: tuple[SortKey, ...], key: SortKey, *, is_open: bool) -> tuple[SortKey, ...]:
    """Return the row from which on nothing of an interval lies."""
    return (*prefix, key) if is_open else (*prefix, key, BEYOND)
