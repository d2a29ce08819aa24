"""Owns the slow ways of reading: testing, measuring and sorting many documents, slice by slice.

Not here: which documents are candidates (`services.planning`). The one idea: each of these is a
generator that stops between slices, and the size of a slice follows from how long the last one
took, so that an expensive filter holds the loop no longer than a cheap one.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import field
from itertools import islice, zip_longest
from typing import Final, TypeAlias

from emulator.ambient import Clock
from emulator.core.aggregate.sorting import SortedRuns
from emulator.core.ordering import SortSpecification, TopDocuments, sort_documents
from emulator.core.query import CompiledFilter, Near
from emulator.core.query_nodes import And
from emulator.core.records import dataclass
from emulator.core.values import Document
from emulator.services.filters import Known
from emulator.stores.base import Collection

SLICE_S: Final = 0.002
"""How long a slice should hold the loop."""
SLICE_MIN_DOCUMENTS: Final = 16
SLICE_FIRST_DOCUMENTS: Final = 500
SLICE_COSTLY_DOCUMENTS: Final = 50
"""The first slice where a condition may take long, such as a shape that others lie in."""
SLICE_MAX_DOCUMENTS: Final = 8_000
SLICE_GROWTH_MAX: Final = 2.0
SORT_AT_ONCE_MAX_DOCUMENTS: Final = 1_000
TOP_MAX_DOCUMENTS: Final = 4_000
"""Up to so many first documents are picked out of a long list without sorting it."""
WALK_MAX_DOCUMENTS: Final = 4_000
"""Reading an index in order holds the loop: when so many were not enough, all are sorted."""

_NOWHERE: Final = -1.0

Slices: TypeAlias = Generator[None, None, list[Document]]
Projection: TypeAlias = Callable[[Document], Document]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is wanted of a collection: documents that match, in an order, `wanted` of the first.

    `places` are the paths that geo indexes know, needed where the nearest are wanted; `cause` is
    the request that asks; `known` is what earlier reads found out about the filter.
    """

    name: str
    collection: Collection
    matcher: CompiledFilter
    sort: SortSpecification = ()
    wanted: int | None = None
    places: Mapping[str, str] = field(default_factory=dict)
    cause: str = ""
    known: Known | None = None

    @property
    def wants_all(self) -> bool:
        """Tell whether there is neither a condition nor an order, so no index could help."""
        node = self.matcher.node
        return not self.sort and isinstance(node, And) and not node.nodes


@dataclass(slots=True, kw_only=True)
class Reading:
    """What was read: the documents that match, in order and cut, and what that took.

    `stage` is MongoDB's name: IDHACK, IXSCAN, COUNT_SCAN, COLLSCAN, GEO_NEAR. `keys_examined` is of
    documents, each counted once for each index it was found in. `lacks_index`: all of them were
    looked at for want of one. `found` counts documents that were not kept.
    """

    documents: list[Document] = field(default_factory=list)
    stage: str = "COLLSCAN"
    indexes: tuple[str, ...] = ()
    keys_examined: int = 0
    documents_examined: int = 0
    sorted_by_index: bool = False
    lacks_index: bool = False
    found: int = 0

    @property
    def returned(self) -> int:
        """Return how many documents match, cut."""
        return self.found or len(self.documents)


class Pace:
    """The size of the next slice, by how long the last one took."""

    __slots__ = ("_began_s", "_clock", "size_documents")

    def __init__(self, clock: Clock, size_documents: int = SLICE_FIRST_DOCUMENTS) -> None:
        self._clock = clock
        self._began_s = clock.elapsed_s()
        self.size_documents = max(SLICE_MIN_DOCUMENTS, min(size_documents, SLICE_MAX_DOCUMENTS))

    def breathed(self) -> None:
        """Take note that the loop had its turn."""
        self._began_s = self._clock.elapsed_s()

    def finished(self) -> None:
        """Take note that a slice was done, and choose the size of the next."""
        took_s = self._clock.elapsed_s() - self._began_s
        share = SLICE_S / took_s if took_s > 0 else SLICE_GROWTH_MAX
        size = int(self.size_documents * min(share, SLICE_GROWTH_MAX))
        self.size_documents = max(SLICE_MIN_DOCUMENTS, min(size, SLICE_MAX_DOCUMENTS))


def select_slices(
    documents: Sequence[Document], question: Question, reading: Reading, clock: Clock
) -> Slices:
    """Return the documents that match; `wanted` at most, but all to sort them where it is many."""
    select = question.matcher.select
    wanted = question.wanted if not question.sort else None
    top = _top(question)
    first = SLICE_COSTLY_DOCUMENTS if question.matcher.is_costly else SLICE_FIRST_DOCUMENTS
    pace = Pace(clock, first if wanted is None else min(first, wanted * 2))
    found: list[Document] = []
    start, count = 0, len(documents)
    while start < count:
        end = start + pace.size_documents
        found += select(documents[start:end] if start or end < count else documents)
        start = end
        if top is not None:
            # Kept while the documents are in the processor's cache: a second walk costs as much.
            top.add(found)
            found = []
        if wanted is not None and len(found) >= wanted:
            del found[wanted:]
            break
        if start < count:
            pace.finished()
            yield
            pace.breathed()
    reading.documents_examined += min(start, count)
    return found if top is None else top.result()


def _top(question: Question) -> TopDocuments | None:
    """Return what keeps the first documents in order, where few of them are wanted."""
    if not question.sort or question.wanted is None or question.wanted > TOP_MAX_DOCUMENTS:
        return None
    return TopDocuments(question.sort, question.wanted)


def sort_slices(
    documents: list[Document], sort: SortSpecification, wanted: int | None, clock: Clock
) -> Slices:
    """Return the first `wanted` documents in order; raises as `sort_documents`."""
    count = len(documents)
    if not sort:
        return documents if wanted is None else documents[:wanted]
    if count <= SORT_AT_ONCE_MAX_DOCUMENTS:
        return sort_documents(documents, sort, wanted)
    if wanted is not None and wanted <= TOP_MAX_DOCUMENTS:
        return (yield from _top_slices(documents, sort, wanted, clock))
    return (yield from _merge_slices(documents, sort, wanted, clock))


def _top_slices(
    documents: Sequence[Document], sort: SortSpecification, wanted: int, clock: Clock
) -> Slices:
    pace = Pace(clock, SORT_AT_ONCE_MAX_DOCUMENTS)
    best: list[Document] = []
    start = 0
    while start < len(documents):
        end = start + pace.size_documents
        best = sort_documents([*best, *documents[start:end]], sort, wanted)
        start = end
        pace.finished()
        yield
        pace.breathed()
    return best


def _merge_slices(
    documents: Sequence[Document], sort: SortSpecification, wanted: int | None, clock: Clock
) -> Slices:
    """Sort runs of documents, then merge them; the earlier run decides between equals."""
    runs = SortedRuns(sort, is_bounded=False)
    for start in range(0, len(documents), SORT_AT_ONCE_MAX_DOCUMENTS):
        runs.add(documents[start : start + SORT_AT_ONCE_MAX_DOCUMENTS])
        yield
    found: list[Document] = []
    began_s = clock.elapsed_s()
    for piece in runs.slices():
        found += piece
        if wanted is not None and len(found) >= wanted:
            return found[:wanted]
        if clock.elapsed_s() - began_s >= SLICE_S:
            yield
            began_s = clock.elapsed_s()
    return found


def project_slices(documents: list[Document], change: Projection, clock: Clock) -> Slices:
    """Return each document changed."""
    changed: list[Document] = []
    pace = Pace(clock)
    start = 0
    while start < len(documents):
        end = start + pace.size_documents
        changed += map(change, documents[start:end])
        start = end
        if start < len(documents):
            pace.finished()
            yield
            pace.breathed()
    return changed


def distance_slices(documents: Sequence[Document], near: Near, clock: Clock) -> Slices:
    """Return the documents that have a distance, the nearest first."""
    measure: Callable[[Document], float | None] = near.distance_m
    distances: list[float] = []
    runs: list[list[int]] = []
    pace = Pace(clock)
    start = 0
    while start < len(documents):
        end = min(start + pace.size_documents, len(documents))
        measured = map(measure, documents[start:end])
        distances += [_NOWHERE if distance is None else distance for distance in measured]
        near_enough = [place for place in range(start, end) if distances[place] != _NOWHERE]
        runs.append(sorted(near_enough, key=distances.__getitem__))
        start = end
        pace.finished()
        yield
        pace.breathed()
    while len(runs) > 1:
        # Two runs in order become one in few comparisons.
        pairs = zip_longest(runs[::2], runs[1::2], fillvalue=())
        runs = []
        for first, second in pairs:
            runs.append(sorted([*first, *second], key=distances.__getitem__))
            if len(runs[-1]) > SORT_AT_ONCE_MAX_DOCUMENTS:
                yield
    found: list[Document] = []
    for start in range(0, len(runs[0]) if runs else 0, SLICE_MAX_DOCUMENTS):
        found += [documents[place] for place in runs[0][start : start + SLICE_MAX_DOCUMENTS]]
        yield
    return found


def walk_some(
    walk: Iterator[Document], question: Question, reading: Reading
) -> list[Document] | None:
    """Return `wanted` documents that match of an ordered walk, None if it would take too long."""
    wanted = question.wanted
    assert wanted is not None, "a walk ends where enough is found"
    found: list[Document] = []
    examined, size = 0, wanted
    while len(found) < wanted:
        piece = list(islice(walk, size))
        examined += len(piece)
        found += question.matcher.select(piece)
        if len(piece) < size:
            break
        if examined >= WALK_MAX_DOCUMENTS and len(found) < wanted:
            return None
        size = SLICE_FIRST_DOCUMENTS
    reading.documents_examined += examined
    reading.keys_examined += examined
    return found[:wanted]
