"""Owns projections: which fields of a found document come back.

Not here: `$project`, whose computed fields belong to aggregation (it may use the trees below). The
one idea: a projection is a tree of names that either picks or leaves out, after the few operators
on arrays have replaced theirs; what comes back shares its values with the stored document.
Follows MongoDB 4.0, but reads `{a: {b: 1}}` as `{"a.b": 1}` as later servers do.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from typing import Final, TypeAlias

from emulator.core.errors import DatabaseRequestFailed
from emulator.core.paths import Parts, split_path
from emulator.core.query import compile_element
from emulator.core.query_operators import is_truthy, whole_number
from emulator.core.records import dataclass
from emulator.core.values import MISSING, Document, Value
from emulator.core.wording import shown

Projector: TypeAlias = Callable[[Document], Document]
MatchedIndex: TypeAlias = Callable[[Document], int | None]
Tree: TypeAlias = dict[str, "Tree | None"]
"""Names of fields; None where the whole field is meant."""

FieldChange: TypeAlias = Callable[[Value, Document], Value]
"""Returns what a field becomes, given the document it is in; MISSING to leave it out."""


def compile_projection(
    projection: Document | None,
    *,
    matched_index: MatchedIndex | None = None,
) -> Projector:
    """Return the function that makes the projected document and never changes its argument.

    `matched_index` (of the filter) is what `field.$` asks for.

    Raises:
        DatabaseRequestFailed: inclusion and exclusion are mixed, or an operator is unknown (2).
    """
    if projection is None:
        return lambda document: document
    if type(projection) is not dict:
        raise DatabaseRequestFailed(f"a projection must be an object, not {shown(projection)}")
    if not projection:
        return lambda document: document
    plan = _Plan(matched_index=matched_index)
    for path, value in projection.items():
        plan.add(path, value)
    return plan.compile()


@dataclass(slots=True, kw_only=True)
class _Plan:
    """What the fields of a projection ask for, before it is clear which way it goes."""

    matched_index: MatchedIndex | None
    included: list[str] = field(default_factory=list)
    excluded: list[str] = field(default_factory=list)
    picked: list[str] = field(default_factory=list)
    sliced: list[str] = field(default_factory=list)
    positional: bool = False
    changes: list[tuple[Parts, FieldChange]] = field(default_factory=list)
    shows_id: bool | None = None

    def add(self, path: str, value: Value) -> None:
        if type(value) is dict:
            if path.endswith(".$"):
                raise DatabaseRequestFailed(
                    "positional projection cannot be used with an expression or sub object"
                )
            self._add_object(path, value)
        elif path.endswith(".$"):
            if not is_truthy(value):
                raise DatabaseRequestFailed(
                    "Cannot exclude array elements with the positional operator."
                )
            self._add_positional(path[:-2])
        elif path == "_id":
            self.shows_id = is_truthy(value)
        else:
            (self.included if is_truthy(value) else self.excluded).append(path)

    def _add_object(self, path: str, value: Document) -> None:
        name, operand = next(iter(value.items()), ("", None))
        if name == "$slice":
            self.sliced.append(path)
            self.changes.append((split_path(path), _slice(operand)))
        elif name == "$elemMatch":
            self._add_elem_match(path, operand)
        elif name[:1] == "$" or not value:
            raise DatabaseRequestFailed(f"Unsupported projection option: {path}: {shown(value)}")
        else:
            for inner, item in value.items():
                self.add(f"{path}.{inner}", item)

    def _add_elem_match(self, path: str, operand: Value) -> None:
        if "." in path:
            raise DatabaseRequestFailed("Cannot use $elemMatch projection on a nested field.")
        if self.positional:
            raise DatabaseRequestFailed("Cannot specify positional operator and $elemMatch.")
        test = compile_element(operand)

        def first(value: Value, _document: Document) -> Value:
            items: list[Value] = value if type(value) is list else []
            return next(([item] for item in items if test(item)), MISSING)

        self.picked.append(path)
        self.changes.append(((path,), first))

    def _add_positional(self, path: str) -> None:
        if self.positional or "$" in split_path(path):
            raise DatabaseRequestFailed("Cannot specify more than one positional proj. per query.")
        if self.picked:
            raise DatabaseRequestFailed("Cannot specify positional operator and $elemMatch.")
        find = self.matched_index
        if find is None:
            raise DatabaseRequestFailed(
                f"Positional projection '{path}.$' does not match the query document."
            )

        def matched(value: Value, document: Document) -> Value:
            if type(value) is not list:
                return value
            index = find(document)
            if index is None or index >= len(value):
                raise DatabaseRequestFailed(
                    "Executor error during find command: positional operator '.$' couldn't find "
                    "a matching element in the array"
                )
            return [value[index]]

        self.positional = True
        self.picked.append(path)
        self.changes.append((split_path(path), matched))

    def compile(self) -> Projector:
        if self.positional and self.excluded:
            raise DatabaseRequestFailed(
                f"Cannot exclude '{self.excluded[0]}' beside a positional projection",
                mongo_code=31254,
            )
        if self.included and self.excluded:
            raise DatabaseRequestFailed(
                "Projection cannot have a mix of inclusion and exclusion: "
                f"{self.included[0]} is included, {self.excluded[0]} is not"
            )
        picks = bool(
            self.included or ((self.picked or self.shows_id is True) and not self.excluded)
        )
        if picks:
            hides_id = [] if self.shows_id is False else ["_id"]
            project = including([*hides_id, *self.included, *self.picked, *self.sliced])
        else:
            project = excluding([*self.excluded, *(["_id"] if self.shows_id is False else [])])
        return _with_changes(project, self.changes)


def _with_changes(project: Projector, changes: list[tuple[Parts, FieldChange]]) -> Projector:
    if not changes:
        return project

    def run(document: Document) -> Document:
        changed = document
        for parts, change in changes:
            changed = _change(changed, parts, change, document)
        return project(changed)

    return run


def _change(value: Document, parts: Parts, change: FieldChange, document: Document) -> Document:
    """Return the object with the array behind the path changed; objects on the way are copied."""
    name, rest = parts[0], parts[1:]
    old = value.get(name, MISSING)
    if old is MISSING:
        return value
    if not rest:
        new = change(old, document)
    elif type(old) is dict:
        new = _change(old, rest, change, document)
    elif type(old) is list:
        new = [
            _change(item, rest, change, document) if type(item) is dict else item for item in old
        ]
    else:
        return value
    if new is MISSING:
        return {key: item for key, item in value.items() if key != name}
    return {**value, name: new}


def _slice(operand: Value) -> FieldChange:
    if type(operand) is list:
        if len(operand) != 2:
            raise DatabaseRequestFailed("$slice array wrong size")
        skip, count = map(_slice_number, operand)
        if count <= 0:
            raise DatabaseRequestFailed("$slice limit must be positive")
    else:
        count = _slice_number(operand)
        skip, count = (0, count) if count >= 0 else (count, -count)

    def cut(value: Value, _document: Document) -> Value:
        if type(value) is not list:
            return value
        start = skip if skip >= 0 else max(0, len(value) + skip)
        return value[start : start + count]

    return cut


def _slice_number(operand: Value) -> int:
    number = whole_number(operand)
    if number is None:
        raise DatabaseRequestFailed("$slice only supports numbers and [skip, limit] arrays")
    return number


# --- trees ---------------------------------------------------------------------------------------


def including(paths: Iterable[str]) -> Projector:
    """Return the function that keeps these fields, in the document's order."""
    tree = name_tree(paths)
    if all(inner is None for inner in tree.values()):
        return lambda document: {name: item for name, item in document.items() if name in tree}
    return lambda document: _pick(document, tree)


def excluding(paths: Iterable[str]) -> Projector:
    """Return the function that leaves these fields out."""
    tree = name_tree(paths)
    if all(inner is None for inner in tree.values()):
        return lambda document: {name: item for name, item in document.items() if name not in tree}
    return lambda document: _leave_out(document, tree)


def name_tree(paths: Iterable[str]) -> Tree:
    """Return dotted paths as a tree; a whole field swallows paths into it."""
    tree: Tree = {}
    for path in paths:
        *parents, last = split_path(path)
        level: Tree | None = tree
        for part in parents:
            level = level.setdefault(part, {}) if level is not None else None
        if level is not None:
            level[last] = None
    return tree


_SCALAR: Final = object()


def _pick(document: Document, tree: Mapping[str, Tree | None]) -> Document:
    picked: Document = {}
    for name, item in document.items():
        if name in tree:
            inner = tree[name]
            kept = item if inner is None else _pick_inside(item, inner)
            if kept is not _SCALAR:
                picked[name] = kept
    return picked


def _pick_inside(item: Value, tree: Tree) -> Value:
    if type(item) is dict:
        return _pick(item, tree)
    if type(item) is list:
        kept = (_pick_inside(inner, tree) for inner in item)
        return [inner for inner in kept if inner is not _SCALAR]
    return _SCALAR


def _leave_out(document: Document, tree: Mapping[str, Tree | None]) -> Document:
    kept: Document = {}
    for name, item in document.items():
        if name not in tree:
            kept[name] = item
            continue
        inner = tree[name]
        if inner is not None:
            kept[name] = _leave_out_inside(item, inner)
    return kept


def _leave_out_inside(item: Value, tree: Tree) -> Value:
    if type(item) is dict:
        return _leave_out(item, tree)
    if type(item) is list:
        return [_leave_out_inside(inner, tree) for inner in item]
    return item
