"""Aggregation in-process: pipelines through the database service, against SQL over sqlite3's JSON1.

    python benchmarks/aggregate.py               # 100,000 documents
    python benchmarks/aggregate.py --full --json # a million too, for programs

Both answer in one process and take turns, ROUNDS times; figures are the best of CPU time, which a
busy machine disturbs least. A ratio says how many times faster the suite is. "For the first time"
is what a pipeline takes when nothing has been read of the documents before, "after a write" what it
takes again when that many documents have been written since the last time. A pause is the longest
time between two turns of the event loop while a pipeline runs, on the wall clock.
"""

import argparse
import asyncio
import gc
import importlib.util
import json
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

SIZE_DOCUMENTS = 100_000
FULL_SIZE_DOCUMENTS = 1_000_000
LOOKUP_DOCUMENTS = 1_000
FOREIGN_DOCUMENTS = 10_000
ROUNDS = 5
CHANGES = {"after a write": 1, "after 1,000 writes": 1_000}
"""So many documents are written between two runs."""

Row = tuple[str, float, str, str, float | None]
Pipeline = tuple[dict[str, Any], ...]

GROUP_BY_STATUS: Pipeline = (
    {"$group": {"_id": "$status", "count": {"$sum": 1}, "price": {"$sum": "$price"}}},
)
GROUPS: dict[str, tuple[Pipeline, str]] = {
    "count and sum by status": (
        GROUP_BY_STATUS,
        "SELECT json_extract(body, '$.status') AS id, count(*), sum(json_extract(body, '$.price'))"
        " FROM orders GROUP BY id",
    ),
    "four figures by status": (
        (
            {
                "$group": {
                    "_id": "$status",
                    "count": {"$sum": 1},
                    "sum": {"$sum": "$price"},
                    "mean": {"$avg": "$price"},
                    "most": {"$max": "$count"},
                }
            },
        ),
        "SELECT json_extract(body, '$.status') AS id, count(*), sum(json_extract(body, '$.price')),"
        " avg(json_extract(body, '$.price')), max(json_extract(body, '$.count'))"
        " FROM orders GROUP BY id",
    ),
    "count by a nested field, sorted": (
        ({"$sortByCount": "$buyer.name"}, {"$limit": 100}),
        "SELECT json_extract(body, '$.buyer.name') AS id, count(*) AS n FROM orders"
        " GROUP BY id ORDER BY n DESC LIMIT 100",
    ),
    "filter, then sum by two fields": (
        (
            {"$match": {"price": {"$gt": 500}}},
            {
                "$group": {
                    "_id": {"status": "$status", "level": "$buyer.level"},
                    "value": {"$sum": {"$multiply": ["$price", "$count"]}},
                }
            },
        ),
        "SELECT json_extract(body, '$.status') AS s, json_extract(body, '$.buyer.level') AS l,"
        " sum(json_extract(body, '$.price') * json_extract(body, '$.count')) FROM orders"
        " WHERE json_extract(body, '$.price') > 500 GROUP BY s, l",
    ),
}
PAUSES: dict[str, Pipeline] = {
    "group": GROUP_BY_STATUS,
    "project with computed fields": (
        {"$project": {"title": 1, "value": {"$multiply": ["$price", "$count"]}}},
        {"$count": "n"},
    ),
    "sort of everything": (
        {"$addFields": {"half": {"$divide": ["$price", 2]}}},
        {"$sort": {"half": -1, "count": 1}},
        {"$count": "n"},
    ),
}
LOOKUP: Pipeline = (
    {"$limit": LOOKUP_DOCUMENTS},
    {"$lookup": {"from": "orders", "localField": "count", "foreignField": "shop", "as": "found"}},
)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--full", action="store_true", help="a million documents too")
    parser.add_argument("--json", action="store_true", help="one JSON array")
    chosen = parser.parse_args()
    found = list(rows(full=chosen.full))
    if chosen.json:
        print(json.dumps(found))
        return 0
    for name, figure, unit, peer, ratio in found:
        compared = "" if ratio is None else f"{ratio:10.2f} x {peer}"
        print(f"{name:<58} {figure:>12,.2f} {unit:<4} {compared}")
    return 0


def rows(*, full: bool = False) -> Iterator[Row]:
    """Yield (name, figure, unit, peer with its figure, how many times faster)."""
    for size in (SIZE_DOCUMENTS, *([FULL_SIZE_DOCUMENTS] if full else [])):
        yield from _rows_of(size)


def _rows_of(size: int) -> Iterator[Row]:
    documents = _documents(size)
    peer = _peer(documents)
    database = _Database(documents)
    gc.freeze()
    try:
        for name, (pipeline, query) in GROUPS.items():
            ours_s, theirs_s = _best(
                lambda pipeline=pipeline: database.run(pipeline),
                lambda query=query: peer.execute(query).fetchall(),
            )
            told = f"sqlite3 JSON1 ({theirs_s * 1e3:,.0f} ms)"
            yield f"{name}, {size:,} documents", ours_s * 1e3, "ms", told, theirs_s / ours_s
            for case, changes in CHANGES.items():
                after_s = min(database.after_s(pipeline, changes) for _ in range(ROUNDS))
                yield f"{name}, {case}", after_s * 1e3, "ms", told, theirs_s / after_s
            first_s = min(database.first_s(pipeline) for _ in range(ROUNDS))
            yield f"{name}, for the first time", first_s * 1e3, "ms", told, theirs_s / first_s
        for name, pipeline in PAUSES.items():
            pause_s = min(database.pause_s(pipeline) for _ in range(ROUNDS))
            yield f"pause: {name}, {size:,} documents", pause_s * 1e3, "ms", "", None
    finally:
        gc.unfreeze()
        peer.close()
    if size == SIZE_DOCUMENTS:
        few = _Database(documents[:FOREIGN_DOCUMENTS])
        (lookup_s,) = _best(lambda: few.run(LOOKUP))
        told = f"lookup of {LOOKUP_DOCUMENTS:,} x {FOREIGN_DOCUMENTS:,} documents"
        yield told, lookup_s * 1e3, "ms", "", None


def _documents(size: int) -> list[dict[str, Any]]:
    """Return the documents of the benchmark beside this one."""
    spec = importlib.util.spec_from_file_location(
        "benchmark_documents_source", Path(__file__).with_name("documents.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [module.document(number) for number in range(size)]


def _peer(documents: list[dict[str, Any]]) -> sqlite3.Connection:
    peer = sqlite3.connect(":memory:")
    peer.execute("CREATE TABLE orders (id TEXT PRIMARY KEY, body TEXT)")
    texts = ((document["_id"], json.dumps(document)) for document in documents)
    peer.executemany("INSERT INTO orders VALUES (?, ?)", texts)
    return peer


class _Database:
    """The database service over the suite's store, of which nothing is kept on disk."""

    def __init__(self, documents: list[dict[str, Any]]) -> None:
        from emulator.ambient import SystemClock
        from emulator.stores.base import Put
        from emulator.stores.tiny import TinyDocumentStore

        self._ids = [document["_id"] for document in documents]
        self._written = 0
        self._store = TinyDocumentStore.open(Path(), mode="memory", clock=SystemClock())
        self._store.commit([Put("orders", document) for document in documents])
        self._database = self._opened()

    def _opened(self) -> Any:
        """Return a service that has read nothing yet."""
        from emulator.ambient import SystemClock, SystemIds
        from emulator.services.access import Access
        from emulator.services.bus import Bus
        from emulator.services.database import Database

        clock, ids = SystemClock(), SystemIds()
        return Database(self._store, access=Access(), bus=Bus(), clock=clock, ids=ids)

    async def aggregate(self, pipeline: Pipeline) -> int:
        """Return how many documents came of a pipeline; asyncio would write out the documents."""
        from emulator.core.commands import Aggregate
        from emulator.services.caller import ADMINISTRATOR

        command = Aggregate(collection="orders", pipeline=pipeline)
        return len((await self._database.aggregate(command, ADMINISTRATOR)).documents)

    def run(self, pipeline: Pipeline) -> int:
        return asyncio.run(self.aggregate(pipeline))

    def after_s(self, pipeline: Pipeline, changes: int) -> float:
        """Return the CPU seconds of a pipeline after so many documents were written."""
        from emulator.core.commands import Update
        from emulator.services.caller import ADMINISTRATOR

        for _ in range(changes):
            self._written += 1
            id_ = self._ids[self._written * 7919 % len(self._ids)]
            price = {"$inc": {"price": 1.0}}
            change = Update(collection="orders", filter={"_id": id_}, update=price)
            self._database.update(change, ADMINISTRATOR)
        started = time.process_time()
        self.run(pipeline)
        return time.process_time() - started

    def first_s(self, pipeline: Pipeline) -> float:
        """Return the CPU seconds of a pipeline when nothing has been read."""
        self._database = self._opened()
        started = time.process_time()
        self.run(pipeline)
        return time.process_time() - started

    def pause_s(self, pipeline: Pipeline) -> float:
        """Return the longest time the loop was kept from others."""

        async def watched() -> float:
            work = asyncio.ensure_future(self.aggregate(pipeline))
            longest = 0.0
            before = time.perf_counter()
            while not work.done():
                await asyncio.sleep(0)
                now = time.perf_counter()
                longest, before = max(longest, now - before), now
            await work
            return longest

        return asyncio.run(watched())


def _best(*operations: Callable[[], Any]) -> list[float]:
    """Return the best CPU seconds of each, taking turns."""
    best = [float("inf")] * len(operations)
    for _ in range(ROUNDS):
        for place, operation in enumerate(operations):
            started = time.process_time()
            operation()
            best[place] = min(best[place], time.process_time() - started)
    return best


if __name__ == "__main__":
    sys.exit(main())
