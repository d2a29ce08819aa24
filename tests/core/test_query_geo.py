"""Operators on places."""

import math

import pytest

from emulator.core.errors import DatabaseRequestFailed
from emulator.core.query import compile_filter

DEGREE_M = 6_378_100 * math.pi / 180


def point(longitude, latitude):
    return {"type": "Point", "coordinates": [longitude, latitude]}


def polygon(low, high):
    ring = [[low, low], [high, low], [high, high], [low, high], [low, low]]
    return {"type": "Polygon", "coordinates": [ring]}


def found(operand, values):
    compiled = compile_filter({"p": operand})
    documents = [{"p": value} for value in values]
    return [place for place, document in enumerate(documents) if compiled.matches(document)]


PLACES = [point(0, 0), point(1, 0), point(3, 0), [2, 0], {"x": 0, "y": 1}, "x", None,
          [point(9, 9), point(0.5, 0)], polygon(0, 1)]  # fmt: skip


@pytest.mark.parametrize(
    ("operand", "expected"),
    [
        pytest.param({"$near": {"$geometry": point(0, 0)}}, [0, 1, 2, 3, 4, 7, 8], id="$near"),
        pytest.param({"$nearSphere": {"$geometry": point(0, 0), "$maxDistance": 1.5 * DEGREE_M}},
                     [0, 1, 4, 7, 8], id="$maxDistance"),
        pytest.param({"$near": {"$geometry": point(0, 0), "$minDistance": 1.5 * DEGREE_M}},
                     [2, 3, 7], id="$minDistance"),
        pytest.param({"$nearSphere": [0, 0], "$maxDistance": math.radians(1.5)}, [0, 1, 4, 7, 8],
                     id="legacy $nearSphere in radians"),
        pytest.param({"$near": [0, 0], "$maxDistance": 1.5, "$minDistance": 0.5}, [1, 4, 7],
                     id="legacy $near on the plane"),
        pytest.param({"$near": {"lng": 0, "lat": 0}}, [0, 1, 2, 3, 4, 7], id="legacy object"),
        pytest.param({"$geoWithin": {"$geometry": polygon(-2, 2)}}, [0, 1, 3, 4, 7, 8],
                     id="$geometry"),
        pytest.param({"$geoWithin": {"$centerSphere": [[0, 0], math.radians(1.01)]}}, [0, 1, 4, 7],
                     id="$centerSphere"),
        pytest.param({"$geoWithin": {"$center": [[0, 0], 1]}}, [0, 1, 4, 7], id="$center"),
        pytest.param({"$within": {"$box": [[1, 1], [-1, -1]]}}, [0, 1, 4, 7], id="$box"),
        pytest.param({"$geoWithin": {"$polygon": [[-1, -1], [3, -1], [0, 2]]}}, [0, 1, 3, 4, 7],
                     id="$polygon"),
        pytest.param({"$geoWithin": {"$polygon": {"a": [0, 0], "b": [2, 0], "c": [0, 2]}}},
                     [0, 1, 3, 4, 7], id="edges of a $polygon belong to it"),
        pytest.param({"$geoIntersects": {"$geometry": polygon(0, 1)}}, [0, 1, 4, 7, 8],
                     id="$geoIntersects"),
        pytest.param({"$geoIntersects": {"$geometry": [2, 0]}}, [3], id="legacy pair"),
        pytest.param({"$geoIntersects": {"$geometry": {"x": 1, "y": 0}}}, [1, 8], id="names"),
        pytest.param({"$not": {"$geoWithin": {"$geometry": polygon(-2, 2)}}}, [2, 5, 6],
                     id="$not"),
    ],
)  # fmt: skip
def test_operator_matches(operand, expected):
    assert found(operand, PLACES) == expected


@pytest.mark.parametrize(
    ("operand", "kinds"),
    [
        ({"$near": {"$geometry": point(0, 0)}}, ("2dsphere",)),
        ({"$nearSphere": [0, 0]}, ("2dsphere", "2d")),
        ({"$near": [0, 0]}, ("2d",)),
    ],
    ids=str,
)
def test_a_distance_knows_what_indexes_can_serve_it(operand, kinds):
    assert compile_filter({"p": operand}).near.distance.index_kinds == kinds


def test_distances_are_told_in_the_operators_own_unit():
    def distance(operand, value):
        return compile_filter({"p": operand}).near.distance_m({"p": value})

    assert distance({"$near": {"$geometry": point(0, 0)}}, point(2, 0)) == pytest.approx(
        2 * DEGREE_M
    )
    assert distance({"$nearSphere": [0, 0]}, [2, 0]) == pytest.approx(math.radians(2))
    assert distance({"$near": [0, 0]}, [3, 4]) == 5
    assert distance({"$near": {"$geometry": {"coordinates": [0, 0]}}}, [0, 0]) == 0
    assert distance({"$near": {"$geometry": point(0, 0)}}, [point(5, 0), point(1, 0)]) == (
        pytest.approx(DEGREE_M)
    )


G = {"$geometry": point(0, 0)}
REFUSED = [
    pytest.param({"$near": {"$geometry": polygon(0, 1)}}, 2, "requires a point", id="near polygon"),
    pytest.param({"$near": {"$geometry": 5}}, 2, "must be an object", id="near number"),
    pytest.param({"$near": {**G, "$foo": 1}}, 2, "invalid argument", id="unknown argument"),
    pytest.param({"$near": {"$maxDistance": 1}}, 2, "requires a point", id="no point"),
    pytest.param({"$near": "x"}, 2, "two numbers", id="near text"),
    pytest.param({"$near": {**G, "$maxDistance": -1}}, 2, "non-negative", id="negative"),
    pytest.param({"$near": {**G, "$maxDistance": "1"}}, 2, "must be a number", id="text"),
    pytest.param({"$near": {**G, "$minDistance": math.inf}}, 2, "must be a number", id="infinite"),
    pytest.param(
        {"$near": [0, 0], "$maxDistance": "1"}, 16895, "must be a number", id="legacy text"
    ),
    pytest.param(
        {"$near": [0, 0], "$minDistance": -1}, 16894, "non-negative", id="legacy negative"
    ),
    pytest.param({"$near": G, "$gt": 1}, 34413, "cannot be combined", id="near and more"),
    pytest.param({"$maxDistance": 1}, 2, "needs a \\$near", id="distance alone"),
    pytest.param({"$geoWithin": 5}, 2, "must be an object", id="within"),
    pytest.param({"$geoWithin": {}}, 2, "must be an object", id="within nothing"),
    pytest.param({"$geoWithin": {"$disk": 1}}, 2, "unknown geo specifier", id="unknown region"),
    pytest.param(
        {"$geoWithin": {"$box": [[0, 0], [1, 1]], "$x": 1}}, 2, "specifier: \\$x", id="two"
    ),
    pytest.param({"$geoWithin": G}, 2, "not supported with", id="within a point"),
    pytest.param({"$geoWithin": {"$center": [[0, 0]]}}, 2, "a circle is", id="no radius"),
    pytest.param({"$geoWithin": {"$centerSphere": [[0, 0], -1]}}, 2, "radius", id="bad radius"),
    pytest.param({"$geoWithin": {"$centerSphere": [[0, 99], 1]}}, 2, "out of bounds", id="centre"),
    pytest.param({"$geoWithin": {"$box": [[0, 0]]}}, 2, "a box is", id="box"),
    pytest.param({"$geoWithin": {"$polygon": [[0, 0], [1, 1]]}}, 2, "3 points", id="polygon"),
    pytest.param({"$geoIntersects": {"$box": []}}, 2, "needs a \\$geometry", id="intersects"),
    pytest.param({"$geometry": point(0, 0)}, 2, "unknown operator", id="geometry alone"),
]


@pytest.mark.parametrize(("operand", "code", "text"), REFUSED)
def test_operand_is_refused(operand, code, text):
    with pytest.raises(DatabaseRequestFailed, match=text) as refusal:
        compile_filter({"p": operand})
    assert refusal.value.mongo_code == code
