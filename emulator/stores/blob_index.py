"""Owns the list of files below a disk store: which path has which content, across restarts.

Not here: the contents (`stores.disk`). The one idea: every change is one checksummed line at the
end of a file, in memory before anybody hears of it; a line that was cut short by a killed process
was never acknowledged and is dropped, and what no longer counts is left out by writing the file
anew beside the old one. All of it happens on the suite's loop, so lines never mix.
"""

import hashlib
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson

from emulator.core.errors import StoreError
from emulator.core.records import dataclass
from emulator.stores.base import BlobInfo

FORMAT: Final = 1
NUMBERS_SKIPPED_AFTER_DAMAGE: Final = 1_000_000
"""More than a lost line can have been ahead: its content must not be written over."""
DEAD_LINES_MAX: Final = 4096
"""Lines that no longer count, beyond which the file is written anew (or beyond the live ones)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file, and its content's number and name, which no other content here ever had."""

    info: BlobInfo
    number: int
    name: str


def content_name(cloud_path: str, number: int) -> str:
    """Return the name on disk of a path's content: letters and digits, whatever the path."""
    return hashlib.sha256(f"{number}\0{cloud_path}".encode()).hexdigest()[:40]


class BlobIndex:
    """Entries by path; changes are on disk when a method returns.

    `clean` tells whether the last run ended in order, so that no leftovers lie about; `damaged`
    that a line in the middle could not be read, so that a content nobody names may still be
    somebody's file. `notes` are sentences for the developer.
    """

    def __init__(self, path: Path, *, synced: bool = False) -> None:
        self._path = path
        self._synced = synced
        self.entries: dict[str, Entry] = {}
        self.notes: list[str] = []
        self.clean = True
        self.damaged = False
        self._number = 0
        self._lines = 0
        self._length = 0
        self._torn = False
        self._running = False
        self._recover()
        if self.damaged:
            self._number += NUMBERS_SKIPPED_AFTER_DAMAGE
        self._file = path.open("ab", buffering=0)
        if self.damaged or self._dead() > max(DEAD_LINES_MAX, len(self.entries)):
            self._rewrite()

    def take_number(self) -> int:
        """Return the number of a new content, and note that this run changes things."""
        if not self._running:
            self._append({"op": "open"})
            self._running = True
        self._number += 1
        return self._number

    def put(self, entry: Entry) -> Entry | None:
        """Make the entry the one of its path and return the one it replaces.

        Raises:
            StoreError: the disk refused; the older entry stays.
        """
        self._append(_put_line(entry))
        before = self.entries.pop(entry.info.cloud_path, None)
        self.entries[entry.info.cloud_path] = entry
        self._tidy()
        return before

    def remove(self, cloud_path: str) -> Entry | None:
        """Remove the entry of a path and return it; raises StoreError as `put` does."""
        if cloud_path not in self.entries:
            return None
        if not self._running:
            self.take_number()
        self._append({"op": "remove", "path": cloud_path})
        removed = self.entries.pop(cloud_path)
        self._tidy()
        return removed

    def handle(self) -> int:
        """Return a descriptor of the file for another thread to sync and close."""
        return os.dup(self._file.fileno())

    def close(self, *, clean: bool = True) -> None:
        """Note that the run ended in order, if it did, and let go of the file."""
        if self._file.closed:
            return
        if clean and (self._running or not self.clean):
            self._append({"op": "close"})
        self._file.close()

    def _dead(self) -> int:
        return self._lines - len(self.entries)

    def _tidy(self) -> None:
        if self._dead() > max(DEAD_LINES_MAX, len(self.entries)):
            self._rewrite()

    def _append(self, record: dict[str, Any]) -> None:
        line = _line(record)
        try:
            if self._torn:
                self._file.truncate(self._length)
            self._torn = True
            if self._file.write(line) != len(line):
                raise OSError("the disk took only part of a line")
            self._torn = False
        except (OSError, ValueError) as fault:
            raise StoreError(
                f"the list of files {self._path} could not be written: {fault}",
                hint="make room on the disk or check the folder's permissions; nothing was changed",
            ) from fault
        self._length += len(line)
        self._lines += 1

    def _recover(self) -> None:
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return
        for record, end in self._records(data):
            self._length = end
            self._lines += 1
            self._apply(record)
        rest = data[self._length :]
        if b"\n" in rest:
            # No write cut short leaves a whole line behind, so this one was spoilt later.
            self.damaged = self._torn = True
            self.notes.append(f"{self._path}: the last lines are damaged and were left out")
        elif rest:
            self.notes.append(f"{self._path}: an unfinished line at the end was dropped")
            os.truncate(self._path, self._length)

    def _records(self, data: bytes) -> Iterator[tuple[dict[str, Any], int]]:
        """Yield every record that can be read and where its line ends; note what cannot."""
        unread: list[int] = []
        at = 0
        for number, line in enumerate(data.split(b"\n"), start=1):
            at += len(line) + 1
            if at > len(data):
                break
            record = _parse(line)
            if record is None:
                unread.append(number)
                continue
            if unread:
                self.damaged = True
                self.notes.append(f"{self._path}: lines {unread} are damaged and were left out")
                unread = []
            yield record, at

    def _apply(self, record: dict[str, Any]) -> None:
        operation = record["op"]
        self.clean = operation == "close"
        self._number = max(self._number, record.get("number", 0))
        if operation == "put":
            info = BlobInfo(**record["info"])
            number = record["number"]
            name = content_name(info.cloud_path, number)
            self.entries[info.cloud_path] = Entry(info=info, number=number, name=name)
        elif operation == "remove":
            self.entries.pop(record["path"], None)

    def _rewrite(self) -> None:
        """Write the live lines beside the file and put them in its place."""
        fresh = self._path.with_suffix(".new")
        lines = [_line({"op": "head", "format": FORMAT, "number": self._number})]
        lines += [_line(_put_line(entry)) for entry in self.entries.values()]
        lines.append(_line({"op": "open" if self._running or not self.clean else "close"}))
        try:
            with fresh.open("wb") as file:
                file.writelines(lines)
                if self._synced:
                    file.flush()
                    os.fsync(file.fileno())
            self._swap(fresh)
        except OSError as fault:
            # The long file is as good as the short one: it will be tried again when longer.
            self.notes.append(f"{self._path} could not be shortened: {fault}")
            self._lines = len(self.entries)
            return
        self._length = sum(map(len, lines))
        self._lines = len(lines)

    def _swap(self, fresh: Path) -> None:
        # Windows replaces no file that is open.
        self._file.close()
        try:
            if self.damaged:
                self._path.replace(self._path.with_suffix(".damaged"))
            fresh.replace(self._path)
        finally:
            self._file = self._path.open("ab", buffering=0)


def _put_line(entry: Entry) -> dict[str, Any]:
    return {"op": "put", "number": entry.number, "info": entry.info}


def _line(record: dict[str, Any]) -> bytes:
    text = orjson.dumps(record)
    return b"%08x %b\n" % (zlib.crc32(text), text)


def _parse(line: bytes) -> dict[str, Any] | None:
    checksum, _, text = line.partition(b" ")
    if checksum != b"%08x" % zlib.crc32(text):
        return None
    record = orjson.loads(text)
    return record if isinstance(record, dict) else None
