"""Owns what the actions of the server SDKs ask for: request body to command.

Not here: the table of actions (`wire.actions`) and the replies (`wire.replies`). The one idea: each
function reads exactly the fields its action has, in either dialect, and ends in a command.
"""

from typing import Final

from emulator.core.commands import (
    QUERY_LIMIT_DEFAULT_DOCUMENTS,
    QUERY_LIMIT_MAX_DOCUMENTS,
    Aggregate,
    CommitTransaction,
    Count,
    CreateCollection,
    DeleteFiles,
    DropCollection,
    Find,
    FindAndModify,
    Insert,
    Remove,
    RollbackTransaction,
    StartTransaction,
    TemporaryUrls,
    Update,
)
from emulator.core.errors import DatabaseRequestFailed, InvalidParam
from emulator.core.values import Document, Value
from emulator.wire import ejson, fields
from emulator.wire.fields import Body

_DIRECTIONS: Final = {"asc": 1, "desc": -1}


def create_collection(body: Body) -> CreateCollection:
    """Read `database.addCollection`."""
    return CreateCollection(collection=fields.text(body, "collectionName"))


def drop_collection(body: Body) -> DropCollection:
    """Read `database.deleteCollection`."""
    return DropCollection(collection=fields.text(body, "collectionName"))


def insert(body: Body) -> Insert:
    """Read `database.insertDocument` and `database.addDocument`: one document or an array."""
    data = body.get("data")
    given = data if type(data) is list else [data]
    if not given:
        raise InvalidParam("data is empty; it must hold at least one document")
    return Insert(
        collection=fields.text(body, "collectionName"),
        documents=tuple(fields.document(each, "data") for each in given),
        transaction_id=_transaction(body),
    )


def find(body: Body) -> Find:
    """Read `database.getDocument` and `database.queryDocument`.

    Server SDKs send a limit for `where` (100 unless told, never above 1,000) and none for `doc`.
    """
    usual = 1 if _is_doc(body) else QUERY_LIMIT_DEFAULT_DOCUMENTS
    limit = fields.count(body, "limit") or usual
    return Find(
        collection=fields.text(body, "collectionName"),
        filter=_filter(body),
        sort=_order(body),
        skip=fields.count(body, "offset") or 0,
        limit=min(limit, QUERY_LIMIT_MAX_DOCUMENTS),
        projection=fields.optional_document(body.get("projection"), "projection") or None,
        transaction_id=_transaction(body),
    )


def count(body: Body) -> Count:
    """Read `database.calculateDocument` and `database.countDocument`."""
    return Count(collection=fields.text(body, "collectionName"), filter=_filter(body))


def update(body: Body) -> Update:
    """Read `database.modifyDocument` and `database.updateDocument`.

    `merge` true carries update operators (or plain fields, which are set), `merge` false a whole
    document; `doc().set` is the latter with `upsert`.
    """
    merge = fields.flag(body, "merge", default=True)
    multi = fields.flag(body, "multi", default=False)
    if multi and not merge:
        raise DatabaseRequestFailed(
            "[FailedOperation] multi update only works with $ operators", mongo_code=9
        )
    data = fields.document(body.get("data"), "data")
    return Update(
        collection=fields.text(body, "collectionName"),
        filter=_filter(body),
        update=_operators(data) if merge else data,
        multi=multi,
        upsert=fields.flag(body, "upsert", default=False),
        replace=not merge,
        transaction_id=_transaction(body),
    )


def find_and_modify(body: Body) -> FindAndModify:
    """Read `database.modifyAndReturnDoc`."""
    return FindAndModify(
        collection=fields.text(body, "collectionName"),
        filter=_filter(body),
        update=_operators(fields.document(body.get("data"), "data")),
        transaction_id=_transaction(body),
    )


def remove(body: Body) -> Remove:
    """Read `database.removeDocument` and `database.deleteDocument`.

    `remove()` without `where()` sends an empty query and is refused; `where({})` sends `{}` and
    means every document.
    """
    found = fields.optional_document(body.get("query"), "query")
    if found is None or (not found and _is_doc(body)):
        raise InvalidParam(
            "query is empty: remove() needs where() or doc() first",
            hint="where({}).remove() removes every document",
        )
    return Remove(
        collection=fields.text(body, "collectionName"),
        filter=found,
        multi=fields.flag(body, "multi", default=not _is_doc(body)),
        transaction_id=_transaction(body),
    )


def start_transaction(body: Body) -> StartTransaction:
    """Read `database.startTransaction`, which says nothing."""
    del body
    return StartTransaction()


def commit_transaction(body: Body) -> CommitTransaction:
    """Read `database.commitTransaction`."""
    return CommitTransaction(transaction_id=fields.text(body, "transactionId"))


def rollback_transaction(body: Body) -> RollbackTransaction:
    """Read `database.abortTransaction`."""
    return RollbackTransaction(transaction_id=fields.text(body, "transactionId"))


def find_in_transaction(body: Body) -> Find:
    """Read `database.getInTransaction` of dialect A: one document by its id."""
    return Find(
        collection=fields.text(body, "collectionName"),
        filter=_one(body),
        limit=1,
        transaction_id=fields.text(body, "transactionId"),
    )


def insert_in_transaction(body: Body) -> Insert:
    """Read `database.insertDocInTransaction` of dialect A; an `_id` stands beside the data."""
    document = fields.document(body.get("data"), "data")
    if "_id" not in document and body.get("_id") is not None:
        document = {"_id": body["_id"], **document}
    return Insert(
        collection=fields.text(body, "collectionName"),
        documents=(document,),
        transaction_id=fields.text(body, "transactionId"),
    )


def update_in_transaction(body: Body) -> Update:
    """Read `database.updateDocInTransaction` of dialect A: `set` has `upsert` and no operators."""
    data = fields.document(body.get("data"), "data")
    replace = not any(key[:1] == "$" for key in data)
    return Update(
        collection=fields.text(body, "collectionName"),
        filter=_one(body),
        update=data,
        upsert=fields.flag(body, "upsert", default=False),
        replace=replace,
        transaction_id=fields.text(body, "transactionId"),
    )


def remove_in_transaction(body: Body) -> Remove:
    """Read `database.deleteDocInTransaction` of dialect A."""
    return Remove(
        collection=fields.text(body, "collectionName"),
        filter=_one(body),
        transaction_id=fields.text(body, "transactionId"),
    )


def aggregate(body: Body) -> Aggregate:
    """Read `database.aggregateDocuments` and `database.aggregate`."""
    return Aggregate(
        collection=fields.text(body, "collectionName"),
        pipeline=tuple(
            _stage(stage, f"stages[{number}]")
            for number, stage in enumerate(fields.items(body, "stages"))
        ),
    )


def temporary_urls(body: Body) -> TemporaryUrls:
    """Read `storage.batchGetDownloadUrl`."""
    files = fields.items(body, "file_list")
    return TemporaryUrls(
        files=tuple(_file(file, f"file_list[{number}]") for number, file in enumerate(files))
    )


def delete_files(body: Body) -> DeleteFiles:
    """Read `storage.batchDeleteFile`."""
    files = fields.items(body, "fileid_list")
    for number, file in enumerate(files):
        if type(file) is not str:
            raise fields.wrong(f"fileid_list[{number}]", file, "a string")
    return DeleteFiles(file_ids=tuple(files))


def cloud_path(body: Body) -> str:
    """Read `storage.getUploadMetadata`."""
    return fields.text(body, "path")


def invocation(body: Body) -> tuple[str, Value, int]:
    """Read `functions.invokeFunction`: the function's name, its event, and how long its text was.

    The event is {} when there is none.
    """
    data = fields.optional_text(body, "request_data")
    event = ejson.read_json(data, "request_data") if data else {}
    return fields.text(body, "function_name"), event, len(data)


def _is_doc(body: Body) -> bool:
    return fields.optional_text(body, "queryType") == "DOC"


def _transaction(body: Body) -> str | None:
    return fields.optional_text(body, "transactionId") or None


def _one(body: Body) -> Document:
    """Return the filter for the one document that an older SDK names, by query or by `_id`."""
    found = fields.optional_document(body.get("query"), "query")
    if found is None and body.get("_id") is not None:
        found = {"_id": body["_id"]}
    if not found or "_id" not in found:
        raise InvalidParam("query must name the _id of one document")
    return found


def _filter(body: Body) -> Document:
    return fields.optional_document(body.get("query"), "query") or {}


def _operators(data: Document) -> Document:
    if any(key[:1] == "$" for key in data):
        return data
    return {"$set": data}


def _order(body: Body) -> tuple[tuple[str, int], ...]:
    order = fields.value(body.get("order"), "order")
    if not order:
        return ()
    if type(order) is dict:
        return tuple((path, _direction(path, way)) for path, way in order.items())
    if type(order) is list and all(type(each) is dict for each in order):
        return tuple(
            (fields.text(each, "field"), _direction("direction", each.get("direction")))
            for each in order
        )
    raise fields.wrong("order", order, "an object of 1 and -1")


def _direction(path: str, way: Value) -> int:
    found = _DIRECTIONS.get(way) if type(way) is str else way
    if type(found) is not bool and found in (1, -1):
        return int(found)
    raise InvalidParam(f"order of {path} must be 1 or -1, not {way!r:.40}")


def _stage(stage: Value, name: str) -> Document:
    if type(stage) is not dict:
        raise fields.wrong(name, stage, "an object with stageKey and stageValue")
    key = stage.get("stageKey")
    if type(key) is not str or not key:
        raise fields.wrong(f"{name}.stageKey", key, "a string such as $match")
    return {key: fields.value(stage.get("stageValue"), f"{name}.stageValue")}


def _file(file: Value, name: str) -> tuple[str, int | None]:
    if type(file) is str:
        return file, None
    if type(file) is not dict:
        raise fields.wrong(name, file, "an object with fileid")
    return fields.optional_text(file, "fileid"), fields.count(file, "max_age")
