"""Owns transactions: which are open, what they have written, how each of them ends.

Not here: what a command does (`services.database`) and what a transaction sees (`stores.versions`,
`stores.overlay`). The one idea: each transaction has a database service of its own over its own
view of the documents, and a bus that only collects; a commit is one commit of everything to the
real store, so one record of the journal, and only then are its changes published.

As in the cloud (server SDK 3.18 and the guide to transactions): the snapshot is taken by the first
command; a write of what another transaction wrote, or what changed since the snapshot, fails at
once; whatever fails ends the transaction; 30 seconds after its start it is gone. A write outside of
transactions waits until a transaction that wrote the same document has ended.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import field, replace
from typing import Any, Final

from emulator.ambient import Clock, Ids
from emulator.core.changes import Change
from emulator.core.commands import (
    CommitTransaction,
    Find,
    FindAndModify,
    Insert,
    Remove,
    RollbackTransaction,
    Started,
    StartTransaction,
    Update,
)
from emulator.core.errors import EmulatorError, TransactionConflict, TransactionNotExist
from emulator.core.records import dataclass
from emulator.services.access import Access
from emulator.services.bus import Bus
from emulator.services.caller import Caller
from emulator.services.database import Database
from emulator.stores.base import DocumentStore
from emulator.stores.overlay import OverlayStore
from emulator.stores.versions import CONFLICT, Claimed, Snapshot, VersionedStore

TRANSACTION_LIFE_S: Final = 30
OPEN_TRANSACTIONS_MAX: Final = 1_000
CLAIM_WAIT_MAX_S: Final = 30.0
"""Real seconds, so that a write ends its wait even when the suite's clock stands still."""

NOT_EXIST: Final = (
    "[ResourceUnavailable.TransactionNotExist] Transaction does not exist on the server, "
    f"transaction must be commit or abort in {TRANSACTION_LIFE_S} seconds. Please check your "
    "request, but if the problem persists, contact us."
)

TransactionCommand = Find | Insert | Update | FindAndModify | Remove
TRANSACTION_COMMANDS: Final = (Find, Insert, Update, FindAndModify, Remove)
"""The commands that may belong to a transaction; the SDKs send the others outside of it."""


class TooManyTransactions(EmulatorError):
    """More transactions are open than one environment may have."""

    code = "EXCEED_CONCURRENT_REQUEST_LIMIT"


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """What a transaction has from its first command on."""

    snapshot: Snapshot
    overlay: OverlayStore
    database: Database
    changes: list[Change]


@dataclass(slots=True, kw_only=True)
class _Transaction:
    """An open transaction."""

    id: str
    expires_ms: int
    view: _View | None = field(default=None)


class Transactions:
    """The open transactions of one environment, the one that expires first in front."""

    def __init__(
        self,
        store: VersionedStore,
        *,
        access: Access,
        bus: Bus,
        clock: Clock,
        ids: Ids,
        open_database: Callable[[DocumentStore, Bus], Database],
    ) -> None:
        self._store = store
        self._access = access
        self._bus = bus
        self._clock = clock
        self._ids = ids
        self._open_database = open_database
        self._open: dict[str, _Transaction] = {}
        self._expiring: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._open)

    def start(self, command: StartTransaction, caller: Caller) -> Started:
        """Open a transaction.

        Raises:
            TooManyTransactions: so many are open already.
        """
        del command
        self._access.require_database(caller, "startTransaction", "*")
        if len(self._open) >= OPEN_TRANSACTIONS_MAX:
            raise TooManyTransactions(
                f"{OPEN_TRANSACTIONS_MAX} transactions are open; commit or roll back some of them"
            )
        transaction = _Transaction(
            id=self._ids.document_id(),
            expires_ms=self._clock.now_ms() + TRANSACTION_LIFE_S * 1000,
        )
        self._open[transaction.id] = transaction
        if self._expiring is None or self._expiring.done():
            self._expiring = asyncio.get_running_loop().create_task(self._expire())
        return Started(transaction_id=transaction.id)

    async def carry_out(self, command: TransactionCommand, caller: Caller) -> Any:
        """Carry out a command inside its transaction; whatever it raises ends the transaction.

        Raises:
            TransactionNotExist: it was committed, rolled back, has expired or never started.
            TransactionConflict: it wrote what somebody else has written.
            EmulatorError: as the database does.
        """
        transaction = self._find(command.transaction_id)
        view = self._view(transaction)
        try:
            if isinstance(command, Find):
                return await view.database.find(command, caller)
            return _WRITES[type(command)](view.database, command, caller)
        except EmulatorError:
            self._end(transaction)
            raise

    def commit(self, command: CommitTransaction, caller: Caller) -> None:
        """Commit everything that the transaction wrote, and publish its changes in order.

        Raises:
            TransactionNotExist: it was committed, rolled back, has expired or never started.
            StoreError: the disk refused; nothing was written, and the transaction is over.
        """
        del caller
        transaction = self._find(command.transaction_id)
        view = transaction.view
        # Closed before the commit, or the transaction would stand in its own way; nobody else gets
        # a turn in between.
        self._end(transaction)
        if view is None or not (writes := view.overlay.writes()):
            return
        sequence = self._store.commit(writes)
        for change in view.changes:
            self._bus.publish(replace(change, sequence=sequence))

    def rollback(self, command: RollbackTransaction, caller: Caller) -> None:
        """Forget everything that the transaction wrote; raises TransactionNotExist."""
        del caller
        self._end(self._find(command.transaction_id))

    def abort_all(self) -> None:
        """End every transaction, as if it had expired."""
        for transaction in list(self._open.values()):
            self._end(transaction)

    async def close(self) -> None:
        """Roll back what is open."""
        self.abort_all()
        if self._expiring is not None:
            self._expiring.cancel()
            with suppress(asyncio.CancelledError):
                await self._expiring

    def _find(self, transaction_id: str | None) -> _Transaction:
        transaction = self._open.get(transaction_id or "")
        if transaction is not None and transaction.expires_ms <= self._clock.now_ms():
            self._end(transaction)
            transaction = None
        if transaction is None:
            raise TransactionNotExist(NOT_EXIST)
        if transaction.view is not None and transaction.view.snapshot.is_broken:
            self._end(transaction)
            raise TransactionConflict(CONFLICT)
        return transaction

    def _view(self, transaction: _Transaction) -> _View:
        if transaction.view is None:
            snapshot = self._store.open()
            overlay = OverlayStore(self._store, snapshot)
            collected: list[Change] = []
            bus = Bus()
            bus.subscribe(Change, collected.append)
            transaction.view = _View(
                snapshot=snapshot,
                overlay=overlay,
                database=self._open_database(overlay, bus),
                changes=collected,
            )
        return transaction.view

    def _end(self, transaction: _Transaction) -> None:
        self._open.pop(transaction.id, None)
        if transaction.view is not None:
            transaction.view.snapshot.close()

    async def _expire(self) -> None:
        """End transactions whose time is up, until none is open."""
        while self._open:
            first = next(iter(self._open.values()))
            await self._clock.sleep_until(first.expires_ms)
            # It may have ended meanwhile, and others may be due with it.
            now_ms = self._clock.now_ms()
            for transaction in [each for each in self._open.values() if each.expires_ms <= now_ms]:
                self._end(transaction)


async def wait_for_claims(write: Callable[[], Any], first: Claimed) -> Any:
    """Return what a write outside of transactions comes to, once it meets no claim any more.

    Raises:
        ClaimTimedOut: transactions claimed what it writes for longer than `CLAIM_WAIT_MAX_S`.
    """
    claimed = first
    try:
        async with asyncio.timeout(CLAIM_WAIT_MAX_S):
            while True:
                await claimed.ended.wait()
                try:
                    return write()
                except Claimed as another:
                    claimed = another
    except TimeoutError:
        raise ClaimTimedOut(
            f"waited {CLAIM_WAIT_MAX_S:.0f} seconds for a transaction that wrote the same document",
            hint="inside a transaction, write through transaction.collection(...).doc(...) only",
        ) from None


class ClaimTimedOut(EmulatorError):
    """A write waited too long for a transaction to end."""

    code = "SERVER_TIMEOUT"


_WRITES: Final[Mapping[type, Callable[[Database, Any, Caller], Any]]] = {
    Insert: lambda database, command, caller: database.insert(command, caller),
    Update: lambda database, command, caller: database.update(command, caller),
    FindAndModify: lambda database, command, caller: database.find_and_modify(command, caller),
    Remove: lambda database, command, caller: database.remove(command, caller),
}
