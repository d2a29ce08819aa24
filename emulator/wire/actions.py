"""Owns the table of actions: an action's name to how it is read, carried out and answered.

Not here: who calls (`wire.admin`), fields and replies (`wire.requests`, `wire.replies`). The one
idea: adding an action is adding a row; a row for a command reads it, hands it to the executor and
writes the record that comes back. Actions of dialect B (node-sdk 2 and 3) come first, those of
dialect A (tcb-admin-node, wx-server-sdk 1) after them; both share how they are read.
"""

import difflib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

import orjson

from emulator.core.commands import Command
from emulator.core.errors import FunctionFailed
from emulator.core.records import dataclass
from emulator.core.values import Document, Value
from emulator.services.caller import Caller
from emulator.services.functions import Invoked, result_of
from emulator.wire import envelope, index_actions, replies, requests
from emulator.wire.ejson import document_json
from emulator.wire.exchange import Binary
from emulator.wire.fields import Body
from emulator.wire.written import Written

Run = Callable[[Body, Caller, str], Awaitable[bytes | Binary]]
"""Carry an action out: body, caller and request id to the finished answer."""

StandIn = Callable[[Value, str], bytes]
"""What the platform's own function answers to an event: event and request id to `data`."""

NEAR_MATCHES_MAX: Final = 3


class Executes(Protocol):
    """Whatever carries out commands."""

    async def execute(self, command: Command, caller: Caller) -> Any:
        """Return the record that belongs to the command."""
        ...


class Invokes(Protocol):
    """Whatever calls functions."""

    def has(self, name: str) -> bool:
        """Tell whether the project has a function of that name."""
        ...

    async def invoke(
        self,
        name: str,
        event: Value,
        caller: Caller,
        *,
        request_id: str = "",
        sent_characters: int | None = None,
    ) -> Invoked:
        """Return what came of the call."""
        ...


class Ticket(Protocol):
    """What an SDK needs to upload one file."""

    @property
    def url(self) -> str:
        """Return where the bytes go."""
        ...

    @property
    def token(self) -> str:
        """Return what goes with them as `x-cos-security-token`."""
        ...

    @property
    def authorization(self) -> str:
        """Return what goes with them as `Signature`."""
        ...

    @property
    def file_id(self) -> str:
        """Return the id that the file will have."""
        ...

    @property
    def cos_file_id(self) -> str:
        """Return what goes with them as `x-cos-meta-fileid`."""
        ...

    @property
    def download_url(self) -> str:
        """Return a URL the file will have for a while."""
        ...


class Tickets(Protocol):
    """Whatever permits uploads."""

    def upload_ticket(self, cloud_path: str, caller: Caller) -> Ticket:
        """Return a ticket for one upload."""
        ...


@dataclass(frozen=True, slots=True)
class CommandAction:
    """An action that is a command: how its body is read, the record written, the answer shaped.

    `each` says instead of `write` how each found document is written into a `list`.
    """

    read: Callable[[Body], Command]
    write: Callable[[Any], bytes] = replies.nothing
    shape: Callable[[bytes, str], bytes] = envelope.success
    each: Callable[[Document], bytes] | None = None


COMMANDS: Final[Mapping[str, CommandAction]] = {
    "database.addCollection": CommandAction(requests.create_collection, replies.nothing),
    "database.deleteCollection": CommandAction(requests.drop_collection, replies.nothing),
    "database.createIndex": CommandAction(index_actions.create_index, index_actions.created),
    "database.dropIndex": CommandAction(index_actions.drop_index, replies.nothing),
    "database.listIndexes": CommandAction(index_actions.list_indexes, index_actions.listed),
    "database.insertDocument": CommandAction(requests.insert, replies.inserted),
    "database.getDocument": CommandAction(requests.find, each=replies.quoted_text),
    "database.calculateDocument": CommandAction(requests.count, replies.total),
    "database.modifyDocument": CommandAction(requests.update, replies.updated),
    "database.modifyAndReturnDoc": CommandAction(
        requests.find_and_modify, replies.updated_document
    ),
    "database.removeDocument": CommandAction(requests.remove, replies.deleted),
    "database.aggregateDocuments": CommandAction(requests.aggregate, replies.list_of_texts),
    "database.startTransaction": CommandAction(
        requests.start_transaction, replies.started, envelope.flat
    ),
    "database.commitTransaction": CommandAction(
        requests.commit_transaction, replies.nothing, envelope.flat
    ),
    "database.abortTransaction": CommandAction(
        requests.rollback_transaction, replies.nothing, envelope.flat
    ),
    "storage.batchGetDownloadUrl": CommandAction(requests.temporary_urls, replies.download_list),
    "storage.batchDeleteFile": CommandAction(requests.delete_files, replies.delete_list),
    "database.addDocument": CommandAction(requests.insert, replies.added),
    "database.queryDocument": CommandAction(requests.find, each=document_json),
    "database.countDocument": CommandAction(requests.count, replies.total),
    "database.updateDocument": CommandAction(requests.update, replies.updated_plain),
    "database.deleteDocument": CommandAction(requests.remove, replies.deleted),
    "database.aggregate": CommandAction(requests.aggregate, replies.list_in_text),
    "database.getInTransaction": CommandAction(requests.find_in_transaction, replies.found_text),
    "database.insertDocInTransaction": CommandAction(
        requests.insert_in_transaction, replies.inserted_text, envelope.flat
    ),
    "database.updateDocInTransaction": CommandAction(
        requests.update_in_transaction, replies.updated_text, envelope.flat
    ),
    "database.deleteDocInTransaction": CommandAction(
        requests.remove_in_transaction, replies.deleted_text, envelope.flat
    ),
}


EXACT: Final[Mapping[str, CommandAction]] = {
    "database.getDocument": CommandAction(requests.find, each=replies.quoted_exact_text),
    "database.aggregateDocuments": CommandAction(requests.aggregate, replies.list_of_exact_texts),
}
"""What callers other than the official SDKs hear: those lose an ObjectId that keeps its tag."""


class Actions:
    """The actions of one suite."""

    def __init__(
        self,
        executor: Executes,
        functions: Invokes,
        storage: Tickets,
        *,
        commands: Mapping[str, CommandAction] = COMMANDS,
        others: Mapping[str, Run] | None = None,
        stand_ins: Mapping[str, StandIn] | None = None,
    ) -> None:
        self._executor = executor
        self._functions = functions
        self._storage = storage
        self._stand_ins = stand_ins or {}
        self._table: dict[str, Run] = {
            **{name: self._carry_out(action) for name, action in commands.items()},
            "functions.invokeFunction": self._invoke,
            "storage.getUploadMetadata": self._permit_upload,
            **(others or {}),
        }
        self._exact = {name: self._carry_out(action) for name, action in EXACT.items()}

    def names(self) -> list[str]:
        """Return the names of all actions."""
        return list(self._table)

    def find(self, name: str, *, exact: bool = False) -> Run:
        """Return how an action is carried out; `exact` where ObjectIds may keep their tag.

        Raises:
            UnknownAction: there is none of that name; near ones are told.
        """
        run = (self._exact.get(name) if exact else None) or self._table.get(name)
        if run is not None:
            return run
        near = difflib.get_close_matches(name, self._table, NEAR_MATCHES_MAX)
        guess = f"; did you mean {' or '.join(near)}?" if near else ""
        raise envelope.UnknownAction(
            f"action {name!r:.100} is not one that this version knows{guess}"
        )

    def _carry_out(self, action: CommandAction) -> Run:
        read, shape = action.read, action.shape
        write = action.write if action.each is None else replies.found(Written(action.each))
        execute = self._executor.execute

        async def run(body: Body, caller: Caller, request_id: str) -> bytes:
            return shape(write(await execute(read(body), caller)), request_id)

        async def run_in_slices(body: Body, caller: Caller, request_id: str) -> bytes:
            documents = list((await execute(read(body), caller)).documents)
            return shape(await texts.in_slices(documents), request_id)

        if isinstance(write, replies.TextList):
            texts = write
            return run_in_slices
        return run

    async def _invoke(self, body: Body, caller: Caller, request_id: str) -> bytes:
        """Call a function; the call and its log lines carry the request's id."""
        name, event, characters = requests.invocation(body)
        stand_in = self._stand_ins.get(name)
        if stand_in is not None and not self._functions.has(name):
            return envelope.success(stand_in(event, request_id), request_id)
        invoked = await self._functions.invoke(
            name, event, caller, request_id=request_id, sent_characters=characters
        )
        try:
            result = result_of(name, invoked)
        except FunctionFailed as error:
            return envelope.failure(error, invoked.request_id)
        data = b'{"response_data":%b}' % orjson.dumps(result.decode())
        return envelope.success(data, invoked.request_id)

    async def _permit_upload(self, body: Body, caller: Caller, request_id: str) -> bytes:
        ticket = self._storage.upload_ticket(requests.cloud_path(body), caller)
        data = {
            "url": ticket.url,
            "token": ticket.token,
            "authorization": ticket.authorization,
            "fileId": ticket.file_id,
            "cosFileId": ticket.cos_file_id,
            "download_url": ticket.download_url,
        }
        return envelope.success(orjson.dumps(data), request_id)
