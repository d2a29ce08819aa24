"""Owns documents as a service: find, count, insert, update, remove; plan, check, commit, publish.

Not here: how filters and updates work (`core`), how commits are kept (`stores`), who may
(`services.access`). The one idea: a write runs from its first read to its publication without an
`await`, so the event loop is the lock; a long read runs in slices over a list of documents that
nobody changes in place.
"""

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from emulator.ambient import Clock, Ids
from emulator.core.changes import Change, Operation
from emulator.core.commands import (
    Aggregate,
    Count,
    CreateCollection,
    DropCollection,
    Find,
    FindAndModify,
    Found,
    Insert,
    Inserted,
    ListCollections,
    Modified,
    Remove,
    Removed,
    Update,
    Updated,
)
from emulator.core.documents import admit, resolve
from emulator.core.errors import (
    CollectionExists,
    CollectionNotExist,
    DuplicateKey,
    InvalidName,
    InvalidOperator,
    TransactionNotExist,
)
from emulator.core.ordering import hash_key, sort_documents
from emulator.core.projection import compile_projection
from emulator.core.query import CompiledFilter, compile_filter
from emulator.core.update import compile_update, replacement, upsert_base
from emulator.core.values import MISSING, Document, Value
from emulator.services.access import Access
from emulator.services.bus import Bus
from emulator.services.caller import Caller
from emulator.stores.base import Collection, Create, Delete, DocumentStore, Drop, Put, Write

SCAN_SLICE_DOCUMENTS = 2_000
INSERT_BATCH_MAX_DOCUMENTS = 100_000
COLLECTION_NAME = re.compile(r"[^\W\d][\w-]{0,63}\Z")
_CONTACT = "Please check your request, but if the problem persists, contact us."


@dataclass(slots=True)
class _Batch:
    """Writes of one command and the changes they will be once committed."""

    collection: str
    writes: list[Write]
    changes: list[tuple[Operation, Value, Document | None, Document | None]]

    def put(self, operation: Operation, before: Document | None, after: Document) -> None:
        self.writes.append(Put(self.collection, after))
        self.changes.append((operation, after["_id"], before, after))

    def delete(self, before: Document) -> None:
        self.writes.append(Delete(self.collection, before["_id"]))
        self.changes.append(("remove", before["_id"], before, None))


class Database:
    """The documents of one environment."""

    def __init__(
        self,
        store: DocumentStore,
        *,
        access: Access,
        bus: Bus,
        clock: Clock,
        ids: Ids,
        creates_collections: bool = False,
    ) -> None:
        self._store = store
        self._access = access
        self._bus = bus
        self._clock = clock
        self._ids = ids
        self._creates_collections = creates_collections

    async def find(self, command: Find, caller: Caller) -> Found:
        """Return the documents that match, sorted, cut and projected."""
        collection = self._readable("find", command.collection, caller)
        _refuse_transaction(command.transaction_id)
        matcher = compile_filter(resolve(command.filter, now_ms=self._clock.now_ms()))
        project = compile_projection(command.projection)
        if matcher.residual_is_id_only:
            found = collection.by_id(matcher.document_id)
            matching: Sequence[Document] = () if found is None else (found,)
        else:
            wanted = None
            if command.limit is not None and not command.sort and matcher.near is None:
                wanted = command.skip + command.limit
            matching = await _scan(collection, matcher, wanted)
        if matcher.near is not None:
            matching = _by_distance(matching, matcher)
        end = None if command.limit is None else command.skip + command.limit
        if command.sort:
            matching = sort_documents(matching, command.sort, end)
        return Found(documents=tuple(project(each) for each in matching[command.skip : end]))

    async def count(self, command: Count, caller: Caller) -> int:
        """Return how many documents match."""
        collection = self._readable("count", command.collection, caller)
        if not command.filter:
            return len(collection)
        matcher = compile_filter(resolve(command.filter, now_ms=self._clock.now_ms()))
        return len(await _scan(collection, matcher, None))

    async def aggregate(self, command: Aggregate, caller: Caller) -> Found:
        """Refuse: pipelines are not available yet.

        Raises:
            InvalidOperator: always, naming the first stage.
        """
        self._readable("aggregate", command.collection, caller)
        stage = next(iter(command.pipeline[0]), "") if command.pipeline else "an empty pipeline"
        raise InvalidOperator(
            f"[FailedOperation] aggregation is not available in this version ({stage})",
            hint="read the documents with get() and compute in the function",
        )

    def insert(self, command: Insert, caller: Caller) -> Inserted:
        """Insert every document or none.

        Raises:
            DuplicateKey: an `_id` is taken; nothing was inserted.
        """
        _refuse_transaction(command.transaction_id)
        collection = self._writable("insert", command.collection, caller)
        now_ms = self._clock.now_ms()
        batch = _Batch(command.collection, [], [])
        taken: set[object] = set()
        for given in command.documents:
            document = admit(given, now_ms=now_ms)
            if document.get("_id", MISSING) is MISSING:
                document = {"_id": self._ids.document_id(), **document}
            key = hash_key(document["_id"])
            if key in taken or collection.by_id(document["_id"]) is not None:
                raise _duplicate(command.collection, document["_id"])
            taken.add(key)
            batch.put("insert", None, document)
        self._commit(batch, caller)
        return Inserted(ids=tuple(change[1] for change in batch.changes))

    def update(self, command: Update, caller: Caller) -> Updated:
        """Apply update operators or a replacement to the documents that match.

        The documents change together or, when one of them refuses, not at all.
        """
        _refuse_transaction(command.transaction_id)
        collection = self._writable("update", command.collection, caller)
        now_ms = self._clock.now_ms()
        filter_ = resolve(command.filter, now_ms=now_ms)
        matcher = compile_filter(filter_)
        change = (
            _Replacing(command.update, now_ms)
            if command.replace
            else _Updating(command.update, now_ms)
        )
        batch = _Batch(command.collection, [], [])
        matched = 0
        for document in _matching(collection, matcher, multi=command.multi):
            matched += 1
            after = change.apply(document, matcher)
            if after is not document:
                batch.put(change.operation, document, after)
        upserted: Value = None
        if not matched and command.upsert:
            upserted = self._upsert(batch, change, filter_, collection)
        self._commit(batch, caller)
        modified = 0 if upserted is not None else len(batch.writes)
        return Updated(matched=matched, modified=modified, upserted_id=upserted)

    def find_and_modify(self, command: FindAndModify, caller: Caller) -> Modified:
        """Apply update operators to one document and return it as it became."""
        _refuse_transaction(command.transaction_id)
        collection = self._writable("update", command.collection, caller)
        now_ms = self._clock.now_ms()
        matcher = compile_filter(resolve(command.filter, now_ms=now_ms))
        change = _Updating(command.update, now_ms)
        batch = _Batch(command.collection, [], [])
        for document in _matching(collection, matcher, multi=False):
            after = change.apply(document, matcher)
            if after is not document:
                batch.put("update", document, after)
            self._commit(batch, caller)
            return Modified(document=after)
        return Modified(document=None)

    def remove(self, command: Remove, caller: Caller) -> Removed:
        """Remove the first or every document that matches."""
        _refuse_transaction(command.transaction_id)
        collection = self._writable("remove", command.collection, caller)
        matcher = compile_filter(resolve(command.filter, now_ms=self._clock.now_ms()))
        batch = _Batch(command.collection, [], [])
        for document in list(_matching(collection, matcher, multi=command.multi)):
            batch.delete(document)
        self._commit(batch, caller)
        return Removed(count=len(batch.writes))

    def create_collection(self, command: CreateCollection, caller: Caller) -> None:
        """Create an empty collection.

        Raises:
            CollectionExists: it is there already.
            InvalidName: the cloud refuses such a name.
        """
        self._access.require_database(caller, "createCollection", command.collection)
        _require_name(command.collection)
        if self._store.collection(command.collection) is not None:
            raise CollectionExists(f"[ResourceInUse] Table exist: {command.collection}. {_CONTACT}")
        self._store.commit([Create(command.collection)])

    def drop_collection(self, command: DropCollection, caller: Caller) -> None:
        """Remove a collection with its documents; triggers are not told."""
        self._access.require_database(caller, "dropCollection", command.collection)
        self._existing(command.collection)
        self._store.commit([Drop(command.collection)])

    def list_collections(self, command: ListCollections, caller: Caller) -> list[dict[str, Value]]:
        """Return name and number of documents of every collection."""
        del command
        self._access.require_database(caller, "listCollections", "*")
        sizes = ((name, self._store.collection(name)) for name in self._store.names())
        return [{"name": name, "count": len(each)} for name, each in sizes if each is not None]

    def _upsert(
        self,
        batch: _Batch,
        change: "_Replacing | _Updating",
        filter_: Document,
        collection: Collection,
    ) -> Value:
        document = change.insert(upsert_base(filter_))
        if document.get("_id", MISSING) is MISSING:
            document = {"_id": self._ids.document_id(), **document}
        if collection.by_id(document["_id"]) is not None:
            raise _duplicate(batch.collection, document["_id"])
        batch.put("insert", None, document)
        return document["_id"]

    def _commit(self, batch: _Batch, caller: Caller) -> None:
        if not batch.writes:
            return
        sequence = self._store.commit(batch.writes)
        for operation, document_id, before, after in batch.changes:
            self._bus.publish(
                Change(
                    sequence=sequence,
                    collection=batch.collection,
                    operation=operation,
                    document_id=document_id,
                    before=before,
                    after=after,
                    depth=caller.depth,
                    cause=caller.request_id,
                )
            )

    def _readable(self, operation: str, name: str, caller: Caller) -> Collection:
        self._access.require_database(caller, operation, name)
        return self._existing(name)

    def _writable(self, operation: str, name: str, caller: Caller) -> Collection:
        self._access.require_database(caller, operation, name)
        if self._creates_collections and self._store.collection(name) is None:
            _require_name(name)
            self._store.commit([Create(name)])
        return self._existing(name)

    def _existing(self, name: str) -> Collection:
        collection = self._store.collection(name)
        if collection is None:
            raise CollectionNotExist(
                f"[ResourceNotFound] Db or Table not exist: {name}. {_CONTACT}",
                hint=f"create it first: db.createCollection({name!r}), or seed it",
            )
        return collection


class _Updating:
    """Update operators, compiled once for every document of a command."""

    operation: Operation = "update"

    def __init__(self, update: Document, now_ms: int) -> None:
        self._compiled = compile_update(resolve(update, now_ms=now_ms))
        self._now_ms = now_ms

    def apply(self, document: Document, matcher: CompiledFilter) -> Document:
        return self._compiled.apply(
            document, now_ms=self._now_ms, matched_index=matcher.matched_index(document)
        )

    def insert(self, base: Document) -> Document:
        return self._compiled.apply(base, now_ms=self._now_ms, inserting=True)


class _Replacing:
    """A whole document in place of another."""

    operation: Operation = "replace"

    def __init__(self, update: Document, now_ms: int) -> None:
        self._document = admit(update, now_ms=now_ms)

    def apply(self, document: Document, matcher: CompiledFilter) -> Document:
        del matcher
        return replacement(document, self._document)

    def insert(self, base: Document) -> Document:
        return replacement({"_id": base["_id"]} if "_id" in base else None, self._document)


def _matching(
    collection: Collection, matcher: CompiledFilter, *, multi: bool
) -> Iterable[Document]:
    if matcher.residual_is_id_only:
        found = collection.by_id(matcher.document_id)
        return () if found is None else (found,)
    scan = collection.scan(matcher.matches)
    if multi:
        return list(scan)
    first = next(scan, None)
    return () if first is None else (first,)


async def _scan(
    collection: Collection, matcher: CompiledFilter, wanted: int | None
) -> list[Document]:
    """Return what matches, oldest first and `wanted` at most, letting the loop breathe."""
    matches = matcher.matches
    if len(collection) <= SCAN_SLICE_DOCUMENTS:
        documents = [each for each in collection.snapshot() if matches(each)]
        return documents if wanted is None else documents[:wanted]
    everything = collection.snapshot()
    found: list[Document] = []
    for start in range(0, len(everything), SCAN_SLICE_DOCUMENTS):
        found += [
            each for each in everything[start : start + SCAN_SLICE_DOCUMENTS] if matches(each)
        ]
        if wanted is not None and len(found) >= wanted:
            return found[:wanted]
        await asyncio.sleep(0)
    return found


def _by_distance(documents: Sequence[Document], matcher: CompiledFilter) -> list[Document]:
    assert matcher.near is not None
    measured = [(matcher.near.distance_m(each), each) for each in documents]
    return [
        each
        for distance, each in sorted(
            ((distance, each) for distance, each in measured if distance is not None),
            key=lambda pair: pair[0],
        )
    ]


def _duplicate(collection: str, document_id: Value) -> DuplicateKey:
    return DuplicateKey(
        "[FailedOperation] multiple write errors: [{write errors: [{E11000 duplicate key error "
        f"collection: {collection} index: _id_ dup key: {{ _id: {document_id!r:.200} }}}}]}}, "
        "{<nil>}]"
    )


def _require_name(name: str) -> None:
    if COLLECTION_NAME.match(name) is None:
        raise InvalidName(
            f"collection name {name!r:.100} is not allowed: begin with a letter or _, "
            "go on with letters, digits, _ or -, at most 64 characters"
        )


def _refuse_transaction(transaction_id: str | None) -> None:
    if transaction_id:
        raise TransactionNotExist(
            "[ResourceUnavailable.TransactionNotExist] Transaction does not exist on the server, "
            f"transaction must be commit or abort in 30 seconds. {_CONTACT}"
        )
