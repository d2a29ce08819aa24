"""Python functions in processes that the test writes, and what they logged and asked."""

import asyncio
import json
import os
import textwrap
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from emulator.ambient import SystemClock, SystemIds
from emulator.cloud.session import Session
from emulator.functions.base import Bundle, Generation, Invocation, Outcome
from emulator.functions.bundle import find
from emulator.functions.python_process import PythonProcessRuntime

WAIT_S = 30.0


@dataclass
class Transport:
    """Answers every command with what the test made of it."""

    answer: Callable[[Any], Any] = lambda command: command
    commands: list[Any] = field(default_factory=list)

    def submit(self, command: Any) -> "Future[Any]":
        self.commands.append(command)
        future: Future[Any] = Future()
        try:
            future.set_result(self.answer(command))
        except Exception as fault:
            future.set_exception(fault)
        return future


@dataclass
class Stage:
    """A runtime, a folder of functions, and the lines that calls logged, by request."""

    root: Path
    runtime: PythonProcessRuntime
    transport: Transport = field(default_factory=Transport)
    lines: list[tuple[str, str, str]] = field(default_factory=list)
    saves: int = 0
    calls: int = 0

    def save(self, path: str, text: str) -> Path:
        """Save one file, with a time of change of its own."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        self.saves += 1
        changed_ns = file.stat().st_mtime_ns + self.saves * 1_000_000
        os.utime(file, ns=(changed_ns, changed_ns))
        return file

    def bundle(self, name: str = "fn") -> Bundle:
        found = find(self.root, name)
        assert found is not None
        return found

    async def load(self, code: str | None = None, name: str = "fn") -> Generation:
        if code is not None:
            self.save(f"{name}/index.py", code)
        return await self.runtime.load(self.bundle(name))

    async def call(
        self, generation: Generation, event: Any = None, *, timeout_s: float = WAIT_S
    ) -> Outcome:
        self.calls += 1
        request_id = f"r{self.calls}"

        def log(level: str, line: str) -> None:
            self.lines.append((request_id, level, line))

        return await self.runtime.call(
            generation,
            Invocation(
                request_id=request_id,
                event=event,
                context={},
                variables={},
                session=Session(
                    transport=self.transport,
                    env_id="env",
                    wx_context={"OPENID": "oAda"},
                    request_id=request_id,
                    log=log,
                ),
                timeout_s=timeout_s,
                log=log,
            ),
        )

    async def result(self, generation: Generation, event: Any = None, **options: Any) -> Any:
        outcome = await self.call(generation, event, **options)
        assert outcome.failure is None, outcome.failure
        return json.loads(outcome.result)

    async def run(self, code: str, event: Any = None, **options: Any) -> Any:
        """Load and call."""
        return await self.result(await self.load(code), event, **options)

    async def failure(self, code: str, event: Any = None, **options: Any) -> Any:
        outcome = await self.call(await self.load(code), event, **options)
        assert outcome.failure is not None, outcome.result
        return outcome.failure

    async def idle(self) -> None:
        async with asyncio.timeout(WAIT_S):
            while self.runtime.running():
                await asyncio.sleep(0.005)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage of its own for the test."""
    runtime = PythonProcessRuntime(clock=SystemClock(), ids=SystemIds())
    yield Stage(tmp_path / "functions", runtime)
    await runtime.close()
