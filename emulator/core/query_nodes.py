"""Owns the tree a filter is parsed into, and how the tree is asked.

Not here: what operators mean (`core.query_operators`) nor the fast form (`core.query_source`). The
one idea: a condition on a field is a test of single values, and the path decides which values are
asked; negations stand outside, so they hold only where no value of the document passes.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol, TypeAlias

from emulator.core.paths import Parts, Predicate, ValueTest, any_match, visit
from emulator.core.records import dataclass
from emulator.core.values import MISSING, Document, Filter, Value

ExpressionCompiler: TypeAlias = Callable[[Value], Predicate]
"""Turns the operand of `$expr` into a predicate on documents; aggregation provides one."""


class Distance(Protocol):
    """What `$near` measures: metres from its point to a value, None where it does not count."""

    @property
    def index_kinds(self) -> tuple[str, ...]:
        """The kinds of geo index that can serve it."""
        ...

    def distance_m(self, value: Value) -> float | None:
        """Return the distance of one stored value."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Check:
    """A test of one value; `elements` says that an array's elements are asked as well.

    `operand` is what an equality demands, MISSING for all other checks; `members` are the values of
    which one is demanded. `shape` names a template of `core.query_source` with `constant` as its
    value. `locate` finds the element that made a test of
    a whole array pass. `distance` makes it a `$near`.
    """

    holds: ValueTest
    elements: bool = True
    operand: Value = MISSING
    members: tuple[Value, ...] | None = None
    shape: str = ""
    constant: Value = None
    locate: Callable[[list[Value]], int | None] | None = None
    distance: Distance | None = None


@dataclass(frozen=True, slots=True, eq=False)
class NoneOf:
    """A condition on a field that holds where the inner one does not."""

    condition: "Condition"


@dataclass(frozen=True, slots=True, eq=False)
class AllOf:
    """Conditions on a field that must all hold, each maybe by another element."""

    conditions: Sequence["Condition"]


Condition: TypeAlias = Check | NoneOf | AllOf


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """A test on a path."""

    parts: Parts
    check: Check


@dataclass(frozen=True, slots=True, eq=False)
class And:
    """All of these hold."""

    nodes: Sequence["Node"]


@dataclass(frozen=True, slots=True, eq=False)
class Or:
    """At least one of these holds."""

    nodes: Sequence["Node"]


@dataclass(frozen=True, slots=True, eq=False)
class Not:
    """This does not hold."""

    node: "Node"


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A predicate on the whole document: `$expr`, `$jsonSchema`."""

    predicate: Predicate


Node: TypeAlias = Leaf | And | Or | Not | Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsing:
    """What operators need of the parser that called them, to parse what is inside them."""

    filter: Callable[[Filter, "Parsing"], Node]
    operand: Callable[[Value, "Parsing"], Condition]
    expression: ExpressionCompiler | None = None
    depth: int = 0
    in_element: bool = False


def _nothing_inside(_operand: Value, _parsing: Parsing) -> "Condition":
    raise AssertionError("a plain comparison has nothing inside to be parsed")


def _no_filter(_filter: Filter, _parsing: Parsing) -> "Node":
    raise AssertionError("a plain comparison has no filter inside")


NOT_PARSING: Final = Parsing(filter=_no_filter, operand=_nothing_inside)
"""For operators whose operand is a plain value."""


def on_path(parts: Parts, condition: Condition) -> Node:
    """Return the node that asks a condition of the values behind a path."""
    if isinstance(condition, Check):
        return Leaf(parts, condition)
    if isinstance(condition, NoneOf):
        return Not(on_path(parts, condition.condition))
    return conjunction([on_path(parts, inner) for inner in condition.conditions])


def conjunction(nodes: Sequence[Node]) -> Node:
    """Return the one node, or all of them under `And` without needless nesting."""
    flat: list[Node] = []
    for node in nodes:
        flat += node.nodes if isinstance(node, And) else [node]
    return flat[0] if len(flat) == 1 else And(flat)


def element_test(condition: Condition) -> ValueTest:
    """Return the condition as a test of one value, arrays not opened."""
    if isinstance(condition, Check):
        return condition.holds
    if isinstance(condition, NoneOf):
        inner = element_test(condition.condition)
        return lambda value: not inner(value)
    tests = [element_test(inner) for inner in condition.conditions]
    return lambda value: all(test(value) for test in tests)


def predicate(node: Node) -> Predicate:
    """Return the node as a predicate on documents."""
    return _PREDICATES[type(node)](node)


def _leaf(node: Leaf) -> Predicate:
    return any_match(node.parts, node.check.holds, elements=node.check.elements)


def _and(node: And) -> Predicate:
    tests = [predicate(inner) for inner in node.nodes]
    return lambda document: all(test(document) for test in tests)


def _or(node: Or) -> Predicate:
    tests = [predicate(inner) for inner in node.nodes]
    return lambda document: any(test(document) for test in tests)


def _not(node: Not) -> Predicate:
    test = predicate(node.node)
    return lambda document: not test(document)


_PREDICATES: Final[Mapping[type, Callable[..., Predicate]]] = {
    Leaf: _leaf,
    And: _and,
    Or: _or,
    Not: _not,
    Call: lambda node: node.predicate,
}


def locate(node: Node, document: Document) -> tuple[bool, int | None]:
    """Tell whether the node holds, and the index of the array element that made it hold.

    Of several conditions the last one that went through an array decides.
    """
    return _LOCATORS[type(node)](node, document)


def _locate_leaf(node: Leaf, document: Document) -> tuple[bool, int | None]:
    check = node.check
    for value, index in visit(document, node.parts, elements=check.elements):
        if check.holds(value):
            if index is None and check.locate is not None and type(value) is list:
                index = check.locate(value)
            return True, index
    return False, None


def _locate_and(node: And, document: Document) -> tuple[bool, int | None]:
    last: int | None = None
    for inner in node.nodes:
        held, index = locate(inner, document)
        if not held:
            return False, None
        last = last if index is None else index
    return True, last


def _locate_or(node: Or, document: Document) -> tuple[bool, int | None]:
    """Locate equalities of one path as if they were one `$in`; MongoDB locates no other `$or`."""
    leaves = [inner for inner in node.nodes if isinstance(inner, Leaf) and _is_equality(inner)]
    parts = leaves[0].parts if leaves else ()
    if len(leaves) < len(node.nodes) or any(leaf.parts != parts for leaf in leaves):
        return any(locate(inner, document)[0] for inner in node.nodes), None
    for value, index in visit(document, parts):
        if any(leaf.check.holds(value) for leaf in leaves):
            return True, index
    return False, None


def _is_equality(leaf: Leaf) -> bool:
    return leaf.check.operand is not MISSING or leaf.check.members is not None


_LOCATORS: Final[Mapping[type, Callable[..., tuple[bool, int | None]]]] = {
    Leaf: _locate_leaf,
    And: _locate_and,
    Or: _locate_or,
    Not: lambda node, document: (not locate(node.node, document)[0], None),
    Call: lambda node, document: (node.predicate(document), None),
}
