"""Owns the fast form of a filter: one Python function, generated for its shape.

Not here: what a filter means (`core.query_nodes` gives the plain form of every node). The one idea:
the common checks have a template that decides most documents inline and asks the check's own test
only for arrays and rare kinds. Values never enter the text: names of fields are literals, all else
are arguments, so filters of one shape share one compiled function.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, TypeAlias

from emulator.core.paths import Predicate, test_value
from emulator.core.query_nodes import And, Check, Leaf, Node, Not, Or, predicate
from emulator.core.values import Date, Document, Value

Select: TypeAlias = Callable[[Iterable[Document]], list[Document]]

INLINE_CHECKS_MAX: Final = 24
INLINE_DEPTH_MAX: Final = 8
INLINE_PARTS_MAX: Final = 6
INLINE_BRANCHES_MAX: Final = 32
_CACHED_SHAPES: Final = 256

_COMPARISONS: Final = ("<", "<=", ">", ">=")

_TEMPLATES: Final[dict[str, str]] = {
    "equal": "(({v} := {get}) == {k} or {v}.__class__ is list and {k} in {v})",
    "number": "(({v} := {get}) == {k} and {v}.__class__ is not bool"
    " or {v}.__class__ is list and {ask}({v}))",
    "is": "(({v} := {get}) is {k} or {v}.__class__ is list and {ask}({v}))",
    "null": "(({v} := {get}) is None or {v}.__class__ is list and {ask}({v}))",
    "date ==": "({v}.ms == {k} if ({v} := {get}).__class__ is Date"
    " else {v}.__class__ is list and {ask}({v}))",
    "regex": "({k}({v}) if ({v} := {get}).__class__ is str else {ask}({v}))",
    "in strings": "({v} in {k} if ({v} := {get}).__class__ is str"
    " else {v}.__class__ is list and {ask}({v}))",
    "in numbers": "({v} in {k} if ({v} := {get}).__class__ is int or {v}.__class__ is float"
    " else {ask}({v}))",
    **{
        f"number {sign}": f"({{v}} {sign} {{k}} if ({{v}} := {{get}}).__class__ is int"
        " or {v}.__class__ is float else {ask}({v}))"
        for sign in _COMPARISONS
    },
    **{
        f"string {sign}": f"({{v}} {sign} {{k}} if ({{v}} := {{get}}).__class__ is str"
        " else {v}.__class__ is list and {ask}({v}))"
        for sign in _COMPARISONS
    },
    **{
        f"date {sign}": f"({{v}}.ms {sign} {{k}} if ({{v}} := {{get}}).__class__ is Date"
        " else {v}.__class__ is list and {ask}({v}))"
        for sign in _COMPARISONS
    },
}
"""What decides a check where `get` is the value or None, `k` the constant, `ask` the whole test.

Each is true only where the check's own test is; None stands for null and missing alike, which is
why only checks that treat both alike have a template.
"""

_FUNCTION: Final = """\
def make({names}):
    def matches(d):
        return {expression}
    def select(documents):
        found = []
        keep = found.append
        for d in documents:
            if {expression}:
                keep(d)
        return found
    return matches, select
"""


def generate(node: Node) -> tuple[Predicate, Select]:
    """Return the node as a predicate, and as the function that picks out of many documents."""
    writer = _Writer()
    expression = writer.write(node, depth=0)
    source = _FUNCTION.format(names=", ".join(writer.arguments), expression=expression)
    matches, select = _factory(source)(*writer.arguments.values())
    return matches, select


@lru_cache(maxsize=_CACHED_SHAPES)
def _factory(source: str) -> Callable[..., tuple[Predicate, Select]]:
    names: dict[str, Any] = {"__builtins__": {}, "Date": Date, "dict": dict, "list": list}
    names |= {"bool": bool, "float": float, "int": int, "str": str}
    exec(compile(source, "<filter>", "exec"), names)
    make: Callable[..., tuple[Predicate, Select]] = names["make"]
    return make


@dataclass(slots=True)
class _Writer:
    """Writes one expression over `d` and gathers the arguments it needs."""

    arguments: dict[str, Value] = field(default_factory=dict)
    checks: int = 0

    def write(self, node: Node, *, depth: int) -> str:
        if depth > INLINE_DEPTH_MAX:
            return self._call(node)
        if isinstance(node, And | Or) and len(node.nodes) <= INLINE_BRANCHES_MAX:
            joint, empty = (" and ", "True") if isinstance(node, And) else (" or ", "False")
            inner = joint.join(self.write(inner, depth=depth + 1) for inner in node.nodes)
            return f"({inner or empty})"
        if isinstance(node, Not):
            return f"(not {self.write(node.node, depth=depth + 1)})"
        if isinstance(node, Leaf):
            return self._leaf(node)
        return self._call(node)

    def _leaf(self, leaf: Leaf) -> str:
        check = leaf.check
        if self.checks >= INLINE_CHECKS_MAX or len(leaf.parts) > INLINE_PARTS_MAX:
            return self._call(leaf)
        if check.shape == "exists" and len(leaf.parts) == 1:
            return f"({leaf.parts[0]!r} in d)"
        template = _TEMPLATES.get(check.shape)
        if template is None:
            return self._call(leaf)
        self.checks += 1
        return self._along(leaf, template)

    def _along(self, leaf: Leaf, template: str) -> str:
        """Return the template behind a path of objects; all else takes the long way."""
        number = self.checks
        value = f"v{number}"
        ask = self._argument("a", _ask(leaf.check)) if "{ask}" in template else ""
        constant = self._argument("k", leaf.check.constant)
        *parents, last = leaf.parts
        holder = f"u{number}" if parents else "d"
        expression = template.format(v=value, get=f"{holder}.get({last!r})", k=constant, ask=ask)
        if not parents:
            return expression
        otherwise = self._call(leaf)
        for place in range(len(parents) - 1, -1, -1):
            found = f"(u{number} := {f'u{number}' if place else 'd'}.get({parents[place]!r}))"
            expression = f"({expression} if {found}.__class__ is dict else {otherwise})"
        return expression

    def _call(self, node: Node) -> str:
        return f"{self._argument('p', predicate(node))}(d)"

    def _argument(self, prefix: str, value: Value) -> str:
        name = f"{prefix}{len(self.arguments)}"
        self.arguments[name] = value
        return name


def _ask(check: Check) -> Callable[[Value], bool]:
    return test_value(check.holds) if check.elements else check.holds
