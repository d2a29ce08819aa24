"""Owns files in memory: the reference that the disk store is tested against, and small suites.

Not here: anything that lasts. The one idea: a content is immutable bytes, so a reader needs no
care; a bound keeps a large upload from taking the machine's memory.
"""

import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from emulator.ambient import Clock
from emulator.core.errors import StoreError
from emulator.stores.base import DIGEST_BYTES_MAX, NO_HEADERS, BlobInfo

MEMORY_BYTES_MAX: Final = 64 * 1024 * 1024


class MemoryBlobStore:
    """Files of one environment in memory, up to `size_bytes_max` in all."""

    def __init__(self, clock: Clock, *, size_bytes_max: int = MEMORY_BYTES_MAX) -> None:
        self._clock = clock
        self._size_bytes_max = size_bytes_max
        self._files: dict[str, tuple[BlobInfo, bytes]] = {}
        self._numbers = itertools.count(1)
        self._size_bytes = 0

    async def create(
        self,
        cloud_path: str,
        *,
        content_type: str,
        owner: str,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> "MemoryBlobWriter":
        """Begin to put a file."""
        info = BlobInfo(
            cloud_path=cloud_path,
            size_bytes=0,
            content_type=content_type,
            updated_ms=0,
            digest="",
            owner=owner,
            headers=dict(headers),
        )
        return MemoryBlobWriter(self, info)

    def info(self, cloud_path: str) -> BlobInfo | None:
        """Return what is known of a file, None when there is none."""
        found = self._files.get(cloud_path)
        return found[0] if found else None

    def open(self, cloud_path: str) -> "MemoryBlobReader | None":
        """Open the file as it is now, None when there is none."""
        found = self._files.get(cloud_path)
        return MemoryBlobReader(*found) if found else None

    async def delete(self, cloud_path: str) -> bool:
        """Remove a file and tell whether it was there."""
        found = self._files.pop(cloud_path, None)
        if found is None:
            return False
        self.give_back(found[0].size_bytes)
        return True

    def list(self, prefix: str = "") -> list[BlobInfo]:
        """Return the files whose path starts with the prefix, by path."""
        return [self._files[path][0] for path in sorted(self._files) if path.startswith(prefix)]

    def notices(self) -> tuple[str, ...]:
        """Return nothing: there is nothing to recover."""
        return ()

    async def close(self) -> None:
        """Forget everything."""
        self._files.clear()

    def take(self, size_bytes: int) -> None:
        """Set memory aside.

        Raises:
            StoreError: there would be more in memory than the bound allows.
        """
        if self._size_bytes + size_bytes > self._size_bytes_max:
            raise StoreError(
                f"files in memory would exceed {self._size_bytes_max} bytes",
                hint="keep files in a folder instead",
            )
        self._size_bytes += size_bytes

    def give_back(self, size_bytes: int) -> None:
        """Note that memory is free again."""
        self._size_bytes -= size_bytes

    def adopt(self, begun: BlobInfo, content: bytes) -> BlobInfo:
        """Make a complete content the one of its path."""
        number = next(self._numbers)
        small = len(content) <= DIGEST_BYTES_MAX
        digest = hashlib.md5(content if small else b"", usedforsecurity=False).hexdigest()
        info = replace(
            begun,
            size_bytes=len(content),
            updated_ms=self._clock.now_ms(),
            digest=digest if small else f"{number:032x}-1",
        )
        before = self._files.pop(info.cloud_path, None)
        if before is not None:
            self.give_back(before[0].size_bytes)
        self._files[info.cloud_path] = (info, content)
        return info


class MemoryBlobWriter:
    """A file on its way into memory."""

    def __init__(self, store: MemoryBlobStore, begun: BlobInfo) -> None:
        self._store = store
        self._begun = begun
        self._content = bytearray()
        self._open = True

    async def write(self, chunk: bytes | memoryview) -> None:
        """Append bytes; raises StoreError beyond the store's bound."""
        self._store.take(len(chunk))
        self._content += chunk

    async def commit(self) -> BlobInfo:
        """Make the file visible under its path."""
        self._open = False
        return self._store.adopt(self._begun, bytes(self._content))

    async def abort(self) -> None:
        """Forget the bytes."""
        if self._open:
            self._open = False
            self._store.give_back(len(self._content))


class MemoryBlobReader:
    """A content in memory."""

    def __init__(self, info: BlobInfo, content: bytes) -> None:
        self._info = info
        self._content = content

    @property
    def info(self) -> BlobInfo:
        """Return what is known of this content."""
        return self._info

    def read(self, start: int, size_bytes: int) -> bytes:
        """Return up to so many bytes from `start`."""
        return self._content[start : start + size_bytes]

    def file(self) -> None:
        """Return None: there is no file."""
        return

    def close(self) -> None:
        """Let go of the content."""
        self._content = b""
