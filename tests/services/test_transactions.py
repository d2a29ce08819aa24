"""Transactions: what they see, what they hold, how they end, and what others notice of them."""

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
    StoreError,
    TransactionConflict,
    TransactionNotExist,
)
from emulator.services import transactions as module
from emulator.services.access import Access
from emulator.services.bus import Bus
from emulator.services.caller import ADMINISTRATOR, Caller
from emulator.services.database import Database
from emulator.services.executor import Executor
from emulator.services.policy import Policy
from emulator.services.transactions import TRANSACTION_LIFE_S, TooManyTransactions, Transactions
from emulator.stores import overlay
from emulator.stores.base import Create, Drop, Put
from emulator.stores.memory import MemoryDocumentStore
from emulator.stores.versions import PatientStore, VersionedStore


class Nothing:
    """Functions and files, which no transaction knows."""

    def __getattr__(self, name):
        return None


class World:
    def __init__(self, **options):
        self.clock = ManualClock()
        self.bus = Bus()
        self.changes = []
        self.bus.subscribe(Change, self.changes.append)
        self.kept = MemoryDocumentStore()
        self.store = VersionedStore(self.kept)
        self.kept.commit([Create("c")])
        ids = CountedIds()

        def open_database(store, bus):
            return Database(store, access=Access(), bus=bus, clock=self.clock, ids=ids, **options)

        self.transactions = Transactions(
            self.store,
            access=Access(),
            bus=self.bus,
            clock=self.clock,
            ids=ids,
            open_database=open_database,
        )
        self.executor = Executor(
            database=open_database(PatientStore(self.store), self.bus),
            transactions=self.transactions,
            **dict.fromkeys(("functions", "indexes", "openapi", "storage"), Nothing()),
            store=self.store,
        )

    async def do(self, command):
        return await self.executor.execute(command, ADMINISTRATOR)

    async def start(self):
        started = await self.do(commands.StartTransaction())
        return Handle(self, started.transaction_id)

    def outside(self):
        return Handle(self, None)

    def stored(self):
        return self.kept.collection("c").snapshot()


class Handle:
    """The commands of one transaction, or of nobody's."""

    def __init__(self, world, transaction_id):
        self.world = world
        self.id = transaction_id

    async def do(self, kind, **options):
        options = {"collection": "c", **options}
        return await self.world.do(kind(transaction_id=self.id, **options))

    async def insert(self, *documents):
        return (await self.do(commands.Insert, documents=documents)).ids

    async def find(self, filter_=None, **options):
        found = await self.do(commands.Find, filter=filter_ or {}, **options)
        return list(found.documents)

    async def set(self, key, n):
        return await self.do(
            commands.Update, filter={"_id": key}, update={"n": n}, replace=True, upsert=True
        )

    async def inc(self, key, by=1):
        return await self.do(commands.Update, filter={"_id": key}, update={"$inc": {"n": by}})

    async def remove(self, key):
        return (await self.do(commands.Remove, filter={"_id": key})).count

    async def commit(self):
        await self.world.do(commands.CommitTransaction(transaction_id=self.id))

    async def rollback(self):
        await self.world.do(commands.RollbackTransaction(transaction_id=self.id))


async def eventually(true):
    """Let the loop turn until the condition holds."""
    for _ in range(200):
        if true():
            return
        await asyncio.sleep(0)
    raise AssertionError("the condition never came to hold")


async def turns():
    """Let everybody who can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
async def world():
    made = World()
    await made.outside().insert({"_id": "a", "n": 1}, {"_id": "b", "n": 2})
    made.changes.clear()
    yield made
    await made.transactions.close()


async def test_what_is_written_is_seen_inside_at_once_and_outside_after_the_commit(world):
    inside, outside = await world.start(), world.outside()
    await inside.inc("a")
    await inside.insert({"_id": "c", "n": 3})
    assert await inside.remove("b") == 1
    expected = [{"_id": "a", "n": 2}, {"_id": "c", "n": 3}]
    assert await inside.find() == expected
    assert await outside.find() == [{"_id": "a", "n": 1}, {"_id": "b", "n": 2}]
    await inside.commit()
    assert await outside.find() == expected


async def test_a_rollback_leaves_nothing_behind(world):
    inside = await world.start()
    await inside.inc("a")
    await inside.insert({"_id": "c"})
    await inside.remove("b")
    await inside.rollback()
    assert world.stored() == [{"_id": "a", "n": 1}, {"_id": "b", "n": 2}]
    assert world.changes == []
    assert len(world.transactions) == 0


async def test_a_commit_is_one_commit_of_the_store(world):
    inside = await world.start()
    for _ in range(3):
        await inside.inc("a")
    await inside.insert({"_id": "c"}, {"_id": "d"})
    before = world.kept.sequence
    await inside.commit()
    assert world.kept.sequence == before + 1


async def test_a_commit_of_nothing_is_none(world):
    inside = await world.start()
    await inside.find()
    before = world.kept.sequence
    await inside.commit()
    untouched = await world.start()
    await untouched.commit()
    assert world.kept.sequence == before


async def test_changes_are_published_once_after_the_commit_in_order(world):
    inside = await world.start()
    await inside.inc("a")
    await inside.inc("a")
    await inside.insert({"_id": "c", "n": 3})
    await inside.remove("b")
    assert world.changes == []
    await inside.commit()
    told = [(each.operation, each.document_id, each.before, each.after) for each in world.changes]
    assert told == [
        ("update", "a", {"_id": "a", "n": 1}, {"_id": "a", "n": 2}),
        ("update", "a", {"_id": "a", "n": 2}, {"_id": "a", "n": 3}),
        ("insert", "c", None, {"_id": "c", "n": 3}),
        ("remove", "b", {"_id": "b", "n": 2}, None),
    ]
    assert {each.sequence for each in world.changes} == {world.kept.sequence}


async def test_the_snapshot_is_taken_by_the_first_command(world):
    inside, outside = await world.start(), world.outside()
    await outside.inc("a")
    assert await inside.find({"_id": "a"}) == [{"_id": "a", "n": 2}]
    await outside.inc("a")
    await outside.insert({"_id": "c"})
    await outside.remove("b")
    assert await inside.find({"_id": "a"}) == [{"_id": "a", "n": 2}]
    assert await inside.find({"_id": "b"}) == [{"_id": "b", "n": 2}]
    assert await inside.find({"n": {"$gte": 0}}) == [{"_id": "a", "n": 2}, {"_id": "b", "n": 2}]
    assert await inside.find({"_id": "c"}) == []


async def test_a_snapshot_shows_no_part_of_a_later_commit(world):
    reader, writer = await world.start(), await world.start()
    assert await reader.find({"_id": "a"}) == [{"_id": "a", "n": 1}]
    await writer.inc("a", -1)
    await writer.inc("b", 1)
    await writer.commit()
    assert [each["n"] for each in await reader.find()] == [1, 2]
    assert [each["n"] for each in await world.outside().find()] == [0, 3]


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda it: it.insert({"_id": "new"}), id="insert"),
        pytest.param(lambda it: it.remove("a"), id="remove"),
        pytest.param(lambda it: it.set("new", 5), id="set"),
        pytest.param(lambda it: it.inc("a"), id="update"),
    ],
)
async def test_a_write_of_what_another_transaction_wrote_conflicts_at_once(world, write):
    first, second = await world.start(), await world.start()
    await first.insert({"_id": "new", "n": 0})
    await first.inc("a")
    with pytest.raises(TransactionConflict) as caught:
        await write(second)
    assert caught.value.code == "DATABASE_TRANSACTION_CONFLICT"
    assert caught.value.message == (
        "[ResourceUnavailable.TransactionConflict] Transaction is conflict, maybe resource "
        "operated by others. Please check your request, but if the problem persists, contact us."
    )
    with pytest.raises(TransactionNotExist):
        await second.rollback()
    await first.commit()
    assert {each["_id"]: each["n"] for each in world.stored()} == {"a": 2, "b": 2, "new": 0}


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda it: it.inc("a"), id="update"),
        pytest.param(lambda it: it.remove("b"), id="remove"),
        pytest.param(lambda it: it.insert({"_id": "c"}), id="insert"),
    ],
)
async def test_a_write_of_what_changed_since_the_snapshot_conflicts(world, write):
    inside, outside = await world.start(), world.outside()
    await inside.find()
    await outside.inc("a")
    await outside.remove("b")
    await outside.insert({"_id": "c"})
    with pytest.raises(TransactionConflict):
        await write(inside)
    assert {each["_id"] for each in world.stored()} == {"a", "c"}


async def test_write_skew_is_allowed(world):
    first, second = await world.start(), await world.start()
    assert (await first.find({"_id": "b"}), await second.find({"_id": "a"})) == (
        [{"_id": "b", "n": 2}],
        [{"_id": "a", "n": 1}],
    )
    await first.inc("a")
    await second.inc("b")
    await first.commit()
    await second.commit()
    assert [each["n"] for each in world.stored()] == [2, 3]


async def test_an_update_that_changes_nothing_claims_nothing(world):
    first, second = await world.start(), await world.start()
    await first.do(commands.Update, filter={"_id": "a"}, update={"$set": {"n": 1}})
    await second.inc("a")
    await second.commit()
    await first.commit()
    assert world.stored()[0]["n"] == 2


@pytest.mark.parametrize("ending", ["commit", "rollback"])
async def test_a_write_outside_waits_for_the_transaction(world, ending):
    inside, outside = await world.start(), world.outside()
    await inside.inc("a", 10)
    waiting = asyncio.ensure_future(outside.inc("a"))
    other = asyncio.ensure_future(outside.inc("b"))
    await eventually(other.done)
    assert not waiting.done()
    await getattr(inside, ending)()
    assert (await waiting).matched == 1
    assert world.stored() == [
        {"_id": "a", "n": 12 if ending == "commit" else 2},
        {"_id": "b", "n": 3},
    ]


async def test_a_waiting_write_starts_over_on_what_the_transaction_left(world):
    inside, outside = await world.start(), world.outside()
    await inside.insert({"_id": "c"})
    await inside.remove("a")
    twice = asyncio.ensure_future(outside.insert({"_id": "c"}))
    gone = asyncio.ensure_future(outside.inc("a"))
    await inside.commit()
    with pytest.raises(DuplicateKey):
        await twice
    assert (await gone).matched == 0


async def test_a_waiting_write_may_meet_the_next_transaction_and_waits_again(world):
    first, outside = await world.start(), world.outside()
    await first.inc("a")
    waiting = asyncio.ensure_future(outside.inc("a"))
    await turns()
    second = await world.start()
    await first.commit()
    await world.transactions.carry_out(
        commands.Update(
            collection="c",
            filter={"_id": "a"},
            update={"$inc": {"n": 1}},
            transaction_id=second.id,
        ),
        ADMINISTRATOR,
    )
    await asyncio.sleep(0)
    assert not waiting.done()
    await second.commit()
    await waiting
    assert world.stored()[0]["n"] == 4


async def test_a_write_does_not_wait_for_ever(world, monkeypatch):
    monkeypatch.setattr(module, "CLAIM_WAIT_MAX_S", 0)
    inside = await world.start()
    await inside.inc("a")
    with pytest.raises(module.ClaimTimedOut) as caught:
        await world.outside().inc("a")
    assert caught.value.code == "SERVER_TIMEOUT"
    await inside.commit()
    assert world.stored()[0]["n"] == 2


async def test_dropping_a_collection_waits_for_who_writes_in_it(world):
    inside = await world.start()
    await inside.insert({"_id": "new"})
    dropping = asyncio.ensure_future(world.do(commands.DropCollection(collection="c")))
    await turns()
    assert not dropping.done()
    await inside.commit()
    await dropping
    assert world.kept.collection("c") is None


async def test_loading_data_as_a_whole_breaks_the_transactions_in_its_way(world):
    broken, spared = await world.start(), await world.start()
    await broken.inc("a")
    await spared.inc("b")
    world.store.commit([Put("c", {"_id": "a", "n": 100})])
    with pytest.raises(TransactionConflict):
        await broken.commit()
    await spared.commit()
    assert world.stored() == [{"_id": "a", "n": 100}, {"_id": "b", "n": 3}]


async def test_emptying_everything_breaks_every_transaction_that_wrote(world):
    inserting, reading = await world.start(), await world.start()
    await inserting.insert({"_id": "new"})
    assert len(await reading.find()) == 2
    world.store.commit([Drop("c"), Create("c")])
    with pytest.raises(TransactionConflict):
        await inserting.find()
    assert {each["_id"] for each in await reading.find()} == {"a", "b"}
    with pytest.raises(TransactionConflict):
        await reading.inc("a")
    assert world.stored() == []


@pytest.mark.parametrize(
    "use",
    [
        pytest.param(lambda it: it.find(), id="find"),
        pytest.param(lambda it: it.inc("a"), id="write"),
        pytest.param(lambda it: it.commit(), id="commit"),
        pytest.param(lambda it: it.rollback(), id="rollback"),
    ],
)
@pytest.mark.parametrize("ending", ["commit", "rollback", "expiry", "never started"])
async def test_what_is_over_does_not_exist(world, ending, use):
    inside = await world.start()
    await inside.find()
    if ending == "expiry":
        world.clock.advance(TRANSACTION_LIFE_S)
    elif ending == "never started":
        inside = Handle(world, "no-such-id")
    else:
        await getattr(inside, ending)()
    with pytest.raises(TransactionNotExist) as caught:
        await use(inside)
    assert caught.value.code == "DATABASE_TRANSACTION_FAIL"
    assert caught.value.message == (
        "[ResourceUnavailable.TransactionNotExist] Transaction does not exist on the server, "
        "transaction must be commit or abort in 30 seconds. Please check your request, but if the "
        "problem persists, contact us."
    )


async def test_a_transaction_lives_until_the_last_moment(world):
    inside = await world.start()
    await inside.inc("a")
    world.clock.advance(TRANSACTION_LIFE_S - 0.001)
    await inside.commit()
    assert world.stored()[0]["n"] == 2


async def test_an_expired_transaction_lets_go_of_what_it_held_without_being_asked(world):
    older = await world.start()
    world.clock.advance(1)
    newer = await world.start()
    await older.inc("a")
    await newer.inc("b")
    waiting = [asyncio.ensure_future(world.outside().inc(key)) for key in ("a", "b")]
    await turns()
    world.clock.advance(TRANSACTION_LIFE_S - 1)
    await eventually(waiting[0].done)
    assert not waiting[1].done()
    world.clock.advance(1)
    await eventually(waiting[1].done)
    assert world.stored() == [{"_id": "a", "n": 2}, {"_id": "b", "n": 3}]
    assert len(world.transactions) == 0


async def test_closing_rolls_back_and_lets_waiting_writes_go_on(world):
    inside = await world.start()
    await inside.inc("a", 10)
    waiting = asyncio.ensure_future(world.outside().inc("a"))
    await turns()
    await world.transactions.close()
    await waiting
    assert world.stored()[0]["n"] == 2
    assert len(world.transactions) == 0


@pytest.mark.parametrize(
    ("fail", "error"),
    [
        pytest.param(lambda it: it.insert({"_id": "a"}), DuplicateKey, id="duplicate"),
        pytest.param(
            lambda it: it.do(commands.Find, collection="nowhere"), CollectionNotExist, id="missing"
        ),
        pytest.param(
            lambda it: it.do(commands.Update, filter={}, update={"$push": {"n": 1}}),
            DatabaseRequestFailed,
            id="refused update",
        ),
    ],
)
async def test_whatever_fails_ends_the_transaction(world, fail, error):
    inside = await world.start()
    await inside.inc("b")
    with pytest.raises(error):
        await fail(inside)
    with pytest.raises(TransactionNotExist):
        await inside.commit()
    assert world.stored() == [{"_id": "a", "n": 1}, {"_id": "b", "n": 2}]


async def test_a_disk_that_refuses_the_commit_leaves_everything_as_it_was(world, monkeypatch):
    inside = await world.start()
    await inside.inc("a")

    def refuse(writes):
        raise StoreError("disk full")

    monkeypatch.setattr(world.kept, "commit", refuse)
    with pytest.raises(StoreError):
        await inside.commit()
    monkeypatch.undo()
    assert world.stored()[0]["n"] == 1
    assert world.changes == []
    await world.outside().inc("a")
    with pytest.raises(TransactionNotExist):
        await inside.commit()


async def test_no_collection_is_created_in_a_transaction():
    world = World(policy=Policy(creates_collections=True))
    inside = await world.start()
    with pytest.raises(DatabaseRequestFailed, match="Cannot create or drop collection new") as it:
        await inside.do(commands.Insert, collection="new", documents=({"_id": 1},))
    assert it.value.mongo_code == 263
    assert world.kept.names() == ["c"]
    await world.transactions.close()


async def test_find_and_modify_is_part_of_the_transaction(world):
    inside = await world.start()
    modified = await inside.do(commands.FindAndModify, filter={"n": 2}, update={"$inc": {"n": 5}})
    assert modified.document == {"_id": "b", "n": 7}
    assert world.stored()[1]["n"] == 2
    await inside.commit()
    assert world.stored()[1]["n"] == 7


async def test_a_document_may_come_and_go_and_come_again(world):
    inside = await world.start()
    await inside.insert({"_id": "c", "n": 1})
    await inside.remove("c")
    assert await inside.find({"_id": "c"}) == []
    await inside.remove("a")
    await inside.insert({"_id": "a", "n": 9})
    assert await inside.find() == [{"_id": "a", "n": 9}, {"_id": "b", "n": 2}]
    await inside.commit()
    assert world.stored() == [{"_id": "a", "n": 9}, {"_id": "b", "n": 2}]


async def test_a_thousand_documents_fit_into_one_transaction(world):
    inside = await world.start()
    ids = await inside.insert(*({"n": n} for n in range(1001)))
    assert len(await inside.find({"n": {"$gte": 0}}, limit=2000)) == 1003
    await inside.commit()
    assert len(world.stored()) == 1003
    assert len(set(ids)) == 1001


async def test_there_is_an_end_to_what_one_transaction_may_write(world, monkeypatch):
    monkeypatch.setattr(overlay, "DOCUMENTS_WRITTEN_MAX", 3)
    inside = await world.start()
    await inside.insert({}, {}, {})
    with pytest.raises(DatabaseRequestFailed, match="3 documents"):
        await inside.insert({})
    assert len(world.stored()) == 2


async def test_there_is_an_end_to_how_many_may_be_open(world, monkeypatch):
    monkeypatch.setattr(module, "OPEN_TRANSACTIONS_MAX", 2)
    first = await world.start()
    await world.start()
    with pytest.raises(TooManyTransactions) as caught:
        await world.start()
    assert caught.value.code == "EXCEED_CONCURRENT_REQUEST_LIMIT"
    await first.rollback()
    await world.start()


async def test_whoever_is_signed_in_starts_transactions_and_nobody_else(world):
    user = Caller(kind="user", openid="oSomeone")
    assert (await world.executor.execute(commands.StartTransaction(), user)).transaction_id
    with pytest.raises(PermissionDenied):
        await world.executor.execute(commands.StartTransaction(), Caller(kind="anonymous"))


async def test_nothing_of_the_past_is_kept_once_no_transaction_needs_it(world):
    first = await world.start()
    await first.find()
    for _ in range(5):
        await world.outside().inc("a")
    second = await world.start()
    await second.find()
    await world.outside().remove("b")
    assert sum(map(len, world.store._history["c"].values())) == 6
    await first.rollback()
    assert sum(map(len, world.store._history["c"].values())) == 1
    assert len(await second.find()) == 2
    await second.rollback()
    assert world.store._history == {"c": {}}
    assert not world.store._order
    assert world.store._claims == {}
