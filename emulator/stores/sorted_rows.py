"""Owns rows in order: a list of short lists, so that adding one moves few others.

Not here: what rows mean (`core.indexes`) and the documents behind them (`stores.indexes`). The one
idea: bisect over the last row of each block, then inside the block; a block that grows too long is
cut in two, one that runs empty goes.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from typing import Final

from emulator.core.indexes import Row

BLOCK_ROWS: Final = 1_000
"""Twice as many are cut in two: moving a thousand references costs less than comparing ten."""


class SortedRows:
    """Distinct rows, ascending."""

    __slots__ = ("_blocks", "_lasts")

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        ordered = sorted(rows)
        self._blocks = [
            ordered[start : start + BLOCK_ROWS] for start in range(0, len(ordered), BLOCK_ROWS)
        ]
        self._lasts = [block[-1] for block in self._blocks]

    def __len__(self) -> int:
        return sum(map(len, self._blocks))

    def __iter__(self) -> Iterator[Row]:
        for block in self._blocks:
            yield from block

    def add(self, row: Row) -> None:
        """Put a row that is not there in its place."""
        lasts, blocks = self._lasts, self._blocks
        place = bisect_left(lasts, row)
        if place == len(lasts):
            if not blocks:
                blocks.append([row])
                lasts.append(row)
                return
            place -= 1
            block = blocks[place]
            block.append(row)
            lasts[place] = row
        else:
            block = blocks[place]
            insort(block, row)
        if len(block) > 2 * BLOCK_ROWS:
            blocks.insert(place + 1, block[BLOCK_ROWS:])
            del block[BLOCK_ROWS:]
            lasts.insert(place, block[-1])

    def remove(self, row: Row) -> None:
        """Take a row that is there out."""
        place = bisect_left(self._lasts, row)
        block = self._blocks[place]
        del block[bisect_left(block, row)]
        if block:
            self._lasts[place] = block[-1]
        else:
            del self._blocks[place], self._lasts[place]

    def count(self, low: Row, high: Row) -> int:
        """Return how many rows lie from `low` up to, not with, `high`."""
        first, last = self._place(low), self._place(high)
        if first >= last:
            return 0
        if first[0] == last[0]:
            return last[1] - first[1]
        between = sum(map(len, self._blocks[first[0] + 1 : last[0]]))
        return len(self._blocks[first[0]]) - first[1] + between + last[1]

    def between(self, low: Row, high: Row) -> Iterator[Row]:
        """Yield the rows from `low` up to, not with, `high`, ascending."""
        (block, start), (last, end) = self._place(low), self._place(high)
        while block < last:
            yield from self._blocks[block][start:]
            block, start = block + 1, 0
        if block == last and start < end:
            yield from self._blocks[block][start:end]

    def backwards(self, low: Row, high: Row) -> Iterator[Row]:
        """Yield the rows below `high` down to, and with, `low`."""
        (first, start), (block, end) = self._place(low), self._place(high)
        if (first, start) >= (block, end):
            return
        if block < len(self._blocks):
            begin = start if block == first else 0
            yield from reversed(self._blocks[block][begin:end])
        while block > first:
            block -= 1
            begin = start if block == first else 0
            yield from reversed(self._blocks[block][begin:])

    def _place(self, row: Row) -> tuple[int, int]:
        """Return block and place of the first row that is not before this one."""
        block = bisect_left(self._lasts, row)
        return (
            (block, 0)
            if block == len(self._lasts)
            else (block, bisect_left(self._blocks[block], row))
        )
