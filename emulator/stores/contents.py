"""Owns the documents of every collection in memory, and what a commit does to them.

Not here: how a commit is kept (`stores.journal`). The one idea: writes are first resolved into
steps that name documents by number. A step is a whole document put, or one taken away, so a list
of steps that is replayed over a later state ends in that same state, order included.
"""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from emulator.core.errors import DuplicateKey
from emulator.core.indexes import IndexDefinition, described
from emulator.core.ordering import hash_key
from emulator.core.values import MISSING, Document, Value
from emulator.stores.base import Create, Delete, Describe, Drop, Put, Write
from emulator.stores.index_building import build_ahead
from emulator.stores.indexes import CollectionIndexes, check_documents
from emulator.stores.texts import SHARE_EVERY_DOCUMENTS, Texts

Step: TypeAlias = list[Value]
"""["put", collection, number, document] or another row of `_APPLY`; a list, as JSON has them."""

Key: TypeAlias = Value
"""What an `_id` is found by: equal for ids that are equal."""

_FIRST_NUMBER: Final = 1


def id_key(document: Mapping[str, Value]) -> Key:
    """Return what the document is found by, MISSING when it has no `_id`."""
    document_id = document.get("_id", MISSING)
    return document_id if type(document_id) is str else hash_key(document_id)


def owned(value: Value) -> Value:
    """Return a copy of a document or a part of it; values that cannot change are shared."""
    kind = type(value)
    if kind is str or kind is int:
        return value
    if kind is dict or isinstance(value, Mapping):
        return {key: owned(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [owned(item) for item in value]
    return value


class Documents:
    """The documents of one collection by number, ascending, which is the order they came in."""

    __slots__ = (
        *("_texts", "by_number", "description", "indexes", "next_number", "numbers"),
        "unordered",
    )

    def __init__(self) -> None:
        self.by_number: dict[int, Document] = {}
        self.numbers: dict[Key, int] = {}
        self.next_number = _FIRST_NUMBER
        self.description: Document = {}
        self.indexes = CollectionIndexes(self.by_number)
        self.unordered = False
        self._texts = Texts()

    def __len__(self) -> int:
        return len(self.by_number)

    def by_id(self, document_id: Value) -> Document | None:
        """Return the stored document with this `_id`."""
        number = self.numbers.get(hash_key(document_id))
        return None if number is None else self.by_number[number]

    def numbered(self, document_ids: Iterable[Value]) -> dict[int, Document]:
        """Return the stored documents with these `_id`s by number, ascending."""
        keys = map(hash_key, document_ids)
        found = {self.numbers[key] for key in keys if key in self.numbers}
        return {number: self.by_number[number] for number in sorted(found)}

    def build_ahead(self, name: str, definition: IndexDefinition) -> Generator[bool, None, None]:
        """Build an index that is about to be defined."""
        yield from build_ahead(name, self.indexes, definition, self.by_number)

    def put(self, number: int, document: Document) -> None:
        """Keep a document under its number, in place of the one that was there."""
        key = id_key(document)
        old = self.by_number.get(number)
        if old is not None:
            self._forget(number, old, unless=key)
        elif number >= self.next_number:
            self.next_number = number + 1
        else:
            self.unordered = True
        self.by_number[number] = document
        if number - self._texts.up_to >= SHARE_EVERY_DOCUMENTS:
            self._texts.share_newest(self.by_number, number)
        if key is not MISSING:
            self.numbers[key] = number
        for touched in self.indexes.touched:
            touched.add(number)
        for index in self.indexes.kept:
            index.put(number, old, document)

    def delete(self, number: int) -> None:
        """Take a document away, if it is there."""
        old = self.by_number.pop(number, None)
        if old is not None:
            self._forget(number, old, unless=MISSING)
            for touched in self.indexes.touched:
                touched.add(number)
            for index in self.indexes.kept:
                index.delete(number, old)
        elif number >= self.next_number:
            # Replayed over a later state: the number was in use once and must not come again.
            self.next_number = number + 1

    def clear(self) -> None:
        """Take every document away and count from one again."""
        self.indexes.clear()
        self._texts = Texts()
        self.by_number.clear()
        self.numbers = {}
        self.next_number = _FIRST_NUMBER
        self.unordered = False

    def describe(self, description: Document) -> None:
        """Remember what the suite says of the collection, and have the indexes it defines."""
        self.description = description
        self.indexes.define(described(description))

    def load(self, documents: Iterable[tuple[int, Document]]) -> None:
        """Take over documents that were kept before, in any order."""
        self.by_number.clear()
        self.by_number.update(self._texts.shared(documents))
        self.unordered = True
        self.settle()
        self.next_number = max(self.by_number, default=0) + 1
        self.numbers = {
            key: number
            for number, document in self.by_number.items()
            if (key := id_key(document)) is not MISSING
        }

    def check_ids(self, name: str, drafts: Mapping[int, Mapping[str, Value]]) -> None:
        """See that documents which are to be put by number leave each `_id` unique.

        Raises:
            DuplicateKey: one is taken by another document, stored or among them.
        """
        taken: dict[Key, int] = {}
        for number, document in drafts.items():
            key = id_key(document)
            if key is MISSING:
                continue
            stored = self.numbers.get(key, number)
            if taken.setdefault(key, number) != number or not (
                stored == number or stored in drafts
            ):
                raise DuplicateKey(
                    f"E11000 duplicate key error collection: {name} index: _id_ "
                    f"dup key: {{ _id: {document['_id']!r} }}"
                )

    def settle(self) -> None:
        """Bring the documents back into the order of their numbers."""
        if self.unordered:
            ordered = sorted(self.by_number.items())
            self.by_number.clear()
            self.by_number.update(ordered)
            self.unordered = False

    def _forget(self, number: int, document: Document, *, unless: Key) -> None:
        key = id_key(document)
        if key is not MISSING and key != unless and self.numbers.get(key) == number:
            del self.numbers[key]


class Contents:
    """Every collection, in order of creation."""

    def __init__(self) -> None:
        self.collections: dict[str, Documents] = {}

    def plan(self, writes: Sequence[Write]) -> list[Step]:
        """Return the steps that the writes come down to; nothing is changed yet.

        Raises:
            DuplicateKey, DatabaseRequestFailed: an index cannot hold what would be there.
        """
        if len(writes) == 1 and type(put := writes[0]) is Put:
            return [self._plan_put(put)]  # most commits are one document
        plan = _Plan(self.collections)
        planned = (_PLAN[type(write)](plan, write) for write in writes)
        steps = [step for step in planned if step is not None]
        self.check(steps)
        return steps

    def check(self, steps: Sequence[Step]) -> None:
        """See that every index can hold what the steps leave; raises as `plan`."""
        names = {step[1] for step in steps if step[0] == "describe"}
        names |= {name for name, held in self.collections.items() if held.indexes.defined}
        for name in names:
            outcome = _Outcome(self.collections.get(name) or Documents())
            outcome.after(step for step in steps if step[1] == name)
            outcome.check(name)

    def apply(self, steps: Iterable[Step]) -> None:
        """Carry the steps out."""
        for step in steps:
            _APPLY[step[0]](self, *step[1:])

    def settle(self) -> None:
        """Bring every collection into order, once many steps were applied."""
        for documents in self.collections.values():
            documents.settle()

    def arrange(self, names: Sequence[str]) -> None:
        """Bring the collections themselves into this order; others follow."""
        known = {name: self.collections[name] for name in names if name in self.collections}
        self.collections = known | self.collections

    def demand(self, name: str) -> Documents:
        """Return the collection, a new one if there is none."""
        documents = self.collections.get(name)
        if documents is None:
            documents = self.collections[name] = Documents()
        return documents

    def _plan_put(self, write: Put) -> Step:
        held = self.collections.get(write.collection)
        if held is None:
            number = _FIRST_NUMBER
        else:
            number = held.numbers.get(id_key(write.document), held.next_number)
            for index in held.indexes.defined:
                index.prepare(write.collection, {number: write.document}, frozenset())
        return ["put", write.collection, number, write.document]

    def _put(self, name: str, number: int, document: Document) -> None:
        self.demand(name).put(number, document)

    def _delete(self, name: str, number: int) -> None:
        self.demand(name).delete(number)

    def _drop(self, name: str) -> None:
        self.collections.pop(name, None)

    def _clear(self, name: str) -> None:
        self.demand(name).clear()

    def _create(self, name: str) -> None:
        self.demand(name)

    def _describe(self, name: str, description: Document) -> None:
        self.demand(name).describe(description)


_APPLY: Final[Mapping[str, Callable[..., None]]] = {
    "put": Contents._put,
    "delete": Contents._delete,
    "create": Contents._create,
    "drop": Contents._drop,
    "clear": Contents._clear,
    "describe": Contents._describe,
}


class _Outcome:
    """What some steps leave of one collection: documents put and gone, and the indexes over it."""

    def __init__(self, held: Documents) -> None:
        self._held = held
        self._drafts: dict[int, Document] = {}
        self._gone: set[int] = set()
        self._is_emptied = False
        self._description: Document | None = None

    def after(self, steps: Iterable[Step]) -> None:
        """Take note of steps."""
        for kind, _, *rest in steps:
            if kind == "put":
                self._drafts[rest[0]] = rest[1]
            elif kind == "delete":
                self._drafts.pop(rest[0], None)
                self._gone.add(rest[0])
            elif kind == "describe":
                self._description = rest[0]
            elif kind in ("drop", "clear"):
                self._drafts.clear()
                self._is_emptied = True
                self._description = {} if kind == "drop" else self._description

    def check(self, name: str) -> None:
        """See that the indexes can hold what is left; raises as `Index.prepare`."""
        held = self._held
        definitions = [index.definition for index in held.indexes.defined]
        if self._description is not None:
            definitions = list(described(self._description))
        if self._is_emptied:
            check_documents(name, definitions, self._drafts)
        elif self._description is not None and (self._drafts or self._gone):
            left = {
                number: document
                for number, document in held.by_number.items()
                if number not in self._gone
            }
            check_documents(name, definitions, left | self._drafts)
        elif self._description is not None:
            held.indexes.try_out(name, definitions)
        else:
            for index in held.indexes.defined:
                index.prepare(name, self._drafts, self._gone)


class _Plan:
    """What earlier writes of the same commit will have changed, over what is there now."""

    __slots__ = ("_collections", "_shadows")

    def __init__(self, collections: Mapping[str, Documents]) -> None:
        self._collections = collections
        self._shadows: dict[str, _Shadow] = {}

    def put(self, write: Put) -> Step:
        number = self._shadow(write.collection).put(id_key(write.document))
        return ["put", write.collection, number, write.document]

    def delete(self, write: Delete) -> Step | None:
        number = self._shadow(write.collection).delete(hash_key(write.document_id))
        return None if number is None else ["delete", write.collection, number]

    def create(self, write: Create) -> Step | None:
        shadow = self._shadow(write.collection)
        if shadow.exists:
            return None
        shadow.exists = True
        return ["create", write.collection]

    def drop(self, write: Drop) -> Step | None:
        existed = self._shadow(write.collection).exists
        self._shadows[write.collection] = _Shadow(None)
        return ["drop", write.collection] if existed else None

    def describe(self, write: Describe) -> Step:
        self._shadow(write.collection).exists = True
        return ["describe", write.collection, write.description]

    def _shadow(self, name: str) -> "_Shadow":
        shadow = self._shadows.get(name)
        if shadow is None:
            shadow = self._shadows[name] = _Shadow(self._collections.get(name))
        return shadow


class _Shadow:
    """One collection as it will be: numbers that the commit gave or took, over the real ones."""

    __slots__ = ("_base", "_next_number", "_numbers", "exists")

    def __init__(self, documents: Documents | None) -> None:
        self._base: Mapping[Key, int] = {} if documents is None else documents.numbers
        self._next_number = _FIRST_NUMBER if documents is None else documents.next_number
        self._numbers: dict[Key, int | None] = {}
        self.exists = documents is not None

    def put(self, key: Key) -> int:
        self.exists = True
        number = self._number(key)
        if number is None:
            number = self._next_number
            self._next_number += 1
            if key is not MISSING:
                self._numbers[key] = number
        return number

    def delete(self, key: Key) -> int | None:
        number = self._number(key)
        if number is not None:
            self._numbers[key] = None
        return number

    def _number(self, key: Key | None) -> int | None:
        return self._numbers[key] if key in self._numbers else self._base.get(key)


_PLAN: Final[Mapping[type, Callable[..., Step | None]]] = {
    Put: _Plan.put,
    Delete: _Plan.delete,
    Create: _Plan.create,
    Drop: _Plan.drop,
    Describe: _Plan.describe,
}
