"""Measure calls of Python functions in process, beside what asyncio itself would charge.

Rows are (name, figure, unit, peer, ratio); each pair is taken in turns within the same run, so that
the ratio survives a busy machine. `python benchmarks/functions.py [--json]`.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from emulator.ambient import SystemClock
from emulator.cloud.session import Session
from emulator.functions.base import Bundle, Invocation
from emulator.functions.python_inline import PythonInlineRuntime

CALLERS = 32
CALLS = 6_400
ROUNDS = 5

CODE = {
    "asynchronous": "async def main(event, context):\n    return {}\n",
    "blocking": "def main(event, context):\n    return {}\n",
    "sleeping": "import time\n\n\ndef main(event, context):\n    time.sleep(0.002)\n    return {}\n",
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


async def measure(root: Path) -> list[tuple[str, float, str, str, float]]:
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

    rows = []
    ours, peer = await pair(call("asynchronous"), bare)
    over = ours[1] - peer[1]
    rows.append(("async call, 32 callers, processor", ours[1], "us", "await a coroutine", over))
    rows.append(("async call, 32 callers", 1e6 / ours[0], "calls/s", "await a coroutine", over))
    ours, peer = await pair(call("asynchronous"), threaded, callers=1, calls=2_000)
    rows.append(("async call, 1 caller", ours[0], "us", "run_in_executor", ours[0] / peer[0]))
    ours, peer = await pair(call("blocking"), threaded)
    rate = peer[0] / ours[0]
    rows.append(("sync call, 32 callers", 1e6 / ours[0], "calls/s", "run_in_executor", rate))
    rows.append(
        ("sync call, 32 callers, processor", ours[1], "us", "run_in_executor", ours[1] / peer[1])
    )
    ours, peer = await pair(call("blocking"), threaded, callers=1, calls=2_000)
    rows.append(("sync call, 1 caller", ours[0], "us", "run_in_executor", ours[0] / peer[0]))
    ours, peer = await pair(call("sleeping"), threaded_sleep, calls=1_600)
    rate = peer[0] / ours[0]
    rows.append(("sync call of 2 ms, 32 callers", 1e6 / ours[0], "calls/s", "run_in_executor", rate))
    await runtime.close()
    return rows


def _drop(level: str, line: str) -> None:
    return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        rows = asyncio.run(measure(Path(root)))
    if options.json:
        print(json.dumps([dict(zip(("name", "figure", "unit", "peer", "ratio"), row, strict=True)) for row in rows]))
        return
    for name, figure, unit, peer, ratio in rows:
        print(f"{name:36} {figure:12.1f} {unit:8} {peer:20} {ratio:8.2f}")


if __name__ == "__main__":
    main()
