"""Owns the stages that gather documents under a key: `$group`, `$sortByCount`, `$count`.

Not here: accumulators (`accumulators`), buckets (`stages_bucket`). The one idea: of each slice the
documents are first laid together by key, then every accumulator takes a whole pile at once.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from emulator.core.aggregate.accumulators import ACCUMULATORS, Accumulator, Count
from emulator.core.aggregate.expressions import is_operator
from emulator.core.aggregate.nodes import Expression, Variables, constant, refusal
from emulator.core.aggregate.stage_nodes import Building, Slice, Slices, Stage, StageBuilder, slices
from emulator.core.aggregate.stages_flow import sort_stage
from emulator.core.aggregate.variables import check_field_name
from emulator.core.errors import InvalidOperator
from emulator.core.ordering import hash_key
from emulator.core.values import MISSING, Date, Document, Int64, ObjectId, Value

_PLAIN_KEYS: Final = frozenset({str, int, Int64, type(None), Date, ObjectId})


@dataclass(frozen=True, slots=True)
class Output:
    """One field of a group: its name, its accumulator, and what that is fed."""

    name: str
    start: Callable[[], Accumulator]
    expression: Expression


COUNT_OUTPUT: Final = Output("count", Count, constant(1))


class Groups:
    """Groups that grow as slices come in."""

    def __init__(self, outputs: Sequence[Output], variables: Variables) -> None:
        self._outputs = outputs
        self._variables = variables
        self._ids: dict[Hashable, Value] = {}
        self._states: dict[Hashable, list[Accumulator]] = {}

    def add(self, keys: Sequence[Hashable], ids: Sequence[Value], documents: Slice) -> None:
        """Take documents, the key and the id of each beside it."""
        piles: dict[Hashable, Slice] = {}
        for key, id_, document in zip(keys, ids, documents, strict=True):
            pile = piles.get(key)
            if pile is None:
                piles[key] = [document]
                if key not in self._ids:
                    self._ids[key] = id_
                    self._states[key] = [output.start() for output in self._outputs]
            else:
                pile.append(document)
        for key, pile in piles.items():
            for state, output in zip(self._states[key], self._outputs, strict=True):
                state.add(output.expression.column(pile, self._variables))

    def documents(self, ids: Mapping[Hashable, Value] | None = None) -> list[Document]:
        """Return a document for each group, in the order the groups began, with these ids."""
        ids = self._ids if ids is None else ids
        return [self._document(ids[key], states) for key, states in self._states.items()]

    def _document(self, id_: Value, states: Sequence[Accumulator]) -> Document:
        document: Document = {"_id": id_}
        for state, output in zip(states, self._outputs, strict=True):
            value = state.result()
            document[output.name] = None if value is MISSING else value
        return document


_Keys: TypeAlias = Callable[[Slice, Variables], tuple[Sequence[Hashable], Sequence[Value]]]
"""Gives the key and the id of each document."""


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
        return Output(name, Count, constant(1))
    start = ACCUMULATORS.get(accumulator)
    if start is None:
        raise InvalidOperator(f"unknown group operator '{accumulator}'", mongo_code=15952)
    if type(operand) is list:
        raise refusal(f"The {accumulator} accumulator is a unary operator", 40237)
    return Output(name, start, building.expression(operand))


def _group(_name: str, operand: Value, building: Building) -> Stage:
    if type(operand) is not dict:
        raise refusal("a group's fields must be specified in an object", 15947)
    if "_id" not in operand:
        raise refusal("a group specification must include an _id", 15955)
    fields = {name: value for name, value in operand.items() if name != "_id"}
    return Stage(run=group_run(_keys(operand["_id"], building), read_outputs(fields, building)))


def group_run(keys: _Keys, outputs: Sequence[Output]) -> Callable[[Slices, Variables], Slices]:
    """Return the run of a stage that gathers by keys."""

    def run(incoming: Slices, variables: Variables) -> Slices:
        groups = Groups(outputs, variables)
        for chunk in incoming:
            groups.add(*keys(chunk, variables), chunk)
            yield []
        yield from slices(groups.documents())

    return run


# --- keys ----------------------------------------------------------------------------------------


def _keys(operand: Value, building: Building) -> _Keys:
    if type(operand) is dict and operand and not is_operator(operand):
        for name in operand:
            check_field_name(name)
        columns = {name: building.expression(value) for name, value in operand.items()}
        return _single_field(*columns.popitem()) if len(columns) == 1 else _several_fields(columns)
    return single_key(building.expression(operand))


def single_key(expression: Expression) -> _Keys:
    """Return keys that are the values of an expression, missing counting as null."""

    def keys(documents: Slice, variables: Variables) -> tuple[Sequence[Hashable], Sequence[Value]]:
        ids = _null_for_missing(expression.column(documents, variables))
        return hash_keys(ids), ids

    return keys


def _single_field(name: str, expression: Expression) -> _Keys:
    def keys(documents: Slice, variables: Variables) -> tuple[Sequence[Hashable], Sequence[Value]]:
        values = _null_for_missing(expression.column(documents, variables))
        return hash_keys(values), [{name: value} for value in values]

    return keys


def _several_fields(columns: Mapping[str, Expression]) -> _Keys:
    """Return keys of several fields, of which missing ones stay apart from null."""
    names = list(columns)

    def keys(documents: Slice, variables: Variables) -> tuple[Sequence[Hashable], Sequence[Value]]:
        values = [expression.column(documents, variables) for expression in columns.values()]
        ids = [
            {name: value for name, value in zip(names, row, strict=True) if value is not MISSING}
            for row in zip(*values, strict=True)
        ]
        return list(zip(*map(hash_keys, values), strict=True)), ids

    return keys


def _null_for_missing(values: list[Value]) -> list[Value]:
    if MISSING in values:
        return [None if value is MISSING else value for value in values]
    return values


def hash_keys(values: Sequence[Value]) -> Sequence[Hashable]:
    """Return the hash key of each value."""
    if _PLAIN_KEYS.issuperset(map(type, values)):
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
    group = group_run(single_key(building.expression(operand)), [COUNT_OUTPUT])
    sort = sort_stage([("count", -1)]).run
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
