"""Owns the ports of the store family: documents with their journal, and blobs.

Not here: any store. The one idea: a commit is a list of whole-document writes that is journalled
as one record and then applied; a stored document is never changed in place, so whoever holds one
may keep it.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

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


Write = Put | Delete | Create | Drop


class Collection(Protocol):
    """The documents of one collection, in insertion order."""

    def __len__(self) -> int:
        """Return how many there are."""
        ...

    def by_id(self, document_id: Value) -> Document | None:
        """Return the stored document in O(1), numbers by value (1 is 1.0) and never True for 1."""
        ...

    def snapshot(self) -> list[Document]:
        """Return the stored documents as a list of their own."""
        ...

    def scan(self, matches: Callable[[Document], bool]) -> Iterator[Document]:
        """Yield the stored documents that match, oldest first."""
        ...


class DocumentStore(Protocol):
    """Every collection of one environment, and how writes to them are kept."""

    def names(self) -> list[str]:
        """Return the names of the collections, in order of creation."""
        ...

    def collection(self, name: str) -> Collection | None:
        """Return the collection, or None when it was never created."""
        ...

    def commit(self, writes: Sequence[Write]) -> int:
        """Journal the writes as one record, apply them, and return the record's sequence.

        Raises:
            StoreError: the journal could not be written; nothing was applied.
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
        """Wait until every commit so far is as safe as the journal mode promises."""
        ...

    async def checkpoint(self) -> None:
        """Write the readable checkpoint and drop the journal it replaces, while writes go on."""
        ...

    def notices(self) -> tuple[str, ...]:
        """Return what recovery had to say, such as a torn record that was dropped."""
        ...

    async def close(self) -> None:
        """Write what is open and let go of the files."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobInfo:
    """A stored file: its logical path, size, type and when it was put."""

    cloud_path: str
    size_bytes: int
    content_type: str
    updated_ms: int
    digest: str
    owner: str = ""


class BlobWriter(Protocol):
    """A file being put: bytes go aside until `commit`."""

    async def write(self, chunk: bytes) -> None:
        """Append bytes."""
        ...

    async def commit(self) -> BlobInfo:
        """Make the file visible under its path, in place of an older one."""
        ...

    async def abort(self) -> None:
        """Forget the bytes."""
        ...


class BlobStore(Protocol):
    """Bytes by logical path; a path is never a name on disk."""

    async def create(self, cloud_path: str, *, content_type: str, owner: str) -> BlobWriter:
        """Begin to put a file."""
        ...

    def info(self, cloud_path: str) -> BlobInfo | None:
        """Return what is known of a file, None when there is none."""
        ...

    def read(self, cloud_path: str, *, start: int = 0) -> AsyncIterator[bytes]:
        """Yield the bytes in bounded chunks."""
        ...

    def local_file(self, cloud_path: str) -> str | None:
        """Return a path that the server may hand to sendfile, None where there is no such file."""
        ...

    async def delete(self, cloud_path: str) -> bool:
        """Remove a file and tell whether it was there."""
        ...

    def list(self, prefix: str = "") -> list[BlobInfo]:
        """Return the files whose path starts with the prefix, by path."""
        ...
