"""Owns pipelines: a list of stages compiled once, run over slices of documents.

Not here: what a stage does (`stages_*`). The one idea: everything that can be refused is refused
while compiling, for an empty collection too; and a pipeline tells what of its beginning a plain
query could do, so that whoever has indexes can serve that part.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from typing import Final

from emulator.core.aggregate.environment import PipelineEnvironment
from emulator.core.aggregate.expressions import base_scope
from emulator.core.aggregate.leavings import Leavings
from emulator.core.aggregate.nodes import Variables, refusal
from emulator.core.aggregate.stage_nodes import (
    Building,
    RunStage,
    Slices,
    Sort,
    Stage,
    StageBuilder,
    gathered,
    slices,
    through,
)
from emulator.core.aggregate.stages_bucket import BUCKET
from emulator.core.aggregate.stages_facet import FACET
from emulator.core.aggregate.stages_flow import FLOW, limit_stage, limited
from emulator.core.aggregate.stages_geo import GEO
from emulator.core.aggregate.stages_group import GROUP
from emulator.core.aggregate.stages_join import JOIN
from emulator.core.aggregate.stages_shape import SHAPE
from emulator.core.errors import InvalidOperator
from emulator.core.records import dataclass
from emulator.core.values import Filter, Value

STAGES_MAX: Final = 1_000
NESTING_MAX_LEVELS: Final = 200
CHAIN_STAGES_MAX: Final = 100
"""Stages that hand slices to each other directly; behind so many, documents are gathered first."""

STAGES: Final[Mapping[str, StageBuilder]] = {
    **BUCKET,
    **FACET,
    **FLOW,
    **GEO,
    **GROUP,
    **JOIN,
    **SHAPE,
}
WRITING_STAGES: Final = frozenset({"$merge", "$out"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """What a plain query can do of a pipeline's beginning; an empty filter matches everything."""

    filter: Filter
    sort: Sort
    skip: int
    limit: int | None
    columnar: bool = field(default=False, compare=False)

    @property
    def filters_columns(self) -> bool:
        """Tell whether it is nothing but a filter, and that of columns."""
        return self.columnar and not (self.sort or self.skip or self.limit is not None)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pipeline:
    """A compiled pipeline.

    `collections` are the others it reads; whoever runs it empties `leavings`.
    """

    stages: Sequence[Stage]
    collections: frozenset[str]
    leavings: Leavings

    @property
    def has_limit(self) -> bool:
        """Tell whether a stage of the pipeline itself limits how many documents go on."""
        return any(stage.limit is not None for stage in self.stages)

    def capped(self, most: int) -> "Pipeline":
        """Return the pipeline of which no more documents than this are wanted."""
        return replace(self, stages=_with_limited_sorts([*self.stages, limit_stage(most)]))

    def run(self, incoming: Slices) -> Slices:
        """Yield what comes out, in slices; an empty slice is a chance to do other things."""
        stages = self.stages
        while len(stages) > CHAIN_STAGES_MAX:
            chain, stages = stages[:CHAIN_STAGES_MAX], stages[CHAIN_STAGES_MAX:]
            documents = yield from gathered(through(chain, incoming, ()), self.leavings)
            incoming = slices(documents)
        yield from through(stages, incoming, ())

    def told(self, tell: Callable[[int, int], None]) -> "Pipeline":
        """Return the pipeline that tells of the documents its first filters took and let on."""
        place = 0
        while place < len(self.stages) and self.stages[place].filter is not None:
            place += 1
        taken = Stage(run=_telling(lambda count: tell(count, 0)))
        let_on = Stage(run=_telling(lambda count: tell(0, count)))
        stages = [taken, *self.stages[:place], let_on, *self.stages[place:]]
        return replace(self, stages=stages)

    def split(self) -> "tuple[Lead, Pipeline]":
        """Return what a plain query can do first, and the pipeline of the stages left over."""
        place, filters = 0, []
        while place < len(self.stages) and (found := self.stages[place].filter) is not None:
            filters.append(found)
            place += 1
        sort, place = self._next("sort", place, ())
        skip, place = self._next("skip", place, 0)
        limit, place = self._next("limit", place, None)
        whole: Filter = filters[0] if len(filters) == 1 else {"$and": filters} if filters else {}
        columnar = bool(filters) and all(stage.columnar for stage in self.stages[: len(filters)])
        lead = Lead(filter=whole, sort=sort, skip=skip, limit=limit, columnar=columnar)
        return lead, replace(self, stages=self.stages[place:])

    def _next(self, kind: str, place: int, default: Value) -> tuple[Value, int]:
        """Return what a stage does, if it is of this kind, and the place behind it."""
        found = getattr(self.stages[place], kind) if place < len(self.stages) else None
        return (default, place) if found is None else (found, place + 1)


def _telling(tell: Callable[[int], None]) -> RunStage:
    def run(incoming: Slices, _variables: Variables) -> Slices:
        for chunk in incoming:
            tell(len(chunk))
            yield chunk

    return run


def compile_pipeline(pipeline: Value, environment: PipelineEnvironment) -> Pipeline:
    """Return a compiled pipeline.

    Raises:
        InvalidOperator: there is no such stage, expression or accumulator.
        DatabaseRequestFailed: an operand is refused, by MongoDB's number.
    """
    _check_nesting(pipeline)
    scope = base_scope(now_ms=environment.now_ms, watch=environment.watch)
    building = Building(environment=environment, scope=scope, pipeline=compile_stages)
    stages = compile_stages(pipeline, building)
    return Pipeline(
        stages=stages,
        collections=frozenset().union(*[stage.collections for stage in stages]),
        leavings=environment.leavings,
    )


def _check_nesting(pipeline: Value) -> None:
    """Raise the refusal of a pipeline that no document could hold."""
    level: list[Value] = [pipeline] if isinstance(pipeline, list | tuple) else []
    for _ in range(NESTING_MAX_LEVELS):
        level = [
            item
            for value in level
            for item in (value.values() if isinstance(value, Mapping) else value)
            if isinstance(item, Mapping | list)
        ]
        if not level:
            return
    raise refusal(f"the pipeline is nested deeper than {NESTING_MAX_LEVELS} levels", 15)


def compile_stages(pipeline: Value, building: Building) -> list[Stage]:
    """Return the stages of a pipeline, inner or outer."""
    if not isinstance(pipeline, list | tuple):
        raise refusal("'pipeline' option must be specified as an array", 14)
    if len(pipeline) > STAGES_MAX:
        raise refusal(f"Pipeline length must be no longer than {STAGES_MAX} stages", 7749501)
    return _with_limited_sorts(
        [_stage(stage, replace(building, place=place)) for place, stage in enumerate(pipeline)]
    )


def _stage(stage: Value, building: Building) -> Stage:
    if not isinstance(stage, Mapping):
        raise refusal("Each element of the 'pipeline' array must be an object", 14)
    if len(stage) != 1:
        raise refusal(
            "A pipeline stage specification object must contain exactly one field.", 40323
        )
    ((name, operand),) = stage.items()
    build = STAGES.get(name)
    if build is None:
        if name in WRITING_STAGES:
            raise InvalidOperator(
                f"{name} is not allowed by the cloud",
                mongo_code=40324,
                hint="write the result with add() or set() in a function",
            )
        raise InvalidOperator(f"Unrecognized pipeline stage name: '{name}'", mongo_code=40324)
    return build(name, operand, building)


def _with_limited_sorts(stages: Sequence[Stage]) -> list[Stage]:
    """Return the stages, sorts keeping only as many documents as a limit behind them lets on."""
    made = list(stages)
    for place, stage in enumerate(stages):
        if stage.sort is None:
            continue
        skipped = 0
        for behind in stages[place + 1 :]:
            if behind.limit is not None:
                made[place] = limited(stage, skipped + behind.limit)
                break
            if behind.skip is None and not behind.keeps_count:
                break
            skipped += behind.skip or 0
    return made
