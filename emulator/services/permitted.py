"""Owns the database as anyone may use it: each command is decided on, then carried out.

Not here: the verdicts (`services.access`) and the work (`services.database`). The one idea: an
administrator's command passes straight through; for anyone else the command is replaced by the one
that this caller may give, in the same turn of the loop, so that nothing changes in between.
"""

from collections.abc import Coroutine
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
from emulator.services.access import Access
from emulator.services.access_look_ups import Ask
from emulator.services.access_rewrite import OWNER
from emulator.services.bus import Bus
from emulator.services.caller import Caller
from emulator.services.database import Asked, Database
from emulator.services.permitting import operation_of, permit
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
        permitted = self.permitted(command, caller)
        if permitted is command:
            return super().find(command, caller)
        return self._narrowed(command, permitted, caller)

    def explain(self, command: Find, caller: Caller) -> Coroutine[Any, Any, Reading]:
        """Read as `find` would and return what that took."""
        return super().explain(self.permitted(command, caller), caller)

    def count(self, command: Count, caller: Caller) -> Coroutine[Any, Any, int]:
        """Return how many documents match that the caller may read."""
        return super().count(self.permitted(command, caller), caller)

    def aggregate(self, command: Aggregate, caller: Caller) -> Coroutine[Any, Any, Found]:
        """Return what a pipeline makes of the documents that the caller may read."""
        return super().aggregate(self.permitted(command, caller), caller)

    def insert(self, command: Insert, caller: Caller) -> Inserted:
        """Insert every document or none, each marked as the caller's."""
        return super().insert(self.permitted(command, caller), caller)

    def update(self, command: Update, caller: Caller) -> Updated:
        """Change the documents that match and that the caller may change."""
        return super().update(self.permitted(command, caller), caller)

    def find_and_modify(self, command: FindAndModify, caller: Caller) -> Modified:
        """Change one document that the caller may change, and return it as it became."""
        return super().find_and_modify(self.permitted(command, caller), caller)

    def remove(self, command: Remove, caller: Caller) -> Removed:
        """Remove what matches and what the caller may remove."""
        return super().remove(self.permitted(command, caller), caller)

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

    def permitted(self, command: Asked, caller: Caller) -> Asked:
        """Return the command that this caller may give in place of the given one."""
        if caller.kind == "administrator":
            return command
        access = self._access
        access.record.hear(command, caller)
        permitted: Asked = permit(
            access,
            Ask(
                caller,
                operation_of(command),
                command.collection,
                self._store,
                self._reader,
                self._clock.now_ms(),
            ),
            command,
        )
        return permitted
