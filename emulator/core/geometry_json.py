"""Owns GeoJSON and legacy coordinate pairs: what is valid, and the shape it describes.

Not here: the geometry itself (`core.geometry`). The one idea: one reader raises on the first fault;
whoever looks at stored documents asks for None instead.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from itertools import combinations
from typing import Final, TypeAlias

from emulator.core.errors import DatabaseRequestFailed
from emulator.core.geometry import (
    Polygon,
    Ring,
    Shape,
    Vector,
    arcs_cross,
    edges,
    left_area,
    on_ring,
    vector,
)
from emulator.core.values import Int64, Value
from emulator.core.wording import shown

LONGITUDE_MAX: Final = 180.0
LATITUDE_MAX: Final = 90.0
STRICT_WINDING: Final = "urn:x-mongodb:crs:strictwinding:EPSG:4326"
_SYSTEMS: Final = frozenset({"urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4326", STRICT_WINDING})
_NUMBERS: Final = frozenset({int, Int64, float, Decimal})

Pair: TypeAlias = tuple[float, float]


def read_shape(value: Value) -> Shape:
    """Return the shape of a GeoJSON object.

    Raises:
        DatabaseRequestFailed: it is no valid GeoJSON (2).
    """
    if type(value) is not dict:
        raise _refusal("geometry must be an object", value)
    kind = value.get("type")
    if type(kind) is str and kind == "GeometryCollection":
        return _collection(value)
    read = _READERS.get(kind) if type(kind) is str else None
    if read is None:
        raise _refusal(f"unknown GeoJSON type {kind!r:.40}", value)
    return read(value.get("coordinates"), _is_strict(value))


def stored_shape(value: Value) -> Shape | None:
    """Return the shape of a stored value, GeoJSON or a legacy pair, None where it is neither."""
    if type(value) is dict and "type" in value:
        try:
            return read_shape(value)
        except DatabaseRequestFailed:
            return None
    pair = stored_pair(value)
    if pair is None or not _in_range(pair):
        return None
    return Shape(points=[vector(*pair)])


def stored_pair(value: Value) -> Pair | None:
    """Return the coordinates of a stored point, GeoJSON or legacy, None for everything else."""
    if type(value) is dict and value.get("type") == "Point":
        return stored_pair(value.get("coordinates"))
    numbers = list(value.values()) if type(value) is dict else value
    if type(numbers) is not list or len(numbers) < 2 or not _are_numbers(numbers[:2]):
        return None
    return float(numbers[0]), float(numbers[1])


def read_pair(value: Value) -> Pair:
    """Return the coordinates of a legacy pair in a query.

    Raises:
        DatabaseRequestFailed: it is none (2).
    """
    pair = stored_pair(value)
    if pair is None or not all(map(math.isfinite, pair)):
        raise _refusal("Point must be an array or object of two numbers", value)
    return pair


def read_place(value: Value) -> Vector:
    """Return the place of a position: an array of longitude and latitude.

    Raises:
        DatabaseRequestFailed: it is none, or out of range (2).
    """
    value = list(value.values())[:2] if type(value) is dict else value
    if type(value) is not list or len(value) < 2 or not _are_numbers(value):
        raise _refusal("Point must only contain numeric elements, at least two", value)
    pair = float(value[0]), float(value[1])
    if not _in_range(pair):
        raise _refusal(f"Longitude/latitude is out of bounds, lng: {pair[0]} lat: {pair[1]}", value)
    return vector(*pair)


def _refusal(reason: str, value: Value) -> DatabaseRequestFailed:
    return DatabaseRequestFailed(f"{reason}: {shown(value, 120)}")


def _are_numbers(values: Sequence[Value]) -> bool:
    return all(type(value) in _NUMBERS for value in values)


def _in_range(pair: Pair) -> bool:
    return abs(pair[0]) <= LONGITUDE_MAX and abs(pair[1]) <= LATITUDE_MAX


def _is_strict(value: Mapping[str, Value]) -> bool:
    """Tell whether the rings' direction says where the inside is."""
    system = value.get("crs")
    if system is None:
        return False
    properties = system.get("properties") if type(system) is dict else None
    name = properties.get("name") if type(properties) is dict else None
    if name not in _SYSTEMS:
        raise _refusal("unknown CRS name", system)
    return bool(name == STRICT_WINDING)


def _point(coordinates: Value, _strict: bool) -> Shape:  # noqa: FBT001  # a row of the table
    return Shape(points=[read_place(coordinates)])


def _multi_point(coordinates: Value, _strict: bool) -> Shape:  # noqa: FBT001  # a row of the table
    return Shape(points=_several(coordinates, read_place))


def _line_string(coordinates: Value, _strict: bool) -> Shape:  # noqa: FBT001  # a row of the table
    return Shape(lines=[_line(coordinates)])


def _multi_line(coordinates: Value, _strict: bool) -> Shape:  # noqa: FBT001  # a row of the table
    return Shape(lines=_several(coordinates, _line))


def _polygon_shape(coordinates: Value, strict: bool) -> Shape:  # noqa: FBT001  # a row of the table
    return Shape(polygons=[_polygon(coordinates, strict=strict)])


def _multi_polygon(coordinates: Value, strict: bool) -> Shape:  # noqa: FBT001  # a row of the table
    return Shape(polygons=_several(coordinates, lambda item: _polygon(item, strict=strict)))


def _several(coordinates: Value, read: Callable[[Value], Value]) -> list[Value]:
    if type(coordinates) is not list or not coordinates:
        raise _refusal("coordinates must be a nonempty array", coordinates)
    return list(map(read, coordinates))


def _line(coordinates: Value) -> list[Vector]:
    places = _several(coordinates, read_place)
    distinct = [
        place for before, place in zip([None, *places], places, strict=False) if place != before
    ]
    if len(distinct) < 2:
        raise _refusal("a line needs at least two different points", coordinates)
    return distinct


def _polygon(coordinates: Value, *, strict: bool) -> Polygon:
    if type(coordinates) is not list or not coordinates:
        raise _refusal("Polygon coordinates must be an array of rings", coordinates)
    rings = [_ring(item, strict=strict) for item in coordinates]
    outer, holes = rings[0], rings[1:]
    polygon = Polygon(outer, holes)
    for hole in holes:
        inside = Polygon(outer)
        if not all(map(inside.contains, hole)) or all(on_ring(place, outer) for place in hole):
            raise _refusal("a hole must lie inside the first ring", coordinates)
    for first, second in combinations(rings, 2):
        if any(arcs_cross(*one, *two) for one in edges(first) for two in edges(second)):
            raise _refusal("the rings of a polygon must not cross", coordinates)
    return polygon


def _ring(coordinates: Value, *, strict: bool) -> Ring:
    places = _several(coordinates, read_place)
    if coordinates[0][:2] != coordinates[-1][:2]:
        raise _refusal("Loop is not closed", coordinates)
    corners = [
        place for before, place in zip([None, *places], places, strict=False) if place != before
    ]
    corners = corners[:-1]
    if len(places) < 4 or len(corners) < 3:
        raise _refusal("Loop must have at least 3 different vertices", coordinates)
    if len(set(corners)) != len(corners):
        raise _refusal("Loop is not valid: duplicate vertices", coordinates)
    if any(arcs_cross(*one, *two) for one, two in combinations(edges(corners), 2)):
        raise _refusal("Loop is not valid: edges cross", coordinates)
    if not strict and left_area(corners) > 2 * math.pi:
        corners.reverse()
    return corners


def _collection(value: Mapping[str, Value]) -> Shape:
    members = value.get("geometries")
    if type(members) is not list or not members:
        raise _refusal("GeometryCollection geometries must be a nonempty array", value)
    shapes = list(map(read_shape, members))
    return Shape(
        points=[point for shape in shapes for point in shape.points],
        lines=[line for shape in shapes for line in shape.lines],
        polygons=[polygon for shape in shapes for polygon in shape.polygons],
    )


_READERS: Final[Mapping[str, Callable[[Value, bool], Shape]]] = {
    "Point": _point,
    "MultiPoint": _multi_point,
    "LineString": _line_string,
    "MultiLineString": _multi_line,
    "Polygon": _polygon_shape,
    "MultiPolygon": _multi_polygon,
}
