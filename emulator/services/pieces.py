"""Owns commands that write what a query finds, or many documents: piece by piece.

Not here: what a piece does (`services.database`). The one idea: documents are found in slices over
a snapshot, as reads do; then each piece is one step without an `await`, which looks at its
documents as they are now, leaves out those that match no more, commits and publishes. What matches
an `_id` or is few is one piece at once: then there is nothing to await.

Like MongoDB's writes of many: others may write in between, what was inserted after the beginning
may be missed, and a refusal leaves the pieces before it as they are.
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

from emulator.ambient import Clock
from emulator.core.commands import (
    FindAndModify,
    Insert,
    Inserted,
    Modified,
    Remove,
    Removed,
    Update,
    Updated,
)
from emulator.core.errors import EmulatorError
from emulator.core.records import dataclass
from emulator.core.values import Document, Value
from emulator.services.caller import Caller
from emulator.services.database import Changing, Database
from emulator.services.planning import Reader, unhurried
from emulator.services.reading import Pace, Question, Reading
from emulator.services.transactions import wait_for_claims
from emulator.stores.base import DocumentStore
from emulator.stores.collector import HELD_DOCUMENTS, hold_many
from emulator.stores.versions import Claimed

PIECE_FIRST_DOCUMENTS: Final = 100
"""So many are one piece; later ones are as many as `services.reading.SLICE_S` allows."""
PIECE_MIN_DOCUMENTS: Final = 50
"""Each piece is a record of the journal, which costs something of its own."""
READINGS_MAX: Final = 2
"""So many look for documents at a time: each holds a list of all, and takes its turns."""
ATTEMPTS_MAX: Final = 3
"""So often what is found is gone or hides what was inserted, before all is done in one piece."""

_Result = TypeVar("_Result")
Long = Coroutine[Any, Any, _Result]
Found = list[Document] | Generator[None, None, Reading]


@dataclass(slots=True)
class _Done:
    """What was done so far: documents that matched, and those that were written."""

    matched: int = 0
    written: int = 0


class Pieces:
    """The long writes of one environment."""

    def __init__(
        self, database: Database, store: DocumentStore, reader: Reader, clock: Clock
    ) -> None:
        self._database = database
        self._store = store
        self._reader = reader
        self._clock = clock
        self._few = asyncio.Semaphore(READINGS_MAX)
        self._turns = asyncio.Lock()

    def insert(self, command: Insert, caller: Caller) -> Inserted | Long[Inserted]:
        """Insert documents, at once if they are few; raises as the database."""
        if len(command.documents) <= PIECE_FIRST_DOCUMENTS:
            return self._database.insert(command, caller)
        return self._insert(self._database.permitted(command, caller), caller)

    def update(self, command: Update, caller: Caller) -> Updated | Long[Updated]:
        """Change what matches, at once if it is found soon and little; raises as the database."""
        database = self._database
        if type(command.filter.get("_id")) is str:
            return database.update(command, caller)
        permitted = database.permitted(command, caller)
        question, change = database.changing(permitted, caller)
        found = self._found(question)
        if isinstance(found, list) and len(found) <= PIECE_FIRST_DOCUMENTS:
            return database.updated(permitted, question, change, found, caller)
        return self._update(permitted, question, change, found, caller)

    def find_and_modify(self, command: FindAndModify, caller: Caller) -> Modified | Long[Modified]:
        """Change one document, at once if it is found soon; raises as the database."""
        database = self._database
        if type(command.filter.get("_id")) is str:
            return database.find_and_modify(command, caller)
        question, change = database.changing(database.permitted(command, caller), caller)
        found = self._found(question)
        if isinstance(found, list):
            return Modified(document=database.change(question, change, found, caller)[1])
        return self._find_and_modify(question, change, found, caller)

    def remove(self, command: Remove, caller: Caller) -> Removed | Long[Removed]:
        """Remove what matches, at once if it is found soon and little; raises as the database."""
        database = self._database
        if type(command.filter.get("_id")) is str:
            return database.remove(command, caller)
        question = database.removing(database.permitted(command, caller), caller)
        found = self._found(question)
        if isinstance(found, list) and len(found) <= PIECE_FIRST_DOCUMENTS:
            return Removed(count=database.delete(question, found, caller))
        return self._remove(question, found, caller)

    async def _insert(self, command: Insert, caller: Caller) -> Inserted:
        """Insert documents in their order; that each can be is known before the first is."""
        database, name = self._database, command.collection
        coming = database.new_documents(command)
        documents: list[Document] = []
        pace = Pace(self._clock, PIECE_FIRST_DOCUMENTS)
        while len(documents) < len(command.documents):
            documents += islice(coming, pace.size_documents)
            pace.finished()
            await self._breathe()
            pace.breathed()
        ids: list[Value] = []

        def write(piece: Sequence[Document]) -> tuple[int, int]:
            ids.extend(database.put_new(name, piece, caller))
            return len(piece), len(piece)

        await self._each(documents, write, _Done())
        return Inserted(ids=tuple(ids))

    async def _update(
        self, command: Update, question: Question, change: Changing, found: Found, caller: Caller
    ) -> Updated:
        database = self._database

        def write(documents: Sequence[Document]) -> int:
            return database.change(question, change, documents, caller)[0]

        done = await self._all(question, found, write, upserts=command.upsert)
        if done.matched or not command.upsert:
            return Updated(matched=done.matched, modified=done.written)
        try:
            return database.updated(command, question, change, (), caller)
        except Claimed as claimed:
            again: Updated = await wait_for_claims(
                lambda: Database.update(database, command, caller), claimed
            )
            return again

    async def _find_and_modify(
        self, question: Question, change: Changing, found: Found, caller: Caller
    ) -> Modified:
        after: Document | None = None

        def write(documents: Sequence[Document]) -> int:
            nonlocal after
            written, after = self._database.change(question, change, documents, caller)
            return written

        await self._all(question, found, write)
        return Modified(document=after)

    async def _remove(self, question: Question, found: Found, caller: Caller) -> Removed:
        def write(documents: Sequence[Document]) -> int:
            return self._database.delete(question, documents, caller)

        return Removed(count=(await self._all(question, found, write)).written)

    async def _all(
        self,
        question: Question,
        found: Found,
        write: Callable[[Sequence[Document]], int],
        *,
        upserts: bool = False,
    ) -> _Done:
        """Find and write; with nothing done and `upserts`, nothing is there to be found."""

        def write_those_left(documents: Sequence[Document]) -> tuple[int, int]:
            left = self._left(question, documents)
            return len(left), write(left)

        done = _Done()
        for _ in range(ATTEMPTS_MAX):
            sequence = self._store.sequence
            documents = found if isinstance(found, list) else await self._read(found)
            is_now = sequence == self._store.sequence
            is_over = is_now or not (documents or upserts)
            await self._each(documents, write_those_left, done)
            if done.matched or is_over:
                return done
            question = self._asked_again(question)
            found = self._found(question)
        await self._each(self._reader.read_now(question).documents, write_those_left, done)
        return done

    async def _read(self, slices: Generator[None, None, Reading]) -> list[Document]:
        async with self._few:
            return (await unhurried(slices)).documents

    async def _breathe(self) -> None:
        """Let the loop have its turn, after which one of the long writes goes on."""
        async with self._turns:
            await asyncio.sleep(0)

    def _found(self, question: Question) -> Found:
        """Return what is found at once, or what is left to do to find it."""
        slices = self._reader.slices(question)
        if self._few.locked() and self._reader.scan(question) is not None:
            return slices
        try:
            next(slices)
        except StopIteration as end:
            found: list[Document] = end.value.documents
            return found
        return slices

    def _asked_again(self, question: Question) -> Question:
        """Return the same question about the collection as it is now."""
        collection = self._store.collection(question.name)
        if collection is None:
            return question
        return Question(
            name=question.name,
            collection=collection,
            matcher=question.matcher,
            wanted=question.wanted,
            places=question.places,
            cause=question.cause,
        )

    def _left(self, question: Question, documents: Sequence[Document]) -> list[Document]:
        """Return the documents as they are now, without those that are gone or match no more."""
        collection = self._store.collection(question.name)
        if collection is None:
            return []
        left: list[Document] = []
        for document in documents:
            stored = collection.by_id(document["_id"])
            if stored is document or (stored is not None and question.matcher.matches(stored)):
                left.append(stored)
        return left

    async def _each(
        self,
        documents: list[Document],
        write: Callable[[Sequence[Document]], tuple[int, int]],
        done: _Done,
    ) -> None:
        """Write piece by piece, with a turn of the loop in between; takes them out of the list.

        What was replaced or removed is let go of with its piece: all of it at once takes long.
        """
        if len(documents) >= HELD_DOCUMENTS:
            await asyncio.sleep(0)
            hold_many(len(documents))
            await asyncio.sleep(0)
        pace = Pace(self._clock, PIECE_FIRST_DOCUMENTS)
        documents.reverse()
        while documents:
            size = max(pace.size_documents, PIECE_MIN_DOCUMENTS)
            piece = documents[-size:]
            piece.reverse()
            del documents[-size:]
            try:
                matched, written = await _unclaimed(write, piece)
            except EmulatorError as fault:
                if done.written:
                    told = f"{done.written} documents were written before, and stay so"
                    fault.hint = f"{fault.hint}; {told}" if fault.hint else told
                raise
            done.matched += matched
            done.written += written
            del piece
            pace.finished()
            if documents:
                await self._breathe()
                pace.breathed()


async def _unclaimed(
    write: Callable[[Sequence[Document]], _Result], piece: Sequence[Document]
) -> _Result:
    """Write a piece; what an open transaction has written is waited for, and looked at again."""
    try:
        return write(piece)
    except Claimed as claimed:
        result: _Result = await wait_for_claims(lambda: write(piece), claimed)
        return result
