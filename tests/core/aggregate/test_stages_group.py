"""`$group`, `$sortByCount` and `$count`."""

import pytest

from emulator.core.errors import InvalidOperator
from emulator.core.values import MISSING, Int64

PEOPLE = [
    {"_id": 1, "city": "Rome", "age": 20, "at": {"zip": 1}},
    {"_id": 2, "city": "Oslo", "age": 30, "at": {"zip": 2}},
    {"_id": 3, "city": "Rome", "age": 40, "at": {"zip": 1}},
    {"_id": 4, "age": 50, "at": 5},
    {"_id": 5, "city": None},
]

GROUPS = [
    ({"_id": "$city"}, [{"_id": "Rome"}, {"_id": "Oslo"}, {"_id": None}]),
    ({"_id": None, "n": {"$sum": 1}}, [{"_id": None, "n": 5}]),
    ({"_id": "x", "n": {"$sum": "$age"}}, [{"_id": "x", "n": 140}]),
    (
        {"_id": "$at.zip", "n": {"$sum": 1}},
        [{"_id": 1, "n": 2}, {"_id": 2, "n": 1}, {"_id": None, "n": 2}],
    ),
    (
        {"_id": {"c": "$city"}, "n": {"$sum": 1}},
        [
            {"_id": {"c": "Rome"}, "n": 2},
            {"_id": {"c": "Oslo"}, "n": 1},
            {"_id": {"c": None}, "n": 2},
        ],
    ),
    (
        {"_id": {"c": "$city", "old": {"$gt": ["$age", 25]}}, "n": {"$sum": 1}},
        [
            {"_id": {"c": "Rome", "old": False}, "n": 1},
            {"_id": {"c": "Oslo", "old": True}, "n": 1},
            {"_id": {"c": "Rome", "old": True}, "n": 1},
            {"_id": {"old": True}, "n": 1},
            {"_id": {"c": None, "old": False}, "n": 1},
        ],
    ),
    ({"_id": {}, "n": {"$sum": 1}}, [{"_id": {}, "n": 5}]),
    ({"_id": {"$mod": ["$_id", 2]}, "n": {"$sum": 1}}, [{"_id": 1, "n": 3}, {"_id": 0, "n": 2}]),
    (
        {"_id": None, "sum": {"$sum": "$age"}, "mean": {"$avg": "$age"}, "n": {"$count": {}}},
        [{"_id": None, "sum": 140, "mean": 35.0, "n": 5}],
    ),
    ({"_id": None, "n": {"$sum": 0.5}}, [{"_id": None, "n": 2.5}]),
    ({"_id": None, "last": {"$last": "$age"}}, [{"_id": None, "last": None}]),
    (
        {"_id": None, "all": {"$push": "$city"}},
        [{"_id": None, "all": ["Rome", "Oslo", "Rome", None]}],
    ),
]

REFUSALS = [
    ({"$group": 5}, 15947),
    ({"$group": {"n": {"$sum": 1}}}, 15955),
    ({"$group": {"_id": 1, "n": 5}}, 40234),
    ({"$group": {"_id": 1, "n": {}}}, 40234),
    ({"$group": {"_id": 1, "a.b": {"$sum": 1}}}, 40235),
    ({"$group": {"_id": 1, "$a": {"$sum": 1}}}, 40236),
    ({"$group": {"_id": 1, "n": {"$sum": [1, 2]}}}, 40237),
    ({"$group": {"_id": 1, "n": {"$count": 1}}}, 40237),
    ({"$group": {"_id": 1, "n": {"$sum": 1, "$avg": 1}}}, 40238),
    ({"$group": {"_id": {"a.b": 1}}}, 16412),
    ({"$count": 5}, 40156),
    ({"$count": ""}, 40157),
    ({"$count": "$n"}, 40158),
    ({"$count": "a\0"}, 40159),
    ({"$count": "a.b"}, 40160),
    ({"$sortByCount": {"a": 1}}, 40147),
    ({"$sortByCount": "a"}, 40148),
    ({"$sortByCount": 5}, 40149),
]


@pytest.mark.parametrize(("specification", "expected"), GROUPS, ids=repr)
def test_documents_are_gathered_under_a_key(run, specification, expected):
    found = run([{"$group": specification}], PEOPLE)
    key = repr
    assert sorted(found, key=key) == sorted(expected, key=key)


@pytest.mark.parametrize(("stage", "code"), REFUSALS, ids=repr)
def test_a_wrong_specification_is_refused(stage_refused, stage, code):
    stage_refused([stage], code)


def test_an_unknown_accumulator_is_refused(run):
    with pytest.raises(InvalidOperator, match="unknown group operator"):
        run([{"$group": {"_id": 1, "n": {"$no": 1}}}])


def test_equal_numbers_of_any_type_are_one_group_and_true_is_another(run):
    documents = [{"k": 1}, {"k": 1.0}, {"k": Int64(1)}, {"k": True}, {"k": "1"}]
    found = run([{"$group": {"_id": "$k", "n": {"$sum": 1}}}], documents)
    assert [(each["_id"], each["n"]) for each in found] == [(1, 3), (True, 1), ("1", 1)]


@pytest.mark.parametrize(
    "values",
    [[[1], [1.0], [2]], [{"a": 1}, {"a": 1}, {"a": 2}], [None, MISSING, 0], ["x", "x", "y"]],
    ids=repr,
)
def test_any_value_is_a_key(run, values):
    documents = [{"k": value} if value is not MISSING else {} for value in values]
    found = run([{"$group": {"_id": "$k", "n": {"$sum": 1}}}], documents)
    assert [each["n"] for each in found] == [2, 1]


def test_groups_grow_over_many_slices(run):
    documents = [{"k": n % 7, "n": n, "o": {"p": n % 3}} for n in range(5_000)]
    found = run(
        [{"$group": {"_id": {"k": "$k", "p": "$o.p"}, "n": {"$sum": "$n"}, "c": {"$sum": 1}}}],
        documents,
    )
    assert len(found) == 21
    assert sum(each["n"] for each in found) == sum(range(5_000))
    assert sum(each["c"] for each in found) == 5_000


def test_a_path_through_arrays_is_grouped_by_what_it_finds(run):
    documents = [{"a": [{"b": 1}, {"b": 2}]}, {"a": {"b": [1, 2]}}, {"a": 3}, {}]
    found = run([{"$group": {"_id": "$a.b", "n": {"$sum": 1}}}], documents)
    assert found == [{"_id": [1, 2], "n": 2}, {"_id": None, "n": 2}]


def test_sort_by_count_puts_the_largest_group_first(run):
    found = run([{"$sortByCount": "$city"}], PEOPLE)
    assert found[-1] == {"_id": "Oslo", "count": 1}
    assert {each["_id"]: each["count"] for each in found} == {"Rome": 2, "Oslo": 1, None: 2}


def test_sort_by_count_takes_an_expression(run):
    found = run([{"$sortByCount": {"$gt": ["$age", 25]}}], PEOPLE)
    assert found == [{"_id": True, "count": 3}, {"_id": False, "count": 2}]


def test_counting_nothing_gives_no_document(run):
    assert run([{"$count": "n"}], PEOPLE) == [{"n": 5}]
    assert run([{"$count": "n"}]) == []
    assert run([{"$group": {"_id": None}}]) == []


BIG = "x" * 1_000_000


@pytest.mark.parametrize(
    "group",
    [
        {"_id": None, "all": {"$push": "$text"}},
        {"_id": "$n", "first": {"$push": "$$ROOT"}},
        {"_id": None, "all": {"$addToSet": {"n": "$n", "text": "$text"}}},
    ],
    ids=repr,
)
def test_a_group_holds_only_so_much(stage_refused, group):
    documents = [{"n": n, "text": BIG} for n in range(110)]
    stage_refused([{"$group": group}], 16945, documents)


def test_what_a_set_holds_already_costs_nothing(run):
    documents = [{"text": BIG} for _ in range(1_000)]
    (found,) = run([{"$group": {"_id": None, "all": {"$addToSet": "$text"}}}], documents)
    assert found["all"] == [BIG]
