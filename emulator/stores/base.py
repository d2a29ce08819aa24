"""Owns the ports of the store family: documents with their journal, and blobs.

Not here: any store. The one idea: a commit is a list of whole-document writes that is journalled
as one record and then applied; a stored document is never changed in place, so whoever holds one
may keep it.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from types import MappingProxyType
from typing import BinaryIO, Final, Literal, Protocol

from emulator.core.indexes import IndexDefinition
from emulator.core.planner import Reach
from emulator.core.records import dataclass
from emulator.core.values import Document, Value

JournalMode = Literal["os", "group", "always", "memory"]


@dataclass(frozen=True, slots=True)
class Put:
    """A whole document, new or in place of the one with its `_id`; the store owns it."""

    collection: str
    document: Document


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove the document with this `_id`."""

    collection: str
    document_id: Value


@dataclass(frozen=True, slots=True)
class Create:
    """A new, empty collection."""

    collection: str


@dataclass(frozen=True, slots=True)
class Drop:
    """Remove a collection with all its documents."""

    collection: str


@dataclass(frozen=True, slots=True)
class Describe:
    """What the suite remembers of a collection besides documents, such as its indexes.

    It takes the place of what was remembered before. The store looks at its definitions of indexes
    (`core.indexes.described`) and keeps these; all else is the suite's.
    """

    collection: str
    description: Document


Write = Put | Delete | Create | Drop | Describe
"""One step of a commit. `Put` and `Describe` create a collection that is not there; `Create` of one
that is, and `Delete` and `Drop` of what is not there, do nothing."""


class Index(Protocol):
    """One index of a collection, kept by its writes; what is read of it is never more than now."""

    @property
    def definition(self) -> IndexDefinition:
        """Return what the index is."""
        ...

    @property
    def arrays(self) -> Sequence[bool]:
        """Tell for each key whether some document has several values of it, once it is built."""
        ...

    @property
    def walks(self) -> bool:
        """Tell whether `walk` may be asked."""
        ...

    def build(self, documents_max: int | None = None) -> bool:
        """Take so many more documents in, all of them by default; tell whether none are left.

        An index is built when it is created; after a restart whoever reads it first builds it.
        Nothing below may be asked before.
        """
        ...

    def count(self, reach: Reach) -> int:
        """Return about how many documents are in a reach."""
        ...

    def find(self, reach: Reach) -> dict[int, Document]:
        """Return the stored documents in a reach by number, which is the order they came in."""
        ...

    def walk(self, reach: Reach) -> Iterator[Document]:
        """Yield the stored documents of an ordered reach in its order, ties oldest first.

        The collection must not be written while the iterator is in use.
        """
        ...


class Collection(Protocol):
    """The documents of one collection, in insertion order."""

    def __len__(self) -> int:
        """Return how many there are."""
        ...

    def by_id(self, document_id: Value) -> Document | None:
        """Return the stored document in O(1), numbers by value (1 is 1.0) and never True for 1."""
        ...

    def numbered(self, document_ids: Iterable[Value]) -> dict[int, Document]:
        """Return the stored documents with these `_id`s by number, each once and oldest first."""
        ...

    def snapshot(self) -> list[Document]:
        """Return the stored documents as a list of their own."""
        ...

    def scan(self, matches: Callable[[Document], bool]) -> Iterator[Document]:
        """Yield the stored documents that match, oldest first.

        The collection must not be written while the iterator is in use; who reads in slices takes
        a `snapshot`.
        """
        ...

    def indexes(self) -> Sequence[Index]:
        """Return the indexes that reads may use: of `_id` first, then in order of creation.

        Those of a transaction's view know what the transaction sees. A collection may have none
        and be scanned; what indexes refuse (a taken unique key) the store refuses at `commit`.
        """
        ...

    def build_ahead(self, definition: IndexDefinition) -> Generator[bool, None, None]:
        """Build an index that is about to be defined, False after each piece of some milliseconds.

        True, if it comes, says that a commit which defines it now finds it built; until the
        generator is closed. It raises as `DocumentStore.commit` of what no index can hold.
        """
        ...


class DocumentStore(Protocol):
    """Every collection of one environment, and how writes to them are kept."""

    def names(self) -> list[str]:
        """Return the names of the collections, in order of creation."""
        ...

    def collection(self, name: str) -> Collection | None:
        """Return the collection, or None when it was never created."""
        ...

    def description(self, name: str) -> Document:
        """Return what `Describe` last said of the collection, empty when it said nothing."""
        ...

    def commit(self, writes: Sequence[Write]) -> int:
        """Journal the writes as one record, apply them, and return the record's sequence.

        Without writes there is no record, and the last sequence is returned.

        Raises:
            StoreError: the journal could not be written; nothing was applied.
            InvalidParam: a document holds what cannot be kept; nothing was applied.
            DuplicateKey: a unique index holds a key already, or its documents share one.
            DatabaseRequestFailed: an index cannot hold a document (171, 16755, 17280).
        """
        ...

    @property
    def sequence(self) -> int:
        """Return the sequence of the last commit, across restarts."""
        ...

    @property
    def waits(self) -> bool:
        """Tell whether `durable` has something to wait for in this journal mode."""
        ...

    async def durable(self) -> None:
        """Wait until every commit so far is as safe as the journal mode promises.

        Raises:
            StoreError: the disk refused; the commits are applied but may not outlive the machine.
        """
        ...

    async def checkpoint(self) -> None:
        """Write the readable checkpoint and drop the journal it replaces, while writes go on.

        Raises:
            StoreError: the disk refused; the journal still holds everything.
        """
        ...

    async def tend(self) -> None:
        """Checkpoint whenever the journal has grown and writes pause; runs until cancelled."""
        ...

    def notices(self) -> tuple[str, ...]:
        """Return what recovery had to say, such as a torn record that was dropped."""
        ...

    async def close(self) -> None:
        """Write what is open and let go of the files."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobInfo:
    """A stored file: its logical path, size, type and when it was put.

    `digest` differs between any two contents of a path: MD5 up to `DIGEST_BYTES_MAX`, beyond it a
    text with a dash in it, as the cloud's is for files that came in pieces. `headers` are those
    that whoever put it wants it sent with.
    """

    cloud_path: str
    size_bytes: int
    content_type: str
    updated_ms: int
    digest: str
    owner: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})

DIGEST_BYTES_MAX = 256 * 1024
"""MD5 costs more than receiving and writing the same bytes; small files can afford it."""


class BlobWriter(Protocol):
    """A file being put: nobody sees its bytes until `commit`."""

    async def write(self, chunk: bytes | memoryview) -> None:
        """Append bytes; raises StoreError when the store takes no more."""
        ...

    async def commit(self) -> BlobInfo:
        """Make the file visible under its path, in place of an older one, in one step.

        Raises:
            StoreError: the disk refused; what was under the path before still is.
        """
        ...

    async def abort(self) -> None:
        """Forget the bytes; does nothing after `commit` or a second time."""
        ...


class BlobReader(Protocol):
    """One content of a file, held for as long as the reader is open, whatever is put meanwhile."""

    @property
    def info(self) -> BlobInfo:
        """Return what is known of this content."""
        ...

    def read(self, start: int, size_bytes: int) -> bytes:
        """Return up to so many bytes from `start`, at once: ask for little at a time."""
        ...

    def file(self) -> BinaryIO | None:
        """Return the open file for the server's sendfile, None where there is no such thing."""
        ...

    def close(self) -> None:
        """Let go of the content."""
        ...


class BlobStore(Protocol):
    """Bytes by logical path; a path is never a name on disk."""

    async def create(
        self,
        cloud_path: str,
        *,
        content_type: str,
        owner: str,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> BlobWriter:
        """Begin to put a file; raises StoreError when there is no place for it."""
        ...

    def info(self, cloud_path: str) -> BlobInfo | None:
        """Return what is known of a file, None when there is none."""
        ...

    def open(self, cloud_path: str) -> BlobReader | None:
        """Open the file as it is now, None when there is none; close it after use."""
        ...

    async def delete(self, cloud_path: str) -> bool:
        """Remove a file and tell whether it was there."""
        ...

    def list(self, prefix: str = "") -> list[BlobInfo]:
        """Return the files whose path starts with the prefix, by path."""
        ...

    def notices(self) -> tuple[str, ...]:
        """Return what recovery had to say, such as a file whose bytes are gone."""
        ...

    async def close(self) -> None:
        """Let go of what is open; the store takes nothing any more."""
        ...
