"""Owns the update operators on arrays: `$push`, `$addToSet`, `$pop`, `$pull`, `$pullAll`.

Not here: array elements addressed by a path (`core.update_tree`). The one idea: an operator makes a
new list out of the old one, and returns the old one where nothing was added or taken.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from emulator.core.documents import check_document
from emulator.core.errors import DatabaseRequestFailed
from emulator.core.ordering import equal, hash_key, identical, sort_key
from emulator.core.paths import Parts, Predicate, ValueTest, array_index, split_path
from emulator.core.query import compile_filter
from emulator.core.query_arrays import WHOLE_FILTER
from emulator.core.query_operators import integral, is_operators
from emulator.core.query_types import type_name
from emulator.core.records import dataclass
from emulator.core.update_operators import TYPE_MISMATCH, ChangeBuilder
from emulator.core.update_tree import Application, Change
from emulator.core.values import MISSING, Filter, Regex, Value
from emulator.core.wording import shown

ListChange: TypeAlias = Callable[[list[Value]], list[Value]]

_PUSH_CLAUSES: Final = frozenset({"$each", "$position", "$slice", "$sort"})
CHECKED_EVERY_ITEMS: Final = 1024
"""An array that grows by small items is weighed each time so many have been added."""

_NO_ARRAY: Final = {
    "$push": "The field '{path}' must be an array but is of type {kind} in document {{_id: {id}}}",
    "$addToSet": "Cannot apply $addToSet to non-array field. Field named '{field}' has non-array "
    "type {kind}",
    "$pop": "Path '{path}' contains an element of non-array type '{kind}'",
    "$pull": "Cannot apply $pull to a non-array value",
    "$pullAll": "Cannot apply $pull to a non-array value",
}
"""What MongoDB says of a value that is no array."""

_NOT_IN_PULL: Final = frozenset({"$expr", "$jsonSchema"})
_QUERY_FEATURE_NOT_ALLOWED: Final = 224
_BAD_VALUE: Final = 2
_FAILED_TO_PARSE: Final = 9


def _on_array(
    name: str, path: str, change: ListChange, *, mongo_code: int = _BAD_VALUE, creates: bool
) -> Change:
    """Return the change of an array; of a missing field where the operator `creates` one."""

    def run(old: Value, application: Application) -> Value:
        if old is MISSING:
            return change([]) if creates else MISSING
        if type(old) is not list:
            text = _NO_ARRAY[name].format(
                path=path,
                field=path.rpartition(".")[2],
                kind=type_name(old),
                id=shown(application.document.get("_id")),
            )
            raise DatabaseRequestFailed(text, mongo_code=mongo_code, hint=f"{name} changes arrays")
        new = change(old)
        if len(new) // CHECKED_EVERY_ITEMS > len(old) // CHECKED_EVERY_ITEMS:
            check_document({path: new})
        return old if new is old or identical(old, new) else new

    return run


# --- adding --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Push:
    """What `$push` adds and does afterwards, in this order: insert, sort, slice."""

    items: list[Value]
    position: int | None = None
    sort: ListChange | None = None
    slice: int | None = None

    def __call__(self, old: list[Value]) -> list[Value]:
        place = len(old) if self.position is None else self.position
        new = [*old[:place], *self.items, *old[place:]] if self.items else list(old)
        if self.sort is not None:
            new = self.sort(new)
        if self.slice is not None:
            new = new[: self.slice] if self.slice >= 0 else new[self.slice :]
        return new


def _push(path: str, operand: Value) -> Change:
    if type(operand) is not dict or "$each" not in operand:
        return _on_array("$push", path, _Push(items=[operand]), creates=True)
    unknown = set(operand) - _PUSH_CLAUSES
    if unknown:
        raise DatabaseRequestFailed(f"Unrecognized clause in $push: {min(unknown)}")
    push = _Push(
        items=_each("$push", operand, _BAD_VALUE),
        position=_clause_number(operand, "$position"),
        sort=_sort_clause(operand["$sort"]) if "$sort" in operand else None,
        slice=_clause_number(operand, "$slice"),
    )
    return _on_array("$push", path, push, creates=True)


def _each(name: str, operand: Mapping[str, Value], mongo_code: int) -> list[Value]:
    items: Value = operand["$each"]
    if type(items) is not list:
        raise DatabaseRequestFailed(
            f"The argument to $each in {name} must be an array but it was of type "
            f"{type_name(items)}",
            mongo_code=mongo_code,
        )
    return list(items)


def _clause_number(operand: Mapping[str, Value], clause: str) -> int | None:
    if clause not in operand:
        return None
    number = integral(operand[clause])
    if number is None:
        raise DatabaseRequestFailed(
            f"The value for {clause} must be an integer value, not {shown(operand[clause])}"
        )
    return number


def _sort_clause(operand: Value) -> ListChange:
    if type(operand) is not dict:
        descending = _direction(operand) < 0
        return lambda items: sorted(items, key=sort_key, reverse=descending)
    if not operand:
        raise DatabaseRequestFailed("The $sort pattern is empty when it should be a set of fields.")
    for path in operand:
        if not all(split_path(path)):
            raise DatabaseRequestFailed(f"The $sort field '{path}' has an empty part")
    order = [
        (split_path(path), _direction(direction)) for path, direction in reversed(operand.items())
    ]

    def run(items: list[Value]) -> list[Value]:
        for parts, direction in order:
            items = _sorted_by(items, parts, descending=direction < 0)
        return items

    return run


def _sorted_by(items: list[Value], parts: Parts, *, descending: bool) -> list[Value]:
    return sorted(items, key=lambda item: sort_key(_part_of(item, parts)), reverse=descending)


def _part_of(item: Value, parts: Parts) -> Value:
    """Return what `$sort` compares: the value behind a path, arrays as they are, else null."""
    for part in parts:
        if type(item) is dict:
            item = item.get(part)
        elif type(item) is list and (index := array_index(part)) is not None:
            item = item[index] if index < len(item) else None
        else:
            return None
    return item


def _direction(operand: Value) -> int:
    direction = integral(operand)
    if direction not in (1, -1):
        raise DatabaseRequestFailed("The $sort element value must be either 1 or -1")
    return direction


def _add_to_set(path: str, operand: Value) -> Change:
    items = [operand]
    if type(operand) is dict and next(iter(operand), "") == "$each":
        items = _each("$addToSet", operand, TYPE_MISMATCH)
        if len(operand) > 1:
            raise DatabaseRequestFailed(
                f"Found unexpected fields after $each in $addToSet: {list(operand)[1]}"
            )

    def change(old: list[Value]) -> list[Value]:
        known = set(map(hash_key, old))
        added: list[Value] = []
        for item in items:
            key = hash_key(item)
            if key not in known:
                known.add(key)
                added.append(item)
        return [*old, *added] if added else old

    return _on_array("$addToSet", path, change, creates=True)


# --- taking --------------------------------------------------------------------------------------


def _pop(path: str, operand: Value) -> Change:
    end = integral(operand)
    if end not in (1, -1):
        raise DatabaseRequestFailed(
            f"$pop expects 1 or -1, found: {shown(operand)}", mongo_code=_FAILED_TO_PARSE
        )

    def change(old: list[Value]) -> list[Value]:
        if not old:
            return old
        return old[:-1] if end > 0 else old[1:]

    return _on_array("$pop", path, change, mongo_code=TYPE_MISMATCH, creates=False)


def _pull(path: str, operand: Value) -> Change:
    goes = _pull_test(operand)
    return _on_array(
        "$pull", path, lambda old: [item for item in old if not goes(item)], creates=False
    )


def _pull_test(operand: Value) -> ValueTest:
    """Return the test of an element: a filter for objects, a condition, or plain equality."""
    first = next(iter(operand), "") if type(operand) is dict else ""
    if first in _NOT_IN_PULL:
        raise DatabaseRequestFailed(
            f"{first} is not allowed in this context", mongo_code=_QUERY_FEATURE_NOT_ALLOWED
        )
    if (is_operators(operand) and first not in WHOLE_FILTER) or type(operand) is Regex:
        matches_field = _without_near({"": operand})
        return lambda item: matches_field({"": item})
    if type(operand) is dict:
        matches = _without_near(operand)
        return lambda item: type(item) is dict and matches(item)
    return lambda item: equal(item, operand)


def _without_near(condition: Filter) -> Predicate:
    compiled = compile_filter(condition)
    if compiled.near is not None:
        raise DatabaseRequestFailed("$near and $nearSphere are not allowed in $pull")
    return compiled.matches


def _pull_all(path: str, operand: Value) -> Change:
    if type(operand) is not list:
        raise DatabaseRequestFailed(
            f"$pullAll requires an array argument but was given a {type_name(operand)}"
        )
    keys = frozenset(map(hash_key, operand))
    return _on_array(
        "$pullAll",
        path,
        lambda old: [item for item in old if hash_key(item) not in keys],
        creates=False,
    )


ARRAY_OPERATORS: Final[Mapping[str, ChangeBuilder]] = {
    "$push": _push,
    "$addToSet": _add_to_set,
    "$pop": _pop,
    "$pull": _pull,
    "$pullAll": _pull_all,
}
