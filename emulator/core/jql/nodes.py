"""Owns the tree of a JQL text, and what is refused about one.

Not here: reading it (`core.jql.parser`), what it asks of the database (`core.jql.filters`).
"""

from collections.abc import Iterator
from typing import TypeAlias

from emulator.core.errors import EmulatorError
from emulator.core.records import dataclass
from emulator.core.values import Value


class JqlSyntax(EmulatorError):
    """A text is no JQL, or not as much of it as is understood here."""

    code = "SYNTAX_ERROR"


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that the text itself holds."""

    value: Value


@dataclass(frozen=True, slots=True)
class Path:
    """A field, by its dotted name; also a variable such as `$cloudEnv_uid`."""

    name: str


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Call:
    """An operator in its shortened form, as in `add(a,b)`."""

    name: str
    given: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Compared:
    """Two operands and what is between them, `in` too."""

    sign: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Joined:
    """Conditions of which all or any hold."""

    sign: str
    parts: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Negated:
    """A condition that must not hold."""

    inner: "Node"


@dataclass(frozen=True, slots=True)
class Tested:
    """A field that a pattern is looked for in."""

    pattern: str
    flags: str
    path: str


Node: TypeAlias = Constant | Path | Items | Call | Compared | Joined | Negated | Tested


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One of the fields asked for: what it is, its new name, and what of a joined table comes."""

    node: Node
    alias: str = ""
    inner: "tuple[Column, ...]" = ()

    @property
    def name(self) -> str:
        """Return the name under which it comes."""
        if self.alias or not isinstance(self.node, Path):
            return self.alias
        return self.node.name


def paths_in(node: Node) -> Iterator[str]:
    """Yield the names of the fields that a tree speaks of."""
    match node:
        case Path(name):
            yield name
        case Tested(path=path):
            yield path
        case Items(parts) | Call(given=parts) | Joined(parts=parts):
            for part in parts:
                yield from paths_in(part)
        case Compared(left=left, right=right):
            yield from paths_in(left)
            yield from paths_in(right)
        case Negated(inner):
            yield from paths_in(inner)
        case Constant():
            return
