"""What permissions cost: reads by index as a user, beside the same reads as an administrator.

    python benchmarks/rules.py          # 10,000 documents
    python benchmarks/rules.py --full   # 100,000

CPU time of this thread, the median of rounds in which both take turns, so that a busy machine does
not count. The share is what asking costs on top of the read; 15 % is the bound for an indexed get.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from emulator.ambient import SystemClock, SystemIds
from emulator.core.commands import Find
from emulator.core.indexes import IndexDefinition, with_definitions
from emulator.services.access import Access
from emulator.services.advisor import Advisor
from emulator.services.bus import Bus
from emulator.services.caller import ADMINISTRATOR, Caller
from emulator.services.permissions import Permissions, PermissionSettings
from emulator.services.permitted import PermittedDatabase
from emulator.services.planning import Reader
from emulator.stores.base import Create, Describe, Put
from emulator.stores.tiny import TinyDocumentStore

DOCUMENTS = 10_000
FULL_DOCUMENTS = 100_000
ROUNDS = 60
WARM_UP = 10
CALLS = 100
ALICE = Caller(kind="user", openid="alice", source="wx_client")
INDEXES = (
    IndexDefinition(name="owner_shop", keys=(("_openid", 1), ("shop", 1))),
    IndexDefinition(name="shop_1", keys=(("shop", 1),)),
)
OWN = "auth != null && doc._openid == auth.openid"

Row = tuple[str, float, str, str, float | None]

CASES: tuple[tuple[str, Any, Any], ...] = (
    ("all may read, by index", "READONLY", lambda n: {"_openid": "alice", "shop": n // 10}),
    ("own may read, by index", "PRIVATE", lambda n: {"_openid": "alice", "shop": n // 10}),
    ("rule on the owner, by index", {"read": OWN}, lambda n: {"_openid": "alice", "shop": n // 10}),
    (
        "rule on three fields, by index",
        {"read": f"{OWN} && doc.open == true && doc.age >= 18"},
        lambda n: {"_openid": "alice", "shop": n // 10, "open": True, "age": {"$gt": 20}},
    ),
    ("own may read, by _id", "PRIVATE", lambda n: {"_id": f"{n:024x}"}),
    ("rule on the owner, by _id", {"read": OWN}, lambda n: {"_id": f"{n:024x}"}),
)


def document(number: int) -> dict[str, Any]:
    """Return a document of ten fields."""
    return {
        "_id": f"{number:024x}",
        "_openid": "alice",
        "shop": number // 10,
        "open": True,
        "age": 21 + number % 10,
        "title": f"order number {number}",
        "tags": ["new", "gift"],
        "buyer": {"name": f"user {number % 100}", "level": number % 5},
        "price": number % 1000 + 0.5,
        "note": "leave it at the door",
    }


def database(permission: Any, count: int, folder: Path) -> PermittedDatabase:
    """Return a database that is kept nowhere, full of the user's documents."""
    clock = SystemClock()
    store = TinyDocumentStore.open(folder, mode="memory", clock=clock)
    store.commit([Create("c"), Describe("c", with_definitions({}, INDEXES))])
    store.commit([Put("c", document(number)) for number in range(count)])
    return PermittedDatabase(
        store,
        access=Access(Permissions(PermissionSettings(collections={"c": permission}))),
        bus=Bus(),
        clock=clock,
        ids=SystemIds(),
        reader=Reader(clock=clock, advisor=Advisor(clock)),
    )


async def measure(permission: Any, filter_of: Any, count: int) -> tuple[float, float]:
    """Return microseconds of CPU time for one get, as an administrator and as a user."""
    with tempfile.TemporaryDirectory() as folder:
        made = database(permission, count, Path(folder))
        step = count // CALLS
        gets = [Find(collection="c", filter=filter_of(n * step), limit=20) for n in range(CALLS)]

        async def spent(caller: Caller) -> float:
            began = time.thread_time()
            for command in gets:
                await made.find(command, caller)
            return (time.thread_time() - began) / CALLS * 1e6

        took: dict[Caller, list[float]] = {ADMINISTRATOR: [], ALICE: []}
        for number in range(ROUNDS + WARM_UP):
            for caller, times in took.items():
                figure = await spent(caller)
                if number >= WARM_UP:
                    times.append(figure)
        return statistics.median(took[ADMINISTRATOR]), statistics.median(took[ALICE])


def rows(*, full: bool = False) -> Iterator[Row]:
    """Yield for each permission what a get costs, as a user and beside an administrator's."""
    count = FULL_DOCUMENTS if full else DOCUMENTS
    for name, permission, filter_of in CASES:
        bare, asked = asyncio.run(measure(permission, filter_of, count))
        yield f"{name}, {count:,} documents", asked, "us", "administrator", asked / bare


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--full", action="store_true", help="100,000 documents")
    for name, figure, unit, peer, ratio in rows(full=parser.parse_args().full):
        print(f"{name:<52}{figure:>9.1f} {unit}  {ratio:>5.2f} x {peer}")


if __name__ == "__main__":
    main()
