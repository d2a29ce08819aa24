"""Owns where one environment's documents are kept: in a folder, or nowhere.

Not here: the documents in memory (`stores.contents`) nor when a checkpoint is wanted
(`stores.upkeep`). The one idea: a checkpoint begins with a new segment and an image of one moment,
and may then be written by any thread, while commits go on behind it. A crash between any two steps
leaves a checkpoint and segments that together hold everything, some of it twice.
"""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Literal, Protocol

from emulator.core.errors import StoreError
from emulator.stores.base import JournalMode
from emulator.stores.checkpoint import Checkpointer, Image, image
from emulator.stores.contents import Contents, Step
from emulator.stores.files import Files
from emulator.stores.journal import Journal, header
from emulator.stores.recovery import recover, recover_unguarded, repair

CHECKPOINT_JOURNAL_BYTES: Final = 16 * 1024 * 1024
"""A journal below this is read back in well under a second."""
JOURNAL_BYTES_MAX: Final = 16 * CHECKPOINT_JOURNAL_BYTES
"""Beyond this a checkpoint does not wait for a quiet moment."""


class Kept(Protocol):
    """Documents and where they are kept."""

    contents: Contents
    notices: tuple[str, ...]

    @property
    def sequence(self) -> int:
        """Return the sequence of the last commit."""
        ...

    def append(self, steps: Sequence[Step]) -> int:
        """Keep a commit and return its sequence; StoreError when that is not possible."""
        ...

    def begin_checkpoint(self) -> Callable[[], None] | None:
        """Return what writes a checkpoint of this moment in any thread, None when none is due."""
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...


def open_kept(
    folder: Path, *, mode: JournalMode, access_mode: Literal["r", "r+"], files: Files
) -> Kept:
    """Recover what is kept: nothing with mode `memory`; access mode `r` takes no commits.

    Raises:
        StoreError: the folder cannot be read or written, or holds what is not ours.
    """
    if mode == "memory":
        return Unkept(Contents())
    try:
        if access_mode == "r+":
            return Folder(folder, mode=mode, files=files)
        found = recover_unguarded(folder)
    except OSError as fault:
        raise StoreError(f"the documents in {folder} cannot be opened: {fault}") from fault
    reading = Unkept(found.contents, sequence=found.sequence, notices=tuple(found.notices))
    reading.refuse("it was opened with access_mode='r'")
    return reading


class Unkept:
    """Documents whose commits go nowhere: they are counted, or refused."""

    def __init__(
        self, contents: Contents, *, sequence: int = 0, notices: tuple[str, ...] = ()
    ) -> None:
        self.contents = contents
        self.notices = notices
        self.sequence = sequence
        self._refusal = ""

    def append(self, steps: Sequence[Step]) -> int:
        """Count a commit, or raise StoreError."""
        if self._refusal:
            raise StoreError(f"{len(steps)} writes were refused by the store: {self._refusal}")
        self.sequence += 1
        return self.sequence

    def refuse(self, reason: str) -> None:
        """Take no more commits."""
        self._refusal = reason

    def begin_checkpoint(self) -> None:
        """Return nothing: there is no checkpoint."""

    def close(self) -> None:
        """Take no more commits."""
        self.refuse("it is closed")


class Folder:
    """An open folder: a checkpoint and the journal since."""

    def __init__(self, folder: Path, *, mode: JournalMode, files: Files) -> None:
        """Recover what the folder holds and go on in its journal.

        Raises:
            StoreError: a file holds what is not ours, or no segment can be begun.
            OSError: the folder cannot be read or repaired.
        """
        folder.mkdir(parents=True, exist_ok=True)
        found = recover(folder)
        repair(folder, found, files)
        self.contents = found.contents
        self.notices = tuple(found.notices)
        self.journal = Journal(folder, sequence=found.sequence, mode=mode, files=files)
        if found.segment is None:
            self.journal.begin_segment(header(found.contents, found.sequence))
        else:
            self.journal.resume(
                found.segment, size_bytes=found.size_bytes, older_bytes=found.older_bytes
            )
        self._closed = False
        self._writing = threading.Lock()
        self._checkpointer = Checkpointer(
            folder, sequence=None if found.records else found.sequence, files=files
        )

    @property
    def sequence(self) -> int:
        """Return the sequence of the last commit."""
        return self.journal.sequence

    @property
    def checkpoint_due(self) -> bool:
        """Tell whether the journal is longer than what a checkpoint would write anew."""
        bound = max(CHECKPOINT_JOURNAL_BYTES, self._checkpointer.size_bytes)
        return self.journal.total_bytes >= bound

    @property
    def checkpoint_urgent(self) -> bool:
        """Tell whether the journal is too long to wait for a quiet moment."""
        return self.journal.total_bytes >= max(JOURNAL_BYTES_MAX, self._checkpointer.size_bytes)

    def append(self, steps: Sequence[Step]) -> int:
        """Journal a commit; raises as `Journal.append`."""
        if self._closed:
            raise StoreError(f"{len(steps)} writes were refused by the store: it is closed")
        return self.journal.append(steps)

    def begin_checkpoint(self) -> Callable[[], None] | None:
        """Start a new segment and return what writes the checkpoint, unless it has everything.

        Raises:
            StoreError: the disk refused; commits go on in the segment they were in.
        """
        if self._closed or self._checkpointer.holds(self.sequence):
            return None
        self.journal.begin_segment(header(self.contents, self.sequence))
        return partial(self._write_checkpoint, image(self.contents, self.sequence))

    def close(self) -> None:
        """Let go of the files, once no thread writes a checkpoint any more."""
        self._closed = True
        with self._writing:
            self.journal.close()

    def _write_checkpoint(self, picture: Image) -> None:
        """Write an image and drop the segments it replaces.

        Raises:
            StoreError: the disk refused; nothing is lost.
        """
        with self._writing:
            if self._closed:
                return
            # The header has the sequence and the catalogue: it must not be lost with the old.
            self.journal.sync()
            try:
                if self._checkpointer.write(picture):
                    self.journal.drop_before(picture.sequence + 1)
            except OSError as fault:
                raise StoreError(f"the checkpoint cannot be written: {fault}") from fault
