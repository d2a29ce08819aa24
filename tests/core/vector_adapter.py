"""Drives `emulator.core` through conformance vectors, with a dict of lists as the database.

The one idea: nothing but the pure core is asked, in the order a database would ask it: admit on the
way in, filter, near, sort, cut, project on the way out; an index only refuses what it must. What
the cloud has not is skipped with a reason: partial and text indexes, updates by pipelines.
"""

import importlib.util
import itertools
import json
from dataclasses import dataclass, field
from pathlib import Path

from emulator.core import ejson
from emulator.core.aggregate.expressions import expression_compiler
from emulator.core.documents import admit, resolve
from emulator.core.errors import DatabaseRequestFailed, DuplicateKey, EmulatorError
from emulator.core.ordering import equal, hash_key, sort_documents
from emulator.core.paths import sort_values, split_path, visit
from emulator.core.projection import compile_projection
from emulator.core.query import CompiledFilter, compile_filter
from emulator.core.update import (
    compile_update,
    refuse_expression,
    replacement,
    upsert_base,
    upsert_id,
)
from emulator.core.values import MISSING, Document, Value

NOW_MS = 1_700_000_000_000
NO_PLAN = 291

_SPEC = importlib.util.spec_from_file_location(
    "vector_pipeline", Path(__file__).with_name("vector_pipeline.py")
)
PIPELINE = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(PIPELINE)


class Skipped(Exception):
    """The vector asks for something that is not the core's."""


@dataclass(frozen=True, slots=True)
class Unique:
    """A unique index: no two documents share one of its keys; missing is null unless sparse."""

    paths: tuple[str, ...]
    sparse: bool

    def keys(self, document: Document) -> set[Value]:
        rows = sort_values(document, [split_path(path) for path in self.paths])
        is_there = any(
            value is not MISSING
            for path in self.paths
            for value, _ in visit(document, split_path(path))
        )
        return (
            set() if self.sparse and not is_there else {tuple(map(hash_key, row)) for row in rows}
        )


@dataclass(slots=True)
class Database:
    collections: dict[str, list[Document]] = field(default_factory=dict)
    geo_indexes: dict[str, dict[str, str]] = field(default_factory=dict)
    unique_indexes: dict[str, list[Unique]] = field(default_factory=dict)
    ids: "itertools.count[int]" = field(default_factory=itertools.count)

    def documents(self, name: str) -> list[Document]:
        return self.collections.setdefault(name, [])

    def insert(self, name: str, document: Document) -> None:
        admitted = admit(document, now_ms=NOW_MS)
        if "_id" not in admitted:
            admitted = {"_id": f"{next(self.ids):032x}", **admitted}
        if any(equal(admitted["_id"], other["_id"]) for other in self.documents(name)):
            raise DuplicateKey("E11000 duplicate key error")
        self.refuse_duplicate(name, admitted)
        self.documents(name).append(admitted)

    def refuse_duplicate(self, name: str, new: Document, old: Document | None = None) -> None:
        for index in self.unique_indexes.get(name, ()):
            keys = index.keys(new)
            if any(keys & index.keys(other) for other in self.documents(name) if other is not old):
                raise DuplicateKey("E11000 duplicate key error")

    def add_index(self, index: dict) -> None:
        options = index.get("options") or {}
        for path, kind in index["keys"]:
            if kind in ("2d", "2dsphere"):
                self.geo_indexes.setdefault(index["coll"], {})[path] = kind
        if options.get("unique"):
            paths = tuple(path for path, _ in index["keys"])
            unique = Unique(paths, bool(options.get("sparse")))
            self.unique_indexes.setdefault(index["coll"], []).append(unique)

    def matching(self, name: str, compiled: CompiledFilter) -> list[Document]:
        found = compiled.select(self.documents(name))
        assert found == [d for d in self.documents(name) if compiled.matches(d)]
        if compiled.near is None:
            return found
        self._need_index(name, compiled)
        distances = {id(document): compiled.near.distance_m(document) for document in found}
        return sorted(found, key=lambda document: distances[id(document)])

    def _need_index(self, name: str, compiled: CompiledFilter) -> None:
        kind = self.geo_indexes.get(name, {}).get(compiled.near.path)
        if kind not in compiled.near.distance.index_kinds:
            raise DatabaseRequestFailed(
                "unable to find index for $geoNear query", mongo_code=NO_PLAN
            )


def run(vector: dict) -> dict:
    """Return the outcome of one vector, as the runner wants it."""
    if reason := _beyond_the_core(vector):
        return {"skip": reason}
    database = Database()
    try:
        for name, documents in vector["setup"].items():
            database.documents(name)
            for document in documents:
                database.insert(name, ejson.decode(document))
    except EmulatorError as refusal:
        return {"skip": f"setup refused: {refusal.message[:60]}"}
    for index in vector.get("indexes") or []:
        database.add_index(index)
    try:
        for step in vector.get("steps") or []:
            _OPERATIONS[step["kind"]](database, step)
        outcome = _OPERATIONS[vector["op"]["kind"]](database, vector["op"])
    except Skipped as reason:
        return {"skip": str(reason)}
    except EmulatorError as refusal:
        code = getattr(refusal, "mongo_code", None)
        return {"error": {"code": code, "message": refusal.message}}
    if "after" in vector["expect"]:
        outcome["after"] = _encoded(database.documents(vector["op"]["coll"]))
    return outcome


def _beyond_the_core(vector: dict) -> str:
    text = json.dumps([vector["op"], vector.get("steps")])
    if any("partialFilterExpression" in str(index) for index in vector.get("indexes") or []):
        return "the cloud has no partial indexes"
    if any(
        "text" in map(str, dict(index["keys"]).values()) for index in vector.get("indexes") or []
    ):
        return "" if "$text" not in text else "text search"
    return ""


def _encoded(documents: list[Document]) -> list[Value]:
    return [ejson.canonical(document) for document in documents]


def _compiled(operation: dict, key: str) -> CompiledFilter:
    return compile_filter(
        resolve(ejson.decode(operation.get(key) or {}), now_ms=NOW_MS),
        expression=expression_compiler(now_ms=NOW_MS),
    )


def _find(database: Database, operation: dict) -> dict:
    compiled = _compiled(operation, "filter")
    project = compile_projection(
        ejson.decode(operation.get("projection")), matched_index=compiled.matched_index
    )
    found = database.matching(operation["coll"], compiled)
    return {"docs": _encoded([project(document) for document in _cut(found, operation)])}


def _cut(found: list[Document], operation: dict) -> list[Document]:
    cuts = [operation.get("limit") or 0, operation.get("skip") or 0]
    sort = operation.get("sort")
    if not all(type(cut) is int and cut >= 0 for cut in cuts) or type(sort) is list:
        raise Skipped("a limit, skip or sort the database must judge")
    if sort:
        found = sort_documents(found, [(path, int(way)) for path, way in sort.items()])
    found = found[operation.get("skip") or 0 :]
    return found[: operation["limit"]] if operation.get("limit") else found


def _count(database: Database, operation: dict) -> dict:
    found = database.matching(operation["coll"], _compiled(operation, "filter"))
    number = len(_cut(found, operation))
    return {"result": {"n": number}, "value": number}


def _distinct(database: Database, operation: dict) -> dict:
    found = database.matching(operation["coll"], _compiled(operation, "filter"))
    values: dict[Value, Value] = {}
    for document in found:
        for value, _ in visit(document, split_path(operation["key"])):
            if value is not MISSING and type(value) is not list:
                values.setdefault(hash_key(value), value)
    return {"values": _encoded(list(values.values()))}


def _insert(database: Database, operation: dict) -> dict:
    for document in operation["docs"]:
        database.insert(operation["coll"], ejson.decode(document))
    return {"result": {"n": len(operation["docs"])}}


def _delete(database: Database, operation: dict) -> dict:
    found = database.matching(operation["coll"], _compiled(operation, "q"))
    gone = found if operation.get("multi") else found[:1]
    kept = [d for d in database.documents(operation["coll"]) if not any(d is one for one in gone)]
    database.collections[operation["coll"]] = kept
    return {"result": {"n": len(gone)}}


def _update(database: Database, operation: dict) -> dict:
    compiled = _compiled(operation, "q")
    if operation.get("upsert"):
        refuse_expression(ejson.decode(operation["q"]))
    update = ejson.decode(operation["u"])
    if type(update) is not dict:
        raise Skipped("pipeline updates are later than the cloud's MongoDB")
    apply = _successor(update, operation, compiled)
    documents = database.documents(operation["coll"])
    found = database.matching(operation["coll"], compiled)
    if not found and operation.get("upsert"):
        return _upsert(database, operation, apply)
    chosen = found if operation.get("multi") else found[:1]
    changed = [(old, apply(old, inserting=False)) for old in chosen]
    for old, new in changed:
        database.refuse_duplicate(operation["coll"], new, old)
        place = next(i for i, document in enumerate(documents) if document is old)
        documents[place] = new
    modified = sum(new is not old for old, new in changed)
    return {"result": {"n": len(chosen), "nModified": modified}}


def _successor(update: Document, operation: dict, compiled: CompiledFilter):
    if update and next(iter(update))[:1] == "$":
        filters = [ejson.decode(item) for item in operation.get("arrayFilters") or []]
        ready = compile_update(update, array_filters=filters)
        return lambda document, inserting: ready.apply(
            document,
            now_ms=NOW_MS,
            matched_index=None if inserting else compiled.matched_index(document),
            inserting=inserting,
        )
    if operation.get("multi"):
        raise DatabaseRequestFailed("multi update only works with $ operators", mongo_code=9)
    if operation.get("arrayFilters"):
        raise DatabaseRequestFailed("arrayFilters may not be given here", mongo_code=9)

    def replaced(document: Document, inserting: bool) -> Document:
        return admit(replacement(document, update), now_ms=NOW_MS)

    return replaced


def _upsert(database: Database, operation: dict, apply) -> dict:
    is_replacement = next(iter(operation["u"]), "")[:1] != "$"
    base = (upsert_id if is_replacement else upsert_base)(ejson.decode(operation["q"]))
    database.insert(operation["coll"], apply(base, inserting=True))
    upserted = database.documents(operation["coll"])[-1]["_id"]
    return {"result": {"n": 1, "nModified": 0, "upserted": ejson.canonical(upserted)}}


def _aggregate(database: Database, operation: dict) -> dict:
    found = PIPELINE.aggregate(database.collections, database.geo_indexes, operation)
    return {"docs": _encoded(found)}


_OPERATIONS = {
    "find": _find,
    "count": _count,
    "distinct": _distinct,
    "insert": _insert,
    "delete": _delete,
    "update": _update,
    "aggregate": _aggregate,
}
