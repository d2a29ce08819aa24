"""`$bucket` and `$bucketAuto`."""

import pytest

from emulator.core.values import Date

NUMBERS = [{"_id": n, "n": n} for n in range(10)]


def test_given_limits(run):
    stage = {"groupBy": "$n", "boundaries": [0, 3, 5], "default": "rest"}
    assert run([{"$bucket": stage}], NUMBERS) == [
        {"_id": 0, "count": 3},
        {"_id": 3, "count": 2},
        {"_id": "rest", "count": 5},
    ]


def test_given_limits_with_outputs_and_empty_buckets(run):
    stage = {
        "groupBy": {"$add": ["$n", 0.5]},
        "boundaries": [-5, 0, 100],
        "output": {"sum": {"$sum": "$n"}, "ids": {"$push": "$_id"}},
    }
    found = run([{"$bucket": stage}], NUMBERS[:3])
    assert found == [{"_id": 0, "sum": 3, "ids": [0, 1, 2]}]


def test_limits_of_other_kinds(run):
    documents = [{"d": Date(n)} for n in (1, 5, 9)]
    stage = {"groupBy": "$d", "boundaries": [Date(0), Date(5), Date(10)]}
    assert run([{"$bucket": stage}], documents) == [
        {"_id": Date(0), "count": 1},
        {"_id": Date(5), "count": 2},
    ]


@pytest.mark.parametrize("document", [{"n": 5}, {"n": "x"}, {}, {"n": -1}])
def test_what_fits_nowhere_is_refused_without_a_default(stage_refused, document):
    stage_refused([{"$bucket": {"groupBy": "$n", "boundaries": [0, 5]}}], 40066, [document])


@pytest.mark.parametrize(
    ("buckets", "expected"),
    [
        (1, [(0, 9, 10)]),
        (2, [(0, 5, 5), (5, 9, 5)]),
        (3, [(0, 3, 3), (3, 6, 3), (6, 9, 4)]),
        (20, [(n, min(n + 1, 9), 1) for n in range(10)]),
    ],
)
def test_found_limits(run, buckets, expected):
    found = run([{"$bucketAuto": {"groupBy": "$n", "buckets": buckets}}], NUMBERS)
    assert [(each["_id"]["min"], each["_id"]["max"], each["count"]) for each in found] == expected


def test_equal_values_are_never_split_and_missing_is_null(run):
    documents = [{"n": 1}, {"n": 1}, {"n": 1}, {"n": 2}, {}]
    found = run([{"$bucketAuto": {"groupBy": "$n", "buckets": 3}}], documents)
    assert [(each["_id"]["min"], each["count"]) for each in found] == [(None, 4), (2, 1)]


def test_many_documents_are_gathered_in_steps(run):
    documents = [{"n": n * 7919 % 10_007} for n in range(10_007)]
    stage = {"groupBy": "$n", "buckets": 4, "output": {"n": {"$sum": 1}, "least": {"$min": "$n"}}}
    found = run([{"$bucketAuto": stage}], documents)
    assert [each["least"] for each in found] == [each["_id"]["min"] for each in found]
    assert sum(each["n"] for each in found) == 10_007


def test_limits_out_of_a_series(run):
    documents = [{"n": n} for n in (0, 3, 7, 22, 48)]
    stage = {"groupBy": "$n", "buckets": 2, "granularity": "POWERSOF2"}
    found = run([{"$bucketAuto": stage}], documents)
    assert [(each["_id"], each["count"]) for each in found] == [
        ({"min": 0.0, "max": 8.0}, 3),
        ({"min": 8.0, "max": 64.0}, 2),
    ]


def test_a_series_goes_on_from_zeros(run):
    stage = {"groupBy": "$n", "buckets": 2, "granularity": "1-2-5"}
    found = run([{"$bucketAuto": stage}], [{"n": n} for n in (0, 0, 3, 4)])
    assert [(each["_id"], each["count"]) for each in found] == [
        ({"min": 0.0, "max": 2.0}, 2),
        ({"min": 2.0, "max": 5.0}, 2),
    ]


def test_no_documents_make_no_buckets(run):
    assert run([{"$bucketAuto": {"groupBy": "$n", "buckets": 3}}]) == []
    assert run([{"$bucket": {"groupBy": "$n", "boundaries": [0, 1]}}]) == []


def bucket(**options):
    return {"$bucket": {"groupBy": "$n", "boundaries": [0, 5], **options}}


def auto(**options):
    return {"$bucketAuto": {"groupBy": "$n", "buckets": 2, **options}}


REFUSALS = [
    ({"$bucket": 5}, 40201),
    (bucket(no=1), 40197),
    ({"$bucket": {"groupBy": "$n"}}, 40198),
    (bucket(groupBy=5), 40202),
    (bucket(groupBy={"a": 1}), 40202),
    (bucket(boundaries=5), 40200),
    (bucket(boundaries=[1]), 40192),
    (bucket(boundaries=[0, "$n"]), 40191),
    (bucket(boundaries=[0, "x"]), 40193),
    (bucket(boundaries=[0, 0]), 40194),
    (bucket(boundaries=[5, 0]), 40194),
    (bucket(default="$n"), 40195),
    (bucket(default=3), 40199),
    (bucket(output=5), 40196),
    ({"$bucketAuto": 5}, 40240),
    (auto(no=1), 40245),
    ({"$bucketAuto": {"groupBy": "$n"}}, 40246),
    (auto(groupBy="n"), 40239),
    (auto(buckets="x"), 40241),
    (auto(buckets=1.5), 40242),
    (auto(buckets=0), 40243),
    (auto(output=5), 40244),
    (auto(granularity="no"), 40257),
    (auto(granularity=5), 40261),
]


@pytest.mark.parametrize(("stage", "code"), REFUSALS, ids=repr)
def test_a_wrong_specification_is_refused(stage_refused, stage, code):
    stage_refused([stage], code, NUMBERS)


@pytest.mark.parametrize(("value", "code"), [("x", 40258), (float("nan"), 40259), (-1, 40260)])
def test_a_series_holds_no_such_value(stage_refused, value, code):
    stage_refused([auto(granularity="R5")], code, [{"n": value}])
