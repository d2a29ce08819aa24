"""A stored index under what a transaction sees differently."""

import pytest

from emulator.ambient import ManualClock
from emulator.core.indexes import IndexDefinition, with_definitions
from emulator.core.ordering import hash_key
from emulator.core.planner import Reach, equal_reach
from emulator.stores.base import Describe, Put
from emulator.stores.overlay_index import OverlayIndex, numbered
from emulator.stores.tiny import SuiteDB, TinyDocumentStore

BY_N = IndexDefinition(name="n", keys=(("n", 1),))


@pytest.fixture
def collection():
    store = TinyDocumentStore(SuiteDB(mode="memory"), mode="memory", clock=ManualClock())
    store.commit([Describe("c", with_definitions({}, [BY_N]))])
    store.commit([Put("c", {"_id": key, "n": n}) for key, n in (("a", 1), ("b", 1), ("d", 2))])
    return store.collection("c")


def found(collection, seen):
    index = OverlayIndex(
        collection.indexes()[1], numbered(seen, collection), {hash_key(key) for key in seen}
    )
    assert index.build()
    assert index.definition == BY_N
    assert list(index.arrays) == [False]
    reach = equal_reach(BY_N, 1)
    documents = list(index.find(reach).values())
    assert index.count(reach) >= len(documents)
    return [each["_id"] for each in documents]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ({}, ["a", "b"]),
        ({"a": None}, ["b"]),
        ({"c": {"_id": "c", "n": 1}}, ["a", "b", "c"]),
        ({"a": {"_id": "a", "n": 9}}, ["a", "b"]),
        ({"z": {"_id": "z"}, "y": {"_id": "y"}, "d": {"_id": "d"}}, ["a", "b", "d", "z", "y"]),
    ],
)
def test_what_is_seen_differently_is_in_every_reach(collection, seen, expected):
    assert found(collection, seen) == expected


def test_it_has_no_order(collection):
    index = OverlayIndex(collection.indexes()[1], {}, set())
    assert not index.walks
    with pytest.raises(NotImplementedError):
        index.walk(Reach())
