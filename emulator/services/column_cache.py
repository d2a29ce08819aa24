"""Owns which columns of which collections are kept from one aggregation to the next.

Not here: the columns (`core.aggregate.columns`). The one idea: a sequence names one state of the
whole store, so what was read of its documents holds until the next commit and not a moment longer.
"""

from typing import Final

from emulator.core.aggregate.columns import Columns
from emulator.core.aggregate.leavings import Leavings

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

    def of(self, name: str, count: int, sequence: int, leavings: Leavings) -> Columns | None:
        """Return the columns of so many documents, None where they are not worth it.

        What holds no more goes to `leavings`, unless somebody still reads it.
        """
        if sequence != self._sequence:
            self._forget(leavings)
            self._sequence = sequence
        if count < DOCUMENTS_MIN:
            return None
        found = self._columns.get((name, count))
        if found is None and len(self._columns) < COLLECTIONS_MAX:
            found = self._columns[name, count] = Columns(count, VALUES_MAX)
        return found

    def _forget(self, leavings: Leavings) -> None:
        for columns in self._columns.values():
            if not columns.users:
                leavings.take(*columns.lists)
        self._columns.clear()
