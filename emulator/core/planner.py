"""Owns the choice of an index: what it is asked for a filter and an order.

Not here: what a filter says of a path (`core.bounds`), and reading (`services.planning`). The one
idea: a plan is a promise of candidates, every document that matches and maybe others; since the
filter is asked again for each, a poor plan is slow and never wrong.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from emulator.core.bounds import POINTS_MAX, Bounds, bounds_of, high_row, low_row
from emulator.core.indexes import BEYOND, IndexDefinition, Row, directed, key_of
from emulator.core.ordering import SortSpecification
from emulator.core.query_nodes import And, Node, Or
from emulator.core.records import dataclass
from emulator.core.values import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """The part of one index to read: whole rows, or spans from a row up to, not with, another.

    With `ordered` the rows come in the wanted order, backwards with `reverse`; rows that agree in
    the first `ties` keys are equal in it. An index of places knows only a `circle`: longitude and
    latitude of its middle, and its radius on the earth in radians.
    """

    points: tuple[Row, ...] = ()
    spans: tuple[tuple[Row, Row], ...] = ()
    ordered: bool = False
    reverse: bool = False
    ties: int = 0
    circle: tuple[float, float, float] | None = None


class PlannedIndex(Protocol):
    """What the planner is told of an index."""

    @property
    def definition(self) -> IndexDefinition:
        """Return what the index is."""
        ...

    @property
    def walks(self) -> bool:
        """Tell whether its documents can be read in the order of their keys."""
        ...

    @property
    def arrays(self) -> Sequence[bool]:
        """Tell for each key whether some document has several values of it."""
        ...

    def count(self, reach: Reach) -> int:
        """Return about how many documents are in a reach."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One index and the part of it to read; `bound` keys narrow it, none means all of it."""

    place: int
    reach: Reach
    bound: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The indexes to read: one, or one for each branch of an `$or`."""

    uses: tuple[Use, ...]

    @property
    def ordered(self) -> bool:
        """Tell whether the documents come in the wanted order."""
        return len(self.uses) == 1 and self.uses[0].reach.ordered


@dataclass(frozen=True, slots=True)
class Demands:
    """What a filter bounds: every matching document keeps to `bounds`.

    Of each of the `alternatives` (an `$or`) it keeps to the bounds of one branch at least.
    """

    bounds: Mapping[str, Bounds]
    alternatives: Sequence[Sequence[Mapping[str, Bounds]]]

    def paths(self) -> set[str]:
        """Return every path that is bound somewhere."""
        paths = set(self.bounds)
        for branches in self.alternatives:
            paths.update(*branches)
        return paths


def demands_of(node: Node) -> Demands:
    """Return what a compiled filter's tree bounds."""
    nodes = node.nodes if isinstance(node, And) else (node,)
    return Demands(
        bounds_of(node),
        [[bounds_of(branch) for branch in each.nodes] for each in nodes if isinstance(each, Or)],
    )


def could_serve(
    definitions: Sequence[IndexDefinition], demands: Demands, sort: SortSpecification
) -> list[int]:
    """Return the places of the definitions that a plan may use, before any index is built."""
    paths = demands.paths()
    paths.update(path for path, _ in sort)
    return [
        place
        for place, definition in enumerate(definitions)
        if definition.serves_bounds and definition.keys[0][0] in paths
    ]


def equal_reach(definition: IndexDefinition, value: Value) -> Reach | None:
    """Return where the documents are of which the first key has a value, None if not all are in.

    A path that leads to an array may also have the value by one of its elements.
    """
    if type(value) is list or not definition.serves_bounds:
        return None
    if value is None and definition.sparse:
        return None
    row = (key_of(value, definition.keys[0][1]),)
    if len(definition.keys) == 1:
        return Reach(points=(row,))
    return Reach(spans=((row, (*row, BEYOND)),))


def equal_plan(plan: Plan, index: PlannedIndex, equalities: Mapping[str, Value]) -> Plan | None:
    """Return the plan for a filter of other values, from one by equalities of the same paths.

    None where more than equalities decided.
    """
    if len(plan.uses) != 1:
        return None
    use = plan.uses[0]
    keys = index.definition.keys[: use.bound]
    if not keys or any(path not in equalities for path, _ in keys):
        return None
    row: Row = tuple([key_of(equalities[path], direction) for path, direction in keys])
    if len(keys) == len(index.definition.keys):
        reach = replace(use.reach, points=(row,))
    else:
        reach = replace(use.reach, spans=((row, (*row, BEYOND)),))
    return Plan(uses=(replace(use, reach=reach),))


def choose(
    indexes: Mapping[int, PlannedIndex],
    demands: Demands,
    sort: SortSpecification = (),
    *,
    limited: bool = False,
) -> Plan | None:
    """Return the plan for a filter among indexes by place, None when all documents must be read.

    An index without bounds serves the order alone, which pays when the answer is `limited`.
    """
    if not indexes:
        return None
    best = _best(indexes, demands.bounds, sort if limited else ())
    if best is not None and best.bound:
        return Plan(uses=(best,))
    for branches in demands.alternatives:
        union = [_best(indexes, bounds, ()) for bounds in branches]
        if union and all(use is not None and use.bound for use in union):
            return Plan(uses=tuple(use for use in union if use is not None))
    return None if best is None else Plan(uses=(best,))


def _best(
    indexes: Mapping[int, PlannedIndex], bounds: Mapping[str, Bounds], sort: SortSpecification
) -> Use | None:
    """Return the use of most fixed keys, then in order, then with a range, then least to read."""
    ranked: list[tuple[tuple[int, bool, bool], int, Use]] = []
    for place, index in indexes.items():
        found = _use(place, index, bounds, sort)
        if found is not None:
            ranked.append((*found[:1], place, found[1]))
    if not ranked:
        return None
    top = max(score for score, _, _ in ranked)
    equals = [use for score, _, use in ranked if score == top]
    if len(equals) == 1:
        return equals[0]
    return min(equals, key=lambda use: (indexes[use.place].count(use.reach), use.place))


def _use(
    place: int, index: PlannedIndex, bounds: Mapping[str, Bounds], sort: SortSpecification
) -> tuple[tuple[int, bool, bool], Use] | None:
    definition = index.definition
    if not definition.serves_bounds:
        return None
    prefixes, through_array = _fixed(index, bounds)
    fixed = len(prefixes[0]) if prefixes else len(definition.keys)
    spans = _spans(index, bounds, prefixes, through_array=through_array)
    has_range = spans is not None
    ties, reverse = _order(index, sort, prefixes, fixed)
    if not fixed and not has_range and not ties:
        return None
    if fixed == 0 and definition.sparse and not has_range:
        return None
    complete = fixed == len(definition.keys)
    if spans is None:
        spans = () if complete else tuple((row, (*row, BEYOND)) for row in prefixes)
    reach = Reach(
        points=tuple(prefixes) if complete else (),
        spans=spans,
        ordered=ties is not None,
        reverse=reverse,
        ties=ties or 0,
    )
    score = (fixed, reach.ordered, has_range)
    return score, Use(place=place, reach=reach, bound=fixed + has_range)


def _fixed(index: PlannedIndex, bounds: Mapping[str, Bounds]) -> tuple[list[Row], bool]:
    """Return the rows that the leading keys are fixed to, and whether one runs through an array."""
    rows: list[Row] = [()]
    through_array = False
    for place, (path, direction) in enumerate(index.definition.keys):
        bound = bounds.get(path)
        if bound is None or bound.points is None or (index.arrays[place] and through_array):
            break
        if bound.has_null and index.definition.sparse:
            break
        if len(rows) * len(bound.points) > POINTS_MAX:
            break
        rows = [(*row, directed(key, direction)) for row in rows for key in bound.points]
        through_array |= index.arrays[place]
        if not rows:
            break
    return rows, through_array


def _spans(
    index: PlannedIndex,
    bounds: Mapping[str, Bounds],
    prefixes: list[Row],
    *,
    through_array: bool,
) -> tuple[tuple[Row, Row], ...] | None:
    """Return the spans of the key behind the fixed ones, None when nothing bounds it."""
    place = len(prefixes[0]) if prefixes else len(index.definition.keys)
    if place == len(index.definition.keys):
        return None
    path, direction = index.definition.keys[place]
    bound = bounds.get(path)
    if bound is None or not bound.intervals or (through_array and index.arrays[place]):
        return None
    spans = [
        interval.span(direction) for interval in bound.interval(through_array=index.arrays[place])
    ]
    return tuple(
        (low_row(row, low, is_open=low_open), high_row(row, high, is_open=high_open))
        for row in prefixes
        for low, low_open, high, high_open in spans
    )


def _order(
    index: PlannedIndex, sort: SortSpecification, prefixes: list[Row], fixed: int
) -> tuple[int | None, bool]:
    """Return in how many leading keys documents tie in the wanted order, and if it is backwards.

    None is not in order: array elements would come several times, a sparse index lacks documents.
    """
    keys = index.definition.keys
    if not sort:
        return None, False
    if not index.walks or len(prefixes) != 1 or any(index.arrays):
        return None, False
    if index.definition.sparse and not fixed:
        return None, False
    constant = {path for path, _ in keys[:fixed]}
    wanted = [(path, direction) for path, direction in sort if path not in constant]
    following = keys[fixed : fixed + len(wanted)]
    if len(following) < len(wanted) or len(dict(wanted)) < len(wanted):
        return None, False
    if [path for path, _ in following] != [path for path, _ in wanted]:
        return None, False
    senses = {direction == own for (_, direction), (_, own) in zip(wanted, following, strict=True)}
    if len(senses) > 1:
        return None, False
    return fixed + len(wanted), False in senses
