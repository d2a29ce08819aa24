"""Owns a JQL query as it was asked: its tables, the steps that were called, who asks.

Not here: carrying it out (`services.jql`). The one idea: steps are gathered whatever their order;
what a step says is read once, into trees and filters.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any, Final

from emulator.core.jql.filters import Variables, filter_of
from emulator.core.jql.nodes import Column, JqlSyntax
from emulator.core.jql.parser import parse_columns, parse_condition, parse_order
from emulator.core.jql.permission import User
from emulator.core.jql.stages import distinct_stages, group_stages, project_stage
from emulator.core.records import dataclass
from emulator.core.values import Document, Value

LIMIT_DEFAULT_DOCUMENTS: Final = 100
LIMIT_MAX_DOCUMENTS: Final = 1000


@dataclass(frozen=True, slots=True)
class Step:
    """A method that was called, and what it was given."""

    verb: str
    given: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A collection, with the steps of a temporary table."""

    name: str
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is asked: of one collection, or of several joined; `options` are those of `get`."""

    tables: tuple[Table, ...]
    steps: tuple[Step, ...] = ()
    user: User = field(default_factory=User)
    client_ip: str = "127.0.0.1"
    options: Mapping[str, Any] = field(default_factory=dict)

    def variables(self, now_ms: int) -> Variables:
        """Return the values that texts may name."""
        known: dict[str, Value] = {}
        for prefix in ("$cloudEnv_", "$env."):
            known[f"{prefix}uid"] = self.user.uid
            known[f"{prefix}now"] = now_ms
            known[f"{prefix}clientIP"] = self.client_ip
        return {**known, "auth.uid": self.user.uid}


@dataclass(slots=True)
class Asked:
    """What the steps of one table, or of a query, say together."""

    filters: list[Document] = field(default_factory=list)
    columns: tuple[Column, ...] = ()
    order: list[tuple[str, int]] = field(default_factory=list)
    skip: int = 0
    limit: int | None = None
    group_by: tuple[Column, ...] = ()
    group_field: tuple[Column, ...] = ()
    is_distinct: bool = False
    foreign_key: str = ""
    parent_key: str = ""

    def filter(self) -> Document:
        """Return all conditions as one filter."""
        if len(self.filters) == 1:
            return self.filters[0]
        return {"$and": list(self.filters)} if self.filters else {}

    def shaping(self, variables: Variables) -> list[Document]:
        """Return the stages after the filter, but for skip and limit."""
        sort: list[Document] = [{"$sort": dict(self.order)}] if self.order else []
        project = [project_stage(self.columns, variables)] if self.columns else []
        if self.group_by or self.group_field:
            return [*project, *group_stages(self.group_by, self.group_field, variables), *sort]
        if self.is_distinct:
            return [*project, *distinct_stages(self.columns), *sort]
        # What is not among the fields asked for can be sorted by as long as it is there.
        renamed = {column.alias for column in self.columns if column.alias}
        if any(path.partition(".")[0] in renamed or path in renamed for path, _ in self.order):
            return [*project, *sort]
        return [*sort, *project]

    def cutting(self) -> list[Document]:
        """Return the stages that leave one page."""
        skipped: list[Document] = [{"$skip": self.skip}] if self.skip else []
        return skipped if self.limit is None else [*skipped, {"$limit": self.limit}]


def read_steps(steps: Sequence[Step], variables: Variables, *, now_ms: int) -> Asked:
    """Return what steps say together.

    Raises:
        JqlSyntax: a text is none, or a step is not known.
    """
    asked = Asked()
    for step in steps:
        read = _READERS.get(step.verb)
        if read is None:
            raise JqlSyntax(f"{step.verb}() is no step of a query that is understood here")
        read(asked, step, variables, now_ms)
    return asked


Reader = Callable[[Asked, Step, Variables, int], None]


def _doc(asked: Asked, step: Step, variables: Variables, now_ms: int) -> None:
    del variables, now_ms
    asked.filters.append({"_id": step.given})


def _where(asked: Asked, step: Step, variables: Variables, now_ms: int) -> None:
    asked.filters.append(_condition(step.given, variables, now_ms))


def _field(asked: Asked, step: Step, variables: Variables, now_ms: int) -> None:
    del variables
    asked.columns = _columns(step.given, now_ms)


def _order_by(asked: Asked, step: Step, variables: Variables, now_ms: int) -> None:
    del variables, now_ms
    asked.order += parse_order(_text(step))


def _skip(asked: Asked, step: Step, variables: Variables, now_ms: int) -> None:
    del variables, now_ms
    asked.skip = _count(step)


def _limit(asked: Asked, step: Step, variables: Variables, now_ms: int) -> None:
    del variables, now_ms
    asked.limit = min(_count(step), LIMIT_MAX_DOCUMENTS)


def _group_by(asked: Asked, step: Step, variables: Variables, now_ms: int) -> None:
    del variables
    asked.group_by = parse_columns(_text(step), now_ms=now_ms)


def _group_field(asked: Asked, step: Step, variables: Variables, now_ms: int) -> None:
    del variables
    asked.group_field = parse_columns(_text(step), now_ms=now_ms)


def _distinct(asked: Asked, step: Step, variables: Variables, now_ms: int) -> None:
    del step, variables, now_ms
    asked.is_distinct = True


def _foreign_key(asked: Asked, step: Step, variables: Variables, now_ms: int) -> None:
    del variables, now_ms
    asked.foreign_key = _text(step)


def _parent_key(asked: Asked, step: Step, variables: Variables, now_ms: int) -> None:
    del variables, now_ms
    asked.parent_key = _text(step)


_READERS: Final[Mapping[str, Reader]] = {
    "doc": _doc,
    "where": _where,
    "field": _field,
    "orderBy": _order_by,
    "skip": _skip,
    "limit": _limit,
    "groupBy": _group_by,
    "groupField": _group_field,
    "distinct": _distinct,
    "foreignKey": _foreign_key,
    "parentKey": _parent_key,
}


def _condition(given: Value, variables: Variables, now_ms: int) -> Document:
    if isinstance(given, dict):
        return given
    if not isinstance(given, str):
        raise JqlSyntax("where() takes a text or an object")
    return filter_of(parse_condition(given, now_ms=now_ms), variables) if given.strip() else {}


def _columns(given: Value, now_ms: int) -> tuple[Column, ...]:
    if isinstance(given, dict):
        given = ",".join(name for name, wanted in given.items() if wanted)
    if not isinstance(given, str):
        raise JqlSyntax("field() takes a text or an object")
    return parse_columns(given, now_ms=now_ms) if given.strip() else ()


def _text(step: Step) -> str:
    if isinstance(step.given, str) and step.given.strip():
        return step.given
    raise JqlSyntax(f"{step.verb}() takes a text")


def _count(step: Step) -> int:
    if isinstance(step.given, int) and not isinstance(step.given, bool) and step.given >= 0:
        return step.given
    raise JqlSyntax(f"{step.verb}() takes a whole number that is not negative")
