"""Owns the operators on whole arrays, and `$not`, which hold conditions inside them.

Not here: single values (`core.query_operators`). The one idea: inside `$elemMatch` one element must
pass all conditions at once, as a document of its own or as a value.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from emulator.core.errors import DatabaseRequestFailed
from emulator.core.paths import ValueTest
from emulator.core.query_nodes import (
    AllOf,
    Check,
    Condition,
    NoneOf,
    Parsing,
    element_test,
)
from emulator.core.query_operators import (
    FieldOperator,
    implicit_equality,
    integral,
    is_number,
    is_operators,
)
from emulator.core.query_source import generate
from emulator.core.query_types import type_name
from emulator.core.values import Filter, Regex, Value
from emulator.core.wording import shown

WHOLE_FILTER: Final = frozenset({"$and", "$or", "$nor", "$expr", "$jsonSchema", "$where", "$text"})
"""Operators that make the operand of `$elemMatch` a filter on elements that are objects."""


def _size(operand: Value, _siblings: Filter, _parsing: Parsing) -> Check:
    size = integral(operand)
    if size is None:
        wanted = "a whole number" if is_number(operand) else "a number"
        raise DatabaseRequestFailed(f"$size needs {wanted}, not {shown(operand)}")
    if size < 0:
        raise DatabaseRequestFailed("$size may not be negative")
    return Check(holds=lambda value: value.__class__ is list and len(value) == size, elements=False)


def _all(operand: Value, _siblings: Filter, parsing: Parsing) -> Condition:
    if type(operand) is not list:
        raise DatabaseRequestFailed("$all needs an array")
    if not operand:
        return Check(holds=lambda _: False)
    inside = [type(item) is dict and next(iter(item), "") == "$elemMatch" for item in operand]
    if all(inside):
        return AllOf([parsing.operand(item, parsing) for item in operand])
    if any(inside) or any(map(is_operators, operand)):
        raise DatabaseRequestFailed("no $ expressions in $all")
    return AllOf(list(map(implicit_equality, operand)))


def _elem_match(operand: Value, _siblings: Filter, parsing: Parsing) -> Check:
    test = element_matcher(operand, parsing)

    def locate(array: list[Value]) -> int | None:
        return next((place for place, item in enumerate(array) if test(item)), None)

    return Check(
        holds=lambda value: value.__class__ is list and any(map(test, value)),
        elements=False,
        locate=locate,
    )


def element_matcher(operand: Value, parsing: Parsing) -> ValueTest:
    """Return the test of one element that `$elemMatch` makes."""
    if type(operand) is not dict:
        raise DatabaseRequestFailed("$elemMatch needs an Object")
    parsing = replace(parsing, in_element=True)
    if is_operators(operand) and next(iter(operand)) not in WHOLE_FILTER:
        return element_test(parsing.operand(operand, parsing))
    matches, _ = generate(parsing.filter(operand, parsing))

    def test(item: Value) -> bool:
        if item.__class__ is dict:
            return matches(item)
        if item.__class__ is list:
            return matches({str(place): inner for place, inner in enumerate(item)})
        return False

    return test


def _not(operand: Value, _siblings: Filter, parsing: Parsing) -> Condition:
    if type(operand) is Regex:
        return NoneOf(implicit_equality(operand))
    if type(operand) is not dict:
        raise DatabaseRequestFailed(f"$not needs a regex or a document, not {type_name(operand)}")
    if not operand:
        raise DatabaseRequestFailed("$not cannot be empty")
    if not is_operators(operand):
        raise DatabaseRequestFailed(f"unknown operator: {next(iter(operand))}")
    return NoneOf(parsing.operand(operand, parsing))


ARRAY_OPERATORS: Final[Mapping[str, FieldOperator]] = {
    "$size": _size,
    "$all": _all,
    "$elemMatch": _elem_match,
    "$not": _not,
}
