"""Owns finding who may be concerned by a change without asking everyone.

Not here: what a change means to them (`core.watch`). The one idea: whose filter demands that a path
equals one value is found under that value; only the others are asked for every change.
"""

from collections.abc import Hashable
from dataclasses import field
from typing import Generic, TypeVar

from emulator.core.ordering import hash_key
from emulator.core.paths import Parts, split_path, visit
from emulator.core.query import CompiledFilter
from emulator.core.records import dataclass
from emulator.core.values import Document

T = TypeVar("T", bound=Hashable)

Place = tuple[str, Hashable] | None
"""The path and value that a filter demands, None where it demands none."""


def place_of(matcher: CompiledFilter) -> Place:
    """Return under what a filter is found; filters of one place are always concerned together."""
    demanded = matcher.equalities
    if not demanded:
        return None
    path = "_id" if "_id" in demanded else next(iter(demanded))
    return path, hash_key(demanded[path])


@dataclass(slots=True)
class _Path(Generic[T]):
    """Who demands a value of one path, by value."""

    parts: Parts
    members: dict[Hashable, dict[T, None]] = field(default_factory=dict)


class Interests(Generic[T]):
    """Everyone who watches one collection."""

    def __init__(self) -> None:
        self._paths: dict[str, _Path[T]] = {}
        self._others: dict[T, None] = {}
        self._where: dict[T, Place] = {}

    def __len__(self) -> int:
        return len(self._where)

    def all(self) -> list[T]:
        """Return everyone."""
        return list(self._where)

    def add(self, member: T, matcher: CompiledFilter) -> None:
        """Let somebody hear what may concern this filter."""
        self._where[member] = place = place_of(matcher)
        if place is None:
            self._others[member] = None
            return
        path, key = place
        paths = self._paths.setdefault(path, _Path(split_path(path)))
        paths.members.setdefault(key, {})[member] = None

    def remove(self, member: T) -> None:
        """Let somebody hear nothing any more."""
        where = self._where.pop(member)
        if where is None:
            del self._others[member]
            return
        path, key = where
        members = self._paths[path].members
        del members[key][member]
        if not members[key]:
            del members[key]
        if not members:
            del self._paths[path]

    def concerned(self, before: Document | None, after: Document | None) -> list[T]:
        """Return whoever may be concerned by a document that became another."""
        found = dict(self._others)
        for path in self._paths.values():
            for document in (before, after):
                if document is not None:
                    _gather(path, document, found)
        return list(found)


def _gather(path: _Path[T], document: Document, found: dict[T, None]) -> None:
    parts = path.parts
    value = document.get(parts[0])
    if len(parts) == 1 and type(value) is not list:
        members = path.members.get(hash_key(value))
        if members:
            found.update(members)
        return
    for each, _ in visit(document, parts):
        members = path.members.get(hash_key(each))
        if members:
            found.update(members)
