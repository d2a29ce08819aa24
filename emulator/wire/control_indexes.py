"""Owns the part of the control API that is about indexes: what there are, what reads cost.

Not here: what any call does (`IndexedSuite` does it).
"""

from typing import Final, Protocol

from aiohttp import web

from emulator.core import ejson
from emulator.core.commands import QUERY_LIMIT_DEFAULT_DOCUMENTS, CreateIndex, Find
from emulator.core.errors import InvalidParam
from emulator.core.values import Value
from emulator.wire import fields
from emulator.wire.control import guarded
from emulator.wire.control_json import (
    Json,
    answer,
    flag,
    limit,
    read_body,
    read_object,
    text_or_none,
)
from emulator.wire.index_actions import index_keys

INDEX_REQUEST_MAX_BYTES: Final = 1024 * 1024


class IndexedSuite(Protocol):
    """What these calls ask of a suite."""

    async def indexes(self, collection: str) -> list[Json]:
        """Return the definitions of a collection; raises CollectionNotExist."""
        ...

    async def create_index(self, command: CreateIndex) -> str:
        """Make an index and return its name."""
        ...

    async def drop_index(self, collection: str, name: str) -> None:
        """Remove an index."""
        ...

    async def explain(self, command: Find) -> Json:
        """Read as a query would and return what that took."""
        ...

    def advice(self) -> list[Json]:
        """Return the shapes of query that want an index."""
        ...

    def reads(self, *, request_id: str, limit: int) -> list[Json]:
        """Return the newest looks into collections, oldest first."""
        ...


def routes(suite: IndexedSuite) -> list[web.RouteDef]:
    """Return the routes."""
    control = _Control(suite)
    indexes = "/_emu/collections/{name}/indexes"
    return [
        web.get(indexes, guarded(control.indexes)),
        web.post(indexes, guarded(control.create)),
        web.delete(indexes + "/{index}", guarded(control.drop)),
        web.post("/_emu/collections/{name}/explain", guarded(control.explain)),
        web.get("/_emu/advice", guarded(control.advice)),
        web.get("/_emu/reads", guarded(control.reads)),
    ]


class _Control:
    """The handlers over one suite."""

    def __init__(self, suite: IndexedSuite) -> None:
        self._suite = suite

    async def indexes(self, request: web.Request) -> web.StreamResponse:
        return answer({"indexes": await self._suite.indexes(request.match_info["name"])})

    async def create(self, request: web.Request) -> web.StreamResponse:
        raw = await read_body(request, INDEX_REQUEST_MAX_BYTES)
        data = read_object(raw, known=("keys", "name", "unique", "sparse", "expire_after_s"))
        command = CreateIndex(
            collection=request.match_info["name"],
            keys=index_keys(data.get("keys")),
            name=text_or_none(data, "name") or "",
            unique=flag(data, "unique"),
            sparse=flag(data, "sparse"),
            expire_after_s=fields.count(data, "expire_after_s"),
        )
        return answer({"name": await self._suite.create_index(command)})

    async def drop(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["index"]
        await self._suite.drop_index(request.match_info["name"], name)
        return answer({"dropped": name})

    async def explain(self, request: web.Request) -> web.StreamResponse:
        raw = await read_body(request, INDEX_REQUEST_MAX_BYTES)
        data = read_object(raw, known=("filter", "sort", "skip", "limit"))
        wanted = fields.count(data, "limit")
        command = Find(
            collection=request.match_info["name"],
            filter=ejson.decode(_object(data, "filter")),
            sort=_sort(_object(data, "sort")),
            skip=fields.count(data, "skip") or 0,
            limit=QUERY_LIMIT_DEFAULT_DOCUMENTS if wanted is None else wanted,
        )
        return answer(await self._suite.explain(command))

    async def advice(self, request: web.Request) -> web.StreamResponse:
        return answer({"advice": self._suite.advice()})

    async def reads(self, request: web.Request) -> web.StreamResponse:
        request_id = request.query.get("request_id", "")
        return answer(self._suite.reads(request_id=request_id, limit=limit(request)))


def _object(data: Json, name: str) -> dict[str, Value]:
    value: Value = data.get(name) or {}
    if not isinstance(value, dict):
        raise fields.wrong(name, value, "an object")
    return value


def _sort(data: dict[str, Value]) -> tuple[tuple[str, int], ...]:
    for path, direction in data.items():
        if direction not in (1, -1) or isinstance(direction, bool):
            raise InvalidParam(f"sort.{path} must be 1 or -1, not {direction!r:.40}")
    return tuple((path, int(direction)) for path, direction in data.items())
