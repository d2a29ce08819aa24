"""Owns the data as a whole: seed, reset, and a collection's documents for inspection.

Not here: single documents (`services.database`) and files (`services.storage`).
"""

from collections.abc import Callable, Mapping, Sequence

from emulator.ambient import Clock, Ids
from emulator.core.changes import Change
from emulator.core.documents import admit
from emulator.core.errors import CollectionNotExist
from emulator.core.ordering import hash_key
from emulator.core.values import MISSING, Document
from emulator.services.bus import Bus
from emulator.services.policy import Policy
from emulator.services.recorder import Recorder
from emulator.services.storage import Storage
from emulator.stores.base import Create, DocumentStore, Drop, Put, Write


class Datasets:
    """The data of one environment."""

    def __init__(  # noqa: PLR0913  # each is another service's own business
        self,
        store: DocumentStore,
        storage: Storage,
        recorder: Recorder,
        *,
        bus: Bus,
        clock: Clock,
        ids: Ids,
        policy: Policy | None = None,
    ) -> None:
        self._policy = policy or Policy()
        self._store = store
        self._storage = storage
        self._recorder = recorder
        self._bus = bus
        self._clock = clock
        self._ids = ids
        self._others: list[Callable[[], None]] = []

    def also_clear(self, clear: Callable[[], None]) -> None:
        """Have what else holds data emptied when all of it is."""
        self._others.append(clear)

    async def seed(
        self,
        collections: Mapping[str, Sequence[Document]],
        *,
        replace: bool,
        triggers: bool = False,
    ) -> dict[str, int]:
        """Load documents as administrator; returns counts by collection.

        With `replace` every other collection goes; else documents with an `_id` that is there
        take its place. With `triggers` each document is published as an insert. All of it is one
        commit: a bad document leaves everything as it was.
        """
        now_ms = self._clock.now_ms()
        writes: list[Write] = []
        if replace:
            writes += [Drop(name) for name in self._store.names()]
        counts: dict[str, int] = {}
        for name, documents in collections.items():
            if replace or self._store.collection(name) is None:
                writes += [Create(name), *self._policy.description(name)]
            seen: set[object] = set()
            for given in documents:
                document = admit(given, now_ms=now_ms)
                if document.get("_id", MISSING) is MISSING:
                    document = {"_id": self._ids.document_id(), **document}
                seen.add(hash_key(document["_id"]))
                writes.append(Put(name, document))
            counts[name] = len(seen)
        if writes:
            sequence = self._store.commit(writes)
            if triggers:
                self._announce(writes, sequence)
            await self._store.durable()
        return counts

    async def reset(self) -> None:
        """Empty documents, files and logs."""
        writes: list[Write] = [Drop(name) for name in self._store.names()]
        if writes:
            self._store.commit(writes)
            await self._store.durable()
        await self._storage.clear()
        for clear in self._others:
            clear()
        self._recorder.clear()

    def documents(self, name: str) -> list[Document]:
        """Return the stored documents of a collection, oldest first; not to be changed.

        Raises:
            CollectionNotExist: there is no such collection.
        """
        collection = self._store.collection(name)
        if collection is None:
            raise CollectionNotExist.named(name)
        return collection.snapshot()

    def _announce(self, writes: Sequence[Write], sequence: int) -> None:
        for write in writes:
            if isinstance(write, Put):
                self._bus.publish(
                    Change(
                        sequence=sequence,
                        collection=write.collection,
                        operation="insert",
                        document_id=write.document["_id"],
                        before=None,
                        after=write.document,
                    )
                )
