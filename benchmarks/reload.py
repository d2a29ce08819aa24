"""How long after a save the new code answers, through HTTP, debounce included.

`rows()` yields (name, figure, unit, peer, ratio). The peer is a bare HTTP call of the same function
before anything was saved. The second half repeats it with 4,000 folders of node_modules beside the
code.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp

SAVES = 40
FOLDERS = 4000
ANSWER_WAIT_S = 10
Row = tuple[str, float, str, str, float | None]


def rows(*, full: bool = False) -> Iterator[Row]:
    del full
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        code = project / "functions/f/index.py"
        code.parent.mkdir(parents=True)
        code.write_text("def main(event, context):\n    return 0\n")
        yield from _measure(project, code, "save to new answer")
        for number in range(FOLDERS):
            (code.parent / f"node_modules/p{number}").mkdir(parents=True)
        yield from _measure(project, code, f"the same beside {FOLDERS} folders of node_modules")


def _measure(project: Path, code: Path, name: str) -> Iterator[Row]:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "emulator", "start", str(project), "--json", "--ephemeral"),
            *("--port", "0", "--site-port", "0"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        begun = time.perf_counter()
        ready = next(
            told for line in process.stdout if (told := json.loads(line))["event"] == "ready"
        )
        started_ms = (time.perf_counter() - begun) * 1000
        call_ms, saves_ms = asyncio.run(_saves(ready["urls"]["api"], code))
    finally:
        process.terminate()
        process.communicate()
    median = statistics.median(saves_ms)
    yield (f"{name}: median", median, "ms", "a call without a save", median / call_ms)
    yield (f"{name}: p95", sorted(saves_ms)[round(len(saves_ms) * 0.95) - 1], "ms", "", None)
    yield (f"{name}: start to ready", started_ms, "ms wall", "", None)


async def _saves(url: str, code: Path) -> tuple[float, list[float]]:
    async with aiohttp.ClientSession() as session:

        async def answer() -> int:
            body = {"action": "functions.invokeFunction", "function_name": "f", "request_data": ""}
            async with session.post(f"{url}/admin", data=json.dumps(body)) as response:
                return int(json.loads((await response.json())["data"]["response_data"]))

        calls = []
        for _ in range(SAVES):
            begun = time.perf_counter()
            await answer()
            calls.append((time.perf_counter() - begun) * 1000)
        saves = []
        for number in range(1, SAVES + 1):
            code.write_text(f"def main(event, context):\n    return {number}\n")
            begun = time.perf_counter()
            while await answer() != number:
                assert time.perf_counter() - begun < ANSWER_WAIT_S, "the new code never answered"
            saves.append((time.perf_counter() - begun) * 1000)
            await asyncio.sleep(0.05)
        return statistics.median(calls), saves


if __name__ == "__main__":
    for row in rows():
        print(*row)
