"""Owns the stages that choose and order documents: match, sort, limit, skip, sample, redact.

Not here: filters (`core.query`) and the order (`core.ordering`). The one idea: none of them makes a
new document, `$redact` aside, which makes smaller ones.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from emulator.core.aggregate.environment import Sample
from emulator.core.aggregate.expressions import compile_value
from emulator.core.aggregate.leavings import Leavings
from emulator.core.aggregate.nodes import Expression, Variables, refusal
from emulator.core.aggregate.numbers import is_number, is_whole_number, truncated
from emulator.core.aggregate.sorting import SortedRuns
from emulator.core.aggregate.stage_nodes import (
    Building,
    RunStage,
    Slices,
    Sort,
    Stage,
    StageBuilder,
    bind_filter,
    gathered,
    slices,
)
from emulator.core.aggregate.variables import parse_path
from emulator.core.errors import DatabaseRequestFailed
from emulator.core.ordering import TopDocuments, is_nan
from emulator.core.values import MISSING, Document, Value

SORT_PATHS_MAX: Final = 32
DRAWN_AT_ONCE_MAX: Final = 1_000
TOP_DOCUMENTS_MAX: Final = 4_000
"""Up to so many first documents are kept while they come, rather than all of them sorted."""


def _match(_name: str, operand: Value, building: Building) -> Stage:
    if type(operand) is not dict:
        raise refusal("the match filter must be an expression in an object", 15959)
    bound = bind_filter(operand, building.scope)

    def run(incoming: Slices, variables: Variables) -> Slices:
        for chunk in incoming:
            try:
                kept = bound.select(chunk, variables)
            except DatabaseRequestFailed:
                for document in chunk:
                    yield bound.select([document], variables)
            else:
                yield kept

    return Stage(run=run, filter=operand, columnar=bound.columnar is not None)


# --- sort, skip, limit ---------------------------------------------------------------------------


def _sort(_name: str, operand: Value, building: Building) -> Stage:
    if type(operand) is not dict:
        raise refusal("the $sort key specification must be an object", 15973)
    if not operand:
        raise refusal("$sort stage must have at least one sort key", 15976)
    if len(operand) > SORT_PATHS_MAX:
        raise refusal(f"too many compound keys: more than {SORT_PATHS_MAX}", 13103)
    sort = [(_sort_path(path), _direction(value)) for path, value in operand.items()]
    return sort_stage(sort, building.environment.leavings)


def _sort_path(path: str) -> str:
    parse_path(path)
    return path


def _direction(value: Value) -> int:
    if not is_number(value):
        raise refusal(
            "$sort key ordering must be specified using a number or {$meta: 'textScore'}",
            15974,
            hint="the cloud has no text search",
        )
    way = truncated(value)
    if way not in (1, -1):
        raise refusal("$sort key ordering must be 1 (for ascending) or -1 (for descending)", 15975)
    return way


def sort_stage(sort: Sort, leavings: Leavings) -> Stage:
    """Return the stage that sorts all documents."""

    def run(incoming: Slices, _variables: Variables) -> Slices:
        runs = SortedRuns(sort)
        try:
            for chunk in incoming:
                runs.add(chunk)
                yield []
            yield from runs.slices()
        finally:
            leavings.take(*runs.left)

    return Stage(run=run, sort=sort)


def _top_run(sort: Sort, limit: int) -> RunStage:
    def run(incoming: Slices, _variables: Variables) -> Slices:
        top = TopDocuments(sort, limit)
        for chunk in incoming:
            top.add(chunk)
            yield []
        yield from slices(top.result())

    return run


def limited(stage: Stage, limit: int) -> Stage:
    """Return a sorting stage of whose documents only the first `limit` are wanted."""
    if limit > TOP_DOCUMENTS_MAX or stage.sort is None:
        return stage
    return Stage(run=_top_run(stage.sort, limit), sort=stage.sort)


def _limit(name: str, operand: Value, _building: Building) -> Stage:
    return limit_stage(_whole(name, operand, not_number=15957, least=1, too_small=15958))


def limit_stage(count: int) -> Stage:
    """Return the stage that lets so many documents through."""

    def run(incoming: Slices, _variables: Variables) -> Slices:
        left = count
        for chunk in incoming:
            if len(chunk) >= left:
                yield chunk[:left]
                return
            left -= len(chunk)
            yield chunk

    return Stage(run=run, limit=count)


def _skip(name: str, operand: Value, _building: Building) -> Stage:
    count = _whole(name, operand, not_number=15972, least=0, too_small=15956)

    def run(incoming: Slices, _variables: Variables) -> Slices:
        left = count
        for chunk in incoming:
            yield chunk[left:] if left else chunk
            left = max(left - len(chunk), 0)

    return Stage(run=run, skip=count)


def _whole(name: str, operand: Value, *, not_number: int, least: int, too_small: int) -> int:
    if not is_whole_number(operand):
        raise refusal(
            f"the argument to {name} must be a whole number, not {operand!r:.60}", not_number
        )
    if operand < least:
        raise refusal(f"the argument to {name} must be at least {least}, not {operand}", too_small)
    return int(operand)


def _sample(_name: str, operand: Value, building: Building) -> Stage:
    if type(operand) is not dict:
        raise refusal("the $sample stage specification must be an object", 28745)
    for given in operand:
        if given != "size":
            raise refusal(f"unrecognized option to $sample: {given}", 28748)
    size = operand.get("size", MISSING)
    if size is MISSING:
        raise refusal("$sample stage must specify a size", 28749)
    if not is_number(size):
        raise refusal("size argument to $sample must be a number", 28746)
    if is_nan(size) or size < 0:
        raise refusal("size argument to $sample must not be negative", 28747)
    draw, leavings = building.environment.sample, building.environment.leavings

    def run(incoming: Slices, _variables: Variables) -> Slices:
        documents = yield from gathered(incoming, leavings)
        wanted = min(int(min(size, len(documents))), len(documents))
        try:
            yield from slices(documents[place] for place in _drawn(draw, len(documents), wanted))
        finally:
            leavings.take(documents)

    return Stage(run=run)


def _drawn(draw: Sample, population: int, size: int) -> Iterable[int]:
    """Return different places: many of them are drawn one by one, as they are asked for."""
    if size <= DRAWN_AT_ONCE_MAX:
        return draw(population, size)
    return _shuffled(draw, population, size)


def _shuffled(draw: Sample, population: int, size: int) -> Iterator[int]:
    """Yield the first places of a shuffle, of which only what has been moved is kept."""
    moved: dict[int, int] = {}
    for place in range(size):
        (ahead,) = draw(population - place, 1)
        chosen = place + ahead
        yield moved.pop(chosen, chosen) if ahead else moved.pop(place, place)
        if ahead:
            moved[chosen] = moved.pop(place, place)


# --- redact --------------------------------------------------------------------------------------

_VERDICTS: Final[Mapping[str, Value]] = {
    "DESCEND": "descend",
    "KEEP": "keep",
    "PRUNE": "prune",
}


def _redact(_name: str, operand: Value, building: Building) -> Stage:
    scope = replace(building.scope.bind("CURRENT"), constants=_VERDICTS)
    judge = compile_value(operand, scope)

    def run(incoming: Slices, variables: Variables) -> Slices:
        for chunk in incoming:
            left = [_judged(judge, document, document, variables) for document in chunk]
            yield [document for document in left if document is not None]

    return Stage(run=run)


def _judged(
    judge: Expression, current: Document, document: Document, variables: Variables
) -> Document | None:
    """Return what the verdict leaves of an object inside the document, None for nothing."""
    verdict = judge.run(document, (*variables, current))
    if verdict == "keep":
        return current
    if verdict == "prune":
        return None
    if verdict != "descend":
        raise refusal(
            "$redact's expression should not return anything aside from the variables $$KEEP,"
            f" $$DESCEND, and $$PRUNE, but returned {verdict!r:.60}",
            17053,
        )
    left: Document = {}
    for name, value in current.items():
        inner = _judged_value(judge, value, document, variables)
        if inner is not MISSING:
            left[name] = inner
    return left


def _judged_value(
    judge: Expression, value: Value, document: Document, variables: Variables
) -> Value:
    if value.__class__ is dict:
        left = _judged(judge, value, document, variables)
        return MISSING if left is None else left
    if value.__class__ is list:
        items = [_judged_value(judge, item, document, variables) for item in value]
        return [item for item in items if item is not MISSING]
    return value


FLOW: Final[Mapping[str, StageBuilder]] = {
    "$limit": _limit,
    "$match": _match,
    "$redact": _redact,
    "$sample": _sample,
    "$skip": _skip,
    "$sort": _sort,
}
