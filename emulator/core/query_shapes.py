"""Owns the shape of a flat filter: its paths, operators and kinds of operand, compiled once.

Not here: what operators mean (`core.query_operators`) and how filters are written as functions
(`core.query_source`). The one idea: a program asks the same question about ever other values; what
is the same for all of them is compiled with the first, and another filter of the shape is no more
than its operands put in. Its tree is made only for whoever asks for it.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from emulator.core.paths import Predicate, split_path
from emulator.core.query_nodes import NOT_PARSING, And, Check, Leaf, Node
from emulator.core.query_operators import FIELD_OPERATORS
from emulator.core.query_source import Select, Taken, is_costly, written
from emulator.core.values import Date, Filter, Int64, Value

CONDITIONS_MAX: Final = 12
TEXT_MAX_CHARACTERS: Final = 200
"""Longer texts are not kept waiting for the next of their kind."""

_EQUAL: Final = "$eq"
_OPERATORS: Final = frozenset({_EQUAL, "$gt", "$gte", "$lt", "$lte"})
_KINDS: Final = frozenset({str, int, Int64, float, bool, Date})
_NUMBERS: Final = frozenset({int, Int64, float})

Entry: TypeAlias = tuple[str, str, type, bool]
"""Path, operator, kind of the operand, and whether it is zero or one, which are like booleans."""


def split(filter_: Filter) -> tuple[tuple[Entry, ...], list[Value]] | None:
    """Return a flat filter's shape and its operands, None for every other filter.

    Flat is what says of fields, that of `_id` aside, how they compare with plain values.
    """
    entries: list[Entry] = []
    operands: list[Value] = []
    if not _gather(filter_, entries, operands) or not 0 < len(entries) <= CONDITIONS_MAX:
        return None
    return tuple(entries), operands


def _gather(filter_: Filter, entries: list[Entry], operands: list[Value]) -> bool:
    for path, given in filter_.items():
        kind = given.__class__
        if path == "$and" and kind is list and given:
            if not all(
                each.__class__ is dict and _gather(each, entries, operands) for each in given
            ):
                return False
        elif path[:1] == "$" or path == "_id":
            return False
        elif kind is dict and given:
            for name, operand in given.items():
                if name not in _OPERATORS or not _take(path, name, operand, entries):
                    return False
                operands.append(operand)
        elif _take(path, _EQUAL, given, entries):
            operands.append(given)
        else:
            return False
    return True


def _take(path: str, operator: str, operand: Value, entries: list[Entry]) -> bool:
    kind = operand.__class__
    if kind not in _KINDS or (kind is str and len(operand) > TEXT_MAX_CHARACTERS):
        return False
    if kind in _NUMBERS:
        if operand != operand:  # noqa: PLR0124  # no number is unlike itself
            return False
        entries.append((path, operator, kind, operand in (0, 1)))
    else:
        entries.append((path, operator, kind, False))
    return True


class Shape:
    """A flat filter without its operands."""

    def __init__(self, entries: Sequence[Entry], operands: Sequence[Value]) -> None:
        self._entries = entries
        self._paths = [split_path(path) for path, *_ in entries]
        node = self.node(operands)
        leaves: Sequence[Node] = node.nodes if isinstance(node, And) else [node]
        places = {id(leaf): place for place, leaf in enumerate(leaves)}
        self._make, taken = written(node)
        self.is_costly = is_costly(node)
        self._recipe = [(each, places.get(id(each.node), -1)) for each in taken]
        self._equal = [
            (path, place)
            for place, (path, operator, _, _) in enumerate(entries)
            if operator == _EQUAL
        ]

    @property
    def is_equal(self) -> bool:
        """Tell whether it is nothing but equalities, each of another path."""
        return len({path for path, _ in self._equal}) == len(self._entries)

    def node(self, operands: Sequence[Value]) -> Node:
        """Return the tree of the filter with these operands."""
        leaves = [
            Leaf(parts, self._check(place, operands[place]))
            for place, parts in enumerate(self._paths)
        ]
        return leaves[0] if len(leaves) == 1 else And(leaves)

    def compiled(self, operands: Sequence[Value]) -> tuple[Predicate, Select]:
        """Return the filter's functions for these operands."""
        arguments: list[Value] = []
        for taken, place in self._recipe:
            if taken.kind == "k":
                operand = operands[place]
                arguments.append(operand.ms if operand.__class__ is Date else operand)
            else:
                arguments.append(self._later(taken, place, operands[place]))
        return self._make(*arguments)

    def equalities(self, operands: Sequence[Value]) -> dict[str, Value]:
        """Return what paths must equal, the first of several on one path."""
        found: dict[str, Value] = {}
        for path, place in self._equal:
            found.setdefault(path, operands[place])
        return found

    def _check(self, place: int, operand: Value) -> Check:
        check = FIELD_OPERATORS[self._entries[place][1]](operand, {}, NOT_PARSING)
        assert isinstance(check, Check), "comparisons are plain checks"
        return check

    def _later(self, taken: Taken, place: int, operand: Value) -> Callable[..., bool]:
        """Return what is asked of few documents, made when it is first asked."""
        made: Callable[..., bool] | None = None

        def ask(value: Value) -> bool:
            nonlocal made
            if made is None:
                made = taken.made_of(Leaf(self._paths[place], self._check(place, operand)))
            return made(value)

        return ask
