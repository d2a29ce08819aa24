"""Owns questions about other processes of this machine: does it live, what is it, end it.

Not here: which process is meant (`cli.discovery`, `cli.ports`). The one idea: every answer is best
effort and bounded in time; "do not know" is an answer. On Windows `os.kill` ends a process whatever
the signal, so it is never used there to ask.
"""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

ASK_MAX_S: Final = 3.0
NAME_MAX_CHARACTERS: Final = 120

if sys.platform == "win32":
    import ctypes

    _QUERY_LIMITED_INFORMATION: Final = 0x1000
    _STILL_ACTIVE: Final = 259

    def is_alive(pid: int) -> bool:
        """Tell whether a process with this id runs."""
        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(_QUERY_LIMITED_INFORMATION, False, pid)  # noqa: FBT003  # C API
        if not handle:
            return False
        code = ctypes.c_ulong()
        kernel.GetExitCodeProcess(handle, ctypes.byref(code))
        kernel.CloseHandle(handle)
        return code.value == _STILL_ACTIVE

    def end(pid: int) -> None:
        """End a process at once; Windows has no gentler way across consoles."""
        os.kill(pid, signal.SIGTERM)

    def kill(pid: int) -> None:
        """End a process at once."""
        end(pid)

else:

    def is_alive(pid: int) -> bool:
        """Tell whether a process with this id runs."""
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return not _has_ended(pid)

    def _has_ended(pid: int) -> bool:
        """Tell whether only the entry of a process is left, for its parent to collect."""
        try:
            state = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace")
        except OSError:
            return answer_of("ps", "-p", str(pid), "-o", "stat=").strip()[:1] == "Z"
        return state.rpartition(")")[2].split()[:1] == ["Z"]

    def end(pid: int) -> None:
        """Ask a process to end."""
        os.kill(pid, signal.SIGTERM)

    def kill(pid: int) -> None:
        """End a process at once; one that is gone already is no failure."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def name_of(pid: int) -> str:
    """Return the command line or program name of a process, empty when nobody tells."""
    if sys.platform == "win32":
        line = answer_of("tasklist", "/FI", f"PID eq {pid}", "/FO", "CSV", "/NH")
        return line.split('","')[0].strip('"\r\n') if line.startswith('"') else ""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return answer_of("ps", "-p", str(pid), "-o", "args=").strip()[:NAME_MAX_CHARACTERS]
    text = raw.replace(b"\0", b" ").decode(errors="replace").strip()
    return text[:NAME_MAX_CHARACTERS]


def answer_of(*command: str) -> str:
    """Return what a program of the system prints, empty when it is not there or too slow."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            timeout=ASK_MAX_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace")
