"""Owns WeChat's server HTTP API on the API port: `/cgi-bin/token` and `/tcb/...`.

Not here: what a statement says (`wire.wechat_query`), file jobs (`services.migrations`). The one
idea: a table from path to what reads the body and answers; callers are administrators, as holders
of an access token are, and functions they call see no user. Tokens of this suite expire by its
clock; any other is taken for one of the real WeChat and accepted, since nothing here is secret.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import orjson
from aiohttp import hdrs, web

from emulator.ambient import Clock, Ids
from emulator.core.commands import (
    Aggregate,
    Command,
    Count,
    CreateCollection,
    DeleteFiles,
    DropCollection,
    FileOutcome,
    Find,
    Insert,
    ListCollections,
    Remove,
    TemporaryUrls,
    Update,
)
from emulator.core.values import Value
from emulator.services.caller import ADMINISTRATOR, Caller
from emulator.services.functions import result_of
from emulator.services.migrations import FileType, ImportOrder, Migrations
from emulator.wire import ejson, fields
from emulator.wire.actions import Executes, Invokes, Tickets
from emulator.wire.exchange import json_answer, read_body
from emulator.wire.fields import Body
from emulator.wire.guard import Guard
from emulator.wire.wechat_errors import Refused, failure, number_of, success
from emulator.wire.wechat_query import read_statement

REQUEST_MAX_BYTES: Final = 16 * 1024 * 1024
TOKEN_LIFETIME_S: Final = 7_200
TOKEN_HEAD: Final = "emu"
COLLECTIONS_DEFAULT: Final = 10
QCLOUD_TOKEN_LIFETIME_S: Final = 7_200
_OUTSIDE: Final = Caller(kind="administrator", source="wx_http")
_FILE_TYPES: Final[Mapping[int, FileType]] = {1: "json", 2: "csv"}
_CONFLICT_MODES: Final = {1: False, 2: True}

Answer = Callable[[Body], Awaitable[dict[str, Any]]]


class WechatApi:
    """The HTTP API of one suite."""

    def __init__(  # noqa: PLR0913  # the services that its paths lead to, each once
        self,
        executor: Executes,
        functions: Invokes,
        storage: Tickets,
        migrations: Migrations,
        *,
        clock: Clock,
        ids: Ids,
        guard: Guard,
    ) -> None:
        self._executor = executor
        self._functions = functions
        self._storage = storage
        self._migrations = migrations
        self._clock = clock
        self._ids = ids
        self._guard = guard
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
            "databasemigrateimport": self._import,
            "databasemigrateexport": self._export,
            "databasemigratequeryinfo": self._job,
            "uploadfile": self._upload,
            "batchdownloadfile": self._download_urls,
            "batchdeletefile": self._delete_files,
            "getqcloudtoken": self._cloud_credentials,
        }

    def routes(self) -> list[web.RouteDef]:
        """Return the routes, with and without a named environment."""
        return [
            web.route("*", "/cgi-bin/token", self._rim(self._token)),
            web.route("*", "/cgi-bin/stable_token", self._rim(self._token)),
            web.route("*", "/tcb/invokecloudfunction", self._rim(self._invoke)),
            web.route("*", "/tcb/{name}", self._rim(self._named)),
        ]

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

    async def _token(self, request: web.Request, request_id: str) -> bytes:
        """Answer `/cgi-bin/token` with parameters in the query, `stable_token` in the body."""
        del request_id
        given: Mapping[str, Value] = request.query
        if request.method == hdrs.METH_POST:
            given = {**request.query, **await _body(request)}
        if given.get("grant_type") != "client_credential":
            raise Refused(40002, "invalid grant_type")
        if not given.get("appid"):
            raise Refused(41002, "appid missing")
        if not given.get("secret"):
            raise Refused(41004, "appsecret missing")
        expires_ms = self._clock.now_ms() + TOKEN_LIFETIME_S * 1000
        token = f"{TOKEN_HEAD}.{expires_ms}.{self._ids.token()}"
        return orjson.dumps({"access_token": token, "expires_in": TOKEN_LIFETIME_S})

    async def _named(self, request: web.Request, request_id: str) -> bytes:
        """Answer what the table has for the path."""
        del request_id
        run = self._table.get(request.match_info["name"].lower())
        if run is None:
            raise Refused(40066, f"invalid url: {request.path:.100} is not emulated")
        self._require_token(request)
        body = await _body(request)
        if not body:
            raise Refused(44002, "empty post data")
        _text(body, "env")
        return success(await run(body))

    async def _invoke(self, request: web.Request, request_id: str) -> bytes:
        """Call a function without a user; the body is its event."""
        self._require_token(request)
        name = request.query.get("name", "")
        if not name or not request.query.get("env"):
            raise _missing("name" if not name else "env")
        raw = await read_body(request, max_bytes=REQUEST_MAX_BYTES)
        event = _json(raw) if raw.strip() else {}
        invoked = await self._functions.invoke(name, event, _OUTSIDE, request_id=request_id)
        return success({"resp_data": result_of(name, invoked).decode()})

    def _require_token(self, request: web.Request) -> None:
        if request.method != hdrs.METH_POST:
            raise Refused(43002, "require POST method")
        token = request.query.get("access_token", "")
        if not token:
            raise Refused(41001, "access_token missing")
        head, _, rest = token.partition(".")
        expires = rest.partition(".")[0]
        ours = head == TOKEN_HEAD and expires.isascii() and expires.isdigit()
        if ours and int(expires[:20]) <= self._clock.now_ms():
            raise Refused(42001, "access_token expired")

    async def _said(self, body: Body, kind: type[Command], call: str) -> Any:
        """Return the command of the statement and its result."""
        command = read_statement(_text(body, "query"), now_ms=self._clock.now_ms())
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
        command = CreateCollection(collection=_text(body, "collection_name"))
        await self._executor.execute(command, ADMINISTRATOR)
        return {}

    async def _drop_collection(self, body: Body) -> dict[str, Any]:
        command = DropCollection(collection=_text(body, "collection_name"))
        await self._executor.execute(command, ADMINISTRATOR)
        return {}

    async def _collections(self, body: Body) -> dict[str, Any]:
        limit = fields.count(body, "limit") or COLLECTIONS_DEFAULT
        offset = fields.count(body, "offset") or 0
        known = await self._executor.execute(ListCollections(), ADMINISTRATOR)
        shown = known[offset : offset + limit]
        return {
            "pager": {"Offset": offset, "Limit": limit, "Total": len(known)},
            "collections": [
                {"size": 0, "index_count": 1, "index_size": 0, **each} for each in shown
            ],
        }

    async def _import(self, body: Body) -> dict[str, Any]:
        order = ImportOrder(
            collection=_text(body, "collection_name"),
            cloud_path=_text(body, "file_path"),
            file_type=_choice(body, "file_type", _FILE_TYPES),
            upsert=_choice(body, "conflict_mode", _CONFLICT_MODES),
            stop_on_error=fields.flag(body, "stop_on_error", default=False),
        )
        job = await self._migrations.import_file(order, ADMINISTRATOR)
        return {"job_id": job.number}

    async def _export(self, body: Body) -> dict[str, Any]:
        path, kind = _text(body, "file_path"), _choice(body, "file_type", _FILE_TYPES)
        find = read_statement(_text(body, "query"), now_ms=self._clock.now_ms())
        if not isinstance(find, Find):
            raise Refused(40097, "invalid args. the query should end in get()")
        job = await self._migrations.export_file(find, path, kind, ADMINISTRATOR)
        return {"job_id": job.number}

    async def _job(self, body: Body) -> dict[str, Any]:
        number = fields.count(body, "job_id")
        if number is None:
            raise _missing("job_id")
        job = self._migrations.job(number)
        return {
            "status": "success" if job.succeeded else "fail",
            "record_success": job.done,
            "record_fail": job.failed,
            "error_msg": job.error or "done.",
            "file_url": await self._migrations.file_url(job, ADMINISTRATOR),
        }

    async def _upload(self, body: Body) -> dict[str, Any]:
        ticket = self._storage.upload_ticket(_text(body, "path"), ADMINISTRATOR)
        return {
            "url": ticket.url,
            "token": ticket.token,
            "authorization": ticket.authorization,
            "file_id": ticket.file_id,
            "cos_file_id": ticket.cos_file_id,
        }

    async def _download_urls(self, body: Body) -> dict[str, Any]:
        command = TemporaryUrls(
            files=tuple(
                (fields.text(_object(each), "fileid"), fields.count(_object(each), "max_age"))
                for each in _list(body, "file_list")
            )
        )
        outcomes = await self._executor.execute(command, ADMINISTRATOR)
        return {"file_list": [{**_outcome(each), "download_url": each.url} for each in outcomes]}

    async def _delete_files(self, body: Body) -> dict[str, Any]:
        ids = _list(body, "fileid_list")
        if not all(type(each) is str for each in ids):
            raise Refused(40097, "invalid args. fileid_list must hold texts")
        outcomes = await self._executor.execute(DeleteFiles(file_ids=tuple(ids)), ADMINISTRATOR)
        return {"delete_list": [_outcome(each) for each in outcomes]}

    async def _cloud_credentials(self, body: Body) -> dict[str, Any]:
        lifetime_s = fields.count(body, "lifespan") or QCLOUD_TOKEN_LIFETIME_S
        return {
            "secretid": "cloud-emu-local-secret-id",
            "secretkey": "cloud-emu-local-secret-key",
            "token": self._ids.token(),
            "expired_time": self._clock.now_ms() // 1000 + lifetime_s,
        }


async def _body(request: web.Request) -> Body:
    raw = await read_body(request, max_bytes=REQUEST_MAX_BYTES)
    if not raw.strip():
        return {}
    data = _json(raw)
    if type(data) is not dict:
        raise Refused(47001, "data format error: the body must be a JSON object")
    return data


def _json(raw: bytes) -> Value:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as fault:
        raise Refused(47001, f"data format error: {fault}") from fault


def _text(body: Body, name: str) -> str:
    value = body.get(name)
    if value is None or value == "":
        raise _missing(name)
    return fields.text(body, name)


def _list(body: Body, name: str) -> list[Value]:
    if body.get(name) is None:
        raise _missing(name)
    return fields.items(body, name)


def _object(value: Value) -> Body:
    if type(value) is not dict:
        raise Refused(40097, "invalid args. file_list must hold objects with fileid")
    return value


def _choice(body: Body, name: str, choices: Mapping[int, Any]) -> Any:
    number = fields.count(body, name)
    if number is None:
        raise _missing(name)
    if number not in choices:
        known = " or ".join(map(str, choices))
        raise Refused(40097, f"invalid args. {name} must be {known}, not {number}")
    return choices[number]


def _outcome(outcome: FileOutcome) -> dict[str, Any]:
    done = outcome.code == "SUCCESS"
    return {
        "fileid": outcome.file_id,
        "status": 0 if done else number_of(outcome.code),
        "errmsg": "ok" if done else outcome.code,
    }


def _missing(name: str) -> Refused:
    return Refused(40101, f"missing parameter: {name}")
