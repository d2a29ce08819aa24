"""Owns MongoDB's equality and total order over all kinds of value, and the sorting of documents.

Not here: the type bracketing of `$gt` and its siblings (`core.query_operators`). The one idea: a
value maps to a tuple (rank of its kind, something Python can compare), so that order is Python's
own; homogeneous scalars never take that way.
Order: MinKey, missing, null, numbers (NaN first), strings by code point, objects (kind, name,
value of each field as stored), arrays, binary, ObjectId, bool, date, timestamp, regex, MaxKey.
"""

import heapq
from collections.abc import Callable, Hashable, Sequence
from decimal import Decimal
from typing import Final, TypeAlias

from emulator.core.paths import Parts, sort_values, split_path
from emulator.core.values import (
    MISSING,
    Binary,
    Date,
    Document,
    Edge,
    Int64,
    Missing,
    ObjectId,
    Regex,
    Timestamp,
    Value,
)

SortKey: TypeAlias = tuple[Value, ...]
SortSpecification: TypeAlias = Sequence[tuple[str, int]]

NUMBER_RANK: Final = 4
_NAN_RANK: Final = 3
_OBJECT_RANK: Final = 6
_ARRAY_RANK: Final = 7
_MAX_KEY_RANK: Final = 127

_RANKS: Final[dict[type, int]] = {
    Missing: 1,
    type(None): 2,
    int: NUMBER_RANK,
    Int64: NUMBER_RANK,
    float: NUMBER_RANK,
    Decimal: NUMBER_RANK,
    str: 5,
    dict: _OBJECT_RANK,
    list: _ARRAY_RANK,
    Binary: 8,
    ObjectId: 9,
    bool: 10,
    Date: 11,
    Timestamp: 12,
    Regex: 13,
}


def rank(value: Value) -> int:
    """Return the place of the value's kind in the order; all numbers share one, NaN included."""
    kind = type(value)
    if kind is Edge:
        return 0 if value.sign < 0 else _MAX_KEY_RANK
    return _RANKS[kind]


def is_nan(value: Value) -> bool:
    """Tell whether a number is NaN, the only number that differs from itself."""
    return bool(value != value)  # noqa: PLR0124  # the definition of NaN, for Decimal too


def sort_key(value: Value) -> SortKey:
    """Return a tuple that compares as MongoDB compares the values."""
    return _SORT_KEYS[type(value)](value)


def _number_key(value: Value) -> SortKey:
    return (NUMBER_RANK, value) if value == value else (_NAN_RANK,)  # noqa: PLR0124  # NaN


def _object_key(value: Document) -> SortKey:
    fields = tuple((rank(item), name, sort_key(item)) for name, item in value.items())
    return (_OBJECT_RANK, fields)


def _array_key(value: list[Value]) -> SortKey:
    return (_ARRAY_RANK, tuple([sort_key(item) for item in value]))


def _ranked(kind: type) -> Callable[[Value], SortKey]:
    place = _RANKS[kind]
    return lambda value: (place, value)


_SORT_KEYS: Final[dict[type, Callable[[Value], SortKey]]] = {
    Missing: lambda _: (1,),
    type(None): lambda _: (2,),
    int: lambda value: (NUMBER_RANK, value),
    Int64: lambda value: (NUMBER_RANK, value),
    float: _number_key,
    Decimal: _number_key,
    str: _ranked(str),
    dict: _object_key,
    list: _array_key,
    Binary: lambda value: (8, len(value.data), value.subtype, value.data),
    ObjectId: lambda value: (9, value.hex),
    bool: _ranked(bool),
    Date: lambda value: (11, value.ms),
    Timestamp: lambda value: (12, value.seconds, value.counter),
    Regex: lambda value: (13, value.pattern, value.options),
    Edge: lambda value: (rank(value),),
}


def compare(a: Value, b: Value) -> int:
    """Return -1, 0 or 1 as `a` comes before, with or after `b`."""
    key_a, key_b = sort_key(a), sort_key(b)
    return (key_a > key_b) - (key_a < key_b)


_NUMBERS: Final = frozenset({int, Int64, float, Decimal})
_NESTED: Final = frozenset({dict, list})


def equal(a: Value, b: Value) -> bool:
    """Tell whether two values are the same to MongoDB: 1 is 1.0, True is not, key order counts."""
    kind_a, kind_b = type(a), type(b)
    if kind_a in _NUMBERS:
        return kind_b in _NUMBERS and bool(a == b or (is_nan(a) and is_nan(b)))
    if kind_a is not kind_b:
        return False
    if kind_a in _NESTED:
        return _equal_nested(a, b)
    return bool(a == b)


def _equal_nested(a: Value, b: Value) -> bool:
    if len(a) != len(b):
        return False
    if type(a) is list:
        return all(map(equal, a, b))
    return all(map(_equal_field, a.items(), b.items()))


def _equal_field(a: tuple[str, Value], b: tuple[str, Value]) -> bool:
    return a[0] == b[0] and equal(a[1], b[1])


def identical(a: Value, b: Value) -> bool:
    """Tell whether two values would be stored as the same bytes: as `equal`, but 1 is not 1.0."""
    if type(a) is not type(b):
        return False
    if type(a) is list:
        return len(a) == len(b) and all(map(identical, a, b))
    if type(a) is dict:
        return list(a) == list(b) and all(map(identical, a.values(), b.values()))
    return equal(a, b)


def hash_key(value: Value) -> Hashable:
    """Return a hashable stand-in that is equal exactly where the values are.

    A `str` stands for itself and a number for its own value, which keeps the common cases free;
    everything else that Python would confuse with them is wrapped.
    """
    wrap = _HASH_KEYS.get(type(value))
    key: Hashable = value if wrap is None else wrap(value)
    return key


_NAN_KEY: Final = (float,)

_HASH_KEYS: Final[dict[type, Callable[[Value], Hashable]]] = {
    float: lambda value: value if value == value else _NAN_KEY,  # noqa: PLR0124  # NaN
    Decimal: lambda value: _NAN_KEY if value.is_nan() else value,
    bool: lambda value: (bool, value),
    list: lambda value: (list, *[hash_key(item) for item in value]),
    dict: lambda value: (dict, *[(name, hash_key(item)) for name, item in value.items()]),
}


# --- documents -----------------------------------------------------------------------------------

_PLAIN_KINDS: Final[tuple[frozenset[type], ...]] = (
    frozenset({str}),
    frozenset({int, Int64}),
    frozenset({int, Int64, float}),
    frozenset({bool}),
)
"""Sets of kinds whose values Python itself orders as MongoDB does, NaN aside."""

_HEAP_LIMIT_SHARE: Final = 8
"""A heap beats a full sort while the limit is below this fraction of the documents."""


def sort_documents(
    documents: Sequence[Document], sort: SortSpecification, limit: int | None = None
) -> list[Document]:
    """Return the first `limit` documents in the order of `sort`, ties in the order given.

    An array sorts by its smallest element, descending by its largest; missing sorts as null and
    an empty array below it.

    Raises:
        DatabaseRequestFailed: two sort paths run through different arrays of one document (2).
    """
    return [documents[place] for place in sort_places(documents, sort, limit)]


def sort_places(
    documents: Sequence[Document], sort: SortSpecification, limit: int | None = None
) -> Sequence[int]:
    """Return the places of what `sort_documents` returns, and raise as it does."""
    count = len(documents)
    limit = count if limit is None else min(limit, count)
    columns = _columns(documents, sort)
    places: Sequence[int] = range(count)
    if columns and limit < count // _HEAP_LIMIT_SHARE:
        places = _front_runners(columns[0], limit, descending=sort[0][1] < 0)
        if len(columns) == 1:
            return places[:limit]
    for column, (_, direction) in zip(reversed(columns), reversed(sort), strict=True):
        places = sorted(places, key=column.__getitem__, reverse=direction < 0)
    return places[:limit]


TOP_SLICE_DOCUMENTS: Final = 1_000
"""So many are waiting before they are compared; few enough to be in the processor's cache still."""


class TopDocuments:
    """Keeps the first `limit` documents in the order of `sort` out of any number given in slices.

    Between two slices no more than the limit's share is held; ties stay in the order given.
    """

    def __init__(self, sort: SortSpecification, limit: int) -> None:
        self._sort = sort
        self._limit = limit
        self._held: list[Document] = []
        self._enough = limit + max(TOP_SLICE_DOCUMENTS, limit)

    def add(self, documents: Sequence[Document]) -> None:
        """Take documents that come after all that were added before.

        Raises:
            DatabaseRequestFailed: two sort paths run through different arrays of one document (2).
        """
        self._held += documents
        if len(self._held) >= self._enough:
            self._held = sort_documents(self._held, self._sort, self._limit)

    def result(self) -> list[Document]:
        """Return the first documents, in order."""
        return sort_documents(self._held, self._sort, self._limit)


def _front_runners(column: list[Value], limit: int, *, descending: bool) -> list[int]:
    """Return the places of the first `limit` keys, and of all that tie with the last of them.

    With one sort path the ties are in their given order behind, with more the other paths decide.
    """
    if limit == 0:
        return []
    pick = heapq.nlargest if descending else heapq.nsmallest
    best = pick(limit, column)
    edge = best[-1]
    if descending:
        places = [place for place, key in enumerate(column) if key >= edge]
    else:
        places = [place for place, key in enumerate(column) if key <= edge]
    places.sort(key=column.__getitem__, reverse=descending)
    return places


def _columns(documents: Sequence[Document], sort: SortSpecification) -> list[list[Value]]:
    """Return one list of comparable keys for each sort path."""
    paths = [split_path(path) for path, _ in sort]
    columns = [_column(documents, parts) for parts in paths]
    through_arrays = [column is None or list in set(map(type, column)) for column in columns]
    if None in columns or sum(through_arrays) > 1:
        directions = [direction for _, direction in sort]
        rows = [_row(document, paths, directions) for document in documents]
        return [list(column) for column in zip(*rows, strict=True)]
    return [
        _plain_keys([_end_of_array(value, direction) for value in column] if arrays else column)
        for column, arrays, (_, direction) in zip(columns, through_arrays, sort, strict=True)
        if column is not None
    ]


def _column(documents: Sequence[Document], parts: Parts) -> list[Value] | None:
    """Return what lies behind a path in each document, None where an array lies on the way."""
    column: list[Value] = [document.get(parts[0]) for document in documents]
    for part in parts[1:]:
        if list in set(map(type, column)):
            return None
        column = [value.get(part) if value.__class__ is dict else None for value in column]
    return column


def _end_of_array(value: Value, direction: int) -> Value:
    """Return the element of an array that comes first in a direction; other values themselves."""
    if value.__class__ is not list:
        return value
    if len(value) < 2:
        return value[0] if value else MISSING
    pick = min if direction > 0 else max
    return pick(value) if _are_plain(set(map(type, value)), value) else pick(value, key=sort_key)


def _plain_keys(column: list[Value]) -> list[Value]:
    """Return the column itself where Python's order is MongoDB's, else the key of each value."""
    kinds = set(map(type, column))
    if _are_plain(kinds, column):
        return column
    if kinds == {Date}:
        return [value.ms for value in column]
    return [sort_key(value) for value in column]


def _are_plain(kinds: set[type], values: list[Value]) -> bool:
    """Tell whether Python orders these values as MongoDB does."""
    if not any(kinds <= plain for plain in _PLAIN_KINDS):
        return False
    return float not in kinds or not _may_hold_nan(values)


def _may_hold_nan(numbers: list[Value]) -> bool:
    """Tell whether a NaN may be among them; one sum is many times faster than a look at each."""
    total = sum(numbers)
    return is_nan(total) and any(map(is_nan, numbers))


def _row(
    document: Document, paths: list[tuple[str, ...]], directions: list[int]
) -> tuple[SortKey, ...]:
    """Return one key for each path: of all the document's combinations the first in order."""
    rows = sort_values(document, paths)
    keys = [tuple([sort_key(value) for value in row]) for row in rows]
    if len(keys) == 1:
        return keys[0]
    candidates = keys
    for place, direction in enumerate(directions):
        best = (min if direction > 0 else max)(row[place] for row in candidates)
        candidates = [row for row in candidates if row[place] == best]
    return candidates[0]
