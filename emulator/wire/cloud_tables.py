"""Owns the database calls of Tencent Cloud's API: tables, their indexes and documents, jobs.

Not here: the door (`wire.cloud_api`) and the work (`services`). The one idea: what the API calls a
table is a collection; `flexdb` has these calls for manager-node up to 4.x, `tcb` for later ones,
which name the environment beside. Documents and conditions are Extended JSON in texts.
"""

from collections.abc import Mapping
from typing import Any, Final

from emulator.core.commands import (
    QUERY_LIMIT_MAX_DOCUMENTS,
    Count,
    CreateCollection,
    CreateIndex,
    DropCollection,
    DropIndex,
    Find,
    Insert,
    ListCollections,
    ListIndexes,
    Remove,
    Update,
)
from emulator.core.errors import InvalidParam
from emulator.core.values import Document, Value
from emulator.services.caller import ADMINISTRATOR
from emulator.services.migrations import FileType, ImportOrder, Migrations
from emulator.wire import ejson, fields
from emulator.wire.actions import Executes
from emulator.wire.cloud_api import Call
from emulator.wire.fields import Body
from emulator.wire.measured import measured
from emulator.wire.native_commands import NativeCommands

LIMIT_DEFAULT: Final = 100
QUERY_LIMIT_DEFAULT: Final = 20
COUNT_MAX: Final = 2**31 - 1
"""What the API's whole numbers hold."""
_FILE_TYPES: Final[Mapping[str, FileType]] = {"json": "jsonl", "csv": "csv"}
_DIRECTIONS: Final[Mapping[Value, int]] = {"1": 1, "-1": -1}
_EPOCH: Final = "1970-01-01T08:00:00.000+08:00"


class CloudTables:
    """The calls of one suite."""

    def __init__(self, executor: Executes, migrations: Migrations) -> None:
        self._executor = executor
        self._migrations = migrations
        self._native = NativeCommands(executor)

    def table(self) -> dict[str, Call]:
        """Return the actions by name."""
        return {
            "CreateTable": self._create,
            "DeleteTable": self._drop,
            "DescribeTable": self._describe,
            "ListTables": self._list,
            "UpdateTable": self._index,
            "DescribeDbDistribution": self._distribute,
            "PutItem": self._put,
            "Query": self._query,
            "CountItem": self._count,
            "UpdateItem": self._update,
            "DeleteItem": self._delete,
            "RunCommands": self._run,
            "DatabaseMigrateImport": self._import,
            "DatabaseMigrateExport": self._export,
            "DatabaseMigrateQueryInfo": self._job,
        }

    async def _do(self, command: Any) -> Any:
        return await self._executor.execute(command, ADMINISTRATOR)

    async def _create(self, body: Body) -> dict[str, Any]:
        await self._do(CreateCollection(collection=_table(body)))
        return {}

    async def _drop(self, body: Body) -> dict[str, Any]:
        await self._do(DropCollection(collection=_table(body)))
        return {}

    async def _describe(self, body: Body) -> dict[str, Any]:
        known = await self._do(ListIndexes(collection=_table(body)))
        return {"Indexes": [_told_index(each) for each in known], "IndexNum": len(known)}

    async def _list(self, body: Body) -> dict[str, Any]:
        """List collections; without any the cloud answers null, which manager-node looks for."""
        offset = _bounded(body, "MgoOffset", 0)
        limit = _bounded(body, "MgoLimit", LIMIT_DEFAULT)
        known = await self._do(ListCollections())
        shown = [await self._measured(each) for each in known[offset : offset + limit]]
        return {
            "Tables": shown or None,
            "Pager": {"Offset": offset, "Limit": limit, "Total": len(known)},
        }

    async def _measured(self, known: dict[str, Any]) -> dict[str, Any]:
        """Return a collection with its sizes."""
        size, indexes, index_size = await measured(self._executor, known)
        return {
            "TableName": known["name"],
            "Count": known["count"],
            "Size": size,
            "IndexCount": indexes,
            "IndexSize": index_size,
        }

    async def _distribute(self, body: Body) -> dict[str, Any]:
        """Count the documents of each collection."""
        del body
        known = await self._do(ListCollections())
        told = [{"CollectionName": each["name"], "DocCount": each["count"]} for each in known]
        return {"Collections": told, "Count": len(known), "Total": len(known)}

    async def _index(self, body: Body) -> dict[str, Any]:
        """Drop indexes, then create others; one of a name that is taken replaces what has it."""
        collection = _table(body)
        dropped = [fields.text(each, "IndexName") for each in _objects(body, "DropIndexes")]
        wanted = [_read_index(collection, each) for each in _objects(body, "CreateIndexes")]
        known = {each["name"] for each in await self._do(ListIndexes(collection=collection))}
        for name in dropped:
            await self._do(DropIndex(collection=collection, name=name))
        for index in wanted:
            if index.name in known.difference(dropped):
                await self._do(DropIndex(collection=collection, name=index.name))
            await self._do(index)
        return {}

    async def _put(self, body: Body) -> dict[str, Any]:
        given = fields.items(body, "MgoDocs")
        documents = tuple(fields.document(each, "MgoDocs") for each in given)
        inserted = await self._do(Insert(collection=_table(body), documents=documents))
        return {"InsertedIds": [_id_text(each) for each in inserted.ids]}

    async def _query(self, body: Body) -> dict[str, Any]:
        limit = _bounded(body, "MgoLimit", QUERY_LIMIT_DEFAULT) or QUERY_LIMIT_DEFAULT
        find = Find(
            collection=_table(body),
            filter=_document(body, "MgoQuery"),
            sort=_sort(body.get("MgoSort"), "MgoSort"),
            skip=_bounded(body, "MgoOffset", 0),
            limit=min(limit, QUERY_LIMIT_MAX_DOCUMENTS),
            projection=_document(body, "MgoProjection") or None,
        )
        found = await self._do(find)
        total = await self._do(Count(collection=find.collection, filter=find.filter))
        return {
            "Data": [ejson.document_text(each) for each in found.documents],
            "Pager": {"Offset": find.skip, "Limit": find.limit, "Total": total},
        }

    async def _count(self, body: Body) -> dict[str, Any]:
        count = Count(collection=_table(body), filter=_document(body, "MgoQuery"))
        return {"Count": await self._do(count)}

    async def _update(self, body: Body) -> dict[str, Any]:
        data = fields.document(body.get("MgoUpdate"), "MgoUpdate")
        done = await self._do(
            Update(
                collection=_table(body),
                filter=_document(body, "MgoQuery"),
                update=data,
                multi=fields.flag(body, "MgoIsMulti", default=False),
                upsert=fields.flag(body, "MgoUpsert", default=False),
                replace=not any(key[:1] == "$" for key in data),
            )
        )
        upserted = "" if done.upserted_id is None else _id_text(done.upserted_id)
        return {
            "UpsertedId": upserted,
            "MatchedNum": done.matched,
            "ModifiedNum": done.modified,
        }

    async def _delete(self, body: Body) -> dict[str, Any]:
        remove = Remove(
            collection=_table(body),
            filter=_document(body, "MgoQuery"),
            multi=fields.flag(body, "MgoIsMulti", default=False),
        )
        return {"Deleted": (await self._do(remove)).count}

    async def _run(self, body: Body) -> dict[str, Any]:
        """Run MongoDB's own commands; each comes to the text of a list."""
        told = []
        for each in _objects(body, "MgoCommands"):
            command = {"commands": [fields.text(each, "Command")]}
            text = (await self._native.run(command, ADMINISTRATOR)).decode()
            told.append(text[1:-1])
        return {"Data": told}

    async def _import(self, body: Body) -> dict[str, Any]:
        mode = fields.optional_text(body, "ConflictMode") or "insert"
        if mode not in ("insert", "upsert"):
            raise InvalidParam(f"ConflictMode must be insert or upsert, not {mode:.40}")
        order = ImportOrder(
            collection=fields.text(body, "CollectionName"),
            cloud_path=fields.text(body, "FilePath"),
            file_type=_file_type(body),
            upsert=mode == "upsert",
            stop_on_error=fields.flag(body, "StopOnError", default=False),
        )
        job = await self._migrations.import_file(order, ADMINISTRATOR)
        return {"JobId": job.number}

    async def _export(self, body: Body) -> dict[str, Any]:
        names = [each.strip() for each in fields.optional_text(body, "Fields").split(",")]
        shown: Document = {each: 1 for each in names if each}
        if shown and "_id" not in shown:
            shown["_id"] = 0
        find = Find(
            collection=fields.text(body, "CollectionName"),
            filter=_document(body, "Query"),
            sort=_sort(body.get("Sort"), "Sort"),
            skip=_bounded(body, "Skip", 0),
            limit=_bounded(body, "Limit", 0) or None,
            projection=shown or None,
        )
        path, kind = fields.text(body, "FilePath"), _file_type(body)
        job = await self._migrations.export_file(find, path, kind, ADMINISTRATOR)
        return {"JobId": job.number}

    async def _job(self, body: Body) -> dict[str, Any]:
        number = fields.count(body, "JobId")
        if number is None:
            raise fields.wrong("JobId", None, "a number")
        job = self._migrations.job(number)
        return {
            "Status": "success" if job.succeeded else "fail",
            "RecordSuccess": job.done,
            "RecordFail": job.failed,
            "ErrorMsg": job.error or ("导出完成." if job.file_id else "导入完成."),
            "FileUrl": await self._migrations.file_url(job, ADMINISTRATOR),
        }


def _table(body: Body) -> str:
    return fields.text(body, "TableName")


def _bounded(body: Body, name: str, default: int) -> int:
    """Return a count of documents."""
    found = fields.count(body, name)
    if found is not None and found > COUNT_MAX:
        raise InvalidParam(f"{name} must be at most {COUNT_MAX}")
    return default if found is None else found


def _objects(body: Body, name: str) -> list[Body]:
    """Return the objects of an array that may be left out."""
    if body.get(name) is None:
        return []
    given = fields.items(body, name)
    objects = [each for each in given if type(each) is dict]
    if len(objects) != len(given):
        raise fields.wrong(name, given, "an array of objects")
    return objects


def _document(body: Body, name: str) -> Document:
    return fields.optional_document(body.get(name), name) or {}


def _sort(given: Value, name: str) -> tuple[tuple[str, int], ...]:
    """Return a sort, written as `{"a": -1}` or as `[{"Key": "a", "Direction": -1}]`."""
    found = fields.value(given, name)
    if type(found) is list and all(type(each) is dict for each in found):
        found = {str(each.get("Key", each.get("Name"))): each.get("Direction") for each in found}
    if found is None:
        return ()
    if type(found) is not dict:
        raise fields.wrong(name, found, "an object of directions by field")
    wrong = next((path for path, way in found.items() if way not in (1, -1)), None)
    if wrong is not None:
        raise InvalidParam(f"{name} of {wrong:.100} must be 1 or -1")
    return tuple((path, 1 if way == 1 else -1) for path, way in found.items())


def _file_type(body: Body) -> FileType:
    named = fields.text(body, "FileType")
    if named not in _FILE_TYPES:
        raise InvalidParam(f"FileType must be json or csv, not {named:.40}")
    return _FILE_TYPES[named]


def _read_index(collection: str, given: Body) -> CreateIndex:
    schema = given.get("MgoKeySchema")
    if type(schema) is not dict:
        raise fields.wrong("MgoKeySchema", schema, "an object")
    keys = _objects(schema, "MgoIndexKeys")
    return CreateIndex(
        collection=collection,
        name=fields.text(given, "IndexName"),
        unique=fields.flag(schema, "MgoIsUnique", default=False),
        sparse=fields.flag(schema, "MgoIsSparse", default=False),
        keys=tuple((fields.text(key, "Name"), _direction(key.get("Direction"))) for key in keys),
    )


def _direction(said: Value) -> Value:
    """Return a direction, which this API writes as text."""
    return _DIRECTIONS.get(said, said) if type(said) is str else said


def _told_index(definition: Document) -> dict[str, Any]:
    return {
        "Name": definition["name"],
        "Size": 0,
        "Keys": [{"Name": path, "Direction": str(way)} for path, way in definition["keys"]],
        "Unique": definition["unique"],
        "Accesses": {"Ops": 0, "Since": _EPOCH},
    }


def _id_text(value: Value) -> str:
    """Return an id as text: itself, or how it is written in JSON."""
    return value if type(value) is str else ejson.value_json(value).decode()
