"""Owns the indexes of one collection: which documents have which keys, kept by every write.

Not here: what keys are (`core.indexes`), which index a query reads (`core.planner`). The one idea:
an index is a dictionary from row to document numbers, and its rows in order. It is made when it is
created, and after a restart on first use, a piece at a time: a document that comes or goes
meanwhile is in it at once or will be, never twice.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from itertools import groupby
from typing import Final, TypeAlias

from emulator.core.errors import DatabaseRequestFailed, DuplicateKey
from emulator.core.indexes import (
    IndexDefinition,
    Row,
    compile_rows,
    first_parts,
    has_same_keys,
    row_bytes,
    varying,
)
from emulator.core.limits import WECHAT
from emulator.core.paths import split_path, visit
from emulator.core.planner import Reach
from emulator.core.values import MISSING, Document, Value
from emulator.stores.geo_index import GeoIndex
from emulator.stores.sorted_rows import SortedRows

KEY_MAX_BYTES: Final = WECHAT.index_key_max_bytes
"""Every profile has the same."""
KEY_TOO_LONG: Final = 17280
ID_INDEX: Final = IndexDefinition(name="_id_", keys=(("_id", 1),))
"""The index every collection has; that its keys are unique is the collection's own business."""

Numbers: TypeAlias = int | list[int]
"""The one document with a row, or several, ascending."""


class Index:
    """One index over a collection's documents by number, which stay the collection's."""

    __slots__ = (
        "_documents",
        "_entries",
        "_fields",
        "_pairs",
        "_prepared",
        "_rows_of",
        "_sorted",
        "_waiting",
        "arrays",
        "definition",
    )

    def __init__(self, definition: IndexDefinition, documents: Mapping[int, Document]) -> None:
        self.definition = definition
        self.arrays = [False] * len(definition.keys)
        self._documents = documents
        self._fields = first_parts(definition)
        self._rows_of = compile_rows(definition)
        self._entries: dict[Row, Numbers] = {}
        self._pairs = 0
        self._sorted = SortedRows()
        self._prepared: dict[int, tuple[Document, list[Row]]] = {}
        self._waiting: list[int] | None = None

    # --- reading -----------------------------------------------------------------------------

    @property
    def walks(self) -> bool:
        """Tell that its documents can be read in order."""
        return True

    def build(self, documents_max: int | None = None) -> bool:
        """Take so many more documents in, all of them by default; tell whether none are left."""
        waiting = self._waiting
        if waiting is None:
            waiting = self._waiting = list(self._documents)
            waiting.reverse()
        documents = self._documents
        left = 0 if documents_max is None else max(0, len(waiting) - documents_max)
        # Many rows at once are put in order together, which takes half the time.
        new: list[Row] | None = None if self._entries or left else []
        while len(waiting) > left:
            number = waiting.pop()
            if number in documents:
                self._add(number, self._rows_of(documents[number]), new)
        if new is not None:
            self._sorted = SortedRows(new)
        return not waiting

    def count(self, reach: Reach) -> int:
        """Return about how many documents are in a reach."""
        entries = self._entries
        points = sum(len(_listed(entries[row])) for row in reach.points if row in entries)
        rows = sum(self._sorted.count(low, high) for low, high in reach.spans)
        return points + (rows * self._pairs // len(entries) if rows else 0)

    def find(self, reach: Reach) -> dict[int, Document]:
        """Return the documents in a reach by number, which is the order they came in."""
        documents = self._documents
        return {number: documents[number] for number in self._numbers(reach)}

    def walk(self, reach: Reach) -> Iterator[Document]:
        """Yield the documents of an ordered reach in its order, ties oldest first.

        The collection must not be written while the iterator is in use.
        """
        entries, documents, ties = self._entries, self._documents, reach.ties
        if not reach.spans and len(reach.points) == 1:
            for number in _listed(entries.get(reach.points[0], [])):
                yield documents[number]
            return
        if not ties:
            for number in self._numbers(reach):
                yield documents[number]
            return
        for _, rows in groupby(self._rows(reach), key=lambda row: row[:ties]):
            numbers = [number for row in rows for number in _listed(entries[row])]
            numbers.sort()
            for number in numbers:
                yield documents[number]

    def _numbers(self, reach: Reach) -> list[int]:
        """Return the numbers of the documents in a reach, ascending."""
        entries = self._entries
        found: list[int] = []
        for row in self._rows(reach):
            numbers = entries[row]
            if isinstance(numbers, int):
                found.append(numbers)
            else:
                found += numbers
        found.sort()
        return found

    def _rows(self, reach: Reach) -> Iterator[Row]:
        """Yield the rows of a reach that some document has."""
        yield from (row for row in reach.points if row in self._entries)
        read = self._sorted.backwards if reach.reverse else self._sorted.between
        for low, high in reach.spans:
            yield from read(low, high)

    # --- kept by writes ----------------------------------------------------------------------

    def prepare(self, collection: str, drafts: Mapping[int, Document], gone: Set[int]) -> None:
        """See that documents which are to be put by number may be; `gone` numbers will be free.

        Raises:
            DuplicateKey: the index is unique and a row is another document's.
            DatabaseRequestFailed: a key is too long (17280), or two paths run through different
                arrays (171).
        """
        self._prepared.clear()
        for number, document in drafts.items():
            if has_same_keys(self._fields, self._documents.get(number), document):
                continue
            rows = self._rows_of(document)
            for row in rows:
                self._require_short(row)
            self._prepared[number] = document, rows
        if self.definition.unique:
            self._refuse_duplicates(collection, gone)

    def verify(self, collection: str) -> None:
        """See that everything that is in may be; raises as `prepare`."""
        for _ in self.verified(collection, len(self._entries)):
            pass

    def verified(self, collection: str, rows_max: int) -> Iterator[None]:
        """Verify so many rows at a time."""
        for place, (row, numbers) in enumerate(self._entries.items(), 1):
            if place % rows_max == 0:
                yield
            self._require_short(row)
            if self.definition.unique and not isinstance(numbers, int):
                raise duplicate_key(collection, self.definition, self._documents[numbers[1]])

    def put(self, number: int, old: Document | None, document: Document) -> None:
        """Take a document in, in place of `old`."""
        if self._waiting is None or has_same_keys(self._fields, old, document):
            return
        waits = self._waits(number)
        if waits and old is None:
            # Free when the building began and taken only now: it is not among those that wait.
            waits = not self.build()
        prepared, rows = self._prepared.pop(number, _NOTHING)
        if waits:
            return
        if prepared is not document:
            rows = self._rows_of(document)
        if old is not None:
            before = self._rows_of(old)
            if before == rows:
                return
            self._discard(number, before)
        self._add(number, rows)

    def delete(self, number: int, old: Document) -> None:
        """Take a document out."""
        if self._waiting is not None and not self._waits(number):
            self._discard(number, self._rows_of(old))

    def moved(self, documents: Mapping[int, Document]) -> None:
        """Find the documents it holds in another place from now on."""
        self._documents = documents

    def clear(self) -> None:
        """Take every document out."""
        self._entries.clear()
        self._pairs = 0
        self._sorted = SortedRows()
        self._waiting = None
        self.arrays = [False] * len(self.definition.keys)

    def _require_short(self, row: Row) -> None:
        size_bytes = row_bytes(row)
        if size_bytes > KEY_MAX_BYTES:
            raise DatabaseRequestFailed(
                f"key too large to index, failing {self.definition.name}: {size_bytes} bytes, "
                f"{KEY_MAX_BYTES} at most",
                mongo_code=KEY_TOO_LONG,
                hint="index a shorter field, or a digest of it",
            )

    def _waits(self, number: int) -> bool:
        waiting = self._waiting
        return bool(waiting) and waiting is not None and waiting[-1] <= number <= waiting[0]

    def _refuse_duplicates(self, collection: str, gone: Set[int]) -> None:
        self.build()
        prepared = self._prepared
        taken: dict[Row, int] = {}
        for number, (document, rows) in prepared.items():
            for row in rows:
                if taken.setdefault(row, number) != number or any(
                    other not in prepared and other not in gone
                    for other in _listed(self._entries.get(row, []))
                ):
                    raise duplicate_key(collection, self.definition, document)

    def _add(self, number: int, rows: Sequence[Row], new: list[Row] | None = None) -> None:
        """Take a document's rows in; those nobody had go to `new`, if there is such a list."""
        if len(rows) > 1:
            for place in varying(rows):
                self.arrays[place] = True
        self._pairs += len(rows)
        entries = self._entries
        for row in rows:
            numbers = entries.get(row)
            if numbers is None:
                entries[row] = number
                if new is None:
                    self._sorted.add(row)
                else:
                    new.append(row)
            elif isinstance(numbers, int):
                entries[row] = [numbers, number] if numbers < number else [number, numbers]
            elif numbers[-1] < number:
                numbers.append(number)
            else:
                insort(numbers, number)

    def _discard(self, number: int, rows: Sequence[Row]) -> None:
        self._pairs -= len(rows)
        entries = self._entries
        for row in rows:
            numbers = entries[row]
            if isinstance(numbers, int):
                del entries[row]
                self._sorted.remove(row)
                continue
            del numbers[bisect_left(numbers, number)]
            if len(numbers) == 1:
                entries[row] = numbers[0]


AnyIndex: TypeAlias = Index | GeoIndex


class CollectionIndexes:
    """Every index of one collection: `defined` ones in order of creation, and one of `_id`.

    `kept` are those that writes must tell; the one of `_id` is among them once a read wanted it.
    `ahead` gives indexes that were built before they are defined; whoever builds one has a set in
    `touched`, to which every number is added that is written meanwhile.
    """

    __slots__ = ("_by_id", "_documents", "_ready", "ahead", "defined", "kept", "touched")

    def __init__(self, documents: Mapping[int, Document]) -> None:
        self._documents = documents
        self._ready: dict[IndexDefinition, AnyIndex] = {}
        self._by_id: AnyIndex | None = None
        self.touched: list[set[int]] = []
        self.ahead: dict[IndexDefinition, Callable[[], AnyIndex]] = {}
        self.defined: tuple[AnyIndex, ...] = ()
        self.kept: tuple[AnyIndex, ...] = ()

    def readable(self) -> tuple[AnyIndex, ...]:
        """Return all of them, from now on kept."""
        if self._by_id is None:
            self._by_id = new_index(ID_INDEX, self._documents)
            self.kept = (self._by_id, *self.defined)
        return self.kept

    def define(self, definitions: Sequence[IndexDefinition]) -> None:
        """Have these indexes and no others; those that stay are kept, new ones are built later."""
        known = {index.definition: index for index in self.defined} | self._ready
        self._ready = {}
        self.defined = tuple(
            known.get(definition) or new_index(definition, self._documents)
            for definition in definitions
        )
        self.kept = self.defined if self._by_id is None else (self._by_id, *self.defined)

    def try_out(self, collection: str, definitions: Sequence[IndexDefinition]) -> None:
        """Build indexes that are about to be defined; raises as `Index.prepare`."""
        self._ready = {}
        known = {index.definition for index in self.defined}
        for definition in definitions:
            if definition in known:
                continue
            caught_up = self.ahead.get(definition)
            self._ready[definition] = (
                _verified(collection, definition, self._documents)
                if caught_up is None
                else caught_up()
            )

    def clear(self) -> None:
        """Take every document out of every index, before they go."""
        for touched in self.touched:
            touched.update(self._documents)
        for index in self.kept:
            index.clear()


def check_documents(
    collection: str, definitions: Sequence[IndexDefinition], documents: Mapping[int, Document]
) -> None:
    """See that indexes can hold documents; raises as `Index.prepare`."""
    for definition in definitions:
        _verified(collection, definition, documents)


def _verified(
    collection: str, definition: IndexDefinition, documents: Mapping[int, Document]
) -> AnyIndex:
    index = new_index(definition, documents)
    index.build()
    index.verify(collection)
    return index


def new_index(definition: IndexDefinition, documents: Mapping[int, Document]) -> AnyIndex:
    """Return an index that is not built yet."""
    kind = GeoIndex if definition.is_geo else Index
    return kind(definition, documents)


_NOTHING: Final[tuple[Document | None, list[Row]]] = (None, [])


def _listed(numbers: Numbers) -> list[int]:
    return [numbers] if isinstance(numbers, int) else numbers


def duplicate_key(collection: str, definition: IndexDefinition, document: Document) -> DuplicateKey:
    """Return the refusal of a document whose key another one has."""
    values = (
        next((value for value, _ in visit(document, split_path(path))), MISSING)
        for path, _ in definition.keys
    )
    shown = ", ".join(
        f"{path}: {_shown(value)}" for (path, _), value in zip(definition.keys, values, strict=True)
    )
    return DuplicateKey(
        f"E11000 duplicate key error collection: {collection} index: {definition.name} "
        f"dup key: {{ {shown} }}"
    )


def _shown(value: Value) -> str:
    if value is None or value is MISSING:
        return "null"
    if type(value) is str:
        return f'"{value:.200}"'
    return f"{value!r:.200}"
