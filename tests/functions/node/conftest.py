"""A Node runtime over functions that the test writes, and what they logged."""

import asyncio
import json
import os
import textwrap
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from emulator.ambient import SystemClock, SystemIds
from emulator.cloud.session import Session
from emulator.functions.base import Bundle, Generation, Invocation, LoadFailed, Outcome, Problem
from emulator.functions.bundle import find
from emulator.functions.node_process import NodeProcessRuntime

WAIT_S = 30.0


class NoTransport:
    def submit(self, command: Any) -> "Future[Any]":
        raise NotImplementedError


@dataclass
class Stage:
    """A runtime, a folder of functions, and the lines that calls logged, by request."""

    root: Path
    runtime: NodeProcessRuntime
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
            self.save(f"{name}/index.js", code)
        return await self.runtime.load(self.bundle(name))

    async def problem(self, code: str | None = None, name: str = "fn") -> Problem:
        with pytest.raises(LoadFailed) as failed:
            await self.load(code, name)
        return failed.value.problem

    async def call(
        self,
        generation: Generation,
        event: Any = None,
        *,
        timeout_s: float = WAIT_S,
        variables: Mapping[str, str] | None = None,
        wx_context: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
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
                context=context or {},
                variables=variables or {},
                session=Session(
                    transport=NoTransport(),
                    env_id="env",
                    wx_context=wx_context or {},
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

    async def eventually(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not holds():
                await asyncio.sleep(0.005)

    async def idle(self) -> None:
        await self.eventually(lambda: not self.runtime.running())


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage of its own for the test."""
    runtime = NodeProcessRuntime(
        clock=SystemClock(), ids=SystemIds(), shared=tmp_path / "data" / "node"
    )
    yield Stage(tmp_path / "functions", runtime)
    await runtime.close()
