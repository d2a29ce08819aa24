"""Owns filters: a filter document becomes a tree, and the tree one compiled predicate.

Not here: single operators (`core.query_operators`, `_arrays`, `_geo`, `_schema`) and the generated
form (`core.query_source`). The one idea: everything that can be decided or refused is, while
compiling; what runs for a document is one function without a look at the filter.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from typing import Final, TypeAlias

from emulator.core.errors import DatabaseRequestFailed, InvalidOperator
from emulator.core.paths import Predicate, ValueTest, split_path, visit
from emulator.core.query_arrays import ARRAY_OPERATORS, element_matcher
from emulator.core.query_geo import GEO_OPERATORS
from emulator.core.query_nodes import (
    AllOf,
    And,
    Call,
    Condition,
    Distance,
    ExpressionCompiler,
    Leaf,
    Node,
    Not,
    Or,
    Parsing,
    conjunction,
    locate,
    on_path,
)
from emulator.core.query_operators import (
    ALWAYS,
    FIELD_OPERATORS,
    FieldOperator,
    equals,
    implicit_equality,
    is_operators,
)
from emulator.core.query_schema import compile_schema
from emulator.core.query_shapes import Shape
from emulator.core.query_source import Select, generate, is_costly
from emulator.core.records import dataclass
from emulator.core.values import MISSING, Date, Document, Filter, Int64, ObjectId, Value
from emulator.core.wording import shown

FILTER_DEPTH_MAX: Final = 100

FIELD_TABLE: Final[Mapping[str, FieldOperator]] = {
    **FIELD_OPERATORS,
    **ARRAY_OPERATORS,
    **GEO_OPERATORS,
}

_PINNING_KINDS: Final = frozenset({str, int, Int64, float, bool, Date, ObjectId})


@dataclass(frozen=True, slots=True)
class Near:
    """The one `$near` of a filter: by what its results are sorted."""

    path: str
    distance: Distance

    def distance_m(self, document: Document) -> float | None:
        """Return the distance in metres (radians or degrees for legacy pairs), None without one.

        Of several places in the document the nearest within the given limits counts.
        """
        found = (
            self.distance.distance_m(value) for value, _ in visit(document, split_path(self.path))
        )
        return min((metres for metres in found if metres is not None), default=None)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CompiledFilter:
    """A filter, ready to run; also a legal TinyDB query.

    `matches` is its fastest form for one document, `select` for many. `equalities` are the paths
    that must equal one scalar for a document to match (null is left out, for it also means
    missing). `document_id` is the `_id` the filter pins, else MISSING; with `residual_is_id_only`
    the filter says nothing else. `document_ids` are those of which it wants one. `tree` is its
    `node`, or makes it when somebody asks. `is_costly` says that it may take long for a document.
    """

    matches: Predicate
    select: Select
    equalities: Mapping[str, Value] = field(default_factory=dict)
    document_id: Value = MISSING
    document_ids: tuple[Value, ...] | None = None
    residual_is_id_only: bool = False
    near: Near | None = None
    tree: Node | Callable[[], Node] = field(default_factory=lambda: And([]))
    is_costly: bool = False

    @property
    def node(self) -> Node:
        """Return what it was parsed into."""
        if not callable(self.tree):
            return self.tree
        made = self.tree()
        # What it says stays the same: now it is there instead of being made again.
        object.__setattr__(self, "tree", made)
        return made

    def __call__(self, document: Mapping[str, Value]) -> bool:
        """Tell whether a document matches, as TinyDB asks."""
        return self.matches(document)  # type: ignore[arg-type]  # TinyDB's own signature

    def is_cacheable(self) -> bool:
        """Tell TinyDB not to keep results, which would outlive a write."""
        return False

    def matched_index(self, document: Document) -> int | None:
        """Return the index of the array element that made a document match, for positional `$`."""
        return locate(self.node, document)[1]


def compile_filter(
    filter: Filter,  # noqa: A002  # the word of the glossary
    *,
    expression: ExpressionCompiler | None = None,
) -> CompiledFilter:
    """Return the compiled filter; `expression` compiles what `$expr` holds.

    Raises:
        InvalidOperator: no such operator, or one that the cloud does not allow.
        DatabaseRequestFailed: an operator's operand is refused (2 unless said otherwise).
    """
    node = _parse_filter(filter, _parsing(expression))
    near = _find_near(node)
    matches, select = generate(node)
    equalities = _equalities(node)
    document_id = equalities.get("_id", MISSING)
    return CompiledFilter(
        matches=matches,
        select=select,
        equalities=equalities,
        document_id=document_id,
        document_ids=_wanted_ids(node),
        residual_is_id_only=document_id is not MISSING and isinstance(node, Leaf),
        near=near,
        tree=node,
        is_costly=is_costly(node),
    )


def compile_shaped(shape: Shape, operands: Sequence[Value]) -> CompiledFilter:
    """Return what `compile_filter` returns of the filter of a shape that has these operands."""
    matches, select = shape.compiled(operands)
    return CompiledFilter(
        matches=matches,
        select=select,
        equalities=shape.equalities(operands),
        tree=lambda: shape.node(operands),
        is_costly=shape.is_costly,
    )


def id_filter(document_id: str) -> CompiledFilter:
    """Return what `compile_filter({"_id": document_id})` returns, at once."""

    def matches(document: Document) -> bool:
        found: bool = document["_id"] == document_id
        return found

    return CompiledFilter(
        matches=matches,
        select=lambda documents: [each for each in documents if matches(each)],
        equalities={"_id": document_id},
        document_id=document_id,
        residual_is_id_only=True,
        tree=lambda: Leaf(("_id",), equals(document_id)),
    )


def compile_element(condition: Value) -> ValueTest:
    """Return the test of one array element that `$elemMatch` with this operand makes."""
    return element_matcher(condition, _parsing(None))


def _parsing(expression: ExpressionCompiler | None) -> Parsing:
    return Parsing(filter=_parse_filter, operand=_parse_operators, expression=expression)


def _deeper(parsing: Parsing) -> Parsing:
    if parsing.depth >= FILTER_DEPTH_MAX:
        raise DatabaseRequestFailed(f"the filter is nested deeper than {FILTER_DEPTH_MAX} levels")
    return replace(parsing, depth=parsing.depth + 1)


def _parse_filter(filter: Filter, parsing: Parsing) -> Node:  # noqa: A002  # glossary
    if not isinstance(filter, Mapping):
        raise DatabaseRequestFailed(f"a filter must be an object, not {shown(filter)}")
    inner = _deeper(parsing)
    nodes: list[Node] = []
    for name, operand in filter.items():
        if name[:1] == "$":
            nodes += FILTER_TABLE.get(name, _unknown)(name, operand, inner)
        else:
            nodes.append(on_path(split_path(name), _parse_condition(name, operand, inner)))
    return conjunction(nodes)


def _parse_condition(path: str, operand: Value, parsing: Parsing) -> Condition:
    if not is_operators(operand) or _is_reference(operand):
        return implicit_equality(operand)
    try:
        return _parse_operators(operand, parsing)
    except DatabaseRequestFailed as refusal:
        refusal.hint = refusal.hint or f"see the condition on '{path}'"
        raise


def _is_reference(operand: Document) -> bool:
    return next(iter(operand)) in ("$ref", "$id", "$db")


def _parse_operators(operand: Value, parsing: Parsing) -> Condition:
    """Return the condition that a document of operators makes."""
    inner = _deeper(parsing)
    conditions = [_parse_operator(name, value, operand, inner) for name, value in operand.items()]
    kept = [condition for condition in conditions if condition is not ALWAYS]
    return kept[0] if len(kept) == 1 else AllOf(kept)


def _parse_operator(name: str, value: Value, siblings: Filter, parsing: Parsing) -> Condition:
    build = FIELD_TABLE.get(name)
    if build is None:
        raise InvalidOperator(f"unknown operator: {name}")
    return build(value, siblings, parsing)


# --- operators on the whole document -------------------------------------------------------------

_FilterOperator: TypeAlias = Callable[[str, Value, Parsing], list[Node]]


def _unknown(name: str, _operand: Value, _parsing: Parsing) -> list[Node]:
    raise InvalidOperator(f"unknown top level operator: {name}")


def _branches(name: str, operand: Value, parsing: Parsing) -> list[Node]:
    if type(operand) is not list:
        raise DatabaseRequestFailed(f"{name} must be an array")
    if not operand:
        raise DatabaseRequestFailed("$and/$or/$nor must be a nonempty array")
    if not all(type(branch) is dict for branch in operand):
        raise DatabaseRequestFailed("$or/$and/$nor entries need to be full objects")
    return [parsing.filter(branch, parsing) for branch in operand]


def _or(name: str, operand: Value, parsing: Parsing) -> list[Node]:
    branches = _branches(name, operand, parsing)
    return branches if len(branches) == 1 else [Or(branches)]


def _nor(name: str, operand: Value, parsing: Parsing) -> list[Node]:
    return [Not(Or(_branches(name, operand, parsing)))]


def _expr(_name: str, operand: Value, parsing: Parsing) -> list[Node]:
    if parsing.in_element:
        raise DatabaseRequestFailed("$expr can only be applied to the top-level document")
    if parsing.expression is None:
        raise InvalidOperator(
            "$expr is not available here", hint="it needs aggregation expressions"
        )
    return [Call(parsing.expression(operand))]


def _schema(_name: str, operand: Value, _parsing: Parsing) -> list[Node]:
    return [Call(compile_schema(operand))]


def _comment(_name: str, _operand: Value, _parsing: Parsing) -> list[Node]:
    return []


def _refused(name: str, _operand: Value, _parsing: Parsing) -> list[Node]:
    raise InvalidOperator(f"{name} is not allowed by the cloud")


FILTER_TABLE: Final[Mapping[str, _FilterOperator]] = {
    "$and": _branches,
    "$or": _or,
    "$nor": _nor,
    "$expr": _expr,
    "$jsonSchema": _schema,
    "$comment": _comment,
    "$where": _refused,
    "$text": _refused,
}


# --- what the planner is told --------------------------------------------------------------------


def _equalities(node: Node) -> dict[str, Value]:
    """Return the scalars that paths must equal, the first of several on one path."""
    found: dict[str, Value] = {}
    for leaf in node.nodes if isinstance(node, And) else [node]:
        if isinstance(leaf, Leaf) and type(leaf.check.operand) in _PINNING_KINDS:
            found.setdefault(".".join(leaf.parts), leaf.check.operand)
    return found


def _wanted_ids(node: Node) -> tuple[Value, ...] | None:
    """Return the values of which the `_id` must be one, None where it may be others."""
    for leaf in node.nodes if isinstance(node, And) else [node]:
        if not isinstance(leaf, Leaf) or leaf.parts != ("_id",):
            continue
        members = leaf.check.members
        if members is not None and _PINNING_KINDS.issuperset(map(type, members)):
            return members
    return None


def demanded_values(filter: Filter) -> list[tuple[str, Value]]:  # noqa: A002  # glossary
    """Return every path that the whole filter demands one value of, and the value, in order."""
    node = _parse_filter(filter, _parsing(lambda _: bool))
    leaves = node.nodes if isinstance(node, And) else [node]
    return [
        (".".join(leaf.parts), leaf.check.operand)
        for leaf in leaves
        if isinstance(leaf, Leaf) and leaf.check.operand is not MISSING
    ]


def _find_near(node: Node) -> Near | None:
    """Return the `$near` of the filter.

    Raises:
        DatabaseRequestFailed: there are two, or it is not a condition of the whole filter.
    """
    leaves = node.nodes if isinstance(node, And) else [node]
    nears = [leaf for leaf in leaves if isinstance(leaf, Leaf) and leaf.check.distance is not None]
    count = _count_nears(node)
    if count > 1:
        raise DatabaseRequestFailed("Too many geoNear expressions")
    if count > len(nears):
        raise DatabaseRequestFailed("geoNear must be top-level expr", hint="not in $or, $nor, $not")
    if not nears or nears[0].check.distance is None:
        return None
    return Near(".".join(nears[0].parts), nears[0].check.distance)


def _count_nears(node: Node) -> int:
    if isinstance(node, And | Or):
        return sum(map(_count_nears, node.nodes))
    if isinstance(node, Not):
        return _count_nears(node.node)
    return int(isinstance(node, Leaf) and node.check.distance is not None)
