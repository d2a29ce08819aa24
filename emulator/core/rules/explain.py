"""Owns why a rule said no: the smallest parts of it that decided, with their values.

Not here: the verdict (`core.rules.evaluate`). The one idea: walk down the side that made the whole
false, as a person with a finger on the text would; this runs for people, after the fact.
"""

from typing import Final

from emulator.core.records import dataclass
from emulator.core.rules.evaluate import Scope, compiled, truth
from emulator.core.rules.nodes import Binary, Literal, Logical, Node, Unary, doc_path
from emulator.core.rules.ruleset import Rule
from emulator.core.values import Value

REASONS_MAX: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A part of the rule that was false: its text, its first character, the values in it."""

    text: str
    at: int
    values: tuple[tuple[str, Value], ...]


def why_not(rule: Rule, scope: Scope) -> tuple[Reason, ...]:
    """Return the parts that made a rule false, empty when it allows."""
    if rule.allows(scope):
        return ()
    return tuple(_reasons(rule.node, rule.text, scope, wanted=True))[:REASONS_MAX]


def _reasons(node: Node, text: str, scope: Scope, *, wanted: bool) -> list[Reason]:
    """Return what kept a node from being as wanted."""
    if isinstance(node, Unary) and node.operator == "!":
        return _reasons(node.operand, text, scope, wanted=not wanted)
    if isinstance(node, Logical):
        guilty = [
            side for side in (node.left, node.right) if truth(compiled(side)(scope)) is not wanted
        ]
        # Of sides that all had to hold the first that did not is reason enough.
        if (node.operator == "&&") is wanted:
            guilty = guilty[:1]
        return [each for side in guilty for each in _reasons(side, text, scope, wanted=wanted)]
    sides = (node.left, node.right) if isinstance(node, Binary) else (node,)
    values = tuple(
        (text[side.place.at : side.place.end], compiled(side)(scope))
        for side in sides
        if not isinstance(side, Literal) or doc_path(side) is not None
    )
    return [Reason(text=text[node.place.at : node.place.end], at=node.place.at, values=values)]
