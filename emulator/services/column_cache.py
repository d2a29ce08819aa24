"""Owns which columns of which collections are kept from one aggregation to the next.

Not here: the columns (`core.aggregate.columns`). The one idea: a sequence names one state of the
whole store, so what was read of its documents holds until the next commit; the next aggregation
then sees which documents are others and has these read again.
"""

from collections import OrderedDict
from collections.abc import Generator, Sequence
from typing import Final

from emulator.core.aggregate.column_patches import Patch, difference, placed
from emulator.core.aggregate.columns import Columns
from emulator.core.aggregate.leavings import Leavings
from emulator.core.values import Document, Value
from emulator.stores.base import Collection, Put, Write

DOCUMENTS_MIN: Final = 1_000
"""Fewer are read as quickly as looked up."""
COLLECTIONS_MAX: Final = 4
VALUES_MAX: Final = 1_000_000
"""So many are kept of one collection, and of all together but for those being read.

Each takes 8 bytes where it is the document's own, as texts and objects are, and about 40 where it
is a copy, as numbers are: those of the documents lie apart in memory, and copies side by side.
"""
CHANGES_MAX: Final = 2_000
"""So many documents of a collection may change until all are read again.

What they were before is held for so long, and given up at once.
"""

_Steps = Generator[None, None, tuple[list[Document], Columns | None]]


class _Kept:
    """The columns of one collection as of a commit, and how many documents were written since."""

    __slots__ = ("changes", "columns", "is_busy", "known", "puts", "sequence")

    def __init__(self, columns: Columns, sequence: int) -> None:
        self.columns = columns
        self.is_busy = False
        self.at(sequence)

    def at(self, sequence: int) -> None:
        """Begin to take note of writes behind a commit.

        `puts` are the documents put up to the commit `known`, None where others were removed.
        """
        self.sequence = self.known = sequence
        self.changes = 0
        self.puts: list[Value] | None = []

    def note(self, writes: Sequence[Write]) -> None:
        """Take note of writes."""
        self.changes += len(writes)
        if self.is_lost:
            self.puts = None
        for write in writes:
            if self.puts is None:
                return
            if isinstance(write, Put):
                self.puts.append(write.document["_id"])
            else:
                self.puts = None

    @property
    def is_lost(self) -> bool:
        """Tell whether too much was written to go on with them."""
        return self.changes > CHANGES_MAX


class ColumnCache:
    """The columns of a store, by collection; the one that was asked last comes last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def all_of(
        self, name: str, collection: Collection, sequence: int, leavings: Leavings
    ) -> _Steps:
        """Return every document of a collection, and their columns where they are worth it.

        The documents are those of the first step, columns are brought to their state in more. What
        holds no more goes to `leavings`, unless somebody still reads it.
        """
        self._make_room(name, leavings)
        kept = self._kept.get(name)
        if kept is None:
            documents = collection.snapshot()
            return documents, self._begin(name, documents, sequence)
        columns = kept.columns
        if kept.is_busy:
            return collection.snapshot(), None
        if kept.sequence == sequence and len(columns) == len(collection):
            if columns.documents is None:
                columns.documents = collection.snapshot()
            return columns.documents, columns
        told = _told(kept, collection, sequence)
        documents = collection.snapshot() if told is None else told[0]
        if len(documents) < DOCUMENTS_MIN:
            self._remove(name, leavings)
            return documents, None
        changes, kept.is_busy = kept.changes, True
        kept.at(sequence)
        try:
            if told is None:
                made = yield from _compared(columns, documents, changes, leavings)
            else:
                made = yield from columns.patched(told[1], documents, leavings)
        except BaseException:
            # Half of them may be brought there.
            kept.columns = Columns(0, 0)
            raise
        finally:
            kept.is_busy = False
        kept.columns = made
        if kept.is_lost:
            made.documents = None
        return documents, made

    def written(self, name: str, writes: Sequence[Write], sequence: int) -> None:
        """Take note of documents that a commit has written."""
        for kept in self._kept.values():
            if kept.known == sequence - 1:
                kept.known = sequence
        found = self._kept.get(name)
        if found is not None:
            found.note(writes)
            if found.is_lost and not found.is_busy:
                found.columns.documents = None

    def dropped(self, name: str) -> None:
        """Let go of the documents of a collection that is no more."""
        kept = self._kept.get(name)
        if kept is not None:
            kept.changes = CHANGES_MAX + 1
            if not kept.is_busy:
                kept.columns.documents = None

    def _begin(self, name: str, documents: list[Document], sequence: int) -> Columns | None:
        if len(documents) < DOCUMENTS_MIN:
            return None
        columns = Columns(len(documents), VALUES_MAX)
        self._kept[name] = _Kept(columns, sequence)
        return columns

    def _make_room(self, name: str, leavings: Leavings) -> None:
        """Let go of what holds no more, and of what is too much besides what is asked for now."""
        if name in self._kept:
            self._kept.move_to_end(name)
        others = [each for each in reversed(self._kept) if each != name]
        values = self._kept[name].columns.values_held if name in self._kept else 0
        for place, other in enumerate(others, start=1):
            kept = self._kept[other]
            values += kept.columns.values_held
            if kept.is_busy:
                continue
            if kept.is_lost or place >= COLLECTIONS_MAX or values > VALUES_MAX:
                self._remove(other, leavings)

    def _remove(self, name: str, leavings: Leavings) -> None:
        self._kept.pop(name).columns.leave(leavings)


def _told(
    kept: _Kept, collection: Collection, sequence: int
) -> tuple[list[Document], Patch] | None:
    """Return all documents, and what has become of those of the columns, by what was noted.

    None where not all is known: something was removed, or written by others.
    """
    columns, puts = kept.columns, kept.puts
    if not columns.documents or puts is None or kept.known != sequence:
        return None
    first = next(iter(collection.numbered([columns.documents[0].get("_id")])), 0)
    put = collection.numbered(puts)
    patch = placed(columns.documents, put, first, len(collection))
    if patch is None:
        return None
    documents = columns.documents.copy() if columns.users else columns.documents
    found = list(put.values())
    for row, document in zip(patch.changed, found, strict=False):
        documents[row] = document
    documents += found[len(patch.changed) :]
    return documents, patch


def _compared(
    columns: Columns, documents: list[Document], changes: int, leavings: Leavings
) -> Generator[None, None, Columns]:
    """Return the columns of what has become of documents of which so many were written."""
    old = columns.documents
    patch = None if old is None else (yield from difference(old, documents, CHANGES_MAX))
    if patch is not None:
        return (yield from columns.patched(patch, documents, leavings))
    columns.leave(leavings)
    # What is written all over between any two runs would be kept in vain.
    if columns.runs < 2 and (old is not None or changes > CHANGES_MAX):
        return Columns(len(documents), VALUES_MAX)
    return columns.anew(documents)
