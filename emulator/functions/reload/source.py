"""Owns what a source of changes is to the watcher, and how a missing root is waited for.

Not here: the sources themselves (`inotify`, `native`).
"""

from pathlib import Path
from typing import Final, Protocol

JOIN_TIMEOUT_S: Final = 1.0
"""A thread that does not end within it is left to end with the process; all are daemons."""


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


def nearest_folder(path: Path) -> Path:
    """Return the folder itself if it is there, else the closest one above it that is."""
    return next((folder for folder in (path, *path.parents) if folder.is_dir()), path)
