"""Owns trying other rules on what users asked before: which answers would change.

Not here: what is remembered (`services.access_record`) and verdicts (`services.access`). The one
idea: both the rules that hold and the other ones are asked again about the documents as they are
now; nothing is read out and nothing is written.
"""

from typing import Any, Literal

from emulator.ambient import Clock
from emulator.core.commands import Aggregate
from emulator.core.errors import EmulatorError, InvalidParam, PermissionDenied
from emulator.core.records import dataclass
from emulator.core.values import Value
from emulator.services.access import Access
from emulator.services.access_look_ups import Ask
from emulator.services.access_rewrite import filled, first_filter
from emulator.services.caller import Caller
from emulator.services.permissions import Permissions, PermissionSettings
from emulator.services.permitting import operation_of, permit
from emulator.services.planning import Reader
from emulator.stores.base import DocumentStore

Answer = Literal["allowed", "own", "denied"]
"""As it was asked; cut down to the caller's own documents; not at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What was asked, and what came of it by the rules that hold and by the others."""

    operation: str
    user: str
    command: Value
    now: Answer
    then: Answer
    why: str

    def told(self) -> dict[str, Value]:
        """Return it as JSON data."""
        return {
            "operation": self.operation,
            "user": self.user,
            "command": self.command,
            "now": self.now,
            "then": self.then,
            "why": self.why,
        }


class RuleReplay:
    """Replays over the documents of one environment."""

    def __init__(
        self, access: Access, *, store: DocumentStore, reader: Reader, clock: Clock
    ) -> None:
        self._access = access
        self._store = store
        self._reader = reader
        self._clock = clock

    def replay(self, collection: str, source: Value) -> list[Replayed]:
        """Return what users asked of a collection since the start, oldest first.

        Raises:
            InvalidParam: a rule cannot be read.
        """
        settings = PermissionSettings(collections={collection: source})
        permissions = Permissions(settings)
        if permissions.notices:
            raise InvalidParam(permissions.notices[0])
        other = Access(permissions)
        held = Access(self._access.permissions)
        return [
            self._replayed(command, caller, held, other)
            for command, caller in self._access.record.heard()
            if command.collection == collection
        ]

    def _replayed(self, command: Any, caller: Caller, held: Access, other: Access) -> Replayed:
        now, _ = self._answer(held, command, caller)
        then, why = self._answer(other, command, caller)
        said = getattr(command, "filter", None)
        if said is None:
            said = getattr(command, "pipeline", None) or getattr(command, "documents", None)
        return Replayed(
            operation=operation_of(command),
            user=caller.owner_id,
            command=list(said) if isinstance(said, tuple) else said,
            now=now,
            then=then,
            why=why,
        )

    def _answer(self, access: Access, command: Any, caller: Caller) -> tuple[Answer, str]:
        ask = Ask(
            caller,
            operation_of(command),
            command.collection,
            self._store,
            self._reader,
            self._clock.now_ms(),
        )
        try:
            permitted = permit(access, ask, command)
        except PermissionDenied as denial:
            return "denied", denial.hint
        except EmulatorError as fault:
            # The query itself is wrong; permission has nothing to say.
            return "allowed", fault.message
        return (
            "own" if _condition(permitted) != filled(_condition(command), caller) else "allowed"
        ), ""


def _condition(command: Any) -> Value:
    """Return what a command says of the documents it is about, nothing for new ones."""
    if isinstance(command, Aggregate):
        return first_filter(command.pipeline)
    return getattr(command, "filter", None)
