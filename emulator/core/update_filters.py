"""Owns array filters: which elements `$[name]` in an update's path means.

Not here: the walk along such a path (`core.update_tree`). The one idea: a filter speaks of one
name, and an element is asked as if it were the field of that name.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from emulator.core.errors import DatabaseRequestFailed
from emulator.core.paths import ValueTest, split_path
from emulator.core.query import compile_filter
from emulator.core.values import Document, Filter

_FAILED_TO_PARSE: Final = 9
_LOGICAL: Final = ("$and", "$or", "$nor")
_ELEMENT_NAME: Final = re.compile(r"[a-z][a-zA-Z0-9]*")


def element_tests(array_filters: Sequence[Filter]) -> dict[str, ValueTest]:
    """Return the test of an element for each name that `$[name]` may use.

    Raises:
        DatabaseRequestFailed: a filter has no name, two names (9) or no proper name (2).
    """
    tests: dict[str, ValueTest] = {}
    for condition in array_filters:
        name = _filter_name(condition)
        if name in tests:
            raise DatabaseRequestFailed(
                f"Found multiple array filters with the same top-level field name {name}",
                mongo_code=_FAILED_TO_PARSE,
            )
        compiled = compile_filter(condition)
        if compiled.near is not None:
            raise DatabaseRequestFailed("$near is not allowed in an array filter")
        tests[name] = _element_test(name, compiled.matches)
    return tests


def _filter_name(condition: Filter) -> str:
    """Return the one name an array filter speaks of, also inside and, or, nor."""
    names = sorted(_filter_names(condition))
    if not names:
        raise DatabaseRequestFailed(
            "Cannot use an expression without a top-level field name in arrayFilters",
            mongo_code=_FAILED_TO_PARSE,
        )
    if len(names) > 1:
        raise DatabaseRequestFailed(
            "Error parsing array filter: Expected a single top-level field name, found "
            f"'{names[0]}' and '{names[1]}'",
            mongo_code=_FAILED_TO_PARSE,
        )
    if not _ELEMENT_NAME.fullmatch(names[0]):
        raise DatabaseRequestFailed(
            "Error parsing array filter: The top-level field name must be an alphanumeric string "
            f"beginning with a lowercase letter, found '{names[0]}'"
        )
    return names[0]


def _filter_names(condition: Filter) -> set[str]:
    names = {path.partition(".")[0] for path in condition if path[:1] != "$"}
    for name in _LOGICAL:
        parts = condition.get(name)
        for part in parts if type(parts) is list else ():
            names |= _filter_names(part) if type(part) is dict else set()
    return names


def refuse_unused(tests: Mapping[str, ValueTest], update: Document) -> None:
    """Refuse an array filter whose name stands in no path (9)."""
    used = {part for paths in update.values() for path in paths for part in split_path(path)}
    for name in tests:
        if f"$[{name}]" not in used:
            raise DatabaseRequestFailed(
                f"The array filter for identifier '{name}' was not used in the update",
                mongo_code=_FAILED_TO_PARSE,
            )


def _element_test(name: str, matches: Callable[[Document], bool]) -> ValueTest:
    return lambda item: matches({name: item})
