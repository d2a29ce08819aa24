"""Owns what differs between the languages whose functions run in processes of their own.

Not here: the workers themselves (`process_worker`), the languages (`node_process`,
`python_process`). The one idea: a kind says which program runs, what it is told and what its last
words mean; pools, channels, time-outs and ends are the same for all.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from emulator.cloud.session import Session
from emulator.functions.base import Bundle
from emulator.functions.process_child import Command
from emulator.functions.process_guardian import Guardian


class WorkerLost(Exception):
    """A process did not start, or ended before it had loaded; the message says why.

    `lines` are the levels and lines it logged before.
    """

    def __init__(self, message: str, lines: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.lines = lines


class Kind(Protocol):
    """One language whose functions run in processes."""

    @property
    def grace_s(self) -> float:
        """Return how long after a time-out a process may still say where its code stood."""
        ...

    def memory_mb(self, bundle: Bundle) -> int:
        """Return the memory that a process is started with."""
        ...

    def command(self, memory_mb: int, guardian: Guardian) -> Command:
        """Return what is started.

        Raises:
            WorkerLost: the language is not on this machine.
        """
        ...

    def version_fault(self, version: str) -> str:
        """Return what is wrong with a version that started, nothing if it will do."""
        ...

    def debugger_fault(self) -> str:
        """Return what keeps debuggers out, nothing if a process can let them in."""
        ...

    def wanted(self, bundle: Bundle) -> Mapping[str, object]:
        """Return what a process is told to load."""
        ...

    def told(self, session: Session) -> Mapping[str, object]:
        """Return what a process is told of who calls."""
        ...

    def watched(self, bundle: Bundle) -> Sequence[Path]:
        """Return files, there or not, whose change means that the code is to be loaded again."""
        ...
