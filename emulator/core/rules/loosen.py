"""Owns the part of a filter that is compared with a rule: comparisons, lists, combinations.

Not here: the comparison (`core.rules.implies`). The one idea: what is left out must make the filter
find more, never less, so that a rule that allows the loose filter allows the given one.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from emulator.core.values import Document, Filter, Regex, Value

_COMPARISONS: Final = ("$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$exists")
_LISTS: Final = ("$in", "$nin")


def loosened(filter_: Filter) -> Document:
    """Return a filter of comparisons alone that finds all the given one finds, and maybe more."""
    loose: Document = {}
    for key, operand in filter_.items():
        if key in ("$and", "$or"):
            loose[key] = [loosened(branch) for branch in operand]
        elif key == "$nor":
            # Inside a negation less would mean more.
            exact = [loosened(branch) for branch in operand if _is_exact(branch)]
            if exact:
                loose[key] = exact
        elif not key.startswith("$"):
            kept = _condition(operand)
            if kept is not None:
                loose[key] = kept
    return loose


def _is_exact(filter_: Filter) -> bool:
    """Tell whether nothing of a filter would be left out."""
    for key, operand in filter_.items():
        if key in ("$and", "$or", "$nor"):
            if not all(map(_is_exact, operand)):
                return False
        elif key.startswith("$") or not _is_kept_whole(operand):
            return False
    return True


def _is_kept_whole(operand: Value) -> bool:
    if _has_operators(operand):
        return bool(_condition(operand) == operand)
    return not isinstance(operand, Regex)


def _condition(operand: Value) -> Value:
    """Return what can be kept of the condition on a field, None for nothing."""
    if isinstance(operand, Regex):
        return None
    if not _has_operators(operand):
        # `{path: null}` says as much as `$eq`, and None says that nothing is kept.
        return {"$eq": operand}
    kept: Document = {}
    for name, value in operand.items():
        if (
            (name in _COMPARISONS and not isinstance(value, Regex))
            or (name in _LISTS and not any(isinstance(each, Regex) for each in value))
            or (name == "$not" and _has_operators(value) and _condition(value) == value)
        ):
            kept[name] = value
    return kept or None


def _has_operators(value: Value) -> bool:
    return isinstance(value, Mapping) and bool(value) and next(iter(value)).startswith("$")


def compared(filter_: Filter) -> Iterator[tuple[str, list[Value]]]:
    """Yield each field of a loose filter with the constants it is compared with, maybe none."""
    for key, operand in filter_.items():
        if key.startswith("$"):
            for branch in operand:
                yield from compared(branch)
        else:
            yield key, list(_constants(operand))


def _constants(condition: Document) -> Iterator[Value]:
    for name, value in condition.items():
        if name == "$not":
            yield from _constants(value)
        elif name in _LISTS:
            yield from value
        elif name != "$exists":
            yield value
