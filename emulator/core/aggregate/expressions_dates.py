"""Owns the date operators: parts, `$dateToString`, `$dateFromString`, `$dateFromParts` and so on.

Not here: calendar (`dates`), zones (`zones`), text (`date_text`, `date_parsing`). The one idea: a
date, an ObjectId and a timestamp are all a moment; a null date or zone gives null.
"""

from collections.abc import Callable, Mapping
from typing import Final

from emulator.core.aggregate import dates
from emulator.core.aggregate.date_parsing import parse_date
from emulator.core.aggregate.date_text import DEFAULT_FORMAT, reader, writer
from emulator.core.aggregate.dates import Moment, moment
from emulator.core.aggregate.nodes import (
    Expression,
    Named,
    Operator,
    Run,
    Scope,
    Variables,
    apply,
    constant,
    folded,
    is_nullish,
    refusal,
    wrong_type,
)
from emulator.core.aggregate.numbers import is_whole_number
from emulator.core.aggregate.zones import UTC_ZONE, Zone, zone
from emulator.core.errors import DatabaseRequestFailed
from emulator.core.query_types import type_name
from emulator.core.values import (
    INT64_MAX,
    INT64_MIN,
    Date,
    Document,
    Int64,
    ObjectId,
    Timestamp,
    Value,
)

_PART_MIN: Final = -32_768
_PART_MAX: Final = 32_767


def date_of(value: Value) -> int:
    """Return UTC milliseconds of a date, an ObjectId or a timestamp.

    Raises:
        DatabaseRequestFailed: it is none of these (16006).
    """
    if value.__class__ is Date:
        return int(value.ms)
    if value.__class__ is ObjectId:
        return int(value.hex[:8], 16) * dates.SECOND_MS
    if value.__class__ is Timestamp:
        return int(value.seconds) * dates.SECOND_MS
    raise wrong_type("can't convert from BSON type {type} to Date", 16006, value)


def _zone_of(value: Value) -> Zone | None:
    """Return the zone a value names, None for null."""
    if is_nullish(value):
        return None
    if type(value) is not str:
        raise wrong_type("timezone must evaluate to a string, found {type}", 40517, value)
    return zone(value)


# --- parts of a date -----------------------------------------------------------------------------


def _part(get: Callable[[Moment], Value]) -> Operator:
    """Return the operator that gives one part of a date, with or without a zone."""

    def build(name: str, operand: Value, scope: Scope) -> Expression:
        given, place = _date_and_zone(name, operand, scope)
        read = given.run
        if place is None:
            return folded(
                lambda document, variables: part_in_utc(read(document, variables)), [given]
            )
        where = place.run

        def run(document: Document, variables: Variables) -> Value:
            value = read(document, variables)
            if is_nullish(value):
                return None
            ms = date_of(value)
            at = _zone_of(where(document, variables))
            return None if at is None else get(moment(ms, at.offset_s(ms)))

        return folded(run, [given, place])

    def part_in_utc(value: Value) -> Value:
        return None if is_nullish(value) else get(moment(date_of(value)))

    return Operator(build, "date or {date, timezone?}")


def _date_and_zone(name: str, operand: Value, scope: Scope) -> tuple[Expression, Expression | None]:
    if type(operand) is list:
        if len(operand) != 1:
            raise refusal(
                f"{name} accepts exactly one argument if given an array, but was given"
                f" {len(operand)}",
                40536,
            )
        return scope.expression(operand[0]), None
    if type(operand) is not dict or next(iter(operand), "")[:1] == "$":
        return scope.expression(operand), None
    for given in operand:
        if given not in ("date", "timezone"):
            raise refusal(f"unrecognized option to {name}: '{given}'", 40535)
    if "date" not in operand:
        raise refusal(f"missing 'date' argument to {name}, provided: {operand!r:.80}", 40539)
    return scope.expression(operand["date"]), scope.optional(operand, "timezone")


# --- text ----------------------------------------------------------------------------------------

_TO_STRING: Final = Named(
    required=("date",),
    optional=("format", "timezone", "onNull"),
    not_object=18629,
    unknown=18534,
    missing=18628,
)
_FROM_STRING: Final = Named(
    required=("dateString",),
    optional=("format", "timezone", "onError", "onNull"),
    not_object=40540,
    unknown=40541,
    missing=40542,
)


def _compiled(scope: Scope, operands: Mapping[str, Value]) -> dict[str, Expression]:
    return {name: scope.expression(operand) for name, operand in operands.items()}


def _run(compiled: Mapping[str, Expression], name: str, default: Value) -> Run:
    """Return what gives a named operand, the default where it is not given."""
    return compiled.get(name, constant(default)).run


def _to_string(name: str, operand: Value, scope: Scope) -> Expression:
    operands = _compiled(scope, _TO_STRING.read(name, operand))
    read = operands["date"].run
    form = _run(operands, "format", DEFAULT_FORMAT)
    where = _run(operands, "timezone", "UTC")
    on_null = _run(operands, "onNull", None)
    if "format" in operands and operands["format"].is_constant:
        _check_format(name, operands["format"].constant, 18533, writer)
    if not {"timezone", "onNull"} & operands.keys() and _is_text(operands.get("format")):
        return apply(_writer_in_utc(form({}, ())), [operands["date"]])

    def run(document: Document, variables: Variables) -> Value:
        value = read(document, variables)
        text = form(document, variables)
        _check_format(name, text, 18533, writer)
        at = _zone_of(where(document, variables))
        if is_nullish(value):
            return on_null(document, variables)
        if at is None or is_nullish(text):
            return None
        return writer(text)(date_of(value), at)

    return folded(run, list(operands.values()))


def _is_text(form: Expression | None) -> bool:
    return form is None or type(form.constant) is str


def _writer_in_utc(form: str) -> Callable[[Value], Value]:
    """Return the short way for the most common case: a fixed format and no zone."""
    write = writer(form)
    return lambda value: None if is_nullish(value) else write(date_of(value), UTC_ZONE)


def _check_format(
    name: str, form: Value, code: int, compile_format: Callable[[str], object]
) -> None:
    if is_nullish(form):
        return
    if type(form) is not str:
        raise wrong_type(f"{name} requires that 'format' be a string, found: {{type}}", code, form)
    compile_format(form)


def _from_string(name: str, operand: Value, scope: Scope) -> Expression:
    operands = _compiled(scope, _FROM_STRING.read(name, operand))
    read = operands["dateString"].run
    has_format, has_zone = "format" in operands, "timezone" in operands
    form = _run(operands, "format", None)
    where = _run(operands, "timezone", None)
    on_null = _run(operands, "onNull", None)
    on_error = operands.get("onError")

    def run(document: Document, variables: Variables) -> Value:
        value = read(document, variables)
        text = form(document, variables)
        _check_format(name, text, 40684, reader)
        at = _zone_of(where(document, variables))
        if is_nullish(value):
            return on_null(document, variables)
        if (has_format and is_nullish(text)) or (has_zone and at is None):
            return None
        try:
            return Date(_read_date(value, text if has_format else None, at))
        except DatabaseRequestFailed as fault:
            if on_error is None or fault.mongo_code != 241:
                raise
            return on_error.run(document, variables)

    return folded(run, list(operands.values()))


def _read_date(value: Value, form: str | None, at: Zone | None) -> int:
    if type(value) is not str:
        raise wrong_type(
            "$dateFromString requires that 'dateString' be a string, found: {type}", 241, value
        )
    return parse_date(value, at) if form is None else reader(form)(value, at)


# --- parts together ------------------------------------------------------------------------------

_TIME_PARTS: Final = ("hour", "minute", "second", "millisecond", "timezone")
_FROM_PARTS: Final = Named(
    required=(),
    optional=(
        "year", "month", "day", "isoWeekYear", "isoWeek", "isoDayOfWeek", *_TIME_PARTS
    ),
    not_object=40519,
    unknown=40518,
    missing=40516,
)  # fmt: skip
_TO_PARTS: Final = Named(
    required=("date",),
    optional=("timezone", "iso8601"),
    not_object=40524,
    unknown=40520,
    missing=40522,
)


def _from_parts(name: str, operand: Value, scope: Scope) -> Expression:
    operands = _compiled(scope, _FROM_PARTS.read(name, operand))
    if "year" not in operands and "isoWeekYear" not in operands:
        raise refusal("$dateFromParts requires either 'year' or 'isoWeekYear' to be present", 40516)
    _refuse_mixed_parts(operands)
    is_iso = "isoWeekYear" in operands
    names = ("isoWeekYear", "isoWeek", "isoDayOfWeek") if is_iso else ("year", "month", "day")
    defaults = (1970, 1, 1, 0, 0, 0, 0)
    units = (*names, *_TIME_PARTS[:4])
    runs = [
        (unit, _run(operands, unit, default)) for unit, default in zip(units, defaults, strict=True)
    ]
    where = _run(operands, "timezone", "UTC")
    to_days = dates.days_of_iso_week if is_iso else dates.days_of_date

    def run(document: Document, variables: Variables) -> Value:
        values = [_unit(unit, read(document, variables)) for unit, read in runs]
        at = _zone_of(where(document, variables))
        if at is None or None in values:
            return None
        year, second, third, hour, minute, sec, ms = (value or 0 for value in values)
        total = to_days(year, second, third) * dates.DAY_MS + hour * dates.HOUR_MS
        total += minute * dates.MINUTE_MS + sec * dates.SECOND_MS + ms
        return Date(_in_int64(at.to_utc(total)))

    return folded(run, list(operands.values()))


def _refuse_mixed_parts(operands: Mapping[str, Expression]) -> None:
    """Refuse calendar parts and ISO parts together."""
    calendar = [name for name in ("year", "month", "day") if name in operands]
    iso = [name for name in ("isoWeekYear", "isoWeek", "isoDayOfWeek") if name in operands]
    if calendar and iso:
        code = 40489 if "year" in operands else 40525
        raise refusal(f"$dateFromParts does not allow mixing '{calendar[0]}' and '{iso[0]}'", code)


def _unit(name: str, value: Value) -> int | None:
    """Return one part as a whole number, None for null."""
    if is_nullish(value):
        return None
    if not is_whole_number(value):
        raise refusal(
            f"'{name}' must evaluate to an integer, found {type_name(value)} with value"
            f" {value!r:.40}",
            40515,
        )
    number = int(value)
    if name in ("year", "isoWeekYear"):
        if not 1 <= number <= 9999:
            raise refusal(
                f"'{name}' must evaluate to an integer in the range 1 to 9999, found {number}",
                40523,
            )
    elif name not in ("second", "millisecond") and not _PART_MIN <= number <= _PART_MAX:
        raise refusal(
            f"'{name}' must evaluate to a value in the range [{_PART_MIN}, {_PART_MAX}]; value"
            f" {number} is not in range",
            31034,
        )
    return number


def _in_int64(ms: int) -> int:
    return max(INT64_MIN, min(INT64_MAX, ms))


def _to_parts(name: str, operand: Value, scope: Scope) -> Expression:
    operands = _compiled(scope, _TO_PARTS.read(name, operand))
    read = operands["date"].run
    where = _run(operands, "timezone", "UTC")
    iso = _run(operands, "iso8601", default=False)

    def run(document: Document, variables: Variables) -> Value:
        value = read(document, variables)
        at = _zone_of(where(document, variables))
        by_week = iso(document, variables)
        if at is None or is_nullish(value) or is_nullish(by_week):
            return None
        if type(by_week) is not bool:
            raise wrong_type("iso8601 must evaluate to a bool, found {type}", 40521, by_week)
        ms = date_of(value)
        return _parts(moment(ms, at.offset_s(ms)), by_week=by_week)

    return folded(run, list(operands.values()))


def _parts(at: Moment, *, by_week: bool) -> Document:
    year, month, day = at.date
    date: Document = {"year": year, "month": month, "day": day}
    if by_week:
        date = {
            "isoWeekYear": at.iso_week_year,
            "isoWeek": at.iso_week,
            "isoDayOfWeek": at.iso_day_of_week,
        }
    return date | {
        "hour": at.hour,
        "minute": at.minute,
        "second": at.second,
        "millisecond": at.millisecond,
    }


DATES: Final[Mapping[str, Operator]] = {
    "$dateFromParts": Operator(_from_parts, _FROM_PARTS.form),
    "$dateFromString": Operator(_from_string, _FROM_STRING.form),
    "$dateToParts": Operator(_to_parts, _TO_PARTS.form),
    "$dateToString": Operator(_to_string, _TO_STRING.form),
    "$year": _part(lambda at: at.year),
    "$month": _part(lambda at: at.date[1]),
    "$dayOfMonth": _part(lambda at: at.date[2]),
    "$dayOfWeek": _part(lambda at: at.day_of_week),
    "$dayOfYear": _part(lambda at: at.day_of_year),
    "$hour": _part(lambda at: at.hour),
    "$minute": _part(lambda at: at.minute),
    "$second": _part(lambda at: at.second),
    "$millisecond": _part(lambda at: at.millisecond),
    "$week": _part(lambda at: at.week),
    "$isoDayOfWeek": _part(lambda at: at.iso_day_of_week),
    "$isoWeek": _part(lambda at: at.iso_week),
    "$isoWeekYear": _part(lambda at: Int64(at.iso_week_year)),
}
