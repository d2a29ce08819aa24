"""Owns how changes become news for the suite: gathered, by name of the function, on its loop.

Not here: where changes are heard of (`inotify`, `native`). The one idea: a burst of changes, as an
editor, an unpacker or a version control system makes, is told once.
"""

import asyncio
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from emulator.functions.bundle import is_excluded
from emulator.functions.reload.inotify import InotifySource
from emulator.functions.reload.native import NativeSource
from emulator.functions.reload.source import Heard, Source

DEBOUNCE_S: Final = 0.02
"""A change is told once nothing has changed for so long."""
DEBOUNCE_MAX_S: Final = 0.2
"""A change is told after so long even if changes go on."""


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
        source: Callable[[Path, Heard], Source] | None = None,
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
