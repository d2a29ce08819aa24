"""Columns between aggregations: they hold until anything is written, and no moment longer."""

import asyncio
import random

import pytest

from emulator.ambient import CountedIds, ManualClock
from emulator.core import commands
from emulator.core.aggregate.leavings import Leavings
from emulator.core.errors import DatabaseRequestFailed
from emulator.core.indexes import IndexDefinition, with_definitions
from emulator.services.access import Access
from emulator.services.advisor import Advisor
from emulator.services.bus import Bus
from emulator.services.caller import ADMINISTRATOR
from emulator.services.column_cache import COLLECTIONS_MAX, DOCUMENTS_MIN, ColumnCache
from emulator.services.database import Database
from emulator.services.planning import Reader
from emulator.services.recorder import Recorder
from emulator.stores.base import Delete, Describe, Drop, Put
from emulator.stores.memory import MemoryDocumentStore
from emulator.stores.overlay import OverlayStore
from emulator.stores.tiny import TinyDocumentStore
from emulator.stores.versions import VersionedStore

COUNT = DOCUMENTS_MIN + 5
GROUPED = (
    {"$match": {"n": {"$gte": 3}}},
    {"$group": {"_id": {"k": "$k", "d": "$in.d"}, "sum": {"$sum": "$n"}, "n": {"$sum": 1}}},
)


class World:
    def __init__(self, store, **options):
        clock = ManualClock()
        self.store = store
        self.recorder = Recorder(clock)
        self.advisor = Advisor(clock)
        self.database = Database(
            store,
            access=Access(),
            bus=Bus(),
            clock=clock,
            ids=CountedIds(),
            reader=Reader(clock=clock, advisor=self.advisor, recorder=self.recorder, **options),
        )

    async def run(self, *stages):
        command = commands.Aggregate(collection="c", pipeline=(*stages, {"$limit": 10_000}))
        return list((await self.database.aggregate(command, ADMINISTRATOR)).documents)


def document(number):
    return {"_id": f"{number}", "n": number % 50, "k": f"k{number % 3}", "in": {"d": number % 4}}


def expected(documents):
    sums = {}
    for each in documents:
        if each["n"] >= 3:
            sums.setdefault((each["k"], each["in"]["d"]), []).append(each["n"])
    return {key: (sum(values), len(values)) for key, values in sums.items()}


def as_sums(found):
    return {(each["_id"]["k"], each["_id"]["d"]): (each["sum"], each["n"]) for each in found}


@pytest.fixture(params=["memory", "tiny", "versioned"])
def world(request, tmp_path):
    if request.param == "memory":
        yield World(MemoryDocumentStore())
        return
    store = TinyDocumentStore.open(tmp_path / "data", mode="memory", clock=ManualClock())
    yield World(VersionedStore(store) if request.param == "versioned" else store)
    asyncio.run(store.close())


async def test_every_write_is_seen(world):
    rng = random.Random(3)
    documents = {f"{n}": document(n) for n in range(COUNT)}
    world.store.commit([Put("c", each) for each in documents.values()])
    for step in range(30):
        assert as_sums(await world.run(*GROUPED)) == expected(documents.values())
        key = f"{rng.randrange(COUNT)}"
        if step % 3 == 0:
            documents[key] = {**document(1000 + step), "_id": key}
            world.store.commit([Put("c", documents[key])])
        elif step % 3 == 1 and key in documents:
            del documents[key]
            world.store.commit([Delete("c", key)])
        else:
            documents[f"new{step}"] = {**document(step), "_id": f"new{step}"}
            world.store.commit([Put("c", documents[f"new{step}"])])


async def test_a_collection_that_came_again_is_another(world):
    world.store.commit([Put("c", document(n)) for n in range(COUNT)])
    await world.run(*GROUPED)
    again = [document(n + 7) for n in range(COUNT)]
    world.store.commit([Drop("c")])
    world.store.commit([Put("c", each) for each in again])
    assert as_sums(await world.run(*GROUPED)) == expected(again)


async def test_aggregations_side_by_side_with_writes_see_one_moment_each(world):
    documents = [document(n) for n in range(COUNT)]
    world.store.commit([Put("c", each) for each in documents])
    first = asyncio.create_task(world.run({"$addFields": {"x": 1}}, *GROUPED))
    second = asyncio.create_task(world.run(*GROUPED))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    later = [{**each, "n": 9} for each in documents]
    world.store.commit([Put("c", each) for each in later])
    third = as_sums(await world.run(*GROUPED))
    assert third == expected(later)
    for task in (first, second):
        assert as_sums(await task) in (expected(documents), expected(later))


async def test_a_transaction_sees_its_own_writes(tmp_path):
    store = TinyDocumentStore.open(tmp_path / "data", mode="memory", clock=ManualClock())
    versioned = VersionedStore(store)
    documents = [document(n) for n in range(COUNT)]
    versioned.commit([Put("c", each) for each in documents])
    overlay = OverlayStore(versioned, versioned.open())
    inside, outside = World(overlay), World(versioned)
    assert as_sums(await inside.run(*GROUPED)) == expected(documents)
    changed = {**documents[4], "n": 49}
    overlay.commit([Put("c", changed)])
    assert as_sums(await inside.run(*GROUPED)) == expected(
        [changed if each["_id"] == "4" else each for each in documents]
    )
    assert as_sums(await outside.run(*GROUPED)) == expected(documents)
    await store.close()


async def test_a_scan_is_told_as_a_query_would_tell_it(tmp_path):
    store = TinyDocumentStore.open(tmp_path / "data", mode="memory", clock=ManualClock())
    store.commit([Put("c", document(n)) for n in range(COUNT)])
    world = World(store)
    await world.run(*GROUPED)
    (record,) = world.recorder.reads()
    assert (record.stage, record.documents_examined) == ("COLLSCAN", COUNT)
    assert record.returned == sum(document(n)["n"] >= 3 for n in range(COUNT))
    (advice,) = world.advisor.advice()
    assert (advice.documents_examined, advice.documents_returned) == (COUNT, record.returned)
    with pytest.raises(DatabaseRequestFailed) as refusal:
        await World(store, scan_max_documents=100).run(*GROUPED)
    assert refusal.value.mongo_code == 291
    await store.close()


async def test_an_index_is_used_where_it_serves(tmp_path):
    store = TinyDocumentStore.open(tmp_path / "data", mode="memory", clock=ManualClock())
    store.commit([Put("c", document(n)) for n in range(COUNT)])
    index = IndexDefinition(name="n_1", keys=(("n", 1),))
    store.commit([Describe("c", with_definitions({}, [index]))])
    world = World(store)
    await world.run({"$match": {"n": 4}}, {"$count": "n"})
    (record,) = world.recorder.reads()
    assert (record.stage, record.indexes) == ("IXSCAN", ("n_1",))
    await store.close()


class Held(list):
    """A collection, as far as the cache asks."""

    def snapshot(self):
        return list(self)


def held(count):
    return Held({"n": number} for number in range(count))


def test_so_many_collections_are_kept():
    cache, leavings, large = ColumnCache(), Leavings(), held(DOCUMENTS_MIN)
    kept = [cache.all_of(f"c{n}", large, 1, leavings)[1] for n in range(COLLECTIONS_MAX + 1)]
    assert [each is None for each in kept] == [False] * COLLECTIONS_MAX + [True]
    assert cache.all_of("c0", large, 1, leavings)[1] is kept[0]
    assert cache.all_of("c0", held(DOCUMENTS_MIN - 1), 1, leavings)[1] is None
    assert cache.all_of("c0", large, 2, leavings)[1] is not kept[0]


def test_documents_are_listed_once_and_let_go_of_with_a_write():
    cache, leavings, large = ColumnCache(), Leavings(), held(DOCUMENTS_MIN)
    lists = [cache.all_of("c", large, 1, leavings)[0] for _ in range(3)]
    assert lists[0] == large
    assert lists[1] is lists[2]
    cache.written()
    documents, columns = cache.all_of("c", large, 1, leavings)
    assert documents is not lists[2]
    assert columns.documents is documents


def test_what_holds_no_more_is_left_unless_it_is_read():
    for is_read in (True, False):
        cache, leavings = ColumnCache(), Leavings()
        documents, columns = cache.all_of("c", held(2_000), 1, leavings)
        columns.keeps(("n",))
        with columns.used():
            assert columns.keeps(("n",))
        columns.values(("n",), 0, 2_000, lambda some=documents: some, lambda some: [1] * len(some))
        columns.users = int(is_read)
        cache.all_of("c", held(2_000), 2, leavings)
        assert bool(list(leavings.emptied())) is not is_read
