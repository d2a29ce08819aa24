"""Owns the index of places: what may be in it, and who may lie in a circle.

Not here: distances (`core.query_geo`). The one idea: as in the cloud a document whose place is none
is refused while the index is there, so whoever looks for the nearest finds nothing that cannot be
measured; a document without a place is simply not in it. Points lie in a grid of cells.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Final

from emulator.core.errors import DatabaseRequestFailed
from emulator.core.geo_cells import Cell, cell_of, cells_around
from emulator.core.geometry_json import stored_pair, stored_shape
from emulator.core.indexes import IndexDefinition, first_parts, has_same_keys
from emulator.core.paths import direct_value, split_path, visit
from emulator.core.planner import Reach
from emulator.core.values import MISSING, Document, Value

NOT_A_PLACE: Final = 16755


class GeoIndex:
    """An index with a place among its keys: documents by the cell of their one point.

    Documents with several points, with lines or areas are near everything, as far as it knows.
    """

    __slots__ = (
        "_cells",
        "_documents",
        "_fields",
        "_others",
        "_paths",
        "_waiting",
        "arrays",
        "definition",
    )

    def __init__(self, definition: IndexDefinition, documents: Mapping[int, Document]) -> None:
        self.definition = definition
        self.arrays: Sequence[bool] = [True] * len(definition.keys)
        self._documents = documents
        self._fields = first_parts(definition)
        self._cells: dict[Cell, set[int]] = {}
        self._others: set[int] = set()
        self._waiting: list[int] | None = None
        self._paths = [
            (path, split_path(path), _is_planar if direction == "2d" else _is_spherical)
            for path, direction in definition.keys
            if path in definition.places
        ]

    @property
    def walks(self) -> bool:
        """Tell that places have no order."""
        return False

    def build(self, documents_max: int | None = None) -> bool:
        """Take so many more documents in, all of them by default; tell whether none are left."""
        waiting = self._waiting
        if waiting is None:
            waiting = self._waiting = list(self._documents)
            waiting.reverse()
        documents = self._documents
        left = 0 if documents_max is None else max(0, len(waiting) - documents_max)
        while len(waiting) > left:
            number = waiting.pop()
            if number in documents:
                self._add(number, documents[number])
        return not waiting

    def verify(self, collection: str) -> None:
        """See that every place is one; raises as `prepare`."""
        for _ in self.verified(collection, len(self._documents) + 1):
            pass

    def verified(self, collection: str, documents_max: int) -> Iterator[None]:
        """Verify so many documents at a time."""
        del collection
        for place, document in enumerate(self._documents.values(), 1):
            if place % documents_max == 0:
                yield
            self._require_places(document)

    def prepare(self, collection: str, drafts: Mapping[int, Document], gone: Set[int]) -> None:
        """See that what documents have for a place is one.

        Raises:
            DatabaseRequestFailed: it is not (16755).
        """
        del collection, gone
        for number, document in drafts.items():
            if has_same_keys(self._fields, self._documents.get(number), document):
                continue
            self._require_places(document)

    def put(self, number: int, old: Document | None, document: Document) -> None:
        """Take a document in, in place of `old`."""
        if self._waiting is None or has_same_keys(self._fields, old, document):
            return
        if self._waits(number):
            if old is not None:
                return
            # Free when the building began and taken only now: it is not among those that wait.
            self.build()
        if old is not None:
            self.delete(number, old)
        self._add(number, document)

    def delete(self, number: int, old: Document) -> None:
        """Take a document out."""
        if self._waiting is not None and not self._waits(number):
            self._others.discard(number)
            cell = self._cell(old)
            if cell is not None and cell in self._cells:
                self._cells[cell].discard(number)
                if not self._cells[cell]:
                    del self._cells[cell]

    def clear(self) -> None:
        """Take every document out."""
        self._cells.clear()
        self._others.clear()
        self._waiting = None

    def moved(self, documents: Mapping[int, Document]) -> None:
        """Find the documents it holds in another place from now on."""
        self._documents = documents

    def count(self, reach: Reach) -> int:
        """Return the number of all documents: no reach of rows narrows it."""
        del reach
        return len(self._documents)

    def find(self, reach: Reach) -> dict[int, Document]:
        """Return the documents that may lie in the reach's circle, by number."""
        self.build()
        cells = None if reach.circle is None else cells_around(*reach.circle)
        if cells is None:
            return dict(self._documents)
        found = self._others.copy()
        for cell in cells:
            found |= self._cells.get(cell, _NOBODY)
        return {number: self._documents[number] for number in sorted(found)}

    def walk(self, reach: Reach) -> Iterator[Document]:
        """Yield all documents."""
        del reach
        yield from self._documents.values()

    def _waits(self, number: int) -> bool:
        waiting = self._waiting
        return bool(waiting) and waiting is not None and waiting[-1] <= number <= waiting[0]

    def _require_places(self, document: Document) -> None:
        for path, parts, is_place in self._paths:
            for value, _ in visit(document, parts, elements=False):
                if not (value is None or value is MISSING or is_place(value)):
                    raise _no_place(path, value)

    def _add(self, number: int, document: Document) -> None:
        cell = self._cell(document)
        if cell is not None:
            self._cells.setdefault(cell, set()).add(number)
        elif any(
            value is not None and value is not MISSING
            for _, parts, _ in self._paths
            for value, _ in visit(document, parts, elements=False)
        ):
            self._others.add(number)

    def _cell(self, document: Document) -> Cell | None:
        """Return the cell of the one point a document has, None if it has another place or none."""
        _, parts, _ = self._paths[0]
        value = direct_value(document, parts)
        if type(value) is not dict or value.get("type") != "Point":
            return None
        pair = stored_pair(value)
        return None if pair is None else cell_of(pair)


_NOBODY: Final[frozenset[int]] = frozenset()


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
