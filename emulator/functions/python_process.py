"""Owns the runtime of Python functions in processes of their own: what they are started and told.

Not here: processes as such (`process_runtime`), the program that runs in one (`python_worker`). The
one idea: a process runs the inline runtime for one function and one event at a time, so functions
behave as they do inline; what is new is that whatever they do, they can be killed.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from emulator.ambient import Clock, Ids
from emulator.cloud.session import Session
from emulator.functions.base import Bundle
from emulator.functions.bootstrap import roots_of
from emulator.functions.process_awake import Awake
from emulator.functions.process_child import Command
from emulator.functions.process_environment import process_variables
from emulator.functions.process_guardian import Guardian
from emulator.functions.process_kind import WorkerLost
from emulator.functions.process_runtime import ProcessRuntime
from emulator.functions.process_weight import held_max_mb
from emulator.functions.python_inspect import debugger_fault

INHERITED_NOT: Final = frozenset({"PYTHONINSPECT", "PYTHONSTARTUP"})
"""Variables of the shell that would keep a worker from ending, or make it run something else."""
QUIET_DEBUGGER: Final = {"PYDEVD_DISABLE_FILE_VALIDATION": "1"}
"""Else debugpy prints a warning about modules that it cannot step into."""
TIMEOUT_GRACE_S: Final = 0.25
"""How long after a time-out the process may tell where its code stood; then it is killed."""

_START: Final = (
    "import sys; sys.path[:] = {path!r}; from emulator.functions.python_worker import main; main()"
)
"""What a worker runs: with the suite's own way to modules, however that came about."""


class PythonKind:
    """Python as what runs functions; `variables_of` are what module-level code sees."""

    grace_s = TIMEOUT_GRACE_S

    def __init__(self, variables_of: Callable[[Bundle], Mapping[str, str]]) -> None:
        self._variables_of = variables_of

    def memory_mb(self, bundle: Bundle) -> int:
        """Return the function's own: Python knows no bound, but its process is weighed."""
        return bundle.memory_mb

    def command(self, memory_mb: int, guardian: Guardian) -> Command:
        """Return how Python is started; raises WorkerLost where it does not know its own file."""
        if not sys.executable:
            raise WorkerLost('this Python does not know where it lies; use runtime = "inline"')
        return Command(
            name="Python",
            arguments=(sys.executable, "-c", _START.format(path=sys.path)),
            memory_mb=memory_mb,
            environ={**process_variables(INHERITED_NOT), **QUIET_DEBUGGER},
            guardian=guardian,
            held_max_mb=held_max_mb(memory_mb),
        )

    def version_fault(self, version: str) -> str:
        """Return nothing: it is the suite's own."""
        del version
        return ""

    def debugger_fault(self) -> str:
        """Return what is to be installed first, if anything."""
        return debugger_fault()

    def wanted(self, bundle: Bundle) -> Mapping[str, object]:
        """Return the function as found, and what it sees."""
        return {
            "name": bundle.name,
            "entry": str(bundle.entry),
            "folder": str(bundle.folder),
            "handlers": bundle.handlers,
            "memory_mb": bundle.memory_mb,
            "packages": None if bundle.packages is None else str(bundle.packages),
            "variables": dict(self._variables_of(bundle)),
            "web": bundle.web,
            "roots": [] if bundle.web is None else roots_of(bundle),
        }

    def told(self, session: Session) -> Mapping[str, object]:
        """Return who calls."""
        return {
            "env_id": session.env_id,
            "wx_context": session.wx_context,
            "strict": session.is_strict,
        }

    def watched(self, bundle: Bundle) -> Sequence[Path]:
        """Return the entry file and the settings."""
        return [bundle.entry, bundle.folder / "config.json"]


class PythonProcessRuntime(ProcessRuntime):
    """Python functions in processes of their own; belongs to the loop that first loads."""

    def __init__(
        self,
        *,
        clock: Clock,
        ids: Ids,
        variables_of: Callable[[Bundle], Mapping[str, str]] | None = None,
        awake: Awake | None = None,
        loopback: bool = False,
    ) -> None:
        kind = PythonKind(variables_of or (lambda bundle: bundle.variables))
        super().__init__(kind, clock=clock, ids=ids, awake=awake, loopback=loopback)
