"""Owns the hearing of changes on Linux: watchdog's reader of inotify, told each folder to watch.

Not here: other systems (`native`). The one idea: only folders that can hold code are watched, so
that `node_modules` costs neither time nor watches.
"""

import itertools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from emulator.functions.bundle import is_excluded
from emulator.functions.reload.source import JOIN_TIMEOUT_S, Heard, nearest_folder

if TYPE_CHECKING:
    from watchdog.observers.inotify_c import (
        CallbackId,
        InotifyEvent,
        InotifyFD,
        WatchDescriptor,
    )

FOLDERS_MAX: Final = 20_000
"""Folders watched below one root; calls look at the files they loaded in any case."""


class InotifySource:
    """One inotify descriptor and its thread, told each folder that may hold code."""

    def __init__(self, root: Path, heard: Heard) -> None:
        from watchdog.observers import inotify_c
        from watchdog.observers.inotify_c import InotifyConstants, Mask

        self._root = root
        self._heard = heard
        self._open: Callable[[], InotifyFD] = inotify_c.InotifyFD
        self._reader: InotifyFD | None = None
        self._mask = Mask(
            InotifyConstants.IN_CLOSE_WRITE
            | InotifyConstants.IN_MODIFY
            | InotifyConstants.IN_CREATE
            | InotifyConstants.IN_DELETE
            | InotifyConstants.IN_MOVED_FROM
            | InotifyConstants.IN_MOVED_TO
            | InotifyConstants.IN_DELETE_SELF
            | InotifyConstants.IN_MOVE_SELF
            | InotifyConstants.IN_ONLYDIR
        )
        self._folders: dict[Path, _Folder] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()
        self._closed = False

    def start(self) -> None:
        """Begin; raises OSError when the system refuses."""
        # The thread comes first: it is who closes the descriptor, also when watching is refused.
        self._reader = self._open()
        self._reader.start()
        try:
            with self._lock:
                self._attach()
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """End, with the thread."""
        self._closed = True
        if self._reader is not None:
            self._reader.stop()
            self._reader.join(JOIN_TIMEOUT_S)

    @property
    def _started(self) -> "InotifyFD":
        assert self._reader is not None, "start comes first"
        return self._reader

    def hear(self, folder: "_Folder", event: "InotifyEvent") -> None:
        """Take an event of a watched folder, on the reader's thread."""
        path = folder.path / os.fsdecode(event.name) if event.name else folder.path
        with self._lock:
            if self._closed or self._folders.get(folder.path) is not folder:
                return
            if self._root not in self._folders:
                if nearest_folder(self._root) != folder.path:
                    self._look_for_root()
                return
            if path == self._root:
                self._look_for_root()
                return
            # A system that allows no more watches leaves it to calls to look at their files.
            with suppress(OSError):
                self._follow(path, event)
        self._heard(path, is_folder=event.is_directory)

    def _follow(self, path: Path, event: "InotifyEvent") -> None:
        if event.is_directory and event.name and not is_excluded(path.name):
            if event.is_moved_from:
                self._forget_below(path)
            elif event.is_create or event.is_moved_to:
                self._watch_tree(path)

    def lost(self, folder: "_Folder") -> None:
        """Take that a watched folder is gone, on the reader's thread."""
        with self._lock:
            if self._closed or self._folders.get(folder.path) is not folder:
                return
            del self._folders[folder.path]
            if folder.path == self._root or self._root not in self._folders:
                self._look_for_root()

    def overflowed(self) -> None:
        """Start again after the system dropped events."""
        with self._lock:
            if not self._closed:
                self._look_for_root()

    def _look_for_root(self) -> None:
        """Watch afresh: the root if it is there, else where it will be."""
        self._forget_below(Path(self._root.anchor))
        with suppress(OSError):
            self._attach()
        self._heard(self._root, is_folder=True)

    def _attach(self) -> None:
        while True:
            nearest = nearest_folder(self._root)
            if nearest == self._root:
                self._watch_tree(self._root)
            else:
                self._watch(nearest)
            # It may have come or gone between the look and the watch.
            if nearest in self._folders and nearest_folder(self._root) == nearest:
                return
            self._forget_below(nearest)

    def _watch_tree(self, top: Path) -> None:
        waiting, seen = [top], {_identity(top)}
        while waiting and len(self._folders) < FOLDERS_MAX:
            path = waiting.pop()
            if path not in self._folders:
                self._watch(path)
            for inner in _inner_folders(path):
                identity = _identity(inner)
                if identity not in seen:
                    seen.add(identity)
                    waiting.append(inner)

    def _watch(self, path: Path) -> None:
        folder = _Folder(self, path)
        number: Any = next(self._numbers)
        try:
            descriptor = self._started.add_callback(os.fsencode(path), self._mask, folder, number)
        except OSError:
            if not path.is_dir():
                return
            raise
        folder.watch = (descriptor, number)
        self._folders[path] = folder

    def _forget_below(self, top: Path) -> None:
        gone = [path for path in self._folders if path.is_relative_to(top)]
        folders = [self._folders.pop(path) for path in gone]
        self._started.remove_callbacks([each.watch for each in folders if each.watch is not None])


class _Folder:
    """A watched folder, as watchdog's reader calls back."""

    def __init__(self, source: InotifySource, path: Path) -> None:
        self._source = source
        self.path = path
        self.watch: tuple[WatchDescriptor, CallbackId] | None = None

    def on_event(self, event: "InotifyEvent") -> None:
        self._source.hear(self, event)

    def on_watch_deleted(self, wd: "WatchDescriptor") -> None:
        del wd
        self._source.lost(self)

    def on_queue_overflow(self) -> None:
        self._source.overflowed()


def _inner_folders(path: Path) -> Iterator[Path]:
    try:
        with os.scandir(path) as entries:
            names = [each.name for each in entries if not is_excluded(each.name) and each.is_dir()]
    except OSError:
        return
    yield from (path / name for name in names)


def _identity(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return (status.st_dev, status.st_ino)
