"""Owns the shapes of `db.Geo`: GeoJSON with the JavaScript SDK's constructors and attributes.

Not here: geometry (`core.geometry`). The one idea: a shape is its GeoJSON object, so it is JSON as
it stands, and points come out of its coordinates when they are asked for.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final, Self

from emulator.cloud.errors import CloudError
from emulator.core.values import Value

LATITUDE_MAX: Final = 90
LONGITUDE_MAX: Final = 180


class Shape(dict[str, Value]):
    """A GeoJSON object; `depth` is how deep its positions lie in the coordinates."""

    __slots__ = ()
    kind: ClassVar[str]
    depth: ClassVar[int]

    def __init__(self, parts: "Sequence[Shape] | Mapping[str, Value]") -> None:
        super().__init__(type=self.kind, coordinates=_coordinates(self.kind, parts))

    @classmethod
    def at(cls, coordinates: Value) -> Self:
        """Return the shape of coordinates that are known to fit."""
        shape = cls.__new__(cls)
        shape["type"] = cls.kind
        shape["coordinates"] = coordinates
        return shape

    def to_json(self) -> dict[str, Value]:
        """Return the plain GeoJSON object."""
        return {"type": self.kind, "coordinates": self["coordinates"]}

    toJSON = to_json  # noqa: N815  # the JavaScript SDK's name for it


class Point(Shape):
    """A position: longitude first."""

    __slots__ = ()
    kind = "Point"
    depth = 0

    def __init__(self, longitude: float | Mapping[str, Value], latitude: float = 0) -> None:
        if isinstance(longitude, Mapping):
            longitude, latitude = _coordinates(self.kind, longitude)
        _require_degrees("longitude", longitude, LONGITUDE_MAX)
        _require_degrees("latitude", latitude, LATITUDE_MAX)
        dict.__init__(self, type=self.kind, coordinates=[longitude, latitude])

    @property
    def longitude(self) -> float:
        """Return degrees east of Greenwich."""
        return self["coordinates"][0]  # type: ignore[no-any-return]  # checked when it was made

    @property
    def latitude(self) -> float:
        """Return degrees north of the equator."""
        return self["coordinates"][1]  # type: ignore[no-any-return]  # checked when it was made


class MultiPoint(Shape):
    """Several positions."""

    __slots__ = ()
    kind = "MultiPoint"
    depth = 1

    @property
    def points(self) -> list[Point]:
        """Return the positions."""
        return [Point.at(each) for each in self["coordinates"]]


class LineString(MultiPoint):
    """Positions one after the other, two at least."""

    __slots__ = ()
    kind = "LineString"


class MultiLineString(Shape):
    """Several lines."""

    __slots__ = ()
    kind = "MultiLineString"
    depth = 2

    @property
    def lines(self) -> list[LineString]:
        """Return the lines."""
        return [LineString.at(each) for each in self["coordinates"]]


class Polygon(MultiLineString):
    """Closed lines: the outline first, then holes."""

    __slots__ = ()
    kind = "Polygon"


class MultiPolygon(Shape):
    """Several polygons."""

    __slots__ = ()
    kind = "MultiPolygon"
    depth = 3

    @property
    def polygons(self) -> list[Polygon]:
        """Return the polygons."""
        return [Polygon.at(each) for each in self["coordinates"]]


SHAPES: Final[Mapping[str, type[Shape]]] = {
    each.kind: each
    for each in (Point, MultiPoint, LineString, MultiLineString, Polygon, MultiPolygon)
}


class Geo:
    """The namespace `db.Geo`."""

    Point = Point
    MultiPoint = MultiPoint
    LineString = LineString
    MultiLineString = MultiLineString
    Polygon = Polygon
    MultiPolygon = MultiPolygon


def shape_of(value: Mapping[str, Value]) -> Shape | None:
    """Return the shape a GeoJSON object stands for, None for any other object."""
    kind = value["type"]
    shape = SHAPES.get(kind) if type(kind) is str else None
    if shape is None or not _fits(value["coordinates"], shape.depth):
        return None
    return shape.at(value["coordinates"])


def _coordinates(kind: str, parts: Value) -> Value:
    if isinstance(parts, Mapping):
        parts = parts.get("coordinates")
    elif isinstance(parts, Sequence):
        parts = [each["coordinates"] if isinstance(each, Shape) else each for each in parts]
    if not _fits(parts, SHAPES[kind].depth):
        raise CloudError(f"Geo.{kind} takes {_PARTS[kind]}")
    _require_whole(kind, parts)
    return parts


def _fits(coordinates: Value, depth: int) -> bool:
    if not isinstance(coordinates, list):
        return False
    if depth:
        return bool(coordinates) and all(_fits(each, depth - 1) for each in coordinates)
    return len(coordinates) >= 2 and all(_is_number(each) for each in coordinates)


def _require_whole(kind: str, coordinates: Value) -> None:
    if kind == "LineString" and len(coordinates) < 2:
        raise CloudError('Geo.LineString: "points" must contain 2 points at least')
    polygons = {"Polygon": [coordinates], "MultiPolygon": coordinates}.get(kind, ())
    for ring in (ring for polygon in polygons for ring in polygon):
        if ring[0] != ring[-1]:
            raise CloudError(f"Geo.{kind}: LineString {ring} is not a closed cycle")


_PARTS: Final[Mapping[str, str]] = {
    "Point": "a longitude and a latitude",
    "MultiPoint": "a list of points",
    "LineString": "a list of points",
    "MultiLineString": "a list of lines",
    "Polygon": "a list of closed lines",
    "MultiPolygon": "a list of polygons",
}


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _require_degrees(name: str, degrees: Value, limit: int) -> None:
    if not _is_number(degrees):
        raise CloudError(f"Geo Point must be number type: {name} is {type(degrees).__name__}")
    if abs(degrees) > limit:
        raise CloudError(f"{name} should be a number ranges from -{limit} to {limit}")
