"""Stages that choose and order."""

from decimal import Decimal
from random import Random

import pytest

from emulator.core.errors import DatabaseRequestFailed

DOCUMENTS = [{"_id": n, "n": n % 5, "m": -n} for n in range(20)]


def ids(found):
    return [each["_id"] for each in found]


CASES = [
    ([{"$match": {"n": 1}}], [1, 6, 11, 16]),
    ([{"$match": {"$expr": {"$gt": ["$n", 3]}}}], [4, 9, 14, 19]),
    ([{"$match": {"$or": [{"_id": 3}, {"$expr": {"$eq": ["$_id", 5]}}]}}], [3, 5]),
    ([{"$sort": {"m": 1}}, {"$limit": 3}], [19, 18, 17]),
    ([{"$sort": {"n": -1, "_id": -1}}, {"$skip": 2}, {"$limit": 2}], [9, 4]),
    ([{"$sort": {"n": 1}}, {"$match": {"n": 4}}, {"$limit": 1}], [4]),
    ([{"$sort": {"n": -1}}, {"$addFields": {"x": 1}}, {"$limit": 2}], [4, 9]),
    ([{"$sort": {"m": 1.9}}, {"$limit": 1}], [19]),
    ([{"$sort": {"m": Decimal("-1.5")}}, {"$limit": 1}], [0]),
    ([{"$limit": 2}], [0, 1]),
    ([{"$limit": 2.0}], [0, 1]),
    ([{"$limit": 100}, {"$skip": 18}], [18, 19]),
    ([{"$skip": 0}, {"$limit": 1}], [0]),
    ([{"$skip": 50}], []),
    ([{"$sample": {"size": 3}}], [0, 1, 2]),
    ([{"$sample": {"size": 99}}], list(range(20))),
    ([{"$sample": {"size": 0}}], []),
]

REFUSALS = [
    ({"$match": 5}, 15959),
    ({"$match": {"a": {"$near": [0, 0]}}}, 5626500),
    ({"$sort": 5}, 15973),
    ({"$sort": {"a": "x"}}, 15974),
    ({"$sort": {"a": 2}}, 15975),
    ({"$sort": {}}, 15976),
    ({"$sort": {f"a{n}": 1 for n in range(33)}}, 13103),
    ({"$sort": {"a..b": 1}}, 15998),
    ({"$limit": "x"}, 15957),
    ({"$limit": 0}, 15958),
    ({"$limit": 1.5}, 15957),
    ({"$skip": "x"}, 15972),
    ({"$skip": -1}, 15956),
    ({"$sample": 5}, 28745),
    ({"$sample": {"size": "x"}}, 28746),
    ({"$sample": {"size": -1}}, 28747),
    ({"$sample": {"size": Decimal("NaN")}}, 28747),
    ({"$sample": {"size": 1, "no": 1}}, 28748),
    ({"$sample": {}}, 28749),
]


@pytest.mark.parametrize(("stages", "expected"), CASES, ids=repr)
def test_documents_are_chosen_and_ordered(run, stages, expected):
    assert ids(run(stages, DOCUMENTS)) == expected


@pytest.mark.parametrize(("stage", "code"), REFUSALS, ids=lambda value: repr(value)[:60])
def test_a_wrong_specification_is_refused(stage_refused, stage, code):
    stage_refused([stage], code)


def test_a_sample_is_drawn_by_whoever_runs_the_pipeline(run):
    def draw(population, size):
        assert (population, size) == (20, 2)
        return [7, 3]

    assert ids(run([{"$sample": {"size": 2}}], DOCUMENTS, sample=draw)) == [7, 3]


@pytest.mark.parametrize("limit", [1, 10, 3_999, 4_001, 9_000])
def test_a_limited_sort_is_the_head_of_a_whole_one(run, limit):
    documents = [{"_id": n, "k": n * 7919 % 101} for n in range(9_000)]
    whole = sorted(documents, key=lambda document: document["k"])
    assert run([{"$sort": {"k": 1}}, {"$limit": limit}], documents) == whole[:limit]


def test_what_comes_before_a_refused_document_still_comes_out(run):
    documents = [{"_id": 1, "n": 1}, {"_id": 2, "n": 2}, {"_id": 3, "n": "x"}]
    stage = {"$project": {"n": {"$add": ["$n", 1]}}}
    assert run([stage, {"$limit": 2}], documents) == [{"_id": 1, "n": 2}, {"_id": 2, "n": 3}]
    match = {"$match": {"$expr": {"$gt": [{"$add": ["$n", 1]}, 0]}}}
    assert ids(run([match, {"$limit": 2}], documents)) == [1, 2]
    with pytest.raises(DatabaseRequestFailed):
        run([match], documents)


TREE = {
    "_id": 1,
    "level": 1,
    "a": {"level": 5, "secret": 1},
    "list": [{"level": 1, "x": 1}, {"level": 9, "x": 2}, 7, [{"level": 9}]],
}


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        ("$$KEEP", [TREE]),
        ("$$PRUNE", []),
        ("$$DESCEND", [TREE]),
        (
            {"$cond": [{"$gt": ["$level", 3]}, "$$PRUNE", "$$DESCEND"]},
            [{"_id": 1, "level": 1, "list": [{"level": 1, "x": 1}, 7, []]}],
        ),
        (
            {"$cond": [{"$eq": ["$level", "$$ROOT.level"]}, "$$DESCEND", "$$PRUNE"]},
            [{"_id": 1, "level": 1, "list": [{"level": 1, "x": 1}, 7, []]}],
        ),
    ],
    ids=repr,
)
def test_redact_keeps_prunes_and_descends(run, verdict, expected):
    assert run([{"$redact": verdict}], [TREE]) == expected


def test_redact_wants_a_verdict(stage_refused):
    stage_refused([{"$redact": 5}], 17053, [TREE])


def test_a_sort_holds_only_so_much(stage_refused, run):
    documents = [{"n": n, "text": "x" * 1_000_000} for n in range(110)]
    stage_refused([{"$sort": {"n": -1}}], 16819, documents)
    found = run([{"$sort": {"n": -1}}, {"$limit": 2}, {"$project": {"n": 1}}], documents)
    assert found == [{"n": 109}, {"n": 108}]
    stage_refused([{"$skip": 1}, {"$sort": {"n": -1}}, {"$limit": 5_000}], 16819, documents)


@pytest.mark.parametrize("size", [1_001, 2_500, 9_000])
def test_many_sampled_documents_are_all_different(run, size):
    random = Random(7)
    documents = [{"_id": number} for number in range(2_500)]
    found = run(
        [{"$sample": {"size": size}}],
        documents,
        sample=lambda population, count: random.sample(range(population), count),
    )
    assert len(set(ids(found))) == len(found) == min(size, 2_500)
    assert ids(found) != sorted(ids(found))
