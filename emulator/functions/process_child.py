"""Owns one operating-system process: its start, what it writes past the console, its end.

Not here: what is said over its channel (`process_worker`). The one idea: all that blocks, starting
and reading, is done by one thread a process, which only ever hands results to the suite's loop.
"""

import asyncio
import subprocess
import sys
import threading
from asyncio import AbstractEventLoop
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from emulator.core.records import dataclass
from emulator.functions.base import Failure
from emulator.functions.process_channel import Endpoint
from emulator.functions.process_guardian import MARK, Guardian, kill_group, kill_tree
from emulator.functions.process_weight import memory_held_mb, memory_limit_reached

RAW_LINES_MAX: Final = 1_000
"""Lines that one call may write past the console: child processes, native code;"""
RAW_BYTES_MAX: Final = 1024 * 1024
"""and how much, for what is no text has few lines."""
RAW_READ_BYTES: Final = 64 * 1024
RAW_PAUSE_S: Final = 0.001
"""Who writes more than may be is read slowly, so that it waits and not we."""
TOO_MUCH: Final = "it wrote too much past the console; further lines of this call are left out"

_SIGNALLED: Final = 128
"""What shells add to the number of a signal that ended a process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """How processes are started: `name` is for people, `arguments` begin with the program.

    A process that writes `out_of_memory` and ends has used more than `memory_mb`; one that holds
    more than `held_max_mb` is ended, with 0 none is.
    """

    name: str
    arguments: Sequence[str]
    memory_mb: int
    environ: Mapping[str, str]
    out_of_memory: bytes = b""
    held_max_mb: float = 0.0
    guardian: Guardian


class ProcessChild:
    """One process; `take_raw` is called on the loop with lines it wrote past the console.

    `lost` is called should it have ended while what it started keeps its channel open.
    """

    def __init__(
        self,
        command: Command,
        loop: AbstractEventLoop,
        take_raw: Callable[[Sequence[str]], None],
        lost: Callable[[], None],
    ) -> None:
        self._command = command
        self._loop = loop
        self._take_raw = take_raw
        self._lost = lost
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._lines = self._bytes = 0
        self.is_out_of_memory = False

    async def start(self, endpoint: Endpoint) -> None:
        """Start the process; raises OSError. Returns, or is cancelled, when that is through."""
        started: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(
            target=self._attend, args=(endpoint, started), name="worker", daemon=True
        )
        self._thread.start()
        try:
            await asyncio.shield(started)
        finally:
            # The thread may still be handing the endpoint's descriptors down.
            if not started.done():
                await asyncio.wait([started])

    @property
    def pid(self) -> int:
        """Return the number of the process, 0 before it has started."""
        return 0 if self._process is None else self._process.pid

    def allow_lines(self) -> None:
        """Let it write again, as a new call begins."""
        self._lines = self._bytes = 0

    def kill(self) -> None:
        """End it at once."""
        process = self._process
        if process is not None and process.returncode is None:
            kill_tree(process.pid)

    def weigh(self) -> None:
        """End it if it holds more memory than it may; notice it if it has ended."""
        if self.exit_code() is not None:
            self._lost()
            return
        most_mb = self._command.held_max_mb
        if most_mb and self._process is not None and memory_held_mb(self._process.pid) > most_mb:
            self.is_out_of_memory = True
            self.kill()

    def exit_code(self) -> int | None:
        """Return the code it ended with, negative for a signal; None while it runs."""
        process = self._process
        if process is None:
            return 0
        if process.returncode is None and process.poll() is not None:
            # What it started and did not wait for goes with it, as an instance does as a whole.
            kill_group(process.pid)
            self._command.guardian.remove(process.pid)
        return process.returncode

    def why(self, code: int) -> Failure:
        """Return what a call failed with whose process ended with that code."""
        if self.is_out_of_memory:
            return Failure(kind="exit", message=memory_limit_reached(self._command.memory_mb))
        told, why = (code, "") if code >= 0 else (_SIGNALLED - code, f" by signal {-code}")
        # The platform's own words, which people look for.
        message = f"{told} code exit unexpected: the function's process ended{why}"
        return Failure(kind="exit", message=message)

    def is_read(self) -> bool:
        """Tell whether all it wrote has been taken."""
        return self._thread is None or not self._thread.is_alive()

    def _attend(self, endpoint: Endpoint, started: "asyncio.Future[None]") -> None:
        try:
            process = self._process = self._open(endpoint)
        except OSError as fault:
            self._tell(_settle, started, fault)
            return
        self._command.guardian.add(process.pid)
        self._tell(_settle, started, None)
        assert process.stdout is not None
        pause = threading.Event()
        last_words = self._command.out_of_memory
        with process.stdout as output:
            while data := output.read1(RAW_READ_BYTES):  # type: ignore[attr-defined]  # a buffered reader
                if last_words and last_words in data:
                    self.is_out_of_memory = True
                if self._lines > RAW_LINES_MAX or self._bytes > RAW_BYTES_MAX:
                    pause.wait(RAW_PAUSE_S)
                    continue
                lines = data.decode("utf-8", "replace").splitlines()[:RAW_LINES_MAX]
                self._lines += len(lines)
                self._bytes += len(data)
                if self._lines > RAW_LINES_MAX or self._bytes > RAW_BYTES_MAX:
                    lines.append(TOO_MUCH)
                self._tell(self._take_raw, lines)

    def _open(self, endpoint: Endpoint) -> "subprocess.Popen[bytes]":
        command = self._command
        options: dict[str, Any] = (
            {
                "creationflags": getattr(subprocess, "CREATE_NO_WINDOW", 0)
                | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
            }
            if sys.platform == "win32"
            # A group of its own: Ctrl-C in the terminal is for the suite, which ends its workers.
            else {"start_new_session": True, "pass_fds": endpoint.descriptors}
        )
        return subprocess.Popen(
            list(command.arguments),
            env={
                **command.environ,
                MARK: command.guardian.mark,
                "CLOUD_EMU_CHANNEL": endpoint.address,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            **options,
        )

    def _tell(self, function: Callable[..., object], *arguments: object) -> None:
        """Call on the suite's loop; not at all once it has closed."""
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:
            return


def _settle(future: "asyncio.Future[None]", fault: OSError | None) -> None:
    if future.done():
        return
    if fault is None:
        future.set_result(None)
    else:
        future.set_exception(fault)
