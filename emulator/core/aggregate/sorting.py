"""Owns sorting many documents in short steps: runs first, then what is common to all of them.

Not here: the order (`core.ordering`). The one idea: of every sorted run a piece is taken and all
pieces are sorted together; up to the first end of a piece nothing can come in between any more, so
that much is in order. Whoever wants only the first documents pulls no more than those.
"""

import heapq
from collections.abc import Callable, Generator, Iterator, Sequence
from itertools import chain, islice, repeat
from typing import Final, TypeVar

from emulator.core.aggregate.nodes import refusal
from emulator.core.aggregate.sizes import MEMORY_MAX_BYTES, about_bytes
from emulator.core.ordering import SortSpecification, sort_documents, sort_places
from emulator.core.values import Document, Value

RUN_DOCUMENTS: Final = 2_000
POOL_DOCUMENTS: Final = 3_000
"""So many are sorted in one step; each run's piece is its share of them."""
PIECE_LEAST_DOCUMENTS: Final = 20
PIECE_MOST_DOCUMENTS: Final = 1_000
SLICE_DOCUMENTS: Final = 500

_Row = TypeVar("_Row")


class SortedRuns:
    """Takes documents in slices and gives them back in order, ties as they came."""

    def __init__(self, sort: SortSpecification) -> None:
        self._sort = sort
        self._waiting: list[Document] = []
        self._runs: list[list[Document]] = []
        self._bytes = 0

    def add(self, documents: Sequence[Document]) -> None:
        """Take more documents.

        Raises:
            DatabaseRequestFailed: two sort paths run through different arrays of one document (2),
                or all of them are too much to sort (16819).
        """
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
        """Yield all documents in order."""
        if self._waiting:
            self._runs.append(sort_documents(self._waiting, self._sort))
        runs, self._runs, self._waiting = self._joined(), [], []
        share = max(POOL_DOCUMENTS // max(len(runs), 1), PIECE_LEAST_DOCUMENTS)
        share = min(share, PIECE_MOST_DOCUMENTS)
        pieces = [_Piece(run, share) for run in runs]
        while len(pieces) > 1:
            yield self._in_order(pieces)
            pieces = [piece for piece in pieces if piece.documents]
        for piece in pieces:
            yield from piece.rest()

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

    def _in_order(self, pieces: Sequence["_Piece"]) -> list[Document]:
        """Return as many of the first documents as are certain, taken out of the pieces."""
        pool = list(chain.from_iterable(piece.documents for piece in pieces))
        owners = list(chain.from_iterable(repeat(piece, len(piece.documents)) for piece in pieces))
        found: list[Document] = []
        for place in sort_places(pool, self._sort):
            found.append(pool[place])
            if owners[place].took_one():
                break
        for piece in pieces:
            piece.drop_taken()
        return found


class _Piece:
    """The next documents of a run, and how many of them have been taken.

    What has been given away is let go of at once: to let go of everything at the end takes long.
    """

    __slots__ = ("_behind", "_size", "_taken", "documents")

    def __init__(self, run: list[Document], size: int) -> None:
        run.reverse()
        self._behind = run
        self._size = size
        self._taken = 0
        self.documents: list[Document] = []
        self._refill()

    def _refill(self) -> None:
        """Fill the piece up to its size with the next ones, which lie at the end of the list."""
        missing = self._size - len(self.documents)
        if missing > 0:
            self.documents += self._behind[: -missing - 1 : -1]
            del self._behind[-missing:]

    def took_one(self) -> bool:
        """Note that the next one was taken; tell whether the run has unseen ones behind."""
        self._taken += 1
        return self._taken == len(self.documents) and bool(self._behind)

    def drop_taken(self) -> None:
        """Go on behind what was taken; a piece used up is followed by one of twice the size."""
        if self._taken == len(self.documents):
            self._size = min(2 * self._size, PIECE_MOST_DOCUMENTS)
        del self.documents[: self._taken]
        self._taken = 0
        self._refill()

    def rest(self) -> Iterator[list[Document]]:
        """Yield all that is left."""
        self._size = SLICE_DOCUMENTS
        while self.documents:
            yield self.documents
            self.documents = []
            self._refill()


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


def let_go(rows: list[_Row]) -> Iterator[list[Document]]:
    """Empty a list, an empty slice for each piece: to free everything at once takes long."""
    while rows:
        del rows[-RUN_DOCUMENTS:]
        yield []
