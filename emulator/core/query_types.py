"""Owns the names and numbers of MongoDB's types, for `$type` and `$jsonSchema`.

Not here: their order (`core.ordering`). The one idea: a type set is a frozenset of names, and a
value has exactly one name.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from emulator.core.errors import DatabaseRequestFailed
from emulator.core.values import (
    INT32_MAX,
    INT32_MIN,
    Binary,
    Date,
    Edge,
    Int64,
    Missing,
    ObjectId,
    Regex,
    Timestamp,
    Value,
)

TYPE_NUMBERS: Final[Mapping[str, int]] = {
    "double": 1,
    "string": 2,
    "object": 3,
    "array": 4,
    "binData": 5,
    "undefined": 6,
    "objectId": 7,
    "bool": 8,
    "date": 9,
    "null": 10,
    "regex": 11,
    "dbPointer": 12,
    "javascript": 13,
    "symbol": 14,
    "javascriptWithScope": 15,
    "int": 16,
    "timestamp": 17,
    "long": 18,
    "decimal": 19,
    "minKey": -1,
    "maxKey": 127,
}

NUMBER_TYPES: Final = frozenset({"int", "long", "double", "decimal"})

_NAMES_BY_NUMBER: Final = {number: name for name, number in TYPE_NUMBERS.items()}

_NAMES: Final[Mapping[type, str]] = {
    Missing: "missing",
    type(None): "null",
    Int64: "long",
    float: "double",
    Decimal: "decimal",
    str: "string",
    dict: "object",
    list: "array",
    Binary: "binData",
    ObjectId: "objectId",
    bool: "bool",
    Date: "date",
    Timestamp: "timestamp",
    Regex: "regex",
}


def type_name(value: Value) -> str:
    """Return the type's name as `$type` spells it, "missing" for a field that is not there."""
    kind = type(value)
    if kind is int:
        return "int" if INT32_MIN <= value <= INT32_MAX else "long"
    if kind is Edge:
        return "minKey" if value.sign < 0 else "maxKey"
    return _NAMES[kind]


def type_set(operand: Value) -> frozenset[str]:
    """Return the names that an operand of `$type` means: a name, a number, or a list of them.

    Raises:
        DatabaseRequestFailed: a name or number of no type (2), nothing in the list (9).
    """
    if type(operand) is not list:
        return _types(operand)
    if not operand:
        raise DatabaseRequestFailed("$type must match at least one type", mongo_code=9)
    return frozenset().union(*map(_types, operand))


def _types(operand: Value) -> frozenset[str]:
    if operand == "number" and type(operand) is str:
        return NUMBER_TYPES
    if type(operand) is str:
        if operand not in TYPE_NUMBERS:
            raise DatabaseRequestFailed(f"Unknown type name alias: {operand}")
        return frozenset({operand})
    if type_name(operand) not in NUMBER_TYPES:
        raise DatabaseRequestFailed(
            f"type must be represented as a number or a string, not {type_name(operand)}",
            mongo_code=14,
        )
    if operand not in _NAMES_BY_NUMBER:
        raise DatabaseRequestFailed(f"Invalid numerical type code: {operand}")
    return frozenset({_NAMES_BY_NUMBER[int(operand)]})
