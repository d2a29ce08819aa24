"""Documents as a service: plan, check, commit, publish."""

import asyncio

import pytest

from emulator.ambient import CountedIds, ManualClock
from emulator.core import commands
from emulator.core.changes import Change
from emulator.core.errors import (
    CollectionExists,
    CollectionNotExist,
    DatabaseRequestFailed,
    DuplicateKey,
    InvalidName,
    InvalidParam,
    PermissionDenied,
    StoreError,
)
from emulator.core.values import Date, ServerDate
from emulator.services import reading
from emulator.services.access import Access
from emulator.services.bus import Bus
from emulator.services.caller import ADMINISTRATOR, Caller
from emulator.services.database import Database
from emulator.services.policy import Policy
from emulator.stores.memory import MemoryDocumentStore


class World:
    def __init__(self, **options):
        self.clock = ManualClock(1_700_000_000_000)
        self.bus = Bus()
        self.changes = []
        self.bus.subscribe(Change, self.changes.append)
        self.store = MemoryDocumentStore()
        self.database = Database(
            self.store,
            access=Access(),
            bus=self.bus,
            clock=self.clock,
            ids=CountedIds(),
            **options,
        )

    def insert(self, *documents, collection="c", caller=ADMINISTRATOR):
        return self.database.insert(
            commands.Insert(collection=collection, documents=documents), caller
        )

    async def find(self, filter_=None, **options):
        command = commands.Find(collection="c", filter=filter_ or {}, **options)
        return list((await self.database.find(command, ADMINISTRATOR)).documents)

    def update(self, filter_, update, **options):
        command = commands.Update(collection="c", filter=filter_, update=update, **options)
        return self.database.update(command, ADMINISTRATOR)


@pytest.fixture
def world():
    made = World()
    made.database.create_collection(commands.CreateCollection(collection="c"), ADMINISTRATOR)
    return made


async def test_generated_id_is_text_and_first(world):
    inserted = world.insert({"n": 1})
    (document,) = await world.find()
    assert list(document) == ["_id", "n"]
    assert inserted.ids == (document["_id"],)
    assert len(document["_id"]) == 32


async def test_insert_of_many_is_all_or_nothing(world):
    world.insert({"_id": "b"})
    with pytest.raises(DuplicateKey, match="E11000"):
        world.insert({"_id": "a"}, {"_id": "b"})
    with pytest.raises(DuplicateKey):
        world.insert({"_id": "x"}, {"_id": "x"})
    assert [each["_id"] for each in await world.find()] == ["b"]
    assert len(world.changes) == 1


async def test_two_server_dates_of_a_request_differ_by_their_offsets(world):
    world.insert({"a": ServerDate(), "b": [ServerDate(5000)]})
    (document,) = await world.find()
    assert document["a"] == Date(1_700_000_000_000)
    assert document["b"] == [Date(1_700_000_005_000)]


@pytest.mark.parametrize(
    ("filter_", "options", "names"),
    [
        pytest.param({}, {}, "abcd", id="insertion order"),
        pytest.param({}, {"sort": (("n", -1),)}, "dcba", id="sort"),
        pytest.param({}, {"sort": (("n", -1),), "skip": 1, "limit": 2}, "cb", id="page"),
        pytest.param({}, {"skip": 1, "limit": 2}, "bc", id="page without sort"),
        pytest.param({"n": {"$gte": 3}}, {}, "cd", id="filter"),
        pytest.param({"_id": "b"}, {}, "b", id="one id"),
        pytest.param({"_id": "b"}, {"skip": 1}, "", id="one id, skipped"),
        pytest.param({"_id": {"$eq": "b"}}, {}, "b", id="one id by command"),
        pytest.param({"_id": {"$in": ["d", "a"]}}, {}, "ad", id="ids"),
        pytest.param({"_id": "b", "n": 9}, {}, "", id="one id and more"),
        pytest.param({"_id": "nope"}, {}, "", id="no such id"),
    ],
)
async def test_find(world, filter_, options, names):
    world.insert(*({"_id": name, "n": n} for n, name in enumerate("abcd", 1)))
    assert "".join(each["_id"] for each in await world.find(filter_, **options)) == names


async def test_find_projects(world):
    world.insert({"_id": "a", "x": 1, "y": 2})
    assert await world.find(projection={"x": 1}) == [{"_id": "a", "x": 1}]
    assert await world.find({"_id": "a"}, projection={"x": 0, "_id": 0}) == [{"y": 2}]


async def test_count_with_and_without_a_filter(world):
    world.insert({"n": 1}, {"n": 2})
    count = world.database.count
    assert await count(commands.Count(collection="c"), ADMINISTRATOR) == 2
    assert await count(commands.Count(collection="c", filter={"n": 2}), ADMINISTRATOR) == 1


async def test_long_scan_lets_others_run_and_sees_one_moment(world, monkeypatch):
    monkeypatch.setattr(reading, "SLICE_FIRST_DOCUMENTS", 10)
    world.insert(*({"_id": str(n), "n": 0} for n in range(100)))
    scan = asyncio.ensure_future(world.find({"n": 0}))
    await asyncio.sleep(0)
    assert not scan.done(), "the scan stood aside after its first slice"
    world.update({}, {"$set": {"n": 1}}, multi=True)
    assert len(await scan) == 100, "it saw the documents as they were when it began"
    assert await world.find({"n": 0}) == []


async def test_update_counts_matched_and_modified(world):
    world.insert({"_id": "a", "n": 1}, {"_id": "b", "n": 1})
    updated = world.update({"n": 1}, {"$set": {"n": 1}}, multi=True)
    assert (updated.matched, updated.modified) == (2, 0)
    updated = world.update({"n": 1}, {"$inc": {"n": 1}})
    assert (updated.matched, updated.modified) == (1, 1)
    assert [each["n"] for each in await world.find()] == [2, 1]


async def test_update_that_fails_for_one_document_changes_none(world):
    world.insert({"_id": "a", "n": 1}, {"_id": "b", "n": "text"})
    before = await world.find()
    with pytest.raises(DatabaseRequestFailed):
        world.update({}, {"$inc": {"n": 1}}, multi=True)
    assert await world.find() == before


async def test_upsert_takes_the_id_of_the_filter_or_makes_one(world):
    updated = world.update({"_id": "a"}, {"n": 1}, replace=True, upsert=True)
    assert (updated.matched, updated.upserted_id) == (0, "a")
    updated = world.update({"kind": "x"}, {"$set": {"n": 2}}, upsert=True)
    documents = await world.find()
    assert documents[0] == {"_id": "a", "n": 1}
    assert {key: documents[1][key] for key in ("kind", "n")} == {"kind": "x", "n": 2}
    assert documents[1]["_id"] == updated.upserted_id


async def test_replacement_keeps_the_id_and_drops_the_rest(world):
    world.insert({"_id": "a", "n": 1, "old": True})
    world.update({"_id": "a"}, {"n": 2}, replace=True)
    assert await world.find() == [{"_id": "a", "n": 2}]


async def test_find_and_modify_returns_what_became_of_the_document(world):
    world.insert({"_id": "a", "n": 1})
    command = commands.FindAndModify(collection="c", filter={"n": 1}, update={"$inc": {"n": 1}})
    assert world.database.find_and_modify(command, ADMINISTRATOR).document == {"_id": "a", "n": 2}
    assert world.database.find_and_modify(command, ADMINISTRATOR).document is None


async def test_remove_takes_the_first_or_all(world):
    world.insert({"_id": "a"}, {"_id": "b"}, {"_id": "c"})
    remove = world.database.remove
    one = commands.Remove(collection="c", filter={})
    assert remove(one, ADMINISTRATOR).count == 1
    every = commands.Remove(collection="c", filter={}, multi=True)
    assert remove(every, ADMINISTRATOR).count == 2
    assert await world.find() == []


async def test_each_change_is_published_once_with_before_after_and_depth(world):
    caller = Caller(kind="administrator", depth=3, request_id="r")
    world.insert({"_id": "a", "n": 1}, caller=caller)
    world.update({"_id": "a"}, {"$set": {"n": 2}})
    world.update({"_id": "a"}, {"$set": {"n": 2}})
    world.database.remove(commands.Remove(collection="c", filter={"_id": "a"}), ADMINISTRATOR)
    told = [(each.operation, each.before, each.after, each.depth) for each in world.changes]
    assert told == [
        ("insert", None, {"_id": "a", "n": 1}, 3),
        ("update", {"_id": "a", "n": 1}, {"_id": "a", "n": 2}, 0),
        ("remove", {"_id": "a", "n": 2}, None, 0),
    ]
    assert world.changes[0].cause == "r"
    assert [each.sequence for each in world.changes] == sorted(
        {each.sequence for each in world.changes}
    )


async def test_document_that_was_handed_out_never_changes(world):
    world.insert({"_id": "a", "list": [1], "inner": {"n": 1}})
    (before,) = await world.find()
    world.update({"_id": "a"}, {"$push": {"list": 2}, "$set": {"inner.n": 2}})
    assert before == {"_id": "a", "list": [1], "inner": {"n": 1}}


async def test_document_that_was_handed_in_is_owned(world):
    given = {"_id": "a", "inner": {"n": 1}}
    world.insert(given)
    given["inner"]["n"] = 2
    assert (await world.find())[0]["inner"] == {"n": 1}


@pytest.mark.parametrize(
    "operation",
    [
        lambda database: database.insert(
            commands.Insert(collection="gone", documents=({},)), ADMINISTRATOR
        ),
        lambda database: database.update(
            commands.Update(collection="gone", filter={}, update={"$set": {"a": 1}}), ADMINISTRATOR
        ),
        lambda database: database.remove(
            commands.Remove(collection="gone", filter={}), ADMINISTRATOR
        ),
        lambda database: database.drop_collection(
            commands.DropCollection(collection="gone"), ADMINISTRATOR
        ),
    ],
    ids=["insert", "update", "remove", "drop"],
)
async def test_missing_collection_is_an_error_and_is_not_made(world, operation):
    with pytest.raises(CollectionNotExist, match="Db or Table not exist: gone"):
        operation(world.database)
    assert world.store.names() == ["c"]


async def test_collection_is_created_on_first_write_only_as_an_option():
    world = World(policy=Policy(creates_collections=True))
    world.insert({"_id": "a"}, collection="new")
    assert world.store.names() == ["new"]
    with pytest.raises(CollectionNotExist):
        await world.database.find(commands.Find(collection="other"), ADMINISTRATOR)


async def test_collection_is_created_once(world):
    with pytest.raises(CollectionExists, match="Table exist"):
        world.database.create_collection(commands.CreateCollection(collection="c"), ADMINISTRATOR)


@pytest.mark.parametrize("name", ["", "a b", "$cmd", "a.b", "x" * 65, "a\0b", "../up"])
async def test_names_the_cloud_refuses(world, name):
    with pytest.raises(InvalidName):
        world.database.create_collection(commands.CreateCollection(collection=name), ADMINISTRATOR)


@pytest.mark.parametrize(
    "command",
    [
        commands.CreateCollection(collection="d"),
        commands.DropCollection(collection="c"),
        commands.ListCollections(),
    ],
    ids=lambda command: type(command).__name__,
)
def test_collections_are_an_administrators_business(world, command):
    do = {
        commands.CreateCollection: world.database.create_collection,
        commands.DropCollection: world.database.drop_collection,
        commands.ListCollections: world.database.list_collections,
    }[type(command)]
    with pytest.raises(PermissionDenied) as refusal:
        do(command, Caller(kind="user", openid="oUser"))
    assert "oUser" in refusal.value.hint
    assert world.store.names() == ["c"]


@pytest.mark.parametrize("options", [{"skip": -1}, {"limit": -1}], ids=str)
async def test_negative_pages_are_refused(world, options):
    with pytest.raises(InvalidParam, match="negative"):
        await world.find(**options)


async def test_disk_that_refuses_leaves_everything_as_it_was(world, monkeypatch):
    world.insert({"_id": "a"})

    def refuse(writes):
        raise StoreError("disk full")

    monkeypatch.setattr(world.store, "commit", refuse)
    with pytest.raises(StoreError):
        world.insert({"_id": "b"})
    assert [each["_id"] for each in await world.find()] == ["a"]
    assert len(world.changes) == 1


async def test_list_of_collections_tells_their_sizes(world):
    world.insert({}, {})
    listed = world.database.list_collections(commands.ListCollections(), ADMINISTRATOR)
    assert listed == [{"name": "c", "count": 2}]


async def test_a_positional_projection_shows_the_element_that_matched(world):
    world.insert({"_id": "1", "l": [{"n": 1}, {"n": 2}, {"n": 3}]})
    assert await world.find({"l.n": 2}, projection={"l.$": 1}) == [{"_id": "1", "l": [{"n": 2}]}]
    with pytest.raises(DatabaseRequestFailed, match="Positional"):
        await world.find({"_id": "1"}, projection={"l.$": 1})


def test_a_refused_update_speaks_as_the_cloud_does(world):
    world.insert({"_id": "1", "y": None})
    with pytest.raises(DatabaseRequestFailed) as refusal:
        world.update({"_id": "1"}, {"$set": {"y.x": 1}})
    assert refusal.value.mongo_code == 28
    assert refusal.value.message == (
        "[FailedOperation] multiple write errors: "
        "[{write errors: [{Cannot create field 'x' in element {y: null}}]}, {<nil>}]"
    )
    with pytest.raises(DatabaseRequestFailed, match=r"write errors: .*Modifiers operate"):
        world.update({"_id": "1"}, {"$push": 1})
