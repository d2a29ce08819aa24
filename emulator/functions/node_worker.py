"""Owns one Node process: its start, the one function it is loaded with, the call it runs, its end.

Not here: which worker gets a call (`node_pool`), frames (`node_channel`). The one idea: a process
runs one event at a time, so whatever it does, a crash, a loop, a flood, concerns one call; it is
answered, and the process is replaced.
"""

import asyncio
import subprocess
import sys
import threading
from asyncio import AbstractEventLoop
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import orjson

from emulator.functions.base import Failure, Invocation, LoadFailed, Outcome, Problem
from emulator.functions.node_channel import Channel, Endpoint, open_endpoint
from emulator.functions.node_environment import identity_variables
from emulator.functions.node_guardian import Guardian, kill_tree

START_TIMEOUT_S: Final = 20.0
REAP_EVERY_S: Final = 0.005
REAP_OUTPUT_MAX_S: Final = 0.25
"""What is waited for the last words of a process that has ended."""
RAW_LINES_MAX: Final = 1_000
"""Lines that one call may write past the console: child processes, native code."""
RAW_READ_BYTES: Final = 64 * 1024
RAW_PAUSE_S: Final = 0.01
"""Who writes more than may be is read slowly, so that it waits and not we."""
LOGS_KEPT_MAX: Final = 64
"""Calls that were answered and may still print."""
NODE_MIN_MAJOR: Final = 16
SCRIPT: Final = Path(__file__).with_name("node") / "worker.js"

_OUT_OF_MEMORY: Final = b"heap out of memory"


class WorkerLost(Exception):
    """A process did not start, or ended before it had loaded; the message says why."""


class Owner(Protocol):
    """Whoever gave a worker its function, and hears how it is doing."""

    def freed(self, worker: "NodeWorker") -> None:
        """Take a worker that has answered its call."""
        ...

    def gone(self, worker: "NodeWorker") -> None:
        """Take that a worker's process has ended."""
        ...

    def loaded_files(self, files: Sequence[Sequence[Any]]) -> None:
        """Take files of the user that were loaded: path, time of change, size."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How processes are started; `loopback` has them connect as they do on Windows.

    `crew` holds every worker from before its start until its process has been seen to end.
    """

    node: str
    memory_mb: int
    environ: Mapping[str, str]
    guardian: Guardian
    secret: Callable[[], str]
    elapsed_s: Callable[[], float]
    crew: "set[NodeWorker]"
    loopback: bool = False

    def command(self) -> list[str]:
        """Return the command line."""
        return [self.node, f"--max-old-space-size={self.memory_mb}", str(SCRIPT)]


@dataclass(eq=False, slots=True)
class NodeCall:
    """One invocation on its way."""

    invocation: Invocation
    future: "asyncio.Future[Outcome]"
    title: str
    waiting_since_s: float = 0.0
    started_s: float = 0.0
    worker: "NodeWorker | None" = None

    def answer(self, outcome: Outcome) -> None:
        """Answer it, unless it was."""
        if not self.future.done():
            self.future.set_result(outcome)

    def fail(self, failure: Failure, duration_ms: float = 0.0) -> None:
        """Answer it with a failure."""
        self.answer(Outcome(result=b"null", failure=failure, duration_ms=duration_ms))


class NodeWorker:
    """One process. Belongs to the loop it was started on."""

    def __init__(self, launch: Launch, loop: AbstractEventLoop) -> None:
        self._launch = launch
        self._loop = loop
        self._channel = Channel(self._hear, self._lose)
        self._ready: asyncio.Future[str] = loop.create_future()
        self._loading: asyncio.Future[None] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._raw_lines = 0
        self._is_out_of_memory = False
        self._is_reaping = False
        self._logs: dict[str, Callable[[str, str], None]] = {}
        self._title = ""
        self._variables: Mapping[str, str] | None = None
        self.early: list[tuple[str, str]] = []
        self.owner: Owner | None = None
        self.call: NodeCall | None = None
        self.is_leaving = False
        self.is_gone = False
        self.ended = asyncio.Event()
        self.left = ""
        self.idle_since_s = 0.0
        self.call_s = 0.0

    @classmethod
    async def start(cls, launch: Launch) -> "NodeWorker":
        """Return a process that has started and waits for its function; raises WorkerLost."""
        worker = cls(launch, asyncio.get_running_loop())
        launch.crew.add(worker)
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await worker._start()
        except TimeoutError:
            worker.kill()
            raise WorkerLost(f"Node.js did not start within {START_TIMEOUT_S:g} seconds") from None
        except OSError as fault:
            worker.kill()
            raise WorkerLost(f"{launch.node} cannot be started: {fault.strerror}") from fault
        except BaseException:
            worker.kill()
            raise
        return worker

    async def load(self, wanted: Mapping[str, Any], *, timeout_s: float) -> None:
        """Load the function.

        Raises:
            LoadFailed: its code failed, or took longer.
            WorkerLost: the process ended meanwhile.
        """
        self._loading = self._loop.create_future()
        self._channel.send("L", orjson.dumps(wanted))
        try:
            async with asyncio.timeout(timeout_s):
                await self._loading
        except TimeoutError:
            message = f"its top level did not return within {timeout_s:g} seconds"
            problem = Problem(file=str(wanted["entry"]), line=0, message=message)
            raise LoadFailed(problem, self.early) from None

    def begin(self, call: NodeCall) -> None:
        """Run a call; its owner hears when the process is free again, or gone."""
        invocation = call.invocation
        self.call = call
        call.worker = self
        self._raw_lines = 0
        self._logs[invocation.request_id] = invocation.log
        if len(self._logs) > LOGS_KEPT_MAX:
            del self._logs[next(iter(self._logs))]
        for level, line in self.early:
            invocation.log(level, line)
        self.early.clear()
        self._title = call.title
        call.started_s = self._launch.elapsed_s()
        self._channel.send("C", self._message(invocation))

    def end(self) -> None:
        """Have the process end itself; it is killed if it has not within a while."""
        if not self.is_leaving:
            self.is_leaving = True
            self._channel.send("E", b"{}")
            self._loop.call_later(1.0, self.kill)

    def kill(self) -> None:
        """End the process at once."""
        self.is_leaving = True
        process = self._process
        if process is not None and process.returncode is None:
            kill_tree(process.pid)
        self._channel.close()
        self._see_off()

    def is_over(self) -> bool:
        """Tell whether the process has ended and its thread with it; reaps it."""
        process = self._process
        if process is None:
            return True
        if process.returncode is None and process.poll() is not None:
            self._launch.guardian.remove(process.pid)
        return process.returncode is not None

    # The process

    async def _start(self) -> None:
        endpoint = open_endpoint(self._launch.secret, loopback=self._launch.loopback)
        try:
            started: asyncio.Future[None] = self._loop.create_future()
            self._reader = threading.Thread(
                target=self._attend, args=(endpoint, started), name="node worker", daemon=True
            )
            self._reader.start()
            await asyncio.shield(started)
            await endpoint.connect(self._channel)
            version = await self._ready
        finally:
            # The thread may still be handing the endpoint's descriptors down.
            if not started.done():
                await asyncio.wait([started])
            endpoint.close()
        major = version.lstrip("v").partition(".")[0]
        if major.isdecimal() and int(major) < NODE_MIN_MAJOR:
            raise WorkerLost(
                f"Node.js {version} at {self._launch.node} is too old; "
                f"install Node.js {NODE_MIN_MAJOR} or newer (nodejs.org)"
            )

    def _attend(self, endpoint: Endpoint, started: "asyncio.Future[None]") -> None:
        """Start the process and read what it writes past the console, on a thread of its own."""
        try:
            process = self._process = self._open(endpoint)
        except OSError as fault:
            self._tell(_settle, started, fault)
            return
        self._launch.guardian.add(process.pid)
        self._tell(_settle, started, None)
        assert process.stdout is not None
        pause = threading.Event()
        with process.stdout as output:
            while data := output.read1(RAW_READ_BYTES):  # type: ignore[attr-defined]  # a buffered reader
                if _OUT_OF_MEMORY in data:
                    self._is_out_of_memory = True
                if self._raw_lines > RAW_LINES_MAX:
                    pause.wait(RAW_PAUSE_S)
                    continue
                lines = data.decode("utf-8", "replace").splitlines()[:RAW_LINES_MAX]
                self._raw_lines += len(lines)
                self._tell(self._take_raw, lines)

    def _open(self, endpoint: Endpoint) -> "subprocess.Popen[bytes]":
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
            self._launch.command(),
            env={**self._launch.environ, "CLOUD_EMU_CHANNEL": endpoint.address},
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

    def _take_raw(self, lines: Sequence[str]) -> None:
        log = self.call.invocation.log if self.call is not None else self._log_of("")
        for line in lines:
            log("info", line)

    def _message(self, invocation: Invocation) -> bytes:
        message: dict[str, Any] = {
            "id": invocation.request_id,
            "event": invocation.event,
            "context": invocation.context,
            "identity": identity_variables(invocation),
            "deadline": round(invocation.timeout_s * 1000),
        }
        if invocation.variables is not self._variables:
            self._variables = invocation.variables
            message["variables"] = dict(invocation.variables)
        return orjson.dumps(message)

    # What the worker says

    def _hear(self, kind: str, payload: bytes) -> None:
        if kind in ("d", "D"):
            self._answered(payload, None, kind)
        else:
            self._HEARD[kind](self, payload, kind)

    def _answered(self, result: bytes, failure: Failure | None, kind: str) -> None:
        call, self.call = self.call, None
        if kind.isupper():
            self.left = self._title
        if call is None:
            return
        self.call_s = self._launch.elapsed_s() - call.started_s
        duration_ms = self.call_s * 1000
        call.answer(Outcome(result=result, failure=failure, duration_ms=duration_ms))
        if self.owner is not None and kind != "x":
            self.owner.freed(self)

    def _failed(self, payload: bytes, kind: str) -> None:
        told = orjson.loads(payload)
        failure = Failure(
            kind=told.get("kind", "exception"), message=told["message"], stack=told["stack"]
        )
        if kind == "x":
            self.is_leaving = True
        self._answered(b"null", failure, kind)

    def _printed(self, payload: bytes, kind: str) -> None:
        del kind
        request_id, level, text = orjson.loads(payload)
        log = self._log_of(request_id)
        for line in text.split("\n"):
            log(level, line)

    def _log_of(self, request_id: str) -> Callable[[str, str], None]:
        log = self._logs.get(request_id)
        if log is not None:
            return log
        if self.call is None and self._loading is None:
            return lambda level, line: None
        return lambda level, line: self.early.append((level, line))

    def _left(self, payload: bytes, kind: str) -> None:
        del payload
        self.left = self._title if kind == "b" else ""

    def _loaded(self, payload: bytes, kind: str) -> None:
        assert self._loading is not None
        if self._loading.done():
            return
        if kind == "l":
            self._loading.set_result(None)
        else:
            problem = Problem(**orjson.loads(payload))
            self._loading.set_exception(LoadFailed(problem, tuple(self.early)))

    def _files(self, payload: bytes, kind: str) -> None:
        del kind
        if self.owner is not None:
            self.owner.loaded_files(orjson.loads(payload))

    def _started(self, payload: bytes, kind: str) -> None:
        del kind
        if not self._ready.done():
            self._ready.set_result(orjson.loads(payload)["version"])

    _HEARD: Final[Mapping[str, Callable[["NodeWorker", bytes, str], None]]] = {
        "f": _failed,
        "F": _failed,
        "x": _failed,
        "o": _printed,
        "b": _left,
        "i": _left,
        "l": _loaded,
        "n": _loaded,
        "m": _files,
        "r": _started,
    }

    # Its end

    def _lose(self) -> None:
        self.is_leaving = True
        self._see_off()

    def _see_off(self) -> None:
        if not self._is_reaping:
            self._is_reaping = True
            self._reap(0.0)

    def _reap(self, waited_s: float) -> None:
        """Wait for the process, and a little for its last words; then tell everyone."""
        reading = self._reader is not None and self._reader.is_alive()
        if not self.is_over() or (reading and waited_s < REAP_OUTPUT_MAX_S):
            if waited_s >= 1.0:
                self.kill()
            self._loop.call_later(REAP_EVERY_S, self._reap, waited_s + REAP_EVERY_S)
            return
        self.is_gone = True
        self.left = ""
        self._launch.crew.discard(self)
        self.ended.set()
        failure = self._why()
        lost = WorkerLost(failure.message)
        for future in (self._ready, self._loading):
            if future is not None and not future.done():
                future.set_exception(lost)
        call, self.call = self.call, None
        if call is not None:
            call.fail(failure, (self._launch.elapsed_s() - call.started_s) * 1000)
        if self.owner is not None:
            self.owner.gone(self)

    def _why(self) -> Failure:
        code = self._process.returncode if self._process is not None else 0
        if self._is_out_of_memory:
            return Failure(
                kind="exit",
                message="MemoryLimitReached: the function used more than "
                f"{self._launch.memory_mb} MB of memory; memorySize in its config.json allows more",
            )
        how = f"exit code {code}" if code >= 0 else f"signal {-code}"
        return Failure(kind="exit", message=f"User process exit when running: {how}")


def _settle(future: "asyncio.Future[None]", fault: OSError | None) -> None:
    if future.done():
        return
    if fault is None:
        future.set_result(None)
    else:
        future.set_exception(fault)
