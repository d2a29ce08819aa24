"""Owns the values of fields by column: for documents as they were at one moment, kept between runs.

Not here: who keeps them and until when (`services.column_cache`), what is made of them (`nodes`,
`groups`). The one idea: to look into a document costs more than to add a number, for each lies
elsewhere in memory; a slice that knows its place among all documents takes values that an earlier
run has read already.
"""

from abc import abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import compress
from operator import itemgetter
from typing import Final, TypeAlias, overload

from emulator.core.aggregate.column_patches import Patch
from emulator.core.aggregate.leavings import Leavings
from emulator.core.paths import Parts
from emulator.core.values import MISSING, Document, Value

COLUMNS_MAX: Final = 16
"""So many paths of one collection are kept."""
ASKED_MAX: Final = 1_000
"""So many paths are remembered that some run asked for."""
FEW_STRINGS_MAX: Final = 200
"""Up to so many different strings of a slice, one of each stands for all."""

_DOUBLE: Final = frozenset({float})
_INT: Final = frozenset({int})
_STRING: Final = frozenset({str})

FEW_SHARE: Final = 4
"""Of a choice smaller than this fraction, only what is chosen is read."""

Read: TypeAlias = Callable[[list[Document]], list[Value]]
"""Gives the value of one path for each document."""


def values_of(documents: Sequence[Document], parts: Parts) -> list[Value] | None:
    """Return the value of a short path for each document, None where that takes a longer way."""
    if len(parts) == 1:
        name = parts[0]
        try:
            return list(map(itemgetter(name), documents))
        except KeyError:
            return [document.get(name, MISSING) for document in documents]
    if len(parts) == 2:
        name, inner = parts
        try:
            return list(map(itemgetter(inner), map(itemgetter(name), documents)))
        except (KeyError, TypeError, IndexError):
            pass
    return None


class _Column:
    """The values of one path, as far as they were read, and their types or more of these."""

    __slots__ = ("_read", "_spans", "kinds", "values")

    def __init__(self, count: int, read: Read) -> None:
        self.values: list[Value] = [None] * count
        self.kinds: frozenset[type] = frozenset()
        self._read = read
        self._spans: list[tuple[int, int]] = []

    def has(self, start: int, end: int) -> bool:
        """Tell whether the values between two places are there."""
        return any(low <= start and end <= high for low, high in self._spans)

    def put(self, start: int, values: list[Value]) -> None:
        """Keep values from a place on."""
        kinds = frozenset(map(type, values))
        self.kinds |= kinds
        self.values[start : start + len(values)] = _side_by_side(values, kinds)
        spans = sorted([*self._spans, (start, start + len(values))])
        self._spans = spans[:1]
        for low, high in spans[1:]:
            before, reached = self._spans[-1]
            if low <= reached:
                self._spans[-1] = before, max(reached, high)
            else:
                self._spans.append((low, high))

    def patch(
        self, patch: Patch, documents: list[Document], *, in_place: bool
    ) -> Generator[None, None, "_Column | None"]:
        """Return the column as it is after the documents changed, None where it is not worth it."""
        made = _Column(0, self._read)
        if patch.kept is not None:
            if self._spans != [(0, len(self.values))]:
                return None
            made.values = yield from patch.rows(self.values)
        else:
            made.values = self.values if in_place else self.values.copy()
        begun = len(made.values)
        count = len(patch.changed)
        found = self._read([documents[row] for row in patch.read])
        for row, value in zip(patch.changed, found[:count], strict=True):
            made.values[row] = value
        made.values += found[count:]
        made.kinds = self.kinds.union(map(type, found))
        made._spans = [(0, begun)] if patch.kept is not None else self._spans
        if made._spans[-1][1] == begun:
            low, _ = made._spans[-1]
            made._spans = [*made._spans[:-1], (low, len(made.values))]
        return made


def _side_by_side(values: list[Value], kinds: frozenset[type]) -> list[Value]:
    """Return equal values that lie together in memory, where those of the documents are spread."""
    if kinds == _DOUBLE:
        return [value * 1.0 for value in values]
    if kinds == _INT:
        return [value + 0 for value in values]
    if kinds == _STRING and len(found := dict(zip(values, values, strict=True))) < FEW_STRINGS_MAX:
        return [found[value] for value in values]
    return values


class Columns:
    """Values by path, of so many documents; `users` counts the runs that read them, `runs` all.

    `documents` are those, where they are kept as well: to list all of them takes a while, and they
    tell what has changed since. At most `room` values are kept, and only of paths that more than
    one run asks for: to keep what is read once would be in vain.
    """

    __slots__ = (
        "_asked",
        "_columns",
        "_columns_max",
        "_count",
        "_room",
        "documents",
        "runs",
        "users",
    )

    def __init__(self, count: int, room: int) -> None:
        self._count = count
        self._room = room
        self._columns_max = min(COLUMNS_MAX, room // max(count, 1))
        self._columns: dict[Parts, _Column] = {}
        self._asked: dict[Parts, int] = {}
        self.documents: list[Document] | None = None
        self.runs = 0
        self.users = 0

    def __len__(self) -> int:
        return self._count

    @contextmanager
    def used(self) -> Iterator[None]:
        """Tell that somebody reads them."""
        self.users += 1
        self.runs += 1
        try:
            yield
        finally:
            self.users -= 1

    @property
    def values_held(self) -> int:
        """Return how many values are kept, or about to be."""
        return len(self._columns) * self._count

    def leave(self, leavings: Leavings) -> None:
        """Hand over everything, unless somebody still reads it."""
        if not self.users:
            leavings.take(*self.lists)
            if self.documents is not None:
                leavings.take(self.documents)
            self._columns.clear()
        self.documents = None

    @property
    def lists(self) -> list[list[Value]]:
        """What is kept."""
        return [column.values for column in self._columns.values()]

    def anew(self, documents: list[Document]) -> "Columns":
        """Return columns of other documents that know which paths are asked for."""
        made = Columns(len(documents), self._room)
        made.documents = documents
        made._asked = dict.fromkeys(self._asked, 0)
        return made

    def patched(
        self, patch: Patch, documents: list[Document], leavings: Leavings
    ) -> Generator[None, None, "Columns"]:
        """Return the columns of what has become of the documents; nobody may ask these any more.

        Runs that read these already may go on.
        """
        is_read = self.users > 0
        made = self.anew(documents)
        made.runs = self.runs
        for parts, column in self._columns.items():
            if len(made._columns) < made._columns_max:
                after = yield from column.patch(patch, documents, in_place=not is_read)
                if after is not None:
                    made._columns[parts] = after
            yield
        if not is_read:
            held = {id(values) for values in (documents, *made.lists)}
            left = [*self.lists, *filter(None, [self.documents])]
            leavings.take(*(values for values in left if id(values) not in held))
        return made

    def keeps(self, parts: Parts) -> bool:
        """Tell whether the values of a path are kept, or would be."""
        if parts in self._columns:
            return True
        if len(self._asked) > ASKED_MAX:
            self._asked.clear()
        first = self._asked.setdefault(parts, self.runs)
        return first < self.runs and len(self._columns) < self._columns_max

    def has(self, parts: Parts, start: int, end: int) -> bool:
        """Tell whether the values between two places are kept."""
        column = self._columns.get(parts)
        return column is not None and column.has(start, end)

    def kinds(self, parts: Parts) -> frozenset[type] | None:
        """Return the types among the values kept of a path, None where none are."""
        column = self._columns.get(parts)
        return None if column is None else column.kinds

    def values(
        self,
        parts: Parts,
        start: int,
        end: int,
        documents: Callable[[], list[Document]],
        read: Read,
    ) -> list[Value]:
        """Return the values of the documents between two places, and keep them."""
        column = self._columns.get(parts)
        if column is not None and column.has(start, end):
            return column.values[start:end]
        found = read(documents())
        if column is None and self.keeps(parts):
            column = self._columns[parts] = _Column(self._count, read)
        if column is not None:
            column.put(start, found)
        return found


class Columnar(Sequence[Document]):
    """A slice of documents that are looked for when somebody asks for them, not for values."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Document]:
        return iter(self.documents())

    def __reversed__(self) -> Iterator[Document]:
        return reversed(self.documents())

    @overload
    def __getitem__(self, place: int) -> Document: ...
    @overload
    def __getitem__(self, place: slice) -> list[Document]: ...
    def __getitem__(self, place: int | slice) -> Document | list[Document]:
        return self.documents()[place]

    @abstractmethod
    def documents(self) -> list[Document]:
        """Return the documents as a list."""

    @abstractmethod
    def column(self, parts: Parts, read: Read) -> list[Value]:
        """Return the value of a path for each document; `read` gets it where it is not known."""

    @abstractmethod
    def kinds(self, parts: Parts) -> frozenset[type] | None:
        """Return types among which those of a path's values are, None where that is not known."""


class Piece(Columnar):
    """A slice of all documents, or a choice out of one, whose columns may be known."""

    __slots__ = ("_columns", "_count", "_documents", "_end", "_flags", "_list", "_start", "_whole")

    def __init__(
        self,
        documents: list[Document],
        columns: Columns,
        place: tuple[int, int],
        *,
        whole: "Piece | None" = None,
        flags: list[bool] | None = None,
    ) -> None:
        self._documents = documents
        self._columns = columns
        self._start, self._end = place
        self._whole = whole
        self._flags = flags
        self._list: list[Document] | None = None
        self._count = self._end - self._start if flags is None else flags.count(True)

    def __len__(self) -> int:
        return self._count

    def documents(self) -> list[Document]:
        """Return the documents as a list."""
        if self._list is None:
            if self._whole is None or self._flags is None:
                self._list = self._documents[self._start : self._end]
            else:
                self._list = list(compress(self._whole.documents(), self._flags))
        return self._list

    def column(self, parts: Parts, read: Read) -> list[Value]:
        """Return the value of a path for each document; `read` gets it where it is not known."""
        whole = self._whole
        if whole is None or self._flags is None:
            return self._columns.values(parts, self._start, self._end, self.documents, read)
        if not whole.has(parts) and (
            FEW_SHARE * len(self) < len(whole) or not self._columns.keeps(parts)
        ):
            # To read the others for later would cost more than it may save.
            return read(self.documents())
        return list(compress(whole.column(parts, read), self._flags))

    def keeps(self, paths: Iterable[Parts]) -> bool:
        """Tell whether the values of all these paths are known, or would be kept."""
        # Each is asked, for to ask is what makes it be kept.
        return False not in [self._columns.keeps(parts) for parts in paths]

    def has(self, parts: Parts) -> bool:
        """Tell whether the values of a path are known without a look at the documents."""
        return self._columns.has(parts, self._start, self._end)

    def kinds(self, parts: Parts) -> frozenset[type] | None:
        """Return types among which those of a path's values are, None where that is not known."""
        return self._columns.kinds(parts) if self.has(parts) else None

    def chosen(self, flags: list[bool]) -> "Piece":
        """Return the documents whose flag is true."""
        place = self._start, self._end
        return Piece(self._documents, self._columns, place, whole=self, flags=flags)

    def parts(self, most: int) -> "Iterator[Piece]":
        """Yield the same documents in pieces made of so many documents of the collection."""
        for start in range(self._start, self._end, most):
            place = start, min(start + most, self._end)
            yield self._part(place)

    def _part(self, place: tuple[int, int]) -> "Piece":
        """Return those of the documents between two places."""
        if self._whole is None or self._flags is None:
            return Piece(self._documents, self._columns, place)
        # Flags are of the documents of the whole, which may be a choice itself.
        whole = self._whole._part(place)
        before = len(self._whole._part((self._start, place[0])))
        return whole.chosen(self._flags[before : before + len(whole)])
