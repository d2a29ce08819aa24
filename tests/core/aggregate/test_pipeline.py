"""Pipelines as a whole."""

import pytest

from emulator.core.aggregate.environment import PipelineEnvironment
from emulator.core.aggregate.pipeline import STAGES, STAGES_MAX, Lead, compile_pipeline
from emulator.core.aggregate.stage_nodes import slices
from emulator.core.errors import InvalidOperator

ENVIRONMENT = PipelineEnvironment(now_ms=0)
MATCH, OTHER = {"$match": {"a": 1}}, {"$match": {"b": 2}}
SORT, SKIP, LIMIT = {"$sort": {"a": -1}}, {"$skip": 2}, {"$limit": 3}
PROJECT = {"$project": {"a": 1}}

LEADS = [
    ([], Lead(filter={}, sort=(), skip=0, limit=None), 0),
    ([PROJECT], Lead(filter={}, sort=(), skip=0, limit=None), 1),
    ([MATCH], Lead(filter={"a": 1}, sort=(), skip=0, limit=None), 0),
    (
        [MATCH, OTHER, PROJECT],
        Lead(filter={"$and": [{"a": 1}, {"b": 2}]}, sort=(), skip=0, limit=None),
        1,
    ),
    (
        [MATCH, SORT, SKIP, LIMIT, PROJECT],
        Lead(filter={"a": 1}, sort=[("a", -1)], skip=2, limit=3),
        1,
    ),
    ([LIMIT, SKIP], Lead(filter={}, sort=(), skip=0, limit=3), 1),
    ([SORT, MATCH], Lead(filter={}, sort=[("a", -1)], skip=0, limit=None), 1),
]


@pytest.mark.parametrize(("stages", "lead", "left"), LEADS, ids=repr)
def test_the_beginning_is_told_as_a_query(stages, lead, left):
    found, rest = compile_pipeline(stages, ENVIRONMENT).split()
    assert found == lead
    assert len(rest.stages) == left


@pytest.mark.parametrize(
    ("stages", "has_limit"),
    [
        ([MATCH], False),
        ([MATCH, LIMIT, PROJECT], True),
        ([{"$facet": {"a": [LIMIT]}}], False),
        ([{"$sample": {"size": 3}}], False),
    ],
    ids=repr,
)
def test_a_limit_of_the_pipeline_itself_counts(stages, has_limit):
    assert compile_pipeline(stages, ENVIRONMENT).has_limit is has_limit


def test_every_collection_that_is_read_is_told():
    stages = [
        {"$lookup": {"from": "a", "as": "x", "pipeline": [{"$unionWith": "b"}]}},
        {"$facet": {"f": [{"$lookup": {"from": "c", "as": "x", "pipeline": []}}]}},
        {
            "$graphLookup": {
                "from": "d",
                "startWith": "$x",
                "connectFromField": "x",
                "connectToField": "y",
                "as": "z",
            }
        },
    ]
    assert compile_pipeline(stages, ENVIRONMENT).collections == {"a", "b", "c", "d"}


REFUSALS = [
    (5, 14),
    ([5], 14),
    ([{}], 40323),
    ([{"$limit": 1, "$skip": 1}], 40323),
    ([{"$limit": 1}] * (STAGES_MAX + 1), 7749501),
    ([{"$no": 1}], 40324),
    ([{"$out": "x"}], 40324),
    ([{"limit": 1}], 40324),
]


@pytest.mark.parametrize(("stages", "code"), REFUSALS, ids=lambda value: repr(value)[:40])
def test_what_is_no_pipeline_is_refused(stage_refused, stages, code):
    stage_refused(stages, code)


def test_nothing_is_written():
    with pytest.raises(InvalidOperator, match="not allowed by the cloud") as refusal:
        compile_pipeline([{"$merge": "x"}], ENVIRONMENT)
    assert refusal.value.hint


def test_a_pipeline_is_nested_only_as_deep_as_a_document(stage_refused, run):
    deep = 1
    for _ in range(197):
        deep = {"a": deep}
    assert run([{"$replaceWith": deep}], [{}]) == [deep]
    stage_refused([{"$replaceWith": {"a": {"a": deep}}}], 15, [{}])


def test_long_pipelines_run(run):
    assert run([{"$addFields": {"a": {"$add": ["$a", 1]}}}] * 500, [{"a": 0}]) == [{"a": 500}]


def test_nothing_in_nothing_out(run):
    assert run([]) == []
    assert run([], [{"a": 1}]) == [{"a": 1}]


def test_who_wants_few_pulls_few():
    pulled = []

    def documents():
        for number in range(100_000):
            pulled.append(number)
            yield {"n": number}

    pipeline = compile_pipeline([PROJECT, {"$limit": 5}], ENVIRONMENT)
    found = [each for chunk in pipeline.run(slices(documents())) for each in chunk]
    assert len(found) == 5
    assert len(pulled) < 1_000


def test_the_stages_are_those_of_the_cloud():
    assert set(STAGES) == {
        "$addFields", "$bucket", "$bucketAuto", "$count", "$facet", "$geoNear", "$graphLookup",
        "$group", "$limit", "$lookup", "$match", "$project", "$redact", "$replaceRoot",
        "$replaceWith", "$sample", "$set", "$skip", "$sort", "$sortByCount", "$unionWith",
        "$unset", "$unwind",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ([], [0, 1]),
        ([{"$sort": {"a": -1}}], [5, 4]),
        ([{"$limit": 1}], [0]),
        ([{"$limit": 4}, {"$sort": {"a": -1}}], [3, 2]),
    ],
    ids=repr,
)
def test_a_capped_pipeline_gives_no_more(stages, expected):
    documents = [{"a": number} for number in range(6)]
    pipeline = compile_pipeline(stages, ENVIRONMENT).capped(2)
    found = [each["a"] for chunk in pipeline.run(slices(documents)) for each in chunk]
    assert found == expected


def test_a_cap_is_part_of_what_a_query_can_do():
    lead, rest = compile_pipeline([MATCH, SORT], ENVIRONMENT).capped(7).split()
    assert (lead.limit, rest.stages) == (7, [])
