"""Owns geometry on the sphere: distance, containment and intersection of points, lines, polygons.

Not here: GeoJSON and its rules (`core.geometry_json`), operators (`core.query_geo`). The one idea:
a place is a unit vector, an edge the shorter great-circle arc between two of them (never a line in
longitude and latitude), and every question comes down to the sign of a triple product.
The radius is MongoDB's, so distances equal the server's to the last digits.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import field
from itertools import pairwise
from typing import Final, TypeAlias

from emulator.core.records import dataclass

EARTH_RADIUS_M: Final = 6_378_100.0
TOUCHING_RAD: Final = 1e-12
"""Places nearer than this are the same; six micrometres on the Earth."""
_ROUNDING: Final = 1e-16
"""Triple products nearer to zero than this are the noise of rounding."""

Vector: TypeAlias = tuple[float, float, float]
Ring: TypeAlias = Sequence[Vector]
"""The corners of a closed line, the first not repeated at the end, the inside to the left."""


def vector(longitude: float, latitude: float) -> Vector:
    """Return the unit vector of a place given in degrees."""
    lng, lat = math.radians(longitude), math.radians(latitude)
    return (math.cos(lat) * math.cos(lng), math.cos(lat) * math.sin(lng), math.sin(lat))


def dot(a: Vector, b: Vector) -> float:
    """Return the cosine of the angle between two unit vectors."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def cross(a: Vector, b: Vector) -> Vector:
    """Return the vector that stands on both."""
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def turn(a: Vector, b: Vector, c: Vector) -> float:
    """Return a positive number where `c` lies to the left of the way from `a` to `b`."""
    return dot(cross(a, b), c)


def angle(a: Vector, b: Vector) -> float:
    """Return the angle between two places in radians, exact for the smallest and the largest."""
    return math.atan2(math.hypot(*cross(a, b)), dot(a, b))


def _scaled(a: Vector, length: float = 1.0) -> Vector:
    factor = length / math.hypot(*a)
    return (a[0] * factor, a[1] * factor, a[2] * factor)


def _between(a: Vector, b: Vector, share: float) -> Vector:
    rest = 1.0 - share
    return _scaled(
        (a[0] * rest + b[0] * share, a[1] * rest + b[1] * share, a[2] * rest + b[2] * share)
    )


# --- arcs ----------------------------------------------------------------------------------------


def arcs_cross(a: Vector, b: Vector, c: Vector, d: Vector) -> bool:
    """Tell whether two arcs cross at a place inside both."""
    if a in (c, d) or b in (c, d):
        return False
    ab, cd = cross(a, b), cross(c, d)
    sides = (-dot(ab, c), dot(ab, d), -dot(cd, b), dot(cd, a))
    return min(sides) > _ROUNDING or max(sides) < -_ROUNDING


def arc_distance(place: Vector, a: Vector, b: Vector) -> float:
    """Return the angle between a place and the nearest place of an arc, in radians."""
    normal = cross(a, b)
    if dot(cross(normal, a), place) > 0 and dot(cross(b, normal), place) > 0:
        return math.atan2(abs(dot(normal, place)), math.hypot(*cross(normal, place)))
    return min(angle(place, a), angle(place, b))


def arcs_meet(a: Vector, b: Vector, c: Vector, d: Vector) -> bool:
    """Tell whether two arcs have a place in common, ends included."""
    if arcs_cross(a, b, c, d):
        return True
    return (
        min(arc_distance(a, c, d), arc_distance(b, c, d)) <= TOUCHING_RAD
        or min(arc_distance(c, a, b), arc_distance(d, a, b)) <= TOUCHING_RAD
    )


def edges(ring: Ring) -> Iterator[tuple[Vector, Vector]]:
    """Yield the edges of a ring, the closing one last."""
    yield from pairwise(ring)
    yield ring[-1], ring[0]


# --- rings and polygons --------------------------------------------------------------------------


def left_area(ring: Ring) -> float:
    """Return the area to the left of a ring on the unit sphere: a full turn less its bends."""
    bends = 0.0
    corners = list(ring)
    for before, corner, after in zip(
        corners[-1:] + corners[:-1], corners, corners[1:] + corners[:1], strict=True
    ):
        way_in, way_out = cross(before, corner), cross(corner, after)
        bends += math.atan2(dot(cross(way_in, way_out), corner), dot(way_in, way_out))
    return 2 * math.pi - bends


def on_ring(place: Vector, ring: Ring) -> bool:
    """Tell whether a place lies on an edge."""
    return any(arc_distance(place, a, b) <= TOUCHING_RAD for a, b in edges(ring))


_SHARES: Final = (0.5, 0.4142135623, 0.2718281828, 0.7320508075)


def left_of_ring(place: Vector, ring: Ring) -> bool:
    """Tell whether a place that is not on the ring lies on the inside.

    The arc from the place to a point of an edge arrives there from the left or the right; each
    other edge it crosses on the way changes sides. Arcs that graze a corner decide nothing, so
    another point is taken.
    """
    best: tuple[float, bool] = (-1.0, False)
    for share in _SHARES:
        for a, b in edges(ring):
            clearance, inside = _seen_from(place, ring, (a, b), _between(a, b, share))
            if clearance > TOUCHING_RAD:
                return inside
            best = max(best, (clearance, inside))
    return best[1]


def _seen_from(
    place: Vector, ring: Ring, edge: tuple[Vector, Vector], target: Vector
) -> tuple[float, bool]:
    """Return how clearly the arc to a point of an edge passes the corners, and its verdict."""
    side = turn(*edge, place)
    way = cross(place, target)
    length = math.hypot(*way) or 1.0
    clearance = min(abs(side), min(abs(dot(way, corner)) for corner in ring) / length)
    crossings = sum(arcs_cross(place, target, c, d) for c, d in edges(ring) if (c, d) != edge)
    return clearance, (side > 0) != (crossings % 2 == 1)


@dataclass(frozen=True, slots=True)
class Polygon:
    """An outer ring and the rings of its holes, each with its own inside to the left."""

    outer: Ring
    holes: Sequence[Ring] = ()

    def rings(self) -> Iterator[Ring]:
        """Yield the outer ring and the holes."""
        yield self.outer
        yield from self.holes

    def touches(self, place: Vector) -> bool:
        """Tell whether a place lies on one of the rings."""
        return any(on_ring(place, ring) for ring in self.rings())

    def contains(self, place: Vector) -> bool:
        """Tell whether a place lies inside or on the edge, and in none of the holes."""
        if self.touches(place):
            return True
        return left_of_ring(place, self.outer) and not any(
            left_of_ring(place, hole) for hole in self.holes
        )

    def contains_line(self, line: Sequence[Vector]) -> bool:
        """Tell whether no part of a line is outside."""
        if not all(map(self.contains, line)):
            return False
        return all(
            self.contains(_between(a, b, 0.5))
            and not any(arcs_cross(a, b, c, d) for ring in self.rings() for c, d in edges(ring))
            for a, b in pairwise(line)
        )

    def contains_polygon(self, other: "Polygon") -> bool:
        """Tell whether no part of another polygon is outside."""
        if not self.contains_line([*other.outer, other.outer[0]]):
            return False
        return not any(
            other.contains(corner) and not other.touches(corner)
            for hole in self.holes
            for corner in hole
        )

    def distance(self, place: Vector) -> float:
        """Return the angle to the nearest place of the polygon."""
        if self.contains(place):
            return 0.0
        return min(arc_distance(place, a, b) for ring in self.rings() for a, b in edges(ring))


@dataclass(frozen=True, slots=True)
class Shape:
    """Any geometry: the points, lines and polygons it is made of."""

    points: Sequence[Vector] = field(default_factory=list)
    lines: Sequence[Sequence[Vector]] = field(default_factory=list)
    polygons: Sequence[Polygon] = field(default_factory=list)

    def distance_m(self, place: Vector) -> float:
        """Return the metres from a place to the nearest place of the shape."""
        return EARTH_RADIUS_M * min(self._distances(place))

    def _distances(self, place: Vector) -> Iterator[float]:
        yield from (angle(place, point) for point in self.points)
        yield from (arc_distance(place, a, b) for line in self.lines for a, b in pairwise(line))
        yield from (polygon.distance(place) for polygon in self.polygons)

    def within(self, polygons: Sequence[Polygon]) -> bool:
        """Tell whether each part lies wholly inside one of the polygons."""
        return (
            all(any(region.contains(point) for region in polygons) for point in self.points)
            and all(any(region.contains_line(line) for region in polygons) for line in self.lines)
            and all(
                any(region.contains_polygon(inner) for region in polygons)
                for inner in self.polygons
            )
        )

    def within_cap(self, center: Vector, radius_rad: float) -> bool:
        """Tell whether every place of the shape is no farther than an angle from the centre."""
        return all(angle(center, place) <= radius_rad for place in self.corners())

    def corners(self) -> Iterator[Vector]:
        """Yield every point and every corner."""
        yield from self.points
        yield from (corner for line in self.lines for corner in line)
        yield from (corner for polygon in self.polygons for corner in polygon.outer)

    def intersects(self, other: "Shape") -> bool:
        """Tell whether the shapes have a place in common; touching counts."""
        return (
            any(other.covers(point) for point in self.points)
            or any(self.covers(point) for point in other.points)
            or self._borders_meet(other)
            or any(other.covers(corner) for corner in self._starts())
            or any(self.covers(corner) for corner in other._starts())
        )

    def covers(self, place: Vector) -> bool:
        """Tell whether a place belongs to the shape."""
        return (
            any(angle(place, point) <= TOUCHING_RAD for point in self.points)
            or any(
                arc_distance(place, a, b) <= TOUCHING_RAD
                for line in self.lines
                for a, b in pairwise(line)
            )
            or any(polygon.contains(place) for polygon in self.polygons)
        )

    def _starts(self) -> Iterator[Vector]:
        """Yield one place of each line and polygon; where no borders meet, one speaks for all."""
        yield from (line[0] for line in self.lines)
        yield from (polygon.outer[0] for polygon in self.polygons)

    def _borders(self) -> Iterator[tuple[Vector, Vector]]:
        yield from (arc for line in self.lines for arc in pairwise(line))
        yield from (
            arc for polygon in self.polygons for ring in polygon.rings() for arc in edges(ring)
        )

    def _borders_meet(self, other: "Shape") -> bool:
        theirs = list(other._borders())
        return any(arcs_meet(a, b, c, d) for a, b in self._borders() for c, d in theirs)
