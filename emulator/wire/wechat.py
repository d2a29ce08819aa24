"""Owns WeChat's server HTTP API on the API port: `/cgi-bin/token` and `/tcb/...`.

Not here: what a statement says (`wire.wechat_query`), tokens (`wire.wechat_tokens`) and files
(`wire.wechat_files`). The one idea: a table from path to what reads the body and answers; callers
are administrators, as holders of an access token are, and functions they call see no user.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson
from aiohttp import hdrs, web

from emulator.ambient import Clock, Ids
from emulator.core.commands import (
    Aggregate,
    Command,
    Count,
    CreateCollection,
    CreateIndex,
    DropCollection,
    DropIndex,
    Find,
    Insert,
    ListCollections,
    Remove,
    Update,
)
from emulator.core.values import Value
from emulator.services.caller import ADMINISTRATOR, Caller
from emulator.services.delayed import Delayed
from emulator.services.functions import result_of
from emulator.services.scope import Scope
from emulator.wire import ejson, fields
from emulator.wire.actions import Executes, Invokes
from emulator.wire.exchange import json_answer, read_body
from emulator.wire.fields import Body
from emulator.wire.guard import Guard
from emulator.wire.measured import measured
from emulator.wire.wechat_errors import Refused, failure, success
from emulator.wire.wechat_fields import (
    REQUEST_MAX_BYTES,
    count_of,
    list_of,
    missing,
    object_of,
    read_json,
    read_object,
    text_of,
)
from emulator.wire.wechat_files import WechatFiles
from emulator.wire.wechat_open import (
    CODE_TO_SESSION,
    FAMILIES,
    NAMES,
    OpenPaths,
    refusal_of,
)
from emulator.wire.wechat_query import statement_of
from emulator.wire.wechat_tokens import WechatTokens

COLLECTIONS_DEFAULT: Final = 10
WITHOUT_ENV: Final = frozenset({"getqcloudtoken"})
"""Interfaces that name no environment."""
_OUTSIDE: Final = Caller(kind="administrator", source="wx_http")

Answer = Callable[[Body], Awaitable[dict[str, Any]]]


class WechatApi:
    """The HTTP API of one suite."""

    def __init__(  # noqa: PLR0913  # what its paths lead to, each once
        self,
        executor: Executes,
        functions: Invokes,
        files: WechatFiles,
        delayed: Delayed,
        *,
        clock: Clock,
        ids: Ids,
        guard: Guard,
        scope: Scope,
        strict: bool = False,
    ) -> None:
        self._executor = executor
        self._delayed = delayed
        self._functions = functions
        self._clock = clock
        self._ids = ids
        self._guard = guard
        self._scope = scope
        self._tokens = WechatTokens(clock=clock, ids=ids, strict=strict)
        self._table: dict[str, Answer] = {
            "databaseadd": self._add,
            "databasedelete": self._delete,
            "databaseupdate": self._update,
            "databasequery": self._query,
            "databasecount": self._count,
            "databaseaggregate": self._aggregate,
            "databasecollectionadd": self._create_collection,
            "databasecollectiondelete": self._drop_collection,
            "databasecollectionget": self._collections,
            "updateindex": self._update_indexes,
            "adddelayedfunctiontask": self._order,
            **files.table(),
        }

    def routes(self) -> list[web.RouteDef]:
        """Return the routes, at their end what is refused of the paths that WeChat has."""
        return [
            web.route("*", "/cgi-bin/token", self._rim(self._tokens.give)),
            web.route("*", "/cgi-bin/stable_token", self._rim(self._tokens.give_stable)),
            web.route("*", "/tcb/invokecloudfunction", self._rim(self._invoke)),
            web.route("*", "/tcb/{name}", self._rim(self._named)),
            web.route("*", f"/{{family:{FAMILIES}}}/{{rest:.*}}", self._rim(_unknown)),
        ]

    def open_routes(self, paths: OpenPaths) -> list[web.RouteDef]:
        """Return the routes of the open APIs at their own addresses."""

        async def answer(request: web.Request) -> web.StreamResponse:
            request_id = self._ids.request_id()
            try:
                self._guard.require_own_origin(request)
                if request.path != CODE_TO_SESSION:
                    self._tokens.require(request)
                return await paths.answer(request, request_id)
            except Exception as error:  # noqa: BLE001  # the rim of a request
                return json_answer(request, failure(error, request_id))

        return [web.route("*", path, answer) for path in NAMES]

    def _rim(
        self, answer: Callable[[web.Request, str], Awaitable[bytes]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def rim(request: web.Request) -> web.StreamResponse:
            request_id = self._ids.request_id()
            try:
                self._guard.require_own_origin(request)
                body = await answer(request, request_id)
            except Exception as error:  # noqa: BLE001  # the rim of a request
                body = failure(error, request_id)
            return json_answer(request, body)

        return rim

    async def _named(self, request: web.Request, request_id: str) -> bytes:
        """Answer what the table has for the path."""
        del request_id
        run = self._table.get(request.match_info["name"].lower())
        if run is None:
            raise refusal_of(request.path)
        _require_post(request)
        self._tokens.require(request)
        body = await read_object(request)
        if not body:
            raise Refused(44002, "empty post data")
        if request.match_info["name"].lower() not in WITHOUT_ENV:
            self._scope.require_env(text_of(body, "env"))
        return success(await run(body))

    async def _invoke(self, request: web.Request, request_id: str) -> bytes:
        """Call a function without a user; the body is its event."""
        _require_post(request)
        self._tokens.require(request)
        name = request.query.get("name", "")
        if not name or not request.query.get("env"):
            raise missing("name" if not name else "env")
        self._scope.require_env(request.query["env"])
        raw = await read_body(request, max_bytes=REQUEST_MAX_BYTES)
        event = read_json(raw) if raw.strip() else {}
        invoked = await self._functions.invoke(name, event, _OUTSIDE, request_id=request_id)
        return success({"resp_data": result_of(name, invoked).decode()})

    async def _order(self, body: Body) -> dict[str, Any]:
        """Order a call of a function for later; its event is JSON text."""
        delay_s = count_of(body, "delay_time")
        if delay_s is None:
            raise missing("delay_time")
        name, text = text_of(body, "function_name"), fields.optional_text(body, "data")
        event = read_json(text.encode()) if text else {}
        self._delayed.order(name, event, delay_s, _OUTSIDE)
        return {}

    async def _said(self, body: Body, kind: type[Command], call: str) -> Any:
        """Return the command of the statement and its result."""
        command = await statement_of(text_of(body, "query"), now_ms=self._clock.now_ms())
        if not isinstance(command, kind):
            raise Refused(40097, f"invalid args. the query should end in {call}")
        return command, await self._executor.execute(command, ADMINISTRATOR)

    async def _add(self, body: Body) -> dict[str, Any]:
        _, inserted = await self._said(body, Insert, "add({data: ...})")
        return {"id_list": orjson.Fragment(ejson.value_json(list(inserted.ids)))}

    async def _delete(self, body: Body) -> dict[str, Any]:
        _, removed = await self._said(body, Remove, "remove()")
        return {"deleted": removed.count}

    async def _update(self, body: Body) -> dict[str, Any]:
        _, updated = await self._said(body, Update, "update({data: ...}) or set({data: ...})")
        upserted = updated.upserted_id
        return {
            "matched": updated.matched,
            "modified": updated.modified,
            "id": "" if upserted is None else orjson.Fragment(ejson.value_json(upserted)),
        }

    async def _query(self, body: Body) -> dict[str, Any]:
        find, found = await self._said(body, Find, "get()")
        count = Count(collection=find.collection, filter=find.filter)
        total = await self._executor.execute(count, ADMINISTRATOR)
        limit = 1 if find.limit is None else find.limit
        return {
            "pager": {"Offset": find.skip, "Limit": limit, "Total": total},
            "data": [ejson.document_text(each) for each in found.documents],
        }

    async def _count(self, body: Body) -> dict[str, Any]:
        _, total = await self._said(body, Count, "count()")
        return {"count": total}

    async def _aggregate(self, body: Body) -> dict[str, Any]:
        _, found = await self._said(body, Aggregate, "end()")
        return {"data": [ejson.document_text(each) for each in found.documents]}

    async def _create_collection(self, body: Body) -> dict[str, Any]:
        command = CreateCollection(collection=text_of(body, "collection_name"))
        await self._executor.execute(command, ADMINISTRATOR)
        return {}

    async def _drop_collection(self, body: Body) -> dict[str, Any]:
        command = DropCollection(collection=text_of(body, "collection_name"))
        await self._executor.execute(command, ADMINISTRATOR)
        return {}

    async def _collections(self, body: Body) -> dict[str, Any]:
        limit = count_of(body, "limit") or COLLECTIONS_DEFAULT
        offset = count_of(body, "offset") or 0
        known = await self._executor.execute(ListCollections(), ADMINISTRATOR)
        shown = [await self._measured(each) for each in known[offset : offset + limit]]
        return {
            "pager": {"Offset": offset, "Limit": limit, "Total": len(known)},
            "collections": shown,
        }

    async def _measured(self, known: dict[str, Any]) -> dict[str, Any]:
        """Return a collection with its sizes."""
        size, indexes, index_size = await measured(self._executor, known)
        return {**known, "size": size, "index_count": indexes, "index_size": index_size}

    async def _update_indexes(self, body: Body) -> dict[str, Any]:
        """Drop and create indexes, the ones to drop first."""
        collection = text_of(body, "collection_name")
        dropped = [object_of(each) for each in body.get("drop_indexes") or []]
        created = [_index(collection, object_of(each)) for each in body.get("create_indexes") or []]
        for each in dropped:
            command = DropIndex(collection=collection, name=text_of(each, "name"))
            await self._executor.execute(command, ADMINISTRATOR)
        for index in created:
            await self._executor.execute(index, ADMINISTRATOR)
        return {}


async def _unknown(request: web.Request, request_id: str) -> bytes:
    del request_id
    raise refusal_of(request.path)


def _require_post(request: web.Request) -> None:
    if request.method != hdrs.METH_POST:
        raise Refused(43002, "require POST method")


def _index(collection: str, given: Body) -> CreateIndex:
    keys = [object_of(each) for each in list_of(given, "keys")]
    return CreateIndex(
        collection=collection,
        name=text_of(given, "name"),
        unique=fields.flag(given, "unique", default=False),
        keys=tuple((text_of(key, "name"), _direction(key.get("direction"))) for key in keys),
    )


def _direction(said: Value) -> Value:
    """Return a direction, which this API writes as text."""
    return {"1": 1, "-1": -1}.get(said, said) if type(said) is str else said
