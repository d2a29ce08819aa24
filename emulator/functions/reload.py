"""Owns the eye on the functions' folder: something changed, by name of the function.

Not here: what changed in it (`bundle`) and the new generation (`services.registry`). The one idea:
only folders that can hold code are watched. On Linux watchdog's reader of inotify is told each of
them, so that `node_modules` costs neither time nor watches; elsewhere the system watches the whole
tree by itself, and what is excluded is dropped on arrival.
"""

import asyncio
import itertools
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from emulator.functions.bundle import is_excluded

if TYPE_CHECKING:
    from watchdog.observers.inotify_c import CallbackId, InotifyEvent, WatchDescriptor

DEBOUNCE_S: Final = 0.02
"""A change is told once nothing has changed for so long."""
DEBOUNCE_MAX_S: Final = 0.2
"""A change is told after so long even if changes go on."""
FOLDERS_MAX: Final = 20_000
"""Folders watched below one root; calls look at the files they loaded in any case."""
JOIN_TIMEOUT_S: Final = 1.0


class Heard(Protocol):
    """Whoever is told of a change."""

    def __call__(self, path: Path, *, is_folder: bool) -> None:
        """Take the path of something that changed; safe from any thread."""
        ...


class Source(Protocol):
    """What tells of changes below a root, from a thread of its own."""

    def start(self) -> None:
        """Begin; raises OSError when the system refuses."""
        ...

    def close(self) -> None:
        """End, with the thread."""
        ...


class FolderWatcher:
    """Calls `on_change` on the loop with the names of changed functions, "" for the root itself.

    The root may be missing, come later, go and come again. `fault` says why nothing is watched, if
    the system refused; saved code is still seen by the next call.
    """

    def __init__(
        self,
        root: Path,
        on_change: Callable[[set[str]], None],
        *,
        loop: asyncio.AbstractEventLoop,
        source: "Callable[[Path, Heard], Source] | None" = None,
    ) -> None:
        self._root = root.absolute()
        self._on_change = on_change
        self._loop = loop
        self._source = (source or best_source)(self._root, self._hear)
        self._lock = threading.Lock()
        self._names: set[str] = set()
        self._first_s = 0.0
        self._last_s = 0.0
        self._closed = False
        self.fault = ""

    def start(self) -> None:
        """Begin to watch."""
        try:
            self._source.start()
        except OSError as fault:
            self.fault = f"{self._root} is not watched: {fault.strerror or fault}"

    def close(self) -> None:
        """End, with every thread; nothing is told afterwards."""
        self._closed = True
        self._source.close()

    def _hear(self, path: Path, *, is_folder: bool) -> None:
        name = _function_of(self._root, path, is_folder=is_folder)
        if name is None or self._closed:
            return
        with self._lock:
            first = not self._names
            self._names.add(name)
            self._last_s = self._loop.time()
            if not first:
                return
            self._first_s = self._last_s
        try:
            self._loop.call_soon_threadsafe(self._loop.call_later, DEBOUNCE_S, self._tell)
        except RuntimeError:
            # The loop has closed before us: nobody is left to be told.
            return

    def _tell(self) -> None:
        if self._closed:
            return
        with self._lock:
            now_s = self._loop.time()
            quiet_s = now_s - self._last_s
            if quiet_s < DEBOUNCE_S and now_s - self._first_s < DEBOUNCE_MAX_S:
                self._loop.call_later(DEBOUNCE_S - quiet_s, self._tell)
                return
            names, self._names = self._names, set()
        self._on_change(names)


def _function_of(root: Path, path: Path, *, is_folder: bool) -> str | None:
    """Return whose change it is, None for one that concerns nobody."""
    if not path.is_relative_to(root):
        return "" if root.is_relative_to(path) else None
    parts = path.relative_to(root).parts
    if any(is_excluded(part) for part in parts[:-1]):
        return None
    if parts and (is_excluded(parts[-1]) or parts[-1].endswith(("~", ".pyc", ".swp", ".tmp"))):
        return None
    return parts[0] if len(parts) > 1 or (parts and is_folder) else ""


def best_source(root: Path, heard: Heard) -> Source:
    """Return the source that suits the system."""
    if sys.platform == "linux":
        try:
            return InotifySource(root, heard)
        except (ImportError, AttributeError, OSError):
            # Another generation of watchdog, a libc without inotify, or no descriptor left.
            return NativeSource(root, heard)
    return NativeSource(root, heard)


def _nearest_folder(path: Path) -> Path:
    """Return the folder itself if it is there, else the closest one above it that is."""
    return next((folder for folder in (path, *path.parents) if folder.is_dir()), path)


class InotifySource:
    """One inotify descriptor and its thread, told each folder that may hold code."""

    def __init__(self, root: Path, heard: Heard) -> None:
        from watchdog.observers.inotify_c import InotifyConstants, InotifyFD, Mask

        self._root = root
        self._heard = heard
        self._reader: InotifyFD = InotifyFD()
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
        try:
            with self._lock:
                self._attach()
        except OSError:
            self.close()
            raise
        self._reader.start()

    def close(self) -> None:
        """End, with the thread."""
        self._closed = True
        self._reader.stop()
        if self._reader.ident is not None:
            self._reader.join(JOIN_TIMEOUT_S)

    def hear(self, folder: "_Folder", event: "InotifyEvent") -> None:
        """Take an event of a watched folder, on the reader's thread."""
        path = folder.path / os.fsdecode(event.name) if event.name else folder.path
        with self._lock:
            if self._closed or self._folders.get(folder.path) is not folder:
                return
            if self._root not in self._folders:
                if _nearest_folder(self._root) != folder.path:
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
            nearest = _nearest_folder(self._root)
            if nearest == self._root:
                self._watch_tree(self._root)
            else:
                self._watch(nearest)
            # It may have come or gone between the look and the watch.
            if nearest in self._folders and _nearest_folder(self._root) == nearest:
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
            descriptor = self._reader.add_callback(os.fsencode(path), self._mask, folder, number)
        except OSError:
            if not path.is_dir():
                return
            raise
        folder.watch = (descriptor, number)
        self._folders[path] = folder

    def _forget_below(self, top: Path) -> None:
        gone = [path for path in self._folders if path.is_relative_to(top)]
        folders = [self._folders.pop(path) for path in gone]
        self._reader.remove_callbacks([each.watch for each in folders if each.watch is not None])


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


class NativeSource:
    """watchdog's own observer: the whole tree, and the folder above for when the root goes."""

    def __init__(self, root: Path, heard: Heard) -> None:
        self._root = root
        self._heard = heard
        self._lock = threading.RLock()
        self._closed = False
        self._observer: Any = None
        self._watched: Path | None = None

    def start(self) -> None:
        """Begin; raises OSError when the system refuses."""
        with self._lock:
            self._attach()

    def close(self) -> None:
        """End, with the threads."""
        with self._lock:
            self._closed = True
            observer, self._observer = self._observer, None
        _end(observer)

    def dispatch(self, event: Any) -> None:
        """Take an event, on the observer's thread."""
        kind = event.event_type
        if kind in ("opened", "closed_no_write") or (kind == "modified" and event.is_directory):
            return
        for name in filter(None, (event.src_path, event.dest_path)):
            path = Path(os.fsdecode(name))
            if path.is_relative_to(self._root) and path != self._root:
                self._heard(path, is_folder=event.is_directory)
            elif path == self._root or self._watched != _nearest_folder(self._root):
                # Not from this thread, which is one of those to be ended.
                threading.Thread(target=self._attach_again, daemon=True).start()

    def _attach_again(self) -> None:
        with self._lock:
            if self._closed:
                return
            observer, self._observer = self._observer, None
            _end(observer)
            self._attach()
        self._heard(self._root, is_folder=True)

    def _attach(self) -> None:
        from watchdog.observers import Observer

        self._watched = nearest = _nearest_folder(self._root)
        observer = Observer()
        handler: Any = self
        if nearest == self._root:
            observer.schedule(handler, str(nearest), recursive=True)
            nearest = self._root.parent
        observer.schedule(handler, str(nearest), recursive=False)
        observer.daemon = True
        observer.start()
        self._observer = observer


def _end(observer: Any) -> None:
    if observer is not None:
        observer.stop()
        observer.join(JOIN_TIMEOUT_S)
