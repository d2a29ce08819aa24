"""Owns the set operators: arrays taken as sets, equal values being one.

Not here: equality and order (`core.ordering`). The one idea: a set is a dict from hash keys to
values. Unions and intersections come out sorted, as MongoDB's ordered sets do; a difference keeps
the order of its first operand.
"""

from collections.abc import Hashable, Mapping
from typing import Final, TypeAlias

from emulator.core.aggregate.nodes import (
    Expression,
    Operator,
    Scope,
    Variables,
    fixed,
    folded,
    is_nullish,
    is_true,
    operands_of,
    refusal,
    variadic,
    wrong_type,
)
from emulator.core.ordering import hash_key, sort_key
from emulator.core.values import Document, Value

_Set: TypeAlias = dict[Hashable, Value]


def as_set(array: list[Value]) -> _Set:
    """Return the different values of an array by hash key, the first of equal ones."""
    found: _Set = {}
    for item in array:
        found.setdefault(hash_key(item), item)
    return found


def _sorted(values: _Set) -> list[Value]:
    return sorted(values.values(), key=sort_key)


def _check(value: Value, message: str, code: int) -> None:
    if value.__class__ is not list:
        raise wrong_type(message, code, value)


def _union(arrays: list[Value]) -> Value:
    united: _Set = {}
    for array in arrays:
        if is_nullish(array):
            return None
        _check(
            array,
            "All operands of $setUnion must be arrays. One argument is of type: {type}",
            17043,
        )
        united = {**as_set(array), **united}
    return _sorted(united)


def _intersection(arrays: list[Value]) -> Value:
    common: _Set | None = None
    for array in arrays:
        if is_nullish(array):
            return None
        _check(
            array,
            "All operands of $setIntersection must be arrays. One argument is of type: {type}",
            17047,
        )
        members = as_set(array)
        if common is None:
            common = members
        else:
            common = {key: value for key, value in common.items() if key in members}
    return _sorted(common or {})


def _difference(a: Value, b: Value) -> Value:
    if is_nullish(a) or is_nullish(b):
        return None
    _check(a, "both operands of $setDifference must be arrays. First argument is {type}", 17048)
    _check(b, "both operands of $setDifference must be arrays. Second argument is {type}", 17049)
    taken = as_set(b)
    return [value for key, value in as_set(a).items() if key not in taken]


def _equals(name: str, operand: Value, scope: Scope) -> Expression:
    operands = operands_of(operand)
    if len(operands) < 2:
        raise refusal(f"{name} needs at least two arguments had: {len(operands)}", 17045)
    arguments = [scope.expression(each) for each in operands]
    runs = [argument.run for argument in arguments]

    def run(document: Document, variables: Variables) -> bool:
        keys = []
        for each in runs:
            array = each(document, variables)
            _check(
                array, "All operands of $setEquals must be arrays. One argument is {type}", 17044
            )
            keys.append(as_set(array).keys())
        return all(keys[0] == other for other in keys[1:])

    return folded(run, arguments)


def _is_subset(a: Value, b: Value) -> bool:
    _check(a, "both operands of $setIsSubset must be arrays. First argument is {type}", 17046)
    _check(b, "both operands of $setIsSubset must be arrays. Second argument is {type}", 17042)
    return as_set(a).keys() <= as_set(b).keys()


def _all_true(array: Value) -> bool:
    _check(array, "$allElementsTrue's argument must be an array, but is {type}", 17040)
    return all(map(is_true, array))


def _any_true(array: Value) -> bool:
    _check(array, "$anyElementTrue's argument must be an array, but is {type}", 17041)
    return any(map(is_true, array))


SETS: Final[Mapping[str, Operator]] = {
    "$allElementsTrue": fixed(1, _all_true),
    "$anyElementTrue": fixed(1, _any_true),
    "$setDifference": fixed(2, _difference),
    "$setEquals": Operator(_equals, "[x1, x2, ...]"),
    "$setIntersection": variadic(_intersection),
    "$setIsSubset": fixed(2, _is_subset),
    "$setUnion": variadic(_union),
}
