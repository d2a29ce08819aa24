"""GeoJSON and legacy pairs: what is read and what is refused."""

import math

import pytest

from emulator.core.errors import DatabaseRequestFailed
from emulator.core.geometry import left_area, vector
from emulator.core.geometry_json import (
    STRICT_WINDING,
    read_pair,
    read_place,
    read_shape,
    stored_pair,
    stored_shape,
)
from emulator.core.values import Int64

RING = [[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]
HOLE = [[1, 1], [2, 1], [2, 2], [1, 2], [1, 1]]


def geo(kind, coordinates, **more):
    return {"type": kind, "coordinates": coordinates, **more}


@pytest.mark.parametrize(
    ("value", "counts"),
    [
        pytest.param(geo("Point", [1, 2]), (1, 0, 0), id="Point"),
        pytest.param(geo("Point", [1, 2, 3]), (1, 0, 0), id="Point with height"),
        pytest.param(geo("Point", {"lng": 1, "lat": 2}), (1, 0, 0), id="Point of an object"),
        pytest.param(geo("MultiPoint", [[1, 2], [3, 4.5]]), (2, 0, 0), id="MultiPoint"),
        pytest.param(geo("LineString", [[1, 2], [Int64(3), 4]]), (0, 1, 0), id="LineString"),
        pytest.param(geo("MultiLineString", [[[1, 2], [3, 4]]]), (0, 1, 0), id="MultiLineString"),
        pytest.param(geo("Polygon", [RING, HOLE]), (0, 0, 1), id="Polygon"),
        pytest.param(geo("MultiPolygon", [[RING], [HOLE]]), (0, 0, 2), id="MultiPolygon"),
        pytest.param(
            {
                "type": "GeometryCollection",
                "geometries": [geo("Point", [1, 2]), geo("Polygon", [RING])],
            },
            (1, 0, 1),
            id="GeometryCollection",
        ),
        pytest.param(geo("Polygon", [[[0, 0], [0, 0], *RING[1:]]]), (0, 0, 1), id="doubled corner"),
    ],
)  # fmt: skip
def test_every_type_is_read(value, counts):
    shape = read_shape(value)
    assert (len(shape.points), len(shape.lines), len(shape.polygons)) == counts
    assert stored_shape(value) == shape


def test_a_ring_runs_around_the_smaller_area_whatever_its_direction():
    one = read_shape(geo("Polygon", [RING])).polygons[0].outer
    other = read_shape(geo("Polygon", [RING[::-1]])).polygons[0].outer
    assert left_area(one) == pytest.approx(left_area(other))
    assert left_area(one) < 1


def test_strict_winding_takes_the_direction_at_its_word():
    system = {"type": "name", "properties": {"name": STRICT_WINDING}}
    clockwise = read_shape(geo("Polygon", [RING[::-1]], crs=system)).polygons[0].outer
    assert left_area(clockwise) > 4 * math.pi - 1


REFUSED = [
    pytest.param(5, "must be an object", id="number"),
    pytest.param({"coordinates": [1, 2]}, "unknown GeoJSON type", id="no type"),
    pytest.param(geo("Circle", [1, 2]), "unknown GeoJSON type 'Circle'", id="unknown type"),
    pytest.param(geo(["Point"], [1, 2]), "unknown GeoJSON type", id="type of a type"),
    pytest.param(geo("Point", [1]), "numeric elements", id="one number"),
    pytest.param(geo("Point", ["1", "2"]), "numeric elements", id="texts"),
    pytest.param(geo("Point", [True, 1]), "numeric elements", id="bool"),
    pytest.param(geo("Point", None), "numeric elements", id="nothing"),
    pytest.param(geo("Point", [181, 0]), "out of bounds", id="longitude"),
    pytest.param(geo("Point", [0, -90.5]), "out of bounds", id="latitude"),
    pytest.param(geo("Point", [float("nan"), 0]), "out of bounds", id="NaN"),
    pytest.param(geo("MultiPoint", []), "nonempty array", id="no points"),
    pytest.param(geo("LineString", [[1, 2], [1, 2]]), "two different points", id="line of one"),
    pytest.param(geo("Polygon", []), "array of rings", id="no rings"),
    pytest.param(geo("Polygon", [RING[:-1]]), "not closed", id="open ring"),
    pytest.param(geo("Polygon", [[[0, 0], [1, 1], [0, 0]]]), "3 different vertices", id="flat"),
    pytest.param(geo("Polygon", [[[0, 0], [4, 0], [0, 4], [4, 0], [0, 0]]]), "duplicate",
                 id="corner twice"),
    pytest.param(geo("Polygon", [[[0, 0], [4, 4], [4, 0], [0, 4], [0, 0]]]), "edges cross",
                 id="crossing itself"),
    pytest.param(geo("Polygon", [HOLE, RING]), "inside the first ring", id="hole outside"),
    pytest.param(geo("Polygon", [RING, RING]), "inside the first ring", id="hole is the ring"),
    pytest.param(
        geo("Polygon", [RING, HOLE, [[1.5, 1.5], [3, 1.5], [3, 3], [1.5, 3], [1.5, 1.5]]]),
        "must not cross", id="holes cross"),
    pytest.param(geo("Point", [1, 2], crs={"type": "name", "properties": {"name": "EPSG:1"}}),
                 "unknown CRS", id="other system"),
    pytest.param(geo("Point", [1, 2], crs=5), "unknown CRS", id="no system"),
    pytest.param({"type": "GeometryCollection", "geometries": []}, "nonempty", id="no members"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "text"), REFUSED)
def test_invalid_geometry_is_refused_in_queries_and_passed_over_in_documents(value, text):
    with pytest.raises(DatabaseRequestFailed, match=text) as refusal:
        read_shape(value)
    assert refusal.value.mongo_code == 2
    assert stored_shape(value) is None


@pytest.mark.parametrize(
    ("value", "pair"),
    [
        ([1, 2], (1.0, 2.0)),
        ([1, 2, 3], (1.0, 2.0)),
        ({"lng": 1, "lat": 2}, (1.0, 2.0)),
        (geo("Point", [1, 2]), (1.0, 2.0)),
        ([1], None),
        (["a", 2], None),
        ("x", None),
        (None, None),
        (geo("LineString", [[1, 2], [3, 4]]), None),
    ],
    ids=str,
)
def test_pairs_are_two_numbers(value, pair):
    assert stored_pair(value) == pair


def test_legacy_pairs_are_places_within_the_globe_only():
    assert stored_shape([1, 2]).points == [vector(1, 2)]
    assert stored_shape([200, 2]) is None
    assert read_place([1, 2]) == vector(1, 2)


@pytest.mark.parametrize("value", ["x", [1], [float("inf"), 0], {}])
def test_bad_pairs_in_queries_are_refused(value):
    with pytest.raises(DatabaseRequestFailed, match="two numbers"):
        read_pair(value)
