"""Owns one worker process: its start, the function it is loaded with, the call it runs, its end.

Not here: which worker gets a call (`process_pool`), frames (`process_channel`), what differs
between languages (`process_kind`). The one idea: a process runs one event at a time, so whatever it
does, a crash, a loop, a flood, concerns one call; it is answered, and the process is replaced.
"""

import asyncio
from asyncio import AbstractEventLoop
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import orjson

from emulator.cloud.session import Session
from emulator.core.records import dataclass
from emulator.core.values import Value
from emulator.functions.base import Failure, Invocation, LoadFailed, Outcome, Problem
from emulator.functions.process_bodies import Inlet
from emulator.functions.process_calls import QUICK_RESULTS, ProcessCall, too_large
from emulator.functions.process_channel import Channel, frame, open_endpoint
from emulator.functions.process_child import Command, ProcessChild
from emulator.functions.process_errands import Errands
from emulator.functions.process_kind import Kind, WorkerLost

START_TIMEOUT_S: Final = 20.0
REAP_EVERY_S: Final = 0.005
REAP_OUTPUT_MAX_S: Final = 0.25
"""What is waited for the last words of a process that has ended."""
SESSIONS_KEPT_MAX: Final = 64
"""Calls that were answered and may still print, or ask something of the suite."""


class Owner(Protocol):
    """Whoever gave a worker its function, and hears how it is doing."""

    def begun(self, call: "ProcessCall") -> None:
        """Take that a call has begun to run."""
        ...

    def refused(self, calls: "Sequence[ProcessCall]") -> None:
        """Take calls back that have not begun, in their order."""
        ...

    def freed(self, worker: "ProcessWorker") -> None:
        """Take a worker that has answered its calls."""
        ...

    def gone(self, worker: "ProcessWorker") -> None:
        """Take that a worker's process has ended."""
        ...

    def loaded_files(self, files: Sequence[Sequence[Any]]) -> None:
        """Take files of the user that were loaded: path, time of change, size."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How workers of a kind are started; `loopback` has them connect as they do on Windows.

    `crew` holds every worker from before its start until its process has been seen to end.
    """

    command: Command
    kind: Kind
    secret: Callable[[], str]
    elapsed_s: Callable[[], float]
    crew: "set[ProcessWorker]"
    loopback: bool = False


class ProcessWorker:
    """One process. Belongs to the loop it was started on."""

    def __init__(self, launch: Launch, loop: AbstractEventLoop) -> None:
        self._launch = launch
        self._loop = loop
        self._channel = Channel(self._hear, self._lose)
        self._ready: asyncio.Future[str] = loop.create_future()
        self._loading: asyncio.Future[None] | None = None
        self._inspecting: asyncio.Future[str] | None = None
        self.child = ProcessChild(launch.command, loop, self._take_raw, self._lose)
        self._is_reaping = self._is_answered = self.is_leaving = self.is_gone = False
        # Ordered, for a plain dictionary that lost its oldest keys is slow to find the next one.
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._errands = Errands(loop, self._answer_errand, self._sessions.get)
        self._inlet = Inlet(self._channel.send)
        self._title = ""
        self._variables: Mapping[str, str] | None = None
        self._known: Mapping[str, Value] = {}
        self.early: list[tuple[str, str]] = []
        self.packages: list[str] = []
        self.owner: Owner | None = None
        self.calls: deque[ProcessCall] = deque()
        self.ended = asyncio.Event()
        self.left = ""
        self.idle_since_s = 0.0
        self.call_s = 0.0
        self.is_quick = True

    @classmethod
    async def start(cls, launch: Launch) -> "ProcessWorker":
        """Return a process that has started and waits for its function; raises WorkerLost."""
        worker = cls(launch, asyncio.get_running_loop())
        launch.crew.add(worker)
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await worker._start()
        except TimeoutError:
            worker.kill()
            raise WorkerLost(
                f"{launch.command.name} did not start within {START_TIMEOUT_S:g} seconds"
            ) from None
        except OSError as fault:
            worker.kill()
            raise WorkerLost(
                f"{launch.command.arguments[0]} cannot be started: {fault.strerror}"
            ) from fault
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

    async def inspect(self, port: int) -> str:
        """Open the process to debuggers; returns the address, nothing if the port is taken.

        A port below 0 closes it again.
        """
        self._inspecting = self._loop.create_future()
        self._channel.send("I", orjson.dumps({"port": port}))
        return await self._inspecting

    def preload(self, packages: Sequence[str]) -> None:
        """Have a process that stands ready load packages that the next function will ask for."""
        self._channel.send("P", orjson.dumps(packages))

    def begin(self, calls: Sequence[ProcessCall]) -> None:
        """Run calls one after another; the owner hears when all are answered, or the process gone.

        The first of `calls` is the one that runs.
        """
        frames = []
        for call in calls:
            invocation = call.invocation
            call.stop = self.kill
            self._sessions[invocation.request_id] = invocation.session
            if len(self._sessions) > SESSIONS_KEPT_MAX:
                self._sessions.popitem(last=False)
            frames.append(self._frames(invocation))
        for level, line in self.early:
            calls[0].invocation.log(level, line)
        self.early.clear()
        self.calls.extend(calls)
        self._begin_next()
        self._channel.write(b"".join(frames))

    def running_s(self) -> float:
        """Return for how long its call has been running."""
        return self._launch.elapsed_s() - self.calls[0].started_s if self.calls else 0.0

    def take_back(self) -> None:
        """Have the calls that have not begun refused; a process in a loop does not hear of it."""
        self._channel.send("V", b"{}")

    def end(self) -> None:
        """Have the process end itself; it is killed if it has not within a while."""
        if not self.is_leaving:
            self.is_leaving = True
            self._channel.send("E", b"{}")
            self._loop.call_later(1.0, self.kill)

    def kill(self) -> None:
        """End the process at once."""
        self.is_leaving = True
        self.child.kill()
        self._channel.close()
        self._see_off()

    def _begin_next(self) -> None:
        call = self.calls[0]
        self.child.allow_lines()
        self._inlet.attach(call.invocation)
        self._title = call.title
        call.started_s = self._launch.elapsed_s()
        if self.owner is not None:
            self.owner.begun(call)

    # The process

    async def _start(self) -> None:
        endpoint = open_endpoint(self._launch.secret, loopback=self._launch.loopback)
        try:
            await self.child.start(endpoint)
            await endpoint.connect(self._channel)
            version = await self._ready
        finally:
            endpoint.close()
        fault = self._launch.kind.version_fault(version)
        if fault:
            raise WorkerLost(fault)

    def _take_raw(self, lines: Sequence[str]) -> None:
        # What comes past the console may be read only after the answer.
        last = next(reversed(self._sessions), "")
        log = self.calls[0].invocation.log if self.calls else self._log_of(last)
        for line in lines:
            log("info", line)

    def _frames(self, invocation: Invocation) -> bytes:
        """Return the call as frames; what surrounds it is told only when it is another."""
        message = {
            "id": invocation.request_id,
            "event": invocation.event,
            "context": invocation.context,
            "deadline": round(invocation.timeout_s * 1000),
            "stream": invocation.manner.stream is not None,
        }
        called = frame("C", orjson.dumps(message))
        known, variables = invocation.session.wx_context, invocation.variables
        if variables is self._variables and known == self._known:
            return called
        told = dict(self._launch.kind.told(invocation.session))
        if variables is not self._variables:
            told["variables"] = dict(variables)
        self._variables, self._known = variables, known
        return frame("S", orjson.dumps(told)) + called

    # What the worker says

    def _hear(self, kind: str, payload: bytes) -> None:
        if kind in QUICK_RESULTS or kind in ("d", "D"):
            self._answered(payload, too_large(payload), kind)
        else:
            self._HEARD[kind](self, payload, kind)

    def _answered(self, result: bytes, failure: Failure | None, kind: str) -> None:
        if kind.isupper():
            self.left = self._title
        if not self.calls:
            return
        call = self.calls.popleft()
        call.stop = None
        self.call_s = self._launch.elapsed_s() - call.started_s
        self.is_quick = kind in QUICK_RESULTS
        result = b"null" if failure is not None else result
        call.answer(Outcome(result=result, failure=failure, duration_ms=self.call_s * 1000))
        if kind == "x":
            return
        if self.calls:
            self._begin_next()
        elif self.owner is not None:
            self.owner.freed(self)

    def _refused(self, payload: bytes, kind: str) -> None:
        del kind
        count = orjson.loads(payload)
        refused = [self.calls.pop() for _ in range(min(count, len(self.calls)))]
        if self.owner is not None:
            self.owner.refused(refused[::-1])

    def _failed(self, payload: bytes, kind: str) -> None:
        told = orjson.loads(payload)
        if kind == "x":
            # What follows on it has not begun and never will in this process.
            self.is_leaving = self._is_answered = True
        if told is not None:
            self._answered(b"null", Failure(**{"kind": "exception", **told}), kind)
        else:  # It ended between two calls: what was on its way had not begun either.
            self._is_answered = not self.calls or self.calls[0].may_begin_again()

    def _printed(self, payload: bytes, kind: str) -> None:
        del kind
        request_id, level, text = orjson.loads(payload)
        log = self._log_of(request_id)
        for line in text.split("\n"):
            log(level, line)

    def _log_of(self, request_id: str) -> Callable[[str, str], None]:
        session = self._sessions.get(request_id)
        if session is not None:
            return session.log
        if not self.calls and self._loading is None:
            return lambda level, line: None
        return lambda level, line: self.early.append((level, line))

    def _asked(self, payload: bytes, kind: str) -> None:
        del kind
        self._errands.take(payload)

    def _answer_errand(self, answer: bytes) -> None:
        self._channel.send("A", answer)

    def _streamed(self, payload: bytes, kind: str) -> None:
        (self._inlet.begin if kind == "s" else self._inlet.take)(payload)

    def _left(self, payload: bytes, kind: str) -> None:
        del payload
        self.left = self._title if kind == "b" else ""

    def _loaded(self, payload: bytes, kind: str) -> None:
        assert self._loading is not None
        if self._loading.done():
            return
        if kind == "l":
            self.packages = orjson.loads(payload)
            self._loading.set_result(None)
        else:
            problem = Problem(**orjson.loads(payload))
            self._loading.set_exception(LoadFailed(problem, tuple(self.early)))

    def _inspected(self, payload: bytes, kind: str) -> None:
        del kind
        if self._inspecting is not None and not self._inspecting.done():
            self._inspecting.set_result(orjson.loads(payload))

    def _files(self, payload: bytes, kind: str) -> None:
        del kind
        if self.owner is not None:
            self.owner.loaded_files(orjson.loads(payload))

    def _started(self, payload: bytes, kind: str) -> None:
        del kind
        if not self._ready.done():
            self._ready.set_result(orjson.loads(payload)["version"])

    _HEARD: Final[Mapping[str, Callable[["ProcessWorker", bytes, str], None]]] = {
        "f": _failed,
        "F": _failed,
        "x": _failed,
        "o": _printed,
        "q": _asked,
        "s": _streamed,
        "w": _streamed,
        "u": _inspected,
        "v": _refused,
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
        code = self.child.exit_code()
        if code is None or (not self.child.is_read() and waited_s < REAP_OUTPUT_MAX_S):
            if waited_s >= 1.0:
                self.kill()
            self._loop.call_later(REAP_EVERY_S, self._reap, waited_s + REAP_EVERY_S)
            return
        self.is_gone, self.left = True, ""
        self._launch.crew.discard(self)
        self.ended.set()
        failure = self.child.why(code)
        lost = WorkerLost(failure.message, tuple(self.early))
        for future in (self._ready, self._loading, self._inspecting):
            if future is not None and not future.done():
                future.set_exception(lost)
                future.exception()  # seen to: nobody may be waiting any more
        calls, self.calls = self.calls, deque()
        if calls and not self._is_answered:
            call = calls.popleft()
            call.stop = None
            call.fail(failure, (self._launch.elapsed_s() - call.started_s) * 1000)
        elif self.child.is_out_of_memory:
            self._log_of(next(reversed(self._sessions), ""))("error", failure.message)
        if self.owner is not None:
            self.owner.refused(calls)
            self.owner.gone(self)
