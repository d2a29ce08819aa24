"""Owns turning a statement of WeChat's HTTP API into a command.

Not here: its grammar (`core.wxquery`) and what names stand for (`wire.wechat_names`). The one idea:
the tree is walked once; literals become values, chains are followed from table to table, and the
last call of the statement gives the command that the SDKs would have sent.
"""

import asyncio
import difflib
from functools import partial
from typing import Any, Final, NoReturn, get_args

from emulator.cloud.errors import CloudError
from emulator.cloud.markers import RegExp
from emulator.core.commands import Command
from emulator.core.errors import InvalidParam
from emulator.core.values import MISSING, Value
from emulator.core.wxquery.lexer import refuse
from emulator.core.wxquery.nodes import (
    Access,
    Apply,
    Chain,
    Fields,
    Items,
    Literal,
    Node,
    Pattern,
    Sum,
)
from emulator.core.wxquery.parser import NOT_JOINED, joined, parse
from emulator.wire.wechat_names import (
    NO_VALUES,
    QUERY_LIMIT_DEFAULT_DOCUMENTS,
    Method,
    Namespace,
    member_of,
    members_of,
    names_at,
)

NAMES_SHOWN_MAX: Final = 12
READ_AT_ONCE_LENGTH_MAX: Final = 8 * 1024
"""A longer text is read on a thread: a character takes about a microsecond."""
REPEATED_LENGTH_MAX: Final = 4 * 1024 * 1024
"""Characters that names given to data may stand for, all their uses together."""


def read_statement(
    text: str, *, now_ms: int, limit: int | None = QUERY_LIMIT_DEFAULT_DOCUMENTS
) -> Command:
    """Return the command of a statement such as `db.collection("x").where({a: _.gt(1)}).get()`.

    `limit` is how many documents `get()` finds where the statement does not say.

    Raises:
        InvalidParam: it is not of the subset, or does not end in a call that reads or writes.
        RequestTooLarge: it is too long.
    """
    statement = parse(text)
    walk = _Walk(text, names_at(now_ms, limit))
    for name, node in statement.names:
        walk.give(name, node)
    command = walk.meaning(statement.expression)
    if not isinstance(command, get_args(Command)):
        refuse(text, len(text), "the statement should end in a call such as get() or update()")
    carried: Command = command
    return carried


async def statement_of(
    text: str, *, now_ms: int, limit: int | None = QUERY_LIMIT_DEFAULT_DOCUMENTS
) -> Command:
    """Return the same without holding the loop, however long the text is."""
    read = partial(read_statement, text, now_ms=now_ms, limit=limit)
    return read() if len(text) <= READ_AT_ONCE_LENGTH_MAX else await asyncio.to_thread(read)


class _Walk:
    """One statement being understood."""

    def __init__(self, text: str, names: dict[str, Any]) -> None:
        self._names = names
        self._text = text
        self._given_data: set[str] = set()
        self._giving = False
        self._repeated_length = 0

    def give(self, name: str, node: Node) -> None:
        """Let a name stand for a part of the database's names, or for data."""
        self._giving = True
        self._names[name] = meant = self.meaning(node)
        self._giving = False
        if isinstance(meant, Method | Namespace):
            self._given_data.discard(name)
        else:
            self._given_data.add(name)

    def meaning(self, node: Node) -> Any:
        """Return a value, a command, or something that has members."""
        if isinstance(node, Literal):
            return node.value
        if isinstance(node, Chain):
            return self._followed(node)
        if isinstance(node, Fields):
            return self._object(node)
        if isinstance(node, Items):
            return [self._value(item, instead=None) for item in node.items]
        if isinstance(node, Sum):
            return self._sum(node)
        return self._pattern(node)

    def _object(self, node: Fields) -> dict[str, Value]:
        fields = {}
        for key, each in node.fields:
            value = self._value(each, instead=MISSING)
            if value is not MISSING:
                fields[key] = value
        return fields

    def _sum(self, node: Sum) -> Value:
        sides = (self._value(each, instead=MISSING) for each in (node.left, node.right))
        value = joined(node.sign, *sides)
        if value is MISSING:
            refuse(self._text, node.at, NOT_JOINED)
        return value

    def _pattern(self, node: Pattern) -> Value:
        return RegExp(node.pattern, node.flags)

    def _value(self, node: Node, *, instead: Value) -> Value:
        """Return what can stand in data; `instead` takes the place of undefined."""
        value = self.meaning(node)
        if value is MISSING:
            return instead
        if isinstance(value, (*NO_VALUES, *get_args(Command))):
            refuse(self._text, node.at, "this is no value")
        return value

    def _followed(self, chain: Chain) -> Any:
        if chain.name not in self._names:
            known = ", ".join(self._names)
            refuse(self._text, chain.at, f"{chain.name:.40} is not defined; known are {known:.200}")
        if chain.name in self._given_data:
            self._repeat(chain)
        found, called = self._names[chain.name], ""
        for step in chain.steps:
            if isinstance(step, Access):
                found, called = self._member(found, step), step.name
                continue
            if called == "where":
                self._require_conditions(step)
            found = self._called(found, step)
        return found

    def _require_conditions(self, step: Apply) -> None:
        """Refuse conditions of which nothing is left, as the SDKs do: they would mean all."""
        for node in step.arguments:
            named = isinstance(node, Fields) and node.fields
            if named and all(_is_undefined(each) for _, each in named):
                self._refuse(step, "查询参数对象值不能均为undefined")

    def _repeat(self, chain: Chain) -> None:
        """Bound what names of names of data could grow to: one given from another is refused."""
        self._repeated_length += len(self._text)
        if self._giving:
            refuse(self._text, chain.at, f"{chain.name:.40} is data; use it in the last statement")
        if self._repeated_length > REPEATED_LENGTH_MAX:
            refuse(self._text, chain.at, "names of data are used too often; write the data out")

    def _member(self, owner: Any, step: Access) -> Any:
        found = member_of(owner, step.name)
        if found is None:
            known = members_of(owner)
            near = difflib.get_close_matches(step.name, known, NAMES_SHOWN_MAX) or known
            listed = ", ".join(near[:NAMES_SHOWN_MAX])
            hint = f"; there is {listed}" if listed else ""
            self._refuse(step, f"{step.name:.40} means nothing here{hint}")
        return found

    def _called(self, found: Any, step: Apply) -> Any:
        method = found.members.get("") if isinstance(found, Namespace) else found
        if not isinstance(method, Method):
            self._refuse(step, "this cannot be called")
        arguments = [self._value(each, instead=None) for each in step.arguments]
        if not method.least <= len(arguments) <= method.most:
            self._refuse(step, _wanted(method, len(arguments)))
        try:
            return method.call(*arguments)
        except CloudError as fault:
            self._refuse(step, fault.message)
        except (TypeError, ValueError) as fault:  # what the `cloud` object's builders cannot take
            self._refuse(step, f"these arguments cannot be taken: {fault!s:.200}")
        except InvalidParam as fault:
            self._refuse(step, fault.message)

    def _refuse(self, step: Access | Apply, why: str) -> NoReturn:
        refuse(self._text, step.at, why)


def _is_undefined(node: Node) -> bool:
    return isinstance(node, Literal) and node.value is MISSING


def _wanted(method: Method, given: int) -> str:
    if method.least == method.most:
        return f"{given} arguments given; {method.least} wanted"
    return f"{given} arguments given; {method.least} to {method.most} wanted"
