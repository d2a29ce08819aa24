"""Owns the tree of a rule.

Not here: reading text (`core.rules.parser`) and meaning (`core.rules.evaluate`). The one idea:
every node knows the piece of text it came from, so that whatever is said of it can point there.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from emulator.core.records import dataclass
from emulator.core.values import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The characters of the expression a node came from."""

    at: int
    end: int


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; `undefined` is MISSING."""

    place: Place
    value: Value


@dataclass(frozen=True, slots=True)
class Name:
    """One of the variables: auth, doc, request, now, resource."""

    place: Place
    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """`object.name` and `object[key]`."""

    place: Place
    object: "Node"
    key: "Node"


@dataclass(frozen=True, slots=True)
class Unary:
    """`!x`, `-x`, `+x`."""

    place: Place
    operator: str
    operand: "Node"


@dataclass(frozen=True, slots=True)
class Binary:
    """A comparison, a sum, `in`."""

    place: Place
    operator: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Logical:
    """`&&` and `||`."""

    place: Place
    operator: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Choice:
    """`condition ? one : other`."""

    place: Place
    condition: "Node"
    one: "Node"
    other: "Node"


@dataclass(frozen=True, slots=True)
class Items:
    """`[a, b]`."""

    place: Place
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Fields:
    """`{a: b}`."""

    place: Place
    fields: tuple[tuple[str, "Node"], ...]


@dataclass(frozen=True, slots=True)
class Text:
    """A template literal: its pieces in order, texts as `Literal`."""

    place: Place
    pieces: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Fetch:
    """`get(path)`: another document."""

    place: Place
    path: "Node"


@dataclass(frozen=True, slots=True)
class Matches:
    """`get(path).where(filter).size()`: how many documents of another collection match."""

    place: Place
    path: "Node"
    filter: "Node"


Node: TypeAlias = (
    Literal
    | Name
    | Member
    | Unary
    | Binary
    | Logical
    | Choice
    | Items
    | Fields
    | Text
    | Fetch
    | Matches
)


_CHILDREN: Final[Mapping[type, Callable[[Any], tuple[Node, ...]]]] = {
    Literal: lambda _node: (),
    Name: lambda _node: (),
    Member: lambda node: (node.object, node.key),
    Unary: lambda node: (node.operand,),
    Binary: lambda node: (node.left, node.right),
    Logical: lambda node: (node.left, node.right),
    Choice: lambda node: (node.condition, node.one, node.other),
    Items: lambda node: node.items,
    Fields: lambda node: tuple(value for _, value in node.fields),
    Text: lambda node: node.pieces,
    Fetch: lambda node: (node.path,),
    Matches: lambda node: (node.path, node.filter),
}


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly inside a node."""
    return _CHILDREN[type(node)](node)


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and everything inside it, in the order of the text."""
    yield node
    for child in children(node):
        yield from walk(child)


def doc_path(node: Node) -> str | None:
    """Return the field path of `doc.a.b`, None for anything else."""
    parts: list[str] = []
    while isinstance(node, Member):
        if not isinstance(node.key, Literal) or type(node.key.value) not in (str, int):
            return None
        parts.append(str(node.key.value))
        node = node.object
    if isinstance(node, Name) and node.name == "doc" and parts:
        return ".".join(reversed(parts))
    return None


def doc_paths(node: Node) -> frozenset[str] | None:
    """Return the fields of the document that a node speaks of, None when it needs all of it."""
    path = doc_path(node)
    if path is not None:
        return frozenset({path})
    if isinstance(node, Name):
        return None if node.name == "doc" else frozenset()
    found: frozenset[str] = frozenset()
    for child in children(node):
        inner = doc_paths(child)
        if inner is None:
            return None
        found |= inner
    return found
