"""Filters that are known again, and the plans that are kept for them."""

import pytest

from emulator.ambient import ManualClock
from emulator.core.errors import InvalidOperator
from emulator.core.indexes import IndexDefinition, with_definitions
from emulator.core.planner import choose, could_serve, demands_of
from emulator.core.values import Date, Int64
from emulator.services import filters as module
from emulator.services.filters import Filters
from emulator.stores.base import Create, Describe, Drop, Put
from emulator.stores.tiny import SuiteDB, TinyDocumentStore

BY_A = IndexDefinition(name="a", keys=(("a", 1),))
ORDER = ((("a", 1),), True)


def same(one, other):
    filters = Filters()
    first = filters.known("c", one, now_ms=0)
    return filters.known("c", other, now_ms=0) is first


@pytest.mark.parametrize(
    "filter_",
    [
        {},
        {"a": 1, "b": "x"},
        {"a": {"$gt": Date(1), "$lt": Date(9)}},
        {"$and": [{"a": {"$gt": 1}}, {"a": {"$lt": 5.5}}]},
        {"a": {"$in": [1, None, True]}},
    ],
    ids=repr,
)
def test_a_filter_is_known_again(filter_):
    assert same(filter_, {**filter_})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1}, {"a": 1.0}),
        ({"a": 1}, {"a": True}),
        ({"a": 1}, {"a": Int64(1)}),
        ({"a": [1]}, {"a": {"0": 1}}),
        ({"a": {"x": 1, "y": 2}}, {"a": {"y": 2, "x": 1}}),
        ({"a": {"$gt": 1}}, {"a": {"$gte": 1}}),
        ({"a": "1"}, {"a": 1}),
        ({"$expr": {"$eq": ["$a", 1]}}, {"$expr": {"$eq": ["$a", 1]}}),
        ({"a": "x" * 201}, {"a": "x" * 201}),
        ({"a": {"$in": list(range(21))}}, {"a": {"$in": list(range(21))}}),
    ],
    ids=repr,
)
def test_what_may_differ_or_is_large_is_compiled_anew(one, other):
    assert not same(one, other)


def test_another_collection_has_filters_of_its_own():
    filters = Filters()
    assert filters.known("c", {"a": 1}, now_ms=0) is not filters.known("d", {"a": 1}, now_ms=0)


def test_a_filter_that_changes_later_stays_as_it_was():
    filters = Filters()
    wanted = {"x": 1}
    known = filters.known("c", {"a": {"$eq": wanted}}, now_ms=0)
    wanted["x"] = 2
    assert known.matcher.matches({"a": {"x": 1}})
    assert not filters.known("c", {"a": {"$eq": wanted}}, now_ms=0).matcher.matches({"a": {"x": 1}})


def test_a_refused_filter_is_refused_each_time():
    filters = Filters()
    for _ in range(2):
        with pytest.raises(InvalidOperator):
            filters.known("c", {"a": {"$nothing": 1}}, now_ms=0)


def test_the_oldest_goes(monkeypatch):
    monkeypatch.setattr(module, "FILTERS_KEPT_MAX", 2)
    filters = Filters()
    first = filters.known("c", {"a": 1}, now_ms=0)
    filters.known("c", {"a": 2}, now_ms=0)
    assert filters.known("c", {"a": 1}, now_ms=0) is first
    filters.known("c", {"a": 3}, now_ms=0)
    assert filters.known("c", {"a": 1}, now_ms=0) is first
    second = filters.known("c", {"a": 2}, now_ms=0)
    assert filters.known("c", {"a": 2}, now_ms=0) is second


# Plans ------------------------------------------------------------------------------------------


@pytest.fixture
def store():
    opened = TinyDocumentStore(SuiteDB(mode="memory"), mode="memory", clock=ManualClock())
    opened.commit([Create("c"), Describe("c", with_definitions({}, [BY_A]))])
    opened.commit([Put("c", {"_id": n, "a": n}) for n in range(4)])
    return opened


@pytest.fixture
def known(store):
    """A filter whose plan is kept."""
    kept = Filters().known("c", {"a": 1}, now_ms=0)
    collection = store.collection("c")
    demands = demands_of(kept.matcher.node)
    indexes = collection.indexes()
    among = {
        place: indexes[place]
        for place in could_serve([each.definition for each in indexes], demands, ())
    }
    for index in among.values():
        index.build()
    kept.remember(choose(among, demands, *ORDER[:1], limited=True), among, collection, ORDER)
    return kept


def test_a_plan_is_kept(store, known):
    plan, among = known.planned(store.collection("c"), ORDER)
    assert [use.place for use in plan.uses] == list(among) == [1]
    assert among[1] is store.collection("c").indexes()[1]


@pytest.mark.parametrize(
    "writes",
    [
        [Describe("c", {})],
        [Describe("c", with_definitions({}, [BY_A, IndexDefinition(name="b", keys=(("b", 1),))]))],
        [Put("c", {"_id": 9, "a": [1, 2]})],
        [Put("c", {"_id": n}) for n in range(9)],
        [Drop("c"), Create("c")],
    ],
    ids=["no index", "another index", "an array", "many documents", "made anew"],
)
def test_a_plan_does_not_outlive_what_it_was_made_for(store, known, writes):
    store.commit(writes)
    assert known.planned(store.collection("c"), ORDER) is None


def test_a_plan_is_of_one_order(store, known):
    assert known.planned(store.collection("c"), ((), True)) is None
