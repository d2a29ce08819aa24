"""Owns the operators on objects: `$mergeObjects`, `$objectToArray`, `$arrayToObject` and fields.

Not here: object literals (`expressions`). The one idea: an object is never changed, a new one is
made; of equal names the last value wins and the first place stays.
"""

from collections.abc import Mapping
from typing import Final

from emulator.core.aggregate.nodes import (
    Expression,
    Named,
    Operator,
    Scope,
    Variables,
    constant,
    fixed,
    folded,
    is_nullish,
    refusal,
    variadic,
    wrong_type,
)
from emulator.core.query_types import type_name
from emulator.core.values import MISSING, Document, Value


def _merge_objects(values: list[Value]) -> Document:
    merged: Document = {}
    for value in values:
        if value.__class__ is dict:
            merged.update(value)
        elif not is_nullish(value):
            raise wrong_type(
                "$mergeObjects requires object inputs, but input is of type {type}", 40400, value
            )
    return merged


def _object_to_array(value: Value) -> Value:
    if is_nullish(value):
        return None
    if value.__class__ is not dict:
        raise wrong_type("$objectToArray requires a document input, found: {type}", 40390, value)
    return [{"k": name, "v": item} for name, item in value.items()]


def _array_to_object(value: Value) -> Value:
    if is_nullish(value):
        return None
    if value.__class__ is not list:
        raise wrong_type("$arrayToObject requires an array input, found: {type}", 40386, value)
    if not value:
        return {}
    if value[0].__class__ is list:
        return dict(map(_pair_of_array, value))
    if value[0].__class__ is dict:
        return dict(map(_pair_of_object, value))
    raise wrong_type("Unrecognised input type format for $arrayToObject: {type}", 40398, value[0])


def _pair_of_array(item: Value) -> tuple[str, Value]:
    if item.__class__ is not list:
        raise wrong_type(
            "$arrayToObject requires a consistent input format. Elements must all be arrays or all"
            " be objects. Array was detected, now found: {type}",
            40396,
            item,
        )
    if len(item) != 2:
        raise refusal(
            f"$arrayToObject requires an array of size 2 arrays, found array of size: {len(item)}",
            40397,
        )
    if type(item[0]) is not str:
        raise wrong_type(
            "$arrayToObject requires an array of key-value pairs, where the key must be of type"
            " string. Found key type: {type}",
            40395,
            item[0],
        )
    return _checked_key(item[0]), item[1]


def _pair_of_object(item: Value) -> tuple[str, Value]:
    if item.__class__ is not dict:
        raise wrong_type(
            "$arrayToObject requires a consistent input format. Elements must all be arrays or all"
            " be objects. Object was detected, now found: {type}",
            40391,
            item,
        )
    if len(item) != 2:
        raise refusal(
            "$arrayToObject requires an object keys of 'k' and 'v'. Found incorrect number of"
            f" keys: {len(item)}",
            40392,
        )
    if "k" not in item or "v" not in item:
        raise refusal("$arrayToObject requires an object with keys 'k' and 'v'.", 40393)
    if type(item["k"]) is not str:
        raise refusal(
            "$arrayToObject requires an object with keys 'k' and 'v', where the value of 'k' must"
            f" be of type string. Found type: {type_name(item['k'])}",
            40394,
        )
    return _checked_key(item["k"]), item["v"]


def _checked_key(name: str) -> str:
    if "\0" in name:
        raise refusal("Key field cannot contain an embedded null byte", 4940400)
    return name


# --- single fields -------------------------------------------------------------------------------

_GET: Final = Named(
    required=("field",), optional=("input",), not_object=3041701, unknown=3041701, missing=3041702
)
_SET: Final = Named(
    required=("field", "input", "value"), not_object=4161100, unknown=4161101, missing=4161102
)
_UNSET: Final = Named(
    required=("field", "input"), not_object=4161100, unknown=4161101, missing=4161102
)


def _field_name(name: str, operand: Value, scope: Scope) -> str:
    field = scope.expression(operand)
    if not field.is_constant or type(field.constant) is not str:
        raise refusal(f"{name} requires 'field' to evaluate to a constant string", 4161106)
    return field.constant


def _get_field(name: str, operand: Value, scope: Scope) -> Expression:
    is_field = type(operand) is not dict or next(iter(operand), "")[:1] == "$"
    operands = _GET.read(name, {"field": operand} if is_field else operand)
    field = _field_name(name, operands["field"], scope)
    given = scope.expression(operands.get("input", "$$CURRENT"))
    read = given.run

    def run(document: Document, variables: Variables) -> Value:
        value = read(document, variables)
        if value.__class__ is dict:
            return value.get(field, MISSING)
        return None if value is None else MISSING

    return folded(run, [given])


def _set_field(name: str, operand: Value, scope: Scope) -> Expression:
    operands = (_SET if name == "$setField" else _UNSET).read(name, operand)
    field = _field_name(name, operands["field"], scope)
    given = scope.expression(operands["input"])
    new = scope.expression(operands["value"]) if "value" in operands else constant(MISSING)

    def run(document: Document, variables: Variables) -> Value:
        value = given.run(document, variables)
        if is_nullish(value):
            return None
        if value.__class__ is not dict:
            raise wrong_type(f"{name} requires 'input' to evaluate to type Object", 4161105, value)
        return _with_field(value, field, new.run(document, variables))

    return folded(run, [given, new])


def _with_field(document: Document, field: str, value: Value) -> Document:
    changed = {**document, field: value}
    if value is MISSING:
        del changed[field]
    return changed


OBJECTS: Final[Mapping[str, Operator]] = {
    "$arrayToObject": fixed(1, _array_to_object),
    "$getField": Operator(_get_field, f"field or {_GET.form}"),
    "$mergeObjects": variadic(_merge_objects),
    "$objectToArray": fixed(1, _object_to_array),
    "$setField": Operator(_set_field, _SET.form),
    "$unsetField": Operator(_set_field, _UNSET.form),
}
