"""Owns the judgement whether a pattern can hang, and how its cost grows with the text.

Not here: the bounds that follow (`core.regex`). The one idea: Python's engine tries every way a
text can run through the positions of a pattern. Where two ways over one text lead from a position
back to itself, they double each time round: exponential. Loops that can share one stretch of text
multiply its length, once for each in a row; optional parts that can take the same text multiply
a number that depends on the pattern alone.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final, TypeAlias

from emulator.core.records import dataclass
from emulator.core.regex_positions import Positions, TooManyPositions
from emulator.core.regex_tree import ANY, Node, Ranges, merged, overlap

LOOP_POSITIONS_MAX: Final = 100
WAYS_MAX: Final = 100_000

Pair: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """What a search may cost: `ways` times the text's length to the power of `degree`.

    `reason` is not empty where no bound can be given.
    """

    degree: int = 0
    ways: int = 1
    reason: str = ""


def judge(node: Node, *, anchored: bool) -> Risk:
    """Return what searching for the pattern may cost; `anchored` ones match in one place only."""
    positions = Positions()
    try:
        span = positions.add(node)
    except TooManyPositions:
        return Risk(reason="it is too large")
    risk = _Judgement(positions).risk(span.first, anchored=anchored)
    for look in positions.looks:
        inner = judge(look, anchored=True)
        risk = Risk(
            degree=risk.degree + inner.degree,
            ways=risk.ways * inner.ways,
            reason=risk.reason or inner.reason,
        )
    return risk


class _Judgement:
    """The loops of one pattern and what they mean for its cost."""

    def __init__(self, positions: Positions) -> None:
        self._sets = positions.sets
        self._steps = positions.steps
        self._endless = positions.endless
        self._follow = positions.follow()
        self._parts = components(self._follow)
        self._loops = [part for part in self._parts if self._is_loop(part)]

    def risk(self, first: tuple[int, ...], *, anchored: bool) -> Risk:
        for loop in self._loops:
            if len(loop) > LOOP_POSITIONS_MAX:
                return Risk(reason="what it repeats is too large")
            if self._is_ambiguous(loop):
                return Risk(reason="it repeats what can itself be read in several ways")
        ways = self._ways(first)
        if ways > WAYS_MAX:
            return Risk(reason="too many of its parts can be left out or stand for one another")
        return Risk(degree=self._degree(first, anchored=anchored), ways=ways)

    def _is_loop(self, part: frozenset[int]) -> bool:
        return len(part) > 1 or any(place in self._follow[place] for place in part)

    def _is_ambiguous(self, loop: frozenset[int]) -> bool:
        """Tell whether one text leads round the loop in two ways."""
        inside = {place: [to for to in self._follow[place] if to in loop] for place in loop}
        if any(self._steps[place, to] > 1 for place in loop for to in inside[place]):
            return True
        alike = {
            place: {other for other in loop if overlap(self._sets[place], self._sets[other])}
            for place in loop
        }
        back: dict[Pair, list[Pair]] = {}
        seen: set[Pair] = set()
        waiting = [(place, place) for place in loop]
        while waiting:
            pair = waiting.pop()
            if pair in seen:
                continue
            seen.add(pair)
            targets = [
                (a, b) for a in inside[pair[0]] for b in alike[a].intersection(inside[pair[1]])
            ]
            if pair[0] != pair[1] and any(a == b for a, b in targets):
                return True
            for target in targets:
                back.setdefault(target, []).append(pair)
            waiting += targets
        return _leaves_and_returns(loop, back)

    def _ways(self, first: tuple[int, ...]) -> int:
        """Return in how many ways one text can run through, loops counted as one place."""
        part_of = {place: part for part in self._parts for place in part}
        ways: dict[frozenset[int], int] = {}

        def most(targets: list[tuple[int, int]]) -> int:
            by_set: Counter[Ranges] = Counter()
            for place, times in targets:
                by_set[self._sets[place]] += ways[part_of[place]] * times
            sums = (
                sum(count for other, count in by_set.items() if overlap(ranges, other))
                for ranges in by_set
            )
            return min(max(sums, default=1), WAYS_MAX + 1)

        for part in self._parts:
            exits = (
                [(to, self._steps[place, to]) for to in self._follow[place] if to not in part]
                for place in part
            )
            ways[part] = max(map(most, exits))
        return most([(place, 1) for place in first])

    def _degree(self, first: tuple[int, ...], *, anchored: bool) -> int:
        """Return how many loops in a row can share one stretch of text; a free start is one."""
        loops = [loop for loop in self._loops if self._is_endless(loop)]
        unions = [
            merged(tuple(item for place in loop for item in self._sets[place])) for loop in loops
        ]
        exits = [
            [to for place in loop for to in self._follow[place] if to not in loop] for loop in loops
        ]
        if not anchored:
            loops, unions, exits = [*loops, frozenset()], [*unions, ANY], [*exits, [*first]]
        lengths = [0] * len(loops)
        for place, leaving in enumerate(exits):
            lengths[place] = 1 + max(
                (
                    lengths[other]
                    for other in range(place)
                    if self._reached(leaving, unions[place], unions[other]) & loops[other]
                ),
                default=0,
            )
        return max(lengths, default=0)

    def _is_endless(self, loop: frozenset[int]) -> bool:
        return any(source in loop and target in loop for source, target in self._endless)

    def _reached(self, start: Iterable[int], *fits: Ranges) -> set[int]:
        """Return the positions that a text of characters in all of these sets can lead to."""
        found: set[int] = set()
        waiting = list(start)
        while waiting:
            place = waiting.pop()
            if place not in found and all(overlap(self._sets[place], fit) for fit in fits):
                found.add(place)
                waiting += self._follow[place]
        return found


def _leaves_and_returns(loop: frozenset[int], back: dict[Pair, list[Pair]]) -> bool:
    """Tell whether two copies of one place can part and meet again, going backwards from there."""
    seen = {(place, place) for place in loop}
    waiting = list(seen)
    while waiting:
        for pair in back.get(waiting.pop(), []):
            if pair[0] != pair[1]:
                return True
            if pair not in seen:
                seen.add(pair)
                waiting.append(pair)
    return False


def components(follow: list[list[int]]) -> list[frozenset[int]]:
    """Return the sets of places that lead back to each other, each after those it leads to."""
    order: dict[int, int] = {}
    lowest: dict[int, int] = {}
    path: list[int] = []
    on_path: set[int] = set()
    parts: list[frozenset[int]] = []
    for root in range(len(follow)):
        calls = [(root, iter(follow[root]))] if root not in order else []
        while calls:
            place, targets = calls[-1]
            if place not in order:
                order[place] = lowest[place] = len(order)
                path.append(place)
                on_path.add(place)
            for target in targets:
                if target not in order:
                    calls.append((target, iter(follow[target])))
                    break
                if target in on_path:
                    lowest[place] = min(lowest[place], order[target])
            else:
                calls.pop()
                if calls:
                    above = calls[-1][0]
                    lowest[above] = min(lowest[above], lowest[place])
                if lowest[place] == order[place]:
                    parts.append(_cut(path, place, on_path))
    return parts


def _cut(path: list[int], place: int, on_path: set[int]) -> frozenset[int]:
    start = path.index(place)
    part = frozenset(path[start:])
    del path[start:]
    on_path -= part
    return part
