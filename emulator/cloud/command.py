"""Owns `db.command`: conditions for `where()` and operators for `update()`.

Not here: how they are sent (`conditions`). The one idea: a command is a small record of an operator
and what it is applied to; the field it is about is known only where it is used. The names are those
of wx-server-sdk, snake_case or camelCase; `in`, `and`, `or`, `not` end in an underscore in Python.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from emulator.cloud.errors import CloudError
from emulator.cloud.expressions import Expressions
from emulator.cloud.geo import SHAPES
from emulator.cloud.naming import BothSpellings, snake_case
from emulator.core.records import dataclass
from emulator.core.values import Value


class Condition(BothSpellings):
    """What can be asked of a field; conditions are joined by calling one on the other."""

    __slots__ = ()

    def and_(self, *conditions: Value) -> "Logic":
        """Return the condition that this and the others hold."""
        return Logic("$and", (self, *_listed(conditions)))

    def or_(self, *conditions: Value) -> "Logic":
        """Return the condition that this or one of the others holds."""
        return Logic("$or", (self, *_listed(conditions)))

    def nor(self, *conditions: Value) -> "Logic":
        """Return the condition that neither this nor one of the others holds."""
        return Logic("$nor", (self, *_listed(conditions)))

    def eq(self, value: Value) -> "Logic":
        """Also ask for equality."""
        return self.and_(Comparison("$eq", value))

    def neq(self, value: Value) -> "Logic":
        """Also ask for inequality."""
        return self.and_(Comparison("$ne", value))

    def gt(self, value: Value) -> "Logic":
        """Also ask for more than the value."""
        return self.and_(Comparison("$gt", value))

    def gte(self, value: Value) -> "Logic":
        """Also ask for the value or more."""
        return self.and_(Comparison("$gte", value))

    def lt(self, value: Value) -> "Logic":
        """Also ask for less than the value."""
        return self.and_(Comparison("$lt", value))

    def lte(self, value: Value) -> "Logic":
        """Also ask for the value or less."""
        return self.and_(Comparison("$lte", value))

    def in_(self, values: Value) -> "Logic":
        """Also ask for one of the values."""
        return self.and_(Command.in_(values))

    def nin(self, values: Value) -> "Logic":
        """Also ask for none of the values."""
        return self.and_(Command.nin(values))


@dataclass(frozen=True, slots=True)
class Comparison(Condition):
    """One operator on one field."""

    operator: str
    operand: Value


@dataclass(frozen=True, slots=True)
class Logic(Condition):
    """Conditions joined by `$and`, `$or`, `$nor`, or one turned round by `$not`."""

    operator: str
    operands: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class UpdateOperator:
    """What becomes of one field."""

    operator: str
    operand: Value


class Projections(BothSpellings):
    """The namespace `db.command.project`: what `field()` takes for an array."""

    __slots__ = ()

    @staticmethod
    def slice(range_: Value) -> dict[str, Value]:
        """Return part of an array: how many items, or [skip, how many]."""
        return {"$slice": range_}

    @staticmethod
    def elem_match(condition: Value) -> dict[str, Value]:
        """Return the first item of an array that meets the condition."""
        return {"$elemMatch": condition}


class Command(BothSpellings):
    """The namespace `db.command`."""

    __slots__ = ()

    aggregate: Final = Expressions()
    project: Final = Projections()

    eq = staticmethod(partial(Comparison, "$eq"))
    neq = staticmethod(partial(Comparison, "$ne"))
    gt = staticmethod(partial(Comparison, "$gt"))
    gte = staticmethod(partial(Comparison, "$gte"))
    lt = staticmethod(partial(Comparison, "$lt"))
    lte = staticmethod(partial(Comparison, "$lte"))
    exists = staticmethod(partial(Comparison, "$exists"))
    size = staticmethod(partial(Comparison, "$size"))
    elem_match = staticmethod(partial(Comparison, "$elemMatch"))

    set = staticmethod(partial(UpdateOperator, "$set"))
    inc = staticmethod(partial(UpdateOperator, "$inc"))
    mul = staticmethod(partial(UpdateOperator, "$mul"))
    min = staticmethod(partial(UpdateOperator, "$min"))
    max = staticmethod(partial(UpdateOperator, "$max"))
    bit = staticmethod(partial(UpdateOperator, "$bit"))
    rename = staticmethod(partial(UpdateOperator, "$rename"))
    pull = staticmethod(partial(UpdateOperator, "$pull"))
    remove = staticmethod(partial(UpdateOperator, "$unset", ""))
    pop = staticmethod(partial(UpdateOperator, "$pop", 1))
    shift = staticmethod(partial(UpdateOperator, "$pop", -1))

    @staticmethod
    def in_(values: Value) -> Comparison:
        """Ask for one of the values."""
        return Comparison("$in", _list_of("in", values))

    @staticmethod
    def nin(values: Value) -> Comparison:
        """Ask for none of the values."""
        return Comparison("$nin", _list_of("nin", values))

    @staticmethod
    def all(values: Value) -> Comparison:
        """Ask for an array that holds every value."""
        return Comparison("$all", _list_of("all", values))

    @staticmethod
    def mod(divisor: Value, remainder: Value = None) -> Comparison:
        """Ask for a number by its remainder: `mod(4, 3)` or `mod([4, 3])`."""
        return Comparison("$mod", divisor if remainder is None else [divisor, remainder])

    @staticmethod
    def geo_near(options: Value = None, /, **named: Value) -> Comparison:
        """Ask for places by distance in metres: geometry, max_distance, min_distance."""
        given = _named("geoNear", options, named, ("geometry", "max_distance", "min_distance"))
        near = {"$geometry": _shape("geoNear", given, ("Point",))}
        for name, operator in (("max_distance", "$maxDistance"), ("min_distance", "$minDistance")):
            if name in given:
                near[operator] = given[name]
        return Comparison("$nearSphere", near)

    @staticmethod
    def geo_within(options: Value = None, /, **named: Value) -> Comparison:
        """Ask for places inside a geometry or a center_sphere of [[lng, lat], radians]."""
        given = _named("geoWithin", options, named, ("geometry", "center_sphere"))
        if "center_sphere" in given:
            return Comparison("$geoWithin", {"$centerSphere": _sphere(given["center_sphere"])})
        shape = _shape("geoWithin", given, ("Polygon", "MultiPolygon"))
        return Comparison("$geoWithin", {"$geometry": shape})

    @staticmethod
    def geo_intersects(options: Value = None, /, **named: Value) -> Comparison:
        """Ask for places that share a point with a geometry."""
        given = _named("geoIntersects", options, named, ("geometry",))
        shape = _shape("geoIntersects", given, tuple(SHAPES))
        return Comparison("$geoIntersects", {"$geometry": shape})

    @staticmethod
    def and_(*conditions: Value) -> Logic:
        """Return the condition that all of them hold; a list counts as its items."""
        return Logic("$and", _listed(conditions))

    @staticmethod
    def or_(*conditions: Value) -> Logic:
        """Return the condition that one of them holds; a list counts as its items."""
        return Logic("$or", _listed(conditions))

    @staticmethod
    def nor(*conditions: Value) -> Logic:
        """Return the condition that none of them holds; a list counts as its items."""
        return Logic("$nor", _listed(conditions))

    @staticmethod
    def not_(condition: Value) -> Logic:
        """Return the condition turned round."""
        return Logic("$not", _listed((condition,))[:1])

    @staticmethod
    def expr(expression: Value) -> dict[str, Value]:
        """Return the condition that an aggregation expression is true of the document."""
        return {"$expr": expression}

    @staticmethod
    def json_schema(schema: Value) -> dict[str, Value]:
        """Return the condition that the document fits a JSON schema."""
        return {"$jsonSchema": schema}

    @staticmethod
    def push(*items: Value, **modifiers: Value) -> UpdateOperator:
        """Append to an array: items, one list of them, or each, position, sort and slice."""
        options = modifiers or (items[0] if items else None)
        if isinstance(options, Mapping) and "each" in options:
            wanted = ((name, options.get(name)) for name in ("each", "position", "sort", "slice"))
            return UpdateOperator(
                "$push", {f"${name}": value for name, value in wanted if value is not None}
            )
        return UpdateOperator("$push", {"$each": list(_listed(items))})

    @staticmethod
    def unshift(*items: Value) -> UpdateOperator:
        """Put items in front of an array."""
        return UpdateOperator("$push", {"$each": list(_listed(items)), "$position": 0})

    @staticmethod
    def pull_all(values: Value) -> UpdateOperator:
        """Remove every item that equals one of the values."""
        return UpdateOperator("$pullAll", _list_of("pullAll", values))

    @staticmethod
    def add_to_set(value: Value = None, *, each: Value = None) -> UpdateOperator:
        """Append a value, or each of several, that the array lacks."""
        if each is not None:
            return UpdateOperator("$addToSet", {"$each": _list_of("addToSet", each)})
        return UpdateOperator("$addToSet", value)


def _listed(items: tuple[Value, ...]) -> tuple[Value, ...]:
    first = items[0] if items else None
    return tuple(first) if isinstance(first, list | tuple) else items


def _list_of(name: str, values: Value) -> list[Value]:
    if isinstance(values, list | tuple | set | frozenset):
        return list(values)
    raise CloudError(f"command.{name} takes a list of values, not {type(values).__name__}")


def _named(
    name: str, options: Value, named: Mapping[str, Value], known: tuple[str, ...]
) -> dict[str, Value]:
    given = {snake_case(key): value for key, value in {**(options or {}), **named}.items()}
    for key in given:
        if key not in known:
            raise CloudError(f"command.{name} has no option {key}; it takes {', '.join(known)}")
    return {key: value for key, value in given.items() if value is not None}


def _shape(name: str, given: Mapping[str, Value], kinds: tuple[str, ...]) -> dict[str, Value]:
    geometry = given.get("geometry")
    if isinstance(geometry, dict) and geometry.get("type") in kinds and "coordinates" in geometry:
        return {"type": geometry["type"], "coordinates": geometry["coordinates"]}
    raise CloudError(
        f'command.{name}: "geometry" must be of type {" or ".join(kinds)}, made by db.Geo'
    )


def _sphere(sphere: Any) -> list[Value]:
    if isinstance(sphere, list | tuple) and len(sphere) == 2:
        center, radius = sphere
        center = center.get("coordinates") if isinstance(center, dict) else center
        if isinstance(center, list | tuple) and len(center) == 2:
            return [list(center), radius]
    raise CloudError("command.geoWithin: center_sphere takes [[longitude, latitude], radians]")
