"""Owns TinyDB as the document store: database, table and storage classes, and the store itself.

Not here: the bytes on disk (`stores.folder` and below). The one idea: TinyDB's own table copies and
rewrites the whole database for each write; this one keeps its documents by number and by `_id`, and
every write, by TinyDB's methods or by `commit`, is one record of the journal. Only public extension
points are used: `table_class`, `default_storage_class`, `Storage` and `Table`'s public methods.
"""

import asyncio
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

from tinydb import TinyDB
from tinydb.storages import Storage
from tinydb.table import Document as NumberedDocument
from tinydb.table import Table

from emulator.ambient import Clock
from emulator.core.indexes import IndexDefinition
from emulator.core.values import Document, Value
from emulator.stores.base import Collection, Create, Drop, Index, JournalMode, Write
from emulator.stores.collector import Retention, paused
from emulator.stores.contents import Documents, Step, owned
from emulator.stores.files import Files
from emulator.stores.folder import Folder, open_kept
from emulator.stores.shared_sync import SharedSync
from emulator.stores.upkeep import Upkeep

Query: TypeAlias = Callable[[Any], bool]
Fields: TypeAlias = Mapping[str, Value] | Callable[[Any], None]


class JournalStorage(Storage):
    """A TinyDB storage that keeps documents in memory and each commit in a journal.

    `mode` says how safe a commit is (`memory`: kept nowhere, the folder is not touched).
    `access_mode="r"` reads checkpoint and journal as they are, even beside a running suite, and
    changes nothing on disk.
    """

    def __init__(
        self,
        folder: str | Path = "",
        *,
        mode: JournalMode = "os",
        access_mode: Literal["r", "r+"] = "r+",
        files: Files | None = None,
    ) -> None:
        self._retention = Retention()
        chosen = files or Files()
        with paused():
            self.kept = open_kept(Path(folder), mode=mode, access_mode=access_mode, files=chosen)
            self.contents = self.kept.contents
            self._retention.loaded(sum(map(len, self.contents.collections.values())))

    @property
    def sequence(self) -> int:
        """Return the sequence of the last commit."""
        return self.kept.sequence

    def commit(self, writes: Sequence[Write]) -> int:
        """Journal the writes as one record, apply them and return its sequence.

        Raises:
            StoreError: the journal could not be written; nothing was applied.
            InvalidParam: a document holds what cannot be stored; nothing was applied.
        """
        return self.record(self.contents.plan(writes)) if writes else self.sequence

    def record(self, steps: Sequence[Step]) -> int:
        """Journal and apply steps that are planned already; raises as `commit`."""
        sequence = self.kept.append(steps)
        self.contents.apply(steps)
        self._retention.keep(len(steps))
        return sequence

    def read(self) -> dict[str, dict[str, Any]]:
        """Return a copy of everything, in TinyDB's layout."""
        return {
            name: {str(number): owned(document) for number, document in held.by_number.items()}
            for name, held in self.contents.collections.items()
        }

    def write(self, data: Mapping[str, Mapping[Any, Mapping[str, Value]]]) -> None:
        """Put everything in place of what is there, as one commit."""
        steps: list[Step] = [
            ["drop", name] for name in self.contents.collections if name not in data
        ]
        for name, table in data.items():
            steps.append(["clear", name])
            steps += [["put", name, int(key), owned(table[key])] for key in table]
        self.contents.check(steps)
        self.record(steps)
        self.contents.settle()

    def close(self) -> None:
        """Write the checkpoint and let go of the files; raises StoreError when it cannot."""
        try:
            if (write := self.kept.begin_checkpoint()) is not None:
                write()
        finally:
            self.release()

    def release(self) -> None:
        """Let go of the files; the journal has what no checkpoint has."""
        self.kept.close()
        self._retention.release()


class DocTable(Table):
    """A TinyDB table that is a collection: O(1) writes, O(1) reads by document id and by `_id`.

    TinyDB's own methods take and give copies; `by_id`, `snapshot` and `scan` give the stored
    documents themselves, which must not be changed. Documents are in the order of their ids.
    """

    def __init__(
        self,
        storage: Storage,
        name: str,
        cache_size: int = Table.default_query_cache_capacity,
        persist_empty: bool = False,  # noqa: FBT001, FBT002  # TinyDB's signature
    ) -> None:
        super().__init__(storage, name, cache_size)
        if not hasattr(storage, "record"):
            raise TypeError(f"{type(storage).__name__} has no journal: use JournalStorage")
        self._journalled: JournalStorage = storage  # type: ignore[assignment]  # or a middleware
        if persist_empty:
            self._journalled.commit([Create(name)])

    def by_id(self, document_id: Value) -> Document | None:
        """Return the stored document with this `_id`."""
        return self._held.by_id(document_id)

    def numbered(self, document_ids: Iterable[Value]) -> dict[int, Document]:
        """Return the stored documents with these `_id`s by document id, ascending."""
        return self._held.numbered(document_ids)

    def snapshot(self) -> list[Document]:
        """Return the stored documents as a list of their own."""
        return list(self._held.by_number.values())

    def scan(self, matches: Callable[[Document], bool]) -> Iterator[Document]:
        """Yield the stored documents that match, oldest first."""
        return filter(matches, self._held.by_number.values())

    def indexes(self) -> Sequence[Index]:
        """Return the indexes: of `_id` first, then in order of creation."""
        return self._held.indexes.readable()

    def build_ahead(self, definition: IndexDefinition) -> Generator[bool, None, None]:
        """Build an index that is about to be defined, a piece at a time."""
        return self._held.build_ahead(self.name, definition)

    def insert(self, document: Mapping[str, Value]) -> int:
        """Insert a document and return its document id; a `NumberedDocument` brings its own.

        Raises:
            DuplicateKey: its `_id` is taken.
            ValueError: its document id is taken, or it is no mapping.
        """
        return self.insert_multiple((document,))[0]

    def insert_multiple(self, documents: Iterable[Mapping[str, Value]]) -> list[int]:
        """Insert documents, all or none, and return their ids; raises as `insert`."""
        held = self._held
        number = held.next_number
        drafts: dict[int, Mapping[str, Value]] = {}
        for document in documents:
            if not isinstance(document, Mapping):
                raise ValueError("Document is not a Mapping")  # noqa: TRY004  # as TinyDB's own
            given = document.doc_id if isinstance(document, self.document_class) else number
            if given in held.by_number or given in drafts:
                raise ValueError(f"Document with ID {given} already exists")
            drafts[given] = document
            number = max(number, given + 1)
        self._keep(drafts)
        return list(drafts)

    def search(self, cond: Query) -> list[NumberedDocument]:
        """Return copies of the documents that match."""
        items = self._held.by_number.items()
        return [self._given(number, document) for number, document in items if cond(document)]

    def get(
        self,
        cond: Query | None = None,
        doc_id: int | None = None,
        doc_ids: Iterable[int] | None = None,
    ) -> Any:
        """Return a copy of one document, None when there is none, or a list for `doc_ids`."""
        held = self._held
        if doc_id is not None:
            document = held.by_number.get(doc_id)
            return None if document is None else self._given(doc_id, document)
        if doc_ids is not None:
            numbers = sorted(set(doc_ids) & held.by_number.keys())
            return [self._given(number, held.by_number[number]) for number in numbers]
        if cond is None:
            raise RuntimeError("You have to pass either cond or doc_id or doc_ids")
        matching = (self._given(*item) for item in held.by_number.items() if cond(item[1]))
        return next(matching, None)

    def contains(self, cond: Query | None = None, doc_id: int | None = None) -> bool:
        """Tell whether a document matches, or has this document id."""
        if doc_id is not None:
            return doc_id in self._held.by_number
        if cond is None:
            raise RuntimeError("You have to pass either cond or doc_id")
        return any(cond(document) for document in self._held.by_number.values())

    def count(self, cond: Query) -> int:
        """Return how many documents match."""
        return sum(1 for document in self._held.by_number.values() if cond(document))

    def update(
        self,
        fields: Fields,
        cond: Query | None = None,
        doc_ids: Iterable[int] | None = None,
    ) -> list[int]:
        """Set fields of the matching documents, or change them by a callable; return their ids."""
        held = self._held
        everything = cond is None and doc_ids is None
        numbers = list(held.by_number) if everything else self._find(cond, doc_ids)
        drafts = {number: owned(held.by_number[number]) for number in numbers}
        for number in numbers:
            _change(drafts[number], fields)
        self._keep(drafts)
        return numbers

    def update_multiple(self, updates: Iterable[tuple[Fields, Query]]) -> list[int]:
        """Update by pairs of fields and condition, each seeing what the one before has done."""
        pairs = list(updates)
        drafts: dict[int, Document] = {}
        updated: list[int] = []
        for number, document in self._held.by_number.items():
            for fields, cond in pairs:
                if cond(drafts.get(number, document)):
                    _change(drafts.setdefault(number, owned(document)), fields)
                    updated.append(number)
        self._keep(drafts)
        return updated

    def remove(self, cond: Query | None = None, doc_ids: Iterable[int] | None = None) -> list[int]:
        """Remove the matching documents and return their ids."""
        if cond is None and doc_ids is None:
            raise RuntimeError("Use truncate() to remove all documents")
        numbers = list(dict.fromkeys(self._find(cond, doc_ids)))
        if numbers:
            self._journalled.record([["delete", self.name, number] for number in numbers])
        return numbers

    def truncate(self) -> None:
        """Remove all documents and count from one again."""
        self._journalled.record([["clear", self.name]])

    def __len__(self) -> int:
        return len(self._held.by_number)

    def __iter__(self) -> Iterator[NumberedDocument]:
        for number, document in list(self._held.by_number.items()):
            yield self._given(number, document)

    @property
    def _held(self) -> Documents:
        held = self._journalled.contents.collections.get(self.name)
        return Documents() if held is None else held

    def _given(self, number: int, document: Document) -> NumberedDocument:
        return self.document_class(owned(document), number)

    def _find(self, cond: Query | None, doc_ids: Iterable[int] | None) -> list[int]:
        held = self._held.by_number
        if doc_ids is not None:
            return [number for number in doc_ids if number in held]
        return [number for number, document in held.items() if cond is not None and cond(document)]

    def _keep(self, drafts: Mapping[int, Mapping[str, Value]]) -> None:
        """Commit copies of documents by number, new or in place of those that are there."""
        name = self.name
        if drafts:
            self._held.check_ids(name, drafts)
            steps: list[Step] = [["put", name, key, owned(drafts[key])] for key in drafts]
            self._journalled.contents.check(steps)
            self._journalled.record(steps)
            self._held.settle()


class SuiteDB(TinyDB):
    """A TinyDB whose writes are journalled; its path is a folder, options are `JournalStorage`'s.

    As with any TinyDB, one thread at a time may use it.
    """

    table_class = DocTable
    default_storage_class = JournalStorage  # type: ignore[assignment]  # typed by its default

    @property
    def journalled(self) -> JournalStorage:
        """Return the storage, without saying what middleware is around it."""
        return self.storage  # type: ignore[return-value]  # a middleware passes everything on

    def tables(self) -> set[str]:
        """Return the names of the tables."""
        return set(self.journalled.contents.collections)

    def drop_table(self, name: str) -> None:
        """Remove a table with all its documents."""
        self.journalled.commit([Drop(name)])

    def drop_tables(self) -> None:
        """Remove every table."""
        self.journalled.commit([Drop(name) for name in self.journalled.contents.collections])


class TinyDocumentStore:
    """The document store of a suite: the tables of a `SuiteDB`, written by `commit`."""

    def __init__(self, db: SuiteDB, *, mode: JournalMode, clock: Clock) -> None:
        self.db = db
        self._storage = storage = db.journalled
        kept = storage.kept if isinstance(storage.kept, Folder) else None
        self._upkeep = None if kept is None else Upkeep(kept, clock=clock)
        self._shared = SharedSync(kept.journal) if kept and mode == "group" else None

    @classmethod
    def open(
        cls, folder: Path, *, mode: JournalMode, clock: Clock, files: Files | None = None
    ) -> "TinyDocumentStore":
        """Recover what the folder holds; with mode `memory` it is neither read nor written.

        Raises:
            StoreError: the folder cannot be read or written, or holds what is not ours.
        """
        return cls(SuiteDB(folder, mode=mode, files=files), mode=mode, clock=clock)

    def names(self) -> list[str]:
        """Return the names of the collections, in order of creation."""
        return list(self._storage.contents.collections)

    def collection(self, name: str) -> Collection | None:
        """Return the collection, or None when it was never created."""
        if name not in self._storage.contents.collections:
            return None
        return self.db.table(name)  # type: ignore[return-value]  # a DocTable, by table_class

    def description(self, name: str) -> Document:
        """Return what `Describe` last said of the collection."""
        held = self._storage.contents.collections.get(name)
        return {} if held is None else held.description

    def commit(self, writes: Sequence[Write]) -> int:
        """Journal the writes as one record and apply them; raises as `DocumentStore.commit`."""
        return self._storage.commit(writes)

    @property
    def sequence(self) -> int:
        """Return the sequence of the last commit, across restarts."""
        return self._storage.sequence

    @property
    def waits(self) -> bool:
        """Tell whether `durable` has something to wait for: in mode `group` only."""
        return self._shared is not None

    async def durable(self) -> None:
        """Wait until every commit so far is as safe as the mode promises; raises StoreError."""
        if self._shared is not None:
            await self._shared.wait()

    async def checkpoint(self) -> None:
        """Write the checkpoint in a thread, if anything changed; raises StoreError."""
        if self._upkeep is not None:
            await self._upkeep.checkpoint()

    async def tend(self) -> None:
        """Checkpoint whenever the journal has grown and writes pause; runs until cancelled."""
        if self._upkeep is not None:
            await self._upkeep.tend()

    def notices(self) -> tuple[str, ...]:
        """Return what recovery had to say, and why the last checkpoint failed if it did."""
        failure = "" if self._upkeep is None else self._upkeep.failure
        return (*self._storage.kept.notices, *filter(None, [failure]))

    async def close(self) -> None:
        """Write the checkpoint and let go of the files; raises StoreError when it cannot."""
        try:
            await self.checkpoint()
        finally:
            await asyncio.to_thread(self._storage.release)


def _change(document: Document, fields: Fields) -> None:
    if callable(fields):
        fields(document)
    else:
        document.update(fields)
