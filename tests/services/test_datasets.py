"""Seeding, emptying and looking at the data as a whole."""

import asyncio

import pytest

from emulator.ambient import CountedIds, ManualClock
from emulator.core.changes import Change
from emulator.core.errors import CollectionNotExist, EmulatorError
from emulator.core.values import Date, ServerDate
from emulator.services.bus import Bus
from emulator.services.datasets import Datasets
from emulator.services.recorder import Recorder
from emulator.stores.memory import MemoryDocumentStore


class Files:
    cleared = 0

    async def clear(self):
        self.cleared += 1


class Bench:
    def __init__(self):
        self.clock = ManualClock()
        self.store = MemoryDocumentStore()
        self.files = Files()
        self.recorder = Recorder(self.clock)
        self.changes = []
        bus = Bus()
        bus.subscribe(Change, self.changes.append)
        self.datasets = Datasets(
            self.store,
            self.files,
            self.recorder,
            bus=bus,
            clock=self.clock,
            ids=CountedIds(),
        )

    def all(self):
        return {name: self.datasets.documents(name) for name in self.store.names()}


@pytest.fixture
def bench():
    return Bench()


async def test_documents_are_loaded_in_one_commit_and_counted(bench):
    counts = await bench.datasets.seed({"a": [{"_id": 1}, {"_id": 2}], "empty": []}, replace=False)
    assert counts == {"a": 2, "empty": 0}
    assert bench.all() == {"a": [{"_id": 1}, {"_id": 2}], "empty": []}
    assert bench.store.sequence == 1
    assert bench.changes == []


async def test_a_document_without_an_id_gets_one(bench):
    await bench.datasets.seed({"a": [{"n": 1}, {"n": 2}]}, replace=False)
    first, second = bench.datasets.documents("a")
    assert first["_id"] != second["_id"]
    assert list(first) == ["_id", "n"]


async def test_a_document_with_a_known_id_takes_the_others_place(bench):
    await bench.datasets.seed({"a": [{"_id": 1, "n": 1}, {"_id": 2}]}, replace=False)
    counts = await bench.datasets.seed({"a": [{"_id": 1, "n": 2}, {"_id": 1.0}]}, replace=False)
    assert counts == {"a": 1}
    assert bench.datasets.documents("a") == [{"_id": 1.0}, {"_id": 2}]


async def test_replacing_leaves_nothing_that_was_there(bench):
    await bench.datasets.seed({"a": [{"_id": 1}], "b": [{"_id": 1}]}, replace=False)
    await bench.datasets.seed({"b": [{"_id": 2}]}, replace=True)
    assert bench.all() == {"b": [{"_id": 2}]}
    await bench.datasets.seed({}, replace=True)
    assert bench.all() == {}


async def test_moments_of_the_server_are_filled_in(bench):
    await bench.datasets.seed({"a": [{"_id": 1, "at": ServerDate(offset_ms=5)}]}, replace=False)
    [document] = bench.datasets.documents("a")
    assert document["at"] == Date(bench.clock.now_ms() + 5)


@pytest.mark.parametrize("replace", [False, True])
async def test_a_bad_document_leaves_everything_as_it_was(bench, replace):
    await bench.datasets.seed({"a": [{"_id": 1}]}, replace=False)
    with pytest.raises(EmulatorError):
        await bench.datasets.seed(
            {"a": [{"_id": 2}], "b": [{"_id": [1]}, {"$odd": object()}]}, replace=replace
        )
    assert bench.all() == {"a": [{"_id": 1}]}


async def test_triggers_hear_of_each_document_as_of_an_insert_if_wanted(bench):
    await bench.datasets.seed({"a": [{"_id": 1, "n": 1}, {"_id": 2}]}, replace=False, triggers=True)
    assert [(each.collection, each.operation, each.document_id) for each in bench.changes] == [
        ("a", "insert", 1),
        ("a", "insert", 2),
    ]
    assert bench.changes[0].before is None
    assert bench.changes[0].after == {"_id": 1, "n": 1}


async def test_what_was_given_may_be_changed_afterwards(bench):
    given = {"_id": 1, "list": [1]}
    await bench.datasets.seed({"a": [given]}, replace=False)
    given["list"].append(2)
    given["more"] = True
    assert bench.datasets.documents("a") == [{"_id": 1, "list": [1]}]


async def test_seeding_waits_until_the_documents_are_safe(bench):
    safe = asyncio.Event()
    bench.store.durable = safe.wait
    seeding = asyncio.create_task(bench.datasets.seed({"a": [{"_id": 1}]}, replace=False))
    await asyncio.sleep(0)
    assert not seeding.done()
    safe.set()
    assert await seeding == {"a": 1}


async def test_reset_empties_documents_files_and_logs(bench):
    bench.recorder.attach(asyncio.get_running_loop())
    bench.recorder.log("info", "line", function="f", request_id="r")
    await bench.datasets.seed({"a": [{"_id": 1}]}, replace=False)
    for turn in (1, 2):
        await bench.datasets.reset()
        assert bench.all() == {}
        assert bench.files.cleared == turn
        assert bench.recorder.logs(limit=10) == []


def test_a_collection_that_is_not_there_is_said(bench):
    with pytest.raises(CollectionNotExist, match="missing"):
        bench.datasets.documents("missing")
