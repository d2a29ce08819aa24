"""Owns the tree an update is merged into, and how it walks a document without changing it.

Not here: what operators do (`core.update_operators`, `core.update_arrays`). The one idea: every
node maps an old value to a new one and returns the very same object where nothing changes, so only
the touched way down is copied, and MISSING says absent before and removed after.
New fields are appended in the order of their names, as MongoDB 4.0 does.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import Final, TypeAlias

from emulator.core.errors import DatabaseRequestFailed
from emulator.core.paths import Parts, ValueTest, written_index
from emulator.core.records import dataclass
from emulator.core.values import MISSING, Document, Value
from emulator.core.wording import shown

ARRAY_PADDING_MAX: Final = 1_500_000

CONFLICT: Final = 40
PATH_NOT_VIABLE: Final = 28


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """One use of an update: the document it is used on, and what the moment adds."""

    document: Document
    now_ms: int
    matched_index: int | None = None
    inserting: bool = False


Change: TypeAlias = Callable[[Value, Application], Value]
"""Maps the old value (or MISSING) to the new one (or MISSING)."""


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """What one operator does at the end of one path.

    One that `needs_way` makes nothing where nothing is, and still refuses a way through a scalar.
    """

    path: str
    change: Change
    needs_way: bool = False


@dataclass(slots=True, eq=False)
class Branch:
    """The parts of paths that go on from one place."""

    path: str = ""
    children: "dict[str, Leaf | Branch]" = field(default_factory=dict)
    filters: Mapping[str, ValueTest] = field(default_factory=dict)

    def insert(self, parts: Parts, leaf: Leaf) -> None:
        """Add a path.

        Raises:
            DatabaseRequestFailed: the path, one above or one below it is there already (40).
        """
        here = self
        for part in parts[:-1]:
            child = here.children.setdefault(
                part, Branch(f"{here.path}.{part}" if here.path else part, filters=self.filters)
            )
            if isinstance(child, Leaf):
                raise conflict(leaf.path, child.path)
            here = child
        if parts[-1] in here.children:
            raise conflict(leaf.path, leaf.path)
        here.children[parts[-1]] = leaf

    def sort(self) -> None:
        """Put the children in the order of their names, once all are inserted."""
        self.children = dict(sorted(self.children.items()))
        for child in self.children.values():
            if isinstance(child, Branch):
                child.sort()


Node: TypeAlias = Leaf | Branch


def conflict(path: str, at: str) -> DatabaseRequestFailed:
    """Return the refusal of two operators on one place."""
    return DatabaseRequestFailed(
        f"Updating the path '{path}' would create a conflict at '{at}'", mongo_code=CONFLICT
    )


def apply_node(node: Node, value: Value, application: Application) -> Value:
    """Return what a node makes of a value; the same object where nothing changes."""
    if isinstance(node, Leaf):
        return node.change(value, application)
    kind = type(value)
    if kind is dict:
        return apply_object(node, value, application)
    if kind is list:
        return _apply_array(node, value, application)
    return _apply_elsewhere(node, value, application)


def apply_object(node: Branch, value: Document, application: Application) -> Document:
    """Return the object with the children applied to its fields."""
    result = value
    for name, child in _named(node, application):
        if name[:2] == "$[":
            raise _not_an_array(node.path, value)
        old = result.get(name, MISSING)
        new = apply_node(child, old, application)
        if new is old:
            continue
        if result is value:
            result = dict(value)
        if new is MISSING:
            del result[name]
        else:
            result[name] = new
    return result


def _named(node: Branch, application: Application) -> Iterator[tuple[str, Node]]:
    """Yield the children, `$` under the index that the filter has matched."""
    for name, child in node.children.items():
        if name != "$":
            yield name, child
            continue
        if application.matched_index is None:
            raise DatabaseRequestFailed(
                "The positional operator did not find the match needed from the query.",
                hint=f"'{node.path}.$' needs a condition of the filter that runs through the array",
            )
        index = str(application.matched_index)
        if index in node.children:
            check_merge(child, node.children[index], f"{node.path}.{index}")
        yield index, child


def _apply_elsewhere(node: Branch, value: Value, application: Application) -> Value:
    """Create the object a path needs where there is nothing, and nowhere else."""
    made: Document = {}
    for name, child in _named(node, application):
        if name[:2] == "$[":
            raise _not_an_array(node.path, value)
        new = apply_node(child, MISSING, application)
        if new is not MISSING:
            made[name] = new
    if value is MISSING:
        return made or MISSING
    if made:
        raise _not_viable(next(iter(made)), node.path, value)
    _refuse_blocked(node, node.path, value)
    return value


def _refuse_blocked(node: Node, at: str, value: Value) -> None:
    """Refuse the paths under a node that need a way where a value stands in it."""
    if isinstance(node, Branch):
        for child in node.children.values():
            _refuse_blocked(child, at, value)
    elif node.needs_way:
        part = node.path[len(at) + 1 :].partition(".")[0]
        raise DatabaseRequestFailed(
            f"Cannot use the part ({part}) of ({node.path}) to traverse the element "
            f"({{{at.rpartition('.')[2]}: {shown(value)}}})",
            mongo_code=PATH_NOT_VIABLE,
        )


def _not_viable(name: str, path: str, value: Value) -> DatabaseRequestFailed:
    return DatabaseRequestFailed(
        f"Cannot create field '{name}' in element {{{path.rpartition('.')[2]}: {shown(value)}}}",
        mongo_code=PATH_NOT_VIABLE,
        hint=f"'{path}' is neither missing nor an object",
    )


def _not_an_array(path: str, value: Value) -> DatabaseRequestFailed:
    if value is MISSING:
        return DatabaseRequestFailed(
            f"The path '{path}' must exist in the document in order to apply array updates."
        )
    return DatabaseRequestFailed(
        f"Cannot apply array updates to non-array element {path}: {shown(value)}"
    )


# --- arrays --------------------------------------------------------------------------------------


def _apply_array(node: Branch, value: list[Value], application: Application) -> list[Value]:
    result = value
    for index, children in _by_index(node, value, application).items():
        old = result[index] if index < len(result) else MISSING
        new = old
        for place, child in enumerate(children):
            if place:
                check_merge(children[place - 1], child, f"{node.path}.{index}")
            new = apply_node(child, new, application)
        if new is old:
            continue
        if result is value:
            result = list(value)
        if index >= len(result):
            _pad(result, index)
        result[index] = None if new is MISSING else new
    return result


def _pad(array: list[Value], index: int) -> None:
    if index - len(array) > ARRAY_PADDING_MAX:
        raise DatabaseRequestFailed(f"can't backfill more than {ARRAY_PADDING_MAX} elements")
    array.extend([None] * (index + 1 - len(array)))


def _by_index(node: Branch, value: list[Value], application: Application) -> dict[int, list[Node]]:
    """Return which children concern which elements, lowest index first."""
    found: dict[int, list[Node]] = {}
    for name, child in _named(node, application):
        for index in _indexes(name, child, node, value, application):
            found.setdefault(index, []).append(child)
    return dict(sorted(found.items()))


def _indexes(
    name: str, child: Node, node: Branch, value: list[Value], application: Application
) -> list[int]:
    if name == "$[]":
        return list(range(len(value)))
    if name[:2] == "$[":
        test = node.filters[name[2:-1]]
        return [place for place, item in enumerate(value) if test(item)]
    index = written_index(name)
    if index is not None:
        return [index]
    if apply_node(child, MISSING, application) is not MISSING:
        raise _not_viable(name, node.path, value)
    _refuse_blocked(child, node.path, value)
    return []


def check_merge(one: Node, two: Node, path: str) -> None:
    """Refuse two children of one element that meet in one place.

    Raises:
        DatabaseRequestFailed: they do (40).
    """
    if isinstance(one, Leaf) or isinstance(two, Leaf):
        raise conflict(path, path)
    for name in one.children.keys() & two.children.keys():
        check_merge(one.children[name], two.children[name], f"{path}.{name}")
