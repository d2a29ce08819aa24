"""Owns the fast form of a filter: one Python function, generated for its shape.

Not here: what a filter means (`core.query_nodes` gives the plain form of every node). The one idea:
the common checks have a template that decides most documents inline and asks the check's own test
only for arrays and rare kinds. Values never enter the text: names of fields are literals, all else
are arguments, so filters of one shape share one compiled function.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import field
from functools import lru_cache
from typing import Any, Final, TypeAlias

from emulator.core.paths import Predicate, ValueTest, array_index, test_value
from emulator.core.query_nodes import And, Check, Leaf, Node, Not, Or, predicate
from emulator.core.records import dataclass
from emulator.core.values import MISSING, Date, Document, Value

Select: TypeAlias = Callable[[Iterable[Document]], list[Document]]

INLINE_CHECKS_MAX: Final = 24
INLINE_DEPTH_MAX: Final = 8
INLINE_PARTS_MAX: Final = 6
INLINE_BRANCHES_MAX: Final = 32
_CACHED_SHAPES: Final = 256

COMPARISONS: Final = ("<", "<=", ">", ">=")

TEMPLATES: Final[dict[str, str]] = {
    "equal": "(({v} := {get}) == {k} or {v}.__class__ is list and {k} in {v})",
    "number": "(({v} := {get}) == {k} and {v}.__class__ is not bool"
    " or {v}.__class__ is list and {ask}({v}))",
    "is": "(({v} := {get}) is {k} or {v}.__class__ is list and {ask}({v}))",
    "null": "(({v} := {get}) is None or {v}.__class__ is list and {ask}({v}))",
    "date ==": "({v}.ms == {k} if ({v} := {get}).__class__ is Date"
    " else {v}.__class__ is list and {ask}({v}))",
    "exists": "({name} in {holder})",
    "regex": "({k}({v}) if ({v} := {get}).__class__ is str else {ask}({v}))",
    "in strings": "({v} in {k} if ({v} := {get}).__class__ is str"
    " else {v}.__class__ is list and {ask}({v}))",
    "in numbers": "({v} in {k} if ({v} := {get}).__class__ is int or {v}.__class__ is float"
    " else {ask}({v}))",
    **{
        f"number {sign}": f"({{v}} {sign} {{k}} if ({{v}} := {{get}}).__class__ is int"
        " or {v}.__class__ is float else {ask}({v}))"
        for sign in COMPARISONS
    },
    **{
        f"string {sign}": f"({{v}} {sign} {{k}} if ({{v}} := {{get}}).__class__ is str"
        " else {v}.__class__ is list and {ask}({v}))"
        for sign in COMPARISONS
    },
    **{
        f"date {sign}": f"({{v}}.ms {sign} {{k}} if ({{v}} := {{get}}).__class__ is Date"
        " else {v}.__class__ is list and {ask}({v}))"
        for sign in COMPARISONS
    },
}
"""What decides a check where `get` is the value or None, `k` the constant, `ask` the whole test.

Each is true only where the check's own test is; None stands for null and missing alike, which is
why only checks that treat both alike have a template. `holder` is the object that has the field
`name`.
"""

TEMPLATE_NAMES: Final = {
    "Date": Date,
    "bool": bool,
    "dict": dict,
    "float": float,
    "int": int,
    "list": list,
    "str": str,
}
"""What a template may name."""

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


Make: TypeAlias = Callable[..., tuple[Predicate, Select]]


@dataclass(frozen=True, slots=True)
class Taken:
    """An argument of a written function: what it is (`_ARGUMENTS`), and the node it is made of."""

    kind: str
    node: Node
    place: int = 0

    def made_of(self, node: Node) -> Any:
        """Return the argument for this node, or for another in its place."""
        return _ARGUMENTS[self.kind](node, self.place)


def generate(node: Node) -> tuple[Predicate, Select]:
    """Return the node as a predicate, and as the function that picks out of many documents."""
    make, taken = written(node)
    return make(*[each.made_of(each.node) for each in taken])


def written(node: Node) -> tuple[Make, Sequence[Taken]]:
    """Return what makes the functions of a node, and the arguments that takes, in order."""
    writer = _Writer()
    expression = writer.write(node, depth=0)
    source = _FUNCTION.format(names=", ".join(writer.arguments), expression=expression)
    return _factory(source), tuple(writer.arguments.values())


@lru_cache(maxsize=_CACHED_SHAPES)
def _factory(source: str) -> Make:
    names: dict[str, Any] = {"__builtins__": {}, **TEMPLATE_NAMES}
    exec(compile(source, "<filter>", "exec"), names)
    make: Make = names["make"]
    return make


@dataclass(slots=True)
class _Writer:
    """Writes one expression over `d` and gathers the arguments it needs."""

    arguments: dict[str, Taken] = field(default_factory=dict)
    checks: int = 0

    def write(self, node: Node, *, depth: int) -> str:
        if depth > INLINE_DEPTH_MAX:
            return self._call(node)
        if isinstance(node, And | Or) and len(node.nodes) <= INLINE_BRANCHES_MAX:
            joint, empty = (" and ", "True") if isinstance(node, And) else (" or ", "False")
            branches = sorted(node.nodes, key=_effort) if isinstance(node, And) else node.nodes
            inner = joint.join(self.write(inner, depth=depth + 1) for inner in branches)
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
        template = TEMPLATES.get(check.shape)
        if template is None:
            return self._call(leaf)
        self.checks += 1
        return self._along(leaf, template)

    def _along(self, leaf: Leaf, template: str) -> str:
        """Return the template behind a path of objects; all else takes the long way."""
        number = self.checks
        value = f"v{number}"
        ask = self._argument("a", leaf) if "{ask}" in template else ""
        constant = self._argument("k", leaf) if "{k}" in template else ""
        *parents, last = leaf.parts
        holder = f"u{number}" if parents else "d"
        get = f"{holder}.get({last!r})"
        expression = template.format(
            v=value, get=get, name=repr(last), holder=holder, k=constant, ask=ask
        )
        if not parents:
            return expression
        for place in range(len(parents) - 1, -1, -1):
            found = f"(u{number} := {f'u{number}' if place else 'd'}.get({parents[place]!r}))"
            otherwise = self._no_object(leaf, place + 1)
            expression = f"({expression} if {found}.__class__ is dict else {otherwise})"
        return expression

    def _no_object(self, leaf: Leaf, place: int) -> str:
        """Return what decides where a part of the path leads to no object, `place` being next."""
        if array_index(leaf.parts[place]) is not None:
            return self._call(leaf)
        holder = f"u{self.checks}"
        walk = self._argument("e", leaf, place)
        return f"({walk}({holder}) if {holder}.__class__ is list else {leaf.check.holds(MISSING)})"

    def _call(self, node: Node) -> str:
        return f"{self._argument('p', node)}(d)"

    def _argument(self, kind: str, node: Node, place: int = 0) -> str:
        name = f"{kind}{len(self.arguments)}"
        self.arguments[name] = Taken(kind, node, place)
        return name


def _element_walk(leaf: Leaf) -> ValueTest:
    """Return the test of an array whose elements may be objects; generated when first asked."""
    matches: Predicate | None = None

    def walk(array: list[Value]) -> bool:
        nonlocal matches
        if matches is None:
            matches, _ = generate(leaf)
        for item in array:  # noqa: SIM110  # a generator costs three times as much
            if item.__class__ is dict and matches(item):
                return True
        return False

    return walk


_ARGUMENTS: Final[dict[str, Callable[[Any, int], Any]]] = {
    "k": lambda leaf, _place: leaf.check.constant,
    "a": lambda leaf, _place: ask_of(leaf.check),
    "e": lambda leaf, place: _element_walk(Leaf(leaf.parts[place:], leaf.check)),
    "p": lambda node, _place: predicate(node),
}
"""What an argument is: a check's constant, its whole test, one of array elements, a predicate."""


_EFFORTS: Final = {"equal": 0, "number": 0, "date ==": 0, "is": 1, "null": 1}
_RANGE_EFFORT: Final = 1
_SHAPED_EFFORT: Final = 2
_CALL_EFFORT: Final = 3


def _effort(node: Node) -> int:
    """Return where a condition stands among others: what is cheap and rules out much comes first.

    A document passes or not whatever the order is.
    """
    if not isinstance(node, Leaf):
        return _CALL_EFFORT
    if node.check.shape.endswith(COMPARISONS):
        return _RANGE_EFFORT
    return _EFFORTS.get(node.check.shape, _SHAPED_EFFORT if node.check.shape else _CALL_EFFORT)


def is_costly(node: Node) -> bool:
    """Tell whether a condition has no short form, so that it may take long for a document."""
    if isinstance(node, And | Or):
        return any(map(is_costly, node.nodes))
    if isinstance(node, Not):
        return is_costly(node.node)
    return not isinstance(node, Leaf) or node.check.shape not in TEMPLATES


def ask_of(check: Check) -> Callable[[Value], bool]:
    """Return the whole test of a check, arrays included."""
    ask = test_value(check.holds) if check.elements else check.holds
    if check.shape == "in strings" or (check.shape == "in numbers" and not check.constant & {0, 1}):
        return _shares_member(check.constant, ask)
    return ask


def _shares_member(members: frozenset[Value], ask: ValueTest) -> ValueTest:
    """Return the test made by sets, for arrays of what can be hashed.

    Strings are equal to strings only, and numbers to no other kind but for 0 and 1, which Python
    takes for booleans; so a common element is a match.
    """

    def shares(value: Value) -> bool:
        if value.__class__ is list:
            try:
                return not members.isdisjoint(value)
            except TypeError:
                return ask(value)
        return ask(value)

    return shares
