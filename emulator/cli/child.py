"""Owns the command that `exec` runs: started without a shell, signalled, and never left behind.

Not here: the suite beside it. The one idea: in a terminal the command stays in our process group,
so that keys such as Ctrl-C and Ctrl-Z and reading work as ever; anywhere else it gets a group of
its own, which signals are passed to and which is swept when the command has ended.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from emulator.cli.output import Failed

GRACE_S: Final = 10.0
"""What a command may take to end after it was asked to."""
SWEEP_S: Final = 0.5
SWEEP_LOOK_S: Final = 0.02
EXIT_NOT_STARTED: Final = 126
EXIT_NO_PROGRAM: Final = 127
SIGNAL_CODE_BASE: Final = 128
"""As shells report it: 126, 127, and 128 + n for a command that died of signal n."""


def find_program(command: Sequence[str]) -> list[str]:
    """Return the command with its program's full path, which Windows needs for `npm.cmd`.

    Raises:
        Failed: there is no such program, or it may not be run.
    """
    program = shutil.which(command[0])
    if program is None and "/" in command[0] and Path(command[0]).is_file():
        raise Failed(
            f"{command[0]} is not a program that may be run",
            hint="make it executable, or name the program that reads it before it",
            exit_code=EXIT_NOT_STARTED,
        )
    if program is None:
        raise Failed(
            f"no program {command[0]}",
            hint="is it installed, and on PATH?",
            exit_code=EXIT_NO_PROGRAM,
        )
    return [program, *command[1:]]


class Child:
    """One running command."""

    def __init__(self, process: asyncio.subprocess.Process, *, has_own_group: bool) -> None:
        self._process = process
        self._has_own_group = has_own_group

    @classmethod
    async def start(cls, command: Sequence[str], environ: Mapping[str, str]) -> "Child":
        """Start the command with our own input and output; raises Failed if it cannot be."""
        own_group = sys.platform != "win32" and not _is_terminal()
        options: dict[str, Any] = {"start_new_session": True} if own_group else {}
        try:
            process = await asyncio.create_subprocess_exec(*command, env=dict(environ), **options)
        except OSError as fault:
            raise Failed(
                f"{command[0]} cannot be started: {fault.strerror}", exit_code=EXIT_NOT_STARTED
            ) from fault
        return cls(process, has_own_group=own_group)

    async def wait(self) -> int:
        """Return the command's exit code, a death by signal as shells report it."""
        code = await self._process.wait()
        return SIGNAL_CODE_BASE - code if code < 0 else code

    async def end(self, number: int | None) -> int:
        """Pass a signal on, wait a while, then end the command for good; returns its code."""
        self._pass_on(number)
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(self.wait(), GRACE_S)
        self.kill()
        return await self.wait()

    def kill(self) -> None:
        """End the command and its group at once; safe in a signal handler."""
        if sys.platform == "win32":
            tree = ["taskkill", "/T", "/F", "/PID", str(self._process.pid)]
            with contextlib.suppress(OSError):
                subprocess.run(tree, capture_output=True, check=False, timeout=GRACE_S)
        else:
            self._signal(signal.SIGKILL)

    async def sweep(self) -> None:
        """End what the command left running in its own group."""
        if sys.platform == "win32" or not self._has_own_group or not self._signal(signal.SIGTERM):
            return
        for _ in range(round(SWEEP_S / SWEEP_LOOK_S)):
            await asyncio.sleep(SWEEP_LOOK_S)
            if not self._signal(0):
                return
        self._signal(signal.SIGKILL)

    def _pass_on(self, number: int | None) -> None:
        wanted = signal.SIGTERM if number is None else number
        if sys.platform == "win32":
            if wanted not in (signal.SIGINT, signal.SIGBREAK):  # those the console delivers
                self.kill()
        elif self._has_own_group or wanted != signal.SIGINT:  # in a terminal it has it already
            self._signal(wanted)

    def _signal(self, number: int) -> bool:
        """Send a signal to the group, or to the process alone; False when nobody is left."""
        try:
            if sys.platform != "win32" and self._has_own_group:
                os.killpg(self._process.pid, number)
            elif self._process.returncode is None:
                os.kill(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True


def _is_terminal() -> bool:
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()
