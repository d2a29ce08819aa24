"""Owns one collection by its name: `db.collection(name)`, and the same inside a transaction.

Not here: queries (`query`) and documents (`document`).
"""

from typing import Any, Final

from emulator.cloud.aggregate import Aggregation
from emulator.cloud.calls import Options, Request, answering, options_of, require_name
from emulator.cloud.data import new_documents
from emulator.cloud.document import DocumentReference
from emulator.cloud.encode import decode
from emulator.cloud.errors import sdk_error
from emulator.cloud.indexes import (
    CREATE_INDEX,
    DROP_INDEX,
    LIST_INDEXES,
    new_index,
    read_created,
    read_dropped,
    read_listed,
)
from emulator.cloud.query import Query, first_query
from emulator.core.commands import DropIndex, Insert, Inserted, ListIndexes
from emulator.core.values import Value

_ADD: Final = "collection.add"


class Collection(Query):
    """A collection by name; also the query for all of it."""

    __slots__ = ("_throws",)

    def __init__(
        self, name: str, *, throw_on_not_found: bool, transaction_id: str | None = None
    ) -> None:
        super().__init__(first_query(name, transaction_id), has_where=False)
        self._throws = throw_on_not_found

    @property
    def name(self) -> str:
        """Return the collection's name."""
        return self._find.collection

    def doc(self, document_id: str | float) -> DocumentReference:
        """Return the reference to the document with this `_id`, a text or a number."""
        if isinstance(document_id, bool) or not isinstance(document_id, str | int | float):
            raise sdk_error("collection.doc", f"docId必须为字符串或数字: {document_id!r:.80}")
        return DocumentReference(
            self.name,
            document_id,
            throw_on_not_found=self._throws,
            transaction_id=self._find.transaction_id,
        )

    @answering(_ADD)
    def add(self, options: Options = None, /, *, data: Value = None) -> Request:
        """Insert a document, or those of a list: `{"_id", "errMsg"}` or `{"_ids", …}`.

        A bad one or a taken `_id` leaves all of them out; a unique index may refuse a long list
        in the middle.
        """
        given = options_of(_ADD, options, data=data)
        documents = new_documents(_ADD, given["data"])
        many = isinstance(given["data"], list | tuple)
        command = Insert(
            collection=self.name, documents=documents, transaction_id=self._find.transaction_id
        )
        return Request(command, _read_ids if many else _read_id)

    @answering(CREATE_INDEX)
    def create_index(self, options: Options = None, /, **named: Value) -> Request:
        """Make an index: `create_index({"keys": {"userId": 1}})`, or of the keys alone."""
        return Request(new_index(self.name, options, named), read_created)

    @answering(DROP_INDEX)
    def drop_index(self, name: str) -> Request:
        """Remove an index by its name."""
        require_name(DROP_INDEX, "name", name)
        return Request(DropIndex(collection=self.name, name=name), read_dropped)

    @answering(LIST_INDEXES)
    def list_indexes(self) -> Request:
        """Return the definitions: `{"indexes": [{"name", "keys", "unique"}, …], "errMsg"}`."""
        return Request(ListIndexes(collection=self.name), read_listed)

    def aggregate(self) -> Aggregation:
        """Return an empty pipeline of this collection, which runs outside of transactions."""
        return Aggregation(self.name)


def _read_id(inserted: Inserted) -> dict[str, Any]:
    return {"_id": decode(inserted.ids[0]), "errMsg": f"{_ADD}:ok"}


def _read_ids(inserted: Inserted) -> dict[str, Any]:
    return {"_ids": [decode(each) for each in inserted.ids], "errMsg": f"{_ADD}:ok"}
