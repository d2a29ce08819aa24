"""Owns which functions there are and which generation of each serves.

Not here: calls (`services.functions`) and how code is loaded (`functions/`). The one idea: code
that does not load leaves the last good generation serving, and calls under way keep theirs until
they end.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, replace
from typing import Literal

from emulator.core.errors import FunctionNotFound
from emulator.core.records import dataclass
from emulator.functions.base import (
    Bundle,
    FunctionRuntime,
    Generation,
    LoadFailed,
    NeedsProcess,
    Problem,
)
from emulator.services.instances import Lifetimes
from emulator.services.recorder import Recorder

State = Literal["ready", "failed", "idle"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionState:
    """What can be told about one function."""

    bundle: Bundle
    state: State
    problem: Problem | None
    generation: int


@dataclass(slots=True)
class Registered:
    """One function: its bundle, and the generation that serves."""

    bundle: Bundle
    variables: Mapping[str, str]
    generation: Generation | None = None
    number: int = 0
    problem: Problem | None = None
    failed_digest: str = ""
    explained: int = -1
    is_moved: bool = False
    loaded_ms: int = 0
    used_ms: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    calls: dict[int, int] = field(default_factory=dict)


class Registry:
    """The functions of one environment by name."""

    def __init__(
        self,
        runtimes: Mapping[str, FunctionRuntime],
        *,
        recorder: Recorder,
        rediscover: Callable[[str], Bundle | None],
        variables_of: Callable[[Bundle], Mapping[str, str]],
        lifetimes: Lifetimes | None = None,
    ) -> None:
        self._lifetimes = lifetimes if lifetimes is not None and lifetimes.are_bounded else None
        self._runtimes = runtimes
        self._recorder = recorder
        self._rediscover = rediscover
        self._variables_of = variables_of
        self._registered: dict[str, Registered] = {}
        self._looked_at: dict[int, Generation] = {}

    async def load_all(self, bundles: Iterable[Bundle]) -> None:
        """Take these bundles as the project's functions and load their code, side by side."""
        found = {bundle.name: bundle for bundle in bundles}
        for name in self._registered.keys() - found.keys():
            self._forget(name)
        async with asyncio.TaskGroup() as group:
            for bundle in found.values():
                group.create_task(self._take(bundle))

    async def reload(self, name: str) -> None:
        """Look again at one function's folder: new, changed or gone."""
        bundle = self._rediscover(name)
        if bundle is not None:
            await self._take(bundle)
        elif name in self._registered:
            self._forget(name)
            self._recorder.notice("removed", f"function {name} is gone", function=name)

    async def move(self, name: str) -> Registered:
        """Have a Python function run in a process of its own from now on, as debuggers need.

        Raises:
            FunctionNotFound: no such function.
        """
        known = await self.current(name)
        if not known.is_moved:
            async with known.lock:
                known.is_moved = True
                await self._load(known, known.bundle)
        return known

    async def restart(self, name: str) -> None:
        """Have the next call of a function begin with nothing in memory.

        Raises:
            FunctionNotFound: no such function.
        """
        known = await self.current(name)
        async with known.lock:
            await self._load(known, known.bundle)

    async def cold(self, name: str) -> tuple[Registered, Generation | None]:
        """Return a function and an instance of its code that is for one call alone.

        Raises:
            FunctionNotFound: no such function.
        """
        known = await self.current(name)
        warm = known.generation
        if warm is None:
            return known, None
        try:
            return known, await self._runtimes[warm.bundle.engine].load(warm.bundle)
        except LoadFailed as fault:
            known.problem = fault.problem
            return known, None

    async def _use(self, known: Registered, lifetimes: Lifetimes) -> None:
        """Note that an instance is used, another one if that one has lived long enough."""
        if known.loaded_ms == 0:
            known.loaded_ms = known.used_ms = lifetimes.now_ms()
        async with known.lock:
            if lifetimes.is_over(loaded_ms=known.loaded_ms, used_ms=known.used_ms):
                await self._load(known, known.bundle)
            known.used_ms = lifetimes.now_ms()

    def states(self) -> list[FunctionState]:
        """Return every function by name."""
        return [
            FunctionState(
                bundle=each.bundle,
                state=_state(each),
                problem=each.problem or next(iter(each.bundle.problems), None),
                generation=each.number,
            )
            for _, each in sorted(self._registered.items())
        ]

    def bundles(self) -> list[Bundle]:
        """Return the bundles as last found, by name."""
        return [each.bundle for _, each in sorted(self._registered.items())]

    def lasting(self, name: str) -> Registered | None:
        """Return the function if it serves at once: of an instance as old as it likes."""
        return None if self._lifetimes is not None else self._ready(name)

    async def current(self, name: str) -> Registered:
        """Return the function with the code that lies on disk now, or the last good one.

        Raises:
            FunctionNotFound: no such function, in memory or on disk.
        """
        known = self._ready(name)
        if known is not None:
            if self._lifetimes is not None:
                await self._use(known, self._lifetimes)
            return known
        bundle = self._rediscover(name)
        if bundle is not None:
            await self._take(bundle)
        known = self._registered.get(name)
        if known is None:
            raise FunctionNotFound.named(name, hint=self._near(name))
        return known

    def _ready(self, name: str) -> Registered | None:
        """Return the function if what is in memory is what lies on disk."""
        known = self._registered.get(name)
        if known is None or known.generation is None or not self._serves(known.generation):
            return None
        return known

    def _serves(self, generation: Generation) -> bool:
        """Tell whether a generation is what lies on disk, looking once a turn of the event loop.

        Requests handled in one turn had all arrived when it began; looking again for each of them
        would cost more than the rest of a call.
        """
        if id(generation) in self._looked_at:
            return True
        if not generation.is_current():
            return False
        if not self._looked_at:
            asyncio.get_running_loop().call_soon(self._looked_at.clear)
        self._looked_at[id(generation)] = generation
        return True

    def hold(self, known: Registered, generation: Generation) -> None:
        """Keep the generation for the time of a call, however often it is replaced meanwhile."""
        number = id(generation)
        known.calls[number] = known.calls.get(number, 0) + 1

    def release(self, known: Registered, generation: Generation) -> None:
        """Let go at the end of the call; the last one to leave a replaced generation retires it."""
        number = id(generation)
        left = known.calls[number] - 1
        if left:
            known.calls[number] = left
            return
        del known.calls[number]
        if generation is not known.generation:
            self._runtimes[generation.bundle.engine].retire(generation)

    async def _take(self, bundle: Bundle) -> None:
        known = self._registered.get(bundle.name)
        if known is None:
            known = Registered(bundle, self._variables_of(bundle))
            self._registered[bundle.name] = known
        async with known.lock:
            generation = known.generation
            if generation is not None:
                if bundle.digest == known.failed_digest:
                    return
                if bundle.digest == generation.bundle.digest and generation.is_current():
                    known.problem = None
                    return
            await self._load(known, bundle)

    async def _load(self, known: Registered, bundle: Bundle) -> None:
        known.bundle = bundle
        known.variables = self._variables_of(bundle)
        if known.is_moved:
            bundle = replace(bundle, runtime="process")
        runtime = self._runtimes.get(bundle.engine)
        try:
            if runtime is None:
                raise LoadFailed(_no_runtime(bundle))
            try:
                generation = await runtime.load(bundle)
            except NeedsProcess as fault:
                generation = await self._load_in_process(bundle, fault)
        except LoadFailed as fault:
            for level, line in fault.lines:
                self._recorder.log(level, line, function=bundle.name)
            self._keep_last_good(known, bundle, fault.problem)
            return
        old, known.generation = known.generation, generation
        known.problem, known.failed_digest = None, ""
        known.number += 1
        if self._lifetimes is not None:
            known.loaded_ms = known.used_ms = self._lifetimes.now_ms()
        if old is not None:
            if id(old) not in known.calls:
                self._runtimes[old.bundle.engine].retire(old)
            self._recorder.notice(
                "reloaded", f"function {bundle.name} reloaded", function=bundle.name
            )

    async def _load_in_process(self, bundle: Bundle, why: NeedsProcess) -> Generation:
        moved = replace(bundle, runtime="process")
        runtime = self._runtimes.get(moved.engine)
        if runtime is None:
            raise why
        generation = await runtime.load(moved)
        self._recorder.notice(
            "in_process",
            f"function {bundle.name} runs in a process of its own: {why.problem.message}",
            function=bundle.name,
        )
        return generation

    def _keep_last_good(self, known: Registered, bundle: Bundle, problem: Problem) -> None:
        known.problem = problem
        known.failed_digest = bundle.digest
        serving = "; the last good code goes on serving" if known.generation else ""
        self._recorder.notice(
            "load_failed",
            f"function {bundle.name} did not load: {pointed(problem)}{serving}",
            function=bundle.name,
            level="error",
        )

    def _forget(self, name: str) -> None:
        known = self._registered.pop(name)
        generation = known.generation
        if generation is not None and id(generation) not in known.calls:
            self._runtimes[generation.bundle.engine].retire(generation)
        # A call under way sees that its generation no longer serves and retires it at its end.
        known.generation = None

    def _near(self, name: str) -> str:
        same = [known for known in self._registered if known.lower() == name.lower()]
        if same:
            return f"there is {same[0]}: names are case-sensitive"
        return "functions found: " + (", ".join(sorted(self._registered)) or "none")


def pointed(problem: Problem) -> str:
    """Return a problem as `file:line: message`."""
    return f"{problem.place}: {problem.message}"


def _state(known: Registered) -> State:
    if known.problem is not None:
        return "failed"
    return "idle" if known.generation is None else "ready"


def _no_runtime(bundle: Bundle) -> Problem:
    return Problem(
        file=bundle.entry.name,
        line=0,
        message=f"{bundle.engine} functions are not available in this version",
    )
