"""Documents in-process: one insert, one read, one scan, against stock TinyDB and sqlite3.

    python benchmarks/documents.py               # 1,000 to 100,000 documents
    python benchmarks/documents.py --full --json # a million too, for programs

Each engine runs in a process of its own, one after the other, ROUNDS times; figures are medians of
the rounds' medians. A ratio says how many times faster the document store is than the peer. Reads
of a hot document tell little, so ids are taken from all over the collection.
"""

import argparse
import asyncio
import gc
import json
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

SIZES_DOCUMENTS = (1_000, 10_000, 100_000)
FULL_SIZE_DOCUMENTS = 1_000_000
ROUNDS = 2
OPERATION_S_MAX = 1.5
"""An operation is repeated until its time is up, at least SAMPLES_MIN and at most SAMPLES_MAX."""
SAMPLES_MIN = 3
SAMPLES_MAX = 2_000
WRITERS = 32
DURABLE_COMMITS = 2_000
DURABLE = ("group", "always", "sqlite3 FULL")

Row = tuple[str, float, str, str, float | None]
Operation = Callable[[dict[str, Any]], Any]


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


# The engines ------------------------------------------------------------------------------------


class Suite:
    """The document store, journal mode `os`."""

    mode = "os"

    def __init__(self, folder: Path) -> None:
        from emulator.ambient import SystemClock
        from emulator.stores.base import Put
        from emulator.stores.tiny import TinyDocumentStore

        self.put = Put
        self.store = TinyDocumentStore.open(folder, mode=self.mode, clock=SystemClock())

    def fill(self, documents: Iterable[dict[str, Any]]) -> None:
        self.store.commit([self.put("orders", item) for item in documents])

    def insert(self, item: dict[str, Any]) -> None:
        self.store.commit([self.put("orders", item)])

    def get(self, item: dict[str, Any]) -> Any:
        return self.store.collection("orders").by_id(item["_id"])

    def scan(self, item: dict[str, Any]) -> int:
        shop = item["shop"]
        return len(list(self.store.collection("orders").scan(lambda one: one["shop"] == shop)))

    def close(self) -> None:
        asyncio.run(self.store.close())


class SuiteMemory(Suite):
    """The document store, kept nowhere."""

    mode = "memory"


class Tiny:
    """Stock TinyDB with its default storage."""

    def __init__(self, folder: Path) -> None:
        from tinydb import TinyDB, where

        folder.mkdir(parents=True, exist_ok=True)
        self.where = where
        self.db = TinyDB(folder / "db.json", **self.options())
        self.table = self.db.table("orders")

    def options(self) -> dict[str, Any]:
        return {}

    def fill(self, documents: Iterable[dict[str, Any]]) -> None:
        self.table.insert_multiple(documents)

    def insert(self, item: dict[str, Any]) -> None:
        self.table.insert(item)

    def get(self, item: dict[str, Any]) -> Any:
        return self.table.get(doc_id=item["count"] + 1)

    def scan(self, item: dict[str, Any]) -> int:
        self.table.clear_cache()
        return len(self.table.search(self.where("shop") == item["shop"]))

    def close(self) -> None:
        self.db.close()


class TinyCaching(Tiny):
    """Stock TinyDB with the middleware that defers its writes."""

    def options(self) -> dict[str, Any]:
        from tinydb.middlewares import CachingMiddleware
        from tinydb.storages import JSONStorage

        return {"storage": CachingMiddleware(JSONStorage)}


class TinyMemory(Tiny):
    """Stock TinyDB, kept nowhere."""

    def __init__(self, folder: Path) -> None:
        from tinydb import TinyDB, where
        from tinydb.storages import MemoryStorage

        self.where = where
        self.db = TinyDB(storage=MemoryStorage)
        self.table = self.db.table("orders")


class Sqlite:
    """sqlite3 with a column of JSON, write-ahead log, no sync of its own per commit."""

    synchronous = "NORMAL"

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.db = sqlite3.connect(folder / "db.sqlite", isolation_level=None)
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute(f"PRAGMA synchronous={self.synchronous}")
        self.db.execute("CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, body TEXT)")

    def fill(self, documents: Iterable[dict[str, Any]]) -> None:
        self.db.execute("BEGIN")
        rows = ((item["_id"], json.dumps(item)) for item in documents)
        self.db.executemany("INSERT INTO orders VALUES (?, ?)", rows)
        self.db.execute("COMMIT")

    def insert(self, item: dict[str, Any]) -> None:
        self.db.execute("INSERT INTO orders VALUES (?, ?)", (item["_id"], json.dumps(item)))

    def get(self, item: dict[str, Any]) -> Any:
        row = self.db.execute("SELECT body FROM orders WHERE id = ?", (item["_id"],)).fetchone()
        return json.loads(row[0])

    def scan(self, item: dict[str, Any]) -> int:
        asked = "SELECT body FROM orders WHERE json_extract(body, '$.shop') = ?"
        return len([json.loads(row[0]) for row in self.db.execute(asked, (item["shop"],))])

    def close(self) -> None:
        self.db.close()


class SqliteFull(Sqlite):
    """The same with a sync for each commit."""

    synchronous = "FULL"


ENGINES: dict[str, type] = {
    "suite": Suite,
    "suite in memory": SuiteMemory,
    "TinyDB JSONStorage": Tiny,
    "TinyDB CachingMiddleware": TinyCaching,
    "TinyDB MemoryStorage": TinyMemory,
    "sqlite3 WAL": Sqlite,
}
PEERS = {
    "suite": ("TinyDB JSONStorage", "TinyDB CachingMiddleware", "sqlite3 WAL"),
    "suite in memory": ("TinyDB MemoryStorage",),
}
REOPENED = ("suite", "TinyDB JSONStorage")
"""The others load nothing when they are opened, or have nothing to load."""
UNITS = {"bulk": 1e6, "insert": 1e6, "get": 1e6, "scan": 1e3, "reopen": 1e3}


# One engine, one size, in a process of its own ---------------------------------------------------


def measure(name: str, size: int, folder: Path) -> dict[str, float]:
    """Return seconds: per document filled in, per operation, to open again."""
    engine = ENGINES[name](folder)
    documents = [document(number) for number in range(size)]
    started = time.perf_counter()
    engine.fill(documents)
    figures = {"bulk": (time.perf_counter() - started) / size}
    asked = [document(number * 7919 % size) for number in range(SAMPLES_MAX)]
    new = [document(number) for number in range(size, size + SAMPLES_MAX)]
    del documents
    assert engine.scan(asked[0]) == 10
    figures["get"] = statistics.median(_laps(engine.get, asked))
    figures["scan"] = statistics.median(_laps(engine.scan, asked))
    figures["insert"] = statistics.median(_laps(engine.insert, new))
    engine.close()
    if name in REOPENED:
        del engine
        gc.collect()
        started = time.perf_counter()
        engine = ENGINES[name](folder)
        assert engine.get(asked[0])
        figures["reopen"] = time.perf_counter() - started
        engine.close()
    return figures


def _laps(operation: Operation, items: Iterable[dict[str, Any]]) -> list[float]:
    laps: list[float] = []
    end = time.perf_counter() + OPERATION_S_MAX
    for item in items:
        started = time.perf_counter()
        operation(item)
        laps.append(time.perf_counter() - started)
        if len(laps) >= SAMPLES_MIN and time.perf_counter() > end:
            break
    return laps


def insert_all(size: int, folder: Path) -> dict[str, float]:
    """Return seconds of the longest and the median insert while a collection grows."""
    engine = Suite(folder)
    laps = array("d")
    for number in range(size):
        item = document(number)
        started = time.perf_counter()
        engine.insert(item)
        laps.append(time.perf_counter() - started)
    return {"longest": max(laps), "median": statistics.median(laps)}


def durable(mode: str, folder: Path) -> float:
    """Return seconds per commit that is safe from a power cut, with WRITERS at work."""
    if mode == "sqlite3 FULL":
        engine = SqliteFull(folder)
        started = time.perf_counter()
        for number in range(DURABLE_COMMITS):
            engine.insert(document(number))
        return (time.perf_counter() - started) / DURABLE_COMMITS

    class Durable(Suite):
        pass

    Durable.mode = mode
    engine = Durable(folder)

    async def writer(first: int) -> None:
        for number in range(first, DURABLE_COMMITS, WRITERS):
            engine.insert(document(number))
            await engine.store.durable()

    async def write() -> float:
        started = time.perf_counter()
        await asyncio.gather(*map(writer, range(WRITERS)))
        return (time.perf_counter() - started) / DURABLE_COMMITS

    return asyncio.run(write())


# All of them -------------------------------------------------------------------------------------


def rows(*, full: bool = False) -> Iterator[Row]:
    """Yield (name, figure, unit, peer with its figure, how many times faster)."""
    first_insert_s = 0.0
    for size in (*SIZES_DOCUMENTS, *([FULL_SIZE_DOCUMENTS] if full else [])):
        chosen = ENGINES if size < FULL_SIZE_DOCUMENTS else ("suite", "sqlite3 WAL")
        found = {name: _medians("--engine", name, size) for name in chosen}
        for name, peers in PEERS.items():
            for operation, figure in found.get(name, {}).items():
                yield from _compared(name, operation, size, figure, found, peers)
        insert_s = found["suite"]["insert"]
        first_insert_s = first_insert_s or insert_s
        told = f"the insert at {SIZES_DOCUMENTS[0]:,}"
        yield (
            f"suite: insert at {size:,} documents",
            insert_s * 1e6,
            "us",
            told,
            (insert_s / first_insert_s),
        )
        longest = _medians("--insert-all", "suite", size)["longest"]
        yield f"suite: longest of {size:,} inserts", longest * 1e3, "ms", "", None
    yield from _durable_rows()


def _durable_rows() -> Iterator[Row]:
    safe = {mode: _medians("--durable", mode, 0)["commit"] for mode in DURABLE}
    for peer in DURABLE[1:]:
        told = f"faster than {peer} ({safe[peer] * 1e6:,.0f} us)"
        name = f"durable insert, mode group, {WRITERS} writers"
        yield name, safe["group"] * 1e6, "us", told, safe[peer] / safe["group"]


def _compared(
    name: str,
    operation: str,
    size: int,
    figure: float,
    found: dict[str, dict[str, float]],
    peers: Iterable[str],
) -> Iterator[Row]:
    unit = UNITS[operation]
    sign = "us" if unit == 1e6 else "ms"
    title = f"{name}: {operation} at {size:,} documents"
    measured = [
        (peer, found[peer][operation]) for peer in peers if operation in found.get(peer, {})
    ]
    if not measured:
        yield title, figure * unit, sign, "", None
    for peer, other in measured:
        told = f"faster than {peer} ({other * unit:,.1f} {sign})"
        yield title, figure * unit, sign, told, other / figure


def _medians(option: str, name: str, size: int) -> dict[str, float]:
    rounds = []
    for _ in range(ROUNDS if size < FULL_SIZE_DOCUMENTS else 1):
        command = [sys.executable, __file__, option, name, "--documents", str(size)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        rounds.append(json.loads(done.stdout))
    return {key: statistics.median(found[key] for found in rounds) for key in rounds[0]}


def _in_this_process(chosen: argparse.Namespace) -> dict[str, float]:
    folder = Path(tempfile.mkdtemp(prefix="documents-"))
    try:
        if chosen.engine:
            return measure(chosen.engine, chosen.documents, folder / "data")
        if chosen.insert_all:
            return insert_all(chosen.documents, folder / "data")
        return {"commit": durable(chosen.durable, folder / "data")}
    finally:
        shutil.rmtree(folder)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--full", action="store_true", help="a million documents too")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--engine", help=argparse.SUPPRESS)
    parser.add_argument("--durable", help=argparse.SUPPRESS)
    parser.add_argument("--documents", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--insert-all", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.engine or chosen.durable or chosen.insert_all:
        print(json.dumps(_in_this_process(chosen)))
        return
    names = ("name", "figure", "unit", "peer", "ratio")
    if chosen.json:
        found = [dict(zip(names, row, strict=True)) for row in rows(full=chosen.full)]
        print(json.dumps(found))
        return
    for name, figure, unit, peer, ratio in rows(full=chosen.full):
        compared = "" if ratio is None else f"{ratio:12,.1f} x {peer}"
        print(f"{name:<48} {figure:>12,.2f} {unit} {compared}", flush=True)


if __name__ == "__main__":
    main()
