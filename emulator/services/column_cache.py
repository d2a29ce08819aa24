"""Owns which columns of which collections are kept from one aggregation to the next.

Not here: the columns (`core.aggregate.columns`). The one idea: a sequence names one state of the
whole store, so what was read of its documents holds until the next commit and not a moment longer.
"""

from typing import Final

from emulator.core.aggregate.columns import Columns
from emulator.core.aggregate.leavings import Leavings
from emulator.core.values import Document
from emulator.stores.base import Collection

DOCUMENTS_MIN: Final = 1_000
"""Fewer are read as quickly as looked up."""
COLLECTIONS_MAX: Final = 4
VALUES_MAX: Final = 1_000_000
"""So many are kept of one collection; each takes eight bytes, for the documents have it anyway."""


class ColumnCache:
    """The columns of one store as of its last commit."""

    def __init__(self) -> None:
        self._sequence = -1
        self._columns: dict[tuple[str, int], Columns] = {}

    def all_of(
        self, name: str, collection: Collection, sequence: int, leavings: Leavings
    ) -> tuple[list[Document], Columns | None]:
        """Return every document of a collection, and their columns where they are worth it.

        What holds no more goes to `leavings`, unless somebody still reads it.
        """
        if sequence != self._sequence:
            self._forget(leavings)
            self._sequence = sequence
        count = len(collection)
        found = self._columns.get((name, count))
        if found is not None:
            if found.documents is None:
                found.documents = collection.snapshot()
            return found.documents, found
        documents = collection.snapshot()
        if count < DOCUMENTS_MIN or len(self._columns) >= COLLECTIONS_MAX:
            return documents, None
        found = self._columns[name, count] = Columns(count, VALUES_MAX)
        return documents, found

    def written(self) -> None:
        """Let go of the documents, of which some are no more; the columns go when next asked."""
        for columns in self._columns.values():
            columns.documents = None

    def _forget(self, leavings: Leavings) -> None:
        for columns in self._columns.values():
            if not columns.users:
                leavings.take(*columns.lists)
        self._columns.clear()
