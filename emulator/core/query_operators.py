"""Owns the table of operators a field's condition may use, and what each asks of a value.

Not here: operators over whole filters (`core.query`), arrays (`core.query_arrays`) and places
(`core.query_geo`), which add their rows to the same table. The one idea: an operator looks at its
operand once, refuses it with MongoDB's number and text, and leaves the plainest closure that does.
"""

import operator
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, TypeAlias

from emulator.core.errors import DatabaseRequestFailed, InvalidOperator
from emulator.core.ordering import compare, equal, hash_key, is_nan, rank
from emulator.core.paths import ValueTest
from emulator.core.query_nodes import Check, Condition, NoneOf, Parsing
from emulator.core.query_types import type_name, type_set
from emulator.core.regex import compile_regex
from emulator.core.values import (
    INT64_MAX,
    INT64_MIN,
    MISSING,
    Binary,
    Date,
    Edge,
    Filter,
    Int64,
    ObjectId,
    Regex,
    Value,
)
from emulator.core.wording import shown

FieldOperator: TypeAlias = Callable[[Value, Filter, Parsing], Condition]
"""Takes the operand, the operators beside it, and the parser; returns the condition."""

NUMBERS: Final = frozenset({int, Int64, float, Decimal})


def is_number(value: Value) -> bool:
    """Tell whether a value is an int32, int64, double or decimal."""
    return type(value) in NUMBERS


def is_operators(value: Value) -> bool:
    """Tell whether a value is a document of operators rather than an object to be equal to."""
    return type(value) is dict and next(iter(value), "")[:1] == "$"


# --- equality ------------------------------------------------------------------------------------


def equals(operand: Value) -> Check:
    """Return the check for equality; null is equal to missing, a regex to the same regex only."""
    if operand is MISSING:
        raise DatabaseRequestFailed("cannot compare to undefined")
    holds, shape, constant = _equality(operand)
    return Check(holds=holds, operand=operand, shape=shape, constant=constant)


def _equality(operand: Value) -> tuple[ValueTest, str, Value]:
    """Return the test, the shape of the check, and the shape's constant."""
    kind = type(operand)
    if operand is None:
        return (lambda value: value is None or value is MISSING), "null", None
    if kind is bool:
        return (lambda value: value is operand), "is", operand
    if kind is str:
        return (lambda value: value == operand), "equal", operand
    if kind in NUMBERS and not is_nan(operand):
        return _equals_number(operand), "number" if operand in (0, 1) else "equal", operand
    if kind is Date:
        return (lambda value: value == operand), "date ==", operand.ms
    return (lambda value: equal(value, operand)), "", None


def _equals_number(operand: Value) -> ValueTest:
    return lambda value: value == operand and value.__class__ is not bool


def matches_regex(regex: Regex) -> Check:
    """Return the check for a pattern: strings it is found in, and the same regex as a value."""
    search = compile_regex(regex)
    return Check(
        holds=lambda value: search(value) if value.__class__ is str else value == regex,
        shape="regex",
        constant=search,
    )


def implicit_equality(operand: Value) -> Check:
    """Return the check of `{field: operand}`, where a regex is a pattern."""
    return matches_regex(operand) if type(operand) is Regex else equals(operand)


def _not_equal(operand: Value, _siblings: Filter, _parsing: Parsing) -> Condition:
    if type(operand) is Regex:
        raise DatabaseRequestFailed("Can't have regex as arg to $ne.", hint="use $not")
    return NoneOf(equals(operand))


def _in(operand: Value, _siblings: Filter, _parsing: Parsing) -> Check:
    if type(operand) is not list:
        raise DatabaseRequestFailed("$in needs an array")
    return member_of(operand)


def _not_in(operand: Value, _siblings: Filter, _parsing: Parsing) -> Condition:
    if type(operand) is not list:
        raise DatabaseRequestFailed("$nin needs an array")
    return NoneOf(member_of(operand))


_OWN_KEYS: Final = frozenset({str, int, Int64, ObjectId, Date})
"""Kinds of values that are their own hash key."""


def member_of(members: list[Value]) -> Check:
    """Return the check for being one of the members or matching one of the patterns in them."""
    if any(map(is_operators, members)):
        raise DatabaseRequestFailed("cannot nest $ under $in")
    if any(member is MISSING for member in members):
        raise DatabaseRequestFailed("$in cannot contain undefined")
    if len(members) == 1:
        return implicit_equality(members[0])
    patterns = [matches_regex(member).holds for member in members if type(member) is Regex]
    kinds = set(map(type, members))
    keys = frozenset(members if kinds <= _OWN_KEYS else map(hash_key, members))
    if patterns:
        return Check(holds=lambda value: _is_member(value, keys) or any(p(value) for p in patterns))
    shape = "in strings" if kinds == {str} else ""
    if kinds and kinds <= NUMBERS and not any(map(is_nan, members)):
        shape = "in numbers"
    return Check(
        holds=lambda value: _is_member(value, keys),
        members=tuple(members),
        shape=shape,
        constant=keys,
    )


def _is_member(value: Value, keys: frozenset[Value]) -> bool:
    return hash_key(None if value is MISSING else value) in keys


# --- ranges --------------------------------------------------------------------------------------


def _range(symbol: str, holds: Callable[[Value, Value], bool]) -> FieldOperator:
    """Return the operator that compares values of the operand's own kind, and no others."""
    inclusive = symbol in ("<=", ">=")

    def build(operand: Value, _siblings: Filter, _parsing: Parsing) -> Check:
        if operand is MISSING:
            raise DatabaseRequestFailed("cannot compare to undefined")
        if operand is None:
            return equals(None) if inclusive else Check(holds=_never)
        kind = type(operand)
        if kind is Regex:
            raise DatabaseRequestFailed("Can't have RegEx as arg to predicate over field")
        if kind in NUMBERS:
            return _number_range(symbol, holds, operand)
        if kind is str:
            return Check(
                holds=lambda value: value.__class__ is str and holds(value, operand),
                shape=f"string {symbol}",
                constant=operand,
            )
        if kind is Date:
            return Check(
                holds=lambda value: value.__class__ is Date and holds(value.ms, operand.ms),
                shape=f"date {symbol}",
                constant=operand.ms,
            )
        if kind is Edge:
            return Check(holds=lambda value: holds(compare(value, operand), 0))
        place = rank(operand)
        return Check(holds=lambda value: rank(value) == place and holds(compare(value, operand), 0))

    return build


def _number_range(symbol: str, holds: Callable[[Value, Value], bool], operand: Value) -> Check:
    if is_nan(operand):
        inclusive = symbol in ("<=", ">=")
        return Check(holds=lambda value: inclusive and is_number(value) and is_nan(value))
    return Check(
        holds=lambda value: (
            value.__class__ in NUMBERS and not is_nan(value) and holds(value, operand)
        ),
        # Decimals refuse to be compared with a double that is no number.
        shape="" if type(operand) is Decimal else f"number {symbol}",
        constant=operand,
    )


def _never(_value: Value) -> bool:
    return False


# --- kinds, numbers, text ------------------------------------------------------------------------


def _exists(operand: Value, _siblings: Filter, _parsing: Parsing) -> Condition:
    check = Check(holds=lambda value: value is not MISSING, shape="exists")
    return check if is_truthy(operand) else NoneOf(check)


def is_truthy(value: Value) -> bool:
    """Tell whether MongoDB takes the value for true: all but false, null, missing and zero."""
    if type(value) is bool or is_number(value):
        return bool(value)
    return value is not None and value is not MISSING


def _type(operand: Value, _siblings: Filter, _parsing: Parsing) -> Check:
    names = type_set(operand)
    return Check(holds=lambda value: type_name(value) in names)


def _mod(operand: Value, _siblings: Filter, _parsing: Parsing) -> Check:
    if type(operand) is not list:
        raise DatabaseRequestFailed("malformed mod, needs to be an array")
    if len(operand) != 2:
        problem = "not enough" if len(operand) < 2 else "too many"
        raise DatabaseRequestFailed(f"malformed mod, {problem} elements")
    divisor, remainder = (_whole_operand(part) for part in operand)
    if divisor == 0:
        raise DatabaseRequestFailed("divisor cannot be 0")

    def holds(value: Value) -> bool:
        whole = value if value.__class__ is int else whole_number(value)
        if whole is None:
            return False
        rest = abs(whole) % abs(divisor)
        return (rest if whole >= 0 else -rest) == remainder

    return Check(holds=holds)


def _whole_operand(value: Value) -> int:
    whole = whole_number(value)
    if whole is None:
        raise DatabaseRequestFailed("malformed mod, divisor and remainder must be int64 numbers")
    return whole


def whole_number(value: Value) -> int | None:
    """Return a number cut off towards zero, None for what is no number or beyond int64."""
    if not is_number(value):
        return None
    if type(value) is float and not INT64_MIN <= value <= INT64_MAX:
        return None
    if type(value) is Decimal and not (value.is_finite() and abs(value) <= INT64_MAX):
        return None
    return int(value)


def integral(value: Value) -> int | None:
    """Return a number without a fraction as an int, None for everything else."""
    whole = whole_number(value)
    return whole if whole is not None and whole == value else None


def _regex(operand: Value, siblings: Filter, _parsing: Parsing) -> Check:
    options = siblings.get("$options", "")
    if type(options) is not str:
        raise DatabaseRequestFailed("$options has to be a string")
    if type(operand) is Regex:
        return matches_regex(Regex(operand.pattern, options or operand.options))
    if type(operand) is not str:
        raise DatabaseRequestFailed("$regex has to be a string")
    return matches_regex(Regex(operand, options))


def _companion(name: str, needs: tuple[str, ...]) -> FieldOperator:
    """Return the operator that means nothing alone and is read by the one beside it."""

    def build(_operand: Value, siblings: Filter, _parsing: Parsing) -> Check:
        if not any(other in siblings for other in needs):
            raise DatabaseRequestFailed(f"{name} needs a {needs[0]}")
        return ALWAYS

    return build


ALWAYS: Final = Check(holds=lambda _: True)
"""Adds nothing; the parser leaves it out."""


# --- bits ----------------------------------------------------------------------------------------


def _bits(holds: Callable[[int, int], bool]) -> FieldOperator:
    def build(operand: Value, _siblings: Filter, _parsing: Parsing) -> Check:
        mask = _bit_mask(operand)

        def ask(value: Value) -> bool:
            bits = _bits_of(value)
            return bits is not None and holds(bits, mask)

        return Check(holds=ask)

    return build


def _bits_of(value: Value) -> int | None:
    if type(value) is Binary:
        return int.from_bytes(value.data, "little")
    return integral(value)


def _bit_mask(operand: Value) -> int:
    if type(operand) is Binary:
        return int.from_bytes(operand.data, "little")
    if type(operand) is list:
        return sum(1 << place for place in {_bit_position(item) for item in operand})
    mask = integral(operand)
    if mask is None or mask < 0:
        raise DatabaseRequestFailed(
            f"a bit mask is a non-negative integer, binary or bit positions, not {shown(operand)}",
            mongo_code=9 if is_number(operand) else 2,
        )
    return mask


BIT_POSITION_MAX: Final = 4095
"""Positions beyond an int64 repeat its sign; a bound keeps masks small."""


def _bit_position(item: Value) -> int:
    place = integral(item)
    if place is None or not 0 <= place <= INT64_MAX:
        raise DatabaseRequestFailed(
            f"bit positions must be non-negative integers, not {shown(item)}"
        )
    return min(place, BIT_POSITION_MAX)


def _refused(name: str, reason: str) -> FieldOperator:
    def build(_operand: Value, _siblings: Filter, _parsing: Parsing) -> Condition:
        raise InvalidOperator(f"{name} {reason}")

    return build


FIELD_OPERATORS: Final[Mapping[str, FieldOperator]] = {
    "$eq": lambda operand, _siblings, _parsing: equals(operand),
    "$ne": _not_equal,
    "$gt": _range(">", operator.gt),
    "$gte": _range(">=", operator.ge),
    "$lt": _range("<", operator.lt),
    "$lte": _range("<=", operator.le),
    "$in": _in,
    "$nin": _not_in,
    "$exists": _exists,
    "$type": _type,
    "$mod": _mod,
    "$regex": _regex,
    "$options": _companion("$options", ("$regex",)),
    "$bitsAllSet": _bits(lambda bits, mask: bits & mask == mask),
    "$bitsAnySet": _bits(lambda bits, mask: bits & mask != 0),
    "$bitsAllClear": _bits(lambda bits, mask: bits & mask == 0),
    "$bitsAnyClear": _bits(lambda bits, mask: bits & mask != mask),
    "$comment": lambda _operand, _siblings, _parsing: ALWAYS,
    "$where": _refused("$where", "runs JavaScript in the database, which the cloud does not allow"),
}
