"""Owns the journal: segments of records, one record for each commit, and how safe they are.

Not here: what a record does (`stores.contents`), reading it back (`stores.recovery`). The one
idea: a commit is written by one call to an unbuffered file before anything else happens, so a
killed process loses nothing it answered for; a failed write is cut off again and changes nothing.
A segment is named after its first sequence and begins with a header; a checkpoint starts a new
one and then drops the older.
"""

import re
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from emulator.core.errors import StoreError
from emulator.core.values import Document
from emulator.stores.base import JournalMode
from emulator.stores.contents import Contents, Step
from emulator.stores.files import Files, write_all
from emulator.stores.records import record

FORMAT: Final = 1
_SEGMENT: Final = re.compile(r"journal-(\d+)\.log\Z")


def segment_path(folder: Path, first_sequence: int) -> Path:
    """Return where the segment that begins with this sequence lies."""
    return folder / f"journal-{first_sequence:012d}.log"


def segments(folder: Path) -> list[tuple[int, Path]]:
    """Return the first sequence and path of every segment, oldest first."""
    found = [(_SEGMENT.match(path.name), path) for path in folder.iterdir()]
    return sorted((int(match[1]), path) for match, path in found if match is not None)


def header(contents: Contents, sequence: int) -> Document:
    """Return the header of a segment that follows the commit of this sequence."""
    catalogue = {
        name: documents.description
        for name, documents in contents.collections.items()
        if documents.description
    }
    return {
        "format": FORMAT,
        "sequence": sequence,
        "collections": list(contents.collections),
        "catalogue": catalogue,
    }


class Journal:
    """The journal on disk. One thread appends; `sync` and `drop_before` may run in another.

    It writes nowhere until a segment is resumed or begun.
    """

    def __init__(self, folder: Path, *, sequence: int, mode: JournalMode, files: Files) -> None:
        self.sequence = sequence
        self.size_bytes = 0
        self._older_bytes = 0
        self._folder = folder
        self._files = files
        self._always = mode == "always"
        self._segment: Path | None = None
        self._descriptor = -1
        self._retired: list[int] = []
        self._torn = False
        self._folder_dirty = False
        self._switching = threading.Lock()
        self._syncing = threading.Lock()

    @property
    def total_bytes(self) -> int:
        """Return the size of all segments that no checkpoint has replaced."""
        return self._older_bytes + self.size_bytes

    def resume(self, segment: Path, *, size_bytes: int, older_bytes: int) -> None:
        """Go on in a segment that recovery has read.

        Raises:
            StoreError: the disk refused.
        """
        try:
            descriptor = self._files.open_append(segment)
        except OSError as fault:
            raise StoreError(f"{segment} cannot be opened: {fault}") from fault
        self._switch(segment, descriptor, size_bytes)
        self._older_bytes = older_bytes

    def begin_segment(self, opening: Document) -> None:
        """Start a new segment with this header, unless nothing follows the last one's.

        Raises:
            StoreError: the disk refused; the journal goes on in the segment it was in.
        """
        path = segment_path(self._folder, self.sequence + 1)
        if path == self._segment:
            return
        line = record(opening)
        try:
            if self._torn:
                self._cut()
            descriptor = self._files.open_new(path)
            try:
                write_all(self._files, descriptor, line)
            except OSError:
                self._files.close(descriptor)
                self._files.remove(path)
                raise
        except OSError as fault:
            raise StoreError(f"{path} cannot be written: {fault}") from fault
        self._switch(path, descriptor, len(line))

    def append(self, steps: Sequence[Step]) -> int:
        """Write a commit as one record and return its sequence.

        Raises:
            StoreError: the disk refused; the journal is as it was.
            InvalidParam: a step holds what cannot be stored; the journal is as it was.
        """
        sequence = self.sequence + 1
        line = record({"sequence": sequence, "writes": steps})
        try:
            if self._torn:
                self._cut()
            self._torn = True
            write_all(self._files, self._descriptor, line)
            if self._always:
                self.sync()
        except (OSError, StoreError) as fault:
            self._cut_or_leave()
            raise StoreError(f"the journal cannot be written: {fault}") from fault
        self.sequence = sequence
        self.size_bytes += len(line)
        self._torn = False
        return sequence

    def sync(self) -> int:
        """Force everything that was appended to disk and return the last sequence of it.

        Raises:
            StoreError: the disk refused.
        """
        with self._syncing:
            with self._switching:
                reached, current, retired = self.sequence, self._descriptor, list(self._retired)
                folder_dirty, self._folder_dirty = self._folder_dirty, False
            try:
                for descriptor in retired:
                    self._files.sync(descriptor)
                    self._retired.remove(descriptor)
                    self._files.close(descriptor)
                self._files.sync(current)
                if folder_dirty:
                    self._files.sync_folder(self._folder)
            except OSError as fault:
                self._folder_dirty |= folder_dirty
                raise StoreError(f"the journal cannot be forced to disk: {fault}") from fault
            return reached

    def drop_before(self, first_sequence: int) -> None:
        """Remove the segments before the one that begins with this sequence, oldest first.

        The order matters: what a crash leaves must be a run without gaps.

        Raises:
            OSError: the disk refused; some may be gone.
        """
        for first, path in segments(self._folder):
            if first < first_sequence:
                self._files.remove(path)
                self._files.sync_folder(self._folder)
        self._older_bytes = 0

    def close(self) -> None:
        """Let go of the files."""
        with self._syncing:
            while self._retired:
                self._files.close(self._retired.pop())
            if self._descriptor >= 0:
                self._files.close(self._descriptor)
                self._descriptor = -1

    def _switch(self, segment: Path, descriptor: int, size_bytes: int) -> None:
        with self._switching:
            if self._descriptor >= 0:
                self._retired.append(self._descriptor)
            self._older_bytes += self.size_bytes
            self._segment, self._descriptor, self.size_bytes = segment, descriptor, size_bytes
            self._folder_dirty = True

    def _cut(self) -> None:
        self._files.truncate(self._descriptor, self.size_bytes)
        self._torn = False

    def _cut_or_leave(self) -> None:
        """Cut a failed record off; what cannot be cut now is cut before the next commit."""
        with suppress(OSError):
            self._cut()
