"""Owns one document by its id: `collection.doc(id)`.

Results and texts follow wx-server-sdk: a missing document is an error to `get` alone, `set`
replaces or creates, `update` merges.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from emulator.cloud.calls import Options, Request, answering, options_of
from emulator.cloud.data import update_operators, whole_document
from emulator.cloud.encode import decode_documents
from emulator.cloud.errors import sdk_error
from emulator.cloud.naming import BothSpellings
from emulator.cloud.query import projection_of
from emulator.cloud.watch import Watcher, watch
from emulator.core import ejson
from emulator.core.commands import Find, Found, Remove, Removed, Update, Updated
from emulator.core.values import Document, Value

_GET: Final = "document.get"
_SET: Final = "document.set"
_UPDATE: Final = "document.update"
_REMOVE: Final = "document.remove"
_WATCH: Final = "document.watch"


class DocumentReference(BothSpellings):
    """The document of a collection that has this `_id`, there or not."""

    __slots__ = ("_collection", "_id", "_projection", "_throws", "_transaction_id")

    def __init__(
        self,
        collection: str,
        document_id: str | float,
        *,
        throw_on_not_found: bool,
        projection: Document | None = None,
        transaction_id: str | None = None,
    ) -> None:
        self._collection = collection
        self._id = document_id
        self._throws = throw_on_not_found
        self._projection = projection
        self._transaction_id = transaction_id

    def field(self, fields: Mapping[str, Value]) -> "DocumentReference":
        """Return the reference that gets some fields only."""
        return DocumentReference(
            self._collection,
            self._id,
            throw_on_not_found=self._throws,
            projection=projection_of(fields),
            transaction_id=self._transaction_id,
        )

    @answering(_GET)
    def get(self) -> Request:
        """Find the document: `{"data": {...}, "errMsg"}`.

        Raises:
            CloudError: it does not exist; with `throw_on_not_found=False` its data is None instead.
        """
        command = Find(
            collection=self._collection,
            filter={"_id": self._id},
            projection=self._projection,
            transaction_id=self._transaction_id,
        )
        return Request(command, self._read_found)

    @answering(_SET)
    def set(self, options: Options = None, /, *, data: Value = None) -> Request:
        """Replace or create it: `{"_id", "stats": {"updated": 1, "created": 0}, "errMsg"}`."""
        given = options_of(_SET, options, data=data)
        document = whole_document(_SET, given["data"])
        if self._id == "":
            raise sdk_error(_SET, "docId不能为空")
        command = Update(
            collection=self._collection,
            filter={"_id": self._id},
            update=document,
            replace=True,
            upsert=True,
            transaction_id=self._transaction_id,
        )
        return Request(command, self._read_set)

    @answering(_UPDATE)
    def update(self, options: Options = None, /, *, data: Value = None) -> Request:
        """Merge data into it: `{"stats": {"updated": 1}, "errMsg"}`, 0 when it does not exist."""
        given = options_of(_UPDATE, options, data=data)
        command = Update(
            collection=self._collection,
            filter={"_id": self._id},
            update=update_operators(_UPDATE, given["data"]),
            transaction_id=self._transaction_id,
        )
        return Request(command, _read_updated)

    @answering(_REMOVE)
    def remove(self) -> Request:
        """Remove it: `{"stats": {"removed": 1}, "errMsg"}`, 0 when it does not exist."""
        command = Remove(
            collection=self._collection,
            filter={"_id": self._id},
            transaction_id=self._transaction_id,
        )
        return Request(command, _read_removed)

    def watch(
        self,
        options: Options = None,
        /,
        *,
        on_change: Value = None,
        on_error: Value = None,
        **others: Value,
    ) -> Watcher:
        """Watch the document: callbacks hear snapshots, or the watcher is iterated over."""
        if self._transaction_id:
            raise sdk_error(_WATCH, "a transaction watches nothing")
        asked = {
            "collName": self._collection,
            "query": json.dumps(ejson.canonical({"_id": self._id})),
        }
        return watch(_WATCH, asked, options, on_change=on_change, on_error=on_error, others=others)

    def _read_found(self, found: Found) -> dict[str, Any]:
        if not found.documents and self._throws:
            raise sdk_error(_GET, f"document with _id {self._id} does not exist")
        data = decode_documents(found.documents)
        return {"data": data[0] if data else None, "errMsg": f"{_GET}:ok"}

    def _read_set(self, updated: Updated) -> dict[str, Any]:
        # The SDK reads another field in a transaction, where `created` is 0 whatever happened.
        created = 0 if updated.upserted_id is None or self._transaction_id else 1
        stats = {"updated": updated.matched, "created": created}
        return {"_id": self._id, "errMsg": f"{_SET}:ok", "stats": stats}


def inside(reference: DocumentReference, transaction_id: str) -> DocumentReference:
    """Return the reference to the same document inside a transaction."""
    return DocumentReference(
        reference._collection,
        reference._id,
        throw_on_not_found=reference._throws,
        projection=reference._projection,
        transaction_id=transaction_id,
    )


def _read_updated(updated: Updated) -> dict[str, Any]:
    return {"stats": {"updated": updated.matched}, "errMsg": f"{_UPDATE}:ok"}


def _read_removed(removed: Removed) -> dict[str, Any]:
    return {"stats": {"removed": removed.count}, "errMsg": f"{_REMOVE}:ok"}
