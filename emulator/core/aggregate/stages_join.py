"""Owns the stages that read other collections: `$lookup`, `$graphLookup`, `$unionWith`.

Not here: how the other documents are found (`foreign`). The one idea: a join by pipeline whose
first filter is an equality with a variable is narrowed down by it before the pipeline runs, as is a
join by equality.
"""

from collections.abc import Generator, Hashable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Final

from emulator.core.aggregate.environment import PipelineEnvironment
from emulator.core.aggregate.fields import set_path
from emulator.core.aggregate.foreign import Foreign, HashKeys, present_keys, query_keys
from emulator.core.aggregate.nodes import Expression, Run, Variables, refusal
from emulator.core.aggregate.numbers import is_number, is_whole_number
from emulator.core.aggregate.stage_nodes import (
    Building,
    Slice,
    Slices,
    Stage,
    StageBuilder,
    bind_filter,
    gathered,
    read_options,
    slices,
    through,
)
from emulator.core.aggregate.variables import check_bindable, follow, parse_path
from emulator.core.ordering import hash_key
from emulator.core.paths import Parts, written_index
from emulator.core.query_types import type_name
from emulator.core.records import dataclass
from emulator.core.values import MISSING, Document, Int64, Value

PIPELINE_DEPTH_MAX: Final = 20


def local_values(document: Document, path: Parts) -> list[Value]:
    """Return the values a document is joined by: array elements each, null where there is none."""
    value = document.get(path[0], MISSING)
    rest = path[1:]
    while rest and value.__class__ is list and (index := written_index(rest[0])) is not None:
        value = value[index] if index < len(value) else MISSING
        rest = rest[1:]
    if rest:
        inner = value if value.__class__ is list else [value]
        found = [each for item in inner if item.__class__ is dict for each in _local(item, rest)]
    else:
        found = _ending(value)
    return found or [None]


def _local(document: Document, path: Parts) -> list[Value]:
    if len(path) == 1:
        return _ending(document.get(path[0], MISSING))
    values = local_values(document, path)
    return [] if values == [None] else values


def _ending(value: Value) -> list[Value]:
    if value.__class__ is list:
        return list(value)
    return [] if value is MISSING else [value]


# --- $lookup -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Lookup:
    """A `$lookup` as compiled."""

    source: str
    into: Parts
    environment: PipelineEnvironment
    local: Parts = ()
    foreign: str = ""
    values: Sequence[Expression] = ()
    stages: Sequence[Stage] | None = None
    hint: tuple[Parts, Run] | None = None
    is_fixed: bool = False

    def run(self, incoming: Slices, variables: Variables) -> Slices:
        """Join every document with what it is looked up."""
        made = Foreign(self.source, self.environment, self._keys(), self._path())
        fixed: list[Document] | None = None
        with closing(made) as foreign:
            for chunk in incoming:
                for document in chunk:
                    found = fixed
                    if found is None:
                        found = yield from self._found(document, foreign, variables)
                        fixed = found if self.is_fixed else None
                    yield [set_path(document, self.into, found)]

    def _keys(self) -> HashKeys:
        if self.local:
            return query_keys(self.foreign)
        if self.hint is not None:
            parts = self.hint[0]
            return lambda document: (hash_key(follow(document, parts)),)
        return lambda _document: ()

    def _path(self) -> str:
        return self.foreign if self.hint is None else ".".join(self.hint[0])

    def _found(
        self, document: Document, foreign: Foreign, variables: Variables
    ) -> Generator[Slice, None, list[Document]]:
        inner = (*variables, *[value.run(document, variables) for value in self.values])
        if self.local:
            found = yield from foreign.having(local_values(document, self.local))
        elif self.hint is not None:
            found = yield from foreign.having([self.hint[1]({}, inner)])
        else:
            yield from foreign.prepare()
            found = foreign.documents
        if self.stages is None:
            return found
        incoming = through(self.stages, slices(found), inner)
        return (yield from gathered(incoming, self.environment.leavings))


_LOOKUP_OPTIONS: Final = ("from", "localField", "foreignField", "as", "let", "pipeline")


def _lookup(name: str, operand: Value, building: Building) -> Stage:
    if type(operand) is not dict:
        raise refusal(
            f"the $lookup stage specification must be an object, but found {type_name(operand)}", 9
        )
    options = read_options(name, operand, _LOOKUP_OPTIONS, 9)
    source = _collection_name(name, options)
    into = parse_path(_string(name, options, "as"))
    by_fields = "localField" in options or "foreignField" in options
    if not by_fields and "pipeline" not in options:
        raise refusal(
            "$lookup requires either 'pipeline' or both 'localField' and 'foreignField'", 9
        )
    lookup = _Lookup(source=source, into=into, environment=building.environment)
    if by_fields:
        lookup = replace(
            lookup,
            local=parse_path(_string(name, options, "localField")),
            foreign=".".join(parse_path(_string(name, options, "foreignField"))),
        )
    if "pipeline" in options:
        lookup = _with_pipeline(lookup, options, building)
    inner = [stage.collections for stage in lookup.stages or ()]
    return Stage(run=lookup.run, keeps_count=True, collections=frozenset({source}).union(*inner))


def _with_pipeline(lookup: _Lookup, options: Mapping[str, Value], building: Building) -> _Lookup:
    given = options.get("let")
    given = {} if given is None else given
    if type(given) is not dict:
        raise refusal(f"$lookup argument 'let' must be an object, is type {type_name(given)}", 9)
    for each in given:
        check_bindable(each)
    inner = inner_building("$lookup", building, *given)
    stages = inner.pipeline(_pipeline_operand("$lookup", options["pipeline"]), inner)
    hint = None if lookup.local else _equality_hint(options["pipeline"], inner)
    return replace(
        lookup,
        values=[building.expression(value) for value in given.values()],
        stages=stages,
        hint=hint,
        is_fixed=not given and not lookup.local,
    )


def inner_building(name: str, building: Building, *variables: str) -> Building:
    """Return what the stages of a pipeline inside a stage are built with.

    Raises:
        DatabaseRequestFailed: pipelines are nested too deep (232).
    """
    if len(building.above) >= PIPELINE_DEPTH_MAX:
        raise refusal(
            f"Maximum number of nested sub-pipelines ({PIPELINE_DEPTH_MAX}) exceeded", 232
        )
    return replace(
        building,
        above=(*building.above, name),
        scope=building.scope.bind(*variables),
        place=0,
    )


def _equality_hint(pipeline: Sequence[Value], inner: Building) -> tuple[Parts, Run] | None:
    """Return a path and a variable that the pipeline's first filter wants equal, if it does."""
    first = pipeline[0] if pipeline else None
    condition = first.get("$match") if type(first) is dict else None
    operand = condition.get("$expr") if type(condition) is dict else None
    conjuncts = [operand]
    if type(operand) is dict and type(operand.get("$and")) is list:
        conjuncts = operand["$and"]
    for each in conjuncts:
        sides = each.get("$eq") if type(each) is dict else None
        if type(sides) is list and len(sides) == 2:
            left, right = sides
            found = _path_and_variable(left, right, inner) or _path_and_variable(right, left, inner)
            if found is not None:
                return found
    return None


def _path_and_variable(path: Value, text: Value, inner: Building) -> tuple[Parts, Run] | None:
    if type(path) is not str or type(text) is not str:
        return None
    name = text[2:].partition(".")[0]
    if path[:1] != "$" or path[:2] == "$$" or text[:2] != "$$" or name not in inner.scope.slots:
        return None
    if "CURRENT" in inner.scope.slots:
        return None
    return parse_path(path[1:]), inner.expression(text).run


def _collection_name(stage: str, options: Mapping[str, Value], name: str = "from") -> str:
    if name not in options:
        raise refusal(f"missing '{name}' option to {stage} stage specification", 9)
    given = options[name]
    if type(given) is not str:
        raise refusal(f"{stage} argument '{name}' must be a string, is type {type_name(given)}", 9)
    if not given:
        raise refusal(f"Invalid namespace: the '{name}' of {stage} is empty", 73)
    return given


def _string(stage: str, options: Mapping[str, Value], name: str, *, mongo_code: int = 9) -> str:
    given: Value = options.get(name, MISSING)
    if type(given) is not str:
        raise refusal(
            f"{stage} argument '{name}' must be a string, is type {type_name(given)}", mongo_code
        )
    return given


def _pipeline_operand(stage: str, operand: Value) -> list[Value]:
    if type(operand) is not list:
        raise refusal(f"{stage} argument 'pipeline' must be an array", 14)
    return operand


# --- $unionWith ----------------------------------------------------------------------------------


def _union_with(name: str, operand: Value, building: Building) -> Stage:
    options = {"coll": operand} if type(operand) is str else operand
    if type(options) is not dict:
        raise refusal("the $unionWith stage specification must be an object or string", 9)
    read_options(name, options, ("coll", "pipeline"), 9)
    source = _collection_name(name, options, "coll")
    inner = inner_building(name, building)
    stages = inner.pipeline(_pipeline_operand(name, options.get("pipeline", [])), inner)
    read = building.environment.collection

    def run(incoming: Slices, variables: Variables) -> Slices:
        yield from incoming
        yield from through(stages, slices(read(source) or ()), variables)

    collections = frozenset({source}).union(*[stage.collections for stage in stages])
    return Stage(run=run, collections=collections)


# --- $graphLookup --------------------------------------------------------------------------------

_GRAPH_OPTIONS: Final = (
    "from", "startWith", "connectFromField", "connectToField", "as", "maxDepth", "depthField",
    "restrictSearchWithMatch",
)  # fmt: skip


def _graph_options(name: str, operand: Value) -> Mapping[str, Value]:
    if type(operand) is not dict:
        raise refusal("the $graphLookup stage specification must be an object", 9)
    options = read_options(name, operand, _GRAPH_OPTIONS, 40104)
    _collection_name(name, options)
    for required in _GRAPH_OPTIONS[1:5]:
        if required not in options:
            raise refusal(f"$graphLookup requires '{required}' to be specified", 40105)
    return options


def _graph_lookup(name: str, operand: Value, building: Building) -> Stage:
    options = _graph_options(name, operand)
    source = _collection_name(name, options)
    start = building.expression(options["startWith"]).run
    connect_from = _graph_path(name, options, "connectFromField")
    connect_to = ".".join(_graph_path(name, options, "connectToField"))
    into = _graph_path(name, options, "as")
    depth_path = _graph_path(name, options, "depthField") if "depthField" in options else None
    depth_max = _depth_max(options.get("maxDepth", MISSING))
    restricts = "restrictSearchWithMatch" in options
    bound = bind_filter(_restriction(options), building.scope)
    leavings = building.environment.leavings

    def run(incoming: Slices, variables: Variables) -> Slices:
        made = Foreign(source, building.environment, present_keys(connect_to), connect_to)
        with closing(made) as foreign:
            for chunk in incoming:
                for document in chunk:
                    found = yield from reached(document, foreign, variables)
                    yield [set_path(document, into, list(found.values()))]
                    leavings.take(found)

    def reached(
        document: Document, foreign: Foreign, variables: Variables
    ) -> Generator[Slice, None, dict[Hashable, Document]]:
        found: dict[Hashable, Document] = {}
        depth, frontier = 0, _start_values(start(document, variables))
        while frontier and (depth_max is None or depth <= depth_max):
            having = yield from foreign.having(frontier)
            matching = bound.select(having, variables) if restricts else having
            frontier = []
            for some in slices(matching):
                new = {hash_key(each.get("_id", MISSING)): each for each in some}
                new = {key: each for key, each in new.items() if key not in found}
                for key, each in new.items():
                    found[key] = _at_depth(each, depth_path, depth)
                    frontier += _connections(each, connect_from)
                yield []
            depth += 1
        return found

    return Stage(run=run, keeps_count=True, collections=frozenset({source}))


def _graph_path(stage: str, options: Mapping[str, Value], name: str) -> Parts:
    return parse_path(_string(stage, options, name, mongo_code=40103))


def _restriction(options: Mapping[str, Value]) -> Document:
    given: Value = options.get("restrictSearchWithMatch", {})
    if type(given) is not dict:
        raise refusal(
            f"restrictSearchWithMatch must be an object, found type: {type_name(given)}", 40185
        )
    return given


def _at_depth(document: Document, path: Parts | None, depth: int) -> Document:
    return document if path is None else set_path(document, path, Int64(depth))


def _start_values(value: Value) -> list[Value]:
    return _ending(value)


def _connections(document: Document, path: Parts) -> list[Value]:
    values = local_values(document, path)
    return [] if values == [None] and follow(document, path) is not None else values


def _depth_max(value: Value) -> int | None:
    if value is MISSING:
        return None
    if not is_number(value):
        raise refusal(f"maxDepth requires numeric argument, found type: {type_name(value)}", 40100)
    if value < 0:
        raise refusal(f"maxDepth requires a nonnegative argument, found: {value}", 40101)
    if not is_whole_number(value):
        raise refusal(f"maxDepth could not be represented as a long long: {value}", 40102)
    return int(value)


JOIN: Final[Mapping[str, StageBuilder]] = {
    "$graphLookup": _graph_lookup,
    "$lookup": _lookup,
    "$unionWith": _union_with,
}
