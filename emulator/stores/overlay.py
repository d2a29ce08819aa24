"""Owns the documents as one transaction sees them: a snapshot under the transaction's own writes.

Not here: snapshots and claims (`stores.versions`), commit and rollback (`services.transactions`).
The one idea: it is a document store like any other, so the database service runs over it without
knowing; only a commit is kept in memory, until `writes` are committed to the real store in one
piece.
"""

from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Sequence
from typing import Final

from emulator.core.errors import DatabaseRequestFailed
from emulator.core.indexes import IndexDefinition, described
from emulator.core.ordering import hash_key
from emulator.core.values import Document, Value
from emulator.stores.base import Collection, Delete, DocumentStore, Index, Put, Write
from emulator.stores.overlay_index import OverlayIndex, numbered
from emulator.stores.overlay_keys import UniqueKeys
from emulator.stores.versions import Snapshot

DOCUMENTS_WRITTEN_MAX: Final = 100_000
"""What one transaction may write; its documents are held in memory twice until the commit."""

_MONGO_NOT_IN_TRANSACTION: Final = 263
_MONGO_TOO_LARGE: Final = 257

Own = dict[Hashable, "Put | Delete"]
"""The last write of each document, in order of the first."""


class OverlayStore:
    """A document store over a snapshot; nothing of it is stored."""

    waits = False

    def __init__(self, store: DocumentStore, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._own: dict[str, Own] = {}
        self._unique: dict[str, list[UniqueKeys]] = {}
        self._collection = store.collection
        self.names = store.names
        self.description = store.description
        self.notices = store.notices

    @property
    def sequence(self) -> int:
        """Return the sequence of the last commit that is seen."""
        return self._snapshot.sequence

    def writes(self) -> list[Write]:
        """Return what was committed so far: one write a document."""
        return [write for own in self._own.values() for write in own.values()]

    def collection(self, name: str) -> Collection | None:
        """Return the collection, or None when it was never created."""
        if not self._snapshot.exists(name):
            return None
        return OverlayCollection(name, self._snapshot, self._own.get(name, {}))

    def commit(self, writes: Sequence[Write]) -> int:
        """Claim what is written and keep the writes.

        Raises:
            TransactionConflict: another transaction has written one of the documents, or somebody
                has since the snapshot.
            DuplicateKey: a unique index has the key of one of them for another document.
            DatabaseRequestFailed: it is about a collection as a whole, or too much.
        """
        for write in writes:
            if not isinstance(write, Put | Delete):
                raise DatabaseRequestFailed(
                    f"[FailedOperation] Cannot create or drop collection {write.collection} in a "
                    "transaction",
                    mongo_code=_MONGO_NOT_IN_TRANSACTION,
                    hint="create collections before the transaction starts",
                )
            document_id = write.document["_id"] if isinstance(write, Put) else write.document_id
            self._snapshot.claim(write.collection, document_id)
            key = hash_key(document_id)
            self._own.setdefault(write.collection, {})[key] = write
            for keys in self._unique_of(write.collection):
                keys.delete(key)
        # Documents of one commit may change keys among themselves, as they may in the store.
        for put in (write for write in writes if isinstance(write, Put)):
            for keys in self._unique_of(put.collection):
                keys.put(hash_key(put.document["_id"]), put.document)
        if len(self._snapshot.claims) > DOCUMENTS_WRITTEN_MAX:
            raise DatabaseRequestFailed(
                f"[FailedOperation] a transaction may write {DOCUMENTS_WRITTEN_MAX} documents",
                mongo_code=_MONGO_TOO_LARGE,
                hint="write them in several transactions",
            )
        return self._snapshot.sequence

    def _unique_of(self, name: str) -> list[UniqueKeys]:
        """Return the unique indexes as they were when the transaction first wrote there."""
        found = self._unique.get(name)
        if found is None:
            wanted = [each for each in described(self.description(name)) if each.unique]
            collection = self._collection(name) if wanted else None
            stored = collection.indexes() if collection is not None else ()
            found = self._unique[name] = [
                UniqueKeys(name, definition, _with(definition, stored), self._snapshot)
                for definition in wanted
            ]
        return found

    async def durable(self) -> None:
        """Return at once: nothing is kept yet."""

    async def checkpoint(self) -> None:
        """Do nothing: there is no disk."""

    async def tend(self) -> None:
        """Return at once: there is nothing to tend."""

    async def close(self) -> None:
        """Give up the snapshot and its claims."""
        self._snapshot.close()


class OverlayCollection:
    """The documents of one collection as the transaction sees them; its own new ones come last."""

    def __init__(self, name: str, snapshot: Snapshot, own: Own) -> None:
        self._name = name
        self._snapshot = snapshot
        self._own = own

    def __len__(self) -> int:
        stored = self._snapshot.stored(self._name)
        if stored is not None and not self._seen():
            return len(stored)
        return len(self.snapshot())

    def by_id(self, document_id: Value) -> Document | None:
        """Return the document with this `_id`."""
        write = self._own.get(hash_key(document_id))
        if write is None:
            return self._snapshot.by_id(self._name, document_id)
        return write.document if isinstance(write, Put) else None

    def snapshot(self) -> list[Document]:
        """Return the documents as a list of their own."""
        documents = self._snapshot.documents(self._name)
        if not self._own:
            return documents
        own = {
            key: write.document if isinstance(write, Put) else None
            for key, write in self._own.items()
        }
        seen = (own.pop(hash_key(document["_id"]), document) for document in documents)
        found = [document for document in seen if document is not None]
        return [*found, *(document for document in own.values() if document is not None)]

    def scan(self, matches: Callable[[Document], bool]) -> Iterator[Document]:
        """Yield the documents that match, oldest first."""
        return filter(matches, self.snapshot())

    def numbered(self, document_ids: Iterable[Value]) -> dict[int, Document]:
        """Return the documents with these `_id`s by number, in the order of `snapshot`."""
        stored = self._snapshot.stored(self._name)
        if stored is None:
            return {}
        wanted = {hash_key(each): each for each in document_ids}
        seen = self._seen()
        kept = [each for key, each in wanted.items() if key not in seen]
        own = {key: seen[key] for key in seen if key in wanted}
        return dict(sorted((stored.numbered(kept) | numbered(own, stored)).items()))

    def indexes(self) -> Sequence[Index]:
        """Return the stored indexes, in front of which is what is not seen as it is stored."""
        stored = self._snapshot.stored(self._name)
        if stored is None:
            return ()
        seen = self._seen()
        if not seen:
            return stored.indexes()
        own = numbered(seen, stored)
        return tuple(OverlayIndex(index, own, seen.keys()) for index in stored.indexes())

    def build_ahead(self, definition: IndexDefinition) -> Generator[bool, None, None]:
        """Build nothing."""
        del definition
        yield from ()

    def _seen(self) -> dict[Hashable, Document | None]:
        """Return every document that is seen other than as it is stored, None where none is."""
        seen = self._snapshot.written_since(self._name)
        for key, write in self._own.items():
            seen[key] = write.document if isinstance(write, Put) else None
        return seen


def _with(definition: IndexDefinition, indexes: Sequence[Index]) -> Index | None:
    return next((index for index in indexes if index.definition == definition), None)
