"""Indexes as a service: which definitions are taken, what they refuse and whom they help."""

import asyncio

import pytest

from emulator.ambient import CountedIds, ManualClock
from emulator.core import commands
from emulator.core.changes import Change
from emulator.core.errors import (
    CollectionNotExist,
    DatabaseRequestFailed,
    DuplicateKey,
    PermissionDenied,
    TooManyCollections,
)
from emulator.core.indexes import IndexDefinition
from emulator.core.limits import PROFILES, Limits
from emulator.core.values import Date
from emulator.services.access import Access
from emulator.services.advisor import SHAPES_MAX, Advisor
from emulator.services.bus import Bus
from emulator.services.caller import ADMINISTRATOR, Caller
from emulator.services.database import Database
from emulator.services.expiry import REMOVED_AT_ONCE_DOCUMENTS, SWEEP_EVERY_MS, Expiry
from emulator.services.indexes import Indexes
from emulator.services.planning import Reader
from emulator.services.policy import Policy
from emulator.services.recorder import Recorder
from emulator.stores.tiny import SuiteDB, TinyDocumentStore


def finished(coroutine):
    """Run what only gives others their turn, where there may be a loop or none."""
    while True:
        try:
            coroutine.send(None)
        except StopIteration as end:
            return end.value


class World:
    def __init__(self, *, scan_max_documents=None, policy=None):
        self.clock = ManualClock(1_700_000_000_000)
        self.bus = Bus()
        self.changes = []
        self.bus.subscribe(Change, self.changes.append)
        self.store = TinyDocumentStore(SuiteDB(mode="memory"), mode="memory", clock=self.clock)
        policy = policy or Policy()
        self.policy = policy
        self.advisor = Advisor(self.clock)
        self.database = Database(
            self.store,
            access=Access(),
            bus=self.bus,
            clock=self.clock,
            ids=CountedIds(),
            reader=Reader(
                clock=self.clock, advisor=self.advisor, scan_max_documents=scan_max_documents
            ),
            policy=policy,
        )
        self.indexes = Indexes(self.store, access=Access(), limits=policy.limits)
        self.recorder = Recorder(self.clock)
        self.expiry = Expiry(self.database, self.store, clock=self.clock, recorder=self.recorder)

    def new_collection(self, name="c"):
        command = commands.CreateCollection(collection=name)
        self.database.create_collection(command, ADMINISTRATOR)

    def insert(self, *documents):
        self.database.insert(commands.Insert(collection="c", documents=documents), ADMINISTRATOR)

    def create(self, *keys, caller=ADMINISTRATOR, collection="c", **options):
        command = commands.CreateIndex(collection=collection, keys=keys, **options)
        return finished(self.indexes.create(command, caller))

    def names(self):
        listed = self.indexes.list(commands.ListIndexes(collection="c"), ADMINISTRATOR)
        return [each["name"] for each in listed]

    async def ids(self, filter_=None, **options):
        command = commands.Find(collection="c", filter=filter_ or {}, **options)
        found = await self.database.find(command, ADMINISTRATOR)
        return [each["_id"] for each in found.documents]

    async def explain(self, filter_=None, **options):
        command = commands.Find(collection="c", filter=filter_ or {}, **options)
        return await self.database.explain(command, ADMINISTRATOR)


@pytest.fixture
def world():
    made = World()
    made.new_collection()
    return made


# --- definitions ---------------------------------------------------------------------------------


def test_an_index_gets_a_name_and_is_there_once(world):
    assert world.create(("a", 1), ("b", -1)) == "a_1_b_-1"
    assert world.create(("a", "1"), ("b", -1.0)) == "a_1_b_-1"
    assert world.create(("_id", 1)) == "_id_"
    assert world.names() == ["_id_", "a_1_b_-1"]
    world.indexes.drop(commands.DropIndex(collection="c", name="a_1_b_-1"), ADMINISTRATOR)
    assert world.names() == ["_id_"]


@pytest.mark.parametrize(
    ("keys", "options", "code"),
    [
        pytest.param([], {}, 67, id="no keys"),
        pytest.param([("a", 2)], {}, 67, id="a direction that is none"),
        pytest.param([("a", True)], {}, 67, id="true is no direction"),
        pytest.param([("a", "text")], {}, 67, id="a kind the cloud has not"),
        pytest.param([("a", 1), ("a", -1)], {}, 67, id="a field twice"),
        pytest.param([("a..b", 1)], {}, 67, id="an empty part"),
        pytest.param([("$a", 1)], {}, 67, id="a dollar"),
        pytest.param([(f"f{n}", 1) for n in range(32)], {}, 67, id="too many fields"),
        pytest.param([("a", "2d"), ("b", "2dsphere")], {}, 67, id="two places"),
        pytest.param([("a", 1)], {"name": "x" * 129}, 67, id="a long name"),
        pytest.param([("a", 1), ("b", 1)], {"expire_after_s": 1}, 67, id="expiry of two fields"),
        pytest.param([("_id", 1)], {"expire_after_s": 1}, 67, id="expiry of _id"),
        pytest.param([("a", 1)], {"expire_after_s": -1}, 67, id="expiry before the date"),
        pytest.param([("b", 1)], {"name": "a_1"}, 86, id="a name that is taken"),
        pytest.param([("a", 1)], {"unique": True}, 85, id="other options"),
        pytest.param([("a", 1)], {"name": "other"}, 85, id="the same keys"),
    ],
)
def test_what_is_no_index_is_refused(world, keys, options, code):
    world.create(("a", 1))
    with pytest.raises(DatabaseRequestFailed) as refused:
        world.create(*keys, **options)
    assert refused.value.mongo_code == code
    assert world.names() == ["_id_", "a_1"]


def test_there_are_so_many_indexes_and_no_more(world):
    for number in range(19):
        world.create((f"f{number}", 1))
    with pytest.raises(DatabaseRequestFailed, match="too many indexes: 20 at most"):
        world.create(("more", 1))


def test_only_what_is_there_can_be_dropped(world):
    for name, code in (("nope", 27), ("_id_", 72)):
        with pytest.raises(DatabaseRequestFailed) as refused:
            world.indexes.drop(commands.DropIndex(collection="c", name=name), ADMINISTRATOR)
        assert refused.value.mongo_code == code


def test_indexes_are_for_administrators_and_collections_that_are_there(world):
    with pytest.raises(PermissionDenied):
        world.create(("a", 1), caller=Caller(kind="user", openid="o"))
    with pytest.raises(CollectionNotExist):
        world.create(("a", 1), collection="gone")


def test_a_unique_index_is_not_made_over_duplicates(world):
    world.insert({"n": 1}, {"n": 1})
    with pytest.raises(DuplicateKey, match="E11000 duplicate key error collection: c index: n_1"):
        world.create(("n", 1), unique=True)
    assert world.names() == ["_id_"]


def test_a_taken_key_is_refused_in_the_cloud_s_words_and_changes_nothing(world):
    world.create(("n", 1), unique=True)
    world.insert({"_id": "a", "n": 1}, {"_id": "b"})
    expected = (
        r"\[FailedOperation\] multiple write errors: \[\{write errors: \[\{E11000 duplicate key "
        r"error collection: c index: n_1 dup key: \{ n: 1 \}\}\]\}, \{<nil>\}\]"
    )
    with pytest.raises(DuplicateKey, match=expected):
        world.insert({"_id": "c", "n": 1})
    with pytest.raises(DuplicateKey, match="n: null"):
        world.insert({"_id": "d", "n": None})
    update = commands.Update(collection="c", filter={"_id": "b"}, update={"$set": {"n": 1}})
    with pytest.raises(DuplicateKey):
        world.database.update(update, ADMINISTRATOR)
    assert [each["_id"] for each in world.store.collection("c").snapshot()] == ["a", "b"]
    assert len(world.changes) == 2


def test_many_documents_take_their_keys_one_after_the_other(world):
    world.create(("n", 1), unique=True)
    world.insert({"n": 1}, {"n": 2}, {"n": 3})
    up, down = (
        commands.Update(collection="c", filter={}, update={"$inc": {"n": by}}, multi=True)
        for by in (1, -1)
    )
    with pytest.raises(DuplicateKey, match=r"index: n_1 dup key: \{ n: 2 \}"):
        world.database.update(up, ADMINISTRATOR)
    assert world.database.update(down, ADMINISTRATOR).modified == 3
    assert [each["n"] for each in world.store.collection("c").snapshot()] == [0, 1, 2]


def test_configured_indexes_come_with_the_collection_or_a_notice():
    wanted = IndexDefinition(name="n_1", keys=(("n", 1),), unique=True)
    world = World(policy=Policy(indexes={"c": (wanted,), "later": (wanted,)}))
    world.new_collection()
    assert world.names() == ["_id_", "n_1"]
    plain = World()
    plain.new_collection()
    plain.insert({"n": 1})
    plain.indexes.configure(world.policy)
    assert plain.names() == ["_id_", "n_1"]
    assert plain.indexes.notices == []
    full = World()
    full.new_collection()
    full.insert({"n": 1}, {"n": 1})
    full.indexes.configure(world.policy)
    assert full.names() == ["_id_"]
    assert "E11000" in full.indexes.notices[0]


def test_a_profile_bounds_the_collections():
    world = World(policy=Policy(limits=Limits(collections_max=2)))
    world.new_collection("a")
    world.new_collection("b")
    with pytest.raises(TooManyCollections, match="there are 2 collections"):
        world.new_collection("c")
    assert set(PROFILES) == {"wechat", "cloudbase", "alipay"}


# --- reading -------------------------------------------------------------------------------------


def numbered(count):
    return [{"_id": f"{n:05}", "n": n, "even": n % 2 == 0, "mod": n % 10} for n in range(count)]


@pytest.mark.parametrize(
    ("filter_", "options", "stage", "index", "keys", "documents"),
    [
        pytest.param({"n": 7}, {}, "IXSCAN", ("n_1",), 1, 1, id="one value"),
        pytest.param({"n": {"$in": [7, 9]}}, {}, "IXSCAN", ("n_1",), 2, 2, id="values"),
        pytest.param({"n": {"$gte": 5, "$lt": 8}}, {}, "IXSCAN", ("n_1",), 3, 3, id="a range"),
        pytest.param({"mod": 3}, {}, "IXSCAN", ("mod_1_n_-1",), 30, 30, id="a prefix"),
        pytest.param(
            {"mod": 3, "n": {"$gt": 250}}, {}, "IXSCAN", ("mod_1_n_-1",), 5, 5, id="both keys"
        ),
        pytest.param(
            {"$or": [{"n": 3}, {"mod": 4, "n": 4}]},
            {},
            "IXSCAN",
            ("n_1", "mod_1_n_-1"),
            2,
            2,
            id="branches",
        ),
        pytest.param({"_id": "00003", "n": 3}, {}, "IDHACK", ("_id_",), 1, 1, id="an id"),
        pytest.param({"_id": {"$in": ["00003"]}}, {}, "IDHACK", ("_id_",), 1, 1, id="one id"),
        pytest.param({"_id": {"$gt": "00297"}}, {}, "IXSCAN", ("_id_",), 2, 2, id="later ids"),
        pytest.param({"even": True}, {}, "COLLSCAN", (), 0, 300, id="no index"),
        pytest.param(
            {"$or": [{"n": 3}, {"even": True}]}, {}, "COLLSCAN", (), 0, 300, id="one branch lacks"
        ),
        pytest.param(
            {"mod": 3},
            {"sort": (("n", -1),), "limit": 5},
            "IXSCAN",
            ("mod_1_n_-1",),
            5,
            5,
            id="in order",
        ),
        pytest.param(
            {"mod": 3},
            {"sort": (("n", 1),), "limit": 5},
            "IXSCAN",
            ("mod_1_n_-1",),
            5,
            5,
            id="in order, backwards",
        ),
        pytest.param(
            {}, {"sort": (("n", -1),), "limit": 5}, "IXSCAN", ("n_1",), 5, 5, id="order alone"
        ),
    ],
)
async def test_explain(world, filter_, options, stage, index, keys, documents):
    world.insert(*numbered(300))
    world.create(("n", 1))
    world.create(("mod", 1), ("n", -1))
    reading = await world.explain(filter_, **options)
    assert (reading.stage, reading.indexes) == (stage, index)
    assert (reading.keys_examined, reading.documents_examined) == (keys, documents)


async def test_a_wide_range_is_read_by_looking_at_all(world):
    world.insert(*numbered(5_000))
    world.create(("n", 1))
    reading = await world.explain({"n": {"$gte": 100}})
    assert (reading.stage, len(reading.documents)) == ("COLLSCAN", 4_900)
    assert world.advisor.advice() == [], "there is an index; it would not have helped"


async def test_an_order_that_finds_too_little_too_late_is_sorted(world):
    world.insert(*numbered(5_000))
    world.create(("n", 1))
    found = await world.ids({"even": True, "mod": {"$gte": 9}}, sort=(("n", -1),), limit=3)
    assert found == []
    assert await world.ids({"_id": {"$gte": "04998"}}, sort=(("n", -1),)) == ["04999", "04998"]


@pytest.mark.parametrize("wanted", [1, 999, 4_500, None])
async def test_long_answers_are_sorted_in_slices(world, wanted):
    world.insert(*({"_id": f"{n:05}", "k": n * 7919 % 100} for n in range(5_000)))
    expected = sorted(range(5_000), key=lambda n: (-(n * 7919 % 100), n))
    found = await world.ids(sort=(("k", -1),), limit=wanted)
    assert found == [f"{n:05}" for n in expected[:wanted]]
    found = await world.ids(sort=(("k", -1), ("_id", 1)), limit=wanted)
    assert found == [f"{n:05}" for n in expected[:wanted]]


async def test_scans_beyond_the_bound_need_an_index():
    world = World(scan_max_documents=50)
    world.new_collection()
    world.insert(*numbered(51))
    assert len(await world.ids()) == 51
    with pytest.raises(DatabaseRequestFailed) as refused:
        await world.ids({"n": 7})
    assert refused.value.mongo_code == 291
    assert "would read 51 documents, 50 are allowed" in refused.value.message
    assert "{'n': 1}" in refused.value.hint
    with pytest.raises(DatabaseRequestFailed):
        world.database.remove(
            commands.Remove(collection="c", filter={"n": 7}, multi=True), ADMINISTRATOR
        )
    world.create(("n", 1))
    assert await world.ids({"n": 7}) == ["00007"]


async def test_the_nearest_need_an_index_of_places(world):
    world.insert(
        {"_id": "far", "at": {"type": "Point", "coordinates": [10, 10]}},
        {"_id": "near", "at": {"type": "Point", "coordinates": [1, 1]}},
        {"_id": "nowhere"},
    )
    here = {"$geometry": {"type": "Point", "coordinates": [0, 0]}}
    with pytest.raises(DatabaseRequestFailed, match="unable to find index") as refused:
        await world.ids({"at": {"$nearSphere": here}})
    assert refused.value.mongo_code == 291
    world.create(("at", "2dsphere"))
    assert await world.ids({"at": {"$nearSphere": here}}) == ["near", "far"]
    assert await world.ids({"at": {"$nearSphere": here}}, limit=1) == ["near"]
    reading = await world.explain({"at": {"$nearSphere": here}})
    assert (reading.stage, reading.indexes) == ("GEO_NEAR", ("at_2dsphere",))
    with pytest.raises(DatabaseRequestFailed, match="Can't extract geo keys"):
        world.insert({"at": "here"})


@pytest.mark.parametrize(
    ("kind", "near", "served"),
    [
        ("2dsphere", {"$near": {"$geometry": {"type": "Point", "coordinates": [0, 0]}}}, True),
        ("2dsphere", {"$nearSphere": [0, 0]}, True),
        ("2dsphere", {"$near": [0, 0]}, False),
        ("2d", {"$near": {"$geometry": {"type": "Point", "coordinates": [0, 0]}}}, False),
        ("2d", {"$nearSphere": [0, 0]}, True),
        ("2d", {"$near": [0, 0]}, True),
    ],
)
async def test_the_nearest_need_an_index_of_their_kind(world, kind, near, served):
    world.insert({"_id": "here", "at": [0, 0]})
    world.create(("at", kind))
    if served:
        assert await world.ids({"at": near}) == ["here"]
        return
    with pytest.raises(DatabaseRequestFailed, match="unable to find index"):
        await world.ids({"at": near})


# --- advice --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filter_", "sort", "keys"),
    [
        pytest.param({"a": 1}, (), {"a": 1}, id="equality"),
        pytest.param(
            {"r": {"$gt": 1}, "a": 1}, (("s", -1),), {"a": 1, "s": -1, "r": 1}, id="all three"
        ),
        pytest.param({"a": {"$in": [1, 2]}}, (("a", 1),), {"a": 1}, id="order of a fixed field"),
        pytest.param({"$or": [{"a": 1}, {"b": 1}]}, (), {"a": 1}, id="the first branch"),
        pytest.param({}, (("s", 1),), {"s": 1}, id="an order"),
        pytest.param({"a": {"$exists": False}}, (), None, id="nothing an index knows"),
        pytest.param({"a.0": 1}, (), None, id="a place in an array"),
    ],
)
async def test_advice(world, filter_, sort, keys):
    world.insert(*numbered(100))
    for _ in range(2):
        await world.ids(filter_, sort=sort)
    (advice,) = world.advisor.advice()
    assert (advice.times, advice.documents_examined) == (2, 200)
    told = advice.told()
    assert (told["index"] and told["index"]["keys"]) == keys


async def test_little_reading_needs_no_advice_and_the_table_is_bounded(world):
    world.insert(*numbered(99))
    await world.ids({"n": 1})
    assert world.advisor.advice() == []
    world.insert({"n": 1})
    await world.ids()
    assert world.advisor.advice() == [], "all were wanted"
    for number in range(SHAPES_MAX + 5):
        await world.ids({f"field{number}": 1})
    fixed = [advice.fixed for advice in world.advisor.advice()]
    assert len(fixed) == SHAPES_MAX
    assert ("field0",) not in fixed
    world.advisor.clear()
    assert world.advisor.advice() == []


# --- expiry --------------------------------------------------------------------------------------


async def test_documents_go_when_their_time_is_over(world):
    now_ms = world.clock.now_ms()
    world.create(("at", 1), expire_after_s=60)
    world.insert(
        {"_id": "old", "at": Date(now_ms - 60_000)},
        {"_id": "oldest of several", "at": [Date(now_ms + 5_000), Date(now_ms - 90_000)]},
        {"_id": "young", "at": Date(now_ms - 59_000)},
        {"_id": "no date", "at": 5},
        {"_id": "nothing"},
    )
    world.changes.clear()
    assert await world.expiry.sweep() == 2
    assert await world.ids() == ["young", "no date", "nothing"]
    assert [(each.operation, each.document_id) for each in world.changes] == [
        ("remove", "old"),
        ("remove", "oldest of several"),
    ]
    world.clock.advance(1)
    assert await world.expiry.sweep() == 1


async def test_many_documents_go_in_portions(world):
    world.create(("at", 1), expire_after_s=0)
    world.insert(*({"at": Date(0)} for _ in range(REMOVED_AT_ONCE_DOCUMENTS + 3)))
    assert await world.expiry.sweep() == REMOVED_AT_ONCE_DOCUMENTS + 3
    assert await world.ids() == []


async def test_the_suite_s_clock_says_when_to_sweep(world):
    world.create(("at", 1), expire_after_s=0)
    world.insert({"_id": "a", "at": Date(world.clock.now_ms() + 1)})
    sweeps = asyncio.ensure_future(world.expiry.run())
    await asyncio.sleep(0)
    world.clock.advance(SWEEP_EVERY_MS / 1000)
    for _ in range(20):
        await asyncio.sleep(0)
    sweeps.cancel()
    assert await world.ids() == []


async def test_what_cannot_go_now_is_told(world, monkeypatch):
    world.create(("at", 1), expire_after_s=0)
    world.insert({"_id": "a", "at": Date(0)})

    def refuse(command, caller):
        raise DatabaseRequestFailed("claimed")

    monkeypatch.setattr(world.database, "remove", refuse)
    assert await world.expiry.sweep() == 0
    assert "did not expire: claimed" in world.recorder.logs()[0].line


async def test_an_index_is_built_while_others_write(world):
    for start in range(0, 2_000, 500):
        world.insert(*({"_id": n, "n": n % 7} for n in range(start, start + 500)))
    command = commands.CreateIndex(collection="c", keys=(("n", 1),))
    building = asyncio.create_task(world.indexes.create(command, ADMINISTRATOR))
    await asyncio.sleep(0)
    assert not building.done()
    world.insert({"_id": "new", "n": 3})
    assert await building == "n_1"
    assert len(await world.ids({"n": 3})) == 287
    assert "new" in await world.ids({"n": 3})


async def test_of_two_that_make_the_same_index_both_are_content(world):
    world.insert(*({"_id": n, "n": n} for n in range(1_200)))
    command = commands.CreateIndex(collection="c", keys=(("n", 1),))
    made = [world.indexes.create(command, ADMINISTRATOR) for _ in range(2)]
    assert await asyncio.gather(*made) == ["n_1", "n_1"]
    assert world.names() == ["_id_", "n_1"]


async def test_a_collection_that_goes_while_its_index_is_built_is_told(world):
    world.insert(*({"_id": n, "n": n} for n in range(1_200)))
    command = commands.CreateIndex(collection="c", keys=(("n", 1),))
    building = asyncio.create_task(world.indexes.create(command, ADMINISTRATOR))
    await asyncio.sleep(0)
    world.database.drop_collection(commands.DropCollection(collection="c"), ADMINISTRATOR)
    with pytest.raises(CollectionNotExist):
        await building
