"""Owns what a pipeline is given from outside: the time, other collections, chance, indexes.

Not here: who provides it (the database service). The one idea: the core asks nobody; whatever a
stage cannot compute from its documents comes in with this record.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from typing import TypeAlias

from emulator.core.aggregate.leavings import Leavings
from emulator.core.aggregate.nodes import Watch, unwatched
from emulator.core.records import dataclass
from emulator.core.values import Document, Value

ReadCollection: TypeAlias = Callable[[str], Iterable[Document] | None]
FindEqual: TypeAlias = Callable[[str, str, Value], Mapping[int, Document] | None]
PrepareEqual: TypeAlias = Callable[[str, str], Iterable[None]]
Sample: TypeAlias = Callable[[int, int], Sequence[int]]


def _no_collection(_name: str) -> None:
    return None


def _nothing(_name: str, _path: str) -> Iterable[None]:
    return ()


def _first_places(population: int, size: int) -> Sequence[int]:
    return range(min(population, size))


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineEnvironment:
    """What stages and expressions need besides the documents.

    `now_ms` is the one time of the request. `collection` gives the documents of another collection,
    None where there is no such collection. `sample(population, size)` draws `size` different places
    below `population`. `find_equal(collection, path, value)` gives every document a filter
    `{path: {$eq: value}}` finds, and maybe others, by number in their order; None where no index
    serves. Before it is asked, `prepare_equal(collection, path)` builds the index piece by piece.
    `geo_indexes` are the kinds ("2dsphere", "2d") of the geometry indexes of the pipeline's own
    collection by path.
    `watch` is asked in long loops and may end them. `leavings` takes what stages are done with, to
    be emptied between slices.
    """

    now_ms: int
    collection: ReadCollection = _no_collection
    sample: Sample = _first_places
    find_equal: FindEqual | None = None
    prepare_equal: PrepareEqual = _nothing
    geo_indexes: Mapping[str, str] = field(default_factory=dict)
    watch: Watch = unwatched
    leavings: Leavings = field(default_factory=Leavings)
