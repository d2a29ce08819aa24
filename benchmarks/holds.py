"""How long single steps hold the event loop at 100,000 documents, by the kind of step.

    python benchmarks/holds.py          # every step, the worst first
    python benchmarks/holds.py --json   # for programs

A hold is the longest CPU time of the loop's thread between two turns of anything else, the best of
ROUNDS, so that a busy machine does not count. Reads, aggregations, first results of watched
queries, files and sweeps work in slices, writes of many documents in pieces; all of them should
stay below BOUND_MS.
"""

import argparse
import asyncio
import gc
import itertools
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from emulator.ambient import SystemClock, SystemIds
from emulator.core.commands import (
    Aggregate,
    Count,
    CreateIndex,
    Find,
    Insert,
    Remove,
    Update,
)
from emulator.core.errors import EmulatorError
from emulator.core.indexes import IndexDefinition, with_definitions
from emulator.core.limits import WECHAT
from emulator.core.values import Date
from emulator.services.access import Access
from emulator.services.advisor import Advisor
from emulator.services.bus import Bus
from emulator.services.caller import ADMINISTRATOR
from emulator.services.database import Database
from emulator.services.expiry import Expiry
from emulator.services.exporting import Exporting
from emulator.services.importing import Importing
from emulator.services.indexes import Indexes
from emulator.services.live_queries import WatchQuery
from emulator.services.pieces import Pieces
from emulator.services.planning import Reader
from emulator.services.policy import Policy
from emulator.services.recorder import Recorder
from emulator.services.watch import Watches
from emulator.stores.base import Create, Describe, Put
from emulator.stores.tiny import TinyDocumentStore
from emulator.stores.versions import VersionedStore
from emulator.wire import replies

SIZE_DOCUMENTS = 100_000
SLICE_DOCUMENTS = 1_000
CHUNK_BYTES = 65_536
ROUNDS = 3
BOUND_MS = 10.0

Row = tuple[str, float, str, str, float | None]

INDEXES = (
    IndexDefinition(name="status_price", keys=(("status", 1), ("price", -1))),
    IndexDefinition(name="shop_1", keys=(("shop", 1),)),
    IndexDefinition(name="place_2dsphere", keys=(("place", "2dsphere"),)),
)
FINDS: dict[str, dict[str, Any]] = {
    "three conditions": {"filter": {"price": {"$gt": 100}, "buyer.level": 3, "tags": "gift"}},
    "a pattern": {"filter": {"note": {"$regex": "door.*(twice|x)$"}}},
    "order, limit 20": {"sort": (("title", 1),), "limit": 20},
    "order, limit 1,000": {"sort": (("title", -1),), "limit": 1_000},
    "order of all by text": {"sort": (("title", 1),)},
    "order of all by two": {"sort": (("price", 1), ("title", -1))},
    "order of all by an array": {"sort": (("marks", 1),)},
    "order of all by mixed kinds": {"sort": (("mixed", -1),)},
    "order by two, skip 50,000": {"sort": (("price", 1), ("title", -1)), "skip": 50_000},
    "skip 99,000": {"skip": 99_000, "limit": 1_000},
    "12,500 documents by index": {"filter": {"shop": {"$lt": 1_250}}},
    "index in order, then a condition": {
        "filter": {"status": "paid", "note": "no such note"},
        "sort": (("price", -1),),
        "limit": 20,
    },
    "either of two indexes": {
        "filter": {"$or": [{"shop": {"$lt": 600}}, {"status": "new", "price": {"$lt": 200}}]}
    },
    "in a shape": {
        "filter": {
            "place": {
                "$geoWithin": {
                    "$geometry": {
                        "type": "Polygon",
                        "coordinates": [[[113, 23], [114, 23], [114, 24], [113, 24], [113, 23]]],
                    }
                }
            }
        }
    },
    "all by distance": {
        "filter": {
            "place": {"$near": {"$geometry": {"type": "Point", "coordinates": [113.0, 23.0]}}}
        }
    },
    "the nearest of all": {
        "filter": {
            "place": {"$near": {"$geometry": {"type": "Point", "coordinates": [113.0, 23.0]}}}
        },
        "limit": 100,
    },
}
PIPELINES: dict[str, tuple[dict[str, Any], ...]] = {
    "group by 4 keys": ({"$group": {"_id": "$status", "sum": {"$sum": "$price"}}},),
    "group by 100,000 keys": ({"$group": {"_id": "$title", "sum": {"$sum": "$price"}}},),
    "group by 100,000 pairs": (
        {"$group": {"_id": {"title": "$title", "count": "$count"}, "sum": {"$sum": "$price"}}},
    ),
    "group by 100,000 keys, none wanted": (
        {"$group": {"_id": "$title", "first": {"$first": {"price": "$price", "tags": ["$shop"]}}}},
        {"$match": {"first": 0}},
    ),
    "group, objects in one set": (
        {"$group": {"_id": None, "all": {"$addToSet": {"count": "$count", "title": "$title"}}}},
        {"$project": {"n": {"$size": "$all"}}},
    ),
    "group, all in one set": ({"$group": {"_id": None, "all": {"$addToSet": "$title"}}},),
    "group, all in one array": ({"$group": {"_id": None, "all": {"$push": "$title"}}},),
    "group, spread of numbers": ({"$group": {"_id": None, "all": {"$stdDevPop": "$price"}}},),
    "sort by count of 100,000": ({"$sortByCount": "$title"}, {"$count": "n"}),
    "sort of computed fields": (
        {"$addFields": {"half": {"$divide": ["$price", 2]}}},
        {"$sort": {"half": -1, "count": 1}},
        {"$count": "n"},
    ),
    "match, then sort of all": ({"$match": {"price": {"$gt": 1}}}, {"$sort": {"title": 1}}),
    "unwind to 300,000": ({"$unwind": "$tags"}, {"$count": "n"}),
    "unwind to 1,000,000, group": (
        {"$addFields": {"each": {"$range": [0, 10]}}},
        {"$unwind": "$each"},
        {"$group": {"_id": "$each", "n": {"$sum": "$price"}}},
    ),
    "computed, then a facet": (
        {"$addFields": {"half": {"$divide": ["$price", 2]}}},
        {"$facet": {"count": [{"$count": "n"}], "first": [{"$limit": 3}]}},
    ),
    "facet of three": (
        {
            "$facet": {
                "groups": [{"$group": {"_id": "$shop", "n": {"$sum": 1}}}, {"$limit": 5}],
                "last": [{"$sort": {"title": -1}}, {"$limit": 5}],
                "count": [{"$count": "n"}],
            }
        },
    ),
    "bucketAuto": ({"$bucketAuto": {"groupBy": "$price", "buckets": 10}},),
    "bucketAuto of 100,000": ({"$bucketAuto": {"groupBy": "$title", "buckets": SIZE_DOCUMENTS}},),
    "bucket": ({"$bucket": {"groupBy": "$price", "boundaries": [0, 500, 2000]}},),
    "lookup without an index": (
        {"$limit": 2_000},
        {
            "$lookup": {
                "from": "orders",
                "localField": "count",
                "foreignField": "count",
                "as": "found",
            }
        },
        {"$count": "n"},
    ),
    "lookup by a pipeline": (
        {"$limit": 200},
        {
            "$lookup": {
                "from": "orders",
                "let": {"shop": "$shop"},
                "pipeline": [{"$match": {"$expr": {"$eq": ["$shop", "$$shop"]}}}],
                "as": "found",
            }
        },
        {"$count": "n"},
    ),
    "lookup that joins 50,000": (
        {"$limit": 1},
        {"$lookup": {"from": "orders", "localField": "paid", "foreignField": "paid", "as": "all"}},
        {"$project": {"n": {"$size": "$all"}}},
    ),
    "lookup of everything": (
        {"$limit": 1},
        {"$lookup": {"from": "orders", "pipeline": [], "as": "found"}},
        {"$project": {"n": {"$size": "$found"}}},
    ),
    "graph lookup": (
        {"$limit": 100},
        {
            "$graphLookup": {
                "from": "orders",
                "startWith": "$shop",
                "connectFromField": "shop",
                "connectToField": "count",
                "as": "found",
                "maxDepth": 3,
            }
        },
        {"$count": "n"},
    ),
    "union": ({"$unionWith": "orders"}, {"$count": "n"}),
    "sample of all, computed": (
        {"$addFields": {"half": {"$divide": ["$price", 2]}}},
        {"$sample": {"size": SIZE_DOCUMENTS}},
        {"$skip": SIZE_DOCUMENTS - 10},
    ),
    "sample of 1,000": ({"$sample": {"size": 1_000}},),
    "skip 99,000": ({"$skip": 99_000}, {"$limit": 1_000}),
    "geoNear": (
        {
            "$geoNear": {
                "near": {"type": "Point", "coordinates": [113.0, 23.0]},
                "distanceField": "far",
            }
        },
        {"$limit": 10},
    ),
}

WATCHES: dict[str, dict[str, Any]] = {
    "three conditions": {"filter": {"price": {"$gt": 100}, "buyer.level": 3, "tags": "none"}},
    "5,000 documents": {"filter": {"count": {"$lt": 5_000}}},
    "order, limit 20": {"filter": {"paid": True}, "sort": (("title", 1),), "limit": 20},
    "order, limit 5,000": {"filter": {"paid": True}, "sort": (("title", 1),), "limit": 5_000},
    "index in order, limit 20": {
        "filter": {"status": "paid"},
        "sort": (("price", -1),),
        "limit": 20,
    },
}


def document(number: int) -> dict[str, Any]:
    """Return a document of sixteen fields."""
    return {
        "_id": f"{number * 2654435761 % 2**32:08x}{number:024x}",
        "_openid": "oUser-0000000000000000000001",
        "title": f"order number {number * 7919 % 1_000_003}",
        "status": ("new", "paid", "sent", "done")[number % 4],
        "price": number % 1000 + 0.5,
        "count": number,
        "shop": number // 10,
        "paid": number % 2 == 0,
        "tags": ["new", "gift", "fast"],
        "buyer": {"name": f"user {number % 100}", "level": number % 5, "phone": "13800000000"},
        "note": "leave it at the door, please; ring twice",
        "coupon": None,
        "marks": [number % 7, number % 11],
        "mixed": (number, f"text {number}", None, number % 2 == 0)[number % 4],
        "place": {"type": "Point", "coordinates": [113 + number % 317 / 1e3, 23 + number / 1e6]},
        "ends": Date(number),
    }


class Measured:
    """The services over a store with 100,000 documents, and a watch on the loop."""

    def __init__(self, folder: Path) -> None:
        clock, ids = SystemClock(), SystemIds()
        self.store = TinyDocumentStore.open(folder, mode="os", clock=clock)
        self.store.commit([Create("orders"), Describe("orders", with_definitions({}, INDEXES))])
        for start in range(0, SIZE_DOCUMENTS, SLICE_DOCUMENTS):
            numbers = range(start, start + SLICE_DOCUMENTS)
            self.store.commit([Put("orders", document(number)) for number in numbers])
        self.versions = VersionedStore(self.store)
        reader = Reader(clock=clock, advisor=Advisor(clock))
        parts: dict[str, Any] = {"access": Access(), "bus": Bus(), "clock": clock, "ids": ids}
        policy = Policy(limits=WECHAT)
        self.database = Database(self.versions, reader=reader, policy=policy, **parts)
        self.pieces = Pieces(self.database, self.versions, reader, clock)
        self.watches = Watches(self.versions, reader=reader, **parts)
        self._asked = itertools.count()
        self.indexes = Indexes(self.versions, access=Access(), limits=WECHAT)
        self.expiry = Expiry(self.database, self.versions, clock=clock, recorder=Recorder(clock))
        self.exporting = Exporting(self.versions)
        self.importing = Importing(
            self.versions, clock=clock, ids=ids, policy=Policy(limits=WECHAT)
        )

    async def find(self, options: dict[str, Any]) -> Any:
        return await self.database.find(Find(collection="orders", **options), ADMINISTRATOR)

    async def aggregate(self, pipeline: tuple[dict[str, Any], ...]) -> Any:
        return await self.database.aggregate(
            Aggregate(collection="orders", pipeline=pipeline), ADMINISTRATOR
        )

    async def count(self) -> int:
        asked = Count(collection="orders", filter={"buyer.level": 3})
        return await self.database.count(asked, ADMINISTRATOR)

    async def exported(self, file_format: str) -> list[bytes]:
        stream = self.exporting.stream("orders", file_format=file_format)
        return [chunk async for chunk in stream]

    async def imported(self, data: list[bytes]) -> None:
        async def chunks() -> AsyncIterator[bytes]:
            for chunk in data:
                for start in range(0, len(chunk), CHUNK_BYTES):
                    yield chunk[start : start + CHUNK_BYTES]

        await self.importing.load("others", chunks(), file_format="jsonl", mode="upsert")

    async def checkpoint(self) -> None:
        await self.store.checkpoint()

    async def watch(self, options: dict[str, Any]) -> None:
        """Begin to watch what nobody has watched yet."""
        filter_ = {**options["filter"], f"absent {next(self._asked)}": None}
        query = WatchQuery(collection="orders", **{**options, "filter": filter_})
        await self.watches.prepare(query, ADMINISTRATOR)
        listener = _Listener()
        self.watches.leave(self.watches.open(query, ADMINISTRATOR, listener), listener)

    async def update(self, filter_: dict[str, Any], collection: str = "orders") -> Any:
        change = {"$inc": {"marked": 1}}
        asked = Update(collection=collection, filter=filter_, update=change, multi=True)
        return await _awaited(self.pieces.update(asked, ADMINISTRATOR))

    async def remove(self, filter_: dict[str, Any], collection: str = "others") -> Any:
        asked = Remove(collection=collection, filter=filter_, multi=True)
        return await _awaited(self.pieces.remove(asked, ADMINISTRATOR))

    async def insert(self, documents: list[dict[str, Any]]) -> Any:
        asked = Insert(collection="others", documents=tuple(documents))
        return await _awaited(self.pieces.insert(asked, ADMINISTRATOR))


class _Listener:
    """Somebody who watches, and does nothing about it."""

    caller = ADMINISTRATOR

    def wake(self) -> None:
        pass

    def renew(self) -> None:
        pass

    def fail(self, fault: EmulatorError) -> None:
        raise fault


async def _awaited(result: Any) -> Any:
    return await result if isinstance(result, Coroutine) else result


@asynccontextmanager
async def watched(holds: list[float]) -> AsyncIterator[None]:
    """Add the longest time the loop's thread was busy without a turn of the watch."""
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
    yield
    running = False
    await watching
    holds.append(worst)


async def hold_ms(step: Callable[[], Awaitable[Any]], rounds: int = ROUNDS) -> float:
    """Return the best of some rounds' longest holds."""
    holds: list[float] = []
    for _ in range(rounds):
        async with watched(holds):
            await step()
        gc.collect()
        gc.freeze()
    return min(holds) * 1e3


async def steps(measured: Measured) -> AsyncIterator[Row]:
    """Yield every step that works in slices, then every command that writes."""
    sliced: dict[str, Callable[[], Awaitable[Any]]] = {
        "count by a condition": measured.count,
        **{f"find: {name}": _bound(measured.find, each) for name, each in FINDS.items()},
        **{
            f"aggregate: {name}": _bound(measured.aggregate, each)
            for name, each in PIPELINES.items()
        },
        **{f"watch: {name}": _bound(measured.watch, each) for name, each in WATCHES.items()},
        "export, JSON lines": lambda: measured.exported("jsonl"),
        "export, CSV": lambda: measured.exported("csv"),
        "checkpoint": measured.checkpoint,
    }
    for name, step in sliced.items():
        figure = await hold_ms(step)
        yield name, figure, "ms", f"the bound of {BOUND_MS:g} ms", figure / BOUND_MS
    data = await measured.exported("jsonl")
    figure = await hold_ms(lambda: measured.imported(data), rounds=1)
    yield "import, JSON lines", figure, "ms", f"the bound of {BOUND_MS:g} ms", figure / BOUND_MS
    found = await measured.find({"limit": 1_000})
    figure = await hold_ms(_later(lambda: replies.list_of_texts(found)))
    yield "encoding of 1,000 documents", figure, "ms", "", None

    async def answered() -> None:
        made = ({"$addFields": {"half": {"$divide": ["$price", 2]}}}, {"$limit": 10_000})
        documents = list((await measured.aggregate(made)).documents)
        await replies.list_of_texts.in_slices(documents)

    figure = await hold_ms(answered)
    yield "a pipeline's answer of 10,000", figure, "ms", f"bound {BOUND_MS:g} ms", figure / BOUND_MS
    async for row in _writes(measured):
        yield row


async def _writes(measured: Measured) -> AsyncIterator[Row]:
    """Yield the commands that write, and what changes the collection for good."""
    new = [{**document(number), "_id": f"new {number}"} for number in range(1_000)]
    index = CreateIndex(collection="orders", keys=(("title", 1),))
    expires = CreateIndex(collection="orders", keys=(("ends", 1),), expire_after_s=0)

    async def inserted() -> None:
        await measured.remove({"_id": {"$in": [each["_id"] for each in new]}})
        await measured.insert(new)

    repeated: dict[str, Callable[[], Awaitable[Any]]] = {
        "update of one by a condition": lambda: measured.update({"count": 77_777}),
        "update of 10,000 by a condition": lambda: measured.update({"count": {"$lt": 10_000}}),
        "update of 6,250 by an index": lambda: measured.update({"shop": {"$lt": 625}}),
        "insert of 1,000 documents": inserted,
    }
    for name, step in repeated.items():
        figure = await hold_ms(step)
        yield name, figure, "ms", f"the bound of {BOUND_MS:g} ms", figure / BOUND_MS
    once: dict[str, Callable[[], Awaitable[Any]]] = {
        "remove of one by a condition": lambda: measured.remove({"count": 77_777}),
        "remove of 10,000 by a condition": lambda: measured.remove({"count": {"$lt": 10_000}}),
        "create an index": lambda: measured.indexes.create(index, ADMINISTRATOR),
        "update of all": lambda: measured.update({}),
        "create an index that expires": lambda: measured.indexes.create(expires, ADMINISTRATOR),
        "100,000 documents expire": measured.expiry.sweep,
        "remove of all": lambda: measured.remove({}),
    }
    for name, step in once.items():
        figure = await hold_ms(step, rounds=1)
        yield name, figure, "ms", f"the bound of {BOUND_MS:g} ms", figure / BOUND_MS


def _bound(call: Callable[[Any], Awaitable[Any]], given: Any) -> Callable[[], Awaitable[Any]]:
    return lambda: call(given)


def _later(call: Callable[[], Any]) -> Callable[[], Awaitable[Any]]:
    async def run() -> Any:
        return call()

    return run


def rows(*, full: bool = False) -> Iterator[Row]:
    """Yield (name, longest hold, unit, what it is compared with, ratio)."""
    del full

    async def run(folder: Path) -> list[Row]:
        measured = Measured(folder)
        gc.collect()
        gc.freeze()
        try:
            return [row async for row in steps(measured)]
        finally:
            measured.watches.close()
            await measured.store.close()

    with tempfile.TemporaryDirectory() as folder:
        yield from asyncio.run(run(Path(folder) / "data"))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="one JSON array")
    chosen = parser.parse_args()
    found = list(rows())
    if chosen.json:
        print(json.dumps(found))
        return 0
    for name, figure, unit, peer, ratio in sorted(found, key=lambda row: -row[1]):
        compared = "" if ratio is None else f"{ratio:8.2f} x {peer}"
        print(f"{name:<52} {figure:>10,.2f} {unit:<4} {compared}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
