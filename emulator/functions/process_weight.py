"""Owns how much memory processes hold while they run calls, and the end of what holds too much.

Not here: what a language bounds itself, as Node does its heap. The one idea: code that keeps its
own process busy cannot look at itself, so it is looked at from outside, where the system tells. A
call too short for that is weighed by its own process when it ends (`node/worker.js`,
`python_worker`).
"""

import os
import sys
from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, Protocol

LOOK_EVERY_S: Final = 0.1

HELD_MAX: Final = 1.25
HELD_EXTRA_MB: Final = 32
"""A process may hold so much of its function's memory: here it is larger than it is there."""

_MEGABYTE: Final = 1024**2
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 0
_TASK_INFO: Final = 4
_TASK_INFO_BYTES: Final = 96
_MAY_BE_ASKED: Final = 0x1010
"""PROCESS_QUERY_LIMITED_INFORMATION and PROCESS_VM_READ."""


def held_max_mb(memory_mb: float) -> float:
    """Return what a process may hold whose function has so much memory."""
    return memory_mb * HELD_MAX + HELD_EXTRA_MB


def memory_limit_reached(memory_mb: float) -> str:
    """Return the platform's words for a call that used more memory than its function has."""
    return (
        f"MemoryLimitReached: the function used more than {memory_mb:g} MB of memory; "
        "memorySize in its config.json allows more"
    )


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
    ask = _HELD_BYTES.get(sys.platform)
    if ask is None:
        return 0.0
    try:
        return ask(pid) / _MEGABYTE
    except (OSError, AttributeError, IndexError, ValueError):
        return 0.0


def _held_on_linux(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * _PAGE_BYTES


def _held_on_macos(pid: int) -> int:
    """Ask libproc: `pti_resident_size` is the second number of `struct proc_taskinfo`."""
    import ctypes  # here as below: only where there is no file to read

    told = (ctypes.c_uint64 * (_TASK_INFO_BYTES // 8))()
    libproc = ctypes.CDLL("/usr/lib/libproc.dylib")
    filled = libproc.proc_pidinfo(pid, _TASK_INFO, ctypes.c_uint64(0), told, _TASK_INFO_BYTES)
    return told[1] if filled == _TASK_INFO_BYTES else 0


def _held_on_windows(pid: int) -> int:
    """Ask the kernel for PROCESS_MEMORY_COUNTERS."""
    if sys.platform != "win32":
        return 0
    import ctypes

    class Counters(ctypes.Structure):
        _fields_ = (
            ("size", ctypes.c_uint32),
            ("page_faults", ctypes.c_uint32),
            ("held_most", ctypes.c_size_t),
            ("held", ctypes.c_size_t),
            ("others", ctypes.c_size_t * 6),
        )

    told = Counters(size=ctypes.sizeof(Counters))
    kernel = ctypes.WinDLL("kernel32")
    kernel.OpenProcess.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(kernel.OpenProcess(_MAY_BE_ASKED, 0, pid))
    if not handle.value:
        return 0
    try:
        kernel.K32GetProcessMemoryInfo(handle, ctypes.byref(told), told.size)
    finally:
        kernel.CloseHandle(handle)
    return int(told.held)


_HELD_BYTES: Final[Mapping[str, Callable[[int], int]]] = {
    "linux": _held_on_linux,
    "darwin": _held_on_macos,
    "win32": _held_on_windows,
}
