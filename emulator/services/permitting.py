"""Owns what each command of a user becomes before it is carried out: one row for a kind of command.

Not here: the verdicts (`services.access`) and the carrying out (`services.permitted`). The one
idea: a row reads what the verdict is about out of a command and puts back what it said; nothing is
changed anywhere, so that rules can be tried on commands that were given before.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

from emulator.core.commands import (
    Aggregate,
    Count,
    Find,
    FindAndModify,
    Insert,
    Remove,
    Update,
)
from emulator.core.rules.ruleset import Operation
from emulator.services.access import Access
from emulator.services.access_look_ups import Ask
from emulator.services.access_rewrite import first_filter, with_first_filter

_Filtered = TypeVar("_Filtered", Find, Count, Remove)


def permit(access: Access, ask: Ask, command: Any) -> Any:
    """Return the command that the caller may give, the same object where it is the given one.

    Raises:
        PermissionDenied: there is none.
    """
    return _ROWS[type(command)][1](access, ask, command)


def operation_of(command: Any) -> Operation:
    """Return which rule decides on a command."""
    return _ROWS[type(command)][0]


def _filtered(access: Access, ask: Ask, command: _Filtered) -> _Filtered:
    reached = access.reach(ask, command.filter)
    return command if reached is command.filter else replace(command, filter=reached)


def _aggregate(access: Access, ask: Ask, command: Aggregate) -> Aggregate:
    reached = access.aggregated(ask, command.pipeline)
    # Where a pipeline has no condition of its own, this is a new empty one.
    if reached == first_filter(command.pipeline):
        return command
    return replace(command, pipeline=with_first_filter(command.pipeline, reached))


def _insert(access: Access, ask: Ask, command: Insert) -> Insert:
    documents = tuple(access.created(ask, each) for each in command.documents)
    return replace(command, documents=documents)


def _update(access: Access, ask: Ask, command: Update) -> Update:
    return access.changed(ask, command)


def _find_and_modify(access: Access, ask: Ask, command: FindAndModify) -> FindAndModify:
    update = Update(collection=command.collection, filter=command.filter, update=command.update)
    changed = access.changed(ask, update)
    return replace(command, filter=changed.filter, update=changed.update)


_ROWS: Final[Mapping[type, tuple[Operation, Callable[[Access, Ask, Any], Any]]]] = {
    Find: ("read", _filtered),
    Count: ("read", _filtered),
    Aggregate: ("read", _aggregate),
    Insert: ("create", _insert),
    Update: ("update", _update),
    FindAndModify: ("update", _find_and_modify),
    Remove: ("delete", _filtered),
}
