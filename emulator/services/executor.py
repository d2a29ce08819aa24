"""Owns the one entrance for commands, and the way there for code on other threads.

Not here: what a command does. The one idea: a table from the command's type to the service that
carries it out; when the journal mode asks for it, the answer waits until the commit is safe, and a
write that meets a document of an open transaction waits for that and runs again.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import Future
from contextlib import suppress
from types import CoroutineType
from typing import Any, Final, Protocol

from emulator.core.commands import (
    Aggregate,
    CallFunction,
    Command,
    CommitTransaction,
    Count,
    CreateCollection,
    CreateIndex,
    DeleteFiles,
    DownloadFile,
    DropCollection,
    DropIndex,
    Find,
    FindAndModify,
    Insert,
    ListCollections,
    ListIndexes,
    Remove,
    RollbackTransaction,
    StartTransaction,
    TemporaryUrls,
    Update,
    UploadFile,
)
from emulator.core.errors import EmulatorError
from emulator.core.openapi import CallOpenApi
from emulator.core.values import Value
from emulator.services.caller import Caller
from emulator.services.database import Database
from emulator.services.fixed_order import FixedOrder
from emulator.services.functions import Functions
from emulator.services.indexes import Indexes
from emulator.services.openapi.service import OpenApi
from emulator.services.pieces import Pieces
from emulator.services.storage import Storage
from emulator.services.trace import Trace, current_span
from emulator.services.transactions import (
    TRANSACTION_COMMANDS,
    Transactions,
    wait_for_claims,
)
from emulator.stores.base import DocumentStore
from emulator.stores.versions import Claimed

PENDING_COMMANDS_MAX = 100_000


TRACED: Final[Mapping[type, tuple[str, str]]] = {
    Find: ("find", "read"),
    Count: ("count", "read"),
    Aggregate: ("aggregate", "read"),
    Insert: ("insert", "write"),
    Update: ("update", "write"),
    FindAndModify: ("find and modify", "write"),
    Remove: ("remove", "write"),
    StartTransaction: ("start transaction", "database"),
    CommitTransaction: ("commit transaction", "database"),
    RollbackTransaction: ("roll back transaction", "database"),
    CreateCollection: ("create collection", "database"),
    DropCollection: ("drop collection", "database"),
    CreateIndex: ("create index", "database"),
    DropIndex: ("drop index", "database"),
    CallOpenApi: ("open API", "openapi"),
    UploadFile: ("upload", "storage"),
    DownloadFile: ("download", "storage"),
    DeleteFiles: ("delete files", "storage"),
    TemporaryUrls: ("temporary URLs", "storage"),
}
"""The name and kind of a command's span; a called function has a span of its own."""


_OF_COLLECTIONS: Final = (Find, Count, Aggregate, Insert, Update, FindAndModify, Remove)


class TooManyCommands(EmulatorError):
    """User code started more commands than it lets finish."""

    code = "EXCEED_CONCURRENT_REQUEST_LIMIT"


class Carrier(Protocol):
    """Whatever carries out commands for a caller."""

    async def execute(self, command: Command, caller: Caller) -> Any:
        """Carry the command out."""
        ...


class Executor:
    """Commands to services."""

    def __init__(  # noqa: PLR0913  # one of each service that carries out commands
        self,
        *,
        database: Database,
        indexes: Indexes,
        transactions: Transactions,
        functions: Functions,
        openapi: OpenApi,
        storage: Storage,
        store: DocumentStore,
        trace: Trace | None = None,
        order: FixedOrder | None = None,
        pieces: Pieces | None = None,
    ) -> None:
        self._store = store
        writer = pieces or database
        self._order = order
        self._trace = trace
        self._transactions = transactions
        self._reads: Mapping[type, Callable[[Any, Caller], Awaitable[Any]]] = {
            Find: database.find,
            Count: database.count,
            Aggregate: database.aggregate,
            CreateIndex: indexes.create,
            CallFunction: functions.call,
            CallOpenApi: openapi.carry_out,
            UploadFile: storage.upload,
            DownloadFile: storage.download,
            DeleteFiles: storage.delete,
        }
        self._writes: Mapping[type, Callable[[Any, Caller], Any]] = {
            Insert: writer.insert,
            Update: writer.update,
            FindAndModify: writer.find_and_modify,
            Remove: writer.remove,
            StartTransaction: transactions.start,
            CommitTransaction: transactions.commit,
            RollbackTransaction: transactions.rollback,
            CreateCollection: database.create_collection,
            DropCollection: database.drop_collection,
            DropIndex: indexes.drop,
            ListIndexes: indexes.list,
            ListCollections: database.list_collections,
            TemporaryUrls: storage.temporary_urls,
        }

    async def execute(self, command: Command, caller: Caller) -> Any:
        """Carry the command out and return the record that belongs to it.

        Raises:
            EmulatorError: the service refused.
        """
        if self._order is not None:
            await self._order.enter(caller)
        trace = self._trace
        traced = None if trace is None else TRACED.get(type(command))
        if trace is None or traced is None:
            return await self._carry_out(command, caller)
        name, kind = traced
        span = trace.begin(
            name, kind, request_id=caller.request_id, attributes=_attributes(command, caller)
        )
        token = current_span.set(span)
        try:
            return await self._carry_out(command, caller)
        except BaseException as fault:
            span.fail(fault)
            raise
        finally:
            current_span.reset(token)
            trace.end(span)

    async def _carry_out(self, command: Command, caller: Caller) -> Any:
        if isinstance(command, TRANSACTION_COMMANDS) and command.transaction_id:
            return await self._transactions.carry_out(command, caller)
        write = self._writes.get(type(command))
        if write is None:
            return await self._reads[type(command)](command, caller)
        try:
            result = write(command, caller)
        except Claimed as claimed:
            result = await wait_for_claims(lambda: write(command, caller), claimed)
        if type(result) is CoroutineType:
            return await self._long(result)
        if self._store.waits:
            await self._store.durable()
        return result

    async def _long(self, writing: Coroutine[Any, Any, Any]) -> Any:
        """Wait for a write in pieces; what was written before a refusal is made safe too."""
        try:
            return await writing
        finally:
            if self._store.waits:
                await self._store.durable()


class Crossing:
    """Commands from other threads to the suite's loop, many at a time."""

    def __init__(self, carrier: Carrier, loop: asyncio.AbstractEventLoop) -> None:
        self._carrier = carrier
        self._loop = loop
        self._waiting: deque[tuple[Command, Caller, Future[Any]]] = deque()
        self._called = False
        self._running: set[asyncio.Task[None]] = set()

    def submit(self, command: Command, caller: Caller) -> "Future[Any]":
        """Start the command on the loop, in order of submission."""
        future: Future[Any] = Future()
        if len(self._waiting) + len(self._running) >= PENDING_COMMANDS_MAX:
            future.set_exception(
                TooManyCommands(f"more than {PENDING_COMMANDS_MAX} calls wait; await some of them")
            )
            return future
        self._waiting.append((command, caller, future))
        if not self._called:
            self._called = True
            try:
                self._loop.call_soon_threadsafe(self._start_waiting)
            except RuntimeError as fault:
                self._refuse_waiting(fault)
        return future

    def running(self) -> list[str]:
        """Return what user code started and nobody answered yet."""
        count = len(self._waiting) + len(self._running)
        return [f"{count} calls of the cloud object"] if count else []

    def _refuse_waiting(self, fault: RuntimeError) -> None:
        """Answer everything that waits, other threads' commands too, as the loop never will."""
        self._called = False
        with suppress(IndexError):
            while True:
                _fail(self._waiting.popleft()[2], _stopped(fault))

    def _start_waiting(self) -> None:
        # Cleared first: a command that arrives from now on asks for another turn itself.
        self._called = False
        waiting = self._waiting
        while waiting:
            task = self._loop.create_task(self._run(*waiting.popleft()))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _run(self, command: Command, caller: Caller, future: "Future[Any]") -> None:
        try:
            result = await self._carrier.execute(command, caller)
        except asyncio.CancelledError as fault:
            _fail(future, _stopped(fault))
            raise
        except Exception as fault:  # noqa: BLE001  # the rim of an invocation's call: it hears all
            _fail(future, fault)
        else:
            if not future.cancelled():
                future.set_result(result)


class LocalTransport:
    """How the `cloud` object of one invocation reaches the services."""

    def __init__(self, crossing: Crossing, caller: Caller, request_id: str) -> None:
        self._crossing = crossing
        self._caller = caller
        self._request_id = request_id

    def submit(self, command: Command) -> "Future[Any]":
        """Start the command at once, as code inside this invocation."""
        return self._crossing.submit(command, self._caller.inside_function(self._request_id))


def _attributes(command: Command, caller: Caller) -> dict[str, Value]:
    told: dict[str, Value] = {"access": caller.kind}
    if isinstance(command, _OF_COLLECTIONS):
        told["collection"] = command.collection
    if caller.openid or caller.uid:
        told["user"] = caller.owner_id
    return told


def _fail(future: "Future[Any]", fault: BaseException) -> None:
    if not future.cancelled():
        future.set_exception(fault)


def _stopped(fault: BaseException) -> EmulatorError:
    error = EmulatorError("the suite is stopping; the call was not carried out")
    error.__cause__ = fault
    return error
