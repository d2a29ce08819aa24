"""Owns `$bucket` and `$bucketAuto`: groups by ranges of a value, given or found.

Not here: groups and their fields (`stages_group`), series of limits (`granularity`). The one idea:
given limits turn a value into the number of its range, so a bucket is a group like any other; found
limits need the documents sorted first.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from operator import itemgetter
from typing import Final, TypeAlias

from emulator.core.aggregate.expressions import is_operator
from emulator.core.aggregate.granularity import Granularity, granularity
from emulator.core.aggregate.groups import COUNT_OUTPUT, Groups, Output
from emulator.core.aggregate.nodes import Expression, Variables, refusal, wrong_type
from emulator.core.aggregate.numbers import is_int32, is_number
from emulator.core.aggregate.sorting import sorted_in_steps
from emulator.core.aggregate.stage_nodes import (
    SLICE_DOCUMENTS,
    Building,
    Slices,
    Stage,
    StageBuilder,
    read_options,
    slices,
)
from emulator.core.aggregate.stages_group import read_outputs
from emulator.core.ordering import SortKey, compare, rank, sort_key
from emulator.core.records import dataclass
from emulator.core.values import MISSING, Document, Value

BOUNDARIES_MAX: Final = 10_000

_BUCKET_OPTIONS: Final = ("groupBy", "boundaries", "default", "output")
_AUTO_OPTIONS: Final = ("groupBy", "buckets", "output", "granularity")


def _outputs(options: Mapping[str, Value], building: Building, code: int) -> Sequence[Output]:
    output = options.get("output", MISSING)
    if output is MISSING:
        return [COUNT_OUTPUT]
    if type(output) is not dict:
        raise wrong_type(
            "The 'output' field must be an object, but found type: {type}", code, output
        )
    return read_outputs(output, building)


def _group_by(options: Mapping[str, Value], building: Building, code: int) -> Expression:
    operand = options["groupBy"]
    is_path = type(operand) is str and operand[:1] == "$"
    if not is_path and not is_operator(operand):
        raise refusal(
            "The 'groupBy' field must be defined as a $-prefixed path or an expression object, but"
            f" found: {operand!r:.60}",
            code,
        )
    return building.expression(operand)


def _constant(operand: Value, building: Building, what: str, code: int) -> Value:
    expression = building.expression(operand)
    if not expression.is_constant:
        raise refusal(f"The $bucket {what} must be a constant, but found: {operand!r:.60}", code)
    return expression.constant


# --- given limits --------------------------------------------------------------------------------


def _bucket(name: str, operand: Value, building: Building) -> Stage:
    if type(operand) is not dict:
        raise wrong_type(
            "Argument to $bucket stage must be an object, but found type: {type}", 40201, operand
        )
    options = read_options(name, operand, _BUCKET_OPTIONS, 40197)
    if "groupBy" not in options or "boundaries" not in options:
        raise refusal("$bucket requires 'groupBy' and 'boundaries' to be specified.", 40198)
    group_by = _group_by(options, building, 40202)
    limits = _limits(options["boundaries"], building)
    default: Value = MISSING
    if "default" in options:
        default = _constant(options["default"], building, "'default' field", 40195)
        _check_default(default, limits)
    outputs = _outputs(options, building, 40196)
    keys = [sort_key(limit) for limit in limits]
    ids = {**dict(enumerate(limits)), -1: default}

    def place_of(document: Document, variables: Variables) -> int:
        return _range_of(group_by.run(document, variables), keys)

    def run(incoming: Slices, variables: Variables) -> Slices:
        groups = Groups(outputs, variables, lambda document: ids[place_of(document, variables)])
        for chunk in incoming:
            places = [_range_of(value, keys) for value in group_by.column(chunk, variables)]
            if default is MISSING and -1 in places:
                raise refusal(
                    "$bucket could not find a matching branch for an input, and no default was"
                    " specified.",
                    40066,
                )
            groups.add(places, chunk)
            yield []
        yield from slices(sorted(groups.documents(), key=_id_key))

    return Stage(run=run)


def _range_of(value: Value, keys: Sequence[SortKey]) -> int:
    """Return the number of the range a value lies in, -1 for none."""
    place = bisect_right(keys, sort_key(value)) - 1
    return place if place < len(keys) - 1 else -1


def _id_key(document: Document) -> SortKey:
    return sort_key(document["_id"])


def _limits(operand: Value, building: Building) -> list[Value]:
    if type(operand) is not list:
        raise wrong_type(
            "The $bucket 'boundaries' field must be an array, but found type: {type}",
            40200,
            operand,
        )
    if not 2 <= len(operand) <= BOUNDARIES_MAX:
        raise refusal(
            "The $bucket 'boundaries' field must have at least 2 values, but found"
            f" {len(operand)} value(s).",
            40192,
        )
    limits = [_constant(each, building, "boundaries", 40191) for each in operand]
    for low, high in pairwise(limits):
        if rank(low) != rank(high):
            raise refusal(
                "All values in the 'boundaries' option to $bucket must have one type", 40193
            )
        if compare(low, high) >= 0:
            raise refusal(
                "The 'boundaries' option to $bucket must be sorted in ascending order", 40194
            )
    return limits


def _check_default(default: Value, limits: Sequence[Value]) -> None:
    if compare(default, limits[0]) >= 0 and compare(default, limits[-1]) < 0:
        raise refusal(
            "The $bucket 'default' field must be less than the lowest boundary or greater than or"
            " equal to the highest boundary.",
            40199,
        )


# --- found limits --------------------------------------------------------------------------------

_Row: TypeAlias = tuple[SortKey, Value, Document]
"""A document, what it is grouped by, and that as a sort key."""


@dataclass(frozen=True, slots=True)
class _Range:
    """A bucket: its limits and the places of its documents among all."""

    least: Value
    most: Value
    start: int
    end: int


def _bucket_auto(name: str, operand: Value, building: Building) -> Stage:
    if type(operand) is not dict:
        raise wrong_type(
            "The argument to $bucketAuto must be an object, but found type: {type}", 40240, operand
        )
    options = read_options(name, operand, _AUTO_OPTIONS, 40245)
    if "groupBy" not in options or "buckets" not in options:
        raise refusal("$bucketAuto requires 'groupBy' and 'buckets' to be specified", 40246)
    group_by = _group_by(options, building, 40239)
    count = _bucket_count(options["buckets"])
    rounding = granularity(options["granularity"]) if "granularity" in options else None
    outputs = _outputs(options, building, 40244)
    leavings = building.environment.leavings

    def run(incoming: Slices, variables: Variables) -> Slices:
        unsorted: list[_Row] = []
        rows: list[_Row] = []
        try:
            for chunk in incoming:
                values = group_by.column(chunk, variables)
                ids = [None if value is MISSING else value for value in values]
                unsorted += zip(map(sort_key, ids), ids, chunk, strict=True)
                yield []
            rows = yield from sorted_in_steps(unsorted, itemgetter(0))
            for range_ in _ranges(rows, count, rounding):
                yield from _filled(range_, rows, outputs, variables)
        finally:
            leavings.take(unsorted, rows)

    return Stage(run=run)


def _filled(
    range_: _Range, rows: Sequence[_Row], outputs: Sequence[Output], variables: Variables
) -> Slices:
    id_ = {"min": range_.least, "max": range_.most}
    groups = Groups(outputs, variables, lambda _document: id_)
    for start in range(range_.start, range_.end, SLICE_DOCUMENTS):
        some = [row[2] for row in rows[start : min(start + SLICE_DOCUMENTS, range_.end)]]
        groups.add([0] * len(some), some)
        yield []
    yield list(groups.documents())


def _bucket_count(value: Value) -> int:
    if not is_number(value):
        raise wrong_type(
            "The $bucketAuto 'buckets' field must be a numeric value, but found type: {type}",
            40241,
            value,
        )
    if not is_int32(value):
        raise refusal(
            f"The $bucketAuto 'buckets' field must be representable as a 32-bit integer: {value}",
            40242,
        )
    if value <= 0:
        raise refusal(
            f"The $bucketAuto 'buckets' field must be greater than 0, but found: {value}", 40243
        )
    return int(value)


def _ranges(rows: Sequence[_Row], count: int, rounding: Granularity | None) -> Iterator[_Range]:
    """Yield up to so many ranges of about equal counts; equal values are never split."""
    size = max(int(len(rows) / count + 0.5), 1)
    before: _Range | None = None
    place = number = 0
    while place < len(rows) and number < count:
        number += 1
        is_last = number == count
        end = len(rows) if is_last else min(place + size, len(rows))
        least, most = rows[place][1], rows[end - 1][1]
        if rounding is not None:
            least, most = _rounded(rows, (place, end), rounding, before)
        key = sort_key(most)
        while end < len(rows) and (rows[end][0] == key if rounding is None else rows[end][0] < key):
            end += 1
        if before is not None:
            yield before if rounding is not None else replace(before, most=least)
        before = _Range(least, most, place, end)
        place = end
    if before is not None:
        yield before


def _rounded(
    rows: Sequence[_Row], span: tuple[int, int], rounding: Granularity, before: _Range | None
) -> tuple[Value, Value]:
    """Return the limits of a range in the series; a range starts where the one before it ends."""
    place, end = span
    least, most = rows[place][1], rows[end - 1][1]
    upper: Value = rounding.up(most)
    if most == 0 and before is None and end < len(rows):
        upper = rounding.down(rows[end][1])
    return (rounding.down(least) if before is None else before.most), upper


BUCKET: Final[Mapping[str, StageBuilder]] = {
    "$bucket": _bucket,
    "$bucketAuto": _bucket_auto,
}
