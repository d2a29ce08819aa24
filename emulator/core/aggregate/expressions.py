"""Owns compiling expressions: literals, paths, objects, arrays, and the table of operators.

Not here: what operators do (`expressions_*`). The one idea: an expression becomes one closure of a
document and the variables in scope; all that can be refused is refused while compiling, the rest
where it is reached.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from emulator.core.aggregate.accumulators import AS_EXPRESSIONS
from emulator.core.aggregate.expressions_angles import ANGLES
from emulator.core.aggregate.expressions_arithmetic import ARITHMETIC
from emulator.core.aggregate.expressions_arrays import ARRAYS
from emulator.core.aggregate.expressions_conditional import CONDITIONAL
from emulator.core.aggregate.expressions_dates import DATES
from emulator.core.aggregate.expressions_iteration import ITERATION
from emulator.core.aggregate.expressions_objects import OBJECTS
from emulator.core.aggregate.expressions_sets import SETS
from emulator.core.aggregate.expressions_strings import STRINGS
from emulator.core.aggregate.expressions_text import TEXT
from emulator.core.aggregate.expressions_types import TYPES
from emulator.core.aggregate.nodes import (
    EXPRESSION_DEPTH_MAX,
    Expression,
    Operator,
    Scope,
    Variables,
    Watch,
    constant,
    folded,
    is_true,
    refusal,
    unwatched,
)
from emulator.core.aggregate.sizes import SIZES
from emulator.core.aggregate.variables import check_field_name, compile_reference
from emulator.core.errors import InvalidOperator
from emulator.core.paths import Predicate
from emulator.core.query_nodes import ExpressionCompiler
from emulator.core.values import MISSING, Document, Value

OPERATORS: Final[Mapping[str, Operator]] = {
    **ANGLES,
    **ARITHMETIC,
    **ARRAYS,
    **AS_EXPRESSIONS,
    **CONDITIONAL,
    **DATES,
    **ITERATION,
    **OBJECTS,
    **SETS,
    **SIZES,
    **STRINGS,
    **TEXT,
    **TYPES,
}


def compile_expression(expression: Value, *, now_ms: int) -> Callable[[Document], Value]:
    """Return the function that gives an expression's value for a document, MISSING for none.

    Raises:
        InvalidOperator: no such operator (168).
        DatabaseRequestFailed: an operator's operands are refused, by MongoDB's number.
    """
    run = compile_value(expression, base_scope(now_ms=now_ms)).run
    return lambda document: run(document, ())


def expression_compiler(*, now_ms: int) -> ExpressionCompiler:
    """Return what `compile_filter(..., expression=...)` wants to compile `$expr` with."""

    def compile_condition(operand: Value) -> Predicate:
        run = compile_value(operand, base_scope(now_ms=now_ms)).run
        return lambda document: is_true(run(document, ()))

    return compile_condition


def base_scope(*, now_ms: int, watch: Watch = unwatched) -> Scope:
    """Return the scope without variables but the system's."""
    return Scope(compile=compile_value, now_ms=now_ms, watch=watch)


def compile_value(operand: Value, scope: Scope) -> Expression:
    """Return any operand compiled: a reference, an operator, an object, an array or a literal."""
    kind = type(operand)
    if kind is str:
        return compile_reference(operand, scope) if operand[:1] == "$" else constant(operand)
    if kind is dict:
        if is_operator(operand):
            return _compile_operator(operand, _deeper(scope, 2))
        return _compile_object(operand, _deeper(scope, 1))
    if kind is list:
        return _compile_array(operand, _deeper(scope, 1))
    return constant(operand)


def _deeper(scope: Scope, levels: int) -> Scope:
    if scope.depth + levels > EXPRESSION_DEPTH_MAX:
        raise refusal(
            f"the expression is nested deeper than {EXPRESSION_DEPTH_MAX} levels",
            15,
            hint="an operator counts as two levels",
        )
    return replace(scope, depth=scope.depth + levels)


def is_operator(operand: Value) -> bool:
    """Tell whether an operand is an object whose first name is an operator's."""
    return type(operand) is dict and next(iter(operand), "")[:1] == "$"


def _compile_object(operand: Document, scope: Scope) -> Expression:
    fields: list[tuple[str, Expression]] = []
    for name, value in operand.items():
        if name[:1] == "$":
            raise refusal(
                "Expression objects cannot mix operators and fields: "
                f"{name} must be the only name of its object",
                15983,
            )
        check_field_name(name)
        fields.append((name, compile_value(value, scope)))
    runs = [(name, field.run) for name, field in fields]

    def run(document: Document, variables: Variables) -> Document:
        found = {name: each(document, variables) for name, each in runs}
        if MISSING in found.values():
            return {name: value for name, value in found.items() if value is not MISSING}
        return found

    return folded(run, [field for _, field in fields])


def _compile_operator(operand: Document, scope: Scope) -> Expression:
    if len(operand) != 1:
        raise refusal(
            "An object representing an expression must have exactly one field:"
            f" {', '.join(operand)}",
            15983,
        )
    ((name, value),) = operand.items()
    operator = OPERATORS.get(name)
    if operator is None:
        raise InvalidOperator(f"Unrecognized expression '{name}'", mongo_code=168)
    return operator.build(name, value, scope)


def _compile_array(operand: list[Value], scope: Scope) -> Expression:
    items = [compile_value(each, scope) for each in operand]
    runs = [item.run for item in items]

    def run(document: Document, variables: Variables) -> list[Value]:
        return [
            None if value is MISSING else value
            for value in [each(document, variables) for each in runs]
        ]

    return folded(run, items)
