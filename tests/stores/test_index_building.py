"""An index built before it is defined is what it would be if it had been there all along."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.ambient import ManualClock
from emulator.core.errors import DatabaseRequestFailed, DuplicateKey
from emulator.core.indexes import BEYOND, IndexDefinition, with_definitions
from emulator.core.planner import Reach
from emulator.stores import index_building
from emulator.stores.base import Create, Delete, Describe, Put
from emulator.stores.geo_index import GeoIndex
from emulator.stores.tiny import SuiteDB, TinyDocumentStore

EVERYTHING = Reach(spans=(((), (BEYOND,)),))
BY_A = IndexDefinition(name="a", keys=(("a", 1),))
DEFINITIONS = st.sampled_from(
    [
        BY_A,
        IndexDefinition(name="ab", keys=(("a", -1), ("b", 1))),
        IndexDefinition(name="a", keys=(("a", 1),), sparse=True),
        IndexDefinition(name="a", keys=(("a", 1),), unique=True),
    ]
)
VALUES = st.sampled_from([0, 1, 2, "x", None]) | st.lists(st.integers(0, 3), max_size=2)
BODIES = st.dictionaries(st.sampled_from("ab"), VALUES)
WRITES = st.lists(st.tuples(st.integers(0, 9), st.none() | BODIES), max_size=6)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(index_building, "PIECE_DOCUMENTS", 2)


def opened(bodies):
    store = TinyDocumentStore(SuiteDB(mode="memory"), mode="memory", clock=ManualClock())
    store.commit([Create("c"), *(Put("c", {"_id": n, **body}) for n, body in enumerate(bodies))])
    return store


def write(store, number, body):
    store.commit([Delete("c", number) if body is None else Put("c", {"_id": number, **body})])


def held(store, definition):
    """Define an index and return its rows, or the number it is refused with."""
    try:
        store.commit([Describe("c", with_definitions({}, [definition]))])
    except DatabaseRequestFailed as refusal:
        return refusal.mongo_code, refusal.message
    index = store.collection("c").indexes()[1]
    assert index.build(0)
    return list(index.arrays), [
        (number, document) for number, document in index.find(EVERYTHING).items()
    ]


@given(st.lists(BODIES, max_size=8), WRITES, WRITES, DEFINITIONS)
def test_it_knows_what_was_written_meanwhile(bodies, during, after, definition):
    index_building.PIECE_DOCUMENTS = 2
    ahead, plain = opened(bodies), opened(bodies)
    steps = ahead.collection("c").build_ahead(definition)
    waiting = list(during)
    try:
        for is_ready in steps:
            if is_ready:
                break
            if waiting:
                write(ahead, *waiting.pop())
    except DatabaseRequestFailed:
        pass
    for each in [*waiting, *after]:
        write(ahead, *each)
    for each in [*reversed(during[len(waiting) :]), *waiting, *after]:
        write(plain, *each)
    arrays, expected = held(plain, definition)
    got_arrays, got = held(ahead, definition)
    assert got == expected
    # An array that came and went again is remembered, which costs a little and is never wrong.
    assert type(arrays) is int or all(
        now >= was for now, was in zip(got_arrays, arrays, strict=True)
    )


def test_a_closed_one_is_forgotten():
    store = opened([{"a": 1}])
    steps = store.collection("c").build_ahead(BY_A)
    indexes = store.db.journalled.contents.collections["c"].indexes
    assert not any(iter(lambda: next(steps), True))
    assert list(indexes.ahead) == [BY_A]
    assert indexes.touched == [set()]
    steps.close()
    assert (indexes.ahead, indexes.touched) == ({}, [])


def test_what_it_cannot_hold_is_refused_at_once():
    unique = IndexDefinition(name="a", keys=(("a", 1),), unique=True)
    store = opened([{"a": 1}, {"a": 1}, {"a": 2}])
    with pytest.raises(DuplicateKey, match="collection: c index: a"):
        list(store.collection("c").build_ahead(unique))


PLACES = IndexDefinition(name="p", keys=(("p", "2dsphere"),))
AROUND = Reach(circle=(0.0, 0.0, 0.01))
POINTS = st.builds(
    lambda x: {"type": "Point", "coordinates": [x, 0]}, st.sampled_from([0, 0.1, 5, 40])
)
PLACED = st.dictionaries(
    st.just("p"), POINTS | st.none() | st.lists(POINTS, max_size=2) | st.sampled_from(["here", 5])
)
PLACED_WRITES = st.lists(st.tuples(st.integers(0, 9), st.none() | PLACED), max_size=6)


@given(st.lists(PLACED, max_size=8), PLACED_WRITES, PLACED_WRITES)
def test_one_of_places_knows_it_too(bodies, during, after):
    index_building.PIECE_DOCUMENTS = 2
    ahead, plain = opened(bodies), opened(bodies)
    waiting = list(during)
    steps = ahead.collection("c").build_ahead(PLACES)
    try:
        for is_ready in steps:
            if is_ready:
                break
            if waiting:
                write(ahead, *waiting.pop())
    except DatabaseRequestFailed:
        pass
    rest = [*waiting, *after]
    for each in rest:
        write(ahead, *each)
    for each in [*reversed(during[len(waiting) :]), *rest]:
        write(plain, *each)
    found = []
    for store in (plain, ahead):
        try:
            store.commit([Describe("c", with_definitions({}, [PLACES]))])
        except DatabaseRequestFailed as refusal:
            found.append(refusal.mongo_code)
        else:
            index = store.collection("c").indexes()[1]
            assert index.build(0)
            found.append(index.find(AROUND))
    assert found[0] == found[1]


@given(st.lists(PLACED, max_size=8), PLACED_WRITES)
def test_one_of_places_that_is_read_while_it_is_built_knows_what_is_written(bodies, during):
    bodies = [{} if body.get("p") in ("here", 5) else body for body in bodies]
    writes = [
        (n, None if body is None or body.get("p") in ("here", 5) else body) for n, body in during
    ]
    store = opened(bodies)
    contents = store.db.journalled.contents.collections["c"]
    contents.describe(with_definitions({}, [PLACES]))
    index = store.collection("c").indexes()[1]
    for each in writes:
        index.build(1)
        write(store, *each)
    index.build()
    fresh = GeoIndex(PLACES, dict(contents.by_number))
    fresh.build()
    assert index.find(AROUND) == fresh.find(AROUND)
