"""Owns printing while the suite runs: lines are gathered, and a thread of their own writes them.

Not here: what the lines say (`cli.feed`, `cli.banner`). The one idea: a terminal that stands still
or a reader that is slow must never hold the suite up, and neither must the printing itself. So the
first line is written at once, what follows within `GATHER_S` in one piece, and what comes while
`LINES_MAX` lines wait is counted and told.
"""

import threading
from collections.abc import Callable
from typing import Final

LINES_MAX: Final = 10_000
"""Lines that may wait; of those that come meanwhile, only the number is kept."""

GATHER_S: Final = 0.02
"""The least time between two writes, far below what people see."""

FLUSH_MAX_S: Final = 1.0


class Printer:
    """Prints lines in order; `broken` is called once when nobody can read them any more.

    `write` is given one or more lines, joined. `left_out` makes the line that stands where that
    many are missing.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        *,
        broken: Callable[[], None],
        left_out: Callable[[int], str],
    ) -> None:
        self._write = write
        self._broken = broken
        self._left_out = left_out
        self._lock = threading.Lock()
        # What follows is read and changed under the lock only.
        self._lines: list[str] = []
        self._left_out_count = 0
        self._waits = False
        self._wake = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._print, name="printer", daemon=True)
        self._thread.start()

    def put(self, line: str) -> None:
        """Print a line soon; safe from any thread, never waits for who reads."""
        with self._lock:
            if len(self._lines) >= LINES_MAX:
                self._left_out_count += 1
                return
            self._lines.append(line)
            if self._waits:
                self._waits = False
                self._wake.set()

    def close(self) -> None:
        """Print what is left, for at most a second."""
        with self._lock:
            self._ending.set()
            self._wake.set()
        self._thread.join(FLUSH_MAX_S)

    def _print(self) -> None:
        while (lines := self._gathered()) is not None:
            try:
                self._write("\n".join(lines))
            except (OSError, ValueError):  # the reader is gone, or the stream was closed
                self._broken()
                return
            self._ending.wait(GATHER_S)

    def _gathered(self) -> list[str] | None:
        """Wait for lines and take all of them; None at the end."""
        while True:
            with self._lock:
                if self._lines:
                    return self._taken()
                if self._ending.is_set():
                    return None
                self._waits = True
                self._wake.clear()
            self._wake.wait()

    def _taken(self) -> list[str]:
        lines, self._lines = self._lines, []
        if self._left_out_count:
            lines.append(self._left_out(self._left_out_count))
            self._left_out_count = 0
        return lines
