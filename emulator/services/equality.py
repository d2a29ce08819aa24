"""Owns the shortest way to documents by an index: one field that equals one plain value.

Not here: every other read (`services.planning`). The one idea: most queries of a program that has
indexes are of this form, and for it an index of that one field knows exactly what matches, so there
is no filter to compile, no plan to choose and no document to test.
"""

from collections.abc import Mapping
from typing import Final

from emulator.core.indexes import key_of
from emulator.core.planner import Reach
from emulator.core.values import Date, Int64, ObjectId, Value
from emulator.stores.base import Collection, Index

_KINDS: Final = frozenset({str, int, Int64, float, bool, Date, ObjectId})
"""Kinds of which an index row holds the value of a field or of an array's element, and no more."""


def one_equality(filter_: Mapping[str, Value]) -> tuple[str, Value] | None:
    """Return path and value of a filter that says `{path: value}` and nothing else."""
    if len(filter_) != 1:
        return None
    ((path, value),) = filter_.items()
    return None if type(value) not in _KINDS or path[:1] == "$" else (path, value)


def exact_reach(collection: Collection, path: str, value: Value) -> tuple[Index, Reach] | None:
    """Return an index that is built and where in it exactly the matching documents are."""
    for index in collection.indexes():
        keys = index.definition.keys
        if keys[0][0] != path or len(keys) > 1 or not index.definition.serves_bounds:
            continue
        if index.walks and index.build(0):
            return index, Reach(points=((key_of(value, keys[0][1]),),))
    return None
