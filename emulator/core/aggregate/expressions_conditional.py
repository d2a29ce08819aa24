"""Owns comparisons, boolean operators and choices: `$cmp`, `$and`, `$cond`, `$ifNull`, `$switch`.

Not here: the order itself (`core.ordering`). The one idea: operands are evaluated only when the
answer still depends on them, and comparisons never bracket types: missing < null < numbers < text.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from emulator.core.aggregate.nodes import (
    ANY_NUMBER,
    Expression,
    Named,
    Operator,
    Run,
    Scope,
    Variables,
    constant,
    fixed,
    folded,
    is_nullish,
    is_true,
    operands_of,
    refusal,
)
from emulator.core.ordering import compare, equal
from emulator.core.values import Document, Value

_PLAIN: Final = frozenset({int, str})
_NUMBERS: Final = frozenset({int, float})


def _comparison(plain: Callable[[Value, Value], bool]) -> Callable[[Value, Value], bool]:
    """Return the comparison of any two values that Python's own operator stands for."""

    def holds(a: Value, b: Value) -> bool:
        if a.__class__ is b.__class__ and a.__class__ in _PLAIN:
            return plain(a, b)
        if a.__class__ in _NUMBERS and b.__class__ in _NUMBERS and a == a and b == b:  # noqa: PLR0124  # NaN
            return plain(a, b)
        return plain(compare(a, b), 0)

    return holds


def _not_equal(a: Value, b: Value) -> bool:
    return not equal(a, b)


# --- boolean -------------------------------------------------------------------------------------


def _and(_name: str, operand: Value, scope: Scope) -> Expression:
    arguments = [scope.expression(each) for each in operands_of(operand)]
    runs = [argument.run for argument in arguments]

    def run(document: Document, variables: Variables) -> bool:
        for each in runs:  # noqa: SIM110  # a generator would cost twice as much
            if not is_true(each(document, variables)):
                return False
        return True

    return folded(run, arguments)


def _or(_name: str, operand: Value, scope: Scope) -> Expression:
    arguments = [scope.expression(each) for each in operands_of(operand)]
    runs = [argument.run for argument in arguments]

    def run(document: Document, variables: Variables) -> bool:
        for each in runs:  # noqa: SIM110  # a generator would cost twice as much
            if is_true(each(document, variables)):
                return True
        return False

    return folded(run, arguments)


def _not(value: Value) -> bool:
    return not is_true(value)


# --- choices -------------------------------------------------------------------------------------


def _cond(name: str, operand: Value, scope: Scope) -> Expression:
    if type(operand) is dict:
        operand = _cond_operands(operand)
    operands = operands_of(operand)
    if len(operands) != 3:
        raise refusal(
            f"Expression {name} takes exactly 3 arguments. {len(operands)} were passed in.", 16020
        )
    arguments = [scope.expression(each) for each in operands]
    condition, then, otherwise = (argument.run for argument in arguments)
    if arguments[0].is_constant:
        return arguments[1] if is_true(arguments[0].constant) else arguments[2]
    return Expression(
        run=lambda document, variables: (
            then(document, variables)
            if is_true(condition(document, variables))
            else otherwise(document, variables)
        )
    )


_COND_MISSING: Final = {"if": 17080, "then": 17081, "else": 17082}


def _cond_operands(operand: Mapping[str, Value]) -> list[Value]:
    for given in operand:
        if given not in _COND_MISSING:
            raise refusal(f"Unrecognized parameter to $cond: {given}", 17083)
    for name, code in _COND_MISSING.items():
        if name not in operand:
            raise refusal(f"Missing '{name}' parameter to $cond", code)
    return [operand[name] for name in _COND_MISSING]


def _if_null(name: str, operand: Value, scope: Scope) -> Expression:
    operands = operands_of(operand)
    if len(operands) < 2:
        raise refusal(f"{name} needs at least two arguments, had: {len(operands)}", 1257300)
    arguments = [scope.expression(each) for each in operands]
    *firsts, last = (argument.run for argument in arguments)

    def run(document: Document, variables: Variables) -> Value:
        for first in firsts:
            value = first(document, variables)
            if not is_nullish(value):
                return value
        return last(document, variables)

    return folded(run, arguments)


_SWITCH: Final = Named(
    required=("branches",), optional=("default",), not_object=40060, unknown=40067, missing=40068
)


def _switch(name: str, operand: Value, scope: Scope) -> Expression:
    operands = _SWITCH.read(name, operand)
    if type(operands["branches"]) is not list:
        raise refusal("$switch expected an array for 'branches'", 40061)
    branches = [_branch(each, scope) for each in operands["branches"]]
    default = scope.optional(operands, "default")
    if not branches:
        raise refusal("$switch requires at least one branch.", 40068)
    arguments = [argument for branch in branches for argument in branch]
    return folded(_choose(branches, default), [*arguments, default])


def _choose(branches: Sequence[tuple[Expression, Expression]], default: Expression | None) -> Run:
    runs = [(case.run, then.run) for case, then in branches]

    def run(document: Document, variables: Variables) -> Value:
        for case, then in runs:
            if is_true(case(document, variables)):
                return then(document, variables)
        if default is None:
            raise refusal(
                "$switch could not find a matching branch for an input, and no default was"
                " specified.",
                40066,
            )
        return default.run(document, variables)

    return run


def _branch(branch: Value, scope: Scope) -> tuple[Expression, Expression]:
    if type(branch) is not dict:
        raise refusal("$switch expected each branch to be an object", 40062)
    for given in branch:
        if given not in ("case", "then"):
            raise refusal(f"$switch found an unknown argument to a branch: {given}", 40063)
    for name, code in (("case", 40064), ("then", 40065)):
        if name not in branch:
            raise refusal(f"$switch requires each branch have a '{name}' expression", code)
    return scope.expression(branch["case"]), scope.expression(branch["then"])


def _literal(_name: str, operand: Value, _scope: Scope) -> Expression:
    return constant(operand)


CONDITIONAL: Final[Mapping[str, Operator]] = {
    "$cmp": fixed(2, compare),
    "$eq": fixed(2, equal),
    "$ne": fixed(2, _not_equal),
    "$gt": fixed(2, _comparison(operator.gt)),
    "$gte": fixed(2, _comparison(operator.ge)),
    "$lt": fixed(2, _comparison(operator.lt)),
    "$lte": fixed(2, _comparison(operator.le)),
    "$and": Operator(_and, ANY_NUMBER),
    "$or": Operator(_or, ANY_NUMBER),
    "$not": fixed(1, _not),
    "$cond": Operator(_cond, "[if, then, else] or {if, then, else}"),
    "$ifNull": Operator(_if_null, "[x, ..., instead]"),
    "$switch": Operator(_switch, _SWITCH.form),
    "$literal": Operator(_literal, "any value"),
    "$const": Operator(_literal, "any value"),
}
