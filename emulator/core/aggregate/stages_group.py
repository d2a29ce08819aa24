"""Owns the stages that gather documents under a key: `$group`, `$sortByCount`, `$count`.

Not here: the groups themselves (`groups`), buckets (`stages_bucket`). The one idea: keys are made
for a whole slice at once, one column for each part of the key, and are hashable stand-ins that are
equal exactly where MongoDB's values are.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import Final

from emulator.core.aggregate.accumulators import ACCUMULATORS
from emulator.core.aggregate.expressions import is_operator
from emulator.core.aggregate.group_keys import Keys, PlainKeys, RowKeys
from emulator.core.aggregate.groups import COUNT_OUTPUT, Groups, Output, key_itself
from emulator.core.aggregate.leavings import Leavings
from emulator.core.aggregate.nodes import Expression, Variables, refusal
from emulator.core.aggregate.numbers import WHOLE
from emulator.core.aggregate.stage_nodes import (
    Building,
    RunStage,
    Slice,
    Slices,
    Stage,
    StageBuilder,
    slices,
)
from emulator.core.aggregate.stages_flow import sort_stage
from emulator.core.aggregate.totals import Count
from emulator.core.aggregate.variables import check_field_name
from emulator.core.errors import InvalidOperator
from emulator.core.ordering import hash_key
from emulator.core.records import dataclass
from emulator.core.values import MISSING, Date, Document, Int64, ObjectId, Value

_PLAIN_KEYS: Final = frozenset({str, int, Int64, type(None), Date, ObjectId})


@dataclass(frozen=True, slots=True)
class GroupBy:
    """What documents are grouped by: their keys, and the id of the group a document begins.

    `id_of_key` gives it by a key that is one of `PlainKeys`.
    """

    of: Callable[[Slice, Variables], Keys]
    id_of: Callable[[Document, Variables], Value]
    id_of_key: Callable[[Value], Value] = key_itself


def read_outputs(specification: Mapping[str, Value], building: Building) -> list[Output]:
    """Return the accumulated fields of a stage.

    Raises:
        InvalidOperator: no such accumulator (15952).
        DatabaseRequestFailed: a field is refused (40234, 40235, 40236, 40237, 40238).
    """
    return [_read_output(name, value, building) for name, value in specification.items()]


def _read_output(name: str, value: Value, building: Building) -> Output:
    if "." in name:
        raise refusal(f"The field name '{name}' cannot contain '.'", 40235)
    if name[:1] == "$":
        raise refusal(f"The field name '{name}' cannot be an operator name", 40236)
    if type(value) is not dict or not value:
        raise refusal(f"The field '{name}' must be an accumulator object", 40234)
    if len(value) != 1:
        raise refusal(f"The field '{name}' must specify one accumulator", 40238)
    ((accumulator, operand),) = value.items()
    if accumulator == "$count":
        if operand != {}:
            raise refusal("$count takes no arguments, i.e. $count:{}", 40237)
        return Output(name, Count)
    start = ACCUMULATORS.get(accumulator)
    if start is None:
        raise InvalidOperator(f"unknown group operator '{accumulator}'", mongo_code=15952)
    if type(operand) is list:
        raise refusal(f"The {accumulator} accumulator is a unary operator", 40237)
    expression = building.expression(operand)
    if accumulator == "$sum" and type(expression.constant) in WHOLE:
        return Output(name, partial(Count, expression.constant))
    return Output(name, start, expression, path=operand if type(operand) is str else "")


def _group(_name: str, operand: Value, building: Building) -> Stage:
    if type(operand) is not dict:
        raise refusal("a group's fields must be specified in an object", 15947)
    if "_id" not in operand:
        raise refusal("a group specification must include an _id", 15955)
    fields = {name: value for name, value in operand.items() if name != "_id"}
    keys, outputs = _keys(operand["_id"], building), read_outputs(fields, building)
    return Stage(run=group_run(keys, outputs, building.environment.leavings))


def group_run(keys: GroupBy, outputs: Sequence[Output], leavings: Leavings) -> RunStage:
    """Return the run of a stage that gathers by keys."""

    def run(incoming: Slices, variables: Variables) -> Slices:
        def id_of(document: Document) -> Value:
            return keys.id_of(document, variables)

        groups = Groups(outputs, variables, id_of, keys.id_of_key)
        try:
            for chunk in incoming:
                groups.add(keys.of(chunk, variables), chunk)
                yield []
            yield from slices(groups.documents())
        finally:
            groups.leave(leavings)

    return run


# --- keys ----------------------------------------------------------------------------------------


def _keys(operand: Value, building: Building) -> GroupBy:
    if type(operand) is dict and operand and not is_operator(operand):
        for name in operand:
            check_field_name(name)
        columns = {name: building.expression(value) for name, value in operand.items()}
        return _single_field(*columns.popitem()) if len(columns) == 1 else _several_fields(columns)
    return single_key(building.expression(operand))


def single_key(expression: Expression) -> GroupBy:
    """Return keys that are the values of an expression, missing counting as null."""
    evaluate = expression.run

    def keys(documents: Slice, variables: Variables) -> Sequence[Hashable]:
        values = expression.column(documents, variables)
        if expression.kinds(documents, values) <= _PLAIN_KEYS:
            return PlainKeys(values)
        return [hash_key(None if value is MISSING else value) for value in values]

    def id_of(document: Document, variables: Variables) -> Value:
        value = evaluate(document, variables)
        return None if value is MISSING else value

    return GroupBy(keys, id_of)


def _single_field(name: str, expression: Expression) -> GroupBy:
    """Return keys of one field, of which a missing one counts as null as well."""
    keys = single_key(expression)
    return GroupBy(
        keys.of,
        lambda document, variables: {name: keys.id_of(document, variables)},
        lambda key: {name: key},
    )


def _several_fields(columns: Mapping[str, Expression]) -> GroupBy:
    """Return keys of several fields, of which missing ones stay apart from null."""

    def keys(documents: Slice, variables: Variables) -> Keys:
        return RowKeys([_hash_keys(each, documents, variables) for each in columns.values()])

    def id_of(document: Document, variables: Variables) -> Value:
        values = {name: each.run(document, variables) for name, each in columns.items()}
        return {name: value for name, value in values.items() if value is not MISSING}

    return GroupBy(keys, id_of)


def _hash_keys(
    expression: Expression, documents: Slice, variables: Variables
) -> Sequence[Hashable]:
    """Return the hash key of each document's value."""
    values = expression.column(documents, variables)
    if expression.kinds(documents, values) <= _PLAIN_KEYS:
        return values
    return [hash_key(value) for value in values]


# --- short forms ---------------------------------------------------------------------------------


def _sort_by_count(_name: str, operand: Value, building: Building) -> Stage:
    if type(operand) is dict:
        if not is_operator(operand):
            raise refusal(
                "the sortByCount field must be defined as a $-prefixed path or an expression"
                " inside an object",
                40147,
            )
    elif type(operand) is not str:
        raise refusal("the sortByCount field must be specified as a string or as an object", 40149)
    elif operand[:1] != "$":
        raise refusal("the sortByCount field must be defined as a $-prefixed path", 40148)
    leavings = building.environment.leavings
    group = group_run(single_key(building.expression(operand)), [COUNT_OUTPUT], leavings)
    sort = sort_stage([("count", -1)], leavings).run
    return Stage(run=lambda incoming, variables: sort(group(incoming, variables), variables))


def _count(_name: str, operand: Value, _building: Building) -> Stage:
    if type(operand) is not str:
        raise refusal("the count field must be a non-empty string", 40156)
    if not operand:
        raise refusal("the count field must be a non-empty string", 40157)
    if operand[0] == "$":
        raise refusal("the count field cannot be a $-prefixed path", 40158)
    if "\0" in operand:
        raise refusal("the count field cannot contain a null byte", 40159)
    if "." in operand:
        raise refusal("the count field cannot contain '.'", 40160)

    def run(incoming: Slices, _variables: Variables) -> Slices:
        count = 0
        for chunk in incoming:
            count += len(chunk)
            yield []
        if count:
            yield [{operand: count}]

    return Stage(run=run)


GROUP: Final[Mapping[str, StageBuilder]] = {
    "$count": _count,
    "$group": _group,
    "$sortByCount": _sort_by_count,
}
