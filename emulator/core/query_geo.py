"""Owns the operators on places: `$near`, `$nearSphere`, `$geoWithin`, `$geoIntersects`.

Not here: geometry (`core.geometry`) and sorting by distance (the database asks `Near`). The one
idea: an operator reads its shape once and becomes a check of one stored value; GeoJSON is measured
on the sphere in metres, legacy pairs in radians (`$nearSphere`) or on the plane (`$near`).
"""

import math
from collections.abc import Callable, Mapping
from typing import Final, Literal

from emulator.core.errors import DatabaseRequestFailed
from emulator.core.geometry import EARTH_RADIUS_M, Shape, Vector, vector
from emulator.core.geometry_json import (
    Pair,
    read_pair,
    read_place,
    read_shape,
    stored_pair,
    stored_shape,
)
from emulator.core.paths import ValueTest
from emulator.core.query_nodes import Check, Parsing
from emulator.core.query_operators import ALWAYS, FieldOperator, is_number
from emulator.core.records import dataclass
from emulator.core.values import MISSING, Filter, Value
from emulator.core.wording import shown

Unit = Literal["metres", "radians", "plane"]

_DISTANCES: Final = ("$minDistance", "$maxDistance")
_INDEX_KINDS: Final[Mapping[Unit, tuple[str, ...]]] = {
    "metres": ("2dsphere",),
    "radians": ("2dsphere", "2d"),
    "plane": ("2d",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceDistance:
    """The distance from one place, where it is within the given limits."""

    pair: Pair
    place: Vector
    unit: Unit
    least: float
    most: float

    @property
    def index_kinds(self) -> tuple[str, ...]:
        """The kinds of geo index that can serve it: a flat one knows no metres."""
        return _INDEX_KINDS[self.unit]

    def distance_m(self, value: Value) -> float | None:
        """Return the distance of a stored value in the unit, None outside the limits."""
        distance = self._distance(value)
        if distance is None or not self.least <= distance <= self.most:
            return None
        return distance

    def _distance(self, value: Value) -> float | None:
        if self.unit == "plane":
            pair = stored_pair(value)
            return None if pair is None else math.dist(pair, self.pair)
        shape = stored_shape(value)
        if shape is None:
            return None
        metres = shape.distance_m(self.place)
        return metres if self.unit == "metres" else metres / EARTH_RADIUS_M


def _near(name: str, legacy_unit: Unit) -> FieldOperator:
    def build(operand: Value, siblings: Filter, parsing: Parsing) -> Check:
        if parsing.in_element:
            raise DatabaseRequestFailed(f"{name} cannot be used inside $elemMatch")
        others = set(siblings) - {name, *_DISTANCES}
        if others:
            raise DatabaseRequestFailed(
                f"{name} cannot be combined with {min(others)} on one field", mongo_code=34413
            )
        distance = _distance(name, operand, siblings, legacy_unit)
        return Check(holds=lambda value: distance.distance_m(value) is not None, distance=distance)

    return build


def _distance(name: str, operand: Value, siblings: Filter, legacy_unit: Unit) -> PlaceDistance:
    if type(operand) is dict and "$geometry" in operand:
        return _geo_json_distance(name, operand)
    if type(operand) is dict and any(key[:1] == "$" for key in operand):
        raise DatabaseRequestFailed(f"{name} requires a point, given {shown(operand, 120)}")
    least, most = (_legacy_limit(siblings, key) for key in _DISTANCES)
    pair = read_pair(operand)
    return PlaceDistance(
        pair=pair,
        place=vector(*pair),
        unit=legacy_unit,
        least=least or 0.0,
        most=math.inf if most is None else most,
    )


def _geo_json_distance(name: str, operand: Mapping[str, Value]) -> PlaceDistance:
    unknown = set(operand) - {"$geometry", *_DISTANCES}
    if unknown:
        raise DatabaseRequestFailed(f"invalid argument in geo near query: {min(unknown)}")
    geometry = operand["$geometry"]
    shape = read_shape({"type": "Point", **geometry} if type(geometry) is dict else geometry)
    if geometry.get("type", "Point") != "Point":
        raise DatabaseRequestFailed(f"{name} requires a point, given {shown(geometry, 120)}")
    least, most = (_limit(operand, key) for key in _DISTANCES)
    return PlaceDistance(
        pair=read_pair(geometry["coordinates"]),
        place=shape.points[0],
        unit="metres",
        least=least or 0.0,
        most=math.inf if most is None else most,
    )


def _limit(operand: Mapping[str, Value], key: str) -> float | None:
    limit: Value = operand.get(key, MISSING)
    if limit is MISSING:
        return None
    if not is_number(limit) or not math.isfinite(limit):
        raise DatabaseRequestFailed(f"{key} must be a number, not {shown(limit)}")
    if limit < 0:
        raise DatabaseRequestFailed(f"{key} must be non-negative")
    return float(limit)


_LIMIT_CODES: Final = {"$minDistance": (16893, 16894), "$maxDistance": (16895, 16896)}


def _legacy_limit(siblings: Filter, key: str) -> float | None:
    limit: Value = siblings.get(key, MISSING)
    if limit is MISSING:
        return None
    not_number, out_of_range = _LIMIT_CODES[key]
    if not is_number(limit):
        raise DatabaseRequestFailed(f"{key} must be a number", mongo_code=not_number)
    if not 0 <= limit < math.inf:
        raise DatabaseRequestFailed(f"{key} must be non-negative", mongo_code=out_of_range)
    return float(limit)


def _companion(name: str) -> FieldOperator:
    def build(_operand: Value, siblings: Filter, _parsing: Parsing) -> Check:
        if "$near" not in siblings and "$nearSphere" not in siblings:
            raise DatabaseRequestFailed(f"{name} needs a $near or $nearSphere beside it")
        return ALWAYS

    return build


# --- within --------------------------------------------------------------------------------------


def _geo_within(operand: Value, _siblings: Filter, _parsing: Parsing) -> Check:
    if type(operand) is not dict or not operand:
        raise DatabaseRequestFailed("geometry must be an object")
    name, region = next(iter(operand.items()))
    build = _REGIONS.get(name)
    if build is None:
        raise DatabaseRequestFailed(f"unknown geo specifier: {name}: {shown(region)}")
    if len(operand) > 1:
        raise DatabaseRequestFailed(f"unknown geo specifier: {list(operand)[1]}")
    return Check(holds=build(region))


def _within_geometry(region: Value) -> ValueTest:
    shape = read_shape(region)
    if not shape.polygons or shape.points or shape.lines:
        raise DatabaseRequestFailed("$geoWithin not supported with provided geometry")
    return _of_shape(lambda stored: stored.within(shape.polygons))


def _of_shape(test: Callable[[Shape], bool]) -> ValueTest:
    def holds(value: Value) -> bool:
        shape = stored_shape(value)
        return shape is not None and test(shape)

    return holds


def _of_pair(test: Callable[[float, float], bool]) -> ValueTest:
    def holds(value: Value) -> bool:
        pair = stored_pair(value)
        return pair is not None and test(*pair)

    return holds


def _circle(region: Value) -> tuple[Value, float]:
    if type(region) is not list or len(region) != 2:
        raise DatabaseRequestFailed(f"a circle is [center, radius], not {shown(region)}")
    center, radius = region
    if not is_number(radius) or not radius >= 0:
        raise DatabaseRequestFailed("radius must be a non-negative number")
    return center, float(radius)


def _within_center_sphere(region: Value) -> ValueTest:
    center, radius = _circle(region)
    place = read_place(list(read_pair(center)))
    return _of_shape(lambda stored: stored.within_cap(place, radius))


def _within_center(region: Value) -> ValueTest:
    center, radius = _circle(region)
    pair = read_pair(center)
    return _of_pair(lambda x, y: math.dist(pair, (x, y)) <= radius)


def _within_box(region: Value) -> ValueTest:
    if type(region) is not list or len(region) != 2:
        raise DatabaseRequestFailed(f"a box is [corner, corner], not {shown(region)}")
    (x1, y1), (x2, y2) = map(read_pair, region)
    left, right, low, high = min(x1, x2), max(x1, x2), min(y1, y2), max(y1, y2)
    return _of_pair(lambda x, y: left <= x <= right and low <= y <= high)


def _within_polygon(region: Value) -> ValueTest:
    corners = list(region.values()) if type(region) is dict else region
    if type(corners) is not list or len(corners) < 3:
        raise DatabaseRequestFailed("Polygon must have at least 3 points")
    pairs = list(map(read_pair, corners))
    return _of_pair(lambda x, y: _in_plane_polygon(x, y, pairs))


def _in_plane_polygon(x: float, y: float, corners: list[Pair]) -> bool:
    inside = False
    for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1], strict=True):
        across = (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1)
        if across == 0 and min(x1, x2) <= x <= max(x1, x2) and min(y1, y2) <= y <= max(y1, y2):
            return True
        if (y1 > y) != (y2 > y) and (across > 0) == (y2 > y1):
            inside = not inside
    return inside


_REGIONS: Final[Mapping[str, Callable[[Value], ValueTest]]] = {
    "$geometry": _within_geometry,
    "$centerSphere": _within_center_sphere,
    "$center": _within_center,
    "$box": _within_box,
    "$polygon": _within_polygon,
}


def _geo_intersects(operand: Value, _siblings: Filter, _parsing: Parsing) -> Check:
    if type(operand) is not dict or list(operand) != ["$geometry"]:
        raise DatabaseRequestFailed(f"$geoIntersects needs a $geometry, not {shown(operand)}")
    geometry = operand["$geometry"]
    is_legacy = "type" not in geometry if type(geometry) is dict else type(geometry) is list
    shape = Shape(points=[read_place(geometry)]) if is_legacy else read_shape(geometry)
    return Check(holds=_of_shape(shape.intersects))


GEO_OPERATORS: Final[Mapping[str, FieldOperator]] = {
    "$near": _near("$near", "plane"),
    "$nearSphere": _near("$nearSphere", "radians"),
    "$minDistance": _companion("$minDistance"),
    "$maxDistance": _companion("$maxDistance"),
    "$geoWithin": _geo_within,
    "$within": _geo_within,
    "$geoIntersects": _geo_intersects,
}
