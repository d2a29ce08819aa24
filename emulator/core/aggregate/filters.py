"""Owns the filter of a request: server dates in it are moments, and `$expr` is understood.

Not here: filters themselves (`core.query`) and expressions (`expressions`). The one idea: filters
know nothing of aggregation, so this is where the two are put together. Expressions are many modules
and few filters hold one, so they are loaded with the first that does.
"""

from emulator.core.documents import resolve
from emulator.core.paths import Predicate
from emulator.core.query import CompiledFilter, compile_filter
from emulator.core.values import Filter, Value


def compile_request_filter(filter: Filter, *, now_ms: int) -> CompiledFilter:  # noqa: A002  # glossary
    """Return a compiled filter.

    Raises:
        InvalidOperator: no such operator or expression, or one that the cloud does not allow.
        DatabaseRequestFailed: an operand is refused, by MongoDB's number.
    """

    def compile_condition(operand: Value) -> Predicate:
        from emulator.core.aggregate.expressions import expression_compiler

        return expression_compiler(now_ms=now_ms)(operand)

    return compile_filter(resolve(filter, now_ms=now_ms), expression=compile_condition)
