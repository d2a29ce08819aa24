"""Owns the grammar of a statement: tokens to a tree.

Not here: words (`core.wxquery.lexer`) and what names and calls mean. The one idea: the grammar has
literals, arrays, objects, names with their steps, sums of them, and names given with `const`;
functions, assignments, conditions and everything else that would have to run is refused where it
stands. Sums and products of literals are worked out here, as in `{offset: 60 * 60 * 1000}`.
"""

import math
from collections.abc import Callable, Mapping
from typing import Final, NoReturn

from emulator.core.values import MISSING, Date, Value
from emulator.core.wxquery.lexer import Token, refuse, tokens
from emulator.core.wxquery.nodes import (
    Access,
    Apply,
    Chain,
    Fields,
    Items,
    Literal,
    Node,
    Pattern,
    Statement,
    Sum,
)

DEPTH_MAX_LEVELS: Final = 100
"""Arrays, objects and arguments inside each other; a document may be as deep."""
CHAIN_STEPS_MAX: Final = 1_000
"""Names and calls in a row; each may wrap what the ones before it built."""
SUMS_MAX: Final = 100
"""Sums and products of what names stand for, all of a statement together."""

_CONSTANTS: Final[Mapping[str, Value]] = {
    "true": True,
    "false": False,
    "null": None,
    "undefined": MISSING,
    "NaN": math.nan,
    "Infinity": math.inf,
}
_DECLARATIONS: Final = frozenset({"const", "let", "var"})
_REFUSED: Final = frozenset(
    {"async", "await", "class", "delete", "for", "function", "if", "import", "return", "throw"}
    | {"try", "typeof", "void", "while", "yield"}
)
_LITERAL_ALONE: Final = "only literals can be negated"
NOT_JOINED: Final = "only numbers, or two strings with +, can be joined"
_JOINED: Final = (Literal, Chain, Sum)


def parse(text: str) -> Statement:
    """Return what a text says.

    Raises:
        MalformedStatement: it is not of the subset; the message says where and why.
        RequestTooLarge: it is too long.
    """
    return _Parser(text).statement()


class _Parser:
    """One text being read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._index = 0
        self._depth = 0
        self._sums = 0

    def statement(self) -> Statement:
        names: list[tuple[str, Node]] = []
        while self._token.kind == "name" and self._token.value in _DECLARATIONS:
            self._index += 1
            names += self._declared()
        expression = self._expression()
        while self._take(";"):
            pass
        if self._token.kind != "end":
            self._refuse("the statement should end here")
        return Statement(tuple(names), expression)

    def _declared(self) -> list[tuple[str, Node]]:
        names = [self._declaration()]
        while self._take(","):
            names.append(self._declaration())
        if not self._take(";") and not self._token.after_newline:
            self._refuse("a declaration ends with ; or a new line")
        while self._take(";"):
            pass
        return names

    def _declaration(self) -> tuple[str, Node]:
        name = self._name("a name should stand here")
        self._require("=", "a name is given something with =")
        return name, self._expression()

    def _expression(self, weakest: int = 0) -> Node:
        """Read operands joined by operators that bind at least as strongly as `weakest`."""
        left = self._operand()
        while True:
            token = self._token
            found = _OPERATORS.get(token.value) if token.kind == "sign" else None
            if found is None or found[0] < weakest:
                return left
            self._index += 1
            left = self._worked_out(left, self._expression(found[0] + 1), token)

    def _worked_out(self, left: Node, right: Node, operator: Token) -> Node:
        if isinstance(left, Literal) and isinstance(right, Literal):
            value = joined(str(operator.value), left.value, right.value)
            if value is MISSING:
                self._refuse(NOT_JOINED, operator)
            return Literal(value, operator.at)
        if not all(isinstance(each, _JOINED) for each in (left, right)):
            self._refuse(NOT_JOINED, operator)
        self._sums += 1
        if self._sums > SUMS_MAX:
            self._refuse(f"more than {SUMS_MAX} sums of what names stand for", operator)
        return Sum(left, right, str(operator.value), operator.at)

    def _operand(self) -> Node:
        token = self._token
        if token.kind == "sign" and token.value in _SIGNS:
            # Signs are counted here, not nested: a million of them are one loop.
            factor = 1
            while self._token.kind == "sign" and self._token.value in _SIGNS:
                factor *= _SIGNS[self._token.value]
                self._index += 1
            operand = self._chained()
            if not isinstance(operand, Literal) or not _is_number(operand.value):
                self._refuse(_LITERAL_ALONE, token)
            return Literal(operand.value * factor, token.at)
        return self._chained()

    def _chained(self) -> Node:
        token = self._token
        if token.kind == "name":
            if token.value == "new":
                return self._new()
            self._index += 1
            if token.value in _CONSTANTS:
                return Literal(_CONSTANTS[token.value], token.at)
            if token.value in _REFUSED or token.value in _DECLARATIONS:
                self._refuse(f"{token.value} is not part of a query", token)
            return Chain(token.value, tuple(self._steps()), token.at)
        self._index += 1
        if token.kind in ("number", "text"):
            return Literal(token.value, token.at)
        if token.kind == "pattern":
            pattern, flags = token.value
            return Pattern(pattern, flags, token.at)
        return self._bracketed(token)

    def _new(self) -> Node:
        """Read `new name.name(arguments)` and what follows it."""
        at = self._token.at
        self._index += 1
        start = self._token.at
        name = self._name("a name should follow new")
        steps: list[Access | Apply] = []
        while (access := self._access()) is not None:
            steps.append(access)
        arguments: tuple[Node, ...] = ()
        if self._is("("):
            self._index += 1
            arguments = self._listed(")", start)
        return Chain(name, (*steps, Apply(arguments, new=True, at=at), *self._steps()), start)

    def _steps(self) -> list[Access | Apply]:
        steps: list[Access | Apply] = []
        while True:
            at = self._token.at
            access = self._access()
            if access is not None:
                steps.append(access)
            elif self._take("("):
                steps.append(Apply(self._listed(")", at), new=False, at=at))
            else:
                return steps
            if len(steps) > CHAIN_STEPS_MAX:
                refuse(self._text, at, f"more than {CHAIN_STEPS_MAX} names and calls in a row")

    def _access(self) -> Access | None:
        at = self._token.at
        if self._take("."):
            return Access(self._name("a name should follow the dot"), at)
        if self._is("["):
            self._index += 1
            key = self._token
            if key.kind != "text":
                self._refuse("only a string can stand in brackets after a name")
            self._index += 1
            self._require("]", "the bracket should end here")
            return Access(key.value, at)
        return None

    def _bracketed(self, token: Token) -> Node:
        sign = token.value if token.kind == "sign" else ""
        if sign == "[":
            return Items(self._listed("]", token.at), token.at)
        if sign == "{":
            return self._fields(token)
        if sign != "(":
            self._refuse("a value should stand here", token)
        self._enter(token.at)
        inner = self._expression()
        self._require(")", "the parenthesis should end here")
        self._depth -= 1
        return inner

    def _fields(self, start: Token) -> Fields:
        self._enter(start.at)
        fields: list[tuple[str, Node]] = []
        while not self._take("}"):
            fields.append(self._field())
            if not self._take(",") and not self._is("}"):
                self._refuse("a comma or } should stand here")
        self._depth -= 1
        return Fields(tuple(fields), start.at)

    def _field(self) -> tuple[str, Node]:
        token = self._token
        if token.kind not in ("name", "text", "number"):
            self._refuse("the name of a field should stand here")
        self._index += 1
        if token.kind == "name" and (self._is(",") or self._is("}")):
            return token.value, Chain(token.value, (), token.at)
        self._require(":", "a colon should follow the name of a field")
        return str(token.value), self._expression()

    def _listed(self, end: str, at: int) -> tuple[Node, ...]:
        self._enter(at)
        items: list[Node] = []
        while not self._take(end):
            items.append(self._expression())
            if not self._take(",") and not self._is(end):
                self._refuse(f"a comma or {end} should stand here")
        self._depth -= 1
        return tuple(items)

    def _enter(self, at: int) -> None:
        self._depth += 1
        if self._depth > DEPTH_MAX_LEVELS:
            refuse(self._text, at, f"the query is nested deeper than {DEPTH_MAX_LEVELS} levels")

    @property
    def _token(self) -> Token:
        return self._tokens[self._index]

    def _is(self, sign: str) -> bool:
        token = self._tokens[self._index]
        return token.kind == "sign" and token.value == sign

    def _take(self, sign: str) -> bool:
        if not self._is(sign):
            return False
        self._index += 1
        return True

    def _require(self, sign: str, why: str) -> None:
        if not self._take(sign):
            self._refuse(why)

    def _name(self, why: str) -> str:
        token = self._token
        if token.kind != "name":
            self._refuse(why)
        self._index += 1
        return str(token.value)

    def _refuse(self, why: str, token: Token | None = None) -> NoReturn:
        refuse(self._text, (token or self._token).at, why)


def joined(sign: str, left: Value, right: Value) -> Value:
    """Return the sum or product of two values, MISSING where they have none."""
    if type(left) is str and type(right) is str:
        return left + right if sign == "+" else MISSING
    if sign == "-":  # the difference of dates is that of their milliseconds
        left, right = (each.ms if type(each) is Date else each for each in (left, right))
    if not _is_number(left) or not _is_number(right):
        return MISSING
    return _OPERATORS[sign][1](left, right)


def _is_number(value: Value) -> bool:
    return type(value) is int or type(value) is float


def _whole(value: float) -> float:
    """Return a result as JavaScript's number: a double, a whole one as an integer."""
    number = float(value)
    return int(number) if number.is_integer() and abs(number) < 2**63 else number


def _divided(left: float, right: float) -> float:
    if right == 0:
        return math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left)
    return _whole(float(left) / float(right))


def _remainder(left: float, right: float) -> float:
    if right == 0 or math.isinf(left) or math.isnan(left):
        return math.nan
    return _whole(math.fmod(left, right))


_SIGNS: Final = {"-": -1, "+": 1}
_OPERATORS: Final[Mapping[str, tuple[int, Callable[[Value, Value], Value]]]] = {
    "+": (1, lambda left, right: _whole(left + right)),
    "-": (1, lambda left, right: _whole(left - right)),
    "*": (2, lambda left, right: _whole(float(left) * float(right))),
    "/": (2, _divided),
    "%": (2, _remainder),
}
