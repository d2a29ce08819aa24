"""Owns which parts of a rule were asked, and whether each was ever true and ever false.

Not here: who collects it over time (`services.access_record`). The one idea: walk the tree as the
evaluation does, so that a part behind a decided `&&` counts as not asked.
"""

from collections.abc import Iterator

from emulator.core.rules.evaluate import Scope, compiled, truth
from emulator.core.rules.nodes import Choice, Logical, Node, Place, Unary


def parts(node: Node) -> Iterator[Node]:
    """Yield the parts of a rule that decide on their own: operands of `&&`, `||`, `!`, `?:`."""
    if isinstance(node, Logical):
        yield from parts(node.left)
        yield from parts(node.right)
    elif isinstance(node, Unary) and node.operator == "!":
        yield from parts(node.operand)
    elif isinstance(node, Choice):
        for each in (node.condition, node.one, node.other):
            yield from parts(each)
    else:
        yield node


def asked(node: Node, scope: Scope) -> Iterator[tuple[Place, bool]]:
    """Yield each part that the evaluation in this scope comes to, and its truth."""
    if isinstance(node, Logical):
        yield from asked(node.left, scope)
        if truth(compiled(node.left)(scope)) is (node.operator == "&&"):
            yield from asked(node.right, scope)
    elif isinstance(node, Unary) and node.operator == "!":
        yield from asked(node.operand, scope)
    elif isinstance(node, Choice):
        yield from asked(node.condition, scope)
        chosen = node.one if truth(compiled(node.condition)(scope)) else node.other
        yield from asked(chosen, scope)
    else:
        yield node.place, truth(compiled(node)(scope))
