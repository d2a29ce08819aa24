"""Owns transactions as user code sees them: `db.start_transaction()` and `db.run_transaction(f)`.

Not here: what the suite makes of them. Names and retries are those of @cloudbase/database 1.4 and
wx-server-sdk 4; besides, `transaction.get(ref)` and its siblings take references that were made
outside. The one idea: a transaction hands out collections whose calls carry its id. As in the SDKs,
`where(...).count()` and `aggregate()` read outside of it, and only documents by id are written.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, Literal

from emulator.cloud.calls import Answer, Options, Request, answering, require_name, running_loop
from emulator.cloud.collection import Collection
from emulator.cloud.document import DocumentReference, inside
from emulator.cloud.errors import CloudError, sdk_error
from emulator.cloud.naming import BothSpellings
from emulator.core.commands import (
    CommitTransaction,
    RollbackTransaction,
    Started,
    StartTransaction,
)
from emulator.core.errors import TransactionConflict
from emulator.core.values import Value

RETRIES_DEFAULT: Final = 3
_START: Final = "startTransaction"
_RUN: Final = "runTransaction"
_COMMIT: Final = "transaction.commit"
_ROLLBACK: Final = "transaction.rollback"


class RolledBack(CloudError):
    """The callback of `run_transaction` rolled back; `reason` is what it gave `rollback`."""

    def __init__(self, reason: Value) -> None:
        super().__init__(f"{_RUN}:fail rolled back: {reason!r:.500}")
        self.reason = reason


class Transaction(BothSpellings):
    """An open transaction: what is done through it happens together at the commit, or never."""

    __slots__ = ("_id", "_reason", "_state", "_throws")

    def __init__(self, transaction_id: str, *, throw_on_not_found: bool) -> None:
        self._id = transaction_id
        self._throws = throw_on_not_found
        self._state: Literal["open", "committed", "rolled back", "lost"] = "open"
        self._reason: Value = None

    def collection(self, name: str) -> Collection:
        """Return the collection of that name inside this transaction."""
        require_name("transaction.collection", "name", name)
        return Collection(name, throw_on_not_found=self._throws, transaction_id=self._id)

    def get(self, reference: DocumentReference) -> Answer:
        """Find the document as `doc(id).get()` does."""
        return self._own("get", reference).get()

    def set(
        self, reference: DocumentReference, options: Options = None, /, **named: Value
    ) -> Answer:
        """Replace or create the document as `doc(id).set(data=...)` does."""
        return self._own("set", reference).set(options, **named)

    def update(
        self, reference: DocumentReference, options: Options = None, /, **named: Value
    ) -> Answer:
        """Merge data into the document as `doc(id).update(data=...)` does."""
        return self._own("update", reference).update(options, **named)

    def remove(self, reference: DocumentReference) -> Answer:
        """Remove the document as `doc(id).remove()` does."""
        return self._own("remove", reference).remove()

    def delete(self, reference: DocumentReference) -> Answer:
        """Remove the document, as older SDKs call it."""
        return self.remove(reference)

    def add(self, collection: Collection, options: Options = None, /, **named: Value) -> Answer:
        """Insert a document as `collection.add(data=...)` does."""
        if not isinstance(collection, Collection):
            raise sdk_error("transaction.add", _not_a("db.collection(name)", collection))
        return self.collection(collection.name).add(options, **named)

    @answering(_COMMIT)
    def commit(self) -> Request:
        """Make everything that was written stay: `{"errMsg"}`."""
        return Request(CommitTransaction(transaction_id=self._id), self._read_committed)

    @answering(_ROLLBACK)
    def rollback(self, reason: Value = None) -> Request:
        """Forget everything that was written: `{"errMsg"}`; `run_transaction` raises the reason."""

        def read(_: None) -> dict[str, Any]:
            self._state, self._reason = "rolled back", reason
            return {"errMsg": f"{_ROLLBACK}:ok"}

        return Request(RollbackTransaction(transaction_id=self._id), read)

    def _own(self, verb: str, reference: DocumentReference) -> DocumentReference:
        if not isinstance(reference, DocumentReference):
            raise sdk_error(f"transaction.{verb}", _not_a("a document", reference))
        return inside(reference, self._id)

    def _read_committed(self, _: None) -> dict[str, Any]:
        self._state = "committed"
        return {"errMsg": f"{_COMMIT}:ok"}


def start_transaction(*, throw_on_not_found: bool) -> Answer:
    """Return a new transaction."""

    def read(started: Started) -> Any:
        return Transaction(started.transaction_id, throw_on_not_found=throw_on_not_found)

    return answering(_START)(lambda: Request(StartTransaction(), read))()


def run_transaction(
    callback: Callable[[Transaction], Any], times: int, *, throw_on_not_found: bool
) -> Answer:
    """Call back with a new transaction, commit it, and return what the callback returned.

    A conflict starts it over, `times` at most; anything else that is raised rolls back and goes on.

    Raises:
        CloudError: the callback is none.
        RolledBack: the callback rolled back; an exception given as the reason is raised itself.
    """
    if not callable(callback):
        raise sdk_error(_RUN, _not_a("a function", callback))

    def start() -> Answer:
        return start_transaction(throw_on_not_found=throw_on_not_found)

    loop = running_loop()
    if loop is None:
        return _run(start, callback, times)
    return loop.create_task(_run_later(start, callback, times), name=_RUN)


def _run(
    start: Callable[[], Transaction], callback: Callable[[Transaction], Any], times: int
) -> Any:
    while True:
        transaction = start()
        try:
            result = _plain(callback(transaction))
            if transaction._state != "rolled back":
                transaction.commit()
        except CloudError as fault:
            if not _is_worth_another(fault, times):
                raise
            transaction._state = "lost"
        else:
            return result
        finally:
            _raise_reason(transaction)
            if transaction._state == "open":
                with suppress(CloudError):
                    transaction.rollback()
        times -= 1


async def _run_later(
    start: Callable[[], Awaitable[Transaction]], callback: Callable[[Transaction], Any], times: int
) -> Any:
    while True:
        transaction = await start()
        try:
            result = callback(transaction)
            if inspect.isawaitable(result):
                result = await result
            if transaction._state != "rolled back":
                await transaction.commit()
        except CloudError as fault:
            if not _is_worth_another(fault, times):
                raise
            transaction._state = "lost"
        else:
            return result
        finally:
            _raise_reason(transaction)
            if transaction._state == "open":
                with suppress(CloudError):
                    await transaction.rollback()
        times -= 1


def _is_worth_another(fault: CloudError, times: int) -> bool:
    return times > 0 and fault.code == TransactionConflict.code


def _raise_reason(transaction: Transaction) -> None:
    if transaction._state == "rolled back":
        reason = transaction._reason
        raise reason if isinstance(reason, Exception) else RolledBack(reason)


def _plain(result: Any) -> Any:
    """Refuse what only an event loop could bring to its end."""
    if inspect.isawaitable(result):
        if asyncio.iscoroutine(result):
            result.close()
        raise sdk_error(
            _RUN,
            "an async callback needs an async handler: async def main, and await the transaction",
        )
    return result


def _not_a(wanted: str, given: object) -> str:
    return f"parameter should be {wanted} instead of {type(given).__name__}"
