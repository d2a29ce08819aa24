"""Owns files on disk: contents below hashed names, visible by one line in an index.

Not here: the index (`stores.blob_index`), what a path may be and who may see it (`services`). The
one idea: a content never changes and never shares its name, so putting a file is writing a new
content aside, moving it to its place and naming it in the index, and whoever reads the older
content goes on reading it. A process killed at any moment leaves the older file or the newer one;
what else it left is swept at the next start.

Chunks are written on the loop as they come: 100 MB took 70 ms so, 100-220 ms by way of a thread
(Linux, page cache; the bytes are still warm, and a hop costs what a write of 64 KB does).
"""

import asyncio
import hashlib
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from emulator.ambient import Clock
from emulator.core.errors import StoreError
from emulator.stores.base import DIGEST_BYTES_MAX, NO_HEADERS, BlobInfo
from emulator.stores.blob_index import BlobIndex, Entry, content_name
from emulator.stores.files import sync_data

CONTENT_NAME: Final = re.compile(r"[0-9a-f]{40}")
UNLINK_ON_LOOP_BYTES_MAX: Final = 8 * 1024 * 1024
"""Removing a larger content takes the disk long enough to be worth a thread of its own."""


class DiskBlobStore:
    """Files of one environment below a folder of their own.

    With `synced` a put is acknowledged when the disk itself has it, which matters when the power
    goes, not when the process does.
    """

    def __init__(self, folder: Path, clock: Clock, *, synced: bool = False) -> None:
        self._contents = folder / "contents"
        self._incoming = folder / "incoming"
        self._clock = clock
        self.synced = synced
        self._readers: dict[str, int] = {}
        self._retired: set[str] = set()
        self._removals: set[asyncio.Future[None]] = set()
        self._leftovers = False
        self._incoming.mkdir(parents=True, exist_ok=True)
        self.index = BlobIndex(folder / "index.jsonl", synced=synced)
        self._notices = self.index.notes
        self._clear()
        if not self.index.clean:
            self._sweep()

    async def create(
        self,
        cloud_path: str,
        *,
        content_type: str,
        owner: str,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> "DiskBlobWriter":
        """Begin to put a file; raises StoreError when the disk refuses."""
        number = self.index.take_number()
        info = BlobInfo(
            cloud_path=cloud_path,
            size_bytes=0,
            content_type=content_type,
            updated_ms=0,
            digest="",
            owner=owner,
            headers=dict(headers),
        )
        name = content_name(cloud_path, number)
        aside = Path(f"{self._incoming}/{name}")
        entry = Entry(info=info, number=number, name=name)
        return DiskBlobWriter(self, entry, aside, _opened(aside, cloud_path))

    def info(self, cloud_path: str) -> BlobInfo | None:
        """Return what is known of a file, None when there is none."""
        entry = self.index.entries.get(cloud_path)
        return entry.info if entry else None

    def open(self, cloud_path: str) -> "DiskBlobReader | None":
        """Open the file as it is now, None when there is none.

        Raises:
            StoreError: the file is listed, but somebody took its content from the disk.
        """
        entry = self.index.entries.get(cloud_path)
        if entry is None:
            return None
        name = entry.name
        try:
            file = self.place(name).open("rb")
        except OSError as fault:
            raise StoreError(
                f"the content of {cloud_path} cannot be read: {fault}",
                hint="delete the file and upload it again",
            ) from fault
        self._readers[name] = self._readers.get(name, 0) + 1
        return DiskBlobReader(self, entry.info, name, file)

    async def delete(self, cloud_path: str) -> bool:
        """Remove a file and tell whether it was there."""
        entry = self.index.remove(cloud_path)
        if entry is None:
            return False
        self.retire(entry)
        return True

    def list(self, prefix: str = "") -> list[BlobInfo]:
        """Return the files whose path starts with the prefix, by path."""
        entries = self.index.entries
        return [entries[path].info for path in sorted(entries) if path.startswith(prefix)]

    def notices(self) -> tuple[str, ...]:
        """Return what recovery had to say."""
        return tuple(self._notices)

    async def close(self) -> None:
        """Remove what readers still held, and note that the run ended in order."""
        if self._removals:
            await asyncio.wait(self._removals)
        for name in self._retired:
            self.discard(self.place(name))
        self.index.close(clean=not self._leftovers)

    def adopt(self, entry: Entry) -> Entry | None:
        """Name a content that is in its place; return the entry it replaces."""
        try:
            return self.index.put(entry)
        except StoreError:
            self.discard(self.place(entry.name))
            raise

    def retire(self, entry: Entry) -> None:
        """Remove a content that no path has any more, once its last reader closes."""
        name = entry.name
        if name in self._readers:
            self._retired.add(name)
        elif entry.info.size_bytes > UNLINK_ON_LOOP_BYTES_MAX:
            removal = asyncio.ensure_future(asyncio.to_thread(self.discard, self.place(name)))
            self._removals.add(removal)
            removal.add_done_callback(self._removals.discard)
        else:
            self.discard(self.place(name))

    def release(self, name: str) -> None:
        """Note that a reader of a content closed."""
        self._readers[name] -= 1
        if self._readers[name]:
            return
        del self._readers[name]
        if name in self._retired:
            self._retired.remove(name)
            self.discard(self.place(name))

    def now_ms(self) -> int:
        """Return the suite's time."""
        return self._clock.now_ms()

    def place(self, name: str) -> Path:
        """Return where a content of that name lies."""
        # 256 folders: making one takes longer than putting a small file.
        return Path(f"{self._contents}/{name[0]}/{name[1]}/{name}")

    def discard(self, path: Path) -> None:
        """Remove a file that no entry names; what the system holds is swept at the next start."""
        try:
            path.unlink(missing_ok=True)
        except OSError:
            self.expect_leftovers()

    def expect_leftovers(self) -> None:
        """Have the next start sweep, whatever becomes of this run."""
        self._leftovers = True

    def _clear(self) -> None:
        for path in self._incoming.iterdir():
            if CONTENT_NAME.fullmatch(path.name):
                self.discard(path)

    def _sweep(self) -> None:
        """Drop entries whose content is gone or short, and contents that no entry names."""
        sizes = _sizes(self._contents)
        wanted: set[str] = set()
        for entry in list(self.index.entries.values()):
            wanted.add(entry.name)
            size_bytes = sizes.get(entry.name)
            if size_bytes == entry.info.size_bytes:
                continue
            found = "is gone" if size_bytes is None else f"has {size_bytes} bytes"
            self._notices.append(
                f"{entry.info.cloud_path}: its content of {entry.info.size_bytes} bytes {found}; "
                "the file was dropped"
            )
            self.index.remove(entry.info.cloud_path)
        if self.index.damaged:
            self._notices.append("contents that no file has are kept: the list of files is damaged")
            return
        for name in sizes.keys() - wanted:
            self.discard(self.place(name))


class DiskBlobWriter:
    """A file on its way in, in a place of its own."""

    def __init__(self, store: DiskBlobStore, entry: Entry, aside: Path, file: BinaryIO) -> None:
        self._store = store
        self._entry = entry
        self._aside = aside
        self._file = file
        self._size_bytes = 0
        self._digest = hashlib.md5(usedforsecurity=False)
        self._open = True

    async def write(self, chunk: bytes | memoryview) -> None:
        """Append bytes; raises StoreError when the disk takes no more."""
        self._size_bytes += len(chunk)
        if self._size_bytes <= DIGEST_BYTES_MAX:
            self._digest.update(chunk)
        try:
            self._file.write(chunk)
        except OSError as fault:
            raise _refused(self._entry.info.cloud_path, fault) from fault

    async def commit(self) -> BlobInfo:
        """Make the file visible under its path; see the port."""
        store = self._store
        try:
            if store.synced:
                await self._settle_on_disk()
            else:
                self._settle()
        except OSError as fault:
            raise _refused(self._entry.info.cloud_path, fault) from fault
        entry = self._complete()
        before = store.adopt(entry)
        self._open = False
        if store.synced:
            await asyncio.to_thread(_sync_and_close, store.index.handle())
        if before is not None:
            store.retire(before)
        return entry.info

    async def abort(self) -> None:
        """Forget the bytes."""
        if not self._open:
            return
        self._open = False
        with suppress(OSError):  # what cannot be flushed any more is thrown away anyway
            self._file.close()
        self._store.discard(self._aside)

    def _settle(self) -> None:
        """Close the content and move it to its place."""
        self._file.close()
        place = self._store.place(self._entry.name)
        try:
            self._aside.replace(place)
        except FileNotFoundError:
            place.parent.mkdir(parents=True, exist_ok=True)
            self._aside.replace(place)

    async def _settle_on_disk(self) -> None:
        """Do so with everything synced, on a thread."""

        def settle() -> None:
            self._file.flush()
            sync_data(self._file.fileno())
            self._settle()
            _sync_folders(self._store.place(self._entry.name))

        try:
            await asyncio.to_thread(settle)
        except asyncio.CancelledError:
            # The thread goes on and may move the content after `abort` looked for it.
            self._store.expect_leftovers()
            raise

    def _complete(self) -> Entry:
        given = self._entry
        small = self._size_bytes <= DIGEST_BYTES_MAX
        info = BlobInfo(
            cloud_path=given.info.cloud_path,
            size_bytes=self._size_bytes,
            content_type=given.info.content_type,
            updated_ms=self._store.now_ms(),
            digest=self._digest.hexdigest() if small else f"{given.name[:32]}-1",
            owner=given.info.owner,
            headers=given.info.headers,
        )
        return Entry(info=info, number=given.number, name=given.name)


class DiskBlobReader:
    """An open content; its bytes stay on disk until it is closed."""

    def __init__(self, store: DiskBlobStore, info: BlobInfo, name: str, file: BinaryIO) -> None:
        self._store = store
        self._info = info
        self._name = name
        self._file = file

    @property
    def info(self) -> BlobInfo:
        """Return what is known of this content."""
        return self._info

    def read(self, start: int, size_bytes: int) -> bytes:
        """Return up to so many bytes from `start`."""
        self._file.seek(start)
        return self._file.read(size_bytes)

    def file(self) -> BinaryIO:
        """Return the open file."""
        return self._file

    def close(self) -> None:
        """Close the file; the last reader of an older content removes it."""
        if not self._file.closed:
            self._file.close()
            self._store.release(self._name)


def _opened(aside: Path, cloud_path: str) -> BinaryIO:
    try:
        return aside.open("xb")
    except OSError as fault:
        raise _refused(cloud_path, fault) from fault


def _refused(cloud_path: str, fault: OSError) -> StoreError:
    return StoreError(
        f"{cloud_path} could not be stored: {fault}",
        hint="make room on the disk or check the data folder's permissions; nothing was changed",
    )


def _sizes(folder: Path) -> dict[str, int]:
    """Return the size of every content below a folder by its name."""
    sizes: dict[str, int] = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            if CONTENT_NAME.fullmatch(name):
                sizes[name] = os.stat(os.path.join(parent, name)).st_size  # noqa: PTH116, PTH118  # a Path for each of 100,000 files is most of the time
    return sizes


def _sync_and_close(descriptor: int) -> None:
    try:
        sync_data(descriptor)
    finally:
        os.close(descriptor)


def _sync_folders(content: Path) -> None:
    """Have the disk know the names on the way to a content; Windows syncs no folders."""
    if os.name == "nt":
        return
    for folder in content.parents[:4]:
        _sync_and_close(os.open(folder, os.O_RDONLY))
