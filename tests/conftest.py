"""Whole suites for the tests that cross every floor: one in this process, one in its own."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from emulator.ambient import ManualClock
from emulator.config import load_config
from emulator.core.ejson import decode, encode
from emulator.suite import Suite

# A busy machine is no reason to fail.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

ROOT = Path(__file__).resolve().parents[1]
READY_WAIT_S = 30


class FunctionError(Exception):
    """What a function failed with."""


@dataclass
class RunningSuite:
    """A started suite as tests use it."""

    suite: Suite
    clock: ManualClock

    @property
    def url(self) -> str:
        return self.suite.urls["api"]

    @property
    def site_url(self) -> str:
        return self.suite.urls["site"]

    async def call(
        self, name: str, event: Any = None, openid: str | None = None, source: str = "wx_client"
    ) -> dict[str, Any]:
        """Call a function and return everything told of the call."""
        return await self.suite.control.invoke(name, event or {}, openid=openid, source=source)

    async def invoke(self, name: str, event: Any = None, openid: str | None = None) -> Any:
        """Call a function and return its result; raises FunctionError when it failed."""
        told = await self.call(name, event, openid)
        if "error" in told:
            raise FunctionError(told["error"]["message"] + "\n" + told["error"]["stack"])
        return told["result"]

    async def documents(self, collection: str) -> list[dict[str, Any]]:
        """Return the documents of a collection as JSON data, dates and ids tagged."""
        return [encode(each) for each in self.suite.control.collection(collection)]

    async def seed(self, collections: dict[str, list[dict[str, Any]]]) -> None:
        """Load documents without firing triggers."""
        plain = {name: decode(documents) for name, documents in collections.items()}
        await self.suite.control.seed(plain, replace=False, triggers=False)

    async def idle(self) -> None:
        """Wait until nothing is queued or running."""
        running = await self.suite.control.idle(READY_WAIT_S)
        assert running == []


async def running_suite(project: Path, **overrides: Any) -> AsyncIterator[RunningSuite]:
    """Start a suite over a project with free ports and a clock that stands still."""
    clock = ManualClock()
    config = load_config(project, {"port": 0, "site_port": 0, "ephemeral": True, **overrides})
    suite = Suite(config, clock=clock)
    await suite.start()
    try:
        yield RunningSuite(suite, clock)
    finally:
        await suite.stop()


@pytest.fixture
async def cloud_suite() -> AsyncIterator[RunningSuite]:
    """A suite over this repository's own examples, in this process, without their data."""
    async for running in running_suite(ROOT, seed=()):
        yield running


@pytest.fixture
def start_project(tmp_path: Path):
    """Start a suite over files the test writes: `async with start_project(files) as it`."""
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def start(files: dict[str, str], **overrides: Any) -> AsyncIterator[RunningSuite]:
        for name, text in files.items():
            path = tmp_path / "project" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        async for running in running_suite(tmp_path / "project", **overrides):
            yield running

    return start


@dataclass
class SuiteProcess:
    """A suite in a process of its own, started by the command line."""

    process: "subprocess.Popen[str]"
    ready: dict[str, Any]

    @property
    def url(self) -> str:
        return str(self.ready["urls"]["api"])

    @property
    def site_url(self) -> str:
        return str(self.ready["urls"]["site"])

    @property
    def env(self) -> dict[str, str]:
        return dict(self.ready["variables"])


def start_process(project: Path, *options: str) -> SuiteProcess:
    """Start `cloud-emu start` and wait until it says that it is ready."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "emulator", "start", str(project), "--json"),
            *("--port", "0", "--site-port", "0", *options),
        ],
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    for line in process.stdout:
        told = json.loads(line)
        if told["event"] == "ready":
            return SuiteProcess(process, told)
    raise AssertionError(f"the suite ended with {process.wait()} before it was ready")


def stop_process(running: SuiteProcess) -> None:
    """Stop the suite as Ctrl-C does, and take its output off the pipe."""
    running.process.terminate()
    running.process.communicate(timeout=READY_WAIT_S)


@pytest.fixture(scope="session")
def suite_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SuiteProcess]:
    """A suite over this repository's own examples, in its own process, keeping nothing."""
    running = start_process(ROOT, "--ephemeral")
    drained = _drain(running)
    yield running
    stop_process_drained(running, drained)


def _drain(running: SuiteProcess):
    """Read what the suite prints so that its pipe never fills."""
    import threading

    stdout = running.process.stdout
    assert stdout is not None
    thread = threading.Thread(target=lambda: [None for _ in stdout], daemon=True)
    thread.start()
    return thread


def stop_process_drained(running: SuiteProcess, drained) -> None:
    """Stop a suite whose output a thread reads."""
    running.process.terminate()
    running.process.wait(timeout=READY_WAIT_S)
    drained.join(timeout=READY_WAIT_S)
    assert running.process.stdout is not None
    running.process.stdout.close()


def own_address() -> str:
    """Return an address of this machine by which it is a stranger to its own suite."""
    from emulator.cli.lan import addresses

    found = [each for each in addresses() if ":" not in each]
    if not found:
        pytest.skip("skipped: needs a network card, connected or not")
    return found[0]


async def eventually(true, timeout_s: float = 10.0) -> None:
    """Wait for a condition, bounded; for what other threads or processes do."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    while not true():
        assert loop.time() < deadline, "the condition never came to hold"
        await asyncio.sleep(0.005)
