"""The journal: what a commit costs in each mode, what waiters share, how long reading back takes.

    python benchmarks/journal.py          # about half a minute

`rows()` yields (name, figure, unit, peer, ratio). Each measurement runs in a process of its own, a
mode and its peer in turns, ROUNDS times; figures are medians. What the disk does differs from one
minute to the next, so only ratios of one run mean anything.
"""

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROUNDS = 3
INSERTS = 20_000
BURSTS = 600
BURSTS_MIN = 40
WRITERS = 32
RECOVERED_DOCUMENTS = 100_000
NAMES = {"sync": "a write() and fdatasync() each", "always": "mode always"}
SOURCES = {
    "records": "a journal of single documents",
    "batches": "a journal of batches",
    "checkpoint": "a checkpoint",
}
Row = tuple[str, float, str, str, float | None]


def rows(*, full: bool = False) -> Iterator[Row]:
    del full
    found = in_turns("os")["os"]
    bare, insert = found["write"], found["os"]
    yield "one write() of such a record", bare * 1e6, "us", "", None
    yield "commit of one document, mode os", insert * 1e6, "us", "one write()", insert / bare
    alone, many = in_turns("1")["1"], in_turns(str(WRITERS))[str(WRITERS)]
    sync = alone["sync"]
    yield "one write() and fdatasync()", sync * 1e6, "us", "", None
    for mode, peer in (("always", "sync"), ("group", "always")):
        name = f"durable commit, one writer, mode {mode}"
        yield name, alone[mode] * 1e6, "us", NAMES[peer], alone[mode] / alone[peer]
    for peer in ("always", "sync"):
        name = f"durable commit, {WRITERS} writers, mode group"
        yield (
            name,
            many["group"] * 1e6,
            "us",
            f"faster than {NAMES[peer]}",
            many[peer] / many["group"],
        )
    found = in_turns(*(f"recover-{source}" for source in SOURCES))
    for source, name in SOURCES.items():
        seconds = found[f"recover-{source}"]["open"]
        yield f"open {RECOVERED_DOCUMENTS:,} documents from {name}", seconds, "CPU s", "", None


def in_turns(*what: str) -> dict[str, dict[str, float]]:
    """Measure each of them ROUNDS times, one after the other, and return the medians."""
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in what}
    for _ in range(ROUNDS):
        for name in what:
            command = [sys.executable, __file__, "--measure", name]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            measured[name].append(json.loads(done.stdout))
    return {
        name: {key: statistics.median(each[key] for each in rounds) for key in rounds[0]}
        for name, rounds in measured.items()
    }


# In a process of its own ------------------------------------------------------------------------


def document(number: int) -> dict[str, Any]:
    """Return a document of twelve fields, about 350 bytes as JSON."""
    return {
        "_id": f"{number * 2654435761 % 2**32:08x}{number:024x}",
        "_openid": "oUser-0000000000000000000001",
        "title": f"order number {number}",
        "status": ("new", "paid", "sent", "done")[number % 4],
        "price": number % 1000 + 0.5,
        "count": number,
        "shop": number // 10,
        "paid": number % 2 == 0,
        "tags": ["new", "gift", "fast"],
        "buyer": {"name": f"user {number % 100}", "level": number % 5, "phone": "13800000000"},
        "note": "leave it at the door, please; ring twice",
        "coupon": None,
    }


def measure(what: str, folder: Path) -> dict[str, float]:
    """Return seconds by name: medians of calls that were made in turns, or one of a recovery."""
    folder.mkdir()
    if what.startswith("recover-"):
        return {"open": recover(what.removeprefix("recover-"), folder)}
    return inserts(folder) if what == "os" else asyncio.run(durable(int(what), folder))


def opened(folder: Path, mode: str) -> Any:
    from emulator.ambient import SystemClock
    from emulator.stores.tiny import TinyDocumentStore

    return TinyDocumentStore.open(folder, mode=mode, clock=SystemClock())  # type: ignore[arg-type]  # a mode


class Bare:
    """The system's own calls for a record: the least that a commit can cost."""

    def __init__(self, folder: Path) -> None:
        self._sync = getattr(os, "fdatasync", os.fsync)
        self._file = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)

    def line(self, number: int) -> bytes:
        from emulator.stores.records import record

        steps = [["put", "orders", number, document(number)]]
        return record({"sequence": number, "writes": steps})

    def write(self, line: bytes) -> None:
        os.write(self._file, line)

    def write_and_sync(self, line: bytes) -> None:
        os.write(self._file, line)
        self._sync(self._file)


def inserts(folder: Path) -> dict[str, float]:
    """Return what a commit of one new document takes, and one write of its record."""
    from emulator.stores.base import Put

    store, bare = opened(folder / "os", "os"), Bare(folder)
    took: dict[str, list[float]] = {"write": [], "os": []}
    for number in range(INSERTS):
        line, writes = bare.line(number), [Put("orders", document(number))]
        start = time.perf_counter()
        bare.write(line)
        between = time.perf_counter()
        store.commit(writes)
        took["os"].append(time.perf_counter() - between)
        took["write"].append(between - start)
    store.db.journalled.release()
    return {name: statistics.median(each) for name, each in took.items()}


async def durable(writers: int, folder: Path) -> dict[str, float]:
    """Return what a durable commit takes by itself while so many write, in the median of bursts."""
    stores = {mode: opened(folder / mode, mode) for mode in ("always", "group")}
    bare = Bare(folder)
    took: dict[str, list[float]] = {"sync": [], "always": [], "group": []}
    for burst in range(BURSTS // writers + BURSTS_MIN):
        first = burst * writers
        lines = [bare.line(first + number) for number in range(writers)]
        start = time.perf_counter()
        for line in lines:
            bare.write_and_sync(line)
        took["sync"].append((time.perf_counter() - start) / writers)
        for mode, store in stores.items():
            start = time.perf_counter()
            await asyncio.gather(*(write(store, first + number) for number in range(writers)))
            took[mode].append((time.perf_counter() - start) / writers)
    for store in stores.values():
        store.db.journalled.release()
    return {name: statistics.median(each[BURSTS_MIN // 2 :]) for name, each in took.items()}


async def write(store: Any, number: int) -> None:
    """Commit a document and wait until it is as safe as the mode promises, as an answer does."""
    from emulator.stores.base import Put

    store.commit([Put("orders", document(number))])
    if store.waits:
        await store.durable()


def recover(source: str, folder: Path) -> float:
    """Return the CPU time of opening a folder that another process has filled."""
    command = [sys.executable, __file__, "--fill", source, "--folder", str(folder)]
    subprocess.run(command, check=True)
    opened(folder / "warm", "memory")
    began = time.process_time()
    store = opened(folder, "os")
    took = time.process_time() - began
    assert len(store.collection("orders")) == RECOVERED_DOCUMENTS
    store.db.journalled.release()
    return took


def fill(source: str, folder: Path) -> None:
    """Leave what a killed process leaves, or for a checkpoint what a stop does."""
    from emulator.stores.base import Put

    store = opened(folder, "os")
    puts = [Put("orders", document(number)) for number in range(RECOVERED_DOCUMENTS)]
    batch = 1 if source == "records" else 1000
    for start in range(0, len(puts), batch):
        store.commit(puts[start : start + batch])
    if source == "checkpoint":
        asyncio.run(store.close())
    else:
        store.db.journalled.release()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--fill", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.fill:
        fill(chosen.fill, chosen.folder)
        return
    if chosen.measure:
        folder = Path(tempfile.mkdtemp(prefix="journal-"))
        try:
            print(json.dumps(measure(chosen.measure, folder / "data")))
        finally:
            shutil.rmtree(folder)
        return
    for name, figure, unit, peer, ratio in rows():
        compared = "" if ratio is None else f"{ratio:10,.2f} x {peer}"
        print(f"{name:<62} {figure:>12,.3f} {unit:<6} {compared}", flush=True)


if __name__ == "__main__":
    main()
