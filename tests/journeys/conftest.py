"""A suite in a process of its own, over functions the test writes, and ways to call it."""

import asyncio
import json
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ClientTimeout

WAIT_S = 30
"""Whatever takes longer hangs."""


@dataclass
class Process:
    """A suite's process, started over a project folder."""

    project: Path
    log: Path
    options: tuple[str, ...] = ()
    ready: dict[str, Any] = field(default_factory=dict)

    def start(self) -> None:
        """Start and wait until it says that it is ready."""
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(
                [
                    *(sys.executable, "-m", "emulator", "start", str(self.project), "--json"),
                    *("--port", "0", "--site-port", "0", *self.options),
                ],
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            self.ready = json.loads(line)
            if self.ready["event"] == "ready":
                break
        else:
            raise AssertionError(f"ended with {self.popen.wait()}: {self.log.read_text()}")
        # Read on, so that the pipe never fills.
        self._drain = threading.Thread(target=self.popen.stdout.read, daemon=True)
        self._drain.start()

    @property
    def url(self) -> str:
        return str(self.ready["urls"]["api"])

    @property
    def site_url(self) -> str:
        return str(self.ready["urls"]["site"])

    def memory_mb(self) -> float:
        """Return the resident memory of the process."""
        text = Path(f"/proc/{self.popen.pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0]) / 1024

    def kill(self) -> None:
        """End it as a power cut would, and take its output off the pipe."""
        self.popen.kill()
        self.wait()

    def wait(self) -> int:
        """Return its exit code."""
        code = self.popen.wait(timeout=WAIT_S)
        self._drain.join(WAIT_S)
        assert self.popen.stdout is not None
        self.popen.stdout.close()
        return code

    def close(self) -> None:
        if self.popen.returncode is None:
            self.kill()


@dataclass
class Client:
    """Calls to a suite, as a server SDK and as a visitor make them."""

    process: Process
    http: ClientSession

    async def admin(self, action: str, **body: Any) -> dict[str, Any]:
        """Send an action as a server SDK does."""
        body = {"action": action, "envName": "local", **body}
        async with self.http.post(f"{self.process.url}/admin", json=body) as response:
            return await response.json()

    async def call(self, name: str, event: Any = None) -> dict[str, Any]:
        """Call a function as a server SDK does."""
        return await self.admin(
            "functions.invokeFunction", function_name=name, request_data=json.dumps(event or {})
        )

    async def result(self, name: str, event: Any = None) -> Any:
        """Call a function and return its result; a failure fails the test."""
        told = await self.call(name, event)
        assert "data" in told, told
        return json.loads(told["data"]["response_data"])

    async def visit(self, name: str) -> tuple[int, bytes]:
        """Request a function's HTTP path."""
        async with self.http.get(f"{self.process.site_url}/{name}") as response:
            return response.status, await response.read()


@dataclass
class World:
    """A project folder, the suites over it and their clients."""

    project: Path
    log: Path
    processes: list[Process] = field(default_factory=list)
    sessions: list[ClientSession] = field(default_factory=list)

    def write(self, functions: dict[str, str], **settings: Any) -> None:
        """Write functions, with a time-out of one second, that answer HTTP under their name too."""
        for name, code in functions.items():
            folder = self.project / "cloudfunctions" / name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "index.py").write_text(textwrap.dedent(code), encoding="utf-8")
            trigger = {"name": "web", "type": "http", "config": {"path": f"/{name}"}}
            config = {"timeout": 1, "triggers": [trigger], **settings}
            (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")

    def start(self, *options: str) -> Process:
        """Start a suite; if it still runs at the end it is killed."""
        process = Process(self.project, self.log, options)
        self.processes.append(process)
        process.start()
        return process

    def client(self, process: Process) -> Client:
        session = ClientSession(timeout=ClientTimeout(total=WAIT_S))
        self.sessions.append(session)
        return Client(process, session)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A new project and whatever is started over it."""
    (tmp_path / "project").mkdir()
    made = World(tmp_path / "project", tmp_path / "suite.log")
    yield made
    await asyncio.gather(*(session.close() for session in made.sessions))
    for process in made.processes:
        process.close()
