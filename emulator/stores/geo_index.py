"""Owns the index of places: what may be in it. Queries for the nearest need it to be there.

Not here: distances (`core.query_geo`). The one idea: as in the cloud a document whose place is none
is refused while the index is there, so whoever looks for the nearest finds nothing that cannot be
measured; a document without a place is simply not in it.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Final

from emulator.core.errors import DatabaseRequestFailed
from emulator.core.geometry_json import stored_pair, stored_shape
from emulator.core.indexes import IndexDefinition
from emulator.core.paths import split_path, visit
from emulator.core.planner import Reach
from emulator.core.values import MISSING, Document, Value

NOT_A_PLACE: Final = 16755


class GeoIndex:
    """An index with a place among its keys; it holds nothing, for what it is about is measured."""

    __slots__ = ("_documents", "_paths", "arrays", "definition")

    def __init__(self, definition: IndexDefinition, documents: Mapping[int, Document]) -> None:
        self.definition = definition
        self.arrays: Sequence[bool] = [True] * len(definition.keys)
        self._documents = documents
        self._paths = [
            (path, split_path(path), _is_planar if direction == "2d" else _is_spherical)
            for path, direction in definition.keys
            if path in definition.places
        ]

    def build(self, documents_max: int | None = None) -> bool:
        """Have nothing to do."""
        del documents_max
        return True

    def verify(self, collection: str) -> None:
        """See that every place is one; raises as `prepare`."""
        self.prepare(collection, self._documents, frozenset())

    def prepare(self, collection: str, drafts: Mapping[int, Document], gone: Set[int]) -> None:
        """See that what documents have for a place is one.

        Raises:
            DatabaseRequestFailed: it is not (16755).
        """
        del collection, gone
        for document in drafts.values():
            for path, parts, is_place in self._paths:
                for value, _ in visit(document, parts, elements=False):
                    if not (value is None or value is MISSING or is_place(value)):
                        raise _no_place(path, value)

    def put(self, number: int, old: Document | None, document: Document) -> None:
        """Have nothing to do."""

    def delete(self, number: int, old: Document) -> None:
        """Have nothing to do."""

    def clear(self) -> None:
        """Have nothing to do."""

    def count(self, reach: Reach) -> int:
        """Return the number of all documents: no reach narrows it."""
        del reach
        return len(self._documents)

    def find(self, reach: Reach) -> dict[int, Document]:
        """Return all documents."""
        del reach
        return dict(self._documents)

    def walk(self, reach: Reach) -> Iterator[Document]:
        """Yield all documents."""
        del reach
        yield from self._documents.values()


def _is_spherical(value: Value) -> bool:
    if stored_shape(value) is not None:
        return True
    return type(value) is list and all(stored_shape(item) is not None for item in value)


def _is_planar(value: Value) -> bool:
    if stored_pair(value) is not None:
        return True
    return type(value) is list and all(stored_pair(item) is not None for item in value)


def _no_place(path: str, value: Value) -> DatabaseRequestFailed:
    return DatabaseRequestFailed(
        f"Can't extract geo keys: {path}: {value!r:.200}",
        mongo_code=NOT_A_PLACE,
        hint="store GeoJSON, such as db.Geo.Point(longitude, latitude)",
    )
