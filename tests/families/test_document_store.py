"""What every document store does, in every journal mode; members cannot be told apart by it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.ambient import ManualClock
from emulator.core.errors import DuplicateKey
from emulator.core.indexes import IndexDefinition, with_definitions
from emulator.core.values import Date, Int64, ObjectId, Value
from emulator.stores.base import Create, Delete, Describe, DocumentStore, Drop, Put, Write
from emulator.stores.memory import MemoryDocumentStore
from emulator.stores.tiny import TinyDocumentStore

MODES = ("os", "group", "always", "memory")
MEMBERS: dict[str, Callable[[Path], DocumentStore]] = {
    "memory": lambda folder: MemoryDocumentStore(),
    **{
        f"tiny {mode}": lambda folder, mode=mode: TinyDocumentStore.open(
            folder, mode=mode, clock=ManualClock()
        )
        for mode in MODES
    },
}


@pytest.fixture(params=list(MEMBERS))
def member(request) -> Callable[[Path], DocumentStore]:
    return MEMBERS[request.param]


@pytest.fixture
async def store(member, tmp_path: Path) -> AsyncIterator[DocumentStore]:
    opened = member(tmp_path / "documents")
    yield opened
    await opened.close()


def snapshot(store: DocumentStore, name: str) -> list:
    collection = store.collection(name)
    assert collection is not None
    assert len(collection) == len(collection.snapshot())
    return collection.snapshot()


def state(store: DocumentStore) -> list:
    return [(name, store.description(name), snapshot(store, name)) for name in store.names()]


def test_nothing_is_there_at_first(store: DocumentStore):
    assert store.names() == []
    assert store.collection("orders") is None
    assert store.description("orders") == {}
    assert store.sequence == 0
    assert store.notices() == ()


def test_each_commit_takes_the_next_sequence(store: DocumentStore):
    assert store.commit([Create("a"), Create("b")]) == 1
    assert store.commit([Put("a", {"_id": 1})]) == 2
    assert store.sequence == 2


def test_a_commit_without_effect_takes_one_too(store: DocumentStore):
    store.commit([Create("a")])
    assert store.commit([Create("a"), Drop("b"), Delete("a", 1)]) == 2


def test_a_commit_without_writes_is_none(store: DocumentStore):
    store.commit([Create("a")])
    assert store.commit([]) == 1
    assert store.sequence == 1


def test_documents_are_in_the_order_they_came(store: DocumentStore):
    for key in ("b", "a", 10, 9, "10"):
        store.commit([Put("x", {"_id": key})])
    assert [document["_id"] for document in snapshot(store, "x")] == ["b", "a", 10, 9, "10"]


def test_a_replaced_document_keeps_its_place(store: DocumentStore):
    store.commit([Put("x", {"_id": key}) for key in "abc"])
    store.commit([Put("x", {"_id": "b", "n": 1})])
    assert snapshot(store, "x") == [{"_id": "a"}, {"_id": "b", "n": 1}, {"_id": "c"}]


def test_a_document_that_comes_again_is_the_last(store: DocumentStore):
    store.commit([Put("x", {"_id": key}) for key in "abc"])
    store.commit([Delete("x", "a")])
    store.commit([Put("x", {"_id": "a"})])
    assert [document["_id"] for document in snapshot(store, "x")] == ["b", "c", "a"]


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        pytest.param("a", "a", id="text"),
        pytest.param("", "", id="empty text"),
        pytest.param(1, 1.0, id="a number by value"),
        pytest.param(Int64(1), 1, id="a long by value"),
        pytest.param(True, True, id="a boolean"),
        pytest.param(None, None, id="null"),
        pytest.param(ObjectId("0f" * 12), ObjectId("0f" * 12), id="an object id"),
        pytest.param(Date(5), Date(5), id="a date"),
        pytest.param({"a": 1, "b": [2]}, {"a": 1.0, "b": [2]}, id="an object"),
    ],
)
def test_a_document_is_found_by_an_equal_id(store: DocumentStore, stored: Value, asked: Value):
    document = {"_id": stored, "n": 1}
    store.commit([Put("x", document)])
    assert store.collection("x").by_id(asked) is document
    store.commit([Delete("x", asked)])
    assert store.collection("x").by_id(asked) is None


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        pytest.param(1, True, id="true is not 1"),
        pytest.param(0, False, id="false is not 0"),
        pytest.param("1", 1, id="text is no number"),
        pytest.param(None, "", id="null is not empty"),
        pytest.param("0f" * 12, ObjectId("0f" * 12), id="an object id is no text"),
        pytest.param({"a": 1, "b": 2}, {"b": 2, "a": 1}, id="the order of fields counts"),
        pytest.param(Date(5), 5, id="a date is no number"),
    ],
)
def test_a_document_is_not_found_by_another_id(store: DocumentStore, stored: Value, asked: Value):
    store.commit([Put("x", {"_id": stored})])
    assert store.collection("x").by_id(asked) is None
    store.commit([Put("x", {"_id": asked}), Delete("x", asked)])
    assert snapshot(store, "x") == [{"_id": stored}]


def test_a_scan_yields_what_matches_oldest_first(store: DocumentStore):
    store.commit([Put("x", {"_id": n, "even": n % 2 == 0}) for n in (5, 2, 4, 1)])
    collection = store.collection("x")
    assert [document["_id"] for document in collection.scan(lambda d: d["even"])] == [2, 4]
    assert next(collection.scan(lambda d: True)) is collection.by_id(5)
    numbered = collection.numbered([each["_id"] for each in reversed(collection.snapshot())])
    assert list(numbered.values()) == collection.snapshot()
    assert collection.numbered(["nobody", 5]) == dict([*numbered.items()][:1])


def test_a_snapshot_stays_as_it_was(store: DocumentStore):
    store.commit([Put("x", {"_id": "a", "n": 1}), Put("x", {"_id": "b"})])
    before = store.collection("x").snapshot()
    store.commit([Put("x", {"_id": "a", "n": 2}), Delete("x", "b"), Put("x", {"_id": "c"})])
    assert before == [{"_id": "a", "n": 1}, {"_id": "b"}]
    store.commit([Drop("x")])
    assert before == [{"_id": "a", "n": 1}, {"_id": "b"}]


def test_a_put_creates_its_collection(store: DocumentStore):
    store.commit([Put("x", {"_id": "a"})])
    assert store.names() == ["x"]


def test_creating_what_is_there_changes_nothing(store: DocumentStore):
    store.commit([Put("x", {"_id": "a"})])
    store.commit([Create("x")])
    assert snapshot(store, "x") == [{"_id": "a"}]


def test_a_collection_that_comes_again_is_empty_and_the_last(store: DocumentStore):
    store.commit([Put("x", {"_id": "a"}), Describe("x", {"k": 1}), Create("y")])
    store.commit([Drop("x")])
    assert store.collection("x") is None
    assert store.description("x") == {}
    store.commit([Create("x")])
    assert state(store) == [("y", {}, []), ("x", {}, [])]


def test_what_is_said_of_a_collection_is_replaced_as_a_whole(store: DocumentStore):
    store.commit([Describe("x", {"indexes": [1], "rule": "r"})])
    store.commit([Describe("x", {"indexes": [2]})])
    assert store.description("x") == {"indexes": [2]}
    assert store.names() == ["x"]


def test_later_writes_of_a_commit_see_the_earlier_ones(store: DocumentStore):
    store.commit([Put("x", {"_id": "old"}), Put("x", {"_id": "kept"})])
    store.commit(
        [
            Put("x", {"_id": "a", "n": 1}),
            Put("x", {"_id": "a", "n": 2}),
            Delete("x", "old"),
            Put("x", {"_id": "old", "again": True}),
            Put("x", {"_id": "gone"}),
            Delete("x", "gone"),
            Drop("y"),
            Put("y", {"_id": 1}),
            Drop("y"),
            Create("y"),
        ]
    )
    expected = [{"_id": "kept"}, {"_id": "a", "n": 2}, {"_id": "old", "again": True}]
    assert snapshot(store, "x") == expected
    assert snapshot(store, "y") == []


async def test_waiting_for_durability_ends(store: DocumentStore):
    store.commit([Create("x")])
    await asyncio.gather(*(store.durable() for _ in range(5)))
    await store.durable()


async def test_a_checkpoint_changes_nothing_that_is_seen(store: DocumentStore):
    store.commit([Put("x", {"_id": "a"}), Describe("x", {"k": 1}), Create("y")])
    before = state(store)
    await store.checkpoint()
    assert state(store) == before
    assert store.commit([Put("x", {"_id": "b"})]) == 2


async def test_tending_can_be_cancelled(store: DocumentStore):
    tending = asyncio.create_task(store.tend())
    await asyncio.sleep(0)
    tending.cancel()
    await asyncio.gather(tending, return_exceptions=True)
    assert tending.done()


async def test_two_stores_do_not_influence_each_other(member, tmp_path: Path):
    first, second = member(tmp_path / "first"), member(tmp_path / "second")
    first.commit([Put("x", {"_id": "a"})])
    second.commit([Put("x", {"_id": "b"}), Put("y", {"_id": "c"})])
    first.commit([Drop("x")])
    assert state(first) == []
    assert state(second) == [("x", {}, [{"_id": "b"}]), ("y", {}, [{"_id": "c"}])]
    await first.close()
    assert second.commit([Delete("y", "c")]) == 2
    await second.close()


NAMES = st.sampled_from(["x", "y", "z"])
IDS = st.sampled_from(["a", "b", 1, 1.0, True, None, Int64(2), ObjectId("0f" * 12)])
WRITES: st.SearchStrategy[Write] = st.one_of(
    st.builds(lambda name, key, n: Put(name, {"_id": key, "n": n}), NAMES, IDS, st.integers(0, 9)),
    st.builds(Delete, NAMES, IDS),
    st.builds(Create, NAMES),
    st.builds(Drop, NAMES),
    st.builds(lambda name, n: Describe(name, {"n": n}), NAMES, st.integers(0, 9)),
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(commits=st.lists(st.lists(WRITES, max_size=5), max_size=15))
@pytest.mark.parametrize("mode", MODES)
def test_every_store_ends_as_the_reference_does(tmp_path_factory, mode, commits):
    reference = MemoryDocumentStore()
    folder = tmp_path_factory.mktemp("reference") / "documents"
    store = TinyDocumentStore.open(folder, mode=mode, clock=ManualClock())
    for writes in commits:
        assert store.commit(writes) == reference.commit(writes)
        assert state(store) == state(reference)
    asyncio.run(store.close())
    if mode != "memory":
        again = TinyDocumentStore.open(folder, mode=mode, clock=ManualClock())
        assert (state(again), again.sequence) == (state(reference), reference.sequence)
        asyncio.run(again.close())


# --- indexes -------------------------------------------------------------------------------------

UNIQUE = with_definitions({}, [IndexDefinition(name="n_1", keys=(("n", 1),), unique=True)])


def test_a_taken_key_refuses_the_whole_commit(store: DocumentStore):
    store.commit([Create("a"), Describe("a", UNIQUE), Put("a", {"_id": 1, "n": 1})])
    before = state(store)
    with pytest.raises(DuplicateKey, match=r"E11000 .* collection: a index: n_1 dup key: \{ n: 1"):
        store.commit([Put("a", {"_id": 2, "n": 2}), Put("a", {"_id": 3, "n": 1.0})])
    with pytest.raises(DuplicateKey):
        store.commit([Put("a", {"_id": 4, "n": 5}), Put("a", {"_id": 5, "n": 5})])
    assert state(store) == before
    assert store.sequence == 1


def test_a_key_can_change_hands_within_a_commit(store: DocumentStore):
    store.commit([Describe("a", UNIQUE), Put("a", {"_id": 1, "n": 1}), Put("a", {"_id": 2})])
    store.commit([Put("a", {"_id": 1}), Put("a", {"_id": 2, "n": 1})])
    store.commit([Delete("a", 2), Put("a", {"_id": 3, "n": 1})])
    assert [each.get("n") for each in snapshot(store, "a")] == [None, 1]


def test_an_index_that_documents_break_is_not_defined(store: DocumentStore):
    store.commit([Create("a"), Put("a", {"_id": 1}), Put("a", {"_id": 2})])
    with pytest.raises(DuplicateKey, match="n: null"):
        store.commit([Describe("a", UNIQUE)])
    assert store.description("a") == {}
    store.commit([Delete("a", 2), Describe("a", UNIQUE)])
    with pytest.raises(DuplicateKey):
        store.commit([Put("a", {"_id": 3})])


def test_a_dropped_collection_has_no_indexes(store: DocumentStore):
    store.commit([Describe("a", UNIQUE), Put("a", {"_id": 1})])
    store.commit([Drop("a"), Create("a"), Put("a", {"_id": 1}), Put("a", {"_id": 2})])
    assert len(snapshot(store, "a")) == 2
    with pytest.raises(DuplicateKey):
        store.commit([Drop("a"), Describe("a", UNIQUE), Put("a", {"_id": 1}), Put("a", {"_id": 2})])


@pytest.mark.parametrize("mode", ["os", "group", "always"])
async def test_indexes_outlive_the_process(mode, tmp_path: Path):
    store = TinyDocumentStore.open(tmp_path, mode=mode, clock=ManualClock())
    store.commit([Describe("a", UNIQUE), Put("a", {"_id": 1, "n": 1})])
    await store.close()
    store = TinyDocumentStore.open(tmp_path, mode=mode, clock=ManualClock())
    collection = store.collection("a")
    assert collection is not None
    assert [each.definition.name for each in collection.indexes()] == ["_id_", "n_1"]
    with pytest.raises(DuplicateKey):
        store.commit([Put("a", {"_id": 2, "n": 1})])
    await store.close()
