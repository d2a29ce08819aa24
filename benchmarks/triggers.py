"""Triggers: a month of a timer in one go, and a burst of changes with and without a trigger.

python benchmarks/triggers.py
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from emulator.config import load_config
from emulator.core.commands import CreateCollection, Insert
from emulator.services.caller import ADMINISTRATOR, Caller
from emulator.suite import Suite

Row = tuple[str, float, str, str, float | None]

DAYS = 30
BURST_DOCUMENTS = 1_000
ROUNDS = 9
CALLS = 10_000
FUNCTIONS = {
    "tick/index.py": "def main(event, context):\n    return None\n",
    "tick/config.json": json.dumps(
        {"triggers": [{"name": "minute", "type": "timer", "config": "0 * * * * * *"}]}
    ),
    "heard/index.py": (
        "seen = []\n"
        "def main(event, context):\n"
        "    seen.extend(each['docId'] for each in event.get('dataList', ()))\n"
        "    return seen if event.get('tell') else None\n"
    ),
    "heard/config.json": json.dumps(
        {"triggers": [{"name": "each", "type": "database", "config": {"collection": "heard"}}]}
    ),
}


def rows(*, full: bool = False) -> Iterator[Row]:
    """Yield name, figure, unit, what the peer is and the ratio to it."""
    figures = asyncio.run(_measure(90 if full else DAYS))
    days, count = figures["days"], figures["fired"]
    yield (f"advance {days} days, {count} firings", figures["advance_s"], "s", "", None)
    yield (f"advance {days} days, CPU", figures["advance_cpu_s"], "s", "", None)
    yield (
        "one firing, CPU",
        figures["advance_cpu_s"] / count * 1e6,
        "us",
        "a bare call",
        figures["advance_cpu_s"] / count / figures["call_cpu_s"],
    )
    yield (
        f"{BURST_DOCUMENTS} inserts with a trigger",
        figures["heard_s"],
        "s",
        "without one",
        figures["slower"],
    )
    yield ("until idle", figures["idle_s"], "s", "", None)


async def _measure(days: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        for name, text in FUNCTIONS.items():
            path = Path(folder) / "functions" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        config = load_config(Path(folder), {"port": 0, "site_port": 0, "ephemeral": True})
        suite = Suite(config)
        await suite.start()
        try:
            return {**await _advance(suite, days), **await _burst(suite)}
        finally:
            await suite.stop()


async def _advance(suite: Suite, days: int) -> dict[str, Any]:
    clockwork = suite.parts.clockwork
    await clockwork.freeze()
    await clockwork.set(1_767_225_600_000)
    await clockwork.advance(3_600_000)
    began_s, cpu_s = time.perf_counter(), time.process_time()
    fired = await clockwork.advance(days * 86_400_000)
    assert fired == days * 1_440, fired
    advance_s, advance_cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_s
    timer = Caller(kind="administrator", source="wx_trigger")
    cpu_s = time.process_time()
    for _ in range(CALLS):
        await suite.parts.functions.invoke("tick", {}, timer)
    call_cpu_s = (time.process_time() - cpu_s) / CALLS
    return {
        "days": days,
        "fired": fired,
        "advance_s": advance_s,
        "advance_cpu_s": advance_cpu_s,
        "call_cpu_s": call_cpu_s,
    }


async def _burst(suite: Suite) -> dict[str, Any]:
    quiet, heard, idle = [], [], []
    for name in ("quiet", "heard"):
        await suite.parts.executor.execute(CreateCollection(collection=name), ADMINISTRATOR)
    for number in range(ROUNDS):
        quiet.append(await _insert(suite, "quiet", number))
        heard.append(await _insert(suite, "heard", number))
        began_s = time.perf_counter()
        assert await suite.control.idle(60) == []
        idle.append(time.perf_counter() - began_s)
    told = await suite.control.invoke("heard", {"tell": True}, openid=None, source="wx_client")
    seen = told["result"]
    assert isinstance(seen, list)
    assert len(seen) == len(set(map(str, seen))) == ROUNDS * BURST_DOCUMENTS, len(seen)
    slower = statistics.median(one / other for one, other in zip(heard, quiet, strict=True))
    return {"slower": slower, "heard_s": min(heard), "idle_s": min(idle)}


async def _insert(suite: Suite, collection: str, number: int) -> float:
    """Insert as a request does: one command, then a turn of the loop."""
    execute = suite.parts.executor.execute
    began_s = time.perf_counter()
    for each in range(BURST_DOCUMENTS):
        document = {"_id": f"{number}-{each}", "status": "new", "amount": each}
        await execute(Insert(collection=collection, documents=[document]), ADMINISTRATOR)
        await asyncio.sleep(0)
    return time.perf_counter() - began_s


if __name__ == "__main__":
    for name, figure, unit, peer, ratio in rows(full="--full" in sys.argv):
        print(f"{name:<40} {figure:>9.3f} {unit}" + (f"  {ratio:.2f} x {peer}" if ratio else ""))
