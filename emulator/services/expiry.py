"""Owns documents that go by themselves: those of TTL indexes, some time after their date.

Not here: the definitions (`services.indexes`). The one idea: what expired is removed by the command
anybody could give, so it is journalled, announced to triggers and served by the index like any
other removal; a sweep takes few documents at a time and looks at the suite's clock only.
"""

import asyncio
from collections.abc import Iterator
from typing import Final

from emulator.ambient import Clock
from emulator.core.commands import Find, Remove
from emulator.core.errors import EmulatorError
from emulator.core.indexes import IndexDefinition, described
from emulator.core.values import Date, Document
from emulator.services.caller import ADMINISTRATOR
from emulator.services.database import Database
from emulator.services.recorder import Recorder
from emulator.stores.base import DocumentStore

SWEEP_EVERY_MS: Final = 60_000
"""MongoDB's own interval: a document may outlive its time by so much."""
REMOVED_AT_ONCE_DOCUMENTS: Final = 100


class Expiry:
    """The sweeps of one environment."""

    def __init__(
        self,
        database: Database,
        store: DocumentStore,
        *,
        clock: Clock,
        recorder: Recorder,
        machine: Clock | None = None,
    ) -> None:
        self._database = database
        self._store = store
        self._clock = clock
        self._machine = machine or clock
        self._recorder = recorder
        self._swept_ms = clock.now_ms()

    async def run(self) -> None:
        """Sweep every minute of the machine's clock until cancelled.

        A month that is advanced in a second must not mean 43,200 looks at nothing: whoever turns
        the suite's clock asks for the sweeps that fall due.
        """
        while True:
            await self._machine.sleep_until(self._machine.now_ms() + SWEEP_EVERY_MS)
            await self.sweep()

    def next_due_ms(self) -> int | None:
        """Return when the next sweep is due by the suite's clock, None with nothing to expire."""
        if next(self._due(), None) is None:
            return None
        return min(self._swept_ms, self._clock.now_ms()) + SWEEP_EVERY_MS

    async def run_due(self) -> int:
        """Sweep if that is due; returns zero, for no timer was called."""
        due_ms = self.next_due_ms()
        if due_ms is not None and due_ms <= self._clock.now_ms():
            await self.sweep()
        return 0

    async def sweep(self) -> int:
        """Remove what has expired by now and return how many documents that were."""
        removed = 0
        self._swept_ms = self._clock.now_ms()
        for name, definition in self._due():
            try:
                removed += await self._sweep(name, definition)
            except EmulatorError as fault:
                # Such as a document that an open transaction has written: the next sweep is soon.
                self._recorder.log("warn", f"documents of {name} did not expire: {fault.message}")
        return removed

    def _due(self) -> Iterator[tuple[str, IndexDefinition]]:
        for name in self._store.names():
            for definition in described(self._store.description(name)):
                if definition.expire_after_s is not None:
                    yield name, definition

    async def _sweep(self, name: str, definition: IndexDefinition) -> int:
        assert definition.expire_after_s is not None, "only such indexes are due"
        (path, _), *_ = definition.keys
        last_ms = self._clock.now_ms() - int(definition.expire_after_s * 1000)
        expired: Document = {path: {"$lte": Date(last_ms)}}
        removed = 0
        while self._store.collection(name) is not None:
            find = Find(
                collection=name,
                filter=expired,
                limit=REMOVED_AT_ONCE_DOCUMENTS,
                projection={"_id": 1},
            )
            found = (await self._database.find(find, ADMINISTRATOR)).documents
            if not found or self._store.collection(name) is None:
                break
            # Asked again with the ids, for some may have been written since.
            ids = [document["_id"] for document in found]
            remove = Remove(collection=name, filter={"_id": {"$in": ids}, **expired}, multi=True)
            removed += self._database.remove(remove, ADMINISTRATOR).count
            await asyncio.sleep(0)
        return removed
