"""Owns the database as anyone may use it: each command is decided on, then carried out.

Not here: the verdicts (`services.access`) and the work (`services.database`). The one idea: an
administrator's command passes straight through; for anyone else the command is replaced by the one
that this caller may give, in the same turn of the loop, so that nothing changes in between.
"""

from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from emulator.ambient import Clock, Ids
from emulator.core.commands import (
    Aggregate,
    Count,
    Find,
    FindAndModify,
    Found,
    Insert,
    Inserted,
    Modified,
    Remove,
    Removed,
    Update,
    Updated,
)
from emulator.core.errors import EmulatorError
from emulator.core.rules.ruleset import Operation
from emulator.services.access import Access
from emulator.services.access_look_ups import Ask
from emulator.services.access_rewrite import OWNER, first_filter, with_first_filter
from emulator.services.bus import Bus
from emulator.services.caller import Caller
from emulator.services.database import Database
from emulator.services.planning import Reader
from emulator.services.policy import Policy
from emulator.services.reading import Reading
from emulator.stores.base import DocumentStore


class PermittedDatabase(Database):
    """The documents of one environment, for callers of every kind."""

    def __init__(  # noqa: PLR0913  # what the database itself is given
        self,
        store: DocumentStore,
        *,
        access: Access,
        bus: Bus,
        clock: Clock,
        ids: Ids,
        reader: Reader,
        policy: Policy | None = None,
    ) -> None:
        super().__init__(
            store, access=access, bus=bus, clock=clock, ids=ids, reader=reader, policy=policy
        )

    def find(self, command: Find, caller: Caller) -> Coroutine[Any, Any, Found]:
        """Return the documents that match and that the caller may read."""
        if caller.kind == "administrator":
            return super().find(command, caller)
        reached = self._access.reach(self._ask("read", command.collection, caller), command.filter)
        if reached is command.filter:
            return super().find(command, caller)
        return self._narrowed(command, replace(command, filter=reached), caller)

    async def explain(self, command: Find, caller: Caller) -> Reading:
        """Read as `find` would and return what that took."""
        if caller.kind != "administrator":
            ask = self._ask("read", command.collection, caller)
            command = replace(command, filter=self._access.reach(ask, command.filter))
        return await super().explain(command, caller)

    def count(self, command: Count, caller: Caller) -> Coroutine[Any, Any, int]:
        """Return how many documents match that the caller may read."""
        if caller.kind != "administrator":
            ask = self._ask("read", command.collection, caller)
            command = replace(command, filter=self._access.reach(ask, command.filter))
        return super().count(command, caller)

    def aggregate(self, command: Aggregate, caller: Caller) -> Coroutine[Any, Any, Found]:
        """Return what a pipeline makes of the documents that the caller may read."""
        if caller.kind != "administrator":
            reached = self._access.aggregated(
                self._ask("read", command.collection, caller), command.pipeline
            )
            if reached is not first_filter(command.pipeline):
                pipeline = with_first_filter(command.pipeline, reached)
                command = replace(command, pipeline=pipeline)
        return super().aggregate(command, caller)

    def insert(self, command: Insert, caller: Caller) -> Inserted:
        """Insert every document or none, each marked as the caller's."""
        if caller.kind != "administrator":
            ask = self._ask("create", command.collection, caller)
            documents = tuple(self._access.created(ask, each) for each in command.documents)
            command = replace(command, documents=documents)
        return super().insert(command, caller)

    def update(self, command: Update, caller: Caller) -> Updated:
        """Change the documents that match and that the caller may change."""
        if caller.kind != "administrator":
            ask = self._ask("update", command.collection, caller)
            command = self._access.changed(ask, command)
        return super().update(command, caller)

    def find_and_modify(self, command: FindAndModify, caller: Caller) -> Modified:
        """Change one document that the caller may change, and return it as it became."""
        if caller.kind != "administrator":
            ask = self._ask("update", command.collection, caller)
            update = Update(
                collection=command.collection, filter=command.filter, update=command.update
            )
            changed = self._access.changed(ask, update)
            command = replace(command, filter=changed.filter, update=changed.update)
        return super().find_and_modify(command, caller)

    def remove(self, command: Remove, caller: Caller) -> Removed:
        """Remove what matches and what the caller may remove."""
        if caller.kind != "administrator":
            ask = self._ask("delete", command.collection, caller)
            command = replace(command, filter=self._access.reach(ask, command.filter))
        return super().remove(command, caller)

    async def _narrowed(self, command: Find, narrowed: Find, caller: Caller) -> Found:
        """Find what is the caller's own, and tell the developer of what was there besides."""
        found = await super().find(narrowed, caller)
        record = self._access.record
        if found.documents or not record.wants_hints:
            return found
        others = {path: value for path, value in command.filter.items() if path != OWNER}
        try:
            count = await super().count(Count(collection=command.collection, filter=others), caller)
        except EmulatorError:
            # The hint would cost more than the query may; the answer stands without it.
            return found
        if count > 0:
            record.hint(
                f"read of {command.collection}: {count} matched, 0 visible: only the documents of "
                f"{caller.owner_id} are shown, as the collection's permission has it",
                request_id=caller.request_id,
            )
        return found

    def _ask(self, operation: Operation, collection: str, caller: Caller) -> Ask:
        return Ask(caller, operation, collection, self._store, self._reader, self._clock.now_ms())
