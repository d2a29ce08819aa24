"""Owns what transactions see and hold of the stored documents: snapshots, and claims on documents.

Not here: a transaction's own writes (`stores.overlay`). The one idea: a stored document is never
changed in place, so a snapshot is what is stored now but for what was written since; while a
snapshot is open, what each written document was before is remembered. A claim is a document that an
open transaction has written: no other may write it, and whoever writes outside of transactions
waits for it (`PatientStore`) or takes it away (`VersionedStore`).
"""

import asyncio
from collections import deque
from collections.abc import Hashable, Iterator, Sequence
from typing import Final, TypeAlias

from emulator.core.errors import TransactionConflict
from emulator.core.ordering import hash_key
from emulator.core.values import MISSING, Document, Missing, Value
from emulator.stores.base import Collection, Delete, DocumentStore, Drop, Put, Write

CONFLICT: Final = (
    "[ResourceUnavailable.TransactionConflict] Transaction is conflict, maybe resource operated by "
    "others. Please check your request, but if the problem persists, contact us."
)

Place: TypeAlias = tuple[str, Hashable]
"""A document by its collection and what its `_id` is equal by."""


class Claimed(TransactionConflict):
    """A document is claimed by an open transaction; `ended` is set when that is over."""

    def __init__(self, ended: asyncio.Event) -> None:
        super().__init__(CONFLICT)
        self.ended = ended


class VersionedStore:
    """A document store whose past can be seen by snapshots; a commit breaks claims in its way."""

    def __init__(self, store: DocumentStore) -> None:
        self._store = store
        self._snapshots: list[Snapshot] = []
        self._claims: dict[Place, Snapshot] = {}
        self._history: dict[str, dict[Hashable, list[tuple[int, Document | None]]]] = {}
        self._order: deque[tuple[int, str, Hashable]] = deque()
        self.names = store.names
        self.collection = store.collection
        self.description = store.description
        self.durable = store.durable
        self.checkpoint = store.checkpoint
        self.tend = store.tend
        self.notices = store.notices
        self.close = store.close

    @property
    def sequence(self) -> int:
        """Return the sequence of the last commit."""
        return self._store.sequence

    @property
    def waits(self) -> bool:
        """Tell whether `durable` has something to wait for."""
        return self._store.waits

    def commit(self, writes: Sequence[Write]) -> int:
        """Commit to the store; snapshots do not see it, claims on what it writes are broken."""
        if not self._snapshots:
            return self._store.commit(writes)
        before = self._before(writes)
        sequence = self._store.commit(writes)
        for holder in self._holders(writes):
            holder.is_broken = True
        for (name, key), document in before.items():
            self._history.setdefault(name, {}).setdefault(key, []).append((sequence, document))
            self._order.append((sequence, name, key))
        return sequence

    def open(self) -> "Snapshot":
        """Return a snapshot of everything as it is now; close it after use."""
        snapshot = Snapshot(self, self.sequence)
        self._snapshots.append(snapshot)
        return snapshot

    def require_unclaimed(self, writes: Sequence[Write]) -> None:
        """Refuse writes to what an open transaction has written.

        Raises:
            Claimed: there is such a document; it says when to try again.
        """
        if self._claims:
            for holder in self._holders(writes):
                raise Claimed(holder.ended)

    def claim(self, snapshot: "Snapshot", name: str, document_id: Value) -> None:
        """Let a snapshot's owner, and nobody else, write a document until it is closed.

        Raises:
            TransactionConflict: another has claimed it, or it is not what the snapshot shows.
        """
        place = (name, hash_key(document_id))
        holder = self._claims.setdefault(place, snapshot)
        if holder is not snapshot:
            raise TransactionConflict(CONFLICT)
        snapshot.claims.add(place)
        if self.version(snapshot.sequence, *place) is not MISSING:
            raise TransactionConflict(CONFLICT)

    def version(self, sequence: int, name: str, key: Hashable) -> Document | Missing | None:
        """Return what a document was then, None if not there, MISSING if not written since."""
        for later, before in self._history.get(name, {}).get(key, ()):
            if later > sequence:
                return before
        return MISSING

    def written_since(self, sequence: int, name: str) -> dict[Hashable, Document | None]:
        """Return what the documents that were written later were then, None for those not there."""
        found: dict[Hashable, Document | None] = {}
        for key, versions in self._history.get(name, {}).items():
            if versions[-1][0] > sequence:
                found[key] = next(before for later, before in versions if later > sequence)
        return found

    def forget(self, snapshot: "Snapshot") -> None:
        """Let go of a snapshot, its claims and the past that only it could see."""
        self._snapshots.remove(snapshot)
        for place in snapshot.claims:
            del self._claims[place]
        oldest = self._snapshots[0].sequence if self._snapshots else self.sequence
        while self._order and self._order[0][0] <= oldest:
            _, name, key = self._order.popleft()
            versions = self._history[name][key]
            del versions[0]
            if not versions:
                del self._history[name][key]

    def _holders(self, writes: Sequence[Write]) -> Iterator["Snapshot"]:
        claims = self._claims
        for write in writes:
            if isinstance(write, Put | Delete):
                if (holder := claims.get(_place(write))) is not None:
                    yield holder
            elif isinstance(write, Drop):
                yield from (
                    holder for place, holder in claims.items() if place[0] == write.collection
                )

    def _before(self, writes: Sequence[Write]) -> dict[Place, Document | None]:
        """Return what these writes are about, as it is now."""
        found: dict[Place, Document | None] = {}
        for write in writes:
            name = write.collection
            collection = self.collection(name)
            if isinstance(write, Put | Delete):
                stored = None if collection is None else collection.by_id(_id(write))
                found.setdefault(_place(write), stored)
            elif isinstance(write, Drop) and collection is not None:
                for document in collection.snapshot():
                    found.setdefault((name, hash_key(document["_id"])), document)
        return found


class PatientStore:
    """The same store for whoever can wait: a commit that meets a claim raises `Claimed`."""

    def __init__(self, versions: VersionedStore) -> None:
        self._versions = versions
        self.names = versions.names
        self.collection = versions.collection
        self.description = versions.description
        self.durable = versions.durable
        self.checkpoint = versions.checkpoint
        self.tend = versions.tend
        self.notices = versions.notices
        self.close = versions.close

    @property
    def sequence(self) -> int:
        """Return the sequence of the last commit."""
        return self._versions.sequence

    @property
    def waits(self) -> bool:
        """Tell whether `durable` has something to wait for."""
        return self._versions.waits

    def commit(self, writes: Sequence[Write]) -> int:
        """Commit to the store; raises Claimed, with nothing changed, besides what that raises."""
        self._versions.require_unclaimed(writes)
        return self._versions.commit(writes)


class Snapshot:
    """What was stored after the commit of a sequence, and what its owner has claimed since.

    `is_broken` tells that somebody wrote a claimed document all the same; `ended` is set when the
    snapshot is closed.
    """

    __slots__ = ("_versions", "claims", "ended", "is_broken", "sequence")

    def __init__(self, versions: VersionedStore, sequence: int) -> None:
        self.sequence = sequence
        self.claims: set[Place] = set()
        self.is_broken = False
        self.ended = asyncio.Event()
        self._versions = versions

    def exists(self, name: str) -> bool:
        """Tell whether there is such a collection; creating and dropping them is seen at once."""
        return self._versions.collection(name) is not None

    def by_id(self, name: str, document_id: Value) -> Document | None:
        """Return the document as it was then, None when it was not there."""
        before = self._versions.version(self.sequence, name, hash_key(document_id))
        if before is not MISSING:
            return before
        collection = self._versions.collection(name)
        return None if collection is None else collection.by_id(document_id)

    def written_since(self, name: str) -> dict[Hashable, Document | None]:
        """Return what the documents that were written since were, None for those not there."""
        return self._versions.written_since(self.sequence, name)

    def stored(self, name: str) -> Collection | None:
        """Return the collection as it is now."""
        return self._versions.collection(name)

    def documents(self, name: str) -> list[Document]:
        """Return the documents as they were then; those removed since come last."""
        collection = self._versions.collection(name)
        stored = [] if collection is None else collection.snapshot()
        before = self._versions.written_since(self.sequence, name)
        if not before:
            return stored
        found: list[Document] = []
        for document in stored:
            was = before.pop(hash_key(document["_id"]), document)
            if was is not None:
                found.append(was)
        return [*found, *(was for was in before.values() if was is not None)]

    def claim(self, name: str, document_id: Value) -> None:
        """Claim a document; raises TransactionConflict."""
        self._versions.claim(self, name, document_id)

    def close(self) -> None:
        """Give up everything; whoever waits for it may go on."""
        if not self.ended.is_set():
            self._versions.forget(self)
            self.ended.set()


def _id(write: Put | Delete) -> Value:
    return write.document["_id"] if isinstance(write, Put) else write.document_id


def _place(write: Put | Delete) -> Place:
    return write.collection, hash_key(_id(write))
