"""Owns what a write command prepares before it is committed: new documents and their changes.

Not here: which documents match, permission and commit (`services.database`). The one idea: a batch
gathers whole-document writes and what they mean, so that a commit is one record and each document
one `Change`.
"""

from collections.abc import Iterable

from emulator.core.changes import Change, Operation
from emulator.core.documents import admit, resolve
from emulator.core.errors import DatabaseRequestFailed, DuplicateKey
from emulator.core.indexes import described
from emulator.core.query import CompiledFilter
from emulator.core.update import compile_update, replacement, upsert_base, upsert_id
from emulator.core.values import Document, Filter, Value
from emulator.core.wording import shown
from emulator.services.caller import Caller
from emulator.services.key_steps import refuse_taken
from emulator.stores.base import Delete, DocumentStore, Put, Write


class Batch:
    """Writes of one command, and the changes they will be once committed."""

    def __init__(self, collection: str) -> None:
        self.collection = collection
        self.writes: list[Write] = []
        self._changes: list[tuple[Operation, Value, Document | None, Document | None]] = []

    def put(self, operation: Operation, before: Document | None, after: Document) -> None:
        """Add a new document, or one in place of `before`."""
        self.writes.append(Put(self.collection, after))
        self._changes.append((operation, after["_id"], before, after))

    def delete(self, before: Document) -> None:
        """Add the end of a document."""
        self.writes.append(Delete(self.collection, before["_id"]))
        self._changes.append(("remove", before["_id"], before, None))

    def ids(self) -> tuple[Value, ...]:
        """Return the ids of the documents, in order."""
        return tuple(change[1] for change in self._changes)

    def commit(self, store: DocumentStore) -> int:
        """Commit the writes in one go and return the sequence.

        Raises:
            DuplicateKey: a unique index has the key of one of them for another document.
        """
        try:
            if len(self.writes) > 1:
                self._refuse_taken(store)
            return store.commit(self.writes)
        except DuplicateKey as refusal:
            raise write_errors(refusal) from refusal

    def _refuse_taken(self, store: DocumentStore) -> None:
        unique = [each for each in described(store.description(self.collection)) if each.unique]
        if unique:
            steps = [(old, new) for _, _, old, new in self._changes if old and new]
            refuse_taken(self.collection, steps, unique)

    def changes(self, sequence: int, caller: Caller) -> Iterable[Change]:
        """Return what was changed by the commit of that sequence."""
        for operation, document_id, before, after in self._changes:
            yield Change(
                sequence=sequence,
                collection=self.collection,
                operation=operation,
                document_id=document_id,
                before=before,
                after=after,
                depth=caller.depth,
                cause=caller.request_id,
            )


class Updating:
    """Update operators, compiled once for every document of a command."""

    operation: Operation = "update"

    def __init__(self, update: Document, now_ms: int) -> None:
        try:
            self._compiled = compile_update(resolve(update, now_ms=now_ms))
        except DatabaseRequestFailed as refusal:
            raise in_cloud_words(refusal) from None
        self._now_ms = now_ms

    def apply(self, document: Document, matcher: CompiledFilter) -> Document:
        """Return the document as it becomes, the same object when nothing changes."""
        index = matcher.matched_index(document) if self._compiled.is_positional else None
        try:
            return self._compiled.apply(document, now_ms=self._now_ms, matched_index=index)
        except DatabaseRequestFailed as refusal:
            raise in_cloud_words(refusal) from None

    def insert(self, wanted: Filter) -> Document:
        """Return the document an upsert makes of the filter's equalities."""
        base = upsert_base(wanted)
        try:
            return self._compiled.apply(base, now_ms=self._now_ms, inserting=True)
        except DatabaseRequestFailed as refusal:
            raise in_cloud_words(refusal) from None


class Replacing:
    """A whole document in place of another."""

    operation: Operation = "replace"

    def __init__(self, update: Document, now_ms: int) -> None:
        self._document = admit(update, now_ms=now_ms)

    def apply(self, document: Document, matcher: CompiledFilter) -> Document:
        """Return the whole new document under the old `_id`."""
        del matcher
        return replacement(document, self._document)

    def insert(self, wanted: Filter) -> Document:
        """Return the document an upsert makes; only an `_id` comes from the filter."""
        return replacement(upsert_id(wanted), self._document)


def duplicate(collection: str, document_id: Value) -> DuplicateKey:
    """Return the refusal of an `_id` that is taken, in the cloud's words."""
    return write_errors(
        DuplicateKey(
            f"E11000 duplicate key error collection: {collection} index: _id_ "
            f"dup key: {{ _id: {shown(document_id, 200)} }}"
        )
    )


def write_errors(refusal: DuplicateKey) -> DuplicateKey:
    """Return a refusal by the store in the cloud's words."""
    return DuplicateKey(_wrapped(refusal.message), hint=refusal.hint)


def in_cloud_words(refusal: DatabaseRequestFailed) -> DatabaseRequestFailed:
    """Return the refusal of an update, its text as the cloud passes MongoDB's on."""
    refusal.message = _wrapped(refusal.message)
    refusal.args = (refusal.message,)
    return refusal


def _wrapped(message: str) -> str:
    inner = f"{{write errors: [{{{message}}}]}}"
    return f"[FailedOperation] multiple write errors: [{inner}, {{<nil>}}]"
