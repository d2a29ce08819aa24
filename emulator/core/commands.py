"""Owns the commands: decoded, typed requests that services accept and every dialect produces.

Not here: how a command came over the wire (`wire.actions`) or out of user code (`emulator.cloud`),
nor what it does (`services`). The one idea: a dialect ends where one of these records begins.
All values in them are `core.values`; dates may be `ServerDate` markers in data and filters.
"""

from dataclasses import field

from emulator.core.openapi import CallOpenApi
from emulator.core.records import dataclass
from emulator.core.values import Document, Value

QUERY_LIMIT_DEFAULT_DOCUMENTS = 100
QUERY_LIMIT_MAX_DOCUMENTS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Find:
    """Documents that match, sorted, cut and projected."""

    collection: str
    filter: Document = field(default_factory=dict)
    sort: tuple[tuple[str, int], ...] = ()
    skip: int = 0
    limit: int | None = None
    projection: Document | None = None
    transaction_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many documents match."""

    collection: str
    filter: Document = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """A pipeline over a collection; a stage is a one-key document."""

    collection: str
    pipeline: tuple[Document, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Insert:
    """New documents, none of them if one is bad or there; a missing `_id` is generated."""

    collection: str
    documents: tuple[Document, ...]
    transaction_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Update operators for the documents that match, or one whole replacement.

    `update` holds `$` operators; with `replace` it is the new document without its `_id`.
    """

    collection: str
    filter: Document
    update: Document
    multi: bool = False
    upsert: bool = False
    replace: bool = False
    transaction_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindAndModify:
    """Update operators for one document, which is returned as it became."""

    collection: str
    filter: Document
    update: Document
    transaction_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove:
    """Remove the first or every document that matches."""

    collection: str
    filter: Document
    multi: bool = False
    transaction_id: str | None = None


@dataclass(frozen=True, slots=True)
class StartTransaction:
    """A new transaction; it sees the documents as of its first command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitTransaction:
    """Everything that the transaction wrote, at once."""

    transaction_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackTransaction:
    """The end of a transaction that leaves nothing behind."""

    transaction_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCollection:
    """A new, empty collection."""

    collection: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DropCollection:
    """Remove a collection with its documents and indexes."""

    collection: str


@dataclass(frozen=True, slots=True)
class ListCollections:
    """Names and sizes of the collections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateIndex:
    """An index over a collection; without a name it gets MongoDB's.

    `keys` are paths with a direction: 1, -1, "2dsphere" or "2d".
    """

    collection: str
    keys: tuple[tuple[str, Value], ...]
    name: str = ""
    unique: bool = False
    sparse: bool = False
    expire_after_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DropIndex:
    """Remove an index by name."""

    collection: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListIndexes:
    """The indexes of a collection."""

    collection: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFunction:
    """Call a function by name with a JSON event."""

    name: str
    event: Value = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadFile:
    """Put bytes under a cloud path."""

    cloud_path: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadFile:
    """The bytes of a file id."""

    file_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TemporaryUrls:
    """A temporary URL for each (file id, lifetime in seconds or None for the default)."""

    files: tuple[tuple[str, int | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteFiles:
    """Remove files by id."""

    file_ids: tuple[str, ...]


Command = (
    Find
    | Count
    | Aggregate
    | Insert
    | Update
    | FindAndModify
    | Remove
    | StartTransaction
    | CommitTransaction
    | RollbackTransaction
    | CreateCollection
    | DropCollection
    | ListCollections
    | CreateIndex
    | DropIndex
    | ListIndexes
    | CallFunction
    | CallOpenApi
    | UploadFile
    | DownloadFile
    | TemporaryUrls
    | DeleteFiles
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Documents, safe to keep: the engine never changes a document it has handed out."""

    documents: tuple[Document, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inserted:
    """The ids of the new documents, in order."""

    ids: tuple[Value, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Updated:
    """`matched` is what CloudBase calls `updated`; `upserted_id` is None unless one was made."""

    matched: int
    modified: int
    upserted_id: Value = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Modified:
    """The document a find-and-modify left behind, None when nothing matched."""

    document: Document | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """How many documents went."""

    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The id that commands of a new transaction carry."""

    transaction_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """The result of a function as JSON text, and the id its log lines carry."""

    result: bytes
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOutcome:
    """What came of one file of a batch; `code` is "SUCCESS" or the cloud's error code."""

    file_id: str
    code: str = "SUCCESS"
    url: str = ""
    max_age_s: int = 0
