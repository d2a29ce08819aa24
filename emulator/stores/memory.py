"""Owns the document store in memory: the reference that every other member is tested against.

Not here: blobs (`stores.disk`). The one idea: dictionaries in insertion order, and nothing else;
whoever wants to know what a store does reads this one.
"""

from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Sequence

from emulator.core.indexes import IndexDefinition, described
from emulator.core.ordering import hash_key
from emulator.core.values import Document, Value
from emulator.stores.base import Collection, Create, Delete, Drop, Index, Put, Write
from emulator.stores.indexes import check_documents


class MemoryCollection:
    """Documents by what their `_id` is equal by; defined indexes refuse, and serve no reads."""

    def __init__(self) -> None:
        self.documents: dict[Hashable, Document] = {}
        self.description: Document = {}

    def copy(self) -> "MemoryCollection":
        """Return a collection of the same documents."""
        other = MemoryCollection()
        other.documents = self.documents.copy()
        other.description = self.description
        return other

    def __len__(self) -> int:
        return len(self.documents)

    def by_id(self, document_id: Value) -> Document | None:
        """Return the stored document with this `_id`."""
        return self.documents.get(hash_key(document_id))

    def numbered(self, document_ids: Iterable[Value]) -> dict[int, Document]:
        """Return the stored documents with these `_id`s by their place among all."""
        wanted = set(map(hash_key, document_ids))
        places = enumerate(self.documents.items())
        return {place: document for place, (key, document) in places if key in wanted}

    def snapshot(self) -> list[Document]:
        """Return the stored documents as a list of their own."""
        return list(self.documents.values())

    def scan(self, matches: Callable[[Document], bool]) -> Iterator[Document]:
        """Yield the stored documents that match, oldest first."""
        return filter(matches, self.documents.values())

    def indexes(self) -> Sequence[Index]:
        """Return none: everything is scanned."""
        return ()

    def build_ahead(self, definition: IndexDefinition) -> Generator[bool, None, None]:
        """Build nothing."""
        del definition
        yield from ()


class MemoryDocumentStore:
    """Collections by name; a commit copies what it changes, and nothing outlives the process."""

    waits = False

    def __init__(self) -> None:
        self.sequence = 0
        self._collections: dict[str, MemoryCollection] = {}

    def names(self) -> list[str]:
        """Return the names of the collections, in order of creation."""
        return list(self._collections)

    def collection(self, name: str) -> Collection | None:
        """Return the collection, or None when it was never created."""
        return self._collections.get(name)

    def description(self, name: str) -> Document:
        """Return what `Describe` last said of the collection."""
        held = self._collections.get(name)
        return {} if held is None else held.description

    def commit(self, writes: Sequence[Write]) -> int:
        """Apply the writes and count the commit; raises as `DocumentStore.commit` of indexes."""
        collections = self._collections.copy()
        for name in {write.collection for write in writes}:
            if name in collections:
                collections[name] = collections[name].copy()
        for write in writes:
            _apply(collections, write)
        for name in {write.collection for write in writes} & collections.keys():
            held = collections[name]
            documents = dict(enumerate(held.documents.values()))
            check_documents(name, described(held.description), documents)
        self._collections = collections
        self.sequence += bool(writes)
        return self.sequence

    async def durable(self) -> None:
        """Return at once: there is nothing to wait for."""

    async def checkpoint(self) -> None:
        """Do nothing: there is no disk."""

    async def tend(self) -> None:
        """Return at once: there is nothing to tend."""

    def notices(self) -> tuple[str, ...]:
        """Return nothing: there was no recovery."""
        return ()

    async def close(self) -> None:
        """Forget everything."""
        self._collections.clear()


def _apply(collections: dict[str, MemoryCollection], write: Write) -> None:
    name = write.collection
    if isinstance(write, Drop):
        collections.pop(name, None)
    elif isinstance(write, Delete):
        if name in collections:
            collections[name].documents.pop(hash_key(write.document_id), None)
    else:
        held = collections.setdefault(name, MemoryCollection())
        if isinstance(write, Put):
            held.documents[hash_key(write.document["_id"])] = write.document
        elif not isinstance(write, Create):
            held.description = write.description
