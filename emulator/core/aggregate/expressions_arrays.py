"""Owns the operators on arrays, from `$arrayElemAt` to `$zip`.

Not here: those that bind variables (`expressions_iteration`) and sets (`expressions_sets`). The one
idea: null in place of an array gives null, an index outside gives missing, and every array an
operator makes is bounded.
"""

from collections.abc import Mapping, Sequence
from itertools import chain, zip_longest
from typing import Final

from emulator.core.aggregate.nodes import (
    ARRAY_LENGTH_MAX,
    Expression,
    Named,
    Operator,
    Scope,
    Variables,
    fixed,
    folded,
    is_nullish,
    ranged,
    refusal,
    variadic,
    wrong_type,
)
from emulator.core.aggregate.numbers import is_int32, is_number
from emulator.core.ordering import equal
from emulator.core.values import MISSING, Document, Value


def _int32(value: Value, what: str, not_number: int, not_int32: int) -> int:
    if not is_number(value):
        raise wrong_type(f"{what} must be a numeric value, but is {{type}}", not_number, value)
    if not is_int32(value):
        raise refusal(f"{what} must be representable as a 32-bit integer: {value}", not_int32)
    return int(value)


def _check_length(length: int, operator: str) -> None:
    if length > ARRAY_LENGTH_MAX:
        raise refusal(f"{operator} would make an array of more than {ARRAY_LENGTH_MAX} items", 146)


# --- reading -------------------------------------------------------------------------------------


def _array_elem_at(array: Value, index: Value) -> Value:
    if is_nullish(array) or is_nullish(index):
        return None
    if array.__class__ is not list:
        raise wrong_type(
            "$arrayElemAt's first argument must be an array, but is {type}", 28689, array
        )
    place = _int32(index, "$arrayElemAt's second argument", 28690, 28691)
    return array[place] if -len(array) <= place < len(array) else MISSING


def _first(array: Value) -> Value:
    return _array_elem_at(array, 0)


def _last(array: Value) -> Value:
    return _array_elem_at(array, -1)


def _size(array: Value) -> int:
    if array.__class__ is not list:
        raise wrong_type(
            "The argument to $size must be an array, but was of type: {type}", 17124, array
        )
    return len(array)


def _is_array(value: Value) -> bool:
    return value.__class__ is list


def _in(value: Value, array: Value) -> bool:
    if array.__class__ is not list:
        raise wrong_type("$in requires an array as a second argument, found: {type}", 40081, array)
    return any(equal(item, value) for item in array)


def _index_of_array(array: Value, value: Value, *bounds: Value) -> int | None:
    if is_nullish(array):
        return None
    if array.__class__ is not list:
        raise wrong_type(
            "$indexOfArray requires an array as a first argument, found: {type}", 40090, array
        )
    low = _position(bounds[0], "starting") if bounds else 0
    high = min(_position(bounds[1], "ending"), len(array)) if len(bounds) > 1 else len(array)
    return next((place for place in range(low, high) if equal(array[place], value)), -1)


def _position(value: Value, which: str) -> int:
    if not is_int32(value):
        raise wrong_type(
            f"$indexOfArray requires an integral {which} index, found a value of type: {{type}}",
            40096,
            value,
        )
    if value < 0:
        raise refusal(f"$indexOfArray requires a nonnegative {which} index, found: {value}", 40097)
    return int(value)


def _null_for_missing(value: Value) -> Value:
    return None if value is MISSING else value


# --- making --------------------------------------------------------------------------------------


def _slice(array: Value, *bounds: Value) -> Value:
    return _slice_first(array, *bounds) if len(bounds) == 1 else _slice_from(array, *bounds)


def _slice_first(array: Value, count: Value) -> Value:
    """Return the first so many elements, or the last where the count is negative."""
    if is_nullish(array) or is_nullish(count):
        return None
    _check_slice(array)
    number = _int32(count, "Second argument to $slice", 28725, 28726)
    return array[:number] if number >= 0 else array[number:]


def _slice_from(array: Value, position: Value, count: Value) -> Value:
    if is_nullish(array) or is_nullish(position):
        return None
    _check_slice(array)
    place = _int32(position, "Second argument to $slice", 28725, 28726)
    if is_nullish(count):
        return None
    number = _int32(count, "Third argument to $slice", 28727, 28728)
    if number <= 0:
        raise refusal(f"Third argument to $slice must be positive: {number}", 28729)
    start = max(len(array) + place, 0) if place < 0 else place
    return array[start : start + number]


def _check_slice(array: Value) -> None:
    if array.__class__ is not list:
        raise wrong_type(
            "First argument to $slice must be an array, but is of type: {type}", 28724, array
        )


def _concat_arrays(arrays: list[Value]) -> Value:
    for array in arrays:
        if is_nullish(array):
            return None
        if array.__class__ is not list:
            raise wrong_type("$concatArrays only supports arrays, not {type}", 28664, array)
    _check_length(sum(map(len, arrays)), "$concatArrays")
    return list(chain.from_iterable(arrays))


def _reverse_array(array: Value) -> Value:
    if is_nullish(array):
        return None
    if array.__class__ is not list:
        raise wrong_type(
            "The argument to $reverseArray must be an array, but was of type: {type}", 34435, array
        )
    return array[::-1]


def _range(start: Value, end: Value, step: Value = 1) -> list[Value]:
    low = _int32(start, "$range's starting value", 34443, 34444)
    high = _int32(end, "$range's ending value", 34445, 34446)
    by = _int32(step, "$range's step value", 34447, 34448)
    if by == 0:
        raise refusal("$range requires a non-zero step value", 34449)
    numbers = range(low, high, by)
    _check_length(len(numbers), "$range")
    return list(numbers)


# --- zip -----------------------------------------------------------------------------------------

_ZIP: Final = Named(
    required=("inputs",),
    optional=("useLongestLength", "defaults"),
    not_object=34460,
    unknown=34464,
    missing=34465,
)


def _zip(name: str, operand: Value, scope: Scope) -> Expression:
    operands = _ZIP.read(name, operand)
    longest = operands.get("useLongestLength", False)
    if type(operands["inputs"]) is not list:
        raise refusal("inputs must be an array of expressions", 34461)
    if type(longest) is not bool:
        raise refusal("useLongestLength must be a bool", 34463)
    if type(operands.get("defaults", [])) is not list:
        raise refusal("defaults must be an array of expressions", 34462)
    inputs = [scope.expression(each) for each in operands["inputs"]]
    defaults = [scope.expression(each) for each in operands.get("defaults", [])]
    _check_zip(len(inputs), len(defaults), longest=longest)
    runs = [each.run for each in inputs]
    fills = [each.run for each in defaults]

    def run(document: Document, variables: Variables) -> Value:
        fill = [each(document, variables) for each in fills]
        return _zipped([each(document, variables) for each in runs], fill, longest=longest)

    return folded(run, [*inputs, *defaults])


def _check_zip(inputs: int, defaults: int, *, longest: bool) -> None:
    if inputs == 0:
        raise refusal("$zip requires at least one input array", 34465)
    if defaults and not longest:
        raise refusal("cannot specify defaults unless useLongestLength is true", 34466)
    if defaults and defaults != inputs:
        raise refusal("defaults and inputs must have the same length", 34467)


def _zipped(arrays: list[Value], fill: Sequence[Value], *, longest: bool) -> Value:
    for array in arrays:
        if is_nullish(array):
            return None
        if array.__class__ is not list:
            raise wrong_type("$zip found a non-array expression in input: {type}", 34468, array)
    if not longest:
        return [list(row) for row in zip(*arrays, strict=False)]
    gaps = [_null_for_missing(value) for value in fill] or [None] * len(arrays)
    return [
        [gap if item is MISSING else item for item, gap in zip(row, gaps, strict=True)]
        for row in zip_longest(*arrays, fillvalue=MISSING)
    ]


ARRAYS: Final[Mapping[str, Operator]] = {
    "$arrayElemAt": fixed(2, _array_elem_at),
    "$concatArrays": variadic(_concat_arrays),
    "$first": fixed(1, _first),
    "$in": fixed(2, _in),
    "$indexOfArray": ranged(2, 4, _index_of_array),
    "$isArray": fixed(1, _is_array),
    "$last": fixed(1, _last),
    "$range": ranged(2, 3, _range),
    "$reverseArray": fixed(1, _reverse_array),
    "$size": fixed(1, _size),
    "$slice": ranged(2, 3, _slice),
    "$zip": Operator(_zip, _ZIP.form),
}
