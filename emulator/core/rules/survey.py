"""Owns what a rule says of each field of the document: which constants it is compared with.

Not here: what follows (`core.rules.implies`). The one idea: comparisons of a field with something
that needs no document, and their combinations, can be decided by specimens; a field that the rule
calculates with is entangled, and only a query that fixes it will do.
"""

from dataclasses import field
from typing import Final

from emulator.core.records import dataclass
from emulator.core.rules.domains import Constants
from emulator.core.rules.evaluate import Scope, compiled
from emulator.core.rules.nodes import (
    Binary,
    Choice,
    Logical,
    Name,
    Node,
    Unary,
    children,
    doc_path,
    walk,
)

_COMPARISONS: Final = ("==", "!=", "===", "!==", "<", "<=", ">", ">=", "in")


@dataclass(slots=True)
class Survey:
    """Constants by field path, pairs of fields compared with each other, and what is in the way."""

    constants: dict[str, Constants] = field(default_factory=dict)
    related: list[tuple[str, str]] = field(default_factory=list)
    entangled: set[str] = field(default_factory=set)
    whole: bool = False

    def of(self, path: str) -> Constants:
        """Return the constants of a field, none so far if it is new."""
        return self.constants.setdefault(path, Constants())


def survey(node: Node, scope: Scope) -> Survey:
    """Return what a rule says of the document's fields, for a caller at a moment."""
    found = Survey()
    _visit(node, scope, found)
    return found


def _visit(node: Node, scope: Scope, found: Survey) -> None:
    path = doc_path(node)
    if path is not None:
        found.of(path)
    elif not _mentions_doc(node):
        return
    elif isinstance(node, (Logical, Choice)) or (isinstance(node, Unary) and node.operator == "!"):
        for child in children(node):
            _visit(child, scope, found)
    elif not (isinstance(node, Binary) and _compares(node, scope, found)):
        _entangle(node, found)


def _compares(node: Binary, scope: Scope, found: Survey) -> bool:
    left, right = doc_path(node.left), doc_path(node.right)
    if node.operator not in _COMPARISONS:
        return False
    if left is not None and right is not None:
        found.of(left)
        found.of(right).lists |= node.operator == "in"
        found.related.append((left, right))
        return True
    for path, other in ((left, node.right), (right, node.left)):
        if path is not None and not _mentions_doc(other):
            constants = found.of(path)
            value = compiled(other)(scope)
            in_list = node.operator == "in" and path == left and isinstance(value, list)
            for each in value if in_list else [value]:
                constants.add(each)
            constants.lists |= node.operator == "in" and path == right
            return True
    return False


def _entangle(node: Node, found: Survey) -> None:
    path = doc_path(node)
    if path is not None:
        found.of(path)
        found.entangled.add(path)
        return
    if isinstance(node, Name) and node.name == "doc":
        found.whole = True
    for child in children(node):
        _entangle(child, found)


def _mentions_doc(node: Node) -> bool:
    return any(isinstance(each, Name) and each.name == "doc" for each in walk(node))
