"""Reads by index, what indexes cost a write, and how long anything holds the event loop.

    python benchmarks/indexes.py          # 1,000 to 100,000 documents
    python benchmarks/indexes.py --full   # a million too

Each size is measured in a process of its own. `x 1k` is the ratio to the same read among 1,000
documents: flat is 1. The peer of reads by index is sqlite3 with an index on a JSON field. Holds and
pauses are CPU time of the thread, so that a busy machine does not count.
"""

import argparse
import asyncio
import gc
import json
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from emulator.ambient import SystemClock, SystemIds
from emulator.core.commands import Find
from emulator.core.indexes import IndexDefinition, with_definitions
from emulator.services.access import Access
from emulator.services.advisor import Advisor
from emulator.services.bus import Bus
from emulator.services.caller import ADMINISTRATOR
from emulator.services.database import Database
from emulator.services.planning import Reader
from emulator.stores.base import Create, Describe, Put
from emulator.stores.tiny import TinyDocumentStore

SIZES_DOCUMENTS = (1_000, 10_000, 100_000)
FULL_SIZE_DOCUMENTS = 1_000_000
SAMPLES = 400
SLICE_DOCUMENTS = 1_000

Row = tuple[str, float, str, str, float | None]

INDEXES = (
    IndexDefinition(name="shop_1", keys=(("shop", 1),)),
    IndexDefinition(name="status_price", keys=(("status", 1), ("price", -1))),
    IndexDefinition(name="count_1", keys=(("count", 1),), unique=True),
)
READS: tuple[tuple[str, Callable[[int], dict[str, Any]]], ...] = (
    ("get by _id", lambda n: {"filter": {"_id": identity(n)}, "limit": 1}),
    ("equality by index, 10 documents", lambda n: {"filter": {"shop": n // 10}, "limit": 100}),
    ("unique key by index", lambda n: {"filter": {"count": n}, "limit": 100}),
    (
        "equality, order and limit 20 by index",
        lambda n: {"filter": {"status": "paid"}, "sort": (("price", -1),), "limit": 20},
    ),
    (
        "range, order and limit 20 by index",
        lambda n: {"filter": {"shop": {"$gte": n // 20}}, "sort": (("shop", 1),), "limit": 20},
    ),
)
SCANS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("three conditions", {"filter": {"price": {"$gt": 100}, "buyer.level": 3, "tags": "gift"}}),
    ("a pattern", {"filter": {"note": {"$regex": "door.*(twice|x)$"}}}),
    ("order, limit 20", {"sort": (("title", 1),), "limit": 20}),
    ("order, limit 1,000", {"sort": (("title", -1),), "limit": 1_000}),
    ("order of all", {"sort": (("title", 1),)}),
    ("order by two, skip 50,000", {"sort": (("price", 1), ("title", -1)), "skip": 50_000}),
)


def identity(number: int) -> str:
    return f"{number * 2654435761 % 2**32:08x}{number:024x}"


def document(number: int) -> dict[str, Any]:
    """Return a document of twelve fields, about 350 bytes as JSON."""
    return {
        "_id": identity(number),
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


class Measured:
    """A store and the database service over it."""

    def __init__(self, folder: Path, indexes: tuple[IndexDefinition, ...]) -> None:
        clock = SystemClock()
        self.store = TinyDocumentStore.open(folder, mode="os", clock=clock)
        description = with_definitions({}, indexes)
        self.store.commit([Create("orders"), Describe("orders", description)])
        self.database = Database(
            self.store,
            access=Access(),
            bus=Bus(),
            clock=clock,
            ids=SystemIds(),
            reader=Reader(clock=clock, advisor=Advisor(clock)),
        )

    def fill(self, count: int) -> None:
        for start in range(0, count, SLICE_DOCUMENTS):
            numbers = range(start, min(start + SLICE_DOCUMENTS, count))
            self.store.commit([Put("orders", document(number)) for number in numbers])

    def fill_singly(self, count: int) -> list[float]:
        """Insert one by one and return the seconds each took."""
        took = []
        for number in range(count):
            put = Put("orders", document(number))
            began = time.thread_time()
            self.store.commit([put])
            took.append(time.thread_time() - began)
        return took

    async def find(self, **options: Any) -> int:
        found = await self.database.find(Find(collection="orders", **options), ADMINISTRATOR)
        return len(found.documents)

    async def held_s(self, **options: Any) -> float:
        """Return the longest the loop was held while a query ran."""
        worst, running = 0.0, True

        async def watch() -> None:
            nonlocal worst
            last = time.thread_time()
            while running:
                await asyncio.sleep(0)
                now = time.thread_time()
                worst, last = max(worst, now - last), now

        watching = asyncio.create_task(watch())
        await asyncio.sleep(0)
        await self.find(**options)
        running = False
        await watching
        return worst


def measure_reads(folder: Path, count: int) -> dict[str, float]:
    """Return the median microseconds of each read among so many documents."""
    measured = Measured(folder, INDEXES)
    measured.fill(count)

    async def run() -> dict[str, float]:
        results = {}
        for name, options in READS:
            samples = []
            for sample in range(SAMPLES):
                asked = options(sample * 7919 % count)
                began = time.perf_counter()
                await measured.find(**asked)
                samples.append(time.perf_counter() - began)
            results[name] = statistics.median(samples) * 1e6
        return results

    return asyncio.run(run())


def measure_sqlite(folder: Path, count: int) -> dict[str, float]:
    """Return the same for sqlite3 with an index on a JSON field."""
    folder.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(folder / "peer.db")
    db.execute("create table orders (id text primary key, body text)")
    db.execute("create index shop on orders (json_extract(body, '$.shop'))")
    rows = ((identity(number), json.dumps(document(number))) for number in range(count))
    db.executemany("insert into orders values (?, ?)", rows)
    db.commit()
    query = "select body from orders where json_extract(body, '$.shop') = ? limit 100"
    samples = []
    for sample in range(SAMPLES):
        shop = sample * 7919 % count // 10
        began = time.perf_counter()
        for (body,) in db.execute(query, (shop,)):
            json.loads(body)
        samples.append(time.perf_counter() - began)
    db.close()
    return {"equality by index, 10 documents": statistics.median(samples) * 1e6}


def measure_writes(folder: Path, count: int) -> dict[str, float]:
    """Return inserts under none, one and three indexes, and what is held in memory."""
    results = {}
    for used in (0, 1, 3):
        measured = Measured(folder / str(used), INDEXES[:used])
        took = measured.fill_singly(count)
        results[f"insert, {used} indexes"] = statistics.median(took) * 1e6
        results[f"worst pause in {count:,} inserts, {used} indexes"] = max(took) * 1e3
        if not used:
            kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            results["memory"] = kib / 1024
        asyncio.run(measured.store.close())
        del measured
        gc.collect()
        gc.freeze()
    return results


def measure_holds(folder: Path, count: int) -> dict[str, float]:
    """Return how long queries without an index hold the loop, in milliseconds."""
    measured = Measured(folder, ())
    measured.fill(count)
    gc.collect()
    gc.freeze()

    async def run() -> dict[str, float]:
        return {name: await measured.held_s(**options) * 1e3 for name, options in SCANS}

    return asyncio.run(run())


PARTS: dict[str, Callable[[Path, int], dict[str, float]]] = {
    "reads": measure_reads,
    "sqlite": measure_sqlite,
    "writes": measure_writes,
    "holds": measure_holds,
}


def _apart(part: str, count: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--part", part, "--count", str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    results: dict[str, float] = json.loads(done.stdout)
    return results


def rows(*, full: bool) -> list[Row]:
    """Return the figures, by size and against sqlite3."""
    table: list[Row] = []
    sizes = (*SIZES_DOCUMENTS, FULL_SIZE_DOCUMENTS) if full else SIZES_DOCUMENTS
    smallest: dict[str, float] = {}
    for count in sizes:
        reads, peer = _apart("reads", count), _apart("sqlite", count)
        smallest = smallest or reads
        for name, figure in reads.items():
            label = f"{name}, of {count:,}"
            table.append((label, figure, "us", "1k", figure / smallest[name]))
            if name in peer:
                table.append((label, figure, "us", "sqlite3, faster", peer[name] / figure))
    writes = _apart("writes", SIZES_DOCUMENTS[-1])
    bare = writes["insert, 0 indexes"]
    for name, figure in writes.items():
        if name == "memory":
            table.append((f"memory with {SIZES_DOCUMENTS[-1]:,} documents", figure, "MB", "", None))
        elif name.startswith("insert"):
            table.append((name, figure, "us", "no index", figure / bare))
        else:
            table.append((name, figure, "ms", "", None))
    for name, figure in _apart("holds", SIZES_DOCUMENTS[-1]).items():
        table.append((f"longest hold of the loop: {name}, of 100,000", figure, "ms", "", None))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--full", action="store_true", help="a million documents too")
    parser.add_argument("--part", choices=tuple(PARTS), help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, default=0, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.part:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(PARTS[chosen.part](Path(folder) / "data", chosen.count)))
        return
    for name, figure, unit, peer, ratio in rows(full=chosen.full):
        compared = "" if ratio is None else f"{ratio:10.2f} x {peer}"
        print(f"{name:<62} {figure:>12,.3f} {unit:<4} {compared}")


if __name__ == "__main__":
    main()
