"""Owns specimens: few values that stand for all values a field may hold, given some constants.

Not here: which constants matter (`core.rules.implies`). The one idea: comparisons with constants
cannot tell two values apart that lie between the same neighbours, so one of each kind and each gap
is enough; where fields are compared with each other a gap needs two.
"""

from collections.abc import Iterable, Iterator
from dataclasses import field
from itertools import pairwise
from typing import Final

from emulator.core.records import dataclass
from emulator.core.values import MISSING, Date, Value

_KINDS: Final[tuple[Value, ...]] = (MISSING, None, True, False, {})


@dataclass(slots=True)
class Constants:
    """What one field is compared with; `lists`: as something that others may be in."""

    values: list[Value] = field(default_factory=list)
    lists: bool = False
    related: bool = False

    def add(self, value: Value) -> None:
        """Count a constant in."""
        self.values.append(value)

    def merge(self, other: "Constants") -> None:
        """Count in what another field, compared with this one, is compared with."""
        self.values += other.values
        self.related = True


def specimens(constants: Constants) -> list[Value]:
    """Return one value, or two where fields are compared with each other, of each kind and gap."""
    numbers = {0} | {_point(each) for each in constants.values if _is_number(each)}
    texts = {""} | {each for each in constants.values if isinstance(each, str)}
    found: list[Value] = list(_KINDS)
    found += _numbers(sorted(numbers), pairs=constants.related)
    if any(isinstance(each, Date) for each in constants.values):
        moments = _numbers(sorted(numbers), pairs=constants.related)
        found += [Date(int(each)) for each in moments if each == int(each)]
    found += _texts(sorted(texts), pairs=constants.related)
    found += [each for each in constants.values if not isinstance(each, (str, int, float, Date))]
    if constants.lists:
        found += [[], *([each] for each in constants.values)]
    return found


def _is_number(value: Value) -> bool:
    return isinstance(value, (int, float, Date)) and not isinstance(value, bool)


def _point(value: Value) -> int | float:
    return value.ms if isinstance(value, Date) else value


def _numbers(points: list[int | float], *, pairs: bool) -> Iterator[int | float]:
    yield points[0] - 1
    yield points[-1] + 1
    yield from points
    for low, high in pairwise(points):
        yield _between(low, high)
    if pairs:
        yield points[0] - 2
        yield points[-1] + 2
        for low, high in pairwise(points):
            yield _between(low, _between(low, high))


def _between(low: int | float, high: int | float) -> int | float:
    middle = (low + high) // 2
    return middle if low < middle < high else (low + high) / 2


def _texts(points: Iterable[str], *, pairs: bool) -> Iterator[str]:
    for point in points:
        yield point
        # The next text there is; no constant can lie between the two.
        yield f"{point}\0"
        if pairs:
            yield f"{point}\0\0"
