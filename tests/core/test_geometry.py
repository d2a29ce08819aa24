"""Geometry on the sphere, against figures that can be worked out by hand."""

import math

import pytest

from emulator.core.geometry import (
    EARTH_RADIUS_M,
    Polygon,
    Shape,
    angle,
    arc_distance,
    arcs_cross,
    arcs_meet,
    left_area,
    left_of_ring,
    on_ring,
    vector,
)

DEGREE_M = EARTH_RADIUS_M * math.pi / 180


def places(*pairs):
    return [vector(*pair) for pair in pairs]


def square(low, high):
    return places((low, low), (high, low), (high, high), (low, high))


def point(longitude, latitude):
    return Shape(points=[vector(longitude, latitude)])


def line(*pairs):
    return Shape(lines=[places(*pairs)])


def area(*rings):
    return Shape(polygons=[Polygon(rings[0], rings[1:])])


@pytest.mark.parametrize(
    ("a", "b", "degrees"),
    [
        pytest.param((0, 0), (0, 0), 0, id="same place"),
        pytest.param((0, 0), (1, 0), 1, id="equator"),
        pytest.param((0, 0), (0, 90), 90, id="to the pole"),
        pytest.param((-170, 90), (33, 90), 0, id="one pole"),
        pytest.param((0, 0), (180, 0), 180, id="other side"),
        pytest.param((179, 0), (-179, 0), 2, id="across the date line"),
        pytest.param((0, 60), (180, 60), 60, id="over the pole"),
    ],
)
def test_distance_is_the_angle_times_the_radius(a, b, degrees):
    assert point(*a).distance_m(vector(*b)) == pytest.approx(degrees * DEGREE_M, abs=1e-6)


def test_tiny_distances_keep_their_digits():
    assert angle(vector(0, 0), vector(1e-9, 0)) == pytest.approx(math.radians(1e-9), rel=1e-6)


@pytest.mark.parametrize(
    ("place", "degrees"),
    [
        pytest.param((5, 3), 3, id="beside the arc"),
        pytest.param((12, 0), 2, id="beyond its end"),
        pytest.param((-2, 0), 2, id="before its start"),
        pytest.param((5, 0), 0, id="on it"),
        pytest.param((-170, 0), 170, id="far away"),
    ],
)
def test_distance_to_an_arc_is_to_its_nearest_place(place, degrees):
    distance = arc_distance(vector(*place), vector(0, 0), vector(10, 0))
    assert math.degrees(distance) == pytest.approx(degrees, abs=1e-9)


@pytest.mark.parametrize(
    ("one", "two", "cross", "meet"),
    [
        pytest.param([(-5, 0), (5, 0)], [(0, -5), (0, 5)], True, True, id="crossing"),
        pytest.param([(-5, 0), (5, 0)], [(0, 1), (0, 5)], False, False, id="apart"),
        pytest.param([(-5, 0), (5, 0)], [(0, 0), (0, 5)], False, True, id="touching"),
        pytest.param([(0, 0), (5, 0)], [(5, 0), (9, 9)], False, True, id="common end"),
        pytest.param([(-5, 0), (5, 0)], [(180, -5), (180, 5)], False, False, id="other side"),
        pytest.param([(175, 0), (-175, 0)], [(180, -5), (180, 5)], True, True, id="date line"),
    ],
)
def test_arcs_cross_inside_and_meet_anywhere(one, two, cross, meet):
    arcs = [*places(*one), *places(*two)]
    assert arcs_cross(*arcs) is cross
    assert arcs_meet(*arcs) is meet


def test_area_is_to_the_left():
    eighth = places((0, 0), (90, 0), (0, 90))
    assert left_area(eighth) == pytest.approx(math.pi / 2)
    assert left_area(eighth[::-1]) == pytest.approx(4 * math.pi - math.pi / 2)


INSIDE = [
    pytest.param(square(0, 10), (5, 5), True, id="middle"),
    pytest.param(square(0, 10), (11, 5), False, id="beside"),
    pytest.param(square(0, 10), (-175, -5), False, id="other side of the globe"),
    pytest.param(square(0, 10), (5, 10.01), True, id="an edge bulges to the pole"),
    pytest.param(square(0, 10), (5, 10.1), False, id="beyond the bulge"),
    pytest.param(
        places((170, -5), (-170, -5), (-170, 5), (170, 5)), (180, 0), True, id="date line"
    ),
    pytest.param(places((0, 80), (120, 80), (-120, 80)), (45, 90), True, id="pole"),
    pytest.param(places((0, 80), (120, 80), (-120, 80)), (45, 50), False, id="below the pole"),
    pytest.param(square(0, 10), (10.5, 10.5), False, id="in line with a diagonal"),
    pytest.param(square(-10, 10), (-20, -10), False, id="in line with an edge"),
    pytest.param(places((0, 0), (4, 0), (4, 4), (2, 1), (0, 4)), (2, 3), False, id="in the notch"),
    pytest.param(places((0, 0), (4, 0), (4, 4), (2, 1), (0, 4)), (1, 1), True, id="in the arm"),
]


@pytest.mark.parametrize(("ring", "place", "inside"), INSIDE)
def test_a_place_is_left_of_the_ring_or_not(ring, place, inside):
    assert left_of_ring(vector(*place), ring) is inside
    assert left_of_ring(vector(*place), ring[::-1]) is not inside


def test_many_places_agree_with_longitude_and_latitude_far_from_edges():
    ring = square(0, 10)
    for longitude in range(-173, 180, 7):
        for latitude in range(-85, 90, 7):
            expected = 0 < longitude < 10 and 0 < latitude < 10
            assert left_of_ring(vector(longitude, latitude), ring) is expected


def test_corners_and_edges_belong_to_a_polygon():
    polygon = Polygon(square(0, 10), [square(4, 6)[::-1]])
    assert polygon.contains(vector(0, 0))
    assert polygon.contains(vector(5, 0))
    assert on_ring(vector(4, 4), polygon.holes[0])
    assert polygon.contains(vector(4, 4))


HOLE = square(4, 6)


@pytest.mark.parametrize(
    ("shape", "within"),
    [
        pytest.param(point(2, 2), True, id="point"),
        pytest.param(point(5, 5), False, id="point in the hole"),
        pytest.param(line((1, 1), (3, 3)), True, id="line"),
        pytest.param(line((1, 1), (9, 9)), False, id="line over the hole"),
        pytest.param(line((1, 1), (20, 1)), False, id="line that leaves"),
        pytest.param(area(square(1, 3)), True, id="polygon"),
        pytest.param(area(square(1, 9)), False, id="polygon around the hole"),
        pytest.param(area(square(8, 12)), False, id="polygon across the edge"),
        pytest.param(Shape(points=places((1, 1), (20, 20))), False, id="one of two outside"),
        pytest.param(Shape(), True, id="nothing"),
    ],
)
def test_within_means_every_part_is_inside(shape, within):
    assert shape.within([Polygon(square(0, 10), [HOLE])]) is within


def test_each_part_may_be_in_another_polygon():
    regions = [Polygon(square(0, 2)), Polygon(square(5, 7))]
    assert Shape(points=places((1, 1), (6, 6))).within(regions)
    assert not line((1, 1), (6, 6)).within(regions)


def test_a_cap_holds_what_is_near_its_centre():
    assert line((0, 0), (1, 0)).within_cap(vector(0, 0), math.radians(1.001))
    assert not area(square(0, 1)).within_cap(vector(0, 0), math.radians(1))


@pytest.mark.parametrize(
    ("one", "two", "meet"),
    [
        pytest.param(point(1, 1), point(1, 1), True, id="points"),
        pytest.param(point(1, 1), point(1, 2), False, id="other points"),
        pytest.param(point(1, 0), line((0, 0), (2, 0)), True, id="point on a line"),
        pytest.param(point(1, 1), area(square(0, 2)), True, id="point in a polygon"),
        pytest.param(point(5, 5), area(square(0, 10), HOLE), False, id="point in a hole"),
        pytest.param(line((0, 0), (2, 2)), line((0, 2), (2, 0)), True, id="lines"),
        pytest.param(line((0, 0), (1, 0)), line((0, 1), (1, 1)), False, id="lines apart"),
        pytest.param(line((1, 1), (2, 1)), area(square(0, 3)), True, id="line inside"),
        pytest.param(line((-1, 1), (9, 1)), area(square(0, 3)), True, id="line across"),
        pytest.param(
            line((4.5, 5), (5.5, 5)), area(square(0, 10), HOLE), False, id="line in a hole"
        ),
        pytest.param(area(square(0, 3)), area(square(2, 5)), True, id="polygons"),
        pytest.param(area(square(0, 9)), area(square(2, 5)), True, id="polygon in a polygon"),
        pytest.param(area(square(0, 1)), area(square(2, 5)), False, id="polygons apart"),
        pytest.param(area(square(0, 1)), point(1, 1), True, id="corner"),
    ],
)
def test_intersection_is_a_place_in_common(one, two, meet):
    assert one.intersects(two) is meet
    assert two.intersects(one) is meet


def test_distance_to_a_shape_is_to_its_nearest_part():
    shape = Shape(points=places((50, 0)), lines=[places((0, 2), (9, 2))], polygons=[])
    assert shape.distance_m(vector(0, 0)) == pytest.approx(2 * DEGREE_M)
    assert area(square(-1, 1)).distance_m(vector(0, 0)) == 0
    assert area(square(-1, 1)).distance_m(vector(3, 0)) == pytest.approx(2 * DEGREE_M)
