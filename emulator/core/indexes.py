"""Owns what an index is: its definition, the keys it takes out of a document, and their order.

Not here: the structures that hold keys (`stores.indexes`) and which index serves a filter
(`core.planner`). The one idea: a document gives one row for each element of an array on the way,
and a row compares and hashes as MongoDB orders and equates what is in it, each key in its own
direction.
"""

from collections.abc import Callable, Sequence
from dataclasses import field
from functools import total_ordering
from typing import Final, TypeAlias

from emulator.core.errors import DatabaseRequestFailed
from emulator.core.ordering import SortKey, sort_key
from emulator.core.paths import Parts, array_index, sort_values, split_path
from emulator.core.records import dataclass
from emulator.core.values import MISSING, Document, Value

Direction: TypeAlias = int | str
"""1, -1, "2dsphere" or "2d"."""

Row: TypeAlias = tuple[SortKey, ...]
"""One key for each path of an index; a shorter row comes before every row it begins."""

BEYOND: Final[SortKey] = (128,)
"""A key that comes after every other: a row that ends in it comes after all that begin with it."""

GEO_DIRECTIONS: Final = frozenset({"2dsphere", "2d"})
DESCRIBED_AS: Final = "indexes"
"""The field of a collection's description that holds its definitions."""

PARALLEL_ARRAYS: Final = 171


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexDefinition:
    """An index: paths in order with their directions, and what else it does.

    `sparse` leaves out documents without any of the fields. `expire_after_s` makes documents go so
    many seconds after the date in its one field. `is_geo`: it holds places. `serves_bounds`: every
    document that matches a filter on its paths is in it; not so where a part of a path is numeric,
    for that may be an index or a name, and a row knows only one of them.
    """

    name: str
    keys: tuple[tuple[str, Direction], ...]
    unique: bool = False
    sparse: bool = False
    expire_after_s: int | None = None
    is_geo: bool = field(init=False, repr=False, compare=False)
    serves_bounds: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_geo", bool(self.places))
        parts = (part for path, _ in self.keys for part in split_path(path))
        has_numbers = any(array_index(part) is not None for part in parts)
        object.__setattr__(self, "serves_bounds", not (self.is_geo or has_numbers))

    @property
    def places(self) -> tuple[str, ...]:
        """Return the paths it holds places of."""
        return tuple(path for path, direction in self.keys if direction in GEO_DIRECTIONS)


def default_name(keys: Sequence[tuple[str, Direction]]) -> str:
    """Return the name MongoDB gives an index that has none."""
    return "_".join(f"{path}_{direction}" for path, direction in keys)


def to_document(definition: IndexDefinition) -> Document:
    """Return a definition as it is remembered and shown: `keys` is a list of path and direction."""
    told: Document = {
        "name": definition.name,
        "keys": [[path, direction] for path, direction in definition.keys],
        "unique": definition.unique,
    }
    if definition.sparse:
        told["sparse"] = True
    if definition.expire_after_s is not None:
        told["expireAfterSeconds"] = definition.expire_after_s
    return told


def from_document(told: Document) -> IndexDefinition:
    """Return the definition that `to_document` wrote."""
    return IndexDefinition(
        name=told["name"],
        keys=tuple((path, direction) for path, direction in told["keys"]),
        unique=told.get("unique", False),
        sparse=told.get("sparse", False),
        expire_after_s=told.get("expireAfterSeconds"),
    )


def described(description: Document) -> tuple[IndexDefinition, ...]:
    """Return the definitions in a collection's description; what is none is passed over."""
    told = description.get(DESCRIBED_AS)
    if type(told) is not list:
        return ()
    return tuple(from_document(each) for each in told if type(each) is dict and "keys" in each)


def with_definitions(description: Document, definitions: Sequence[IndexDefinition]) -> Document:
    """Return the description with other definitions in it."""
    return {**description, DESCRIBED_AS: list(map(to_document, definitions))}


# --- keys ----------------------------------------------------------------------------------------


@total_ordering
class _Reversed:
    """A key that compares the other way round."""

    __slots__ = ("key",)

    def __init__(self, key: Value) -> None:
        self.key = key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Reversed) and bool(self.key == other.key)

    def __lt__(self, other: "_Reversed") -> bool:
        return bool(other.key < self.key)

    def __hash__(self) -> int:
        return hash(self.key)


_NEGATED_RANKS: Final = frozenset({4, 10, 11})
"""Ranks of the kinds whose single key is a number: numbers, booleans, dates."""


def descending(key: SortKey) -> SortKey:
    """Return a key that sorts before others where this one sorts after them."""
    rank = key[0]
    if len(key) == 1:
        return (-rank,)
    if rank in _NEGATED_RANKS:
        return (-rank, -key[1])
    return (-rank, _Reversed(key[1:]))


def directed(key: SortKey, direction: Direction) -> SortKey:
    """Return the key as an index with this direction holds it."""
    return descending(key) if direction == -1 else key


def key_of(value: Value, direction: Direction) -> SortKey:
    """Return the key of a value in an index with this direction."""
    return directed(sort_key(value), direction)


RowsOf: TypeAlias = Callable[[Document], list[Row]]


def compile_rows(definition: IndexDefinition) -> RowsOf:
    """Return the function that gives a document's rows, each once, none if it is left out.

    It raises DatabaseRequestFailed (171) for two paths through different arrays.
    """
    paths = [split_path(path) for path, _ in definition.keys]
    directions = [direction for _, direction in definition.keys]
    if len(paths) == 1 and len(paths[0]) == 1 and not definition.sparse:
        return _single(paths[0][0], directions[0])

    def rows_of(document: Document) -> list[Row]:
        if definition.sparse and not _has_any(document, paths):
            return []
        rows = [tuple(map(key_of, values, directions)) for values in _combinations(document, paths)]
        return rows if len(rows) == 1 else list(dict.fromkeys(rows))

    if definition.sparse or any(len(parts) > 1 for parts in paths):
        return rows_of
    names = [parts[0] for parts in paths]

    def flat_rows_of(document: Document) -> list[Row]:
        """Give the one row of a document without arrays in these fields, soon."""
        values = [document.get(name) for name in names]
        if list in set(map(type, values)):
            return rows_of(document)
        return [tuple(map(key_of, values, directions))]

    return flat_rows_of


def _single(name: str, direction: Direction) -> RowsOf:
    def rows_of(document: Document) -> list[Row]:
        value = document.get(name)
        if value.__class__ is not list:
            return [(key_of(value, direction),)]
        if len(value) < 2:
            return [(key_of(value[0] if value else MISSING, direction),)]
        return list(dict.fromkeys([(key_of(item, direction),) for item in value]))

    return rows_of


def first_parts(definition: IndexDefinition) -> tuple[str, ...]:
    """Return the fields of a document that its keys lie in."""
    return tuple({split_path(path)[0] for path, _ in definition.keys})


def has_same_keys(fields: Sequence[str], old: Document | None, document: Document) -> bool:
    """Tell whether a document shares these fields with the one in whose place it comes.

    What an update does not touch is shared, not copied; so most updates leave most indexes alone.
    """
    if old is None or old is document:
        return False
    return all(old.get(name, MISSING) is document.get(name, MISSING) for name in fields)


def _combinations(document: Document, paths: Sequence[Parts]) -> list[tuple[Value, ...]]:
    try:
        return sort_values(document, paths)
    except DatabaseRequestFailed as refusal:
        text = refusal.message.replace("sort with keys that are parallel", "index parallel")
        raise DatabaseRequestFailed(
            text, mongo_code=PARALLEL_ARRAYS, hint="index paths through one array only"
        ) from refusal


def _has_any(document: Document, paths: Sequence[Parts]) -> bool:
    return any(_has(document, parts) for parts in paths)


def _has(value: Value, parts: Parts) -> bool:
    if not parts:
        return True
    if type(value) is dict:
        return parts[0] in value and _has(value[parts[0]], parts[1:])
    if type(value) is list:
        index = array_index(parts[0])
        if index is not None and index < len(value) and _has(value[index], parts[1:]):
            return True
        return any(type(item) is dict and _has(item, parts) for item in value)
    return False


def compile_order(sort: Sequence[tuple[str, int]]) -> Callable[[Document], Row]:
    """Return the function that gives the row by which a document is sorted.

    It raises DatabaseRequestFailed (2) for two paths through different arrays.
    """
    paths = [split_path(path) for path, _ in sort]
    directions = [direction for _, direction in sort]
    rows_of = _single(paths[0][0], directions[0]) if len(paths) == len(paths[0]) == 1 else None

    def row_of(document: Document) -> Row:
        rows = (
            [tuple(map(key_of, values, directions)) for values in sort_values(document, paths)]
            if rows_of is None
            else rows_of(document)
        )
        return rows[0] if len(rows) == 1 else min(rows)

    names = [path for path, _ in sort if "." not in path]
    return row_of if rows_of is not None or len(names) < len(sort) else _flat(names, sort, row_of)


def _flat(
    names: Sequence[str], sort: Sequence[tuple[str, int]], row_of: Callable[[Document], Row]
) -> Callable[[Document], Row]:
    """Return a short way for fields of the document itself that hold no arrays."""
    directions = [direction for _, direction in sort]

    def flat_row(document: Document) -> Row:
        values = [document.get(name) for name in names]
        if list in set(map(type, values)):
            return row_of(document)
        return tuple(map(key_of, values, directions))

    return flat_row


def varying(rows: Sequence[Row]) -> list[int]:
    """Return the places of the keys in which the rows of one document differ."""
    first = rows[0]
    return [place for place, key in enumerate(first) if any(row[place] != key for row in rows)]


KEY_OVERHEAD_BYTES: Final = 9
_LONG_RANKS: Final = frozenset({5, 6, 7, 8, 13, -5, -6, -7, -8, -13})
"""Ranks of kinds without a fixed size: text, objects, arrays, binary, patterns."""


def row_bytes(row: Row) -> int:
    """Return about how many bytes a row takes in the cloud: 9 a value, text as UTF-8."""
    size_bytes = KEY_OVERHEAD_BYTES * len(row)
    for key in row:
        if key[0] in _LONG_RANKS:
            size_bytes += sum(map(_content_bytes, key[1:]))
    return size_bytes


def _content_bytes(part: Value) -> int:
    kind = type(part)
    if kind is str:
        return len(part) if part.isascii() else len(part.encode())
    if kind is bytes:
        return len(part)
    if kind is tuple:
        return KEY_OVERHEAD_BYTES + sum(map(_content_bytes, part))
    return _content_bytes(part.key) - KEY_OVERHEAD_BYTES if kind is _Reversed else 0
