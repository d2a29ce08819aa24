"""Joins by the indexes of other collections, as of one moment."""

import pytest

from emulator.ambient import CountedIds, ManualClock
from emulator.core.commands import Aggregate
from emulator.core.indexes import IndexDefinition, with_definitions
from emulator.services import joining as module
from emulator.services.access import Access
from emulator.services.bus import Bus
from emulator.services.caller import ADMINISTRATOR
from emulator.services.database import Database
from emulator.services.joining import Joining
from emulator.stores.base import Create, Describe, Drop, Put
from emulator.stores.tiny import SuiteDB, TinyDocumentStore

INDEXES = (
    IndexDefinition(name="ab", keys=(("a", 1), ("b", 1))),
    IndexDefinition(name="a", keys=(("a", -1),)),
    IndexDefinition(name="s", keys=(("s", 1),), sparse=True),
    IndexDefinition(name="p", keys=(("p", "2dsphere"),)),
)


@pytest.fixture
def store():
    opened = TinyDocumentStore(SuiteDB(mode="memory"), mode="memory", clock=ManualClock())
    opened.commit([Create("c"), Describe("c", with_definitions({}, INDEXES))])
    opened.commit([Put("c", {"_id": n, "a": n % 3, "b": n}) for n in range(6)])
    return opened


@pytest.mark.parametrize(
    ("name", "path", "value", "expected"),
    [
        ("c", "a", 1, [1, 4]),
        ("c", "a", 1.0, [1, 4]),
        ("c", "a", "x", []),
        ("c", "_id", 2, [2]),
        ("c", "s", 5, []),
        ("c", "s", None, None),
        ("c", "b", 1, None),
        ("c", "p", 1, None),
        ("c", "a", [1], None),
        ("nowhere", "a", 1, None),
    ],
)
def test_an_index_that_begins_with_the_path_is_read(store, name, path, value, expected):
    joining = Joining(store)
    assert list(joining.prepare_equal(name, path)) == []
    found = joining.find_equal(name, path, value)
    assert (found if found is None else [each["_id"] for each in found.values()]) == expected


@pytest.mark.parametrize("write", [Put("c", {"_id": 9, "a": 1}), Drop("c"), Create("d")])
def test_after_a_write_the_present_is_not_asked(store, write):
    joining = Joining(store)
    assert list(joining.prepare_equal("c", "a")) == []
    assert joining.find_equal("c", "a", 1) is not None
    store.commit([write])
    assert joining.find_equal("c", "a", 1) is None


def test_an_index_that_is_not_built_is_built_piece_by_piece(store, monkeypatch):
    monkeypatch.setattr(module, "BUILD_SLICE_DOCUMENTS", 2)
    late = IndexDefinition(name="b", keys=(("b", 1),))
    store.commit([Put("c", {"_id": 9, "b": 4}), Describe("c", with_definitions({}, [late]))])
    joining = Joining(store)
    assert joining.find_equal("c", "b", 4) is None
    assert list(joining.prepare_equal("c", "b")) == [None] * 3
    assert [each["_id"] for each in joining.find_equal("c", "b", 4).values()] == [4, 9]
    assert list(joining.prepare_equal("c", "b")) == []
    assert list(joining.prepare_equal("c", "nothing")) == []


async def test_a_lookup_reads_the_index(store):
    store.commit([Put("d", {"_id": n, "k": n}) for n in range(4)])
    database = Database(store, access=Access(), bus=Bus(), clock=ManualClock(), ids=CountedIds())
    stage = {"from": "c", "localField": "k", "foreignField": "a", "as": "found"}
    command = Aggregate(collection="d", pipeline=({"$lookup": stage},))
    found = await database.aggregate(command, ADMINISTRATOR)
    joined = {each["_id"]: [other["_id"] for other in each["found"]] for each in found.documents}
    assert joined == {0: [0, 3], 1: [1, 4], 2: [2, 5], 3: []}
