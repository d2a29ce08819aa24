"""Columns between aggregations: what they give is what the documents of the moment give."""

import asyncio
import random

import pytest

from emulator.ambient import CountedIds, ManualClock
from emulator.core import commands
from emulator.core.aggregate.column_patches import STEP_ROWS
from emulator.core.aggregate.columns import Piece
from emulator.core.aggregate.leavings import Leavings
from emulator.core.errors import DatabaseRequestFailed
from emulator.core.indexes import IndexDefinition, with_definitions
from emulator.services import column_cache
from emulator.services.access import Access
from emulator.services.advisor import Advisor
from emulator.services.bus import Bus
from emulator.services.caller import ADMINISTRATOR
from emulator.services.column_cache import (
    CHANGES_MAX,
    COLLECTIONS_MAX,
    DOCUMENTS_MIN,
    ColumnCache,
)
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
    """A collection, as far as the cache asks, numbered from ten on; it counts its snapshots."""

    snapshots = 0

    def snapshot(self):
        self.snapshots += 1
        return list(self)

    def numbered(self, ids):
        wanted = list(ids)
        return {10 + n: each for n, each in enumerate(self) if each["_id"] in wanted}


def note(cache, count):
    """Tell of writes behind others that nobody told of."""
    cache.written("c", [Put("c", {"_id": 0})] * count, -1)


def held(count):
    return Held({"_id": number, "n": number} for number in range(count))


def asked(cache, collection, sequence, *, name="c", leavings=None):
    """Return what a run is given that waits for nobody."""
    return ended(cache.all_of(name, collection, sequence, leavings or Leavings()))


def ended(steps):
    """Return what steps come to."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def read(documents, columns):
    """Read a column as a run does, and return how many documents it looked into."""
    looked = []

    def values(some):
        looked.extend(some)
        return [each["n"] for each in some]

    with columns.used():
        found = Piece(documents, columns, (0, len(documents))).column(("n",), values)
    assert found == [each["n"] for each in documents]
    return len(looked)


def kept(cache, collection, sequence=1):
    """Have a column kept, as the second run does."""
    for _ in range(2):
        read(*asked(cache, collection, sequence))
    assert read(*asked(cache, collection, sequence)) == 0


def test_so_many_collections_are_kept_and_those_asked_longest_ago_go():
    cache, large = ColumnCache(), held(DOCUMENTS_MIN)
    first = [asked(cache, large, 1, name=f"c{n}")[1] for n in range(COLLECTIONS_MAX)]
    assert asked(cache, large, 1, name="c0")[1] is first[0]
    assert asked(cache, held(DOCUMENTS_MIN - 1), 1, name="few")[1] is None
    assert asked(cache, large, 1, name="c0")[1] is first[0]
    assert asked(cache, large, 1, name="c2")[1] is first[2]
    asked(cache, large, 1, name="one more")
    assert asked(cache, large, 1, name="c1")[1] is not first[1]
    assert asked(cache, large, 1, name="c0")[1] is first[0]


def test_so_many_values_are_kept(monkeypatch):
    monkeypatch.setattr(column_cache, "VALUES_MAX", 3 * DOCUMENTS_MIN)
    cache, large = ColumnCache(), held(DOCUMENTS_MIN)
    columns = {}
    for name in "abcd":
        for _ in range(2):
            documents, columns[name] = asked(cache, large, 1, name=name)
            read(documents, columns[name])
    assert asked(cache, large, 1, name="d")[1] is columns["d"]
    assert asked(cache, large, 1, name="a")[1] is not columns["a"]


def test_documents_are_listed_once():
    cache, large = ColumnCache(), held(DOCUMENTS_MIN)
    lists = [asked(cache, large, 1)[0] for _ in range(3)]
    assert lists[0] == large
    assert lists[1] is lists[2]


def test_only_what_changed_is_read_again():
    cache, large = ColumnCache(), held(DOCUMENTS_MIN)
    kept(cache, large)
    note(cache, 3)
    large[7] = {"_id": 7, "n": -1}
    del large[9]
    large.append({"_id": "new", "n": 5})
    documents, columns = asked(cache, large, 2)
    assert documents == large
    assert columns.documents is documents
    assert read(documents, columns) == 0
    note(cache, 1)
    large[3] = {"_id": 3, "n": 1.5}
    documents, columns = asked(cache, large, 3)
    assert read(documents, columns) == 0


def test_columns_are_kept_though_something_is_written_after_each_run():
    cache, large = ColumnCache(), held(DOCUMENTS_MIN)
    looked = []
    for sequence in range(4):
        looked.append(read(*asked(cache, large, sequence)))
        note(cache, 1)
        large[sequence] = {"_id": sequence, "n": -sequence}
    assert looked == [DOCUMENTS_MIN, DOCUMENTS_MIN, 0, 0]


def test_after_many_changes_all_is_read_again_and_kept_at_once():
    cache, large = ColumnCache(), held(DOCUMENTS_MIN)
    kept(cache, large)
    before = asked(cache, large, 1)[1]
    note(cache, CHANGES_MAX)
    assert before.documents is not None
    note(cache, 1)
    assert before.documents is None
    looked = [read(*asked(cache, large, sequence)) for sequence in (2, 2)]
    assert looked == [DOCUMENTS_MIN, 0]


def test_what_is_written_all_over_between_any_two_runs_is_not_kept():
    cache, large = ColumnCache(), held(DOCUMENTS_MIN)
    kept(cache, large)
    for sequence in range(2, 6):
        note(cache, CHANGES_MAX + 1)
        documents, columns = asked(cache, large, sequence)
        assert read(documents, columns) == DOCUMENTS_MIN
    assert columns.lists == []


def test_changes_that_nobody_told_of_are_seen():
    cache, large = ColumnCache(), held(3 * CHANGES_MAX)
    kept(cache, large)
    for place in range(CHANGES_MAX + 1):
        large[place] = {"_id": place, "n": -1}
    documents, columns = asked(cache, large, 2)
    assert documents == large
    assert read(documents, columns) == len(large)


def test_a_dropped_collection_is_let_go_of():
    cache, large, leavings = ColumnCache(), held(2_000), Leavings()
    kept(cache, large)
    columns = asked(cache, large, 1)[1]
    cache.dropped("c")
    assert columns.documents is None
    asked(cache, held(DOCUMENTS_MIN), 2, name="other", leavings=leavings)
    assert list(leavings.emptied())
    assert columns.lists == []


def test_while_columns_are_brought_to_a_state_others_look_into_documents():
    cache, large = ColumnCache(), held(2 * STEP_ROWS)
    kept(cache, large)
    note(cache, 1)
    large[5] = {"_id": 5, "n": -1}
    steps = cache.all_of("c", large, 2, Leavings())
    next(steps)
    note(cache, 1)
    large[6] = {"_id": 6, "n": -2}
    assert asked(cache, large, 3) == (large, None)
    documents, columns = ended(steps)
    assert (documents[5]["n"], documents[6]["n"]) == (-1, 6)
    assert read(documents, columns) == 0
    assert read(*asked(cache, large, 3)) == 0


def test_a_run_that_is_given_up_halfway_leaves_nothing_half_done():
    cache, large = ColumnCache(), held(2 * STEP_ROWS)
    kept(cache, large)
    note(cache, 1)
    large[5] = {"_id": 5, "n": -1}
    steps = cache.all_of("c", large, 2, Leavings())
    next(steps)
    steps.close()
    for _ in range(3):
        read(*asked(cache, large, 2))


@pytest.mark.parametrize("is_read", [True, False])
def test_what_holds_no_more_is_left_unless_it_is_read(is_read):
    cache, large, leavings = ColumnCache(), held(2_000), Leavings()
    kept(cache, large)
    documents, columns = asked(cache, large, 1)
    columns.users = int(is_read)
    values = columns.lists[0]
    del large[:10]
    _, after = asked(cache, large, 2, leavings=leavings)
    assert after.lists[0] == list(range(10, 2_000))
    assert bool(list(leavings.emptied())) is not is_read
    assert len(documents) == len(values) == (2_000 if is_read else 0)


@pytest.mark.parametrize("is_shorter", [True, False])
def test_columns_that_are_read_stay_as_they_are(is_shorter):
    cache, large, leavings = ColumnCache(), held(2_000), Leavings()
    kept(cache, large)
    documents, columns = asked(cache, large, 1)
    with columns.used():
        large[5] = {"_id": 5, "n": -1}
        large.append({"_id": "new", "n": 7})
        if is_shorter:
            del large[:2]
        assert read(*asked(cache, large, 2, leavings=leavings)) == 0
        list(leavings.emptied())
        assert read(documents, columns) == 0
    assert [each["n"] for each in documents] == list(range(2_000))


def test_where_all_writes_are_told_documents_are_not_listed_again():
    cache, large = ColumnCache(), held(DOCUMENTS_MIN)
    kept(cache, large)
    listed = large.snapshots
    large[7] = {"_id": 7, "n": -1}
    cache.written("c", [Put("c", large[7])], 2)
    cache.written("other", [Put("other", {"_id": 7})], 3)
    large += [{"_id": "new", "n": 5}, {"_id": "newer", "n": 6}]
    large[8] = {"_id": 8, "n": -2}
    cache.written("c", [Put("c", each) for each in (large[-2], large[-1], large[8], large[7])], 4)
    documents, columns = asked(cache, large, 4)
    assert documents == large
    assert read(documents, columns) == 0
    assert large.snapshots == listed
    assert read(*asked(cache, large, 4)) == 0


@pytest.mark.parametrize("case", ["removed", "others", "gap", "in front", "lost"])
def test_where_not_all_is_told_documents_are_compared(case):
    cache, large = ColumnCache(), held(DOCUMENTS_MIN + 5)
    kept(cache, large)
    listed = large.snapshots
    large[7] = {"_id": 7, "n": -1}
    told = [Put("c", large[7])]
    if case == "removed":
        told.append(Delete("c", large.pop(3)["_id"]))
    elif case == "others":
        large[8] = {"_id": 8, "n": -2}
    elif case == "gap":
        large.numbered = lambda ids: {18: large[7]} if ids == [7] else {10: large[0]}
    elif case == "in front":
        large.insert(0, {"_id": "new", "n": 5})
        told.append(Put("c", large[0]))
    else:
        told *= CHANGES_MAX + 1
    cache.written("c", told, 3 if case == "others" else 2)
    sequence = 3 if case == "others" else 2
    documents, columns = asked(cache, large, sequence)
    assert documents == large
    read(documents, columns)
    assert large.snapshots == listed + 1


def test_documents_that_are_read_stay_a_list_of_their_own():
    cache, large = ColumnCache(), held(DOCUMENTS_MIN)
    kept(cache, large)
    documents, columns = asked(cache, large, 1)
    with columns.used():
        large[5] = {"_id": 5, "n": -1}
        cache.written("c", [Put("c", large[5])], 2)
        assert read(*asked(cache, large, 2)) == 0
        assert read(documents, columns) == 0
    assert documents[5]["n"] == 5
