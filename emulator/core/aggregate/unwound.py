"""Owns slices that `$unwind` makes: a document for each element of an array, made when needed.

Not here: the stage (`stages_shape`). The one idea: most pipelines count or sum what they unwind, so
the elements and how often each document stands for one are enough; the documents are only made for
whoever looks into them.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from typing import Final

from emulator.core.aggregate.columns import Columnar, Piece, Read, values_of
from emulator.core.paths import Parts
from emulator.core.values import MISSING, Document, Value

PART_DOCUMENTS: Final = 1_000
UNWOUND_DOCUMENTS_MAX: Final = 8_000
"""More out of one slice are made as documents, in smaller slices."""


class Unwound(Columnar):
    """Documents of a slice, one for each element of a field's array."""

    __slots__ = ("_base", "_counts", "_items", "_list", "_name")

    def __init__(
        self, base: Sequence[Document], name: str, items: list[Value], counts: list[int]
    ) -> None:
        self._base = base
        self._name = name
        self._items = items
        self._counts = counts
        self._list: list[Document] | None = None

    def __len__(self) -> int:
        return len(self._items)

    def documents(self) -> list[Document]:
        """Return the documents as a list."""
        if self._list is None:
            self._list = list(map(self._document, self._repeated(self._base), self._items))
        return self._list

    def column(self, parts: Parts, read: Read) -> list[Value]:
        """Return the value of a path for each document."""
        if parts[0] != self._name:
            return list(self._repeated(_column(self._base, parts, read)))
        return self._items if len(parts) == 1 else read(self.documents())

    def kinds(self, parts: Parts) -> frozenset[type] | None:
        """Return types among which those of a path's values are, where the slice knows them."""
        base = self._base
        if parts[0] == self._name or not isinstance(base, Columnar):
            return None
        return base.kinds(parts)

    def _repeated(self, values: Sequence[Value]) -> Iterator[Value]:
        return chain.from_iterable(map(repeat, values, self._counts))

    def _document(self, document: Document, item: Value) -> Document:
        name = self._name
        if item is MISSING:
            return {key: value for key, value in document.items() if key != name}
        # A field that is no array stays what it is.
        return document if document[name] is item else {**document, name: item}


def parted(chunk: Sequence[Document]) -> Iterator[Sequence[Document]]:
    """Yield a slice in smaller ones, for they grow by being unwound."""
    if isinstance(chunk, Piece):
        yield from chunk.parts(PART_DOCUMENTS)
    else:
        for start in range(0, len(chunk), PART_DOCUMENTS):
            yield chunk[start : start + PART_DOCUMENTS]


def unwind(base: Sequence[Document], name: str, *, preserves: bool) -> Unwound | None:
    """Return a document for each element of a field, None where they are too many for one slice.

    With `preserves` documents stay of which the array is empty, null or missing.
    """
    parts = (name,)
    values = _column(base, parts, lambda documents: values_of(documents, parts) or [])
    items: list[Value] = []
    counts: list[int] = []
    for value in values:
        if value.__class__ is list and value:
            items += value
            counts.append(len(value))
            if len(items) > UNWOUND_DOCUMENTS_MAX:
                return None
        elif value.__class__ is not list and value is not None and value is not MISSING:
            items.append(value)
            counts.append(1)
        else:
            if preserves:
                items.append(None if value is None else MISSING)
            counts.append(int(preserves))
    return Unwound(base, name, items, counts)


def _column(base: Sequence[Document], parts: Parts, read: Read) -> list[Value]:
    if isinstance(base, Columnar):
        return base.column(parts, read)
    return read(base if isinstance(base, list) else list(base))
