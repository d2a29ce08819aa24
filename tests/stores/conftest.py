"""A disk that can be told to refuse, to crash the process, or to be full."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.stores.files import Files


class Crash(BaseException):
    """The process ends here; nobody handles it."""


class FaultyFiles(Files):
    """The machine's files; every call that changes the disk is counted and may be made to fail."""

    def __init__(self):
        self.steps = 0
        self.crash_at = None
        self.refused = set()
        self.free_bytes = None
        self.write_bytes_max = None
        self.open_descriptors = set()

    def _step(self, name):
        if self.crash_at is not None and self.steps >= self.crash_at:
            raise Crash(name)
        self.steps += 1
        if name in self.refused:
            raise OSError(errno.EIO, f"{name} refused")

    def open_append(self, path):
        self._step("open_append")
        return self._opened(super().open_append(path))

    def open_new(self, path):
        self._step("open_new")
        return self._opened(super().open_new(path))

    def _opened(self, descriptor):
        self.open_descriptors.add(descriptor)
        return descriptor

    def write(self, descriptor, data):
        self._step("write")
        if self.write_bytes_max is not None:
            data = data[: self.write_bytes_max]
        if self.free_bytes is not None:
            if self.free_bytes == 0:
                raise OSError(errno.ENOSPC, "no space left")
            data = data[: self.free_bytes]
            self.free_bytes -= len(data)
        return super().write(descriptor, data)

    def truncate(self, descriptor, size_bytes):
        self._step("truncate")
        super().truncate(descriptor, size_bytes)

    def sync(self, descriptor):
        self._step("sync")
        super().sync(descriptor)

    def close(self, descriptor):
        self.open_descriptors.discard(descriptor)
        super().close(descriptor)

    def replace(self, source, target):
        self._step("replace")
        super().replace(source, target)

    def remove(self, path):
        self._step("remove")
        super().remove(path)

    def sync_folder(self, folder):
        self._step("sync_folder")
        super().sync_folder(folder)

    def end_process(self):
        """Leave the files as a killed process does."""
        while self.open_descriptors:
            os.close(self.open_descriptors.pop())


@pytest.fixture
def files() -> Iterator[FaultyFiles]:
    disk = FaultyFiles()
    yield disk
    disk.end_process()


@pytest.fixture
def crash() -> type[BaseException]:
    return Crash


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "documents"
