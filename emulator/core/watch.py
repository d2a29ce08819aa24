"""Owns what committed changes mean to a watched query: which documents enter, leave or change.

Not here: who watches (`services.watch`) and how it is told (`wire.watch_protocol`). The one idea: a
live result holds what its listeners were told, and each step is the difference between that and
what is true now; so a change that is heard twice, or a result that is read anew, does no harm.

Names and order of events are those of the realtime package of js-sdk 1.x to 3.x.
"""

from bisect import bisect_left, insort
from collections.abc import Generator, Hashable, Iterable, Sequence
from typing import Final, Literal

from emulator.core.changes import Change, Operation
from emulator.core.errors import EmulatorError
from emulator.core.indexes import compile_order
from emulator.core.ordering import (
    SortSpecification,
    hash_key,
    identical,
    sort_documents,
    sort_places,
)
from emulator.core.query import CompiledFilter
from emulator.core.records import dataclass
from emulator.core.values import Document, Value

RESULT_MAX_DOCUMENTS: Final = 5_000
"""The cloud's bound on what one listener holds."""

SPARE_DOCUMENTS: Final = 200
"""So many more than wanted are held in order, to come up when others leave."""

HOLD_AT_ONCE: Final = 1_000
"""So many documents are put in order at a stretch."""

DataType = Literal["init", "add", "update", "replace", "remove", "limit"]
QueueType = Literal["init", "enqueue", "dequeue", "update"]

_DATA_TYPES: Final[dict[Operation, DataType]] = {
    "insert": "add",
    "update": "update",
    "replace": "replace",
    "remove": "remove",
}


class WatchTooLarge(EmulatorError):
    """A watched query finds more documents than one listener may hold."""


@dataclass(frozen=True, slots=True)
class Event:
    """One difference of a live result; `before` is what its listeners hold, `after` what is so."""

    data_type: DataType
    queue_type: QueueType
    document_id: Value
    before: Document | None
    after: Document | None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a document stands: its sort key, then by age."""

    row: tuple[Value, ...]
    age: int


@dataclass(slots=True)
class _Touched:
    """What one commit did to a document: the first and the last of its changes."""

    first: Operation
    last: Operation


class LiveResult:
    """The result of one query, kept true by changes; `limit` bounds it to the first in order.

    With a limit only some documents behind it are held: all up to `_edge`, if there is one, in
    their order. What happens behind the edge does not matter until too few are held.
    """

    def __init__(
        self, matcher: CompiledFilter, sort: SortSpecification = (), limit: int | None = None
    ) -> None:
        self._matches = matcher.matches
        self._sort = tuple(sort)
        self._limit = limit
        self._row_of = compile_order(self._sort) if self._sort else None
        self._shown: dict[Hashable, Document] = {}
        self._all: dict[Hashable, Document] = {}
        self._places: dict[Hashable, _Place] = {}
        self._order: list[tuple[tuple[Value, ...], int, Hashable]] = []
        self._ages = 0
        self._edge: tuple[tuple[Value, ...], int] | None = None
        self._unsure: set[Hashable] = set()
        self.is_doubtful = False
        """All must be read anew: documents with equal sort keys may stand in another order in the
        collection, or those behind the edge are wanted."""

    def __len__(self) -> int:
        return len(self._shown)

    def documents(self) -> list[Document]:
        """Return what listeners hold, sorted."""
        return sort_documents(list(self._shown.values()), self._sort)

    def load(self, documents: Iterable[Document]) -> list[Event]:
        """Do as `hold` and `held` in one piece."""
        for _ in self.hold(list(documents)):
            pass
        return self.held()

    def hold(self, documents: Sequence[Document]) -> Generator[None, None, None]:
        """Take all documents that match, in the collection's order, with a stop after each slice.

        Of more than `enough` any may be missing but the first in order. What listeners hold stays
        as it is until `held` or `begin`; nothing else may be asked before.

        Raises:
            DatabaseRequestFailed: they cannot be sorted so.
        """
        self._all = {}
        self._places = {}
        self._order = []
        self._unsure.clear()
        self._edge = None
        self.is_doubtful = False
        if self._limit is None:
            self._all = {hash_key(document["_id"]): document for document in documents}
            return
        places = sort_places(documents, self._sort, self._limit + SPARE_DOCUMENTS)
        for start in range(0, len(places), HOLD_AT_ONCE):
            if start:
                yield
            self._hold_some(documents, places[start : start + HOLD_AT_ONCE])
        # Ages differ, so the key is never compared.
        self._order.sort()
        self._ages = len(documents)
        if len(documents) > len(self._order):
            self._edge = self._order[-1][:2] if self._order else ((), 0)

    def held(self, since: Sequence[Change] = ()) -> list[Event]:
        """Return what is different for listeners from what they were told.

        `since` is what happened while the documents were read, and may have been seen with them.

        Raises:
            WatchTooLarge: they are more than a listener may hold.
            DatabaseRequestFailed: one of the changes cannot be sorted so.
        """
        for change in since:
            self._heard(change)
        events = self._settle({})
        self._trim()
        return events

    def begin(self, since: Sequence[Change] = ()) -> None:
        """Do as `held` where nobody was told of anything before."""
        for change in since:
            self._heard(change)
        self._shown = dict(self._small(self._now()))
        self._trim()

    def _hold_some(self, documents: Sequence[Document], places: Sequence[int]) -> None:
        for place in places:
            document = documents[place]
            key, age = hash_key(document["_id"]), place + 1
            row = self._row_of(document) if self._row_of is not None else ()
            self._all[key] = document
            self._places[key] = _Place(row, age)
            self._order.append((row, age, key))

    @property
    def enough(self) -> int:
        """Return how many of the first documents in order tell all that `hold` has to know."""
        if self._limit is None:
            return RESULT_MAX_DOCUMENTS + 1
        return min(self._limit, RESULT_MAX_DOCUMENTS + 1) + SPARE_DOCUMENTS + 1

    def apply(self, changes: Sequence[Change]) -> list[Event]:
        """Return what the changes of one commit mean: first who leaves, who changed, who enters.

        Raises:
            WatchTooLarge: more match now than a listener may hold.
            DatabaseRequestFailed: a document cannot be sorted so.
        """
        touched: dict[Hashable, _Touched] = {}
        for change in changes:
            if not self._heard(change):
                continue
            key = hash_key(change.document_id)
            if key in touched:
                touched[key].last = change.operation
            else:
                touched[key] = _Touched(change.operation, change.operation)
        events = self._settle(touched) if touched else []
        self._trim()
        return events

    def _heard(self, change: Change) -> bool:
        """Hold what a change leaves, and tell whether it concerns what is held."""
        key, after = hash_key(change.document_id), change.after
        if after is not None and self._matches(after):
            if key not in self._all and self._stays_behind(change.before, after):
                return False
            self._move(key, change.before, after)
            return True
        if key in self._all:
            self._drop(key)
            return True
        return False

    def _stays_behind(self, before: Document | None, after: Document) -> bool:
        """Tell whether a document that is not held was behind the edge and did not move."""
        if self._edge is None or before is None or not self._matches(before):
            return False
        return self._row_of is None or bool(self._row_of(before) == self._row_of(after))

    def _trim(self) -> None:
        """Hold no more than are needed, and ask for more where they are too few."""
        limit, order = self._limit, self._order
        if limit is None:
            return
        if len(order) > limit + 2 * SPARE_DOCUMENTS:
            most = limit + SPARE_DOCUMENTS
            for _, _, key in order[most:]:
                del self._all[key], self._places[key]
                self._unsure.discard(key)
            del order[most:]
            self._edge = order[-1][:2]
        elif self._edge is not None and len(order) < limit:
            self.is_doubtful = True

    def _move(self, key: Hashable, before: Document | None, after: Document) -> None:
        """Put a document where it belongs now; its age is that of its place in the collection."""
        place = self._places.get(key)
        if self._limit is None:
            self._put(key, after)
            return
        if place is not None:
            unsure = key in self._unsure
            self._drop(key)
            self._put(key, after, place.age, unsure=unsure)
            return
        # It comes back, and stands somewhere among the others of the collection.
        self._put(key, after, unsure=before is not None)

    def _put(
        self, key: Hashable, document: Document, age: int | None = None, *, unsure: bool = False
    ) -> None:
        if self._limit is None:
            self._all[key] = document
            return
        if age is None:
            age = self._ages = self._ages + 1
        row = self._row_of(document) if self._row_of is not None else ()
        if self._edge is not None and (row, age) > self._edge:
            # One that came back may be older than its age here.
            self.is_doubtful = self.is_doubtful or (unsure and row == self._edge[0])
            return
        self._all[key] = document
        self._places[key] = _Place(row, age)
        insort(self._order, (row, age, key))
        if unsure:
            self._unsure.add(key)
        if self._unsure and not self.is_doubtful:
            start = bisect_left(self._order, (row, 0))
            end = bisect_left(self._order, (row, self._ages + 1))
            equals = [each for _, _, each in self._order[start:end]]
            self.is_doubtful = len(equals) > 1 and not self._unsure.isdisjoint(equals)

    def _drop(self, key: Hashable) -> None:
        del self._all[key]
        if self._limit is None:
            return
        place = self._places.pop(key)
        self._unsure.discard(key)
        # Ages differ, so the key is never compared.
        del self._order[bisect_left(self._order, (place.row, place.age))]

    def _now(self) -> dict[Hashable, Document]:
        if self._limit is None:
            return self._all
        return {key: self._all[key] for _, _, key in self._order[: self._limit]}

    @staticmethod
    def _small(now: dict[Hashable, Document]) -> dict[Hashable, Document]:
        if len(now) > RESULT_MAX_DOCUMENTS:
            raise WatchTooLarge(
                f"the watched query finds more than {RESULT_MAX_DOCUMENTS} documents, which is "
                "what a listener may hold",
                hint="watch fewer documents: narrow where(), or add limit()",
            )
        return now

    def _settle(self, touched: dict[Hashable, _Touched]) -> list[Event]:
        """Return the difference between what is shown and what is so, and show that."""
        now, shown = self._small(self._now()), self._shown
        if self._limit is None and touched:
            return self._settle_some(touched)
        gone = [
            Event(_left(touched.get(key), self._all.get(key)), "dequeue", old["_id"], old, None)
            for key, old in shown.items()
            if key not in now
        ]
        changed = [
            Event(_stayed(touched.get(key)), "update", new["_id"], old, new)
            for key, new in now.items()
            if (old := shown.get(key)) is not None and old is not new and not identical(old, new)
        ]
        come = [
            Event(_entered(touched.get(key)), "enqueue", new["_id"], None, new)
            for key, new in now.items()
            if key not in shown
        ]
        self._shown = dict(now)
        return gone + changed + come

    def _settle_some(self, touched: dict[Hashable, _Touched]) -> list[Event]:
        """Do as `_settle` where only touched documents can differ."""
        gone: list[Event] = []
        changed: list[Event] = []
        come: list[Event] = []
        for key, how in touched.items():
            old, new = self._shown.get(key), self._all.get(key)
            if new is None:
                if old is not None:
                    del self._shown[key]
                    gone.append(Event(_left(how, None), "dequeue", old["_id"], old, None))
            elif old is None:
                self._shown[key] = new
                come.append(Event(_entered(how), "enqueue", new["_id"], None, new))
            elif old is not new and not identical(old, new):
                self._shown[key] = new
                changed.append(Event(_stayed(how), "update", new["_id"], old, new))
        return gone + changed + come


def _left(how: _Touched | None, held: Document | None) -> DataType:
    """Return why a document left; `held` is there when it still matches."""
    if how is not None:
        return "update" if how.last == "insert" else _DATA_TYPES[how.last]
    return "limit" if held is not None else "remove"


def _entered(how: _Touched | None) -> DataType:
    if how is None:
        return "limit"
    return "add" if how.first == "insert" else _DATA_TYPES[how.last]


def _stayed(how: _Touched | None) -> DataType:
    return "update" if how is not None and how.last == "update" else "replace"


def differing(before: Document, after: Document) -> tuple[Document, list[str]]:
    """Return the dotted paths that `after` holds otherwise with their values, and those it lacks.

    Objects that both hold are compared field by field, everything else as a whole.
    """
    updated: Document = {}
    removed: list[str] = []
    _differ(before, after, "", updated, removed)
    return updated, removed


def _differ(
    before: Document, after: Document, above: str, updated: Document, removed: list[str]
) -> None:
    for name, value in after.items():
        path = f"{above}{name}"
        old = before.get(name, _ABSENT)
        if old is _ABSENT:
            updated[path] = value
        elif type(old) is dict and type(value) is dict and value:
            _differ(old, value, f"{path}.", updated, removed)
        elif not identical(old, value):
            updated[path] = value
    removed += [f"{above}{name}" for name in before if name not in after]


_ABSENT: Final = object()
