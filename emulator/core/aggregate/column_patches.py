"""Owns what has become of a list of documents: which rows are gone, changed and new.

Not here: columns (`columns`). The one idea: a stored document is never changed in place and keeps
its place among all, so two lists of documents are told apart by a look at which objects they hold,
without a look into them; what is not the same object is read again, whatever it is.
"""

from collections.abc import Generator, Iterable, Mapping, Sequence
from itertools import chain, compress, islice
from operator import is_, length_hint
from typing import Final

from emulator.core.ordering import hash_key
from emulator.core.records import dataclass
from emulator.core.values import MISSING, Document, Value

STEP_ROWS: Final = 20_000
"""So many are compared between two chances to do other things, some tenths of a millisecond."""


@dataclass(frozen=True, slots=True)
class Patch:
    """Rows that changed and rows from `first_new` to `count`, by their place afterwards.

    `kept` tells of each row before whether it is still there, None where all are.
    """

    kept: list[bool] | None
    changed: list[int]
    first_new: int
    count: int

    @property
    def read(self) -> Iterable[int]:
        """Return the rows whose values are to be read, those that changed first."""
        return chain(self.changed, range(self.first_new, self.count))

    def rows(self, values: list[Value]) -> Generator[None, None, list[Value]]:
        """Return what there was of each row that is still there."""
        if self.kept is None:
            return values
        made: list[Value] = []
        source, flags = iter(values), iter(self.kept)
        for _ in range(0, len(values), STEP_ROWS):
            made += compress(islice(source, STEP_ROWS), islice(flags, STEP_ROWS))
            yield
        return made


def placed(
    old: Sequence[Document], put: Mapping[int, Document], first: int, count: int
) -> Patch | None:
    """Return what has become of documents of which these were put, by number, and none removed.

    `first` is the number of the first, `count` how many there are now. None where the numbers do
    not tell the places, because there are gaps among them.
    """
    changed: list[int] = []
    reached = len(old)
    for number, document in put.items():
        row = number - first
        if 0 <= row < len(old) and _key(old[row]) == _key(document):
            changed.append(row)
        elif row == reached:
            reached += 1
        else:
            return None
    return Patch(None, changed, len(old), reached) if reached == count else None


def difference(
    old: list[Document], new: list[Document], changes_max: int
) -> Generator[None, None, Patch | None]:
    """Return what has become of documents, None where more than so many differ."""
    if abs(len(old) - len(new)) > changes_max:
        return None
    walk = _Walk(old, new, changes_max)
    rest = STEP_ROWS
    while walk.goes_on:
        row = walk.step()
        if row >= rest:
            rest = row + STEP_ROWS
            yield
    return walk.patch()


class _Walk:
    """A walk through documents before and after, in step but for rows that are gone."""

    __slots__ = ("_changed", "_changes_max", "_gone", "_new", "_news", "_old", "_olds")

    def __init__(self, old: list[Document], new: list[Document], changes_max: int) -> None:
        self._old, self._new = old, new
        self._olds, self._news = iter(old), iter(new)
        self._changed: list[int] = []
        self._gone: list[int] = []
        self._changes_max = changes_max

    @property
    def goes_on(self) -> bool:
        """Tell whether there is more to compare, and any sense in it."""
        is_left = length_hint(self._olds) and length_hint(self._news)
        return bool(is_left) and len(self._changed) + len(self._gone) <= self._changes_max

    def step(self) -> int:
        """Go on to the next row that differs, but not too far; return the row that is reached."""
        # The new one is taken first, so that the one left without a partner is of the new.
        if not all(map(is_, islice(self._news, STEP_ROWS), self._olds)):
            self._differs(len(self._new) - length_hint(self._news) - 1)
        return len(self._new) - length_hint(self._news)

    def patch(self) -> Patch | None:
        """Return what was found, None where it is too much."""
        old, new, gone = self._old, self._new, self._gone
        if len(self._changed) + len(gone) > self._changes_max:
            return None
        gone += range(len(new) + len(gone), len(old))
        first_new = len(old) - len(gone)
        if len(self._changed) + len(gone) + len(new) - first_new > self._changes_max:
            return None
        return Patch(_flags(len(old), gone), self._changed, first_new, len(new))

    def _differs(self, row: int) -> None:
        """Take note of a row that was changed, or of those before it that are gone."""
        document = self._new[row]
        key = _key(document)
        place = row + len(self._gone)
        while place < len(self._old) and self._old[place] is not document:
            if _key(self._old[place]) == key:
                self._changed.append(row)
                return
            self._gone.append(place)
            if len(self._gone) > self._changes_max:
                return
            place += 1
            next(self._olds, None)


def _key(document: Document) -> Value:
    return hash_key(document.get("_id", MISSING))


def _flags(count: int, gone: list[int]) -> list[bool] | None:
    if not gone:
        return None
    kept = [True] * count
    for row in gone:
        kept[row] = False
    return kept
