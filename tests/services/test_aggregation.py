"""Pipelines as a service: one moment of the database, a shared loop, the cloud's caps."""

import asyncio

import pytest

from emulator.ambient import CountedIds, ManualClock, SystemIds
from emulator.core import commands
from emulator.core.errors import (
    CollectionNotExist,
    DatabaseRequestFailed,
    InvalidOperator,
    PermissionDenied,
)
from emulator.core.indexes import IndexDefinition, with_definitions
from emulator.core.limits import WECHAT
from emulator.core.values import Date, ServerDate
from emulator.services.access import Access
from emulator.services.aggregation import Sources, aggregate
from emulator.services.bus import Bus
from emulator.services.caller import ADMINISTRATOR
from emulator.services.database import Database
from emulator.services.policy import Policy
from emulator.stores.base import Describe
from emulator.stores.memory import MemoryDocumentStore


class TickingClock(ManualClock):
    """A clock on which everything takes time: a look at it moves it on."""

    tick_s = 0.001

    def elapsed_s(self):
        self.advance(self.tick_s)
        return super().elapsed_s()


class World:
    def __init__(self, clock=None, ids=None):
        self.clock = clock or ManualClock()
        self.store = MemoryDocumentStore()
        self.database = Database(
            self.store,
            access=Access(),
            bus=Bus(),
            clock=self.clock,
            ids=ids or CountedIds(),
            policy=Policy(creates_collections=True),
        )

    def insert(self, collection, *documents):
        command = commands.Insert(collection=collection, documents=documents)
        self.database.insert(command, ADMINISTRATOR)

    async def run(self, *stages, collection="c", caller=ADMINISTRATOR):
        command = commands.Aggregate(collection=collection, pipeline=stages)
        return list((await self.database.aggregate(command, caller)).documents)

    def index(self, collection, *keys):
        described = self.store.description(collection)
        definition = IndexDefinition(name="i", keys=keys)
        self.store.commit([Describe(collection, with_definitions(described, [definition]))])


@pytest.fixture
def world():
    world = World()
    world.insert("c", *[{"_id": n, "n": n, "even": n % 2 == 0} for n in range(10)])
    world.insert("d", *[{"_id": f"d{n}", "of": n // 2} for n in range(10)])
    return world


async def test_stages_run_in_order(world):
    found = await world.run(
        {"$match": {"n": {"$gte": 4}}},
        {"$group": {"_id": "$even", "sum": {"$sum": "$n"}}},
        {"$sort": {"sum": 1}},
    )
    assert found == [{"_id": True, "sum": 18}, {"_id": False, "sum": 21}]


@pytest.mark.parametrize(
    ("stages", "ids"),
    [
        pytest.param([{"$match": {"even": True}}], [0, 2, 4, 6, 8], id="filter"),
        pytest.param(
            [{"$match": {"even": True}}, {"$match": {"n": {"$gt": 3}}}], [4, 6, 8], id="2"
        ),
        pytest.param([{"$sort": {"n": -1}}, {"$skip": 1}, {"$limit": 2}], [8, 7], id="sorted page"),
        pytest.param([{"$limit": 2}, {"$skip": 1}], [1], id="skip behind limit"),
        pytest.param([{"$skip": 8}], [8, 9], id="skip alone"),
        pytest.param([{"$match": {}}, {"$sort": {"n": 1}}, {"$limit": 1}], [0], id="empty filter"),
        pytest.param([{"$match": {"$expr": {"$lt": ["$n", 2]}}}], [0, 1], id="expression"),
        pytest.param([{"$limit": 3}, {"$match": {"n": 2}}], [2], id="filter behind limit"),
    ],
)
async def test_a_beginning_a_query_could_serve_gives_the_same(world, stages, ids):
    assert [found["_id"] for found in await world.run(*stages)] == ids


async def test_twenty_documents_come_back_without_a_limit():
    world = World()
    world.insert("c", *[{"_id": n} for n in range(30)])
    assert len(await world.run({"$match": {}})) == WECHAT.aggregate_default_documents
    assert len(await world.run({"$limit": 25})) == 25
    assert len(await world.run({"$limit": 25}, {"$project": {"_id": 1}})) == 25
    assert await world.run({"$count": "n"}) == [{"n": 30}]


async def test_a_limit_inside_another_stage_is_none_of_the_pipeline():
    world = World()
    world.insert("c", *[{"_id": n} for n in range(30)])
    inner = {"from": "c", "pipeline": [{"$limit": 1}], "as": "x"}
    assert len(await world.run({"$lookup": inner})) == WECHAT.aggregate_default_documents


async def test_ten_thousand_documents_come_back_at_most():
    world = World()
    world.insert("c", *[{"_id": n} for n in range(101)])
    cross = [{"$lookup": {"from": "c", "pipeline": [], "as": "x"}}, {"$unwind": "$x"}]
    found = await world.run(*cross, {"$limit": 1_000_000})
    assert len(found) == WECHAT.aggregate_max_documents


async def test_other_collections_are_joined(world):
    join = {"from": "d", "localField": "n", "foreignField": "of", "as": "found"}
    found = await world.run({"$match": {"n": 3}}, {"$lookup": join})
    assert found == [
        {
            "_id": 3,
            "n": 3,
            "even": False,
            "found": [{"_id": "d6", "of": 3}, {"_id": "d7", "of": 3}],
        }
    ]


async def test_a_collection_that_is_not_there_joins_nothing(world):
    join = {"from": "none", "localField": "n", "foreignField": "of", "as": "found"}
    (found,) = await world.run({"$match": {"n": 3}}, {"$lookup": join})
    assert found["found"] == []
    with pytest.raises(CollectionNotExist, match="none"):
        await world.run({"$match": {}}, collection="none")


async def test_whoever_runs_it_is_asked_about_every_other_collection(world):
    asked = []

    def may_read(name):
        asked.append(name)
        if name == "secret":
            raise PermissionDenied("no")

    async def find(command):
        raise AssertionError(f"nothing is read: {command}")

    sources = Sources(
        store=world.store,
        clock=world.clock,
        ids=CountedIds(),
        find=find,
        may_read=may_read,
        limits=WECHAT,
    )
    inner = {"from": "secret", "pipeline": [], "as": "x"}
    join = {"from": "d", "pipeline": [{"$lookup": inner}], "as": "x"}
    command = commands.Aggregate(collection="c", pipeline=({"$match": {}}, {"$lookup": join}))
    with pytest.raises(PermissionDenied):
        await aggregate(command, sources)
    assert asked == ["d", "secret"]


async def test_a_pipeline_sees_one_moment_although_it_lets_others_work():
    world = World(clock=TickingClock())
    world.insert("c", *[{"_id": n, "n": 0} for n in range(2_000)])
    world.insert("d", {"_id": "d", "n": 0})
    join = {"from": "d", "localField": "n", "foreignField": "n", "as": "d"}
    running = asyncio.ensure_future(
        world.run(
            {"$match": {"n": {"$gte": 0}}},
            {"$lookup": join},
            {"$group": {"_id": {"$size": "$d"}, "sum": {"$sum": "$n"}, "count": {"$sum": 1}}},
        )
    )
    await asyncio.sleep(0)
    assert not running.done()
    update = commands.Update(collection="c", filter={}, update={"$set": {"n": 1}}, multi=True)
    world.database.update(update, ADMINISTRATOR)
    world.insert("d", {"_id": "e", "n": 0})
    assert await running == [{"_id": 1, "sum": 0, "count": 2_000}]


async def test_the_loop_breathes_while_a_pipeline_works():
    world = World(clock=TickingClock())
    world.insert("c", *[{"_id": n} for n in range(5_000)])
    running = asyncio.ensure_future(world.run({"$group": {"_id": None, "n": {"$sum": 1}}}))
    turns = 0
    while not running.done():
        await asyncio.sleep(0)
        turns += 1
    assert await running == [{"_id": None, "n": 5_000}]
    assert turns > 2


async def test_slices_shrink_where_documents_take_long():
    clock = TickingClock()
    clock.tick_s = 0.02
    world = World(clock=clock)
    world.insert("c", *[{"_id": n} for n in range(500)])
    turns = 0
    running = asyncio.ensure_future(world.run({"$group": {"_id": None, "n": {"$sum": 1}}}))
    while not running.done():
        await asyncio.sleep(0)
        turns += 1
    assert await running == [{"_id": None, "n": 500}]
    assert turns > 500 // 100


async def test_one_step_that_never_ends_is_refused():
    clock = TickingClock()
    clock.tick_s = 1.0
    world = World(clock=clock)
    world.insert("c", {"_id": 1})
    endless = {"$map": {"input": {"$range": [0, 100_000]}, "in": {"$range": [0, 100_000]}}}
    with pytest.raises(DatabaseRequestFailed, match="exceeded time limit") as refusal:
        await world.run({"$project": {"n": {"$size": endless}}})
    assert refusal.value.mongo_code == 50


async def test_a_document_no_answer_can_hold_is_refused():
    world = World()
    world.insert("c", *[{"_id": n, "text": "x" * 1_000_000} for n in range(17)])
    with pytest.raises(DatabaseRequestFailed, match="BSONObj size") as refusal:
        await world.run({"$group": {"_id": None, "all": {"$push": {"deep": ["$text"]}}}})
    assert refusal.value.mongo_code == 10334
    (found,) = await world.run({"$limit": 16}, {"$group": {"_id": 1, "all": {"$push": "$text"}}})
    assert len(found["all"]) == 16


async def test_a_pipeline_nested_deeper_than_the_machine_can_go_is_refused(world, monkeypatch):
    def too_deep(*_):
        raise RecursionError

    monkeypatch.setattr("emulator.services.aggregation.compile_pipeline", too_deep)
    with pytest.raises(DatabaseRequestFailed, match="nested too deep"):
        await world.run({"$limit": 1})


async def test_chance_comes_from_the_ids(world):
    assert [found["_id"] for found in await world.run({"$sample": {"size": 3}})] == [0, 1, 2]
    world = World(ids=SystemIds())
    world.insert("c", *[{"_id": n} for n in range(10)])
    found = await world.run({"$sample": {"size": 10}})
    assert sorted(each["_id"] for each in found) == list(range(10))


async def test_server_dates_and_now_are_the_clock(world):
    now = Date(world.clock.now_ms())
    (found,) = await world.run(
        {"$limit": 1}, {"$project": {"_id": 0, "now": "$$NOW", "at": {"$literal": ServerDate(5)}}}
    )
    assert found == {"now": now, "at": Date(now.ms + 5)}


async def test_geo_near_wants_an_index():
    world = World()
    place = {"type": "Point", "coordinates": [0, 1]}
    world.insert("c", {"_id": 1, "at": place})
    near = {"near": {"type": "Point", "coordinates": [0, 0]}, "distanceField": "far"}
    with pytest.raises(DatabaseRequestFailed, match="requires a 2d or 2dsphere index"):
        await world.run({"$geoNear": near})
    world.index("c", ("at", "2dsphere"))
    assert await world.run({"$geoNear": near}) == [
        {"_id": 1, "at": place, "far": pytest.approx(111_318.845)}
    ]


@pytest.mark.parametrize(
    ("stage", "error", "words"),
    [
        ({"$nothing": 1}, InvalidOperator, "Unrecognized pipeline stage name: '\\$nothing'"),
        ({"$out": "d"}, InvalidOperator, "not allowed by the cloud"),
        ({"$limit": 0}, DatabaseRequestFailed, "at least 1"),
        ({"$project": {"a": {"$no": 1}}}, InvalidOperator, "Unrecognized expression '\\$no'"),
        ({"$match": {"a": {"$no": 1}}}, InvalidOperator, "unknown operator: \\$no"),
        ({"$group": {"_id": 1, "a": {"$no": 1}}}, InvalidOperator, "unknown group operator"),
        ({}, DatabaseRequestFailed, "exactly one field"),
        ({"$limit": 1, "$skip": 1}, DatabaseRequestFailed, "exactly one field"),
    ],
)
async def test_bad_stages_are_refused_with_the_clouds_words(world, stage, error, words):
    with pytest.raises(error, match=words):
        await world.run(stage)


async def test_bad_stages_are_refused_on_an_empty_collection():
    world = World()
    world.database.create_collection(commands.CreateCollection(collection="c"), ADMINISTRATOR)
    assert await world.run({"$count": "n"}) == []
    with pytest.raises(InvalidOperator):
        await world.run({"$match": {}}, {"$project": {"a": {"$no": 1}}})


async def test_results_are_not_the_stored_documents(world):
    (found,) = await world.run({"$match": {"n": 1}}, {"$addFields": {"x": "$n"}})
    found["n"] = 99
    (again,) = await world.run({"$match": {"n": 1}})
    assert again["n"] == 1
