"""Owns how much memory processes hold while they run calls, and the end of what holds too much.

Not here: what a language bounds itself, as Node does its heap. The one idea: code that keeps its
own process busy cannot look at itself, so it is looked at from outside, where the system tells: on
Linux. Elsewhere a process weighs itself when a call ends (`node/worker.js`).
"""

import os
from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, Protocol

LOOK_EVERY_S: Final = 0.1
_PAGE_MB: Final = (os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 0) / 1024**2


class Weighed(Protocol):
    """A process that runs a call, or what one left behind."""

    def weigh(self) -> None:
        """End it if it holds too much."""
        ...


class Scales:
    """Weighs the processes of one runtime that are `busy`, as long as any is."""

    def __init__(self, loop: AbstractEventLoop, busy: Callable[[], Iterable[Weighed]]) -> None:
        self._loop = loop
        self._busy = busy
        self._timer: TimerHandle | None = None

    def watch(self) -> None:
        """Begin to look, as a call has begun."""
        if self._timer is None:
            self._timer = self._loop.call_later(LOOK_EVERY_S, self._look)

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._timer = None
        for process in self._busy():
            process.weigh()
            self.watch()


def memory_held_mb(pid: int) -> float:
    """Return the memory that a process holds in megabytes; 0 where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_bytes().split()[1])
    except (OSError, IndexError, ValueError):
        return 0.0
    return pages * _PAGE_MB
