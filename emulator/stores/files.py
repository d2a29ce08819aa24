"""Owns the calls by which documents reach the disk: append, cut, sync, replace.

Not here: what is written and when (`stores.journal`, `stores.checkpoint`). The one idea: every
change to a file goes through one small object, so that tests can let any single step fail.
"""

import errno
import os
from pathlib import Path
from typing import Final

_BINARY: Final = getattr(os, "O_BINARY", 0)
_APPEND: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND | _BINARY
_NEW: Final = _APPEND | os.O_TRUNC
_FOLDER_SYNC_UNKNOWN: Final = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EBADF})
_MODE: Final = 0o666


class Files:
    """The machine's own file calls; each raises OSError."""

    def open_append(self, path: Path) -> int:
        """Open a file to append to."""
        return os.open(path, _APPEND, _MODE)

    def open_new(self, path: Path) -> int:
        """Open an empty file to append to, in place of a leftover."""
        return os.open(path, _NEW, _MODE)

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        """Write unbuffered and return how many bytes went, which may be fewer."""
        return os.write(descriptor, data)

    def truncate(self, descriptor: int, size_bytes: int) -> None:
        """Cut an open file."""
        os.ftruncate(descriptor, size_bytes)

    def sync(self, descriptor: int) -> None:
        """Force a file's bytes to the disk; not its times where the platform can tell."""
        _sync(descriptor)

    def close(self, descriptor: int) -> None:
        """Let go of an open file."""
        os.close(descriptor)

    def replace(self, source: Path, target: Path) -> None:
        """Put a file in place of another in one step."""
        source.replace(target)

    def remove(self, path: Path) -> None:
        """Remove a file."""
        path.unlink()

    def sync_folder(self, folder: Path) -> None:
        """Force names in a folder to the disk, where the platform can."""
        if os.name == "nt":
            return
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError as fault:
            if fault.errno not in _FOLDER_SYNC_UNKNOWN:
                raise
        finally:
            os.close(descriptor)


def write_all(files: Files, descriptor: int, data: bytes) -> None:
    """Write every byte, however many calls it takes.

    Raises:
        OSError: some bytes may have been written.
    """
    written = files.write(descriptor, data)
    while written < len(data):
        step = files.write(descriptor, memoryview(data)[written:])
        if step == 0:
            raise OSError(errno.ENOSPC, "the disk takes no more bytes")
        written += step


_sync = getattr(os, "fdatasync", os.fsync)


def sync_data(descriptor: int) -> None:
    """Have the disk keep what was written and how long it is; other times of change may be lost."""
    _sync(descriptor)
