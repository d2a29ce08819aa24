"""One field that equals one value: the shortest way gives what every other way gives."""

import pytest

from emulator.ambient import CountedIds, ManualClock
from emulator.core.commands import Find
from emulator.core.indexes import IndexDefinition, with_definitions
from emulator.core.query import compile_filter
from emulator.core.values import Date, Int64, ObjectId, Regex, ServerDate
from emulator.services.access import Access
from emulator.services.advisor import Advisor
from emulator.services.bus import Bus
from emulator.services.caller import ADMINISTRATOR
from emulator.services.database import Database
from emulator.services.equality import exact_reach, one_equality
from emulator.services.planning import Reader
from emulator.services.recorder import Recorder
from emulator.stores.base import Create, Describe, Put
from emulator.stores.tiny import SuiteDB, TinyDocumentStore

VALUES = [
    *(1, 1.0, Int64(1), True, False, 0, "1", "", None, Date(1), ObjectId("1" * 24)),
    *([1, 2], [1, 1], [], [[1]], {"x": 1}, {"x": [1, 2]}, [{"x": 1}], [{"x": 2}, {"x": 1}]),
    *(float("nan"), 2**40, Regex("1")),
]
INDEXES = (
    IndexDefinition(name="k", keys=(("k", 1),)),
    IndexDefinition(name="kx", keys=(("k.x", -1),)),
    IndexDefinition(name="k0", keys=(("k.0", 1),)),
    IndexDefinition(name="kd", keys=(("d", 1), ("k", 1))),
)


@pytest.mark.parametrize(
    ("filter_", "said"),
    [
        ({"a": 1}, ("a", 1)),
        ({"a.b": "x"}, ("a.b", "x")),
        ({"a": None}, None),
        ({"a": [1]}, None),
        ({"a": {"$eq": 1}}, None),
        ({"a": Regex("x")}, None),
        ({"a": ServerDate()}, None),
        ({"$comment": "x"}, None),
        ({"a": 1, "b": 1}, None),
        ({}, None),
    ],
    ids=repr,
)
def test_what_says_one_equality(filter_, said):
    assert one_equality(filter_) == said


@pytest.fixture
def store():
    opened = TinyDocumentStore(SuiteDB(mode="memory"), mode="memory", clock=ManualClock())
    opened.commit([Create("c")])
    opened.commit([Put("c", {"_id": n, "k": value}) for n, value in enumerate(VALUES)])
    opened.commit([Put("c", {"_id": "without"})])
    opened.commit([Describe("c", with_definitions({}, INDEXES))])
    return opened


@pytest.mark.parametrize("value", [each for each in VALUES if one_equality({"k": each})], ids=repr)
@pytest.mark.parametrize("path", ["k", "k.x"])
def test_the_reach_is_exact(store, path, value):
    collection = store.collection("c")
    index, reach = exact_reach(collection, path, value)
    expected = compile_filter({path: value}).select(collection.snapshot())
    assert list(index.walk(reach)) == expected
    assert index.count(reach) == len(expected)


def test_an_index_that_is_not_built_is_left_to_others(store):
    store.commit([Put("c", {"_id": "x"}), Describe("c", with_definitions({}, INDEXES[1:]))])
    store.commit([Put("c", {"_id": "y"}), Describe("c", with_definitions({}, INDEXES[:1]))])
    assert exact_reach(store.collection("c"), "k", 1) is None
    store.collection("c").indexes()[1].build()
    assert exact_reach(store.collection("c"), "k", 1) is not None


@pytest.mark.parametrize("path", ["k.0", "d", "other"])
def test_no_index_knows_all_others(store, path):
    assert exact_reach(store.collection("c"), path, 1) is None


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [0, 1, 2, 11, 12]),
        ({"limit": 2}, [0, 1]),
        ({"limit": 2, "skip": 1}, [1, 2]),
        ({"limit": 0}, []),
        ({"sort": (("_id", -1),), "limit": 1}, [12]),
        ({"projection": {"k": 0}, "limit": 1}, [0]),
    ],
    ids=repr,
)
async def test_a_query_finds_what_it_always_found(store, options, expected):
    clock = ManualClock()
    recorder = Recorder(clock)
    reader = Reader(clock=clock, advisor=Advisor(clock), recorder=recorder)
    database = Database(
        store, access=Access(), bus=Bus(), clock=clock, ids=CountedIds(), reader=reader
    )
    command = Find(collection="c", filter={"k": 1}, **options)
    found = await database.find(command, ADMINISTRATOR)
    assert [each["_id"] for each in found.documents] == expected
    (record,) = recorder.reads()
    assert (record.stage, record.indexes) == ("IXSCAN", ("k",))
