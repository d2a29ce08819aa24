"""Owns printing while the suite runs: lines go through a bounded queue to a thread of their own.

Not here: what the lines say (`cli.feed`, `cli.banner`). The one idea: a terminal that stands still
or a reader that is slow must never hold the suite up; what does not fit is counted and told.
"""

import queue
import threading
from collections.abc import Callable
from typing import Final

LINES_MAX: Final = 10_000
FLUSH_MAX_S: Final = 1.0


class Printer:
    """Prints lines in order; `broken` is called once when nobody can read them any more."""

    def __init__(self, write: Callable[[str], None], *, broken: Callable[[], None]) -> None:
        self._write = write
        self._broken = broken
        self._lines: queue.Queue[str | None] = queue.Queue(LINES_MAX)
        self._dropped = 0
        self._thread = threading.Thread(target=self._print, name="printer", daemon=True)
        self._thread.start()

    def put(self, line: str) -> None:
        """Print a line soon; safe from any thread, never waits."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._dropped += 1

    def close(self) -> None:
        """Print what is left, for at most a second."""
        try:
            self._lines.put(None, timeout=FLUSH_MAX_S)
        except queue.Full:
            return
        self._thread.join(FLUSH_MAX_S)

    def _print(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                self._write(line)
                if self._dropped:
                    dropped, self._dropped = self._dropped, 0
                    self._write(f"({dropped} lines were dropped: they came faster than read)")
            except (OSError, ValueError):  # the reader is gone, or the stream was closed
                self._broken()
                return
