"""Owns a Python worker's life: it loads one function, then runs its handler, one event at a time.

Not here: running user code (`python_inline`), its `cloud` calls (`python_errands`), the suite's
side (`process_worker`). The one idea: this process is a small suite around the inline runtime; its
main thread speaks with the real one, and user code runs on others. A worker whose suite is gone
ends itself.
"""

import asyncio
import os
import platform
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import orjson

from emulator.ambient import SystemClock
from emulator.cloud.session import Session
from emulator.functions.base import (
    MANNER_USUAL,
    Bundle,
    Failure,
    Invocation,
    LoadFailed,
    Manner,
    Outcome,
    TriggerConfig,
)
from emulator.functions.process_bodies import Outlet
from emulator.functions.process_calls import QUICK_MS
from emulator.functions.process_channel import Channel
from emulator.functions.process_weight import held_max_mb, memory_held_mb, memory_limit_reached
from emulator.functions.python_calls import PythonGeneration
from emulator.functions.python_errands import Errands, ErrandTransport
from emulator.functions.python_inline import PythonInlineRuntime
from emulator.functions.python_inspect import Debugger

LOOK_EVERY_S: Final = 0.02
LEFT_MAX_S: Final = 60.0
"""What is open longer than this is taken for part of the module."""

WEIGH_EVERY_S: Final = 0.02
"""How often the process is weighed at most, at the end of a call."""

NO_TIMEOUT_S: Final = 1e9
"""For a function that a debugger may hold."""

_Line = tuple[str, str, str]
_Order = tuple[Mapping[str, Any], Mapping[str, Any]]
"""What surrounds a call, and the call."""


class Worker:
    """One process, as it sees itself; lives on the main thread's loop."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self.channel = Channel(self._hear, self._lose)
        self._loop = asyncio.get_running_loop()
        self._clock = SystemClock()
        self._runtime = PythonInlineRuntime(clock=self._clock, alone=True)
        self._errands = Errands(
            self._loop.call_soon_threadsafe, lambda frame: self.channel.send("q", frame)
        )
        self._generation: PythonGeneration | None = None
        self._memory_mb = 0
        self._weighed_s = 0.0
        self._around: Mapping[str, Any] = {}
        self._queue: deque[_Order] = deque()
        self._debugger = Debugger()
        self._outlet: Outlet | None = None
        self._call: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._loading: asyncio.Task[None] | None = None
        self._lines: deque[_Line] = deque()
        self._files: set[tuple[str, int, int | None]] = set()

    def begin(self) -> None:
        """Tell the suite that the process stands ready."""
        self._send("r", {"version": platform.python_version()})

    def _send(self, kind: str, told: Any) -> None:
        self.channel.send(kind, orjson.dumps(told))

    # What the suite says

    def _hear(self, kind: str, payload: bytes) -> None:
        self._HEARD[kind](self, payload)

    def _load(self, payload: bytes) -> None:
        self._loading = self._loop.create_task(self._load_function(orjson.loads(payload)))

    def _surround(self, payload: bytes) -> None:
        self._around = {**self._around, **orjson.loads(payload)}

    def _take(self, payload: bytes) -> None:
        self._queue.append((self._around, orjson.loads(payload)))
        self._next()

    def _refuse(self, payload: bytes) -> None:
        del payload
        self._send("v", len(self._queue))
        self._queue.clear()

    def _end(self, payload: bytes) -> None:
        del payload
        self.ended.set()

    def _answered(self, payload: bytes) -> None:
        self._errands.answered(payload)

    def _inspect(self, payload: bytes) -> None:
        port = orjson.loads(payload)["port"]
        if port >= 0:
            self._send("u", self._debugger.listen(port))
        elif self._call is None:
            # The port is let go with the process; other calls get another one.
            self.ended.set()
        else:
            self._send("u", "")

    def _make_room(self, payload: bytes) -> None:
        if self._outlet is not None:
            self._outlet.has_room(payload)

    def _leave(self, payload: bytes) -> None:
        if self._outlet is not None:
            self._outlet.is_left(payload)

    def _ignore(self, payload: bytes) -> None:
        del payload

    def _lose(self) -> None:
        # Past all that user code may have left open, and with what it started: nobody hears of it.
        if sys.platform != "win32" and os.getpgid(0) == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os._exit(0)

    _HEARD: Final[Mapping[str, Callable[["Worker", bytes], None]]] = {
        "L": _load,
        "S": _surround,
        "C": _take,
        "V": _refuse,
        "E": _end,
        "A": _answered,
        "I": _inspect,
        "W": _make_room,
        "G": _leave,
        "P": _ignore,
    }

    # Its function

    async def _load_function(self, wanted: Mapping[str, Any]) -> None:
        self._around = {"variables": wanted["variables"]}
        self._memory_mb = wanted["memory_mb"]
        os.environ.update(wanted["variables"])
        # As on the platform, and as Node functions have it.
        with suppress(OSError):
            os.chdir(wanted["folder"])
        bundle = Bundle(
            name=wanted["name"],
            folder=Path(wanted["folder"]),
            language="python",
            entry=Path(wanted["entry"]),
            handlers=tuple(wanted["handlers"]),
            packages=None if wanted["packages"] is None else Path(wanted["packages"]),
            variables=wanted["variables"],
            web=None if wanted["web"] is None else tuple(wanted["web"]),
            triggers=tuple(
                TriggerConfig(name="web", kind="http", config={"path": path})
                for path in wanted["roots"]
            ),
        )
        try:
            generation = await self._runtime.load(bundle)
        except LoadFailed as fault:
            for level, line in fault.lines:
                self._log("", level, line)
            self._flush()
            self._send("n", asdict(fault.problem))
            return
        assert isinstance(generation, PythonGeneration)
        self._generation = generation
        self._tell_files()
        self._send("l", [])

    def _tell_files(self) -> None:
        assert self._generation is not None
        fresh = [file for file in self._generation.space.files() if file not in self._files]
        if fresh:
            self._send("m", fresh)
            self._files.update(fresh)

    # Its calls

    def _next(self) -> None:
        if self._call is None and self._queue:
            self._call = self._loop.create_task(self._run(*self._queue.popleft()))

    async def _run(self, around: Mapping[str, Any], told: Mapping[str, Any]) -> None:
        assert self._generation is not None
        outlet = Outlet(told["id"], self.channel.send) if told["stream"] else None
        self._outlet = outlet
        manner = MANNER_USUAL if outlet is None else Manner(stream=outlet.stream)
        invocation = self._invocation(around, told, manner)
        outcome = await self._runtime.call(self._generation, invocation)
        if outlet is not None:
            await outlet.finish()
        self._flush()
        self._tell_files()
        if self._answer(outcome):
            self._call = None
            self._next()

    def _invocation(
        self, around: Mapping[str, Any], told: Mapping[str, Any], manner: Manner
    ) -> Invocation:
        request_id = told["id"]

        def log(level: str, line: str) -> None:
            self._log(request_id, level, line)

        return Invocation(
            request_id=request_id,
            event=told["event"],
            context=told["context"],
            variables=around["variables"],
            session=Session(
                transport=ErrandTransport(self._errands, request_id),
                env_id=around["env_id"],
                wx_context=around["wx_context"],
                request_id=request_id,
                log=log,
                is_strict=around["strict"],
            ),
            timeout_s=NO_TIMEOUT_S if self._debugger.url else told["deadline"] / 1000,
            log=log,
            manner=manner,
        )

    def _answer(self, outcome: Outcome) -> bool:
        """Tell what came of a call; returns whether this process may run another one."""
        failure = outcome.failure
        is_too_heavy = self._is_too_heavy()
        if is_too_heavy:
            failure = Failure(kind="exit", message=memory_limit_reached(self._memory_mb))
        if failure is not None and (is_too_heavy or failure.kind == "timeout"):
            # Whatever still runs is not to disturb the next call, which gets a fresh process.
            self._send("x", _told(failure))
            self.channel.close()
            return False
        is_left = bool(self._runtime.running())
        kind, payload = ("e" if outcome.duration_ms < QUICK_MS else "d", outcome.result)
        if failure is not None:
            kind, payload = ("f", orjson.dumps(_told(failure)))
        self.channel.send(kind.upper() if is_left else kind, payload)
        if is_left and self._looking is None:
            self._looking = self._loop.create_task(self._look())
        return True

    def _is_too_heavy(self) -> bool:
        """Tell whether it holds too much, also where a call was over before the suite looked."""
        now_s = self._clock.elapsed_s()
        if now_s - self._weighed_s < WEIGH_EVERY_S:
            return False
        self._weighed_s = now_s
        return memory_held_mb(os.getpid()) > held_max_mb(self._memory_mb)

    async def _look(self) -> None:
        """Tell when what calls left behind has ended."""
        since_s = self._clock.elapsed_s()
        while self._call is not None or self._runtime.running():
            if self._call is None and self._clock.elapsed_s() - since_s > LEFT_MAX_S:
                break
            await asyncio.sleep(LOOK_EVERY_S)
        self._looking = None
        self._send("i", {})

    # What it prints

    def _log(self, request_id: str, level: str, line: str) -> None:
        """Take a line, from any thread; lines that gather meanwhile travel together."""
        self._lines.append((request_id, level, line))
        if len(self._lines) == 1:
            # On a loop that has closed nobody reads any more.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._flush)

    def _flush(self) -> None:
        lines = self._lines
        while lines:
            request_id, level, text = lines.popleft()
            gathered = [text]
            while lines and lines[0][:2] == (request_id, level):
                gathered.append(lines.popleft()[2])
            self._send("o", [request_id, level, "\n".join(gathered)])


def _told(failure: Failure) -> dict[str, str]:
    return {"kind": failure.kind, "message": failure.message, "stack": failure.stack}


async def _connect(address: str, channel: Channel) -> None:
    """Connect as the suite said: `fd:7` was handed down, `tcp:port:secret` is to be called."""
    loop = asyncio.get_running_loop()
    way, _, rest = address.partition(":")
    if way == "fd":
        await loop.create_connection(lambda: channel, sock=socket.socket(fileno=int(rest)))
        return
    port, _, secret = rest.partition(":")
    connection = socket.create_connection(("127.0.0.1", int(port)))
    connection.sendall(secret.encode("ascii"))
    await loop.create_connection(lambda: channel, sock=connection)


async def _serve(address: str) -> None:
    worker = Worker()
    await _connect(address, worker.channel)
    worker.begin()
    await worker.ended.wait()


def main() -> None:
    """Serve the suite that started this process until it has enough."""
    address = os.environ.pop("CLOUD_EMU_CHANNEL")
    if sys.platform != "win32":
        time.tzset()
    asyncio.run(_serve(address))


if __name__ == "__main__":
    main()
