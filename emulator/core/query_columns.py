"""Owns filters over columns: conditions on plain fields, asked of values instead of documents.

Not here: what conditions mean (`core.query_operators`) and the form for documents
(`core.query_source`), whose templates these are. The one idea: where every condition is of one
field of the document itself and treats null and missing alike, the values of the fields are enough.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final, TypeAlias

from emulator.core.paths import Parts
from emulator.core.query_nodes import And, Leaf, Node
from emulator.core.query_source import COMPARISONS, TEMPLATE_NAMES, TEMPLATES, ask_of
from emulator.core.records import dataclass
from emulator.core.values import Missing, Value

COLUMNS_MAX: Final = 6
DOUBLE_EXACT_MAX: Final = 2**53
_CACHED_SHAPES: Final = 256
_NEEDS_DOCUMENT: Final = frozenset({"exists", "null"})
"""Shapes whose template is given None for what is missing, or asks the document itself."""

Kinds: TypeAlias = frozenset[type]
_Flags: TypeAlias = Callable[[Sequence[list[Value]]], list[Any]]

_DOUBLES: Final[Kinds] = frozenset({float})
_NUMBERS: Final[Kinds] = frozenset({int, float})
_STRINGS: Final[Kinds] = frozenset({str})
_SCALARS: Final[Kinds] = frozenset({int, float, str, bool, type(None), Missing})
_PLAIN: Final[dict[str, tuple[str, Kinds]]] = {
    "equal": ("{v} == {k}", _SCALARS),
    **{f"number {sign}": (f"{{v}} {sign} {{k}}", _NUMBERS) for sign in COMPARISONS},
    **{f"string {sign}": (f"{{v}} {sign} {{k}}", _STRINGS) for sign in COMPARISONS},
}
"""What decides a check where all values are of these kinds."""


@dataclass(frozen=True, slots=True, eq=False)
class ColumnFilter:
    """A filter over columns: the paths it asks for, and what tells of each document by theirs."""

    paths: Sequence[Parts]
    _plain_kinds: Sequence[Kinds | None]
    _plain: _Flags
    _doubles: _Flags
    _whole: _Flags

    def flags(self, columns: Sequence[list[Value]], kinds: Sequence[Kinds | None]) -> list[Any]:
        """Tell of each document whether it matches, by its values; of their kinds what is known."""
        for known, plain in zip(kinds, self._plain_kinds, strict=True):
            if plain is not None and (known is None or not known <= plain):
                return self._whole(columns)
        if all(known == _DOUBLES for known in kinds):
            return self._doubles(columns)
        return self._plain(columns)


def column_filter(node: Node) -> ColumnFilter | None:
    """Return a filter over columns, None where documents are needed."""
    leaves = node.nodes if isinstance(node, And) else [node]
    if not 0 < len(leaves) <= COLUMNS_MAX:
        return None
    plain: list[str] = []
    plain_kinds: list[Kinds | None] = []
    expressions: list[str] = []
    arguments: dict[str, Value] = {}
    paths: list[Parts] = []
    for number, leaf in enumerate(leaves):
        if not isinstance(leaf, Leaf) or len(leaf.parts) != 1:
            return None
        check = leaf.check
        if check.shape not in TEMPLATES or check.shape in _NEEDS_DOCUMENT:
            return None
        template = TEMPLATES[check.shape].replace("({v} := {get})", "{v}")
        names = {"v": f"v{number}", "k": f"k{number}", "ask": f"a{number}"}
        expressions.append(template.format(**names))
        plain_template, kinds = _PLAIN.get(check.shape, (template, None))
        plain.append(plain_template.format(**names))
        plain_kinds.append(kinds)
        arguments[f"k{number}"] = check.constant
        arguments[f"a{number}"] = ask_of(check)
        paths.append(leaf.parts)
    short, whole = _factory(tuple(plain)), _factory(tuple(expressions))
    doubles = {name: _as_double(value) for name, value in arguments.items()}
    return ColumnFilter(
        paths, plain_kinds, short(**arguments), short(**doubles), whole(**arguments)
    )


def _as_double(value: Value) -> Value:
    """Return an equal double where there is one: doubles are compared sooner with their like."""
    exact = value.__class__ is int and -DOUBLE_EXACT_MAX <= value <= DOUBLE_EXACT_MAX
    return float(value) if exact else value


@lru_cache(maxsize=_CACHED_SHAPES)
def _factory(expressions: tuple[str, ...]) -> Callable[..., _Flags]:
    numbers = range(len(expressions))
    taken = ", ".join(f"k{number}, a{number}" for number in numbers)
    values = ", ".join(f"v{number}" for number in numbers)
    source = "columns[0]" if len(numbers) == 1 else "zip(*columns)"
    text = (
        f"def make({taken}):\n"
        f"    return lambda columns: [{' and '.join(expressions)} for {values} in {source}]\n"
    )
    names: dict[str, Any] = {"__builtins__": {}, "zip": zip, **TEMPLATE_NAMES}
    exec(compile(text, "<columns>", "exec"), names)
    make: Callable[..., _Flags] = names["make"]
    return make
