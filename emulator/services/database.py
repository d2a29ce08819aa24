"""Owns documents as a service: find, count, insert, update, remove; plan, check, commit, publish.

Not here: how filters and updates work (`core`), how commits are kept (`stores`), who may read and
write documents (`services.permitted` asks before each command). The one idea: a write runs from its
first read to its publication without an `await`, so the event loop is the lock; reads go through
`services.planning`, writes of many documents are made of such steps in `services.pieces`.
"""

import re
from collections.abc import Iterator, Sequence
from typing import TypeVar

from emulator.ambient import Clock, Ids
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
    InvalidName,
    InvalidParam,
    TooManyCollections,
)
from emulator.core.indexes import described
from emulator.core.limits import WECHAT
from emulator.core.ordering import hash_key
from emulator.core.projection import compile_projection
from emulator.core.update import refuse_expression
from emulator.core.values import MISSING, Document, Value
from emulator.services.access import Access
from emulator.services.advisor import Advisor
from emulator.services.bus import Bus
from emulator.services.caller import Caller
from emulator.services.column_cache import ColumnCache
from emulator.services.filters import Filters
from emulator.services.planning import Reader
from emulator.services.policy import Policy
from emulator.services.reading import Question, Reading
from emulator.services.writes import Batch, Replacing, Updating, duplicate
from emulator.stores.base import Collection, Create, DocumentStore, Drop
from emulator.stores.overlay import OverlayStore

Changing = Replacing | Updating
Asked = TypeVar("Asked", Find, Count, Aggregate, Insert, Update, FindAndModify, Remove)

COLLECTION_NAME = re.compile(rf"\w[\w-]{{0,{WECHAT.collection_name_max_characters - 1}}}\Z")
_CONTACT = "Please check your request, but if the problem persists, contact us."


class Database:
    """The documents of one environment."""

    def __init__(  # noqa: PLR0913  # each is another service's own business
        self,
        store: DocumentStore,
        *,
        access: Access,
        bus: Bus,
        clock: Clock,
        ids: Ids,
        reader: Reader | None = None,
        policy: Policy | None = None,
    ) -> None:
        self._store = store
        self._reader = reader or Reader(clock=clock, advisor=Advisor(clock))
        self._policy = policy or Policy()
        self._filters = Filters()
        # A transaction writes without a commit that its sequence would tell of.
        self._columns = None if isinstance(store, OverlayStore) else ColumnCache()
        self._access = access
        self._bus = bus
        self._clock = clock
        self._ids = ids

    async def find(self, command: Find, caller: Caller) -> Found:
        """Return the documents that match, sorted, cut and projected."""
        collection = self._existing(command.collection)
        if command.skip < 0 or (command.limit or 0) < 0:
            raise InvalidParam(
                f"skip {command.skip} and limit {command.limit} must not be negative"
            )
        if (pinned := _pinned(command.filter)) is not None:
            project = compile_projection(command.projection)
            found = collection.by_id(pinned)
            if found is None or command.skip:
                return Found(documents=())
            return Found(documents=(project(found),))
        if not command.sort and not command.projection:
            equal = self._reader.equal(
                command.collection, collection, command.filter, _wanted(command), caller.request_id
            )
            if equal is not None:
                return Found(documents=tuple(equal[command.skip :]))
        question = self._find_question(command, collection, caller)
        project = compile_projection(
            command.projection, matched_index=question.matcher.matched_index
        )
        reading = await self._reader.read(question)
        wanted = reading.documents
        del wanted[: command.skip]
        if command.projection:
            wanted = await self._reader.project(wanted, project)
        return Found(documents=tuple(wanted))

    async def explain(self, command: Find, caller: Caller) -> Reading:
        """Read as `find` would and return what that took; the documents come without a cut."""
        collection = self._existing(command.collection)
        return await self._reader.read(self._find_question(command, collection, caller))

    async def count(self, command: Count, caller: Caller) -> int:
        """Return how many documents match."""
        collection = self._existing(command.collection)
        if not command.filter:
            return len(collection)
        counted = self._reader.equal_count(
            command.collection, collection, command.filter, caller.request_id
        )
        if counted is not None:
            return counted
        question = self._question(command, collection, caller)
        return len((await self._reader.read(question)).documents)

    async def aggregate(self, command: Aggregate, caller: Caller) -> Found:
        """Return what a pipeline makes of the documents as they are now."""
        # Many modules, which not every project needs.
        from emulator.services.aggregation import Sources, aggregate

        collection = self._existing(command.collection)
        now_ms = self._clock.now_ms()
        sources = Sources(
            store=self._store,
            clock=self._clock,
            ids=self._ids,
            # What the pipeline may begin with is decided before it gets here.
            find=lambda beginning: Database.find(self, beginning, caller),
            scan=lambda beginning: self._reader.scan(self._question(beginning, collection, caller)),
            columns=self._columns,
            may_read=lambda name: self._access.require_whole(caller, name, now_ms),
            limits=self._policy.limits,
        )
        return await aggregate(command, sources)

    def permitted(self, command: Asked, caller: Caller) -> Asked:
        """Return the command that this caller may give in place of the given one."""
        del caller
        return command

    def insert(self, command: Insert, caller: Caller) -> Inserted:
        """Insert every document or none.

        Raises:
            DuplicateKey: an `_id` is taken; nothing was inserted.
        """
        batch = Batch(command.collection)
        for document in self.new_documents(command):
            batch.put("insert", None, document)
        self._commit(batch, caller)
        return Inserted(ids=batch.ids())

    def update(self, command: Update, caller: Caller) -> Updated:
        """Apply update operators or a replacement to the documents that match.

        The documents change together or, when one of them refuses, not at all.
        """
        question, change = self.changing(command, caller)
        documents = self._reader.read_now(question).documents
        return self.updated(command, question, change, documents, caller)

    def find_and_modify(self, command: FindAndModify, caller: Caller) -> Modified:
        """Apply update operators to one document and return it as it became."""
        question, change = self.changing(command, caller)
        documents = self._reader.read_now(question).documents
        return Modified(document=self.change(question, change, documents, caller)[1])

    def remove(self, command: Remove, caller: Caller) -> Removed:
        """Remove the first or every document that matches."""
        question = self.removing(command, caller)
        documents = self._reader.read_now(question).documents
        return Removed(count=self.delete(question, documents, caller))

    def new_documents(self, command: Insert) -> Iterator[Document]:
        """Yield the documents as they will be stored; raises DuplicateKey if an `_id` is taken."""
        collection = self._writable(command.collection)
        now_ms = self._clock.now_ms()
        taken: set[object] = set()
        for given in command.documents:
            document = admit(given, now_ms=now_ms)
            if document.get("_id", MISSING) is MISSING:
                document = {"_id": self._ids.document_id(), **document}
            key = hash_key(document["_id"])
            if key in taken or collection.by_id(document["_id"]) is not None:
                raise duplicate(command.collection, document["_id"])
            taken.add(key)
            yield document

    def put_new(
        self, name: str, documents: Sequence[Document], caller: Caller
    ) -> tuple[Value, ...]:
        """Store documents that `new_documents` gave, all or none, and return their ids."""
        collection = self._existing(name)
        batch = Batch(name)
        for document in documents:
            if collection.by_id(document["_id"]) is not None:
                raise duplicate(name, document["_id"])
            batch.put("insert", None, document)
        self._commit(batch, caller)
        return batch.ids()

    def changing(
        self, command: Update | FindAndModify, caller: Caller
    ) -> tuple[Question, Changing]:
        """Return what an update looks for, and what it makes of it."""
        collection = self._writable(command.collection)
        now_ms = self._clock.now_ms()
        is_multi = isinstance(command, Update) and command.multi
        question = self._question(command, collection, caller, wanted=None if is_multi else 1)
        if isinstance(command, Update) and command.upsert:
            refuse_expression(command.filter)
        if isinstance(command, Update) and command.replace:
            return question, Replacing(command.update, now_ms)
        return question, Updating(command.update, now_ms)

    def removing(self, command: Remove, caller: Caller) -> Question:
        """Return what a removal looks for."""
        collection = self._writable(command.collection)
        return self._question(command, collection, caller, wanted=None if command.multi else 1)

    def change(
        self, question: Question, change: Changing, documents: Sequence[Document], caller: Caller
    ) -> tuple[int, Document | None]:
        """Change documents as they are now, together; return how many differ, and the last one."""
        batch = Batch(question.name)
        after: Document | None = None
        for document in documents:
            after = change.apply(document, question.matcher)
            if after is not document:
                batch.put(change.operation, document, after)
        self._commit(batch, caller)
        return len(batch.writes), after

    def delete(self, question: Question, documents: Sequence[Document], caller: Caller) -> int:
        """Remove documents as they are now, together, and return how many."""
        batch = Batch(question.name)
        for document in documents:
            batch.delete(document)
        self._commit(batch, caller)
        return len(batch.writes)

    def updated(
        self,
        command: Update,
        question: Question,
        change: Changing,
        documents: Sequence[Document],
        caller: Caller,
    ) -> Updated:
        """Change what an update has found or, if it says so, insert what it finds nothing of."""
        if documents or not command.upsert:
            modified, _ = self.change(question, change, documents, caller)
            return Updated(matched=len(documents), modified=modified)
        collection = self._existing(command.collection)
        batch = Batch(command.collection)
        filter_ = resolve(command.filter, now_ms=self._clock.now_ms())
        document = change.insert(filter_)
        if document.get("_id", MISSING) is MISSING:
            document = {"_id": self._ids.document_id(), **document}
        if collection.by_id(document["_id"]) is not None:
            raise duplicate(batch.collection, document["_id"])
        batch.put("insert", None, document)
        self._commit(batch, caller)
        return Updated(matched=0, modified=0, upserted_id=document["_id"])

    def create_collection(self, command: CreateCollection, caller: Caller) -> None:
        """Create an empty collection.

        Raises:
            CollectionExists: it is there already.
            InvalidName: the cloud refuses such a name.
            TooManyCollections: there are as many as the profile allows.
        """
        self._access.require_database(caller, "createCollection", command.collection)
        _require_name(command.collection)
        if self._store.collection(command.collection) is not None:
            raise CollectionExists(f"[ResourceInUse] Table exist: {command.collection}. {_CONTACT}")
        self._create(command.collection)

    def drop_collection(self, command: DropCollection, caller: Caller) -> None:
        """Remove a collection with its documents; triggers are not told."""
        self._access.require_database(caller, "dropCollection", command.collection)
        self._existing(command.collection)
        self._store.commit([Drop(command.collection)])
        if self._columns is not None:
            self._columns.dropped(command.collection)

    def list_collections(self, command: ListCollections, caller: Caller) -> list[dict[str, Value]]:
        """Return name and number of documents of every collection."""
        del command
        self._access.require_database(caller, "listCollections", "*")
        sizes = ((name, self._store.collection(name)) for name in self._store.names())
        return [{"name": name, "count": len(each)} for name, each in sizes if each is not None]

    def _question(
        self,
        command: Find | Count | Update | FindAndModify | Remove,
        collection: Collection,
        caller: Caller,
        *,
        wanted: int | None = None,
    ) -> Question:
        known = self._filters.known(command.collection, command.filter, now_ms=self._clock.now_ms())
        matcher = known.matcher
        places: dict[str, str] = {}
        if matcher.near is not None:
            for definition in described(self._store.description(command.collection)):
                for path, kind in definition.keys:
                    if kind in matcher.near.distance.index_kinds:
                        places.setdefault(path, definition.name)
        return Question(
            name=command.collection,
            collection=collection,
            matcher=matcher,
            sort=command.sort if isinstance(command, Find) else (),
            wanted=wanted,
            places=places,
            cause=caller.request_id,
            known=known,
        )

    def _find_question(self, command: Find, collection: Collection, caller: Caller) -> Question:
        return self._question(command, collection, caller, wanted=_wanted(command))

    def _commit(self, batch: Batch, caller: Caller) -> None:
        if not batch.writes:
            return
        sequence = batch.commit(self._store)
        if self._columns is not None:
            self._columns.written(batch.collection, batch.writes, sequence)
        for change in batch.changes(sequence, caller):
            self._bus.publish(change)

    def _writable(self, name: str) -> Collection:
        if self._policy.creates_collections and self._store.collection(name) is None:
            _require_name(name)
            self._create(name)
        return self._existing(name)

    def _create(self, name: str) -> None:
        most = self._policy.limits.collections_max
        if len(self._store.names()) >= most:
            raise TooManyCollections(
                f"[LimitExceeded] there are {most} collections, no more are allowed. {_CONTACT}",
                hint="drop one, or choose a profile that allows more",
            )
        self._store.commit([Create(name), *self._policy.description(name)])

    def _existing(self, name: str) -> Collection:
        collection = self._store.collection(name)
        if collection is None:
            raise CollectionNotExist.named(name)
        return collection


def _wanted(command: Find) -> int | None:
    return None if command.limit is None else command.skip + command.limit


def _pinned(filter_: Document) -> str | None:
    """Return the `_id` of the filter that most requests of an SDK have: one text, nothing else."""
    if len(filter_) == 1:
        document_id = filter_.get("_id")
        if type(document_id) is str:
            return document_id
    return None


def _require_name(name: str) -> None:
    if COLLECTION_NAME.match(name) is None:
        raise InvalidName(
            f"collection name {name!r:.100} is not allowed: begin with a letter, digit or _, "
            f"go on with those or -, at most {WECHAT.collection_name_max_characters} characters"
        )
