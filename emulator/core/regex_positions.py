"""Owns the positions of a pattern: the places where it takes a character, and the steps between.

Not here: what follows from them (`core.regex_risk`). The one idea: a step that can be made in two
ways is counted twice, so that ways to read one text remain visible in the graph.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import field
from typing import Final

from emulator.core.records import dataclass
from emulator.core.regex_tree import (
    ANY,
    Chars,
    Choice,
    Echo,
    Group,
    Look,
    Node,
    Ranges,
    Repeat,
    Sequence,
)

COPIES_MAX: Final = 8
"""A repeat with a higher bound is laid out as a loop."""
POSITIONS_MAX: Final = 3000
STEPS_MAX: Final = 30_000


class TooManyPositions(Exception):
    """The pattern has too many positions or steps to be judged."""


@dataclass(slots=True, kw_only=True)
class Span:
    """Where a part of the pattern begins and ends, and whether it can be left out."""

    nullable: bool
    first: tuple[int, ...] = ()
    last: tuple[int, ...] = ()


@dataclass(slots=True)
class Positions:
    """The characters each position takes, the counted steps, and the steps of endless repeats."""

    sets: list[Ranges] = field(default_factory=list)
    steps: Counter[tuple[int, int]] = field(default_factory=Counter)
    endless: set[tuple[int, int]] = field(default_factory=set)
    looks: list[Node] = field(default_factory=list)

    def add(self, node: Node) -> Span:
        """Lay out a node behind what is there.

        Raises:
            TooManyPositions: there would be more than the bounds allow.
        """
        if isinstance(node, Chars):
            return self._position(node.ranges)
        if isinstance(node, Echo):
            echo = self._position(ANY)
            self._link(echo.last, echo.first)
            return Span(nullable=True, first=echo.first, last=echo.last)
        if isinstance(node, Sequence):
            return self._chain(self.add(item) for item in node.items)
        if isinstance(node, Choice):
            return self._choice(node)
        if isinstance(node, Repeat):
            return self._repeat(node)
        if isinstance(node, Group):
            return self.add(node.item)
        if isinstance(node, Look):
            self.looks.append(node.item)
        return Span(nullable=True)

    def follow(self) -> list[list[int]]:
        """Return for each position those that can come next."""
        follow: list[list[int]] = [[] for _ in self.sets]
        for source, target in self.steps:
            follow[source].append(target)
        return follow

    def _position(self, ranges: Ranges) -> Span:
        if len(self.sets) >= POSITIONS_MAX:
            raise TooManyPositions
        self.sets.append(ranges)
        place = (len(self.sets) - 1,)
        return Span(nullable=False, first=place, last=place)

    def _link(self, last: Iterable[int], first: tuple[int, ...]) -> None:
        for source in last:
            if len(self.steps) > STEPS_MAX:
                raise TooManyPositions
            for target in first:
                self.steps[source, target] += 1

    def _chain(self, spans: Iterable[Span]) -> Span:
        whole = Span(nullable=True)
        for span in spans:
            self._link(whole.last, span.first)
            whole.first += span.first if whole.nullable else ()
            whole.last = (whole.last if span.nullable else ()) + span.last
            whole.nullable = whole.nullable and span.nullable
        return whole

    def _choice(self, node: Choice) -> Span:
        spans = [self.add(branch) for branch in node.branches]
        first = tuple(place for span in spans for place in span.first)
        last = tuple(place for span in spans for place in span.last)
        return Span(nullable=any(span.nullable for span in spans), first=first, last=last)

    def _repeat(self, node: Repeat) -> Span:
        if node.most is None or node.most > COPIES_MAX:
            span = self.add(node.item)
            self._link(span.last, span.first)
            if node.most is None:
                self.endless.update((a, b) for a in span.last for b in span.first)
            return Span(nullable=span.nullable or node.least == 0, first=span.first, last=span.last)
        needed = self._chain(self.add(node.item) for _ in range(node.least))
        rest = Span(nullable=True)
        for _ in range(node.most - node.least):
            copy = self.add(node.item)
            self._link(copy.last, rest.first)
            rest = Span(nullable=True, first=copy.first, last=copy.last + rest.last)
        return self._chain([needed, rest])
