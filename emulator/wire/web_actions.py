"""Owns the actions of the client SDKs that are commands, and what these SDKs hear.

Not here: the actions of `auth` (`wire.web_auth`). The one idea: the same requests as on `/admin`,
in the plain dialect, with replies that differ where browsers read other names: both spellings of
file fields, dates as `{"$date": ms}`. Shapes: js-sdk 1.x and 2.x, tcb-js-sdk 1.10.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import orjson

from emulator.core.commands import FileOutcome, Inserted
from emulator.core.errors import FunctionFailed
from emulator.core.values import Value
from emulator.services.caller import Caller
from emulator.services.functions import result_of
from emulator.wire import envelope, replies, requests
from emulator.wire.actions import COMMANDS, CommandAction, Executes, Invokes, Run, StandIn
from emulator.wire.ejson import client_document_json, value_json
from emulator.wire.fields import Body
from emulator.wire.native_commands import NativeCommands

OPEN_DATA_MAX: Final = 5
OpenData = Callable[[Sequence[str]], Sequence[tuple[str, Value]]]
"""What CloudIDs stand for, each with its own."""


def inserted(result: Inserted) -> bytes:
    """Write the first new `_id` and all of them."""
    ids = value_json(list(result.ids))
    return b'{"_id":%b,"insertedIds":%b}' % (value_json(result.ids[0]), ids)


def download_list(result: Sequence[FileOutcome]) -> bytes:
    """Write a temporary URL, or why there is none, for each file, in both spellings."""
    return orjson.dumps({"download_list": [_url(each) for each in result]})


def delete_list(result: Sequence[FileOutcome]) -> bytes:
    """Write what came of each file, in both spellings."""
    told = [{"code": each.code, "fileid": each.file_id, "fileID": each.file_id} for each in result]
    return orjson.dumps({"delete_list": told})


def _url(outcome: FileOutcome) -> dict[str, str | int]:
    told: dict[str, str | int] = {
        "code": outcome.code,
        "fileid": outcome.file_id,
        "fileID": outcome.file_id,
    }
    if outcome.code == "SUCCESS":
        told |= {"download_url": outcome.url, "tempFileURL": outcome.url}
        told |= {"max_age": outcome.max_age_s, "maxAge": outcome.max_age_s}
    return told


_SHARED: Final = (
    "database.addCollection",
    "database.countDocument",
    "database.updateDocument",
    "database.deleteDocument",
    "database.aggregate",
    "database.startTransaction",
    "database.commitTransaction",
    "database.abortTransaction",
    "database.getInTransaction",
    "database.updateDocInTransaction",
    "database.deleteDocInTransaction",
)

CLIENT_COMMANDS: Final[Mapping[str, CommandAction]] = {
    **{name: COMMANDS[name] for name in _SHARED},
    "database.addDocument": CommandAction(requests.insert, inserted),
    "database.queryDocument": CommandAction(requests.find, each=client_document_json),
    "database.insertDocInTransaction": CommandAction(
        requests.insert_in_transaction, replies.inserted_text_with_id, envelope.flat
    ),
    "storage.batchGetDownloadUrl": CommandAction(requests.temporary_urls, download_list),
    "storage.batchDeleteFile": CommandAction(requests.delete_files, delete_list),
}


def function_call(functions: Invokes, stand_ins: Mapping[str, StandIn], open_data: OpenData) -> Run:
    """Return the action that calls a function; with `parse` the result is data, not text."""

    async def run(body: Body, caller: Caller, request_id: str) -> bytes:
        name, event, characters = requests.invocation(body)
        stand_in = stand_ins.get(name)
        if stand_in is not None and not functions.has(name):
            return envelope.success(stand_in(event, request_id), request_id)
        invoked = await functions.invoke(
            name,
            _with_open_data(event, body.get("cloud_ids"), open_data),
            caller,
            request_id=request_id,
            sent_characters=characters,
        )
        try:
            result = result_of(name, invoked)
        except FunctionFailed as error:
            return envelope.failure(error, invoked.request_id)
        parsed = body.get("parse") is True
        told = result if parsed else orjson.dumps(result.decode())
        return envelope.success(b'{"response_data":%b}' % told, invoked.request_id)

    return run


def _with_open_data(event: Value, names: Value, open_data: OpenData) -> Value:
    """Return an event whose fields of these names, CloudIDs of a page, hold what they stand for."""
    if not isinstance(names, list) or not isinstance(event, dict):
        return event
    told = dict(event)
    for name in names[:OPEN_DATA_MAX]:
        cloud_id = told.get(name) if isinstance(name, str) else None
        if isinstance(name, str) and isinstance(cloud_id, str):
            told[name] = open_data([cloud_id])[0][1]
    return told


def native_commands(executor: Executes) -> Run:
    """Return the action that runs MongoDB's commands; js-sdk 2.32 hands its answer on as it is."""
    native = NativeCommands(executor)

    async def run(body: Body, caller: Caller, request_id: str) -> bytes:
        found = await native.run(body, caller)
        return envelope.flat(b'{"list":%b,"data":{"list":%b}}' % (found, found), request_id)

    return run
