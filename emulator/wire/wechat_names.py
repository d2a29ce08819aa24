"""Owns what the names of a statement stand for: `db`, `_`, `$`, `Date`, and what may follow each.

Not here: how a statement is walked (`wire.wechat_query`). The one idea: every name and method is a
row of a table that leads to the twin of it in the `cloud` object; what has no row does not exist,
so nothing of Python can be reached from a text.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.cloud.aggregate import Aggregation
from emulator.cloud.command import Command, Comparison, Condition, Logic, Projections
from emulator.cloud.database import Collection
from emulator.cloud.document import DocumentReference
from emulator.cloud.expressions import Expressions, Pipeline
from emulator.cloud.geo import SHAPES
from emulator.cloud.markers import ObjectId, RegExp, ServerDate
from emulator.cloud.query import Query
from emulator.core.commands import Command as Carried
from emulator.core.commands import Find
from emulator.core.ejson import date_text
from emulator.core.records import dataclass
from emulator.core.values import Date, Value
from emulator.wire.wechat_dates import date_of, utc_ms

ARGUMENTS_MAX: Final = 10_000
QUERY_LIMIT_DEFAULT_DOCUMENTS: Final = 10
"""What `get()` without `limit()` returns here, unlike in the SDKs (WeChat's page on databaseQuery).
"""


@dataclass(frozen=True, slots=True)
class Method:
    """What can be called with so many arguments; `ends` where the result is a whole command."""

    call: Callable[..., Any]
    least: int = 1
    most: int = 1
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Namespace:
    """What has members but is no value."""

    name: str
    members: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Named:
    """A collection of which nothing more than the name was said."""

    name: str
    limit: int | None = QUERY_LIMIT_DEFAULT_DOCUMENTS

    def query(self) -> Query:
        """Return the query for all of it."""
        return Query(Find(collection=self.name, limit=self.limit), has_where=False)

    def collection(self) -> Collection:
        """Return it as the `cloud` object has it."""
        return Collection(self.name, throw_on_not_found=False)


class Operators:
    """The namespace `$` of aggregation expressions: any name is one."""

    __slots__ = ()


NO_VALUES: Final = (Method, Namespace, Named, Operators, Query, DocumentReference, Pipeline)
"""What may be named and followed, but not be put into data."""


def names_at(now_ms: int, limit: int | None) -> dict[str, Any]:
    """Return what the names of a statement stand for at a moment, where `get()` has a limit."""
    date = Namespace(
        "Date",
        {
            "UTC": Method(utc_ms, 1, 7),
            "now": Method(lambda: now_ms, 0, 0),
            "": Method(lambda *parts: date_of(parts, now_ms), 0, 7),
        },
    )
    collection = Method(lambda name: Named(name, limit))
    database = Namespace("db", {"collection": collection, **_DATABASE.members})
    return {**_NAMES, "db": database, "Date": date}


def member_of(owner: Any, name: str) -> Any:
    """Return what a name after a dot stands for, None when there is no such member."""
    if isinstance(owner, Namespace):
        return owner.members.get(name)
    if isinstance(owner, Operators):
        return _operator(name)
    for kind, methods in _METHODS:
        if isinstance(owner, kind):
            method = methods.get(name)
            return None if method is None else _bound(method, owner)
    return None


def members_of(owner: Any) -> list[str]:
    """Return the names that may follow, for a message."""
    if isinstance(owner, Namespace):
        return [name for name in owner.members if name]
    return next((list(methods) for kind, methods in _METHODS if isinstance(owner, kind)), [])


def _bound(method: Method, owner: Any) -> Method:
    return Method(
        lambda *arguments: method.call(owner, *arguments), method.least, method.most, method.ends
    )


def _operator(name: str) -> Method | None:
    if name == "pipeline":
        return Method(Pipeline, 0, 0)
    if not name.isascii() or not name.isalnum() or not name[0].islower():
        return None
    return Method(getattr(Expressions(), name), 0, ARGUMENTS_MAX)


def _ending(call: Callable[..., Any]) -> Callable[..., Carried]:
    """Return what gives the command of a call of the `cloud` object instead of sending it."""
    build: Callable[..., Any] = inspect.unwrap(call)

    def command(*arguments: Value) -> Carried:
        carried: Carried = build(*arguments).command
        return carried

    return command


def _asked(call: Callable[..., Any]) -> Callable[..., Carried]:
    """Return the same for a call whose options say nothing: `get({})` is `get()`."""
    command = _ending(call)
    return lambda query, *options: command(query)


def _on_query(name: str) -> Callable[..., Any]:
    method = _QUERY[name].call
    return lambda named, *arguments: method(named.query(), *arguments)


def _add_to_set(value: Value) -> Value:
    if type(value) is dict and list(value) == ["each"]:
        return Command.add_to_set(each=value["each"])
    return Command.add_to_set(value)


_QUERY: Final[Mapping[str, Method]] = {
    "where": Method(Query.where),
    "orderBy": Method(Query.order_by, 1, 2),
    "limit": Method(Query.limit),
    "skip": Method(Query.skip),
    "field": Method(Query.field),
    "get": Method(_asked(Query.get), 0, 1, ends=True),
    "count": Method(_asked(Query.count), 0, 1, ends=True),
    "update": Method(_ending(Query.update), ends=True),
    "remove": Method(_asked(Query.remove), 0, 1, ends=True),
}

_COLLECTION: Final[Mapping[str, Method]] = {
    "doc": Method(lambda named, document_id: named.collection().doc(document_id)),
    "add": Method(
        lambda named, *options: _ending(Collection.add)(named.collection(), *options), ends=True
    ),
    "aggregate": Method(lambda named: Aggregation(named.name), 0, 0),
    **{
        name: Method(_on_query(name), each.least, each.most, each.ends)
        for name, each in _QUERY.items()
    },
}

_DOCUMENT: Final[Mapping[str, Method]] = {
    "field": Method(DocumentReference.field),
    "get": Method(_asked(DocumentReference.get), 0, 1, ends=True),
    "set": Method(_ending(DocumentReference.set), ends=True),
    "update": Method(_ending(DocumentReference.update), ends=True),
    "remove": Method(_asked(DocumentReference.remove), 0, 1, ends=True),
}

_STAGES: Final[Mapping[str, Method]] = {
    "addFields": Method(Pipeline.add_fields),
    "bucket": Method(Pipeline.bucket),
    "bucketAuto": Method(Pipeline.bucket_auto),
    "count": Method(Pipeline.count),
    "geoNear": Method(Pipeline.geo_near),
    "group": Method(Pipeline.group),
    "limit": Method(Pipeline.limit),
    "lookup": Method(Pipeline.lookup),
    "match": Method(Pipeline.match),
    "project": Method(Pipeline.project),
    "replaceRoot": Method(Pipeline.replace_root),
    "sample": Method(Pipeline.sample),
    "skip": Method(Pipeline.skip),
    "sort": Method(Pipeline.sort),
    "sortByCount": Method(Pipeline.sort_by_count),
    "unwind": Method(Pipeline.unwind),
}

_CONDITIONS: Final[Mapping[str, Method]] = {
    "and": Method(Condition.and_, 0, ARGUMENTS_MAX),
    "or": Method(Condition.or_, 0, ARGUMENTS_MAX),
    "nor": Method(Condition.nor, 0, ARGUMENTS_MAX),
    "eq": Method(Condition.eq),
    "neq": Method(Condition.neq),
    "gt": Method(Condition.gt),
    "gte": Method(Condition.gte),
    "lt": Method(Condition.lt),
    "lte": Method(Condition.lte),
    "in": Method(Condition.in_),
    "nin": Method(Condition.nin),
}

_DATE: Final[Mapping[str, Method]] = {
    "getTime": Method(lambda date: date.ms, 0, 0),
    "valueOf": Method(lambda date: date.ms, 0, 0),
    "toISOString": Method(date_text, 0, 0),
}

_METHODS: Final[tuple[tuple[type, Mapping[str, Method]], ...]] = (
    (Date, _DATE),
    (Named, _COLLECTION),
    (Query, _QUERY),
    (DocumentReference, _DOCUMENT),
    (Aggregation, {**_STAGES, "end": Method(_ending(Aggregation.end), 0, 0, ends=True)}),
    (Pipeline, {**_STAGES, "done": Method(Pipeline.done, 0, 0)}),
    (Comparison, _CONDITIONS),
    (Logic, _CONDITIONS),
)

_COMMAND: Final = Namespace(
    "db.command",
    {
        "aggregate": Operators(),
        "project": Namespace(
            "db.command.project",
            {
                "slice": Method(Projections.slice),
                "elemMatch": Method(Projections.elem_match),
            },
        ),
        **{
            name: Method(getattr(Command, name))
            for name in ("eq", "neq", "gt", "gte", "lt", "lte", "exists", "size", "nin", "all")
        },
        "in": Method(Command.in_),
        "elemMatch": Method(Command.elem_match),
        "mod": Method(Command.mod, 1, 2),
        "geoNear": Method(Command.geo_near),
        "geoWithin": Method(Command.geo_within),
        "geoIntersects": Method(Command.geo_intersects),
        "expr": Method(Command.expr),
        "jsonSchema": Method(Command.json_schema),
        "not": Method(Command.not_),
        "and": Method(Command.and_, 0, ARGUMENTS_MAX),
        "or": Method(Command.or_, 0, ARGUMENTS_MAX),
        "nor": Method(Command.nor, 0, ARGUMENTS_MAX),
        **{
            name: Method(getattr(Command, name))
            for name in ("set", "inc", "mul", "min", "max", "bit", "rename", "pull")
        },
        "remove": Method(Command.remove, 0, 0),
        "pop": Method(Command.pop, 0, 0),
        "shift": Method(Command.shift, 0, 0),
        "push": Method(Command.push, 0, ARGUMENTS_MAX),
        "unshift": Method(Command.unshift, 0, ARGUMENTS_MAX),
        "pullAll": Method(Command.pull_all),
        "addToSet": Method(_add_to_set),
    },
)

_DATABASE: Final = Namespace(
    "db",
    {
        "command": _COMMAND,
        "serverDate": Method(ServerDate, 0, 1),
        "RegExp": Method(RegExp),
        "ObjectId": Method(ObjectId),
        "Geo": Namespace(
            "db.Geo",
            {name: Method(shape, 1, 2 if name == "Point" else 1) for name, shape in SHAPES.items()},
        ),
    },
)

_NAMES: Final[Mapping[str, Any]] = {
    "_": _COMMAND,
    "$": _COMMAND.members["aggregate"],
    "RegExp": Method(RegExp, 1, 2),
}
