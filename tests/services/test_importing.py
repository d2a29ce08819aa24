"""Taking files in: modes, counts, batches, bad lines, refusals of the store."""

import tracemalloc

import pytest

from emulator.ambient import CountedIds, ManualClock
from emulator.core.errors import DuplicateKey, InvalidParam, StoreError
from emulator.core.indexes import IndexDefinition, described
from emulator.services import importing as module
from emulator.services.importing import Importing
from emulator.services.policy import Policy
from emulator.stores.base import Create, Put
from emulator.stores.memory import MemoryDocumentStore


class World:
    def __init__(self):
        self.store = MemoryDocumentStore()
        self.importing = Importing(
            self.store, clock=ManualClock(), ids=CountedIds(), policy=Policy()
        )

    async def load(self, text, *, name="c", file_format="jsonl", mode="insert", piece=10**9):
        async def chunks():
            data = text.encode()
            for start in range(0, len(data), piece):
                yield data[start : start + piece]

        return await self.importing.load(name, chunks(), file_format=file_format, mode=mode)

    def stored(self, name="c"):
        return self.store.collection(name).snapshot()


@pytest.fixture
def world():
    return World()


def counts(imported):
    return imported.inserted, imported.replaced, imported.conflicts, imported.failed


def told(imported):
    return [(each.line, each.problem) for each in imported.problems]


async def test_a_file_fills_a_collection_that_was_not_there(world):
    imported = await world.load('{"_id": "a", "n": 1}\n{"n": 2}\n')
    assert counts(imported) == (2, 0, 0, 0)
    assert world.stored() == [{"_id": "a", "n": 1}, {"_id": f"{1:032x}", "n": 2}]


async def test_a_collection_that_was_not_there_gets_the_indexes_the_project_wants(world):
    index = IndexDefinition(name="n_1", keys=(("n", 1),), unique=True)
    world.importing = Importing(
        world.store,
        clock=ManualClock(),
        ids=CountedIds(),
        policy=Policy(indexes={"c": (index,)}),
    )
    imported = await world.load('{"_id": 1, "n": 1}\n{"_id": 2, "n": 2}\n{"_id": 3, "n": 1}\n')
    assert described(world.store.description("c")) == (index,)
    assert counts(imported) == (2, 0, 0, 1)
    assert told(imported)[0][0] == 3


async def test_an_empty_file_makes_an_empty_collection(world):
    assert counts(await world.load("")) == (0, 0, 0, 0)
    assert world.store.names() == ["c"]


async def test_insert_leaves_out_what_is_taken(world):
    world.store.commit([Put("c", {"_id": "a", "n": 0})])
    imported = await world.load('{"_id": "a"}\n{"_id": "b"}\n{"_id": "b", "n": 2}\n')
    assert counts(imported) == (1, 0, 2, 0)
    assert told(imported) == [(1, "the _id 'a' is taken"), (3, "the _id 'b' is taken")]
    assert world.stored() == [{"_id": "a", "n": 0}, {"_id": "b"}]


async def test_upsert_puts_documents_in_place_of_others(world):
    world.store.commit([Put("c", {"_id": "a", "n": 0, "old": True})])
    imported = await world.load(
        '{"_id": "a", "n": 1}\n{"_id": "b"}\n{"_id": "b", "n": 2}\n', mode="upsert"
    )
    assert counts(imported) == (1, 2, 0, 0)
    assert world.stored() == [{"_id": "a", "n": 1}, {"_id": "b", "n": 2}]


async def test_bad_lines_are_told_by_number_and_the_others_go_in(world):
    imported = await world.load('{"_id": "a"}\noops\n{"$bad": 1}\n{"_id": [1]}\n{"_id": "b"}\n')
    assert counts(imported) == (2, 0, 0, 3)
    assert [line for line, _ in told(imported)] == [2, 3, 4]
    assert "$ prefixed" in told(imported)[1][1]
    assert [each["_id"] for each in world.stored()] == ["a", "b"]


async def test_csv_goes_in_the_same_way(world):
    imported = await world.load("_id,n\na,1\nb,x,y\nc,3\n", file_format="csv")
    assert counts(imported) == (2, 0, 0, 1)
    assert world.stored() == [{"_id": "a", "n": 1}, {"_id": "c", "n": 3}]


async def test_problems_are_counted_but_not_told_without_end(world, monkeypatch):
    monkeypatch.setattr(module, "PROBLEMS_TOLD_MAX", 2)
    imported = await world.load("no\n" * 10)
    assert counts(imported) == (0, 0, 0, 10)
    assert [line for line, _ in told(imported)] == [1, 2]


async def test_a_long_file_goes_in_by_batches(world, monkeypatch):
    monkeypatch.setattr(module, "BATCH_DOCUMENTS", 10)
    text = "".join(f'{{"_id": {n}}}\n' for n in range(95))
    imported = await world.load(text, piece=17)
    assert counts(imported) == (95, 0, 0, 0)
    assert world.store.sequence == 1 + 10
    assert [each["_id"] for each in world.stored()] == list(range(95))


async def test_large_documents_make_small_batches(world, monkeypatch):
    monkeypatch.setattr(module, "BATCH_BYTES", 100)
    text = "".join(f'{{"_id": {n}, "text": "{"x" * 60}"}}\n' for n in range(6))
    await world.load(text)
    assert world.store.sequence == 1 + 3


async def test_a_conflict_between_batches_is_one_too(world, monkeypatch):
    monkeypatch.setattr(module, "BATCH_DOCUMENTS", 2)
    imported = await world.load('{"_id": 1}\n{"_id": 2}\n{"_id": 1.0}\n{"_id": true}\n')
    assert counts(imported) == (3, 0, 1, 0)


async def test_what_the_store_refuses_of_a_batch_is_told_by_its_line(world, monkeypatch):
    commit = world.store.commit

    def refuse(writes):
        if any(isinstance(each, Put) and each.document["n"] == 2 for each in writes):
            raise DuplicateKey("E11000 duplicate key error index: n_1")
        return commit(writes)

    monkeypatch.setattr(world.store, "commit", refuse)
    imported = await world.load("".join(f'{{"_id": {n}, "n": {n}}}\n' for n in range(4)))
    assert counts(imported) == (3, 0, 0, 1)
    assert told(imported) == [(3, "E11000 duplicate key error index: n_1")]
    assert [each["_id"] for each in world.stored()] == [0, 1, 3]


async def test_a_disk_that_refuses_ends_the_import(world, monkeypatch):
    world.store.commit([Create("c")])

    def refuse(writes):
        raise StoreError("disk full")

    monkeypatch.setattr(world.store, "commit", refuse)
    with pytest.raises(StoreError):
        await world.load('{"_id": 1}\n')


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"name": "no good!"}, "collection name", id="name"),
        pytest.param({"file_format": "xml"}, "xml", id="format"),
        pytest.param({"mode": "merge"}, "merge", id="mode"),
    ],
)
async def test_what_is_not_known_is_refused_before_anything_is_read(world, options, words):
    with pytest.raises(InvalidParam, match=words):
        await world.load('{"_id": 1}\n', **options)
    assert world.store.names() == []


async def test_memory_does_not_grow_with_the_file(world):
    """A file of 30 MB whose lines are all taken leaves nothing but their count."""
    world.store.commit([Put("c", {"_id": "a"})])
    line = b'{"_id": "a", "text": "%b"}\n' % (b"x" * 1000)

    async def chunks():
        for _ in range(500):
            yield line * 60

    tracemalloc.start()
    try:
        imported = await world.importing.load("c", chunks(), file_format="jsonl", mode="insert")
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert imported.conflicts == 30_000
    assert peak_bytes < 3_000_000
