"""Owns the debugger of a Python worker process: debugpy, listening on the loopback interface.

Not here: when (`python_worker`). The one idea: a function that is inspected has a process of its
own, so that code which stands at a breakpoint stands still alone.
"""

from importlib.util import find_spec
from typing import Final

HOST: Final = "127.0.0.1"
MISSING: Final = "debugpy is not installed: pip install 'cloud-emu[debug]'"


def debugger_fault() -> str:
    """Return what keeps debuggers out, nothing if they can be let in."""
    return "" if find_spec("debugpy") is not None else MISSING


class Debugger:
    """The debugger of this process, once it was asked for; it stays until the process ends."""

    def __init__(self) -> None:
        self.url = ""

    def listen(self, port: int) -> str:
        """Return where editors attach, nothing when the port is taken; 0 is any port."""
        if self.url or debugger_fault():
            return self.url
        # Only here: it reaches deep into the interpreter.
        import debugpy

        debugpy.configure(subProcess=False)
        try:
            host, taken = debugpy.listen((HOST, port))
        except (RuntimeError, OSError):
            return ""
        self.url = f"debugpy://{host}:{taken}"
        return self.url
