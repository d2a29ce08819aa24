"""Snapshots and claims over a store, and the overlay of one transaction over a snapshot."""

from pathlib import Path

import pytest

from emulator.ambient import ManualClock
from emulator.core.errors import (
    DatabaseRequestFailed,
    DuplicateKey,
    StoreError,
    TransactionConflict,
)
from emulator.core.indexes import IndexDefinition, with_definitions
from emulator.stores.base import Create, Delete, Describe, Drop, Put
from emulator.stores.memory import MemoryDocumentStore
from emulator.stores.overlay import OverlayStore
from emulator.stores.tiny import TinyDocumentStore
from emulator.stores.versions import CONFLICT, Claimed, PatientStore, VersionedStore

A1, A2, B1, C1 = {"_id": "a", "n": 1}, {"_id": "a", "n": 2}, {"_id": "b"}, {"_id": "c"}


@pytest.fixture(params=["memory", "tiny"])
async def store(request, tmp_path: Path):
    kept = (
        MemoryDocumentStore()
        if request.param == "memory"
        else TinyDocumentStore.open(tmp_path / "documents", mode="os", clock=ManualClock())
    )
    kept.commit([Put("x", A1), Put("x", B1), Describe("x", {"k": 1})])
    versioned = VersionedStore(kept)
    yield versioned
    await versioned.close()


def overlay_of(store):
    return OverlayStore(store, store.open())


def documents(store, name="x"):
    return store.collection(name).snapshot()


# Snapshots --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "writes",
    [
        pytest.param([Put("x", A2)], id="replaced"),
        pytest.param([Delete("x", "a")], id="removed"),
        pytest.param([Put("x", C1)], id="inserted"),
        pytest.param([Put("x", A2), Delete("x", "a"), Put("x", A2)], id="in one commit"),
        pytest.param([Drop("x"), Create("x"), Put("x", C1)], id="dropped and made anew"),
        pytest.param([Delete("x", "nobody"), Create("y"), Put("y", A1)], id="elsewhere"),
        pytest.param([Describe("x", {"k": 2})], id="described"),
    ],
)
def test_a_snapshot_shows_what_was(store, writes):
    early = store.open()
    store.commit(writes)
    assert sorted(early.documents("x"), key=lambda each: each["_id"]) == [A1, B1]
    assert (early.by_id("x", "a"), early.by_id("x", "b")) == (A1, B1)
    assert early.by_id("x", "c") is None
    late = store.open()
    assert late.documents("x") == documents(store)


def test_snapshots_of_different_moments_differ(store):
    first = store.open()
    store.commit([Put("x", A2)])
    second = store.open()
    store.commit([Delete("x", "a"), Put("x", C1)])
    third = store.open()
    assert first.documents("x") == [B1, A1]
    assert second.documents("x") == [B1, A2]
    assert third.documents("x") == [B1, C1]
    second.close()
    assert first.by_id("x", "a") == A1
    first.close()
    assert third.documents("x") == [B1, C1]


def test_an_update_keeps_a_documents_place(store):
    snapshot = store.open()
    store.commit([Put("x", A2)])
    assert snapshot.documents("x") == [A1, B1]


def test_a_snapshot_knows_no_collection_that_was_never_created(store):
    snapshot = store.open()
    assert not snapshot.exists("y")
    assert snapshot.documents("y") == []
    assert snapshot.by_id("y", "a") is None


def test_numbers_are_one_document_and_true_is_another(store):
    store.commit([Put("x", {"_id": 1}), Put("x", {"_id": True})])
    snapshot = store.open()
    store.commit([Delete("x", 1.0)])
    assert snapshot.by_id("x", 1.0) == {"_id": 1}
    assert snapshot.by_id("x", True) == {"_id": True}
    assert store.collection("x").by_id(1) is None


def test_a_refused_commit_leaves_no_trace(store, monkeypatch):
    snapshot = store.open()

    def refuse(writes):
        raise StoreError("disk full")

    monkeypatch.setattr(store._store, "commit", refuse)
    with pytest.raises(StoreError):
        store.commit([Put("x", A2)])
    snapshot.claim("x", "a")
    assert snapshot.documents("x") == [A1, B1]


# Claims -----------------------------------------------------------------------------------------


def test_a_document_is_claimed_once(store):
    first, second = store.open(), store.open()
    first.claim("x", "a")
    first.claim("x", "a")
    with pytest.raises(TransactionConflict) as caught:
        second.claim("x", "a")
    assert caught.value.message == CONFLICT
    second.claim("x", "b")
    second.claim("y", "a")
    first.close()
    third = store.open()
    third.claim("x", "a")


def test_what_was_written_since_cannot_be_claimed(store):
    snapshot = store.open()
    store.commit([Put("x", A2), Put("x", C1)])
    for key in ("a", "c"):
        with pytest.raises(TransactionConflict):
            snapshot.claim("x", key)
    snapshot.claim("x", "b")
    snapshot.close()
    again = store.open()
    again.claim("x", "a")


def test_the_patient_are_told_when_to_try_again(store):
    patient = PatientStore(store)
    snapshot = store.open()
    snapshot.claim("x", "a")
    for writes in ([Put("x", A2)], [Put("x", C1), Delete("x", "a")], [Drop("x")]):
        with pytest.raises(Claimed) as caught:
            patient.commit(writes)
        assert not caught.value.ended.is_set()
    assert documents(store) == [A1, B1]
    patient.commit([Put("x", C1), Put("y", A1), Create("z"), Describe("x", {"k": 2}), Drop("z")])
    snapshot.close()
    assert caught.value.ended.is_set()
    patient.commit([Put("x", A2)])
    assert documents(store) == [A2, B1, C1]


def test_the_impatient_break_claims(store):
    first, second = store.open(), store.open()
    first.claim("x", "new")
    second.claim("y", "a")
    store.commit([Drop("x")])
    assert (first.is_broken, second.is_broken) == (True, False)
    store.commit([Put("y", A1)])
    assert second.is_broken


def test_closing_twice_is_closing_once(store):
    first, second = store.open(), store.open()
    first.close()
    first.close()
    store.commit([Put("x", A2)])
    assert second.documents("x") == [A1, B1]


async def test_the_rest_is_the_stores_own(store):
    for face in (store, PatientStore(store)):
        assert face.names() == ["x"]
        assert face.description("x") == {"k": 1}
        assert face.sequence == 1
        assert face.waits is False
        assert face.notices() == ()
        assert face.collection("y") is None
        await face.durable()
        await face.checkpoint()


# The overlay ------------------------------------------------------------------------------------


def test_an_overlay_shows_its_own_writes_over_the_snapshot(store):
    overlay = overlay_of(store)
    assert documents(overlay) == [A1, B1]
    overlay.commit([Put("x", A2), Delete("x", "b"), Put("x", C1)])
    collection = overlay.collection("x")
    assert documents(overlay) == [A2, C1]
    assert len(collection) == 2
    assert list(collection.scan(lambda each: each["_id"] > "a")) == [C1]
    assert (collection.by_id("a"), collection.by_id("b"), collection.by_id("c")) == (A2, None, C1)
    assert [each["_id"] for each in collection.numbered(["c", "b", "a"]).values()] == ["a", "c"]
    assert documents(store) == [A1, B1]


def test_the_writes_of_an_overlay_are_one_a_document(store):
    overlay = overlay_of(store)
    overlay.commit([Put("x", C1)])
    overlay.commit([Put("x", A2)])
    overlay.commit([Put("x", A1)])
    overlay.commit([Delete("x", "c")])
    assert overlay.writes() == [Delete("x", "c"), Put("x", A1)]


def test_two_overlays_meet_at_what_both_write(store):
    first, second = overlay_of(store), overlay_of(store)
    first.commit([Put("x", C1)])
    with pytest.raises(TransactionConflict):
        second.commit([Put("x", {"_id": "c", "other": 1})])


@pytest.mark.parametrize("write", [Create("y"), Drop("x"), Describe("x", {})])
def test_an_overlay_changes_no_collection_as_a_whole(store, write):
    with pytest.raises(DatabaseRequestFailed) as caught:
        overlay_of(store).commit([write])
    assert caught.value.mongo_code == 263


async def test_an_overlay_is_a_store(store):
    overlay = overlay_of(store)
    assert overlay.names() == ["x"]
    assert overlay.collection("y") is None
    assert overlay.description("x") == {"k": 1}
    assert overlay.notices() == ()
    assert overlay.sequence == 1
    assert overlay.waits is False
    await overlay.durable()
    await overlay.checkpoint()
    await overlay.tend()
    overlay.commit([Put("x", A2)])
    await overlay.close()
    PatientStore(store).commit([Put("x", A2)])


# Unique indexes ---------------------------------------------------------------------------------


@pytest.fixture
async def unique(tmp_path: Path):
    """A collection with a unique index of `n`, and `{"_id": "a", "n": 1}` in it."""
    kept = TinyDocumentStore.open(tmp_path / "documents", mode="os", clock=ManualClock())
    kept.commit([Put("x", A1), Describe("x", with_definitions({}, [UNIQUE]))])
    versioned = VersionedStore(kept)
    yield versioned
    await versioned.close()


UNIQUE = IndexDefinition(name="n_1", keys=(("n", 1),), unique=True)


@pytest.mark.parametrize(
    "commits",
    [
        pytest.param([[Put("x", {"_id": "b", "n": 1})]], id="stored"),
        pytest.param(
            [[Put("x", {"_id": "b", "n": 2})], [Put("x", {"_id": "c", "n": 2})]], id="own"
        ),
        pytest.param([[Put("x", {"_id": n, "n": [n, 5]}) for n in (2, 3)]], id="in an array"),
        pytest.param(
            [[Put("x", {"_id": "b", "n": 2})], [Put("x", {"_id": "b", "n": 1})]], id="moved"
        ),
        pytest.param([[Put("x", {"_id": "b"}), Put("x", {"_id": "c"})]], id="missing"),
    ],
)
def test_a_taken_key_is_refused_at_once(unique, commits):
    overlay = overlay_of(unique)
    *before, last = commits
    for writes in before:
        overlay.commit(writes)
    with pytest.raises(DuplicateKey, match="n_1"):
        overlay.commit(last)


@pytest.mark.parametrize(
    "commits",
    [
        pytest.param([[Put("x", A1)]], id="its own"),
        pytest.param([[Put("x", A2)], [Put("x", {"_id": "b", "n": 1})]], id="moved on"),
        pytest.param([[Delete("x", "a")], [Put("x", {"_id": "b", "n": 1})]], id="removed"),
        pytest.param(
            [
                [Put("x", {"_id": "b", "n": 2})],
                [Delete("x", "b")],
                [Put("x", {"_id": "c", "n": 2})],
            ],
            id="come and gone",
        ),
    ],
)
def test_a_key_that_is_free_again_may_be_taken(unique, commits):
    overlay = overlay_of(unique)
    for writes in commits:
        overlay.commit(writes)
    writes = overlay.writes()
    overlay._snapshot.close()
    unique.commit(writes)


def test_a_key_that_was_taken_after_the_snapshot_is_a_conflict(unique):
    overlay = overlay_of(unique)
    unique.commit([Put("x", {"_id": "b", "n": 2})])
    with pytest.raises(TransactionConflict):
        overlay.commit([Put("x", {"_id": "c", "n": 2})])


def test_of_two_transactions_with_one_key_the_second_to_commit_is_refused(unique):
    first, second = overlay_of(unique), overlay_of(unique)
    first.commit([Put("x", {"_id": "b", "n": 2})])
    second.commit([Put("x", {"_id": "c", "n": 2})])
    for overlay in (first, second):
        overlay._snapshot.close()
    unique.commit(first.writes())
    with pytest.raises(DuplicateKey):
        unique.commit(second.writes())
    assert documents(unique) == [A1, {"_id": "b", "n": 2}]


def test_where_indexes_serve_no_reads_the_commit_refuses():
    store = VersionedStore(MemoryDocumentStore())
    store.commit([Put("x", A1), Describe("x", with_definitions({}, [UNIQUE]))])
    overlay = overlay_of(store)
    overlay.commit([Put("x", {"_id": "b", "n": 1})])
    with pytest.raises(DuplicateKey):
        overlay.commit([Put("x", {"_id": "c", "n": 1})])
    overlay._snapshot.close()
    with pytest.raises(DuplicateKey):
        store.commit(overlay.writes())


def test_documents_that_are_changed_at_once_may_change_keys(unique):
    unique.commit([Put("x", {"_id": "b", "n": 2})])
    overlay = overlay_of(unique)
    overlay.commit([Put("x", {"_id": "a", "n": 2}), Put("x", {"_id": "b", "n": 1})])
    overlay._snapshot.close()
    unique.commit(overlay.writes())
    assert sorted((each["n"], each["_id"]) for each in documents(unique)) == [(1, "b"), (2, "a")]
