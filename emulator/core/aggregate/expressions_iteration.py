"""Owns the operators that bind variables: `$let`, `$map`, `$filter`, `$reduce`.

Not here: what names are allowed (`variables`). The one idea: the variables of an inner expression
are those of the outer one and the new ones behind them, in one tuple.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from emulator.core.aggregate.nodes import (
    Expression,
    Named,
    Operator,
    Run,
    Scope,
    Variables,
    Watch,
    is_nullish,
    is_true,
    refusal,
    wrong_type,
)
from emulator.core.aggregate.numbers import is_int32
from emulator.core.aggregate.variables import check_bindable
from emulator.core.values import MISSING, Document, Value

WATCHED_ITEMS: Final = 64

_LET: Final = Named(
    required=("vars", "in"),
    not_object=16874,
    unknown=16875,
    missing={"vars": 16876, "in": 16877},
)
_MAP: Final = Named(
    required=("input", "in"),
    optional=("as",),
    not_object=16878,
    unknown=16879,
    missing={"input": 16880, "in": 16882},
)
_FILTER: Final = Named(
    required=("input", "cond"),
    optional=("as", "limit"),
    not_object=28646,
    unknown=28647,
    missing={"input": 28648, "cond": 28650},
)
_REDUCE: Final = Named(
    required=("input", "initialValue", "in"),
    not_object=40075,
    unknown=40076,
    missing={"input": 40077, "initialValue": 40078, "in": 40079},
)


def _let(name: str, operand: Value, scope: Scope) -> Expression:
    operands = _LET.read(name, operand)
    given = operands["vars"]
    if type(given) is not dict:
        raise refusal("invalid parameter: expected an object (vars)", 10065)
    for each in given:
        check_bindable(each)
    values = [scope.expression(each) for each in given.values()]
    inner = scope.bind(*given).expression(operands["in"])
    if inner.is_constant:
        return inner
    runs = [value.run for value in values]
    inside = inner.run
    return Expression(
        run=lambda document, variables: inside(
            document, (*variables, *[run(document, variables) for run in runs])
        )
    )


def _element_name(operands: Mapping[str, Value]) -> str:
    name = operands.get("as", "this")
    if type(name) is not str:
        raise refusal("'as' must be a string", 9)
    check_bindable(name)
    return name


def _array_run(name: str, code: int, given: Expression) -> Run:
    """Return what gives the array to go through, None for null."""
    read = given.run

    def run(document: Document, variables: Variables) -> Value:
        value = read(document, variables)
        if value.__class__ is list:
            return value
        if is_nullish(value):
            return None
        raise wrong_type(f"input to {name} must be an array not {{type}}", code, value)

    return run


def _watched(items: list[Value], watch: Watch) -> Iterable[Value]:
    """Return the items; on the way through them the watch is asked now and then."""
    watch()
    return items if len(items) <= WATCHED_ITEMS else _with_watch(items, watch)


def _with_watch(items: list[Value], watch: Watch) -> Iterator[Value]:
    for start in range(0, len(items), WATCHED_ITEMS):
        watch()
        yield from items[start : start + WATCHED_ITEMS]


def _map(name: str, operand: Value, scope: Scope) -> Expression:
    operands = _MAP.read(name, operand)
    array = _array_run(name, 16883, scope.expression(operands["input"]))
    inside = scope.bind(_element_name(operands)).expression(operands["in"]).run
    watch = scope.watch

    def run(document: Document, variables: Variables) -> Value:
        items = array(document, variables)
        if items is None:
            return None
        return [
            None if value is MISSING else value
            for value in [inside(document, (*variables, item)) for item in _watched(items, watch)]
        ]

    return Expression(run=run)


def _filter(name: str, operand: Value, scope: Scope) -> Expression:
    operands = _FILTER.read(name, operand)
    array = _array_run(name, 28651, scope.expression(operands["input"]))
    limit = scope.optional(operands, "limit")
    holds = scope.bind(_element_name(operands)).expression(operands["cond"]).run
    watch = scope.watch

    def run(document: Document, variables: Variables) -> Value:
        items = array(document, variables)
        count = None if limit is None else _limit(limit.run(document, variables))
        if items is None:
            return None
        kept = [
            item for item in _watched(items, watch) if is_true(holds(document, (*variables, item)))
        ]
        return kept[:count]

    return Expression(run=run)


def _limit(value: Value) -> int | None:
    if is_nullish(value):
        return None
    if not is_int32(value):
        raise wrong_type("$filter: limit must be represented as a 32-bit integer", 327391, value)
    if value <= 0:
        raise refusal("$filter: limit must be greater than 0", 327392)
    return int(value)


def _reduce(name: str, operand: Value, scope: Scope) -> Expression:
    operands = _REDUCE.read(name, operand)
    array = _array_run(name, 40080, scope.expression(operands["input"]))
    initial = scope.expression(operands["initialValue"]).run
    step = scope.bind("this", "value").expression(operands["in"]).run
    watch = scope.watch

    def run(document: Document, variables: Variables) -> Value:
        items = array(document, variables)
        if items is None:
            return None
        value = initial(document, variables)
        for item in _watched(items, watch):
            value = step(document, (*variables, item, value))
        return value

    return Expression(run=run)


ITERATION: Final[Mapping[str, Operator]] = {
    "$let": Operator(_let, _LET.form),
    "$map": Operator(_map, _MAP.form),
    "$filter": Operator(_filter, _FILTER.form),
    "$reduce": Operator(_reduce, _REDUCE.form),
}
