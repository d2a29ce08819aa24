"""Owns the keys of a unique index as one transaction sees them; a taken one is told at once.

Not here: indexes (`stores.indexes`) and what the store refuses at the commit, which is the last
word: two transactions may each write the same key, and the second to commit is refused then. The
one idea: what the transaction wrote counts with the row it wrote, everything else as it is stored.
"""

from collections.abc import Hashable

from emulator.core.errors import TransactionConflict
from emulator.core.indexes import IndexDefinition, Row, compile_rows
from emulator.core.ordering import hash_key
from emulator.core.planner import Reach
from emulator.core.values import Document
from emulator.stores.base import Index
from emulator.stores.indexes import duplicate_key
from emulator.stores.versions import CONFLICT, Snapshot


class UniqueKeys:
    """The rows that a transaction's own documents have in one index."""

    def __init__(
        self, name: str, definition: IndexDefinition, stored: Index | None, snapshot: Snapshot
    ) -> None:
        self._name = name
        self._definition = definition
        self._stored = stored
        self._snapshot = snapshot
        self._rows_of = compile_rows(definition)
        self._rows: dict[Hashable, list[Row]] = {}
        self._owners: dict[Row, Hashable] = {}

    def put(self, key: Hashable, document: Document) -> None:
        """Take a document in, in place of what the transaction wrote before under its `_id`.

        Raises:
            DuplicateKey: another document that the transaction sees has one of its rows.
            TransactionConflict: one that came after its snapshot has.
        """
        self.delete(key)
        rows = self._rows_of(document)
        for row in rows:
            if self._owners.setdefault(row, key) != key:
                raise duplicate_key(self._name, self._definition, document)
        self._rows[key] = rows
        if self._stored is None:
            return
        self._stored.build()
        for other in self._stored.find(Reach(points=tuple(rows))).values():
            if hash_key(other["_id"]) not in self._rows:
                if self._snapshot.by_id(self._name, other["_id"]) is not other:
                    raise TransactionConflict(CONFLICT)
                raise duplicate_key(self._name, self._definition, document)

    def delete(self, key: Hashable) -> None:
        """Let go of a document's rows; the stored ones of its `_id` count no more."""
        for row in self._rows.get(key, ()):
            if self._owners.get(row) == key:
                del self._owners[row]
        self._rows[key] = []
