"""Owns the checkpoint: `documents.json`, all documents as of a commit, in TinyDB's own layout.

Not here: when one is due (`stores.tiny`), the journal it replaces (`stores.journal`). The one idea:
stored documents never change, so shallow copies taken in one moment are a consistent image that a
thread may write for as long as it takes, aside, and then put in place in one step.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import orjson

from emulator.core import ejson
from emulator.core.errors import InvalidParam, StoreError
from emulator.core.records import dataclass
from emulator.core.values import Document, Value
from emulator.stores.contents import Contents
from emulator.stores.files import Files, write_all
from emulator.stores.records import encode

CHECKPOINT_NAME: Final = "documents.json"
ASIDE_NAME: Final = "documents.json.new"
CHUNK_BYTES: Final = 64 * 1024
"""About a third of a millisecond of encoding; each write lets the other threads run."""
_CLOSINGS: Final = frozenset({b"}\n", b"},\n"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """All documents as of a commit: collections in order, documents by number."""

    sequence: int
    collections: tuple[tuple[str, dict[int, Document]], ...]


def image(contents: Contents, sequence: int) -> Image:
    """Return what the contents are now, as 1 to 3 ms of copying per 100,000 documents."""
    return Image(
        sequence=sequence,
        collections=tuple(
            (name, documents.by_number.copy()) for name, documents in contents.collections.items()
        ),
    )


class Checkpointer:
    """Writes images, one at a time, and never an older one over a newer."""

    def __init__(self, folder: Path, *, sequence: int | None, files: Files) -> None:
        self._target = folder / CHECKPOINT_NAME
        self._aside = folder / ASIDE_NAME
        self._files = files
        self.sequence = sequence
        self.size_bytes = self._target.stat().st_size if self._target.exists() else 0

    def holds(self, sequence: int) -> bool:
        """Tell whether the checkpoint in place is of this sequence."""
        return self.sequence == sequence and self._target.exists()

    def write(self, picture: Image) -> bool:
        """Put the image in place, safe on disk, and tell whether it was still wanted.

        Raises:
            OSError: the disk refused; the older checkpoint is in place, or this one unsafely.
        """
        if self.sequence is not None and picture.sequence < self.sequence:
            return False
        size_bytes = self._write_aside(picture)
        self._files.replace(self._aside, self._target)
        self._files.sync_folder(self._target.parent)
        self.sequence, self.size_bytes = picture.sequence, size_bytes
        return True

    def _write_aside(self, picture: Image) -> int:
        size_bytes = 0
        descriptor = self._files.open_new(self._aside)
        try:
            for chunk in _chunks(picture):
                write_all(self._files, descriptor, chunk)
                size_bytes += len(chunk)
            self._files.sync(descriptor)
        finally:
            self._files.close(descriptor)
        return size_bytes


def _chunks(picture: Image) -> Iterator[bytes]:
    """Yield the file in bounded chunks."""
    chunk = bytearray()
    for piece in _pieces(picture):
        chunk += piece
        if len(chunk) >= CHUNK_BYTES:
            yield bytes(chunk)
            chunk.clear()
    yield bytes(chunk)


def _pieces(picture: Image) -> Iterator[bytes]:
    """Yield the file bit by bit: a document, an opening and a closing have a line each."""
    opening = b"{\n"
    for name, documents in picture.collections:
        yield b"%b%b: {" % (opening, encode(name))
        separator = b"\n"
        for number, document in documents.items():
            yield b'%b"%d": %b' % (separator, number, encode(document))
            separator = b",\n"
        yield b"\n}"
        opening = b",\n"
    yield b"\n}\n" if picture.collections else b"{}\n"


def read_checkpoint(folder: Path) -> Contents:
    """Return what the checkpoint holds, nothing when there is none.

    Raises:
        StoreError: the file cannot be read, or is not what TinyDB writes.
    """
    path = folder / CHECKPOINT_NAME
    if not path.exists():
        return Contents()
    try:
        with path.open("rb") as stream:
            return _read_lines(stream) or _read_whole(path.read_bytes())
    except (OSError, ValueError, AttributeError, TypeError, InvalidParam) as fault:
        raise StoreError(
            f"{path} is not a file of documents as TinyDB writes it: {fault}",
            hint="repair it, or move it away to start from what the journal holds",
        ) from fault


def _read_lines(stream: BinaryIO) -> Contents | None:
    """Return what a file in our own layout holds, block by block; None when another has edited it.

    That takes a third of the memory that the whole file needs at once, and less time.
    """
    contents = Contents()
    if stream.readline() != b"{\n":
        return None
    for line in stream:
        if line == b"}\n":
            return contents
        if not line.endswith(b": {\n"):
            return None
        try:
            held = contents.demand(orjson.loads(line[:-4]))
            held.load(item for block in _blocks(stream) for item in _numbered(block))
        except ValueError:
            return None
    return None


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the documents of one collection as JSON objects of bounded size."""
    block = bytearray(b"{")
    for line in stream:
        if line in _CLOSINGS:
            break
        block += line
        if len(block) >= CHUNK_BYTES:
            yield bytes(block.rstrip(b",\n")) + b"}"
            block = bytearray(b"{")
    yield bytes(block.rstrip(b",\n")) + b"}"


def _numbered(data: bytes) -> Iterator[tuple[int, Document]]:
    table = orjson.loads(data)
    if ejson.TAG_MARK in data:
        _untag(table)
    return ((int(key), item) for key, item in table.items())


def _read_whole(data: bytes) -> Contents:
    """Return what a file of any layout holds."""
    contents = Contents()
    tables = {} if not data or data.isspace() else _parse(data)
    for name, table in tables.items():
        _untag(table)
        contents.demand(name).load((int(key), item) for key, item in table.items())
    return contents


def _parse(data: bytes) -> Value:
    try:
        return orjson.loads(data)
    except ValueError:
        # A script that used TinyDB on the file may have left NaN, which only Python reads.
        return json.loads(data)


def _untag(container: Value) -> None:
    """Replace tagged objects inside by their values, in place, which spares copies."""
    items = container.items() if type(container) is dict else enumerate(container)
    for key, item in items:
        kind = type(item)
        if kind is dict and next(iter(item), "")[:1] == "$":
            container[key] = ejson.decode(item)
        elif kind is dict or kind is list:
            _untag(item)
