"""Owns what a JQL tree asks of the database: filters and expressions of MongoDB.

Not here: reading the text (`core.jql.parser`). The one idea: a field compared with a value is a
plain condition, which an index may serve; all else is an `$expr`. Operators have a shortened form
in JQL: arguments in a row, which a table names for those that MongoDB gives names.

Facts: doc.dcloud.net.cn/uniCloud/jql, jql-operator-example.
"""

from collections.abc import Mapping
from typing import Final

from emulator.core.jql.nodes import (
    Call,
    Compared,
    Constant,
    Items,
    Joined,
    JqlSyntax,
    Negated,
    Node,
    Path,
    Tested,
)
from emulator.core.values import Document, Regex, Value

Variables = Mapping[str, Value]
"""Values by name, such as `$cloudEnv_uid`."""

_OPERATORS: Final = {
    "==": "$eq", "!=": "$ne", ">": "$gt", ">=": "$gte", "<": "$lt", "<=": "$lte",
}  # fmt: skip
_TURNED: Final = {"==": "==", "!=": "!=", ">": "<", ">=": "<=", "<": ">", "<=": ">="}

_ONE: Final = frozenset(
    {
        "abs", "ceil", "exp", "floor", "ln", "log10", "sqrt", "trunc", "size", "isArray",
        "reverseArray", "toLower", "toUpper", "strLenBytes", "strLenCP", "not", "type", "literal",
        "objectToArray", "arrayToObject", "allElementsTrue", "anyElementTrue", "toString", "toInt",
        "toDouble", "toBool", "toDate", "toLong", "toDecimal", "toObjectId",
    }
)  # fmt: skip
_ROW: Final = frozenset(
    {
        "add", "subtract", "multiply", "divide", "mod", "pow", "log", "round", "and", "or", "cmp",
        "eq", "ne", "neq", "gt", "gte", "lt", "lte", "concat", "concatArrays", "arrayElemAt",
        "ifNull", "in", "indexOfArray", "indexOfBytes", "indexOfCP", "range", "slice", "split",
        "strcasecmp", "substr", "substrBytes", "substrCP", "setDifference", "setEquals",
        "setIntersection", "setIsSubset", "setUnion", "mergeObjects", "max", "min", "sum", "avg",
    }
)  # fmt: skip
_ALONE: Final = frozenset({"max", "min", "sum", "avg"})
"""Operators that take what a single argument holds."""
_SAME: Final = {"neq": "ne"}
_PARTS: Final = (
    "year", "month", "dayOfMonth", "dayOfWeek", "dayOfYear", "hour", "minute", "second",
    "millisecond", "week", "isoWeek", "isoWeekYear", "isoDayOfWeek",
)  # fmt: skip
_NAMED: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(_PARTS, ("date", "timezone")),
    **dict.fromkeys(("trim", "ltrim", "rtrim"), ("input", "chars")),
    **dict.fromkeys(("regexMatch", "regexFind", "regexFindAll"), ("input", "regex", "options")),
    "cond": ("if", "then", "else"),
    "dateToString": ("date", "format", "timezone", "onNull"),
    "dateFromString": ("dateString", "format", "timezone", "onError", "onNull"),
    "dateToParts": ("date", "timezone", "iso8601"),
    "convert": ("input", "to", "onError", "onNull"),
    "replaceOne": ("input", "find", "replacement"),
    "replaceAll": ("input", "find", "replacement"),
}


def filter_of(node: Node, variables: Variables) -> Document:
    """Return the filter that a condition is.

    Raises:
        JqlSyntax: an operator is not known.
    """
    match node:
        case Joined(sign, parts):
            inner: list[Value] = [filter_of(part, variables) for part in parts]
            return {"$and" if sign == "&&" else "$or": inner}
        case Negated(inner_node):
            return {"$nor": [filter_of(inner_node, variables)]}
        case Tested(pattern, flags, path):
            return {path: Regex(pattern, flags)}
        case Compared(sign, left, right):
            plain = _plain(sign, left, right, variables)
            if plain is not None:
                return plain
        case Constant(value):
            return {} if value else {"$nor": [{}]}
        case _:
            pass
    return {"$expr": expression_of(node, variables)}


def _plain(sign: str, left: Node, right: Node, variables: Variables) -> Document | None:
    """Return the plain condition that a comparison is; None where it is none."""
    left_value, right_value = _value(left, variables), _value(right, variables)
    if left_value is not None and right_value is None and isinstance(right, Path):
        if sign == "in":
            return {right.name: {"$eq": left_value[0]}}
        left, right_value, sign = right, left_value, _TURNED[sign]
    if not isinstance(left, Path) or left.name in variables or right_value is None:
        return None
    if sign == "in":
        found = right_value[0]
        return {left.name: {"$in": found}} if isinstance(found, list) else None
    return {left.name: {_OPERATORS[sign]: right_value[0]}}


def _value(node: Node, variables: Variables) -> tuple[Value] | None:
    """Return the value that a node is without any document; None where it needs one."""
    match node:
        case Constant(value):
            return (value,)
        case Path(name) if name in variables:
            return (variables[name],)
        case Items(items):
            found = [_value(item, variables) for item in items]
            if all(each is not None for each in found):
                return ([each[0] for each in found if each is not None],)
        case _:
            pass
    return None


def expression_of(node: Node, variables: Variables) -> Value:
    """Return the expression of MongoDB that a tree is.

    Raises:
        JqlSyntax: an operator is not known, or does not take as many arguments.
    """
    match node:
        case Constant(value):
            return _literal(value)
        case Path(name):
            return _literal(variables[name]) if name in variables else f"${name}"
        case Items(items):
            return [expression_of(item, variables) for item in items]
        case Call(name, given):
            return _called(name, given, variables)
        case Compared(sign, left, right):
            operator = "$in" if sign == "in" else _OPERATORS[sign]
            return {operator: [expression_of(each, variables) for each in (left, right)]}
        case Joined(sign, parts):
            operator = "$and" if sign == "&&" else "$or"
            return {operator: [expression_of(part, variables) for part in parts]}
        case Negated(inner):
            return {"$not": [expression_of(inner, variables)]}
        case Tested():
            raise JqlSyntax(
                "a regular expression may not stand in an expression: give it a where of its own"
            )


def _literal(value: Value) -> Value:
    return value if isinstance(value, int | float) or value is None else {"$literal": value}


def _called(name: str, given: tuple[Node, ...], variables: Variables) -> Value:
    arguments: list[Value] = [expression_of(each, variables) for each in given]
    operator = f"${_SAME.get(name, name)}"
    if name in _NAMED:
        names = _NAMED[name]
        if not 1 <= len(arguments) <= len(names):
            raise JqlSyntax(f"{name}() takes {', '.join(names)}, not {len(arguments)} arguments")
        return {operator: dict(zip(names, arguments, strict=False))}
    if name in _ONE or (name in _ALONE and len(arguments) == 1):
        if len(arguments) != 1:
            raise JqlSyntax(f"{name}() takes one argument, not {len(arguments)}")
        return {operator: arguments[0]}
    if name in _ROW:
        return {operator: arguments}
    raise JqlSyntax(
        f"{name}() is no operator that is understood here; write the query for "
        "uniCloud.database() with aggregate() if you need it"
    )
