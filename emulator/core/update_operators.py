"""Owns the update operators on single values: numbers, comparisons, bits, dates, set and unset.

Not here: arrays (`core.update_arrays`), `$rename`, which needs two paths (`core.update`). The one
idea: an operator refuses its operand while compiling and becomes a change of one value; it returns
the old object where the stored bytes would stay the same.
"""

import operator
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, TypeAlias

from emulator.core.errors import DatabaseRequestFailed
from emulator.core.ordering import compare, identical
from emulator.core.query_types import type_name
from emulator.core.update_numbers import (
    Arithmetic,
    add,
    is_long,
    multiply,
    stored_integer,
    zero_like,
)
from emulator.core.update_tree import Application, Change
from emulator.core.values import MISSING, Date, Int64, Timestamp, Value
from emulator.core.wording import shown

ChangeBuilder: TypeAlias = Callable[[str, Value], Change]
"""Takes the path and the operand, which the engine owns; returns the change."""

TYPE_MISMATCH: Final = 14

_NUMBERS: Final = frozenset({int, Int64, float, Decimal})


def _set(_path: str, operand: Value) -> Change:
    return lambda old, _application: old if identical(old, operand) else operand


def _set_on_insert(_path: str, operand: Value) -> Change:
    return lambda old, application: operand if application.inserting else old


def _unset(_path: str, _operand: Value) -> Change:
    return lambda _old, _application: MISSING


def _arithmetic(
    name: str, verb: str, combine: Arithmetic, start: Callable[[Value], Value]
) -> ChangeBuilder:
    """Return the operator that combines a number with its operand, starting from `start`."""

    def build(path: str, operand: Value) -> Change:
        if type(operand) not in _NUMBERS:
            raise DatabaseRequestFailed(
                f"Cannot {verb} with non-numeric argument: {{{path}: {shown(operand)}}}",
                mongo_code=TYPE_MISMATCH,
            )
        first = start(operand)

        def change(old: Value, application: Application) -> Value:
            if old is MISSING:
                return first
            if type(old) not in _NUMBERS:
                raise _not_numeric(name, path, old, application)
            new = combine(old, operand)
            if new is None:
                raise DatabaseRequestFailed(
                    f"Failed to apply {name} operations to current value ({old}) of '{path}' in "
                    f"document {{_id: {shown(application.document.get('_id'))}}}: beyond 64 bits"
                )
            return old if identical(old, new) else new

        return change

    return build


def _not_numeric(
    name: str, path: str, old: Value, application: Application
) -> DatabaseRequestFailed:
    return DatabaseRequestFailed(
        f"Cannot apply {name} to a value of non-numeric type. "
        f"{{_id: {shown(application.document.get('_id'))}}} has the field '{path}' of "
        f"non-numeric type {type_name(old)}",
        mongo_code=TYPE_MISMATCH,
    )


def _extreme(wins: Callable[[int, int], bool]) -> ChangeBuilder:
    """Return `$min` or `$max`: the operand takes the place of a value it wins over."""

    def build(_path: str, operand: Value) -> Change:
        return lambda old, _application: (
            operand if old is MISSING or wins(compare(operand, old), 0) else old
        )

    return build


def _current_date(path: str, operand: Value) -> Change:
    kind = "date" if type(operand) is bool else None
    if type(operand) is dict and list(operand) == ["$type"]:
        kind = operand["$type"]
    if kind == "date":
        return lambda _old, application: Date(application.now_ms)
    if kind == "timestamp":
        return lambda _old, application: Timestamp(application.now_ms // 1000, 1)
    raise DatabaseRequestFailed(
        f"'{path}': $currentDate takes true, {{$type: 'date'}} or {{$type: 'timestamp'}}, "
        f"not {shown(operand)}"
    )


_BIT_OPERATIONS: Final[Mapping[str, Callable[[int, int], int]]] = {
    "and": operator.and_,
    "or": operator.or_,
    "xor": operator.xor,
}


def _bit(path: str, operand: Value) -> Change:
    if type(operand) is not dict or not operand:
        raise DatabaseRequestFailed(
            f"The $bit modifier needs an object such as {{and: 1}} for '{path}'"
        )
    for name, mask in operand.items():
        if name not in _BIT_OPERATIONS:
            raise DatabaseRequestFailed(
                f"The $bit modifier only supports 'and', 'or', and 'xor', not '{name}'"
            )
        if type(mask) not in (int, Int64):
            raise DatabaseRequestFailed(
                "The $bit modifier field must be an Integer(32/64 bit); "
                f"a '{type_name(mask)}' is not supported here: {{{name}: {shown(mask)}}}"
            )

    def change(old: Value, application: Application) -> Value:
        new = 0 if old is MISSING else old
        if type(new) not in (int, Int64):
            raise DatabaseRequestFailed(
                f"Cannot apply $bit to a value of non-integral type. "
                f"{{_id: {shown(application.document.get('_id'))}}} has the field '{path}' of "
                f"non-integer type {type_name(old)}"
            )
        for name, mask in operand.items():
            as_long = is_long(new) or is_long(mask)
            new = stored_integer(_BIT_OPERATIONS[name](int(new), int(mask)), as_long=as_long)
        return old if identical(old, new) else new

    return change


def _itself(operand: Value) -> Value:
    return operand


VALUE_OPERATORS: Final[Mapping[str, ChangeBuilder]] = {
    "$set": _set,
    "$setOnInsert": _set_on_insert,
    "$unset": _unset,
    "$inc": _arithmetic("$inc", "increment", add, _itself),
    "$mul": _arithmetic("$mul", "multiply", multiply, zero_like),
    "$min": _extreme(operator.lt),
    "$max": _extreme(operator.gt),
    "$currentDate": _current_date,
    "$bit": _bit,
}
