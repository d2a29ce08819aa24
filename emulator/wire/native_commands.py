"""Owns `runCommands`: database commands as MongoDB writes them, one after the other.

Not here: what the commands do. The one idea: the first key of a command names it and its
collection; each kind is read into commands of our own and answered with a list, of documents where
it finds some, of one short account where it writes. Shapes: js-sdk 2.32 and 3.x, MongoDB 4.4.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from emulator.core.commands import (
    QUERY_LIMIT_MAX_DOCUMENTS,
    Aggregate,
    Count,
    Find,
    FindAndModify,
    Insert,
    Remove,
    Update,
)
from emulator.core.errors import InvalidParam
from emulator.core.values import Document, Value
from emulator.services.caller import Caller
from emulator.wire import fields, replies
from emulator.wire.actions import Executes
from emulator.wire.ejson import client_document_json
from emulator.wire.fields import Body

COMMANDS_MAX: Final = 50
_DIRECTIONS: Final = (1, -1)

Account = list[Document]
Run = Callable[["NativeCommands", Body, Caller, str | None], Awaitable[Account]]


class NativeCommands:
    """The commands of one suite."""

    def __init__(self, executor: Executes) -> None:
        self._executor = executor

    async def run(self, body: Body, caller: Caller) -> bytes:
        """Return the text of a list with the list that each command of a request comes to.

        A command that fails ends the request; what those before it wrote stays, unless the request
        names a transaction.

        Raises:
            InvalidParam: a command is none that is known here, or is not written as it has to be.
            EmulatorError: whatever the commands themselves raise.
        """
        given = fields.items(body, "commands")
        if len(given) > COMMANDS_MAX:
            raise InvalidParam(f"{len(given)} commands in one call; {COMMANDS_MAX} are allowed")
        transaction_id = fields.optional_text(body, "transactionId") or None
        told = []
        for each in given:
            command = fields.document(each, "commands")
            name = next(iter(command), "")
            run = _KINDS.get(name)
            if run is None:
                raise InvalidParam(
                    f"command {name!r:.40} is not known; the first key has to be one of "
                    f"{', '.join(_KINDS)}"
                )
            account = await run(self, command, caller, transaction_id)
            told.append(b"[%b]" % b",".join(map(client_document_json, account)))
        return replies.bounded(b"[%b]" % b",".join(told))

    async def _find(self, command: Body, caller: Caller, transaction_id: str | None) -> Account:
        limit = fields.count(command, "limit") or QUERY_LIMIT_MAX_DOCUMENTS
        find = Find(
            collection=fields.text(command, "find"),
            filter=_object(command, "filter"),
            sort=_sort(command),
            skip=fields.count(command, "skip") or 0,
            limit=min(limit, QUERY_LIMIT_MAX_DOCUMENTS),
            projection=_object(command, "projection") or None,
            transaction_id=transaction_id,
        )
        return list((await self._executor.execute(find, caller)).documents)

    async def _aggregate(self, command: Body, caller: Caller, _: str | None) -> Account:
        pipeline = tuple(_objects(command, "pipeline"))
        aggregate = Aggregate(collection=fields.text(command, "aggregate"), pipeline=pipeline)
        return list((await self._executor.execute(aggregate, caller)).documents)

    async def _count(self, command: Body, caller: Caller, _: str | None) -> Account:
        count = Count(collection=fields.text(command, "count"), filter=_object(command, "query"))
        return _account(n=await self._executor.execute(count, caller))

    async def _insert(self, command: Body, caller: Caller, transaction_id: str | None) -> Account:
        insert = Insert(
            collection=fields.text(command, "insert"),
            documents=tuple(_objects(command, "documents")),
            transaction_id=transaction_id,
        )
        if not insert.documents:
            raise InvalidParam("documents is empty; it must hold at least one")
        ids = (await self._executor.execute(insert, caller)).ids
        return _account(n=len(ids), insertedIds=list(ids))

    async def _update(self, command: Body, caller: Caller, transaction_id: str | None) -> Account:
        collection = fields.text(command, "update")
        matched, modified = 0, 0
        upserted: list[Value] = []
        for index, each in enumerate(_objects(command, "updates")):
            data = each.get("u")
            if type(data) is not dict:
                raise fields.wrong("u", data, "an object")
            update = Update(
                collection=collection,
                filter=_object(each, "q"),
                update=data,
                multi=fields.flag(each, "multi", default=False),
                upsert=fields.flag(each, "upsert", default=False),
                replace=not any(key[:1] == "$" for key in data),
                transaction_id=transaction_id,
            )
            done = await self._executor.execute(update, caller)
            matched, modified = matched + done.matched, modified + done.modified
            if done.upserted_id is not None:
                matched += 1
                upserted.append({"index": index, "_id": done.upserted_id})
        made = {"upserted": upserted} if upserted else {}
        return _account(n=matched, nModified=modified, **made)

    async def _delete(self, command: Body, caller: Caller, transaction_id: str | None) -> Account:
        collection, removed = fields.text(command, "delete"), 0
        for each in _objects(command, "deletes"):
            remove = Remove(
                collection=collection,
                filter=_object(each, "q"),
                multi=fields.count(each, "limit") != 1,
                transaction_id=transaction_id,
            )
            removed += (await self._executor.execute(remove, caller)).count
        return _account(n=removed)

    async def _modify(self, command: Body, caller: Caller, transaction_id: str | None) -> Account:
        refused = [name for name in ("remove", "upsert", "sort") if command.get(name)]
        if refused or command.get("new") is not True:
            raise InvalidParam(
                "findAndModify is answered with new: true and without remove, upsert and sort"
            )
        modify = FindAndModify(
            collection=fields.text(command, "findAndModify"),
            filter=_object(command, "query"),
            update=_object(command, "update"),
            transaction_id=transaction_id,
        )
        return _account(value=(await self._executor.execute(modify, caller)).document)


_KINDS: Final[Mapping[str, Run]] = {
    "find": NativeCommands._find,
    "aggregate": NativeCommands._aggregate,
    "count": NativeCommands._count,
    "insert": NativeCommands._insert,
    "update": NativeCommands._update,
    "delete": NativeCommands._delete,
    "findAndModify": NativeCommands._modify,
}


def _account(**told: Any) -> Account:
    return [{**told, "ok": 1}]


def _object(command: Body, name: str) -> Document:
    found = command.get(name)
    if found is None:
        return {}
    if type(found) is dict:
        return found
    raise fields.wrong(name, found, "an object")


def _objects(command: Body, name: str) -> list[Document]:
    found = fields.items(command, name)
    objects = [each for each in found if type(each) is dict]
    if len(objects) != len(found):
        raise fields.wrong(name, found, "an array of objects")
    return objects


def _sort(command: Body) -> tuple[tuple[str, int], ...]:
    sort = []
    for path, way in _object(command, "sort").items():
        if type(way) is bool or way not in _DIRECTIONS:
            raise InvalidParam(f"sort of {path:.100} must be 1 or -1, not {way!r:.40}")
        sort.append((path, 1 if way == 1 else -1))
    return tuple(sort)
