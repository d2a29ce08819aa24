"""Owns dotted paths: splitting them, and reaching the values behind them through arrays.

Not here: writing along a path (`core.update`) and what a value is asked (`core.query_operators`).
The one idea: a path over an array goes into each element that is an object, and a numeric part is
also an index; never into an array that lies directly in an array. Reachers are built once and run
many times.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import zip_longest
from typing import Final, TypeAlias

from emulator.core.errors import DatabaseRequestFailed
from emulator.core.values import MISSING, Document, Value

Parts: TypeAlias = tuple[str, ...]
ValueTest: TypeAlias = Callable[[Value], bool]
Predicate: TypeAlias = Callable[[Document], bool]

INDEX_DIGITS_MAX: Final = 9


def split_path(path: str) -> Parts:
    """Return the parts of a dotted path."""
    return tuple(path.split("."))


def array_index(part: str) -> int | None:
    """Return the index that a part of a path spells; None for names, also for `01`."""
    if part.isdecimal() and part.isascii() and len(part) <= INDEX_DIGITS_MAX:
        return int(part) if part == "0" or part[0] != "0" else None
    return None


def written_index(part: str) -> int | None:
    """Return the index that a part of a path means to an update, which also reads `01` as 1."""
    if part.isdecimal() and part.isascii() and len(part) <= INDEX_DIGITS_MAX:
        return int(part)
    return None


def direct_value(document: Document, parts: Parts) -> Value:
    """Return the value behind a path that passes through objects only, else MISSING."""
    value: Value = document
    for part in parts:
        if type(value) is not dict:
            return MISSING
        value = value.get(part, MISSING)
    return value


def any_match(parts: Parts, holds: ValueTest, *, elements: bool = True) -> Predicate:
    """Return a predicate: does any value behind the path pass the test?

    With `elements` the elements of an array at the end of the path are asked as well as the array;
    a field that is not there is asked as MISSING.
    """
    ask = test_value(holds) if elements else holds
    in_object = _last_part(parts[-1], ask)
    in_array = _array_walk(parts[-1], in_object, holds)
    when_missing = holds(MISSING)
    for part in reversed(parts[:-1]):
        into = _either(in_object, in_array)
        in_object = _object_walk(part, in_object, in_array, when_missing=when_missing)
        in_array = _array_walk(part, in_object, into)
    return in_object


def test_value(holds: ValueTest) -> ValueTest:
    """Return the test of one value that asks the elements of an array as well as the array."""

    def ask(value: Value) -> bool:
        if value.__class__ is list and any(map(holds, value)):
            return True
        return holds(value)

    return ask


def _last_part(name: str, ask: ValueTest) -> Predicate:
    return lambda document: ask(document.get(name, MISSING))


def _object_walk(
    name: str, in_object: Predicate, in_array: ValueTest, *, when_missing: bool
) -> Predicate:
    def walk(document: Document) -> bool:
        value = document.get(name)
        if value.__class__ is dict:
            return in_object(value)
        if value.__class__ is list:
            return in_array(value)
        return when_missing

    return walk


def _array_walk(part: str, in_object: Predicate, at_index: ValueTest) -> ValueTest:
    """Return a predicate on an array that the path runs through, `part` being next."""
    index = array_index(part)
    if index is None:
        return lambda array: any(in_object(item) for item in array if item.__class__ is dict)

    def walk(array: list[Value]) -> bool:
        if any(in_object(item) for item in array if item.__class__ is dict):
            return True
        return index < len(array) and at_index(array[index])

    return walk


def _either(in_object: Predicate, in_array: ValueTest) -> ValueTest:
    """Return the test of an element that a numeric part has picked and the path goes on from."""

    def walk(item: Value) -> bool:
        if item.__class__ is dict:
            return in_object(item)
        return item.__class__ is list and in_array(item)

    return walk


def visit(
    document: Document, parts: Parts, *, elements: bool = True
) -> Iterator[tuple[Value, int | None]]:
    """Yield what `any_match` asks, each with the index in the outermost array that was expanded."""
    name, rest = parts[0], parts[1:]
    value = document.get(name, MISSING)
    if rest:
        if type(value) is dict:
            yield from visit(value, rest, elements=elements)
        elif type(value) is list:
            yield from _visit_array(value, rest, elements=elements)
        else:
            yield MISSING, None
        return
    if elements and type(value) is list:
        yield from ((item, place) for place, item in enumerate(value))
    yield value, None


def _visit_array(
    array: list[Value], parts: Parts, *, elements: bool
) -> Iterator[tuple[Value, int | None]]:
    index = array_index(parts[0])
    for place, item in enumerate(array):
        if type(item) is dict:
            for value, _ in visit(item, parts, elements=elements):
                yield value, place
        if place == index:
            yield from _visit_indexed(item, parts[1:], elements=elements)


def _visit_indexed(
    item: Value, parts: Parts, *, elements: bool
) -> Iterator[tuple[Value, int | None]]:
    if not parts:
        yield item, None
    elif type(item) is dict:
        yield from visit(item, parts, elements=elements)
    elif type(item) is list:
        yield from _visit_array(item, parts, elements=elements)


# --- sort keys -----------------------------------------------------------------------------------


def sort_values(document: Document, paths: Sequence[Parts]) -> list[tuple[Value, ...]]:
    """Return every combination of values the paths give for sorting and indexing.

    One value a path and no arrays give one row. An array gives a row an element, and paths through
    the same array share the element. A missing field gives None, an empty array MISSING. An array
    that a number picks out of another (`a.0` of `[[1]]`) is one value, it is not taken apart.

    Raises:
        DatabaseRequestFailed: two paths run through different arrays (2), be it by a number.
    """
    return _expand(document, list(enumerate(paths)), (None,) * len(paths))


def _expand(
    value: Document, open_paths: list[tuple[int, Parts]], row: tuple[Value, ...]
) -> list[tuple[Value, ...]]:
    """Fill the row in with what the paths find in an object, one row for each array element."""
    filled = list(row)
    arrays: dict[Parts, tuple[list[Value], list[tuple[int, Parts]]]] = {}
    ways: list[list[Parts]] = []
    is_picking = False
    for place, parts in open_paths:
        picked: list[Parts] = []
        found, walked, rest = _first_array(value, parts, picked)
        is_picking = is_picking or bool(picked)
        ways.append([*picked, walked] if type(found) is list else picked)
        if type(found) is list and not (found and not rest and picked[-1:] == [walked[:-1]]):
            arrays.setdefault(walked, (found, []))[1].append((place, rest))
        else:
            filled[place] = None if found is MISSING or rest else found
    if is_picking and len(ways) > 1:
        for level in zip_longest(*ways):
            _require_one({each for each in level if each is not None})
    if not arrays:
        return [tuple(filled)]
    _require_one(arrays)
    ((array, waiting),) = arrays.values()
    return _expand_array(array, waiting, tuple(filled))


def _require_one(arrays: Collection[Parts]) -> None:
    if len(arrays) > 1:
        names = " and ".join(".".join(walked) for walked in sorted(arrays))
        raise DatabaseRequestFailed(
            f"cannot sort with keys that are parallel arrays: {names}",
            hint="sort or index by paths through one array only",
        )


def _first_array(value: Value, parts: Parts, picked: list[Parts]) -> tuple[Value, Parts, Parts]:
    """Follow a path to its end, its first array to be expanded, or where it breaks off.

    Returns what was found, the parts walked and the parts to go. Arrays that a number of the path
    picks an element out of are passed, and told in `picked`.
    """
    for place, part in enumerate(parts):
        if type(value) is dict:
            value = value.get(part, MISSING)
        elif type(value) is list:
            index = array_index(part)
            if index is None or index >= len(value) or _is_field_of_elements(value, part):
                return value, parts[:place], parts[place:]
            picked.append(parts[:place])
            value = value[index]
        else:
            return value, parts[:place], parts[place:]
    return value, parts, ()


def _is_field_of_elements(array: list[Value], name: str) -> bool:
    return any(type(item) is dict and name in item for item in array)


def _expand_array(
    array: list[Value], waiting: list[tuple[int, Parts]], row: tuple[Value, ...]
) -> list[tuple[Value, ...]]:
    rows: list[tuple[Value, ...]] = []
    for item in array or [MISSING]:
        filled = list(row)
        deeper: list[tuple[int, Parts]] = []
        for place, rest in waiting:
            if rest:
                deeper.append((place, rest))
            else:
                filled[place] = item
        inner: Document = item if type(item) is dict else {}
        rows += _expand(inner, deeper, tuple(filled)) if deeper else [tuple(filled)]
    return rows
