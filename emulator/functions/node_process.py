"""Owns the runtime of JavaScript functions: Node processes, and what they are told.

Not here: processes as such (`process_runtime`), identity (`node_environment`), packages that are
missing (`node_packages`), the program that runs in a process (`node/worker.js`).
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from emulator.ambient import Clock, Ids
from emulator.cloud.session import Session
from emulator.functions.base import Bundle
from emulator.functions.bootstrap import roots_of
from emulator.functions.bundle import INSTALL_MARKERS
from emulator.functions.node_environment import INHERITED_NOT, identity_variables, token_names
from emulator.functions.node_packages import SHARED_PACKAGES
from emulator.functions.process_awake import Awake
from emulator.functions.process_child import Command
from emulator.functions.process_environment import process_variables
from emulator.functions.process_guardian import Guardian
from emulator.functions.process_kind import WorkerLost
from emulator.functions.process_runtime import ProcessRuntime
from emulator.functions.process_weight import held_max_mb

NODE_MIN_MAJOR: Final = 16
SCRIPT: Final = Path(__file__).with_name("node") / "worker.js"
STRICT: Final = "CLOUD_EMU_STRICT"
NO_NODE: Final = (
    "Node.js was not found; install Node.js 16 or newer (nodejs.org), or put it on the PATH, and "
    "start again"
)

_OUT_OF_MEMORY: Final = b"heap out of memory"


class NodeKind:
    """Node.js as what runs functions.

    `variables_of` are the variables that module-level code sees, `shared` the folder of packages
    for functions that have none installed.
    """

    grace_s = 0.0

    def __init__(
        self, variables_of: Callable[[Bundle], Mapping[str, str]], shared: Path | None
    ) -> None:
        self._variables_of = variables_of
        self._shared = shared

    def memory_mb(self, bundle: Bundle) -> int:
        """Return the size of the heap."""
        return bundle.memory_mb

    def command(self, memory_mb: int, guardian: Guardian) -> Command:
        """Return how Node is started; raises WorkerLost where there is none."""
        node = shutil.which("node")
        if node is None:
            raise WorkerLost(NO_NODE)
        return Command(
            name="Node.js",
            arguments=(node, f"--max-old-space-size={memory_mb}", str(SCRIPT)),
            memory_mb=memory_mb,
            environ=process_variables(INHERITED_NOT),
            guardian=guardian,
            out_of_memory=_OUT_OF_MEMORY,
            held_max_mb=held_max_mb(memory_mb),
        )

    def version_fault(self, version: str) -> str:
        """Return what is wrong with a Node that is too old."""
        major = version.lstrip("v").partition(".")[0]
        if major.isdecimal() and int(major) < NODE_MIN_MAJOR:
            return (
                f"Node.js {version} at {shutil.which('node')} is too old; "
                f"install Node.js {NODE_MIN_MAJOR} or newer (nodejs.org)"
            )
        return ""

    def debugger_fault(self) -> str:
        """Return nothing: Node brings its debugger."""
        return ""

    def wanted(self, bundle: Bundle) -> Mapping[str, object]:
        """Return where the function's code and packages are, and what it sees."""
        return {
            "entry": str(bundle.entry),
            "folder": str(bundle.folder),
            "root": str(bundle.folder.parent),
            "handlers": bundle.handlers,
            "packages": sorted(SHARED_PACKAGES),
            "variables": dict(self._variables_of(bundle)),
            "shared": None if self._shared is None else str(self._shared),
            "web": _web(bundle),
            "home": str(bundle.home) if bundle.home else None,
        }

    def told(self, session: Session) -> Mapping[str, object]:
        """Return the variables that say who calls."""
        known = session.wx_context
        identity = identity_variables(known)
        if session.is_strict:
            identity[STRICT] = "1"
        return {"identity": identity, "tokens": token_names(known)}

    def watched(self, bundle: Bundle) -> Sequence[Path]:
        """Return the entry file, and what package managers write when they are done."""
        packages = bundle.folder / "node_modules"
        return [bundle.entry, *(packages / name for name in INSTALL_MARKERS)]


def _web(bundle: Bundle) -> Mapping[str, object] | None:
    """Return what a program that listens is told: arguments, and the paths that are its root."""
    if bundle.web is None:
        return None
    return {"arguments": bundle.web, "roots": roots_of(bundle)}


class NodeProcessRuntime(ProcessRuntime):
    """JavaScript functions in processes of their own; belongs to the loop that first loads.

    `variables_of` are the variables that module-level code sees, `shared` the folder of packages
    for functions that have none installed, `loopback` the way of Windows to connect.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        ids: Ids,
        variables_of: Callable[[Bundle], Mapping[str, str]] | None = None,
        shared: Path | None = None,
        awake: Awake | None = None,
        loopback: bool = False,
    ) -> None:
        kind = NodeKind(variables_of or (lambda bundle: bundle.variables), shared)
        super().__init__(kind, clock=clock, ids=ids, awake=awake, loopback=loopback)
