"""Owns the operators on types: `$type`, `$convert` and its short forms, `$isNumber`.

Not here: coercion inside string operators (`expressions_strings`). The one idea: a conversion is a
row for its target, of functions by the source's type; what has no function is refused.
"""

import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, TypeAlias

from emulator.core.aggregate.date_parsing import parse_date
from emulator.core.aggregate.expressions_dates import date_of
from emulator.core.aggregate.expressions_strings import date_as_text
from emulator.core.aggregate.nodes import (
    Expression,
    Named,
    Operator,
    Scope,
    Variables,
    apply,
    fixed,
    folded,
    is_nullish,
    operands_of,
    refusal,
    wrong_type,
)
from emulator.core.aggregate.numbers import (
    is_number,
    number_text,
    parse_decimal,
    to_decimal,
    whole,
)
from emulator.core.errors import DatabaseRequestFailed
from emulator.core.query_types import TYPE_NUMBERS, type_name
from emulator.core.values import (
    INT32_MAX,
    INT32_MIN,
    INT64_MAX,
    INT64_MIN,
    Date,
    Document,
    ObjectId,
    Value,
)

_Conversion: TypeAlias = Callable[[Value], Value]

_DOUBLE_TEXT: Final = re.compile(
    r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf(?:inity)?|nan)\Z", re.IGNORECASE | re.ASCII
)
_WHOLE_TEXT: Final = re.compile(r"[+-]?\d{1,30}\Z", re.ASCII)
_OID_TEXT: Final = re.compile(r"[0-9a-fA-F]{24}\Z")


def _failed(reason: str) -> DatabaseRequestFailed:
    return refusal(f"{reason} in $convert with no onError value", 241)


def _unparsed(text: str, reason: str) -> DatabaseRequestFailed:
    return refusal(f"Failed to parse '{text:.60}' in $convert with no onError value: {reason}", 241)


# --- numbers -------------------------------------------------------------------------------------


def _double(value: Value) -> float:
    number = float(value)
    if math.isinf(number) and not (value.__class__ is float or value.is_infinite()):
        raise _failed("Conversion would overflow target type")
    return number


def _double_of_text(text: str) -> float:
    if _DOUBLE_TEXT.match(text) is None:
        raise _unparsed(text, "Did not consume whole string.")
    number = float(text)
    if math.isinf(number) and "inf" not in text.lower():
        raise _unparsed(text, "Out of range")
    return number


def _whole_number(*, long: bool) -> _Conversion:
    """Return the conversion of a number to int or long, its fraction cut off."""
    least, most = (INT64_MIN, INT64_MAX) if long else (INT32_MIN, INT32_MAX)

    def convert(value: Value) -> Value:
        if not math.isfinite(value):
            raise _failed(f"Attempt to convert {number_text(value)} value to integer type")
        number = int(value)
        if not least <= number <= most:
            raise _failed(f"Conversion would overflow target type: {number_text(value)}")
        return whole(number, long=long)

    return convert


def _whole_of_text(*, long: bool) -> _Conversion:
    convert = _whole_number(long=long)

    def parse(text: str) -> Value:
        if _WHOLE_TEXT.match(text) is None:
            raise _unparsed(text, "Did not consume whole string.")
        return convert(int(text))

    return parse


def _decimal_of_text(text: str) -> Decimal:
    if _DOUBLE_TEXT.match(text) is None:
        raise _unparsed(text, "Failed to parse string to decimal")
    try:
        number = parse_decimal(text)
    except ValueError as fault:
        raise _unparsed(text, "Failed to parse string to decimal") from fault
    if number.is_infinite() and "inf" not in text.lower():
        raise _unparsed(text, "Conversion from string to decimal would overflow")
    return number


# --- other targets -------------------------------------------------------------------------------


def _date_of_number(value: Value) -> Date:
    if not math.isfinite(value):
        raise _failed(f"Attempt to convert {number_text(value)} value to integer type")
    ms = int(value)
    if not INT64_MIN <= ms <= INT64_MAX:
        raise _failed(f"Conversion would overflow target type: {number_text(value)}")
    return Date(ms)


def _oid_of_text(text: str) -> ObjectId:
    if _OID_TEXT.match(text) is None:
        raise _unparsed(text, "an ObjectId is 24 hexadecimal digits")
    return ObjectId(text.lower())


def _same(value: Value) -> Value:
    return value


def _date(value: Value) -> Date:
    return Date(date_of(value))


def _numbers(convert: _Conversion) -> dict[str, _Conversion]:
    return dict.fromkeys(("int", "long", "double", "decimal", "bool"), convert)


_CONVERSIONS: Final[Mapping[str, Mapping[str, _Conversion]]] = {
    "double": {
        **_numbers(_double),
        "int": float,
        "long": float,
        "bool": float,
        "string": _double_of_text,
        "date": lambda value: float(value.ms),
    },
    "decimal": {
        **_numbers(to_decimal),
        "string": _decimal_of_text,
        "date": lambda value: Decimal(value.ms),
    },
    "int": {**_numbers(_whole_number(long=False)), "string": _whole_of_text(long=False)},
    "long": {
        **_numbers(_whole_number(long=True)),
        "string": _whole_of_text(long=True),
        "date": lambda value: whole(value.ms, long=True),
    },
    "bool": {
        **dict.fromkeys(TYPE_NUMBERS, lambda _value: True),
        **_numbers(lambda value: bool(value != 0)),
    },
    "string": {
        **_numbers(number_text),
        "bool": lambda value: "true" if value else "false",
        "string": _same,
        "objectId": lambda value: value.hex,
        "date": date_as_text,
    },
    "objectId": {"string": _oid_of_text, "objectId": _same},
    "date": {
        **dict.fromkeys(("long", "double", "decimal"), _date_of_number),
        "string": lambda value: Date(parse_date(value, None)),
        **dict.fromkeys(("date", "objectId", "timestamp"), _date),
    },
}


def convert_to(target: str, value: Value) -> Value:
    """Return a value converted to a type by its name, null for null.

    Raises:
        DatabaseRequestFailed: there is no such conversion, or not of this value (241).
    """
    if is_nullish(value):
        return None
    source = type_name(value)
    convert = _CONVERSIONS.get(target, {}).get(source)
    if convert is None:
        raise _failed(f"Unsupported conversion from {source} to {target}")
    return convert(value)


# --- operators -----------------------------------------------------------------------------------

_CONVERT: Final = Named(
    required=("input", "to"),
    optional=("onError", "onNull"),
    not_object=9,
    unknown=9,
    missing=9,
)
_NAMES_BY_NUMBER: Final = {number: name for name, number in TYPE_NUMBERS.items()}


def _target(to: Value) -> str:
    """Return the name of the target type."""
    if type(to) is str:
        if to not in TYPE_NUMBERS and to != "missing":
            raise refusal(f"Unknown type name: {to}", 2)
        return to
    if is_number(to):
        if to not in _NAMES_BY_NUMBER:
            raise refusal(
                f"In $convert, numeric value for 'to' does not correspond to a BSON type: {to}", 9
            )
        return _NAMES_BY_NUMBER[int(to)]
    raise wrong_type("$convert's 'to' argument must be a string or number, but is {type}", 9, to)


def _convert(name: str, operand: Value, scope: Scope) -> Expression:
    operands = {
        each: scope.expression(value) for each, value in _CONVERT.read(name, operand).items()
    }
    read, to = operands["input"].run, operands["to"].run
    on_error, on_null = operands.get("onError"), operands.get("onNull")

    def run(document: Document, variables: Variables) -> Value:
        value = read(document, variables)
        target = to(document, variables)
        kind = None if is_nullish(target) else _target(target)
        if is_nullish(value):
            return None if on_null is None else on_null.run(document, variables)
        if kind is None:
            return None
        try:
            return convert_to(kind, value)
        except DatabaseRequestFailed:
            if on_error is None:
                raise
            return on_error.run(document, variables)

    return folded(run, list(operands.values()))


def _short_form(target: str) -> Operator:
    def build(name: str, operand: Value, scope: Scope) -> Expression:
        operands = operands_of(operand)
        if len(operands) != 1:
            raise refusal(f"{name} requires a single argument, got {len(operands)}", 50723)
        return apply(lambda value: convert_to(target, value), [scope.expression(operands[0])])

    return Operator(build, "x")


TYPES: Final[Mapping[str, Operator]] = {
    "$convert": Operator(_convert, _CONVERT.form),
    "$isNumber": fixed(1, is_number),
    "$toBool": _short_form("bool"),
    "$toDate": _short_form("date"),
    "$toDecimal": _short_form("decimal"),
    "$toDouble": _short_form("double"),
    "$toInt": _short_form("int"),
    "$toLong": _short_form("long"),
    "$toObjectId": _short_form("objectId"),
    "$toString": _short_form("string"),
    "$type": fixed(1, type_name),
}
