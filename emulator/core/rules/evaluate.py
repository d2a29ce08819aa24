"""Owns the meaning of a rule: a tree to a function of its scope, compiled once.

Not here: which rule applies (`core.rules.ruleset`) and what follows from a verdict
(`services.access`). The one idea: every node becomes a closure; names behave as in JavaScript
(`null == undefined`, a member of nothing is undefined), but nothing is converted between text and
number, and nothing can raise.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Final, Protocol, TypeAlias

from emulator.core.records import dataclass
from emulator.core.rules.nodes import (
    Binary,
    Choice,
    Fetch,
    Fields,
    Items,
    Literal,
    Logical,
    Matches,
    Member,
    Name,
    Node,
    Text,
    Unary,
)
from emulator.core.values import MISSING, Date, Document, Filter, ObjectId, Value


class LookUp(Protocol):
    """What `get` asks: other documents, read with all rights, each once a request."""

    def document(self, collection: str, document_id: str) -> Document | None:
        """Return the document, None when it or its collection is not there."""
        ...

    def count(self, collection: str, filter_: Filter) -> int:
        """Return how many documents of a collection match."""
        ...


class NoLookUp:
    """A look-up that finds nothing."""

    def document(self, collection: str, document_id: str) -> Document | None:
        """Find nothing."""
        del collection, document_id
        return None

    def count(self, collection: str, filter_: Filter) -> int:
        """Find nothing."""
        del collection, filter_
        return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a rule may speak of.

    `auth` is None for a caller who is not signed in, else openid, uid and loginType; `resource` is
    the stored file in a storage rule; `now` is milliseconds since 1970.
    """

    auth: Value = None
    doc: Value = MISSING
    request: Value = MISSING
    resource: Value = MISSING
    now: int = 0
    look_up: LookUp = field(default_factory=NoLookUp)


Evaluate: TypeAlias = Callable[[Scope], Value]


def compile_rule(node: Node) -> Callable[[Scope], bool]:
    """Return the rule as a function from a scope to its truth."""
    evaluate = compiled(node)
    return lambda scope: truth(evaluate(scope))


def compiled(node: Node) -> Evaluate:
    """Return a node as a function from a scope to its value."""
    return _COMPILERS[type(node)](node)


def truth(value: Value) -> bool:
    """Return whether a value counts as true, as in JavaScript."""
    if value is MISSING or value is None:
        return False
    if isinstance(value, float) and math.isnan(value):
        return False
    return True if isinstance(value, (dict, list)) else bool(value)


def _literal(node: Literal) -> Evaluate:
    value = node.value
    return lambda _scope: value


def _name(node: Name) -> Evaluate:
    readers: Mapping[str, Evaluate] = {
        "auth": lambda scope: scope.auth,
        "doc": lambda scope: scope.doc,
        "request": lambda scope: scope.request,
        "resource": lambda scope: scope.resource,
        "now": lambda scope: scope.now,
    }
    return readers[node.name]


def _member(node: Member) -> Evaluate:
    container = compiled(node.object)
    if isinstance(node.key, Literal):
        name = node.key.value
        return lambda scope: member(container(scope), name)
    key = compiled(node.key)
    return lambda scope: member(container(scope), key(scope))


def member(container: Value, key: Value) -> Value:
    """Return a field, an element or a length; MISSING for what is not there."""
    if isinstance(container, dict):
        return container.get(key, MISSING) if isinstance(key, str) else MISSING
    if isinstance(container, (list, str)):
        if key == "length":
            return len(container)
        place = _position(key)
        if place is not None and place < len(container):
            return container[place]
    return MISSING


def _position(key: Value) -> int | None:
    if isinstance(key, bool):
        return None
    if isinstance(key, str):
        return int(key) if key.isascii() and key.isdigit() and len(key) < 10 else None
    if isinstance(key, (int, float)) and key >= 0 and key == int(key):
        return int(key)
    return None


def _unary(node: Unary) -> Evaluate:
    operand = compiled(node.operand)
    if node.operator == "!":
        return lambda scope: not truth(operand(scope))
    sign = -1 if node.operator == "-" else 1
    return lambda scope: _signed(sign, operand(scope))


def _signed(sign: int, value: Value) -> Value:
    number = _number(value)
    return math.nan if number is None else sign * number


def _logical(node: Logical) -> Evaluate:
    left, right = compiled(node.left), compiled(node.right)
    if node.operator == "&&":

        def both(scope: Scope) -> Value:
            value = left(scope)
            return right(scope) if truth(value) else value

        return both

    def either(scope: Scope) -> Value:
        value = left(scope)
        return value if truth(value) else right(scope)

    return either


def _choice(node: Choice) -> Evaluate:
    condition, one, other = map(compiled, (node.condition, node.one, node.other))
    return lambda scope: one(scope) if truth(condition(scope)) else other(scope)


def _binary(node: Binary) -> Evaluate:
    left, right, combine = compiled(node.left), compiled(node.right), BINARY[node.operator]
    return lambda scope: combine(left(scope), right(scope))


def _items(node: Items) -> Evaluate:
    items = [compiled(each) for each in node.items]
    return lambda scope: [item(scope) for item in items]


def _fields(node: Fields) -> Evaluate:
    fields = [(name, compiled(value)) for name, value in node.fields]

    def read(scope: Scope) -> Value:
        found = ((name, value(scope)) for name, value in fields)
        return {name: value for name, value in found if value is not MISSING}

    return read


def _text(node: Text) -> Evaluate:
    pieces = [compiled(each) for each in node.pieces]
    return lambda scope: "".join(as_text(piece(scope)) for piece in pieces)


def as_text(value: Value) -> str:
    """Return a value as a template literal or a sum with a text writes it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or value is MISSING:
        return "null" if value is None else "undefined"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, ObjectId):
        return str(value.hex)
    return str(value)


def _fetch(node: Fetch) -> Evaluate:
    path = compiled(node.path)

    def read(scope: Scope) -> Value:
        parts = as_text(path(scope)).split(".", 2)
        if len(parts) != 3 or parts[0] != "database":
            return MISSING
        found = scope.look_up.document(parts[1], parts[2])
        return MISSING if found is None else found

    return read


def _matches(node: Matches) -> Evaluate:
    path, filter_ = compiled(node.path), compiled(node.filter)

    def count(scope: Scope) -> Value:
        parts = as_text(path(scope)).split(".")
        wanted = filter_(scope)
        # Both ways of naming a collection occur: database.roles and database.collection.roles.
        if parts[0] != "database" or len(parts) not in (2, 3) or not isinstance(wanted, dict):
            return 0
        return scope.look_up.count(parts[-1], wanted)

    return count


_COMPILERS: Final[Mapping[type, Callable[..., Evaluate]]] = {
    Literal: _literal,
    Name: _name,
    Member: _member,
    Unary: _unary,
    Binary: _binary,
    Logical: _logical,
    Choice: _choice,
    Items: _items,
    Fields: _fields,
    Text: _text,
    Fetch: _fetch,
    Matches: _matches,
}


# Operators


def _is_number(value: Value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _number(value: Value) -> int | float | None:
    """Return what a value counts as in sums and order, as in JavaScript a date too."""
    if isinstance(value, Date):
        return value.ms
    return value if _is_number(value) else None


def _same(left: Value, right: Value) -> bool:
    """`===`, with numbers by their value and objects by what is in them."""
    if _is_number(left) and _is_number(right):
        return bool(left == right)
    return type(left) is type(right) and bool(left == right)


def _equal(left: Value, right: Value) -> bool:
    nothing = left is None or left is MISSING
    if nothing or right is None or right is MISSING:
        return nothing and (right is None or right is MISSING)
    return _same(left, right)


def _ordered(compare: Callable[[Value, Value], bool]) -> Callable[[Value, Value], bool]:
    def test(left: Value, right: Value) -> bool:
        one, other = _number(left), _number(right)
        if one is not None and other is not None:
            return compare(one, other)
        if isinstance(left, str) and isinstance(right, str):
            return compare(left, right)
        return False

    return test


def _in(value: Value, container: Value) -> bool:
    if isinstance(container, list):
        return any(_same(value, each) for each in container)
    if isinstance(container, dict):
        return isinstance(value, str) and value in container
    # A field with one value is a list of one to the database, and to a rule over its filters.
    return container is not MISSING and container is not None and _same(value, container)


def _plus(left: Value, right: Value) -> Value:
    if isinstance(left, str) or isinstance(right, str):
        return as_text(left) + as_text(right)
    return _calculated(left, right, lambda one, other: one + other)


def _calculated(left: Value, right: Value, run: Callable[[Value, Value], Value]) -> Value:
    one, other = _number(left), _number(right)
    if one is None or other is None:
        return math.nan
    try:
        return run(one, other)
    except (ZeroDivisionError, OverflowError):
        return math.nan


BINARY: Final[Mapping[str, Callable[[Value, Value], Value]]] = {
    "==": _equal,
    "!=": lambda left, right: not _equal(left, right),
    "===": _same,
    "!==": lambda left, right: not _same(left, right),
    "<": _ordered(lambda one, other: one < other),
    "<=": _ordered(lambda one, other: one <= other),
    ">": _ordered(lambda one, other: one > other),
    ">=": _ordered(lambda one, other: one >= other),
    "in": _in,
    "+": _plus,
    "-": lambda left, right: _calculated(left, right, lambda one, other: one - other),
    "*": lambda left, right: _calculated(left, right, lambda one, other: one * other),
    "/": lambda left, right: _calculated(left, right, lambda one, other: one / other),
    "%": lambda left, right: _calculated(left, right, math.fmod),
}
