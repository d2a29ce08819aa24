"""Writes of many documents piece by piece: nothing lost, nothing twice, whoever writes between."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.ambient import CountedIds, ManualClock
from emulator.core import commands
from emulator.core.changes import Change
from emulator.core.commands import Inserted, Modified, Removed, Updated
from emulator.core.errors import (
    CollectionNotExist,
    DatabaseRequestFailed,
    DuplicateKey,
    EmulatorError,
)
from emulator.core.indexes import IndexDefinition, with_definitions
from emulator.core.query import compile_filter
from emulator.core.update import compile_update
from emulator.services import pieces as module
from emulator.services import reading
from emulator.services.access import Access
from emulator.services.advisor import Advisor
from emulator.services.auth import SOURCE
from emulator.services.bus import Bus
from emulator.services.caller import ADMINISTRATOR, Caller
from emulator.services.database import Database
from emulator.services.executor import Executor
from emulator.services.permissions import Permissions, PermissionSettings
from emulator.services.permitted import PermittedDatabase
from emulator.services.pieces import Pieces
from emulator.services.planning import Reader
from emulator.services.transactions import Transactions
from emulator.stores.base import Create, Describe, DocumentStore
from emulator.stores.tiny import TinyDocumentStore
from emulator.stores.versions import PatientStore, VersionedStore

LONG = Caller(kind="administrator", request_id="long")
ALICE = Caller(kind="user", openid="alice", source=SOURCE)


@pytest.fixture(autouse=True)
def small_pieces() -> Iterator[None]:
    """Read a document at a time and write two, with a turn of the loop after each."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SLICE_MIN_DOCUMENTS", "SLICE_FIRST_DOCUMENTS", "SLICE_MAX_DOCUMENTS"):
            patch.setattr(reading, name, 1)
        patch.setattr(module, "PIECE_FIRST_DOCUMENTS", 2)
        patch.setattr(module, "PIECE_MIN_DOCUMENTS", 2)
        yield


class World:
    """One collection, its executor, and every change in order."""

    def __init__(self, folder: Path | None = None, **permissions: Any) -> None:
        self.clock, self.bus = ManualClock(), Bus()
        mode = "os" if folder else "memory"
        self.kept = TinyDocumentStore.open(folder or Path(), mode=mode, clock=self.clock)
        self.kept.commit([Create("c")])
        self.store = VersionedStore(self.kept)
        access = Access(Permissions(PermissionSettings(collections=permissions)))
        reader = Reader(clock=self.clock, advisor=Advisor(self.clock))
        ids = CountedIds()

        def open_database(store: DocumentStore, bus: Bus) -> Database:
            return PermittedDatabase(
                store, access=access, bus=bus, clock=self.clock, ids=ids, reader=reader
            )

        self.database = open_database(PatientStore(self.store), self.bus)
        self.pieces = Pieces(self.database, self.store, reader, self.clock)
        nothing: Any = SimpleNamespace(
            **dict.fromkeys(
                ("create", "drop", "list", "call", "carry_out", "upload", "download", "delete"),
            ),
            temporary_urls=None,
        )
        self.executor = Executor(
            database=self.database,
            indexes=nothing,
            transactions=Transactions(
                self.store,
                access=access,
                bus=self.bus,
                clock=self.clock,
                ids=ids,
                open_database=open_database,
            ),
            functions=nothing,
            openapi=nothing,
            storage=nothing,
            store=self.store,
            pieces=self.pieces,
        )
        self.changes: list[Change] = []
        self.bus.subscribe(Change, self.changes.append)

    def add(self, *documents: dict[str, Any]) -> None:
        self.database.insert(commands.Insert(collection="c", documents=documents), ADMINISTRATOR)

    def set(self, document_id: Any, update: dict[str, Any]) -> None:
        command = commands.Update(collection="c", filter={"_id": document_id}, update=update)
        self.database.update(command, ADMINISTRATOR)

    def remove(self, document_id: Any) -> None:
        command = commands.Remove(collection="c", filter={"_id": document_id})
        self.database.remove(command, ADMINISTRATOR)

    def stored(self) -> dict[Any, dict[str, Any]]:
        collection = self.kept.collection("c")
        assert collection is not None
        return {document["_id"]: document for document in collection.snapshot()}

    def begin(self, command: Any, caller: Caller = LONG) -> "asyncio.Task[Any]":
        return asyncio.get_running_loop().create_task(self.executor.execute(command, caller))


def updating(filter_: Any, update: Any, **more: Any) -> commands.Update:
    return commands.Update(collection="c", filter=filter_, update=update, **{"multi": True} | more)


def numbered(size: int, **more: Any) -> list[dict[str, Any]]:
    return [{"_id": number, "n": number, **more} for number in range(size)]


OTHERS = st.lists(
    st.tuples(
        st.sampled_from(("add", "set", "raise", "remove", "turn", "turn")),
        st.integers(0, 9),
        st.integers(0, 5),
    ),
    max_size=30,
)
UPDATES = ({"$inc": {"m": 1}}, {"$set": {"n": 0}}, {"$set": {"n": 9}}, {"$push": {"l": 1}})


@settings(max_examples=200, deadline=None)
@given(others=OTHERS, update=st.sampled_from((None, *UPDATES)), at_least=st.integers(0, 4))
def test_whoever_writes_between_each_document_is_written_once_if_it_matches(
    others: Any, update: dict[str, Any] | None, at_least: int
) -> None:
    filter_ = {"n": {"$gte": at_least}}

    async def run() -> tuple[World, dict[Any, Any], int]:
        world = World()
        world.add(*numbered(8))
        before = world.stored()
        world.changes.clear()
        task = world.begin(
            commands.Remove(collection="c", filter=filter_, multi=True)
            if update is None
            else updating(filter_, update)
        )
        await asyncio.sleep(0)
        for what, which, value in others:
            if what == "add" and which not in world.stored():
                world.add({"_id": which, "n": value})
            elif what == "set":
                world.set(which, {"$set": {"n": value}})
            elif what == "raise":
                world.set(which, {"$inc": {"m": 1}})
            elif what == "remove":
                world.remove(which)
            else:
                await asyncio.sleep(0)
        result = await task
        return world, before, result.count if update is None else result.matched

    world, before, told = asyncio.run(run())
    _check_against_the_model(world, before, told, filter_, update)


def _check_against_the_model(
    world: World, before: dict[Any, Any], told: int, filter_: Any, update: Any
) -> None:
    """Replay every change in order; those of the command have to be what it says they are."""
    matches = compile_filter(filter_).matches
    replayed = dict(before)
    always = {key for key, document in before.items() if matches(document)}
    written: list[Any] = []
    for change in world.changes:
        key = change.document_id
        assert replayed.get(key) == change.before
        if change.cause == "long":
            written.append(key)
            assert change.before is not None
            assert matches(change.before)
            made = None if update is None else compile_update(update).apply(change.before, now_ms=0)
            assert change.after == made
        elif change.after is None or not matches(change.after):
            # Unless the command came first, it may well have missed it.
            always -= {key} - set(written)
        if change.after is None:
            replayed.pop(key, None)
        else:
            replayed[key] = change.after
    assert replayed == world.stored()
    assert len(written) == len(set(written)), "twice"
    unchanged = {key for key in always if update == {"$set": {"n": before[key]["n"]}}}
    assert always - unchanged <= set(written) | _set_to_it(world, update)
    assert told >= len(written)
    if update is None or "$set" not in update:
        assert told == len(written)


def _set_to_it(world: World, update: Any) -> set[Any]:
    """Return what others made to be what the command would make of it."""
    if update is None or "$set" not in update:
        return set()
    wanted = update["$set"]["n"]
    return {
        change.document_id
        for change in world.changes
        if change.cause != "long" and change.after is not None and change.after["n"] == wanted
    }


@pytest.mark.parametrize("kind", ["all", "one"])
async def test_increments_by_many_lose_nothing(kind: str) -> None:
    world = World()
    world.add(*numbered(9, count=0))
    is_all = kind == "all"
    asked = updating({} if is_all else {"n": 7}, {"$inc": {"count": 1}}, multi=is_all)
    results = await asyncio.gather(*(world.begin(asked) for _ in range(50)))
    assert {result.modified for result in results} == {9 if is_all else 1}
    counts = {document["n"]: document["count"] for document in world.stored().values()}
    assert counts == {n: 50 if is_all or n == 7 else 0 for n in range(9)}


async def test_of_many_at_once_few_look_and_one_writes_between_two_turns() -> None:
    world = World()
    world.add(*numbered(12, count=0))
    tasks = [world.begin(updating({"n": {"$gte": 0}}, {"$inc": {"count": 1}})) for _ in range(200)]
    sequence, most = world.store.sequence, 0
    while not all(task.done() for task in tasks):
        await asyncio.sleep(0)
        most, sequence = max(most, world.store.sequence - sequence), world.store.sequence
    assert {task.result().modified for task in tasks} == {12}
    assert {document["count"] for document in world.stored().values()} == {200}
    # One goes on, and those that have found theirs begin.
    assert most <= 1 + module.READINGS_MAX


async def test_a_task_is_taken_by_one_only() -> None:
    world = World()
    world.add(*numbered(9, state="new"))
    take = commands.FindAndModify(
        collection="c", filter={"state": "new"}, update={"$set": {"state": "taken"}}
    )
    results = await asyncio.gather(*(world.begin(take) for _ in range(12)))
    taken = [result.document["_id"] for result in results if result.document is not None]
    assert sorted(taken) == list(range(9))
    assert all(result.document is None for result in results if result.document is None)


async def test_one_is_removed_by_each_who_removes_one() -> None:
    world = World()
    world.add(*numbered(9))
    one = commands.Remove(collection="c", filter={"n": {"$gte": 0}})
    results = await asyncio.gather(*(world.begin(one) for _ in range(12)))
    assert sum(result.count for result in results) == 9
    assert world.stored() == {}


async def test_an_upsert_of_many_at_once_inserts_one() -> None:
    world = World()
    world.add(*numbered(9))
    upsert = updating({"key": "k"}, {"$inc": {"count": 1}}, upsert=True)
    results = await asyncio.gather(*(world.begin(upsert) for _ in range(20)))
    assert sum(result.upserted_id is not None for result in results) == 1
    made = [document for document in world.stored().values() if document.get("key") == "k"]
    assert [document["count"] for document in made] == [20]


async def test_few_and_what_an_id_names_are_one_piece_at_once() -> None:
    world = World()
    world.add({"_id": "a", "n": 1})
    assert world.pieces.update(updating({"n": 1}, {"$inc": {"n": 1}}), LONG) == Updated(
        matched=1, modified=1
    )
    upserted = world.pieces.update(updating({"_id": 5}, {"$inc": {"n": 1}}, upsert=True), LONG)
    assert upserted == Updated(matched=0, modified=0, upserted_id=5)
    for filter_ in ({"_id": {"$in": ["a"]}}, {"_id": "a"}):
        take = commands.FindAndModify(collection="c", filter=filter_, update={"$inc": {"n": 1}})
        assert isinstance(world.pieces.find_and_modify(take, LONG), Modified)
    for filter_, count in (({"_id": {"$eq": "a"}}, 1), ({"_id": "a"}, 0)):
        remove = commands.Remove(collection="c", filter=filter_)
        assert world.pieces.remove(remove, LONG) == Removed(count=count)
    insert = commands.Insert(collection="c", documents=({"_id": 6},))
    assert world.pieces.insert(insert, LONG) == Inserted(ids=(6,))
    assert world.stored() == {5: {"_id": 5, "n": 1}, 6: {"_id": 6}}


async def test_many_new_documents_go_in_in_order_or_not_at_all() -> None:
    world = World()
    world.add({"_id": 30})
    asked = commands.Insert(collection="c", documents=tuple(numbered(9)))
    assert (await world.begin(asked)).ids == tuple(range(9))
    assert list(world.stored()) == [30, *range(9)]
    sequences = [change.sequence for change in world.changes[1:]]
    assert sequences == sorted(sequences)
    assert len(set(sequences)) > 3
    taken = commands.Insert(collection="c", documents=tuple({"_id": n} for n in range(22, 31)))
    with pytest.raises(DuplicateKey):
        await world.begin(taken)
    assert len(world.stored()) == 10


async def test_an_id_that_is_taken_meanwhile_stays_what_it_is() -> None:
    world = World()
    task = world.begin(commands.Insert(collection="c", documents=tuple(numbered(9))))
    while not world.stored():
        await asyncio.sleep(0)
    world.add({"_id": 8, "other": True})
    with pytest.raises(DuplicateKey) as refused:
        await task
    assert world.stored()[8] == {"_id": 8, "other": True}
    assert "documents were written before, and stay so" in refused.value.hint


async def test_a_refusal_tells_what_was_done_before() -> None:
    world = World()
    world.add(*numbered(5), {"_id": "bad", "n": "text"}, {"_id": "last", "n": 6})
    with pytest.raises(DatabaseRequestFailed) as refused:
        await world.begin(updating({}, {"$inc": {"n": 10}}))
    assert "4 documents were written before, and stay so" in refused.value.hint
    assert [document["n"] for document in world.stored().values()][-3:] == [4, "text", 6]


async def test_a_unique_index_refuses_the_piece_that_breaks_it() -> None:
    world = World()
    unique = IndexDefinition(name="k", keys=(("k", 1),), unique=True)
    world.kept.commit([Describe("c", with_definitions({}, (unique,)))])
    world.add(*numbered(0), *({"_id": n, "n": n, "k": n} for n in range(6)))
    with pytest.raises(DuplicateKey):
        await world.begin(updating({"n": {"$gte": 0}}, {"$set": {"k": 7}}))
    assert [document["k"] for document in world.stored().values()] == list(range(6))


async def test_what_a_transaction_has_written_is_waited_for_and_looked_at_again() -> None:
    world = World()
    world.add(*numbered(8))
    started = await world.executor.execute(commands.StartTransaction(), ADMINISTRATOR)
    inside = {"transaction_id": started.transaction_id}
    for document_id, n in ((5, 50), (6, -6)):
        update = updating({"_id": document_id}, {"$set": {"n": n}}, multi=False, **inside)
        await world.executor.execute(update, ADMINISTRATOR)
    task = world.begin(updating({"n": {"$gte": 0}}, {"$inc": {"n": 100}}))
    for _ in range(50):
        await asyncio.sleep(0)
    assert not task.done()
    world.add({"_id": "meanwhile", "n": 0})
    await world.executor.execute(commands.CommitTransaction(**inside), ADMINISTRATOR)
    assert (await task).modified == 7
    assert [document["n"] for document in world.stored().values()] == [
        *(100, 101, 102, 103, 104, 150, -6, 107, 0)
    ]


async def test_a_transaction_is_one_piece() -> None:
    world = World()
    world.add(*numbered(8))
    world.changes.clear()
    started = await world.executor.execute(commands.StartTransaction(), ADMINISTRATOR)
    inside = {"transaction_id": started.transaction_id}
    asked = updating({}, {"$inc": {"n": 1}}, **inside)
    await world.executor.execute(asked, ADMINISTRATOR)
    await world.executor.execute(commands.CommitTransaction(**inside), ADMINISTRATOR)
    assert len({change.sequence for change in world.changes}) == 1


async def test_a_collection_that_goes_meanwhile_takes_the_rest_with_it() -> None:
    world = World()
    world.add(*numbered(9))
    task = world.begin(updating({}, {"$inc": {"n": 100}}))
    inserting = world.begin(commands.Insert(collection="c", documents=tuple(numbered(60)[20:])))
    while not any(change.cause == "long" for change in world.changes):
        await asyncio.sleep(0)
    world.database.drop_collection(commands.DropCollection(collection="c"), ADMINISTRATOR)
    assert (await task).modified < 9
    with pytest.raises(CollectionNotExist):
        await inserting
    assert world.kept.collection("c") is None


async def test_a_death_in_the_middle_leaves_whole_pieces(tmp_path: Path) -> None:
    world = World(tmp_path / "one")
    world.add(*numbered(9))
    task = world.begin(updating({}, {"$inc": {"n": 100}}))
    while not any(change.cause == "long" for change in world.changes):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    # As a process leaves it that is killed.
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    await world.kept.close()
    again = TinyDocumentStore.open(tmp_path / "two", mode="os", clock=world.clock)
    collection = again.collection("c")
    assert collection is not None
    changed = [document["n"] >= 100 for document in collection.snapshot()]
    assert changed == [True] * 2 + [False] * 7
    await again.close()


async def test_what_was_written_before_a_refusal_is_made_safe() -> None:
    world = World()
    world.add(*numbered(3), {"_id": "bad", "n": "text"})
    waited: list[int] = []

    class Waiting:
        waits = True

        async def durable(self) -> None:
            waited.append(len(world.changes))

    world.executor._store = Waiting()  # type: ignore[assignment]  # only what an executor asks
    with pytest.raises(EmulatorError):
        await world.begin(updating({}, {"$inc": {"n": 10}}))
    assert waited == [6]


async def test_users_write_what_is_theirs_only() -> None:
    world = World(c="PRIVATE")
    world.add(*numbered(6, _openid="alice"), *({"_id": n, "_openid": "bob"} for n in range(10, 16)))
    task = world.begin(updating({}, {"$set": {"seen": 1}}), ALICE)
    await asyncio.sleep(0)
    world.set(5, {"$set": {"_openid": "bob"}})
    assert (await task).modified == 5
    seen = {key for key, document in world.stored().items() if "seen" in document}
    assert seen == set(range(5))
