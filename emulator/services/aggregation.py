"""Owns running a pipeline: what it reads, how it shares the loop, how much comes back.

Not here: what stages do (`core.aggregate`), who may (`services.access`). The one idea: everything a
pipeline reads is fixed before the loop is let go for the first time, so that it sees one moment of
the database however long it takes; and it is pulled slice by slice, the size of a slice being
whatever takes a few milliseconds.

The WeChat cloud answers 20 documents where a pipeline has no `$limit` of its own, and 10,000 at
most (https://developers.weixin.qq.com/community/develop/article/doc/000624c67c8b48611dba2b12058c13).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from emulator.ambient import Clock, Ids
from emulator.core.aggregate.environment import PipelineEnvironment
from emulator.core.aggregate.pipeline import Pipeline, compile_pipeline
from emulator.core.commands import Aggregate, Find, Found
from emulator.core.documents import resolve
from emulator.core.indexes import described
from emulator.core.values import Document
from emulator.stores.base import DocumentStore

DEFAULT_LIMIT_DOCUMENTS: Final = 20
LIMIT_DOCUMENTS_MAX: Final = 10_000

SLICE_LEAST_DOCUMENTS: Final = 25
SLICE_MOST_DOCUMENTS: Final = 1_000
SLICE_S: Final = 0.003
"""How long a slice should keep the loop; the next one grows or shrinks accordingly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What a pipeline is run with: `find` reads the documents its beginning asks for."""

    store: DocumentStore
    clock: Clock
    ids: Ids
    find: Callable[[Find], Awaitable[Found]]
    may_read: Callable[[str], None]


async def aggregate(command: Aggregate, sources: Sources) -> Found:
    """Return what a pipeline makes of a collection.

    Raises:
        InvalidOperator: there is no such stage, expression or accumulator.
        DatabaseRequestFailed: an operand or a value is refused, by MongoDB's number.
    """
    now_ms = sources.clock.now_ms()
    others: dict[str, list[Document]] = {}
    environment = PipelineEnvironment(
        now_ms=now_ms,
        collection=others.get,
        sample=sources.ids.sample,
        geo_indexes=_geo_indexes(sources.store, command.collection),
    )
    pipeline = compile_pipeline(
        [resolve(stage, now_ms=now_ms) for stage in command.pipeline], environment
    )
    for name in sorted(pipeline.collections):
        sources.may_read(name)
        other = sources.store.collection(name)
        if other is not None:
            others[name] = other.snapshot()
    most = LIMIT_DOCUMENTS_MAX if pipeline.has_limit else DEFAULT_LIMIT_DOCUMENTS
    documents, left = await _beginning(command.collection, pipeline, sources)
    return Found(documents=tuple(await _pulled(left, documents, most, sources.clock)))


async def _beginning(
    name: str, pipeline: Pipeline, sources: Sources
) -> tuple[Sequence[Document], Pipeline]:
    """Return the documents the pipeline begins with, found as a query finds them, and the rest."""
    lead, left = pipeline.split()
    if lead.filter or lead.sort:
        command = Find(
            collection=name,
            filter=dict(lead.filter),
            sort=tuple(lead.sort),
            skip=lead.skip,
            limit=lead.limit,
        )
        return (await sources.find(command)).documents, left
    collection = sources.store.collection(name)
    return ([] if collection is None else collection.snapshot()), pipeline


@dataclass(slots=True)
class _Pace:
    """The size of the next slice."""

    documents: int = SLICE_LEAST_DOCUMENTS * 4

    def slices(self, documents: Sequence[Document]) -> Iterator[list[Document]]:
        """Yield documents in slices of the size that is right at the time."""
        start = 0
        while start < len(documents):
            end = start + self.documents
            yield list(documents[start:end])
            start = end

    def adapt(self, spent_s: float) -> None:
        """Take in how long the last slice took."""
        if spent_s > 2 * SLICE_S:
            self.documents = max(self.documents // 2, SLICE_LEAST_DOCUMENTS)
        elif spent_s < SLICE_S / 2:
            self.documents = min(self.documents * 2, SLICE_MOST_DOCUMENTS)


async def _pulled(
    pipeline: Pipeline, documents: Sequence[Document], most: int, clock: Clock
) -> list[Document]:
    """Return what comes out, `most` at most, letting the loop breathe after each slice's time."""
    pace, found = _Pace(), list[Document]()
    since = last = clock.elapsed_s()
    for chunk in pipeline.run(pace.slices(documents)):
        found += chunk
        if len(found) >= most:
            return found[:most]
        now = clock.elapsed_s()
        pace.adapt(now - last)
        if now - since >= SLICE_S:
            await asyncio.sleep(0)
            since = now = clock.elapsed_s()
        last = now
    return found


def _geo_indexes(store: DocumentStore, name: str) -> dict[str, str]:
    return {
        path: str(direction)
        for index in described(store.description(name))
        for path, direction in index.keys
        if path in index.places
    }
