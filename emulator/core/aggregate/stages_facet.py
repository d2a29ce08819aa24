"""Owns `$facet`: several pipelines over the same documents.

Not here: compiling pipelines (`pipeline`). The one idea: what comes in is gathered once, and each
inner pipeline runs over that in its turn.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from emulator.core.aggregate.columns import Piece
from emulator.core.aggregate.nodes import Variables, refusal
from emulator.core.aggregate.stage_nodes import (
    SLICE_DOCUMENTS,
    Building,
    Slice,
    Slices,
    Stage,
    StageBuilder,
    gathered,
    slices,
    through,
)
from emulator.core.aggregate.stages_join import inner_building
from emulator.core.aggregate.variables import check_field_name
from emulator.core.query_types import type_name
from emulator.core.values import Document, Value

_NOT_INSIDE: Final = frozenset({"$facet", "$geoNear", "$merge", "$out"})


class _Gathering:
    """Documents that are read several times; pieces stay such, for their columns may be known."""

    def __init__(self) -> None:
        self.lists: list[list[Document]] = []
        self._sources: list[Piece | list[Document]] = []

    def add(self, chunk: Slice) -> None:
        """Take documents."""
        if isinstance(chunk, Piece):
            self._sources.append(chunk)
            return
        if not self._sources or isinstance(self._sources[-1], Piece):
            self.lists.append([])
            self._sources.append(self.lists[-1])
        self.lists[-1] += chunk

    def slices(self) -> Slices:
        """Yield all documents."""
        for source in self._sources:
            if isinstance(source, Piece):
                yield from source.parts(SLICE_DOCUMENTS)
            else:
                yield from slices(source)


def _facet(name: str, operand: Value, building: Building) -> Stage:
    if type(operand) is not dict or not operand:
        raise refusal("the $facet specification must be a non-empty object", 40169)
    facets = {field: _inner(name, field, given, building) for field, given in operand.items()}
    collections = [stage.collections for stages in facets.values() for stage in stages]
    leavings = building.environment.leavings

    def run(incoming: Slices, variables: Variables) -> Slices:
        gathering = _Gathering()
        made: Document = {}
        try:
            for chunk in incoming:
                gathering.add(chunk)
                yield []
            for field, stages in facets.items():
                inner = through(stages, gathering.slices(), variables)
                made[field] = yield from gathered(inner, leavings)
        finally:
            leavings.take(*gathering.lists)
        yield [made]

    return Stage(run=run, collections=frozenset().union(*collections))


def _inner(name: str, field: str, pipeline: Value, building: Building) -> Sequence[Stage]:
    check_field_name(field)
    if type(pipeline) is not list:
        raise refusal(
            f"arguments to $facet must be arrays, '{field}' is of type {type_name(pipeline)}",
            40170,
        )
    for stage in pipeline:
        if type(stage) is not dict:
            raise refusal(f"elements of arrays in $facet must be objects, see '{field}'", 40171)
        for refused in _NOT_INSIDE.intersection(stage):
            raise refusal(f"{refused} is not allowed to be used within a $facet stage", 40600)
    return building.pipeline(pipeline, inner_building(name, building))


FACET: Final[Mapping[str, StageBuilder]] = {"$facet": _facet}
