"""Owns the end of workers whose suite was ended by force: a watcher that outlives it by a moment.

Not here: workers that can end themselves, which all do that are not stuck in a loop. The one idea:
the watcher's standard input is held open by the suite alone; when it ends, for whatever reason, the
processes it was told of are killed, and on Linux whatever they started that took a session of its
own: it carries a mark in its environment. This file is also the program that does so: it must not
import anything but the standard library.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Final

STOP_TIMEOUT_S: Final = 1.0
MARK: Final = "CLOUD_EMU_GUARDIAN"
"""The variable by which everything that one suite's workers start is known."""
LOOKS_MAX: Final = 3
"""How often marked processes are looked for: some may be starting others."""


class Guardian:
    """The watcher of one suite; started with the first process it is told of. Safe from threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_closed = False
        # No two that live at the same time have the same.
        self.mark = f"{os.getpid()}.{id(self):x}"

    def add(self, pid: int) -> None:
        """Have a process killed should the suite go without a word."""
        with self._lock:
            if self._process is None and not self._is_closed and sys.executable:
                with contextlib.suppress(OSError):
                    self._process = _start(self.mark)
            self._tell(f"+{pid}\n")

    def remove(self, pid: int) -> None:
        """Forget a process that has ended."""
        with self._lock:
            self._tell(f"-{pid}\n")

    def close(self) -> None:
        """End the watcher, and with it whatever it still knows."""
        with self._lock:
            self._is_closed = True
            process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _tell(self, line: str) -> None:
        if self._process is None:
            return
        assert self._process.stdin is not None
        # Without a watcher workers still end themselves, all but those stuck in a loop.
        with contextlib.suppress(OSError):
            self._process.stdin.write(line.encode("ascii"))
            self._process.stdin.flush()


def _start(mark: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-I", "-S", __file__, mark],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=sys.platform != "win32",
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0)
        | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )


def kill_tree(pid: int) -> None:
    """Kill a process, on POSIX with the group it leads; one that is gone is left alone."""
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            os.kill(pid, signal.SIGTERM)
        else:
            os.killpg(pid, signal.SIGKILL)


def kill_group(pid: int) -> None:
    """Kill what is left of the group of a process that has just ended.

    On Windows nothing is: Node ends what it started with itself, and no number is kept for a group.
    """
    if sys.platform != "win32":
        kill_tree(pid)


def _marked(mark: str) -> list[int]:
    """Return the processes that carry a mark; none where the system does not tell."""
    entry = f"{MARK}={mark}".encode("ascii")
    found = []
    for place in Path("/proc").glob("[0-9]*/environ"):
        # Those of others may not be read, and some are gone meanwhile.
        with contextlib.suppress(OSError):
            if entry in place.read_bytes().split(b"\0"):
                found.append(int(place.parent.name))
    return found


def main(mark: str) -> None:
    """Keep the list that standard input tells; at its end kill what is on it, or has the mark."""
    known: set[int] = set()
    for line in sys.stdin.buffer:
        pid = int(line)
        if pid > 0:
            known.add(pid)
        else:
            known.discard(-pid)
    for pid in known:
        kill_tree(pid)
    for _ in range(LOOKS_MAX):
        for pid in _marked(mark):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1])
