"""The reference store, read by eye: what the family's suite takes for granted."""

from emulator.stores.base import Create, Delete, Describe, Drop, Put
from emulator.stores.memory import MemoryDocumentStore


def test_writes_are_applied_in_order():
    store = MemoryDocumentStore()
    store.commit(
        [
            Create("b"),
            Put("a", {"_id": 1, "n": 1}),
            Put("a", {"_id": 2}),
            Put("a", {"_id": 1.0, "n": 2}),
            Delete("a", 2),
            Describe("a", {"k": 1}),
            Drop("b"),
        ]
    )
    assert store.names() == ["a"]
    collection = store.collection("a")
    assert collection is not None
    assert collection.snapshot() == [{"_id": 1.0, "n": 2}]
    assert store.description("a") == {"k": 1}
    assert store.sequence == 1


async def test_nothing_outlives_it():
    store = MemoryDocumentStore()
    store.commit([Create("a")])
    await store.close()
    assert store.names() == []
