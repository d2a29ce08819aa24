"""Owns sorting many documents in short steps: runs first, then what is common to all of them.

Not here: the order (`core.ordering`). The one idea: samples of the sorted runs tell where to cut
all of them so that about equally many documents lie between two cuts; what lies there is sorted
together and comes before all behind. Whoever wants only the first documents pulls no more of them.
"""

import heapq
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, TypeAlias, TypeVar

from emulator.core.aggregate.nodes import refusal
from emulator.core.aggregate.sizes import MEMORY_MAX_BYTES, about_bytes
from emulator.core.indexes import Row, compile_order
from emulator.core.ordering import SortSpecification, sort_documents, sort_places
from emulator.core.values import Document, Value

RUN_DOCUMENTS: Final = 3_000
BUCKET_DOCUMENTS: Final = 700
"""About so many are sorted in one step."""
SAMPLE_EVERY_DOCUMENTS: Final = 100
SAMPLES_MAX: Final = 1_000
SLICE_DOCUMENTS: Final = 500

RowOf: TypeAlias = Callable[[Document], Row]
_Row = TypeVar("_Row")


class SortedRuns:
    """Takes documents in slices and gives them back in order, ties as they came.

    Without `is_bounded` there may be any number of them.
    """

    def __init__(self, sort: SortSpecification, *, is_bounded: bool = True) -> None:
        self._sort = sort
        self._is_bounded = is_bounded
        self._waiting: list[Document] = []
        self._runs: list[list[Document]] = []
        self._bytes = 0

    @property
    def left(self) -> list[list[Document]]:
        """The lists that hold what nobody took."""
        return [self._waiting, *self._runs]

    def add(self, documents: Sequence[Document]) -> None:
        """Take more documents.

        Raises:
            DatabaseRequestFailed: two sort paths run through different arrays of one document (2),
                or all of them are too much to sort (16819).
        """
        if self._is_bounded:
            self._bytes += about_bytes(documents)
        if self._bytes > MEMORY_MAX_BYTES:
            raise refusal(
                f"Sort exceeded memory limit of {MEMORY_MAX_BYTES} bytes, but did not opt in to"
                " external sorting.",
                16819,
                hint="match, project or limit before the $sort",
            )
        self._waiting += documents
        if len(self._waiting) >= RUN_DOCUMENTS:
            self._runs.append(sort_documents(self._waiting, self._sort))
            self._waiting = []

    def slices(self) -> Iterator[list[Document]]:
        """Yield all documents in order, and an empty slice where a step gives none."""
        if self._waiting:
            self._runs.append(sort_documents(self._waiting, self._sort))
            self._waiting = []
            yield []
        runs = self._runs = self._joined()
        if len(runs) > 1:
            yield []
            row_of = compile_order(self._sort)
            limits = list(_limits(runs, row_of))
            yield []
            for limit, is_frequent in limits:
                before = [bisect_left(run, limit, key=row_of) for run in runs]
                yield from _cut(sort_documents(_taken(runs, before), self._sort))
                if is_frequent:
                    # All of one rank: they are in order as they come.
                    same = [bisect_right(run, limit, key=row_of) for run in runs]
                    yield from _cut(_taken(runs, same))
            runs = [sort_documents(_taken(runs, map(len, runs)), self._sort)]
        for run in runs:
            yield from _cut(run)

    def _joined(self) -> list[list[Document]]:
        """Return the runs, neighbours that need no merging as one: often most came in order."""
        joined: list[list[Document]] = []
        for run in self._runs:
            if joined and self._comes_first(joined[-1][-1], run[0]):
                joined[-1] += run
            elif joined and not self._comes_first(joined[-1][0], run[-1]):
                joined[-1] = run + joined[-1]
            else:
                joined.append(run)
        return joined

    def _comes_first(self, before: Document, after: Document) -> bool:
        """Tell whether two documents, the first of which came first, are in order."""
        return sort_places([before, after], self._sort)[0] == 0


def _limits(runs: Sequence[list[Document]], row_of: RowOf) -> Iterator[tuple[Row, bool]]:
    """Yield rows between which about equally many documents lie, and whether many have that row."""
    count = sum(map(len, runs))
    every = max(SAMPLE_EVERY_DOCUMENTS, count // SAMPLES_MAX)
    # Runs are much alike: samples from the same places in each would lie close together.
    firsts = [(2 * at + 1) * every // (2 * len(runs)) for at in range(len(runs))]
    rows = sorted(
        row_of(run[place])
        for run, first in zip(runs, firsts, strict=True)
        for place in range(first, len(run), every)
    )
    step = max(BUCKET_DOCUMENTS // every, 1)
    for row, times in Counter(rows[step::step]).items():
        yield row, times > 1


def _taken(runs: Sequence[list[Document]], places: Iterable[int]) -> list[Document]:
    """Take the first documents out of each run, up to a place in it.

    What has been given away is let go of at once: to let go of everything at the end takes long.
    """
    found: list[Document] = []
    for run, place in zip(runs, places, strict=True):
        found += run[:place]
        del run[:place]
    return found


def _cut(documents: list[Document]) -> Iterator[list[Document]]:
    """Yield documents in slices, and let go of them."""
    documents.reverse()
    while documents:
        yield documents[: -SLICE_DOCUMENTS - 1 : -1]
        del documents[-SLICE_DOCUMENTS:]


def sorted_in_steps(
    rows: Sequence[_Row], key: Callable[[_Row], Value]
) -> Generator[list[Document], None, list[_Row]]:
    """Sort rows, an empty slice for each step; ties stay as they came."""
    runs: list[list[_Row]] = []
    for start in range(0, len(rows), RUN_DOCUMENTS):
        runs.append(sorted(rows[start : start + RUN_DOCUMENTS], key=key))
        yield []
    merged = heapq.merge(*runs, key=key)
    found: list[_Row] = []
    while piece := list(islice(merged, SLICE_DOCUMENTS)):
        found += piece
        yield []
    return found
