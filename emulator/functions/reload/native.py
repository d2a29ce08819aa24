"""Owns the hearing of changes by the system's own watch of a whole tree: macOS and Windows.

Not here: Linux' way (`inotify`). The one idea: what is excluded is dropped on arrival; the folder
above is watched too, for when the root goes.
"""

import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from emulator.functions.reload.source import JOIN_TIMEOUT_S, Heard, nearest_folder

_KINDS_OF_CHANGE: Final = frozenset({"created", "modified", "moved", "deleted", "closed"})
"""What watchdog calls events after which a file may read differently."""


class NativeSource:
    """watchdog's own observer: the whole tree, and the folder above for when the root goes."""

    def __init__(self, root: Path, heard: Heard) -> None:
        self._root = root
        self._heard = heard
        self._lock = threading.RLock()
        self._closed = False
        self._asked = False
        self._observer: Any = None
        self._real = root
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
        kind, is_folder = event.event_type, event.is_directory
        if kind not in _KINDS_OF_CHANGE or (kind == "modified" and is_folder):
            return
        for name in filter(None, (event.src_path, event.dest_path)):
            path = Path(os.fsdecode(name))
            if path != self._real and path.is_relative_to(self._real):
                self._heard(self._root / path.relative_to(self._real), is_folder=is_folder)
            elif path == self._real or self._watched != nearest_folder(self._real):
                self._ask_to_attach_again()

    def _ask_to_attach_again(self) -> None:
        if self._asked:
            return
        self._asked = True
        # Not from this thread, which is one of those to be ended.
        threading.Thread(target=self._attach_again, daemon=True).start()

    def _attach_again(self) -> None:
        with self._lock:
            # Cleared first: what happens from now on asks for another turn itself.
            self._asked = False
            if self._closed:
                return
            observer, self._observer = self._observer, None
            _end(observer)
            # A system that refuses leaves it to calls to look at their files.
            with suppress(OSError):
                self._attach()
        self._heard(self._root, is_folder=True)

    def _attach(self) -> None:
        while True:
            # macOS tells of files by their real paths, whatever links led to the root.
            self._real = Path(os.path.realpath(self._root))
            self._watched = nearest = nearest_folder(self._real)
            try:
                observer = self._observe(nearest)
            except OSError:
                if not nearest.is_dir():
                    continue
                raise
            # The root may have come or gone between the look and the watch.
            if nearest_folder(self._real) == nearest:
                self._observer = observer
                return
            _end(observer)

    def _observe(self, nearest: Path) -> Any:
        from watchdog.observers import Observer

        observer = Observer()
        handler: Any = self
        if nearest == self._real:
            observer.schedule(handler, str(nearest), recursive=True)
            nearest = self._real.parent
        observer.schedule(handler, str(nearest), recursive=False)
        observer.daemon = True
        try:
            observer.start()
        except OSError:
            _end(observer)
            raise
        return observer


def _end(observer: Any) -> None:
    if observer is None:
        return
    observer.stop()
    # Of one that could not start there is nothing to wait for.
    if observer.ident is not None:
        observer.join(JOIN_TIMEOUT_S)
