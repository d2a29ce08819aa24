"""Owns running a pipeline: what it reads, how it shares the loop, how much comes back.

Not here: what stages do (`core.aggregate`), who may (`services.access`). The one idea: everything a
pipeline reads is fixed before the loop is let go for the first time, so that it sees one moment of
the database however long it takes; and it is pulled slice by slice, the size of a slice being
whatever takes a few milliseconds.

How much comes back follows what developers found of the WeChat cloud: 20 documents where a pipeline
has no `$limit` of its own, else 10,000 at most
(https://developers.weixin.qq.com/community/develop/article/doc/000624c67c8b48611dba2b12058c13).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from emulator.ambient import Clock, Ids
from emulator.core.aggregate.columns import Columns, Piece
from emulator.core.aggregate.environment import PipelineEnvironment
from emulator.core.aggregate.leavings import Leavings
from emulator.core.aggregate.pipeline import Pipeline, compile_pipeline
from emulator.core.aggregate.sizes import bson_bytes, names_bytes
from emulator.core.aggregate.stage_nodes import Slices
from emulator.core.commands import Aggregate, Find, Found
from emulator.core.documents import DOCUMENT_SIZE_MAX_BYTES, resolve
from emulator.core.errors import DatabaseRequestFailed
from emulator.core.indexes import described
from emulator.core.limits import Limits
from emulator.core.records import dataclass
from emulator.core.values import Document, Value
from emulator.services.column_cache import ColumnCache
from emulator.services.joining import Joining
from emulator.services.planning import Scan, unhurried
from emulator.stores.base import DocumentStore
from emulator.stores.collector import paused

LONG_LENGTH: Final = 1_000
"""A document is measured where a text or an array in it has more characters or items."""

_MAY_BE_LONG: Final[frozenset[type]] = frozenset({dict, list, str})

SLICE_LEAST_DOCUMENTS: Final = 25
SLICE_MOST_DOCUMENTS: Final = 4_000
SLICE_S: Final = 0.003
"""How long a slice should keep the loop; the next one grows or shrinks accordingly."""
SLICE_S_MAX: Final = 5.0
"""How long loops inside of one slice may keep it before the pipeline is refused."""


def _never(_beginning: Find) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What a pipeline is run with: `find` reads the documents its beginning asks for.

    `scan` tells that no index would help with that, so that the pipeline may look at all documents
    itself. Without `columns` nothing is kept for the next: the store's sequence does not tell.
    """

    store: DocumentStore
    clock: Clock
    ids: Ids
    find: Callable[[Find], Awaitable[Found]]
    may_read: Callable[[str], None]
    limits: Limits
    scan: Callable[[Find], Scan | None] = _never
    columns: ColumnCache | None = None


async def aggregate(command: Aggregate, sources: Sources) -> Found:
    """Return what a pipeline makes of a collection.

    Raises:
        InvalidOperator: there is no such stage, expression or accumulator.
        DatabaseRequestFailed: an operand or a value is refused, by MongoDB's number.
    """
    pace = _Pace(sources.clock)
    try:
        pipeline = _compiled(command, sources, pace)
        pipeline = pipeline.capped(_most(pipeline, sources.limits))
        beginning = await _beginning(command.collection, pipeline, sources)
        # Documents on their way hold no cycles, and a look for some keeps the loop for long.
        with paused(), beginning.used():
            try:
                found = await _pulled(beginning, pace)
                if beginning.scan is not None:
                    beginning.scan.ended()
            finally:
                await _emptied(pipeline.leavings, pace)
    except RecursionError as fault:
        raise DatabaseRequestFailed("the pipeline is nested too deep", mongo_code=15) from fault
    return Found(documents=tuple(found))


def _compiled(command: Aggregate, sources: Sources, pace: "_Pace") -> Pipeline:
    """Return the pipeline over what other collections hold at this moment."""
    now_ms = sources.clock.now_ms()
    others: dict[str, list[Document]] = {}
    joining = Joining(sources.store)
    environment = PipelineEnvironment(
        now_ms=now_ms,
        collection=others.get,
        find_equal=joining.find_equal,
        prepare_equal=joining.prepare_equal,
        sample=sources.ids.sample,
        geo_indexes=_geo_indexes(sources.store, command.collection),
        watch=pace.watch,
    )
    pipeline = compile_pipeline(
        [resolve(stage, now_ms=now_ms) for stage in command.pipeline], environment
    )
    for name in sorted(pipeline.collections):
        sources.may_read(name)
        other = sources.store.collection(name)
        if other is not None:
            others[name] = other.snapshot()
    return pipeline


def _most(pipeline: Pipeline, limits: Limits) -> int:
    if pipeline.has_limit:
        return limits.aggregate_max_documents
    return limits.aggregate_default_documents


async def _check_size(document: Document, pace: "_Pace") -> None:
    """Raise the refusal of a document that no answer can hold."""
    size = bson_bytes({name: value for name, value in document.items() if type(value) is not list})
    for name, value in document.items():
        if type(value) is list:
            size += bson_bytes({name: []}) - bson_bytes({}) + names_bytes(len(value))
            for start in range(0, len(value), LONG_LENGTH):
                size += sum(map(bson_bytes, value[start : start + LONG_LENGTH]))
                await pace.breathe()
    if size > DOCUMENT_SIZE_MAX_BYTES:
        raise DatabaseRequestFailed(
            f"BSONObj size: {size} is invalid. Size must be between 0 and"
            f" {DOCUMENT_SIZE_MAX_BYTES}",
            mongo_code=10334,
            hint="gather fewer documents, or only the fields you need, with $push",
        )


def _is_long(value: Value) -> bool:
    """Tell whether a value may be large; of an array's items the first speaks for all."""
    if value.__class__ is dict:
        return any(_is_long(each) for each in value.values() if each.__class__ in _MAY_BE_LONG)
    if value.__class__ is list:
        return len(value) > LONG_LENGTH or any(map(_is_long, value[:1]))
    return value.__class__ is str and len(value) > LONG_LENGTH


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beginning:
    """The documents a pipeline begins with, their columns if they have some, and what to run."""

    documents: list[Document]
    pipeline: Pipeline
    columns: Columns | None = None
    scan: Scan | None = None

    def used(self) -> AbstractContextManager[object]:
        """Keep the columns for as long as the pipeline runs."""
        return nullcontext() if self.columns is None else self.columns.used()

    def slices(self, pace: "_Pace") -> Slices:
        """Yield the documents in slices of the size that is right at the time."""
        documents, columns = self.documents, self.columns
        for start, end in pace.places(len(documents)):
            if columns is None:
                yield documents[start:end]
            else:
                yield Piece(documents, columns, (start, end))


async def _beginning(name: str, pipeline: Pipeline, sources: Sources) -> _Beginning:
    """Return what the pipeline begins with: documents found as a query finds them, or all."""
    lead, left = pipeline.split()
    scan: Scan | None = None
    if lead.filter or lead.sort:
        command = Find(
            collection=name,
            filter=dict(lead.filter),
            sort=tuple(lead.sort),
            skip=lead.skip,
            limit=lead.limit,
        )
        if lead.filters_columns and sources.columns is not None:
            scan = sources.scan(command)
        if scan is None:
            documents = list((await sources.find(command)).documents)
            return _Beginning(documents=documents, pipeline=left)
    collection = sources.store.collection(name)
    if collection is None:
        return _Beginning(documents=[], pipeline=pipeline)
    columns = None
    if sources.columns is None:
        documents = collection.snapshot()
    else:
        sequence = sources.store.sequence
        documents, columns = await unhurried(
            sources.columns.all_of(name, collection, sequence, pipeline.leavings)
        )
    if scan is not None:
        pipeline = pipeline.told(scan.looked_at)
    return _Beginning(documents=documents, pipeline=pipeline, columns=columns, scan=scan)


class _Pace:
    """The size of the next slice, and whether the one at work is late."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started = self._breathed = clock.elapsed_s()
        self._size = SLICE_LEAST_DOCUMENTS * 4

    def watch(self) -> None:
        """Raise MongoDB's refusal of an operation that takes too long (50)."""
        if self._clock.elapsed_s() - self._started > SLICE_S_MAX:
            raise DatabaseRequestFailed(
                "operation exceeded time limit",
                mongo_code=50,
                hint=f"one step kept the database for {SLICE_S_MAX:g} s; do less for a document",
            )

    def places(self, count: int) -> Iterator[tuple[int, int]]:
        """Yield where slices begin and end, of the size that is right at the time."""
        self._started = self._clock.elapsed_s()
        start = 0
        while start < count:
            end = min(start + self._size, count)
            yield start, end
            start = end

    async def breathe(self) -> None:
        """Adapt to how long the slice took, and let the loop do other things when it is time."""
        now = self._clock.elapsed_s()
        spent_s = now - self._started
        if spent_s > 2 * SLICE_S:
            self._size = max(self._size // 2, SLICE_LEAST_DOCUMENTS)
        elif spent_s < SLICE_S / 2:
            self._size = min(self._size * 2, SLICE_MOST_DOCUMENTS)
        await self.turn()
        self._started = self._clock.elapsed_s()

    async def turn(self) -> None:
        """Let the loop do other things when it is time."""
        if self._clock.elapsed_s() - self._breathed >= SLICE_S:
            await asyncio.sleep(0)
            self._breathed = self._clock.elapsed_s()


async def _pulled(beginning: _Beginning, pace: _Pace) -> list[Document]:
    """Return what comes out, letting the loop breathe after each slice's time."""
    found: list[Document] = []
    pipeline = beginning.pipeline
    for chunk in pipeline.run(beginning.slices(pace)):
        for document in chunk:
            if _is_long(document):
                await _check_size(document, pace)
        found += chunk
        await pace.breathe()
        await _emptied(pipeline.leavings, pace)
    return found


async def _emptied(leavings: Leavings, pace: _Pace) -> None:
    """Free what the pipeline is done with, letting the loop breathe in between."""
    for _ in leavings.emptied():
        await pace.turn()


def _geo_indexes(store: DocumentStore, name: str) -> dict[str, str]:
    return {
        path: str(direction)
        for index in described(store.description(name))
        for path, direction in index.keys
        if path in index.places
    }
