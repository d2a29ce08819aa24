"""Owns which fields leave a stage: `$project`, `$addFields` and `$unset` as trees of field names.

Not here: the projection of a query (`core.projection`), which has other rules. The one idea: a
specification is read into one tree; the tree keeps, drops or adds, and goes through arrays element
by element. A document is never changed: what differs is made anew, the rest is shared.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from typing import Final, TypeAlias

from emulator.core.aggregate.expressions import compile_value, is_operator
from emulator.core.aggregate.nodes import Expression, Scope, Variables, refusal
from emulator.core.aggregate.variables import parse_path
from emulator.core.paths import Parts
from emulator.core.query_operators import is_number
from emulator.core.records import dataclass
from emulator.core.values import MISSING, Document, Value

Transform: TypeAlias = Callable[[Document, Variables], Document]

FIELD_DEPTH_MAX: Final = 200


@dataclass(frozen=True, slots=True, eq=False)
class Flat:
    """A change of fields of the document itself: which stay (None: all), go, and are computed."""

    kept: frozenset[str] | None = None
    dropped: frozenset[str] = frozenset()
    computed: Mapping[str, Expression] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Tell whether a field is the old document's own."""
        if name in self.computed:
            return False
        return name in self.kept if self.kept is not None else name not in self.dropped


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """What happens to a document; `flat` says the same where it is no more than that."""

    run: Transform
    flat: Flat | None = None


@dataclass(slots=True)
class _Tree:
    """What happens to the fields of an object: named here, or one level deeper."""

    plain: set[str] = field(default_factory=set)
    computed: dict[str, Expression] = field(default_factory=dict)
    children: dict[str, "_Tree"] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    adds: bool = False

    def put(self, parts: Parts, expression: Expression | None) -> None:
        """Note a path: kept or dropped, or computed."""
        if len(parts) > FIELD_DEPTH_MAX:
            raise refusal(f"a field path is deeper than {FIELD_DEPTH_MAX} levels", 15)
        name, rest = parts[0], parts[1:]
        if name in self.plain or name in self.computed or (not rest and name in self.children):
            raise refusal(
                f"specification contains two conflicting paths. Cannot specify both '{name}' and"
                f" '{'.'.join(parts)}'",
                40176,
            )
        self.adds |= expression is not None
        if rest:
            if name not in self.children:
                self.children[name] = _Tree()
                self.order.append(name)
            self.children[name].put(rest, expression)
        elif expression is None:
            self.plain.add(name)
        else:
            self.computed[name] = expression
            self.order.append(name)

    # --- keeping, dropping, adding ---

    def keep(self, document: Document) -> Document:
        """Return the object with the named fields only, in the object's own order."""
        plain, children = self.plain, self.children
        if not children:
            return {name: value for name, value in document.items() if name in plain}
        kept: Document = {}
        for name, value in document.items():
            if name in plain:
                kept[name] = value
            elif name in children:
                inner = children[name].keep_value(value)
                if inner is not MISSING:
                    kept[name] = inner
        return kept

    def keep_value(self, value: Value) -> Value:
        """Return what is kept of a field's value; MISSING stays as a place for what is added."""
        if value.__class__ is dict:
            return self.keep(value)
        if value.__class__ is list:
            kept = [self.keep_value(item) for item in value]
            return kept if self.adds else [item for item in kept if item is not MISSING]
        return MISSING

    def drop(self, document: Document) -> Document:
        """Return the object without the named fields."""
        plain, children = self.plain, self.children
        if not children:
            return {name: value for name, value in document.items() if name not in plain}
        return {
            name: children[name].drop_value(value) if name in children else value
            for name, value in document.items()
            if name not in plain
        }

    def drop_value(self, value: Value) -> Value:
        """Return a field's value without the named fields."""
        if value.__class__ is dict:
            return self.drop(value)
        if value.__class__ is list:
            return [self.drop_value(item) for item in value]
        return value

    def adder(self) -> Callable[[Document, Document, Variables], None]:
        """Return `add`, or a shorter way where nothing is added deeper."""
        if any(child.adds for child in self.children.values()):
            return self.add
        computed = [(name, expression.run) for name, expression in self.computed.items()]

        def add(target: Document, document: Document, variables: Variables) -> None:
            for name, run in computed:
                value = run(document, variables)
                if value is not MISSING:
                    target[name] = value
                else:
                    target.pop(name, None)

        return add

    def add(self, target: Document, document: Document, variables: Variables) -> None:
        """Put the computed fields into an object nobody else holds."""
        for name in self.order:
            child = self.children.get(name)
            if child is None:
                value = self.computed[name].run(document, variables)
            elif child.adds:
                value = child.add_to_value(target.get(name, MISSING), document, variables)
            else:
                continue
            if value is not MISSING:
                target[name] = value
            else:
                target.pop(name, None)

    def add_to_value(self, value: Value, document: Document, variables: Variables) -> Value:
        """Return a value with the computed fields in it, in each element of an array."""
        if value.__class__ is list:
            return [self.add_to_value(item, document, variables) for item in value]
        target = dict(value) if value.__class__ is dict else {}
        self.add(target, document, variables)
        return target


# --- reading specifications ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Entry:
    """One path of a `$project`: a flag or an expression."""

    parts: Parts
    flag: bool | None = None
    expression: Expression | None = None


def compile_project(specification: Value, scope: Scope) -> Change:
    """Return what a `$project` does.

    Raises:
        DatabaseRequestFailed: it is no object (15969), empty (40177), mixes inclusion and
            exclusion (40178, 40179) or names conflicting paths (40176).
    """
    if type(specification) is not dict:
        raise refusal("$project specification must be an object", 15969)
    entries = list(_entries(specification, (), scope))
    flags = {
        entry.flag for entry in entries if entry.parts != ("_id",) or entry.expression is not None
    }
    if False in flags and len(flags) > 1:
        raise refusal(
            "Bad projection specification, cannot mix inclusion or computed fields with exclusion"
            f" of fields other than '_id': {specification!r:.200}",
            40179,
        )
    id_flag = next((entry.flag for entry in entries if entry.parts == ("_id",)), None)
    if False in flags or (not flags and id_flag is False):
        return _exclusion(entry.parts for entry in entries if entry.flag is False)
    return _inclusion(entries)


def _entries(specification: Document, above: Parts, scope: Scope) -> Iterable[_Entry]:
    if not specification:
        if above:
            raise refusal(
                f"an empty object is not a valid value. Found at path {'.'.join(above)}", 40180
            )
        raise refusal("specification must have at least one field", 40177)
    for name, value in specification.items():
        parts = above + parse_path(name)
        if type(value) is bool or is_number(value):
            yield _Entry(parts, flag=bool(value != 0))
        elif type(value) is dict and not is_operator(value):
            yield from _entries(value, parts, scope)
        else:
            yield _Entry(parts, expression=compile_value(value, scope))


def _inclusion(entries: Sequence[_Entry]) -> Change:
    tree = _Tree()
    for entry in entries:
        if entry.flag is not False:
            tree.put(entry.parts, entry.expression)
    if not any(entry.parts[0] == "_id" for entry in entries):
        tree.put(("_id",), None)
    flat = None if tree.children else Flat(kept=frozenset(tree.plain), computed=tree.computed)
    if not tree.adds:
        return Change(lambda document, _variables: tree.keep(document), flat)
    add = tree.adder()

    def run(document: Document, variables: Variables) -> Document:
        kept = tree.keep(document)
        add(kept, document, variables)
        return kept

    return Change(run, flat)


def _exclusion(paths: Iterable[Parts]) -> Change:
    tree = _Tree()
    for parts in paths:
        tree.put(parts, None)
    flat = None if tree.children else Flat(dropped=frozenset(tree.plain))
    return Change(lambda document, _variables: tree.drop(document), flat)


def compile_add_fields(specification: Value, scope: Scope, *, stage: str) -> Change:
    """Return what an `$addFields` does, which may add nothing.

    Raises:
        DatabaseRequestFailed: it is no object (40272) or names conflicting paths (40176).
    """
    if type(specification) is not dict:
        raise refusal(
            f"{stage} specification stage must be an object, got {specification!r:.60}", 40272
        )
    tree = _Tree()
    for parts, expression in _additions(specification, (), scope):
        tree.put(parts, expression)

    add = tree.adder()

    def run(document: Document, variables: Variables) -> Document:
        target = dict(document)
        add(target, document, variables)
        return target

    return Change(run, None if tree.children else Flat(computed=tree.computed))


def _additions(
    specification: Mapping[str, Value], above: Parts, scope: Scope
) -> Iterable[tuple[Parts, Expression]]:
    for name, value in specification.items():
        parts = above + parse_path(name)
        if type(value) is dict and value and not is_operator(value):
            yield from _additions(value, parts, scope)
        else:
            yield parts, compile_value(value, scope)


def compile_unset(specification: Value) -> Change:
    """Return what an `$unset` does.

    Raises:
        DatabaseRequestFailed: it is neither a path nor a non-empty array of paths (31002, 31119,
            31120).
    """
    paths = specification if type(specification) is list else [specification]
    if type(specification) not in (list, str):
        raise refusal("$unset specification must be a string or an array", 31002)
    if not paths:
        raise refusal(
            "$unset specification must be a string or an array with at least one field", 31119
        )
    if not all(type(path) is str for path in paths):
        raise refusal(
            "$unset specification must be a string or an array containing only string values", 31120
        )
    return _exclusion([parse_path(path) for path in paths])


def set_path(document: Document, parts: Parts, value: Value) -> Document:
    """Return a document with a value put behind a path of objects, over what is in the way."""
    name, rest = parts[0], parts[1:]
    if not rest:
        return {**document, name: value}
    inner = document.get(name)
    return {**document, name: set_path(inner if type(inner) is dict else {}, rest, value)}


def remove_path(document: Document, parts: Parts) -> Document:
    """Return a document without the value behind a path through objects."""
    name, rest = parts[0], parts[1:]
    if name not in document:
        return document
    if not rest:
        return {key: value for key, value in document.items() if key != name}
    inner = document[name]
    return {**document, name: remove_path(inner, rest)} if type(inner) is dict else document
