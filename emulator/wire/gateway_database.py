"""Owns the document database of the gateway: `/v1/database/instances/…/collections/…`.

Not here: what the commands do. The one idea: paths and queries name what the actions of `/web` name
by fields, so every request becomes a command of the same kind; a value may be Extended JSON of
either form, and answers are such values as js-sdk 3.x turns into dates and points. An environment
has one database, whatever instance and database the path names.
"""

import re
from typing import Any, Final

from emulator.core.commands import (
    QUERY_LIMIT_MAX_DOCUMENTS,
    Aggregate,
    CommitTransaction,
    Count,
    CreateCollection,
    Find,
    Found,
    Insert,
    Remove,
    RollbackTransaction,
    StartTransaction,
    Update,
)
from emulator.core.errors import InvalidParam
from emulator.core.values import Document
from emulator.wire import fields, replies
from emulator.wire.actions import Executes
from emulator.wire.ejson import client_document_json, value_json
from emulator.wire.fields import Body
from emulator.wire.gateway import Asked, Endpoint, Told, json_told
from emulator.wire.gateway_errors import DocumentNotFound
from emulator.wire.native_commands import NativeCommands

BASE: Final = "/database/instances/{instance}/databases/{database}"
DOCUMENTS: Final = f"{BASE}/collections/{{collection}}/documents"
LIMIT_DEFAULT_DOCUMENTS: Final = 20
_NO_OPTIONS: Final = re.compile(r',"\$options":null')
"""What js-sdk 3.7 writes after the pattern of a `db.RegExp` without options; in no text."""
_DIRECTIONS: Final = {"asc": 1, "desc": -1}


class GatewayDatabase:
    """The database of one suite."""

    def __init__(self, executor: Executes) -> None:
        self._executor = executor
        self._native = NativeCommands(executor)

    def endpoints(self) -> list[Endpoint]:
        """Return what answers where."""
        transaction = f"{BASE}/transactions/{{transaction}}"
        return [
            Endpoint("POST", f"{BASE}/collections", self._create_collection),
            Endpoint("GET", DOCUMENTS, self._find),
            Endpoint("POST", DOCUMENTS, self._insert),
            Endpoint("PATCH", DOCUMENTS, self._update),
            Endpoint("POST", f"{DOCUMENTS}/remove", self._remove),
            Endpoint("POST", f"{DOCUMENTS}/aggregations", self._aggregate),
            Endpoint("GET", f"{DOCUMENTS}/{{id}}", self._document),
            Endpoint("POST", f"{BASE}/commands", self._commands),
            Endpoint("POST", f"{BASE}/transactions", self._start),
            Endpoint("POST", f"{transaction}/commit", self._commit),
            Endpoint("POST", f"{transaction}/rollback", self._roll_back),
        ]

    async def _create_collection(self, asked: Asked) -> Told:
        name = fields.text(asked.body(), "collectionName")
        await self._executor.execute(CreateCollection(collection=name), asked.caller)
        return json_told({})

    async def _find(self, asked: Asked) -> Told:
        query = asked.query
        wanted = _object(_NO_OPTIONS.sub("", query.get("query", "")), "query")
        if query.get("count") == "true":
            counting = Count(collection=asked.names["collection"], filter=wanted)
            total = await self._executor.execute(counting, asked.caller)
            return Told(replies.total(total))
        limit = _number(query.get("limit"), "limit") or LIMIT_DEFAULT_DOCUMENTS
        skip = _number(query.get("offset"), "offset")
        find = Find(
            collection=asked.names["collection"],
            filter=wanted,
            sort=_order(query.get("order")),
            skip=skip,
            limit=min(limit, QUERY_LIMIT_MAX_DOCUMENTS),
            projection=_object(query.get("projection"), "projection") or None,
            transaction_id=query.get("transactionId") or None,
        )
        found = await self._executor.execute(find, asked.caller)
        return Told(b'{"offset":%d,"limit":%d,%b' % (skip, limit, _list(found)[1:]))

    async def _document(self, asked: Asked) -> Told:
        find = Find(
            collection=asked.names["collection"],
            filter={"_id": asked.names["id"]},
            limit=1,
            transaction_id=asked.query.get("transactionId") or None,
        )
        found: Found = await self._executor.execute(find, asked.caller)
        if not found.documents:
            raise DocumentNotFound(
                f"no document {find.filter['_id']:.100} is in {find.collection}, "
                "or none that this caller may read"
            )
        return Told(client_document_json(found.documents[0]))

    async def _insert(self, asked: Asked) -> Told:
        body = asked.body()
        data = body.get("data")
        given = data if type(data) is list else [data]
        if not given:
            raise InvalidParam("data is empty; it must hold at least one document")
        insert = Insert(
            collection=asked.names["collection"],
            documents=tuple(fields.document(each, "data") for each in given),
            transaction_id=_transaction(body),
        )
        inserted = await self._executor.execute(insert, asked.caller)
        return Told(replies.inserted(inserted), 201)

    async def _update(self, asked: Asked) -> Told:
        """Update by operators; plain fields are set, unless the document is to be replaced."""
        body = asked.body()
        data = fields.document(body.get("data"), "data")
        replace = fields.flag(body, "replaceMode", default=False)
        if not replace and not any(key[:1] == "$" for key in data):
            data = {"$set": data}
        update = Update(
            collection=asked.names["collection"],
            filter=fields.optional_document(body.get("query"), "query") or {},
            update=data,
            multi=fields.flag(body, "multi", default=False),
            upsert=fields.flag(body, "upsert", default=False),
            replace=replace,
            transaction_id=_transaction(body),
        )
        updated = await self._executor.execute(update, asked.caller)
        told = b'{"updated":%d,"matched":%d' % (updated.modified, updated.matched)
        if updated.upserted_id is not None:
            made = value_json(updated.upserted_id)
            told += b',"upsert_id":%b,"upserted_id":%b' % (made, made)
        return Told(told + b"}")

    async def _remove(self, asked: Asked) -> Told:
        body = asked.body()
        remove = Remove(
            collection=asked.names["collection"],
            filter=fields.document(body.get("query"), "query"),
            multi=fields.flag(body, "multi", default=False),
            transaction_id=_transaction(body),
        )
        removed = await self._executor.execute(remove, asked.caller)
        return Told(replies.deleted(removed))

    async def _aggregate(self, asked: Asked) -> Told:
        stages = fields.items(asked.body(), "pipeline")
        aggregate = Aggregate(
            collection=asked.names["collection"],
            pipeline=tuple(fields.document(each, "pipeline") for each in stages),
        )
        return Told(_list(await self._executor.execute(aggregate, asked.caller)))

    async def _commands(self, asked: Asked) -> Told:
        return Told(b'{"list":%b}' % await self._native.run(asked.body(), asked.caller))

    async def _start(self, asked: Asked) -> Told:
        started = await self._executor.execute(StartTransaction(), asked.caller)
        return Told(replies.started(started))

    async def _commit(self, asked: Asked) -> Told:
        return await self._end(asked, CommitTransaction)

    async def _roll_back(self, asked: Asked) -> Told:
        return await self._end(asked, RollbackTransaction)

    async def _end(
        self, asked: Asked, kind: type[CommitTransaction] | type[RollbackTransaction]
    ) -> Told:
        await self._executor.execute(kind(transaction_id=asked.names["transaction"]), asked.caller)
        return json_told({})


def _list(found: Found) -> bytes:
    documents = b",".join(map(client_document_json, found.documents))
    return replies.bounded(b'{"list":[%b]}' % documents)


def _transaction(body: Body) -> str | None:
    return fields.optional_text(body, "transactionId") or None


def _object(text: str | None, name: str) -> Document:
    return fields.optional_document(text, name) or {}


def _number(text: str | None, name: str) -> int:
    if not text:
        return 0
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return int(text)
    raise InvalidParam(f"{name} must be a whole number from 0 on, not {text:.40}")


def _order(text: str | None) -> tuple[tuple[str, int], ...]:
    given: Any = fields.value(text, "order") or []
    if type(given) is not list or not all(type(each) is dict for each in given):
        raise fields.wrong("order", given, "an array of objects with field and direction")
    return tuple((fields.text(each, "field"), _direction(each)) for each in given)


def _direction(each: Body) -> int:
    way = each.get("direction", "asc")
    found = _DIRECTIONS.get(way) if type(way) is str else None
    if found is None:
        raise InvalidParam(f"direction must be asc or desc, not {way!r:.40}")
    return found
