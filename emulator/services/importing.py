"""Owns taking documents in from a file of the cloud's formats, a stream of any length.

Not here: the formats (`services.interchange`) and seeds (`services.datasets`). The one idea: what
is complete is committed in batches while the rest still comes, so memory does not grow with the
file; a bad line costs itself and is told with its number, as the console of the cloud tells how
many records went in and how many did not.
"""

import asyncio
from collections.abc import AsyncIterable, Iterable
from dataclasses import field
from typing import Final, Literal

from emulator.ambient import Clock, Ids
from emulator.core.documents import admit
from emulator.core.errors import EmulatorError, InvalidParam, StoreError
from emulator.core.ordering import hash_key
from emulator.core.records import dataclass
from emulator.core.values import MISSING, Document
from emulator.services.database import COLLECTION_NAME
from emulator.services.interchange import READERS, Item, Lines
from emulator.services.policy import Policy
from emulator.stores.base import Create, DocumentStore, Put

Mode = Literal["insert", "upsert"]

BATCH_DOCUMENTS: Final = 50
BATCH_BYTES: Final = 512 * 1024
SAFE_EVERY_BATCHES: Final = 10
"""So many batches may be lost when the machine dies; the answer waits for all."""
PROBLEMS_TOLD_MAX: Final = 100


@dataclass(slots=True, kw_only=True)
class Imported:
    """What came of a file; `conflicts` are documents whose `_id` was taken, in mode insert."""

    collection: str
    inserted: int = 0
    replaced: int = 0
    conflicts: int = 0
    failed: int = 0
    problems: list[Item] = field(default_factory=list)

    def refuse(self, line: int, problem: str) -> None:
        """Take note of a line that did not go in; the first hundred are told."""
        if len(self.problems) < PROBLEMS_TOLD_MAX:
            self.problems.append(Item(line, None, problem))


class Importing:
    """Files into the collections of one environment."""

    def __init__(self, store: DocumentStore, *, clock: Clock, ids: Ids, policy: Policy) -> None:
        self._store = store
        self._policy = policy
        self._clock = clock
        self._ids = ids

    async def load(
        self, name: str, chunks: AsyncIterable[bytes], *, file_format: str, mode: Mode
    ) -> Imported:
        """Take the documents of a file in; a collection that is not there is created.

        In mode `insert` a document whose `_id` is taken stays out, in mode `upsert` it takes the
        place of the other. Triggers are not told. What was committed before a stream breaks stays.

        Raises:
            InvalidParam: the name, format or mode is none, or the file is not of the format.
            StoreError: the disk refused; batches before are in.
        """
        if COLLECTION_NAME.match(name) is None:
            raise InvalidParam(f"collection name {name!r:.100} is not allowed")
        if file_format not in READERS or mode not in ("insert", "upsert"):
            raise InvalidParam(
                f"format {file_format!r:.40} or mode {mode!r:.40} is not known",
                hint=f"formats are {', '.join(READERS)}; modes are insert, upsert",
            )
        batch = _Batch(self, Imported(collection=name), replaces=mode == "upsert")
        if self._store.collection(name) is None:
            self._store.commit([Create(name), *self._policy.description(name)])
        lines, reader, batches = Lines(), READERS[file_format](), 0
        async for chunk in chunks:
            for line, text in lines.feed(chunk):
                if batch.take(reader.feed(line, text), len(text)):
                    batches += 1
                    if batches % SAFE_EVERY_BATCHES == 0:
                        await self._store.durable()
                    await asyncio.sleep(0)
        for line, text in lines.finish():
            batch.take(reader.feed(line, text), len(text))
        batch.take(reader.finish(), 0)
        batch.commit()
        await self._store.durable()
        return batch.imported

    def admit(self, given: Document) -> Document:
        """Return the document as it will be stored; raises what is wrong with it."""
        document = admit(given, now_ms=self._clock.now_ms())
        if document.get("_id", MISSING) is MISSING:
            document = {"_id": self._ids.document_id(), **document}
        return document

    def is_there(self, name: str, document: Document) -> bool:
        """Tell whether the document's `_id` is taken."""
        collection = self._store.collection(name)
        return collection is not None and collection.by_id(document["_id"]) is not None

    def put(self, name: str, documents: Iterable[Document]) -> None:
        """Commit documents together."""
        self._store.commit([Put(name, document) for document in documents])


class _Batch:
    """Documents that wait for the next commit, by `_id`, and the lines they came from."""

    def __init__(self, importing: Importing, imported: Imported, *, replaces: bool) -> None:
        self.imported = imported
        self._importing = importing
        self._replaces = replaces
        self._waiting: dict[object, tuple[int, Document, bool]] = {}
        self._size_bytes = 0

    def take(self, items: Iterable[Item], size_bytes: int) -> bool:
        """Add what was read, and commit when enough has come; tell whether that was done."""
        for item in items:
            if item.document is None:
                self._fail(item.line, item.problem)
            else:
                self._add(item.line, item.document)
        self._size_bytes += size_bytes
        full = len(self._waiting) >= BATCH_DOCUMENTS or self._size_bytes >= BATCH_BYTES
        if full:
            self.commit()
        return full

    def commit(self) -> None:
        """Commit what waits: together, or one by one if one of them is refused."""
        waiting = list(self._waiting.values())
        self._waiting.clear()
        self._size_bytes = 0
        if not waiting:
            return
        name = self.imported.collection
        try:
            self._importing.put(name, [document for _, document, _ in waiting])
        except StoreError:
            raise
        except EmulatorError:
            for line, document, is_there in waiting:
                self._commit_one(line, document, is_there=is_there)
        else:
            for _, _, is_there in waiting:
                self._count(is_there=is_there)

    def _commit_one(self, line: int, document: Document, *, is_there: bool) -> None:
        try:
            self._importing.put(self.imported.collection, [document])
        except StoreError:
            raise
        except EmulatorError as fault:
            self._fail(line, fault.message)
        else:
            self._count(is_there=is_there)

    def _add(self, line: int, given: Document) -> None:
        try:
            document = self._importing.admit(given)
        except EmulatorError as fault:
            self._fail(line, fault.message)
            return
        key = hash_key(document["_id"])
        is_there = key in self._waiting or self._importing.is_there(
            self.imported.collection, document
        )
        if not is_there or self._replaces:
            if key in self._waiting:
                self.commit()
            self._waiting[key] = line, document, is_there
            return
        self.imported.conflicts += 1
        self.imported.refuse(line, f"the _id {document['_id']!r:.100} is taken")

    def _count(self, *, is_there: bool) -> None:
        if is_there:
            self.imported.replaced += 1
        else:
            self.imported.inserted += 1

    def _fail(self, line: int, problem: str) -> None:
        self.imported.failed += 1
        self.imported.refuse(line, problem)
