"""Owns the compiled filters that were asked for last, with the plans that were made for them.

Not here: compiling (`core.query`), planning (`core.planner`) and reading (`services.planning`). The
one idea: a program asks the same questions again and again, so what was found out about one is kept
for the next; a filter is known again by its values and their kinds, a plan holds while the indexes
are defined as they were.
"""

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import field
from typing import Final

from emulator.core.aggregate.filters import compile_request_filter
from emulator.core.indexes import IndexDefinition
from emulator.core.ordering import SortSpecification
from emulator.core.planner import Plan, equal_plan
from emulator.core.query import CompiledFilter, compile_shaped, id_filter
from emulator.core.query_shapes import Entry, Shape, split
from emulator.core.records import dataclass
from emulator.core.values import Date, Filter, Int64, ObjectId, Value
from emulator.stores.base import Collection, Index
from emulator.stores.contents import owned

FILTERS_KEPT_MAX: Final = 256
SHAPES_KEPT_MAX: Final = 256
TEXT_KEPT_MAX_CHARACTERS: Final = 200
ITEMS_KEPT_MAX: Final = 20
DEPTH_KEPT_MAX_LEVELS: Final = 6
GROWTH_MAX: Final = 2
"""A plan is made anew once a collection has grown by this factor."""

_PLAIN: Final = frozenset({str, int, Int64, float, bool, type(None), Date, ObjectId})
_DEPENDS_ON_TIME: Final = "$expr"


Order = tuple[SortSpecification, bool]
"""What decides on a plan besides the filter: a sort, and whether there is a limit."""


@dataclass(slots=True, kw_only=True)
class Planned:
    """The last plan for a filter, and what it was made for.

    Of indexes their definitions are kept, never themselves: they would keep documents alive.
    """

    _plan: Plan | None = None
    _places: tuple[int, ...] = ()
    _definitions: list[IndexDefinition] | None = None
    _arrays: list[list[bool]] = field(default_factory=list)
    _order: Order = ((), False)
    _size_documents: int = 0

    def planned(
        self, collection: Collection, order: Order
    ) -> tuple[Plan | None, dict[int, Index]] | None:
        """Return the last plan and the indexes it is among by place, None if it holds no more.

        It holds for this order, the same definitions, built indexes that have arrays where they had
        some, and a collection that has not grown much.
        """
        if self._definitions is None or self._order != order:
            return None
        if len(collection) > GROWTH_MAX * self._size_documents:
            return None
        indexes = collection.indexes()
        if [each.definition for each in indexes] != self._definitions:
            return None
        among = {place: indexes[place] for place in self._places}
        for index, arrays in zip(among.values(), self._arrays, strict=True):
            if not index.build(0) or list(index.arrays) != arrays:
                return None
        return self._plan, among

    def remember(
        self, plan: Plan | None, among: dict[int, Index], collection: Collection, order: Order
    ) -> None:
        """Keep a plan."""
        self._plan, self._order = plan, order
        self._places = tuple(among)
        self._arrays = [list(each.arrays) for each in among.values()]
        self._definitions = [each.definition for each in collection.indexes()]
        self._size_documents = max(len(collection), 1)


@dataclass(slots=True)
class Shaped:
    """A shape, and the last plan for a filter of it."""

    shape: Shape
    planned: Planned = field(default_factory=Planned)

    def plan(
        self, equalities: Mapping[str, Value], collection: Collection, order: Order
    ) -> tuple[Plan | None, dict[int, Index]] | None:
        """Return the plan for a filter of the shape, None where it must be chosen.

        The same index serves all of them where there is but one that could; so does none.
        """
        last = self.planned.planned(collection, order)
        if last is None or (last[1] and not self.shape.is_equal):
            return None
        plan, among = last
        if plan is None:
            return last
        if len(among) > 1:
            return None
        replanned = equal_plan(plan, next(iter(among.values())), equalities)
        return None if replanned is None else (replanned, among)


@dataclass(slots=True, kw_only=True)
class Known:
    """A compiled filter, the last plan for it, and its shape where that is known."""

    matcher: CompiledFilter
    shaped: Shaped | None = None
    _is_asked_again: bool = False
    _planned: Planned = field(default_factory=Planned)

    def planned(
        self, collection: Collection, order: Order
    ) -> tuple[Plan | None, dict[int, Index]] | None:
        """Return the plan and the indexes it is among by place, None if there is none that holds.

        It was made for this filter, or for one of its shape.
        """
        last = self._planned.planned(collection, order)
        if last is None and self.shaped is not None:
            last = self.shaped.plan(self.matcher.equalities, collection, order)
            if last is not None and self._is_asked_again:
                self._planned.remember(*last, collection, order)
            self._is_asked_again = True
        return last

    def remember(
        self, plan: Plan | None, among: dict[int, Index], collection: Collection, order: Order
    ) -> None:
        """Keep a plan."""
        self._planned.remember(plan, among, collection, order)
        if self.shaped is not None:
            self.shaped.planned.remember(plan, among, collection, order)


class Filters:
    """The filters of one database, the latest last."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, Known] = OrderedDict()
        self._shapes: OrderedDict[Hashable, Shaped] = OrderedDict()

    def known(self, name: str, filter_: Filter, *, now_ms: int) -> Known:
        """Return a compiled filter for a collection; raises as `compile_request_filter`."""
        document_id = filter_.get("_id") if len(filter_) == 1 else None
        if type(document_id) is str:
            return Known(matcher=id_filter(document_id))
        flat = split(filter_)
        if flat is not None:
            return self._flat(name, *flat)
        try:
            key = (name, _key(filter_, DEPTH_KEPT_MAX_LEVELS))
        except _NotKept:
            return Known(matcher=compile_request_filter(filter_, now_ms=now_ms))
        found = self._known.get(key)
        if found is None:
            # A copy, for whoever sent the filter may change it.
            matcher = compile_request_filter(owned(filter_), now_ms=now_ms)
            found = self._keep(key, Known(matcher=matcher))
        else:
            self._known.move_to_end(key)
        return found

    def _flat(self, name: str, entries: tuple[Entry, ...], operands: list[Value]) -> Known:
        """Return a flat filter, of which the shape may be known if the operands are not."""
        key = (name, entries, *operands)
        found = self._known.get(key)
        if found is not None:
            self._known.move_to_end(key)
            return found
        shaped = self._shapes.get((name, entries))
        if shaped is None:
            shaped = self._shapes[name, entries] = Shaped(Shape(entries, operands))
            if len(self._shapes) > SHAPES_KEPT_MAX:
                self._shapes.popitem(last=False)
        else:
            self._shapes.move_to_end((name, entries))
        matcher = compile_shaped(shaped.shape, operands)
        return self._keep(key, Known(matcher=matcher, shaped=shaped))

    def _keep(self, key: Hashable, known: Known) -> Known:
        self._known[key] = known
        if len(self._known) > FILTERS_KEPT_MAX:
            self._known.popitem(last=False)
        return known


class _NotKept(Exception):  # nothing failed: the filter is compiled and not kept
    """The filter is large, or holds what cannot be told apart by its values."""


def _key(value: Value, levels: int) -> Hashable:
    """Return what is equal for filters that mean the same; raises _NotKept."""
    kind = value.__class__
    if kind in _PLAIN:
        if kind is str and len(value) > TEXT_KEPT_MAX_CHARACTERS:
            raise _NotKept
        return kind, value
    if not levels or (kind is not dict and kind is not list) or len(value) > ITEMS_KEPT_MAX:
        raise _NotKept
    if kind is list:
        return tuple([_key(item, levels - 1) for item in value])
    return _fields_key(value, levels)


def _fields_key(value: Mapping[str, Value], levels: int) -> Hashable:
    if _DEPENDS_ON_TIME in value:
        raise _NotKept
    return dict, tuple([(name, _key(item, levels - 1)) for name, item in value.items()])
