"""Owns `cloud.database()` and its collections.

Not here: queries (`query`), documents (`document`), commands (`command`). The one idea: these
objects hold names and options only, so they may be made once at the top of a module; who asks and
how the question travels is looked up in each call.
"""

from typing import Any, Final

from emulator.cloud.aggregate import Aggregation
from emulator.cloud.calls import Answer, Options, Request, answering, options_of, require_name
from emulator.cloud.command import Command
from emulator.cloud.data import new_documents
from emulator.cloud.document import DocumentReference
from emulator.cloud.encode import decode
from emulator.cloud.errors import CloudError, sdk_error
from emulator.cloud.geo import Geo
from emulator.cloud.markers import ObjectId, RegExp, ServerDate
from emulator.cloud.naming import BothSpellings
from emulator.cloud.query import Query, first_query
from emulator.cloud.settings import settings
from emulator.core.commands import CreateCollection, Insert, Inserted
from emulator.core.values import Value

_ADD: Final = "collection.add"
_CREATE: Final = "createCollection"


class Collection(Query):
    """A collection by name; also the query for all of it."""

    __slots__ = ("_throws",)

    def __init__(self, name: str, *, throw_on_not_found: bool) -> None:
        super().__init__(first_query(name), has_where=False)
        self._throws = throw_on_not_found

    @property
    def name(self) -> str:
        """Return the collection's name."""
        return self._find.collection

    def doc(self, document_id: str | float) -> DocumentReference:
        """Return the reference to the document with this `_id`, a text or a number."""
        if isinstance(document_id, bool) or not isinstance(document_id, str | int | float):
            raise sdk_error("collection.doc", f"docId必须为字符串或数字: {document_id!r:.80}")
        return DocumentReference(self.name, document_id, throw_on_not_found=self._throws)

    @answering(_ADD)
    def add(self, options: Options = None, /, *, data: Value = None) -> Request:
        """Insert a document, or all or none of a list: `{"_id", "errMsg"}` or `{"_ids", …}`."""
        given = options_of(_ADD, options, data=data)
        documents = new_documents(_ADD, given["data"])
        many = isinstance(given["data"], list | tuple)
        command = Insert(collection=self.name, documents=documents)
        return Request(command, _read_ids if many else _read_id)

    def aggregate(self) -> Aggregation:
        """Return an empty pipeline of this collection."""
        return Aggregation(self.name)


class CloudDatabase(BothSpellings):
    """The documents of the environment, as `cloud.database()` returns it."""

    __slots__ = ("_throws",)

    command: Final = Command()
    Geo: Final = Geo()
    RegExp: Final = RegExp
    ObjectId: Final = ObjectId

    def __init__(self, *, throw_on_not_found: bool) -> None:
        self._throws = throw_on_not_found

    def collection(self, name: str) -> Collection:
        """Return the collection of that name, there or not."""
        require_name("database.collection", "name", name)
        return Collection(name, throw_on_not_found=self._throws)

    def server_date(self, options: Value = None, /, *, offset: float = 0) -> ServerDate:
        """Return a marker for the database's own time, plus an offset in milliseconds."""
        return ServerDate(options, offset=offset)

    @answering(_CREATE)
    def create_collection(self, name: str) -> Request:
        """Create an empty collection: `{"errMsg"}`."""
        require_name(_CREATE, "name", name)
        return Request(CreateCollection(collection=name), _read_created)

    def start_transaction(self) -> Answer:
        """Refuse: transactions are not available in this version."""
        raise _no_transactions("startTransaction")

    def run_transaction(self, callback: Value, times: int = 3) -> Answer:
        """Refuse: transactions are not available in this version."""
        del callback, times
        raise _no_transactions("runTransaction")


def database(options: Options = None, /, **named: Value) -> CloudDatabase:
    """Return the database; with `throw_on_not_found=False` a missing document is None to `get`.

    An `env` is accepted and means the one environment there is.
    """
    given = options_of("database", options, named, env=None, throw_on_not_found=None)
    throws = given["throw_on_not_found"]
    return CloudDatabase(
        throw_on_not_found=settings().throw_on_not_found if throws is None else bool(throws)
    )


def _no_transactions(api: str) -> CloudError:
    return sdk_error(
        api, "transactions are not available in this version; use single updates such as inc()"
    )


def _read_id(inserted: Inserted) -> dict[str, Any]:
    return {"_id": decode(inserted.ids[0]), "errMsg": f"{_ADD}:ok"}


def _read_ids(inserted: Inserted) -> dict[str, Any]:
    return {"_ids": [decode(each) for each in inserted.ids], "errMsg": f"{_ADD}:ok"}


def _read_created(_: None) -> dict[str, Any]:
    return {"errMsg": f"{_CREATE}:ok"}
