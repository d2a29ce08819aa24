"""Measure calls of Python functions in process, beside what asyncio itself would charge.

`rows()` yields (name, figure, unit, peer, ratio); each pair is taken in turns within the same run,
so that the ratio survives a busy machine. A ratio of calls/s above 1 is faster than the peer, a
ratio of microseconds below 1 is cheaper. `python benchmarks/functions.py [--json]`.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from emulator.ambient import SystemClock
from emulator.cloud.session import Session
from emulator.functions.base import Bundle, Invocation
from emulator.functions.python_inline import PythonInlineRuntime

Row = tuple[str, float, str, str, float | None]

CALLERS = 32
CALLS = 6_400
ROUNDS = 5

CODE = {
    "asynchronous": "async def main(event, context):\n    return {}\n",
    "blocking": "def main(event, context):\n    return {}\n",
    "sleeping": "import time\ndef main(event, context):\n    time.sleep(0.002)\n    return {}\n",
}


class NoTransport:
    def submit(self, command: Any) -> Any:
        raise NotImplementedError


def bundle_of(root: Path, name: str) -> Bundle:
    folder = root / name
    folder.mkdir()
    entry = folder / "index.py"
    entry.write_text(CODE[name])
    return Bundle(name=name, folder=folder, language="python", entry=entry, handlers=("main",))


async def cost(call: Callable[[], Awaitable[Any]], callers: int, calls: int) -> tuple[float, float]:
    """Return wall and processor microseconds of one call."""

    async def caller() -> None:
        for _ in range(calls // callers):
            await call()

    wall, processor = time.perf_counter(), time.process_time()
    await asyncio.gather(*(caller() for _ in range(callers)))
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    return wall / calls * 1e6, processor / calls * 1e6


async def pair(
    ours: Callable[[], Awaitable[Any]],
    peer: Callable[[], Awaitable[Any]],
    callers: int = CALLERS,
    calls: int = CALLS,
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Take both in turns; return the medians of (wall, processor)."""
    taken: tuple[list[tuple[float, float]], list[tuple[float, float]]] = ([], [])
    for _ in range(ROUNDS):
        taken[0].append(await cost(ours, callers, calls))
        taken[1].append(await cost(peer, callers, calls))
    medians = [
        (statistics.median(wall for wall, _ in rows), statistics.median(cpu for _, cpu in rows))
        for rows in taken
    ]
    return medians[0], medians[1]


def rows(*, full: bool = False) -> Iterator[Row]:
    """Yield what was measured."""
    del full
    with tempfile.TemporaryDirectory() as root:
        yield from asyncio.run(_measure(Path(root)))


async def _measure(root: Path) -> list[Row]:
    runtime = PythonInlineRuntime(clock=SystemClock())
    session = Session(
        transport=NoTransport(), env_id="bench", wx_context={}, request_id="1", log=_drop
    )
    generations = {name: await runtime.load(bundle_of(root, name)) for name in CODE}
    loop = asyncio.get_running_loop()

    def call(name: str) -> Callable[[], Awaitable[Any]]:
        generation = generations[name]

        async def once() -> None:
            invocation = Invocation(
                request_id="1",
                event={},
                context={},
                variables={},
                session=session,
                timeout_s=3.0,
                log=_drop,
            )
            outcome = await runtime.call(generation, invocation)
            assert outcome.failure is None, outcome.failure

        return once

    async def coroutine() -> dict[str, Any]:
        return {}

    async def bare() -> None:
        await coroutine()

    async def threaded() -> None:
        await loop.run_in_executor(None, dict)

    async def threaded_sleep() -> None:
        await loop.run_in_executor(None, time.sleep, 0.002)

    found: list[Row] = []

    def rate(name: str, ours: tuple[float, float], peer: tuple[float, float], whose: str) -> None:
        found.append((f"{name}: calls", 1e6 / ours[0], "/s", whose, peer[0] / ours[0]))
        found.append((f"{name}: processor", ours[1], "us", whose, ours[1] / peer[1]))

    ours, peer = await pair(call("asynchronous"), bare)
    over = ours[1] - peer[1]
    found.append(("async, 32 callers: over a bare await", over, "us", "await a coroutine", None))
    rate("async, 32 callers", ours, await _alone(threaded), "run_in_executor")
    rate("sync, 32 callers", *await pair(call("blocking"), threaded), "run_in_executor")
    slow = await pair(call("sleeping"), threaded_sleep, calls=1_600)
    rate("sync of 2 ms, 32 callers", *slow, "run_in_executor")
    for name in ("asynchronous", "blocking"):
        ours, peer = await pair(call(name), threaded, callers=1, calls=2_000)
        found.append((f"{name}, 1 caller", ours[0], "us", "run_in_executor", ours[0] / peer[0]))
    await runtime.close()
    return found


async def _alone(peer: Callable[[], Awaitable[Any]]) -> tuple[float, float]:
    return (await pair(peer, peer))[1]


def _drop(level: str, line: str) -> None:
    return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.json:
        names = ("name", "figure", "unit", "peer", "ratio")
        print(json.dumps([dict(zip(names, row, strict=True)) for row in rows()]))
        return
    for name, figure, unit, peer, ratio in rows():
        print(f"{name:38} {figure:12.1f} {unit:6} {peer:20} {ratio or 0:8.2f}")


if __name__ == "__main__":
    main()
