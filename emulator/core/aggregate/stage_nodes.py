"""Owns what a compiled stage is, and how documents move: in slices, some of which are empty.

Not here: the stages (`stages_*`) nor their table (`pipeline`). The one idea: a stage turns slices
of documents into slices and never works longer on one pull than a slice takes; a stage that must
gather everything gives an empty slice for each one it takes in, so whoever pulls can do other
things in between. What it does at the end (sorting, mostly) is its one long step.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from itertools import islice
from typing import Final, TypeAlias

from emulator.core.aggregate.columns import Piece, Read, values_of
from emulator.core.aggregate.environment import PipelineEnvironment
from emulator.core.aggregate.expressions import compile_value
from emulator.core.aggregate.leavings import Leavings
from emulator.core.aggregate.nodes import Expression, Scope, Variables, is_true, refusal
from emulator.core.errors import DatabaseRequestFailed
from emulator.core.paths import Parts, Predicate
from emulator.core.query import CompiledFilter, compile_filter
from emulator.core.query_columns import ColumnFilter, column_filter
from emulator.core.records import dataclass
from emulator.core.values import Document, Filter, Value

SLICE_DOCUMENTS: Final = 1_000
_FIRST_SLICE_DOCUMENTS: Final = 100

Slice: TypeAlias = Sequence[Document]
Slices: TypeAlias = Iterator[Slice]
RunStage: TypeAlias = Callable[[Slices, Variables], Slices]
Sort: TypeAlias = Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stage:
    """A compiled stage.

    `keeps_count` says that each document that comes in goes out, changed, in the same order.
    `filter`, `sort`, `skip` and `limit` say what a stage of that kind does, for those who reorder
    stages or plan with them; `columnar` that the filter needs but columns of documents.
    """

    run: RunStage
    keeps_count: bool = False
    filter: Filter | None = None
    columnar: bool = False
    sort: Sort | None = None
    skip: int | None = None
    limit: int | None = None
    collections: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Building:
    """What a stage needs to compile its operand.

    `pipeline` compiles an inner pipeline. `above` names the stages around this one, `place` is its
    place in its pipeline.
    """

    environment: PipelineEnvironment
    scope: Scope
    pipeline: Callable[[Value, "Building"], Sequence[Stage]]
    above: tuple[str, ...] = ()
    place: int = 0

    def expression(self, operand: Value) -> Expression:
        """Return a compiled expression."""
        return compile_value(operand, self.scope)


StageBuilder: TypeAlias = Callable[[str, Value, Building], Stage]
"""Takes the stage's name, its operand as written, and what it may need."""


# --- moving documents ----------------------------------------------------------------------------


def slices(documents: Iterable[Document]) -> Slices:
    """Yield documents in slices, small ones first: whoever wants few is served soon."""
    source = iter(documents)
    size = _FIRST_SLICE_DOCUMENTS
    while chunk := list(islice(source, size)):
        yield chunk
        size = min(2 * size, SLICE_DOCUMENTS)


def gathered(incoming: Slices, leavings: Leavings) -> Generator[Slice, None, list[Document]]:
    """Take in everything, an empty slice for each; the generator's value is all documents."""
    documents: list[Document] = []
    try:
        for chunk in incoming:
            documents += chunk
            yield []
    except BaseException:
        leavings.take(documents)
        raise
    return documents


def mapped(transform: Callable[[Document, Variables], Document]) -> RunStage:
    """Return the run of a stage that changes each document on its own.

    Where a document is refused, those before it still come out first, so that a limit behind the
    stage is as good as one before it.
    """

    def run(incoming: Slices, variables: Variables) -> Slices:
        for chunk in incoming:
            try:
                changed = [transform(document, variables) for document in chunk]
            except DatabaseRequestFailed:
                for document in chunk:
                    yield [transform(document, variables)]
            else:
                yield changed

    return run


def through(stages: Sequence[Stage], incoming: Slices, variables: Variables) -> Slices:
    """Yield what comes out behind the last stage.

    However that ends, every stage ends with it: a refusal would keep those before it waiting.
    """
    runs: list[Slices] = []
    for stage in stages:
        incoming = stage.run(incoming, variables)
        runs.append(incoming)
    try:
        yield from incoming
    finally:
        for run in reversed(runs):
            if isinstance(run, Generator):
                run.close()


# --- filters -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class BoundFilter:
    """A filter whose `$expr` may use variables."""

    compiled: CompiledFilter
    columnar: ColumnFilter | None
    _bound: list[Variables] = field(default_factory=lambda: [()])

    def select(self, documents: Slice, variables: Variables) -> Slice:
        """Return the documents that match."""
        columnar = self.columnar
        if (
            columnar is not None
            and isinstance(documents, Piece)
            and documents.keeps(columnar.paths)
        ):
            paths = columnar.paths
            columns = [documents.column(path, _read_field(path)) for path in paths]
            return documents.chosen(columnar.flags(columns, [*map(documents.kinds, paths)]))
        self._bound[0] = variables
        return self.compiled.select(documents)


def _read_field(path: Parts) -> Read:
    return lambda documents: values_of(documents, path) or []


def bind_filter(filter: Value, scope: Scope) -> BoundFilter:  # noqa: A002  # glossary
    """Return a compiled filter of a stage.

    Raises:
        DatabaseRequestFailed: it asks for distances (5626500), or is refused as any filter.
    """
    bound: list[Variables] = [()]

    def compile_condition(operand: Value) -> Predicate:
        run = compile_value(operand, scope).run
        return lambda document: is_true(run(document, bound[0]))

    compiled = compile_filter(filter, expression=compile_condition)
    if compiled.near is not None:
        raise refusal(
            "$geoNear, $near, and $nearSphere are not allowed in this context",
            5626500,
            hint="use the $geoNear stage",
        )
    return BoundFilter(compiled, column_filter(compiled.node), bound)


def read_options(
    name: str, operand: Mapping[str, Value], known: Iterable[str], code: int
) -> Mapping[str, Value]:
    """Return a stage's options, refused where one is not known."""
    for given in operand:
        if given not in known:
            raise refusal(f"unrecognized option to {name}: {given}", code)
    return operand
