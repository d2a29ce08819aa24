"""Owns the tree of a statement: literals, arrays, objects, and chains of names and calls.

Not here: how text becomes a tree (`core.wxquery.parser`) and what names mean (whoever reads the
tree). The one idea: `db.collection("x").where({})` is one flat chain of steps, not a call in a
call, so that no length of it makes anything deep. `at` is a node's offset in the text.
"""

from typing import TypeAlias

from emulator.core.records import dataclass
from emulator.core.values import Value


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, text, true, false, null or undefined (MISSING)."""

    value: Value
    at: int


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression between slashes."""

    pattern: str
    flags: str
    at: int


@dataclass(frozen=True, slots=True)
class Items:
    """An array."""

    items: "tuple[Node, ...]"
    at: int


@dataclass(frozen=True, slots=True)
class Fields:
    """An object; of a key that is written twice the last counts."""

    fields: "tuple[tuple[str, Node], ...]"
    at: int


@dataclass(frozen=True, slots=True)
class Access:
    """A step of a chain: `.name` or `["name"]`."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Apply:
    """A step of a chain: `(arguments)`, with `new` or without."""

    arguments: "tuple[Node, ...]"
    new: bool
    at: int


@dataclass(frozen=True, slots=True)
class Chain:
    """A name and the steps that lead on from it."""

    name: str
    steps: tuple[Access | Apply, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Sum:
    """Two operands of which one is not known before names are, as in `Date.now() - 1000`."""

    left: "Node"
    right: "Node"
    sign: str
    at: int


Node: TypeAlias = Literal | Pattern | Items | Fields | Chain | Sum


@dataclass(frozen=True, slots=True)
class Statement:
    """What a text says: names given before (`const _ = db.command`), then one expression."""

    names: tuple[tuple[str, Node], ...]
    expression: Node
