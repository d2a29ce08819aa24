"""Owns `$geoNear`: documents by their distance from a place.

Not here: distances (`core.query_geo`). The one idea: the stage is a `$near` filter on the indexed
field, sorted by what it measures, with the measure written into each document.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from emulator.core.aggregate.fields import set_path
from emulator.core.aggregate.nodes import Variables, is_true, refusal, wrong_type
from emulator.core.aggregate.numbers import is_number, is_whole_number
from emulator.core.aggregate.sorting import sorted_in_steps
from emulator.core.aggregate.stage_nodes import (
    BoundFilter,
    Building,
    Slices,
    Stage,
    StageBuilder,
    bind_filter,
    read_options,
    slices,
)
from emulator.core.aggregate.variables import parse_path
from emulator.core.geometry_json import read_pair
from emulator.core.paths import Parts, visit
from emulator.core.query import compile_filter
from emulator.core.query_nodes import Distance
from emulator.core.records import dataclass
from emulator.core.values import MISSING, Document, Filter, Value

_OPTIONS: Final = (
    "near", "distanceField", "spherical", "query", "distanceMultiplier", "includeLocs", "key",
    "minDistance", "maxDistance", "limit", "num", "uniqueDocs",
)  # fmt: skip
_NO_INDEX: Final = 291
PLANE_MAX: Final = 180


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _GeoNear:
    """A `$geoNear` as compiled."""

    path: Parts
    distance: Distance
    least: float
    most: float
    filter: BoundFilter
    into: Parts
    place_into: Parts | None
    multiplier: float
    limit: int | None

    def measured(self, document: Document) -> tuple[float, Value] | None:
        """Return the distance of the nearest place and that place, None without one."""
        best: tuple[float, Value] | None = None
        for value, _ in visit(document, self.path):
            distance = self.distance.distance_m(value)
            if distance is None or not self.least <= distance <= self.most:
                continue
            if best is None or distance < best[0]:
                best = (distance, value)
        return best

    def run(self, incoming: Slices, variables: Variables) -> Slices:
        """Measure and sort."""
        distances: list[float] = []
        found: list[Document] = []
        for chunk in incoming:
            for document in self.filter.select(chunk, variables):
                measured = self.measured(document)
                if measured is not None:
                    distances.append(measured[0])
                    found.append(document)
            yield []
        order = yield from sorted_in_steps(range(len(found)), distances.__getitem__)
        yield from slices(self._written(found[place]) for place in order[: self.limit])

    def _written(self, document: Document) -> Document:
        """Return a document with its distance, measured again: most are never asked for."""
        measured = self.measured(document)
        assert measured is not None, "only measured documents were sorted"
        distance, place = measured
        document = set_path(document, self.into, distance * self.multiplier)
        return document if self.place_into is None else set_path(document, self.place_into, place)


def _geo_near(name: str, operand: Value, building: Building) -> Stage:
    if building.place or building.above:
        raise refusal("$geoNear is only valid as the first stage in a pipeline.", 40602)
    if type(operand) is not dict:
        raise refusal("the $geoNear stage specification must be an object", 10065)
    options = read_options(name, operand, _OPTIONS, 40604)
    path = _indexed_path(options, building.environment.geo_indexes)
    kind = building.environment.geo_indexes.get(path, "2dsphere")
    is_sphere = is_true(options.get("spherical", MISSING)) or kind == "2dsphere"
    query = options.get("query", {})
    if type(query) is not dict:
        raise wrong_type("'query' must be an object, but found type: {type}", 14, query)
    compiled = _GeoNear(
        path=parse_path(path),
        distance=_distance(path, options, is_sphere=is_sphere),
        least=_limit_of("minDistance", options, 0.0),
        most=_limit_of("maxDistance", options, math.inf),
        filter=bind_filter(query, building.scope),
        into=_path(options, "distanceField", 16606),
        place_into=_path(options, "includeLocs", 16607) if "includeLocs" in options else None,
        multiplier=_multiplier(options),
        limit=_limit(options),
    )
    return Stage(run=compiled.run)


def _limit_of(name: str, options: Mapping[str, Value], default: float) -> float:
    limit = options.get(name, default)
    if not is_number(limit) or math.isnan(limit) or float(limit) < 0:
        raise refusal(f"{name} must be a non-negative number", 2)
    return float(limit)


def _check_plane(near: Value) -> None:
    """Raise the refusal of a pair outside a plain index, whose limits are those of the Earth."""
    for coordinate in read_pair(near):
        if not -PLANE_MAX <= coordinate <= PLANE_MAX:
            raise refusal(
                f"point not in interval of [ -{PLANE_MAX}, {PLANE_MAX} ]: {near!r:.80}", 16433
            )


def _distance(path: str, options: Mapping[str, Value], *, is_sphere: bool) -> Distance:
    """Return what measures, found by asking the filter language for it."""
    near = options.get("near", MISSING)
    if near is MISSING:
        raise refusal("$geoNear requires a 'near' argument", 5860400)
    condition: Filter
    if type(near) is dict and "coordinates" in near:
        condition = {"$nearSphere": {"$geometry": near}}
    elif type(near) not in (dict, list):
        raise wrong_type("'near' must be a GeoJSON point or a pair, not {type}", 5860401, near)
    elif is_sphere:
        condition = {"$nearSphere": near}
    else:
        _check_plane(near)
        condition = {"$near": near}
    compiled = compile_filter({path: condition}).near
    assert compiled is not None
    return compiled.distance


def _indexed_path(options: Mapping[str, Value], indexes: Mapping[str, str]) -> str:
    key: Value = options.get("key", MISSING)
    if key is not MISSING:
        if type(key) is not str:
            raise wrong_type(
                "$geoNear parameter 'key' must be of type string but found {type}", 14, key
            )
        if not key:
            raise refusal("$geoNear parameter 'key' cannot be the empty string", 2)
        parse_path(key)
        if key not in indexes:
            raise refusal("unable to find index for $geoNear query", _NO_INDEX)
        return key
    if not indexes:
        raise refusal(
            "$geoNear requires a 2d or 2dsphere index, but none were found",
            27,
            hint="create a 2dsphere index on the field of the place",
        )
    return _only(indexes)


def _only(indexes: Mapping[str, str]) -> str:
    for kind in ("2d", "2dsphere"):
        paths: Sequence[str] = [path for path, each in indexes.items() if each == kind]
        if len(paths) > 1:
            raise refusal(
                f"There is more than one {kind} index on the collection; unsure which to use for"
                " $geoNear",
                27,
                hint="name the field as 'key'",
            )
        if paths:
            return paths[0]
    raise refusal("$geoNear requires a 2d or 2dsphere index, but none were found", 27)


def _path(options: Mapping[str, Value], name: str, code: int) -> Parts:
    given: Value = options.get(name, MISSING)
    if type(given) is not str:
        raise refusal(f"$geoNear requires that '{name}' is given as a string", code)
    return parse_path(given)


def _multiplier(options: Mapping[str, Value]) -> float:
    given = options.get("distanceMultiplier", 1)
    if not is_number(given) or not given >= 0:
        raise refusal("distanceMultiplier must be a non-negative number", 2)
    return float(given)


def _limit(options: Mapping[str, Value]) -> int | None:
    given: Value = options.get("limit", options.get("num", MISSING))
    if given is MISSING:
        return None
    if not is_whole_number(given) or given < 0:
        raise refusal("$geoNear's limit must be a non-negative number", 2)
    return int(given)


GEO: Final[Mapping[str, StageBuilder]] = {"$geoNear": _geo_near}
