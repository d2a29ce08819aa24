"""`$geoNear`."""

import math
from decimal import Decimal

import pytest

PLACES = [
    {"_id": 1, "at": {"type": "Point", "coordinates": [0, 2]}, "kind": "a"},
    {"_id": 2, "at": {"type": "Point", "coordinates": [0, 1]}, "kind": "b"},
    {"_id": 3, "at": {"type": "Point", "coordinates": [0, 3]}, "kind": "a"},
    {"_id": 4, "kind": "a"},
]
DEGREE_M = 111_318.845
SPHERE = {"at": "2dsphere"}


def near(**options):
    point = {"type": "Point", "coordinates": [0, 0]}
    return {"$geoNear": {"near": point, "distanceField": "far", **options}}


def found(run, stage, indexes=SPHERE, documents=PLACES):
    return [
        (each["_id"], round(each["far"] / DEGREE_M, 3))
        for each in run([stage], documents, geo_indexes=indexes)
    ]


CASES = [
    ({}, [(2, 1), (1, 2), (3, 3)]),
    ({"query": {"kind": "a"}}, [(1, 2), (3, 3)]),
    ({"maxDistance": 2.5 * DEGREE_M}, [(2, 1), (1, 2)]),
    ({"minDistance": 1.5 * DEGREE_M}, [(1, 2), (3, 3)]),
    ({"maxDistance": math.inf}, [(2, 1), (1, 2), (3, 3)]),
    ({"minDistance": math.inf}, []),
    ({"distanceMultiplier": 0.5}, [(2, 0.5), (1, 1), (3, 1.5)]),
    ({"limit": 1}, [(2, 1)]),
    ({"num": 2}, [(2, 1), (1, 2)]),
    ({"key": "at"}, [(2, 1), (1, 2), (3, 3)]),
]


@pytest.mark.parametrize(("options", "expected"), CASES, ids=repr)
def test_the_nearest_come_first(run, options, expected):
    assert found(run, near(**options)) == expected


def test_the_place_itself_is_told(run):
    (first, *_) = run([near(includeLocs="found.at")], PLACES, geo_indexes=SPHERE)
    assert first["found"] == {"at": PLACES[1]["at"]}


def test_of_several_places_the_nearest_counts(run):
    documents = [{"_id": 1, "at": [PLACES[0]["at"], PLACES[1]["at"]]}]
    assert found(run, near(), documents=documents) == [(1, 1)]


def test_a_pair_on_the_sphere_is_measured_in_radians(run):
    stage = near(near=[0, 0], spherical=True, distanceMultiplier=6_378_100)
    assert found(run, stage) == [(2, 1), (1, 2), (3, 3)]


def test_a_pair_on_the_plane_is_measured_in_degrees(run):
    documents = [{"_id": 1, "at": [3, 4]}]
    (one,) = run([near(near=[0, 0])], documents, geo_indexes={"at": "2d"})
    assert one["far"] == 5.0


REFUSALS = [
    ({"$geoNear": 5}, 10065),
    (near(no=1), 40604),
    ({"$geoNear": {"distanceField": "far"}}, 5860400),
    (near(near=5), 5860401),
    ({"$geoNear": {"near": [0, 0]}}, 16606),
    (near(includeLocs=5), 16607),
    (near(key=5), 14),
    (near(key=""), 2),
    (near(key="other"), 291),
    (near(key="bad."), 40353),
    (near(query=5), 14),
    (near(maxDistance="x"), 2),
    (near(maxDistance=-1), 2),
    (near(minDistance=Decimal("NaN")), 2),
    (near(distanceMultiplier=-1), 2),
    (near(limit=-1), 2),
]


@pytest.mark.parametrize(("stage", "code"), REFUSALS, ids=repr)
def test_a_wrong_specification_is_refused(stage_refused, stage, code):
    stage_refused([stage], code, PLACES, geo_indexes=SPHERE)


def test_of_several_places_the_first_may_be_the_nearest(run):
    documents = [{"_id": 1, "at": [PLACES[1]["at"], PLACES[0]["at"]]}]
    assert found(run, near(), documents=documents) == [(1, 1)]


def test_an_index_of_another_kind_is_none(stage_refused):
    stage_refused([near()], 27, PLACES, geo_indexes={"at": "geoHaystack"})


def test_it_stands_first_and_needs_an_index(stage_refused):
    stage_refused([{"$match": {"a": 1}}, near()], 40602, PLACES, geo_indexes=SPHERE)
    stage_refused([near()], 27, PLACES)
    stage_refused([near()], 27, PLACES, geo_indexes={"a": "2dsphere", "b": "2dsphere"})
    stage_refused([near(near=[200, 0])], 16433, PLACES, geo_indexes={"at": "2d"})


def test_a_plain_index_is_taken_before_one_on_the_sphere(run):
    documents = [{"_id": 1, "p": [3, 4], "at": PLACES[0]["at"]}]
    indexes = {"at": "2dsphere", "p": "2d"}
    (one,) = run([near(near=[0, 0])], documents, geo_indexes=indexes)
    assert one["far"] == 5.0
