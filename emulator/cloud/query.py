"""Owns queries: `collection.where(...)` and what may follow it.

Not here: conditions (`conditions`), one document (`document`). The one idea: a query is the `Find`
that its calls have built so far; each call returns another query. As in the JavaScript SDK a second
`where` replaces the first, 100 documents come without a limit and 1,000 at most with one.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from emulator.cloud.calls import Options, Request, answering, options_of, require_name
from emulator.cloud.command import Comparison, Logic
from emulator.cloud.conditions import encode_filter
from emulator.cloud.data import update_operators
from emulator.cloud.encode import decode_documents, encode, passed
from emulator.cloud.errors import cloud_error, sdk_error
from emulator.cloud.naming import BothSpellings
from emulator.cloud.watch import Watcher, watch
from emulator.core import ejson
from emulator.core.commands import (
    QUERY_LIMIT_DEFAULT_DOCUMENTS,
    QUERY_LIMIT_MAX_DOCUMENTS,
    Count,
    Find,
    Found,
    Remove,
    Removed,
    Update,
    Updated,
)
from emulator.core.values import Document, Value

DIRECTIONS: Final[Mapping[Value, int]] = {"asc": 1, "desc": -1}
_WORDS: Final = {1: "asc", -1: "desc"}


class Query(BothSpellings):
    """Conditions, order, range and fields of one collection."""

    __slots__ = ("_find", "_has_limit", "_has_where")

    def __init__(self, find: Find, *, has_where: bool, has_limit: bool = False) -> None:
        self._find = find
        self._has_where = has_where
        self._has_limit = has_limit

    def where(self, conditions: "Mapping[str, Value] | Logic") -> "Query":
        """Return the query for documents that meet the conditions; replaces earlier ones."""
        if not isinstance(conditions, Mapping | Logic):
            raise sdk_error(
                "collection.where", f"查询参数必须为对象: a dict, not {type(conditions).__name__}"
            )
        filter_ = passed("collection.where", "where", encode_filter, conditions)
        find = replace(self._find, filter=filter_)
        return Query(find, has_where=True, has_limit=self._has_limit)

    def order_by(self, field: str, direction: str = "asc") -> "Query":
        """Return the query sorted by one more field, "asc" or "desc"."""
        require_name("collection.orderBy", "field", field)
        if direction not in DIRECTIONS:
            raise sdk_error("collection.orderBy", f"排序字符不合法: {direction!r:.80}")
        sort = {**dict(self._find.sort), field: DIRECTIONS[direction]}
        return self._with(sort=tuple(sort.items()))

    def limit(self, count: int) -> "Query":
        """Return the query for so many documents; 0 stands for no limit said."""
        wanted = _whole_number("limit", count) or QUERY_LIMIT_DEFAULT_DOCUMENTS
        limited = self._with(limit=min(wanted, QUERY_LIMIT_MAX_DOCUMENTS))
        limited._has_limit = count > 0
        return limited

    def skip(self, count: int) -> "Query":
        """Return the query without the first so many documents."""
        return self._with(skip=_whole_number("offset", count))

    def field(self, fields: Mapping[str, Value]) -> "Query":
        """Return the query for some fields only: `{"name": True}` or `{"secret": False}`."""
        return self._with(projection=projection_of(fields))

    @answering("collection.get")
    def get(self) -> Request:
        """Find the documents: `{"data": [...], "errMsg"}`."""
        return Request(self._find, _read_documents)

    @answering("collection.count")
    def count(self) -> Request:
        """Count the documents, whatever the limit: `{"total": 2, "errMsg"}`."""
        find = self._find
        return Request(Count(collection=find.collection, filter=find.filter), _read_count)

    @answering("collection.update")
    def update(
        self, options: Options = None, /, *, data: Value = None, multi: bool = True
    ) -> Request:
        """Update every document, or one: `{"stats": {"updated": 2}, "errMsg"}`."""
        api = "collection.update"
        self._require_no_transaction(api)
        given = options_of(api, options, data=data, multi=multi)
        command = Update(
            collection=self._find.collection,
            filter=self._find.filter,
            update=update_operators(api, given["data"]),
            multi=given["multi"] is not False,
        )
        return Request(command, _read_updated)

    @answering("collection.remove")
    def remove(self, options: Options = None, /, *, multi: bool = True) -> Request:
        """Remove every document, or one: `{"stats": {"removed": 2}, "errMsg"}`."""
        api = "collection.remove"
        self._require_no_transaction(api)
        given = options_of(api, options, multi=multi)
        if not self._has_where:
            raise cloud_error(
                api, "INVALID_PARAM", "say which documents: where({...}); where({}) means all"
            )
        find = self._find
        multi = given["multi"] is not False
        return Request(
            Remove(collection=find.collection, filter=find.filter, multi=multi), _read_removed
        )

    def watch(
        self,
        options: Options = None,
        /,
        *,
        on_change: Value = None,
        on_error: Value = None,
        **others: Value,
    ) -> Watcher:
        """Watch the query: callbacks hear snapshots, or the watcher is iterated over.

        Raises:
            CloudError: the query says more than where, order_by and limit.
        """
        api, find = "collection.watch", self._find
        self._require_no_transaction(api)
        if find.skip or find.projection is not None:
            raise sdk_error(api, "a watch knows where, order_by and limit only")
        asked: Document = {
            "collName": find.collection,
            "query": json.dumps(ejson.canonical(find.filter)),
        }
        if find.sort:
            asked["orderBy"] = {path: _WORDS[direction] for path, direction in find.sort}
        if self._has_limit:
            asked["limit"] = find.limit
        return watch(api, asked, options, on_change=on_change, on_error=on_error, others=others)

    def _require_no_transaction(self, api: str) -> None:
        """Refuse what the JavaScript SDKs silently send outside of the transaction."""
        if self._find.transaction_id:
            raise sdk_error(api, "a transaction writes documents by id only: doc(id)")

    def _with(self, **changes: Any) -> "Query":
        find = replace(self._find, **changes)
        return Query(find, has_where=self._has_where, has_limit=self._has_limit)


def projection_of(fields: Mapping[str, Value]) -> Document:
    """Return the projection that the fields stand for; other values than these are dropped.

    Raises:
        CloudError: the fields are no dict.
    """
    if not isinstance(fields, Mapping):
        raise sdk_error("field", f"the fields should be a dict, not {type(fields).__name__}")
    projection: Document = {}
    for path, wanted in fields.items():
        if isinstance(wanted, int | float):
            projection[path] = 1 if wanted > 0 else 0
        elif isinstance(wanted, Mapping):
            projection[path] = passed("field", path, _encode_wanted, wanted)
    return projection


def _encode_wanted(wanted: Mapping[str, Value]) -> Document:
    """Return what is wanted of an array, whose items a command may describe."""
    condition = wanted.get("$elemMatch")
    if not isinstance(condition, Mapping):
        document: Document = encode(wanted)
        return document
    met: Document = {}
    for path, value in condition.items():
        is_command = isinstance(value, Comparison | Logic)
        met |= encode_filter({path: value}) if is_command else encode({path: value})
    return {"$elemMatch": met}


def first_query(collection: str, transaction_id: str | None = None) -> Find:
    """Return what a collection is asked for when nothing more is said."""
    return Find(
        collection=collection,
        limit=QUERY_LIMIT_DEFAULT_DOCUMENTS,
        transaction_id=transaction_id,
    )


def _whole_number(name: str, count: Value) -> int:
    if isinstance(count, float) and count.is_integer():
        count = int(count)
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise sdk_error(f"collection.{name}", f"{name} must be integer, 0 or more: {count!r:.80}")
    return count


def _read_documents(found: Found) -> dict[str, Any]:
    return {"data": decode_documents(found.documents), "errMsg": "collection.get:ok"}


def _read_count(total: int) -> dict[str, Any]:
    return {"total": total, "errMsg": "collection.count:ok"}


def _read_updated(updated: Updated) -> dict[str, Any]:
    return {"stats": {"updated": updated.matched}, "errMsg": "collection.update:ok"}


def _read_removed(removed: Removed) -> dict[str, Any]:
    return {"stats": {"removed": removed.count}, "errMsg": "collection.remove:ok"}
