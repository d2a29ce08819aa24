"""A runtime whose functions are coroutines of the test, and the services around it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest

from emulator.ambient import CountedIds, ManualClock
from emulator.functions.base import (
    Bundle,
    Failure,
    Generation,
    Invocation,
    LoadFailed,
    Outcome,
    Problem,
)
from emulator.services.bus import Bus
from emulator.services.functions import Functions
from emulator.services.handed import Place
from emulator.services.recorder import Recorder
from emulator.services.registry import Registry

Handler = Callable[[Any, Invocation], Awaitable[Any]]


@dataclass
class ScriptedGeneration:
    bundle: Bundle
    handler: Handler
    current: bool = True

    def is_current(self) -> bool:
        return self.current


class ScriptedRuntime:
    """Runs what the test wrote down for a function; a `Problem` in its place fails to load."""

    def __init__(self) -> None:
        self.code: dict[str, Handler | Problem] = {}
        self.retired: list[ScriptedGeneration] = []
        self.loaded: list[ScriptedGeneration] = []

    async def load(self, bundle: Bundle) -> Generation:
        code = self.code[bundle.name]
        if isinstance(code, Problem):
            raise LoadFailed(code, [("error", "said while it loaded")])
        self.loaded.append(ScriptedGeneration(bundle, code))
        return self.loaded[-1]

    async def call(self, generation: Generation, invocation: Invocation) -> Outcome:
        assert isinstance(generation, ScriptedGeneration)
        try:
            result = await generation.handler(invocation.event, invocation)
        except Exception as fault:
            failure = Failure(kind="exception", message=str(fault), stack="")
            return Outcome(result=b"null", failure=failure, duration_ms=1.0)
        return Outcome(result=orjson.dumps(result), failure=None, duration_ms=1.0)

    def retire(self, generation: Generation) -> None:
        assert isinstance(generation, ScriptedGeneration)
        self.retired.append(generation)

    def running(self) -> Sequence[str]:
        return ()

    async def close(self) -> None:
        return None


class NoTransport:
    def submit(self, command: Any) -> "Future[Any]":
        raise AssertionError(f"no command expected: {command}")


def bundle(name: str, *, digest: str = "1", **settings: Any) -> Bundle:
    folder = Path("functions") / name
    return Bundle(
        name=name,
        folder=folder,
        language="python",
        entry=folder / "index.py",
        handlers=("main",),
        digest=digest,
        **settings,
    )


@dataclass
class Stage:
    """The services a function call crosses, around a scripted runtime."""

    clock: ManualClock = field(default_factory=ManualClock)
    runtime: ScriptedRuntime = field(default_factory=ScriptedRuntime)
    bus: Bus = field(default_factory=Bus)
    on_disk: dict[str, Bundle] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.recorder = Recorder(self.clock)
        place = Place(env_id="test-env", appid="wxtest", region="ap-shanghai", variables={})
        runtimes = {"python": self.runtime, "node": self.runtime}
        self.registry = Registry(
            runtimes,
            recorder=self.recorder,
            rediscover=self.on_disk.get,
            variables_of=place.variables_of,
        )
        self.functions = Functions(
            runtimes,
            self.registry,
            place=place,
            clock=self.clock,
            ids=CountedIds(),
            recorder=self.recorder,
        )
        self.functions.connect(lambda caller, request_id: NoTransport())

    async def save(self, name: str, code: Handler | Problem, **settings: Any) -> None:
        """Put a function on disk and tell the registry, as the watcher would."""
        self.place_on_disk(name, code, **settings)
        await self.registry.reload(name)

    def place_on_disk(self, name: str, code: Handler | Problem, **settings: Any) -> None:
        """Put a function on disk and tell nobody."""
        self.runtime.code[name] = code
        digest = str(len(self.runtime.loaded) + len(self.runtime.code) + len(settings))
        old = self.on_disk.get(name)
        self.on_disk[name] = bundle(name, digest=f"{old.digest if old else ''}{digest}", **settings)

    def lines(self) -> list[str]:
        return [entry.line for entry in self.recorder.logs(limit=1000)]


@pytest.fixture
async def stage() -> Stage:
    made = Stage()
    made.recorder.attach(asyncio.get_running_loop())
    return made


async def eventually(true: Callable[[], bool], turns: int = 200) -> None:
    """Let the loop turn until the condition holds; fails after a bounded number of turns."""
    for _ in range(turns):
        if true():
            return
        await asyncio.sleep(0)
    raise AssertionError("the condition never came to hold")
