"""A Python runtime over functions that the test writes, and what they logged."""

import asyncio
import json
import os
import textwrap
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from emulator.ambient import SystemClock
from emulator.cloud.session import Session
from emulator.functions.base import (
    MANNER_USUAL,
    Bundle,
    Generation,
    Invocation,
    Manner,
    Outcome,
)
from emulator.functions.bundle import find
from emulator.functions.python_inline import PythonInlineRuntime
from emulator.functions.python_loops import MakeLoop

WAIT_S = 10.0


class EchoTransport:
    """Carries out nothing; answers every command with itself, at once."""

    def submit(self, command: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        future.set_result(command)
        return future


@dataclass
class Stage:
    """A runtime, a folder of functions, and the lines that calls logged."""

    root: Path
    runtime: PythonInlineRuntime
    lines: list[tuple[str, str]] = field(default_factory=list)
    saves: int = 0

    def write(self, name: str, code: str, **files: str) -> Bundle:
        """Save a function: its index.py, and other files by name without the ending."""
        for file, text in {"index": code, **files}.items():
            self.save(f"{name}/{file.replace('__', '/')}.py", text)
        return self.bundle(name)

    def save(self, path: str, text: str) -> Path:
        """Save one file, with a time of change of its own."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        # File systems tick in milliseconds; a test may save twice within one.
        self.saves += 1
        changed_ns = file.stat().st_mtime_ns + self.saves * 1_000_000
        os.utime(file, ns=(changed_ns, changed_ns))
        return file

    def bundle(self, name: str) -> Bundle:
        found = find(self.root, name)
        assert found is not None
        return found

    async def load(self, name: str, code: str, **files: str) -> Generation:
        return await self.runtime.load(self.write(name, code, **files))

    async def call(
        self,
        generation: Generation,
        event: Any = None,
        *,
        timeout_s: float = WAIT_S,
        variables: dict[str, str] | None = None,
        request_id: str = "request-1",
        lines: list[tuple[str, str]] | None = None,
        manner: Manner = MANNER_USUAL,
    ) -> Outcome:
        kept = self.lines if lines is None else lines

        def log(level: str, line: str) -> None:
            kept.append((level, line))

        session = Session(
            transport=EchoTransport(),
            env_id="test-env",
            wx_context={"OPENID": "oUser"},
            request_id=request_id,
            log=log,
        )
        return await self.runtime.call(
            generation,
            Invocation(
                request_id=request_id,
                event=event,
                context={"request_id": request_id},
                variables=variables or {},
                session=session,
                timeout_s=timeout_s,
                log=log,
                manner=manner,
            ),
        )

    async def result(self, generation: Generation, event: Any = None, **options: Any) -> Any:
        """Call and return the result; a failure fails the test."""
        outcome = await self.call(generation, event, **options)
        assert outcome.failure is None, outcome.failure
        return json.loads(outcome.result)

    async def run(self, code: str, event: Any = None, **options: Any) -> Any:
        """Save a function, load it and return what one call of it answers."""
        return await self.result(await self.load("fn", code), event, **options)

    async def fail(self, code: str, **options: Any) -> Any:
        """Save a function, load it and return how one call of it fails."""
        outcome = await self.call(await self.load("fn", code), **options)
        assert outcome.failure is not None
        return outcome.failure


def loop_kinds() -> list[Any]:
    """Return how loops may be made here: the standard ones, and fast ones where there are some."""
    kinds = [pytest.param(asyncio.new_event_loop, id="asyncio")]
    with suppress(ImportError):
        import uvloop  # no Windows has it

        kinds.append(pytest.param(uvloop.new_event_loop, id="uvloop"))
    return kinds


@pytest.fixture(params=loop_kinds())
def any_loop(request: pytest.FixtureRequest) -> MakeLoop:
    made: MakeLoop = request.param
    return made


@pytest.fixture
def make_loop() -> MakeLoop | None:
    """Return how the loops of functions are made; None is as the suite's own."""
    return None


@pytest.fixture
async def stage(tmp_path: Path, make_loop: MakeLoop | None) -> AsyncIterator[Stage]:
    runtime = PythonInlineRuntime(clock=SystemClock(), load_timeout_s=WAIT_S, make_loop=make_loop)
    yield Stage(tmp_path / "functions", runtime)
    await runtime.close()


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], Any]:
    """Wait for a condition, bounded; for what other threads do."""

    async def wait(true: Callable[[], bool]) -> None:
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + WAIT_S
        while not true():
            assert loop.time() < deadline_s, "the condition never came to hold"
            await asyncio.sleep(0.002)

    return wait
