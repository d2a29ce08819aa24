"""Owns finding documents of other collections for a pipeline, by their indexes.

Not here: joins (`core.aggregate.stages_join`) and which part of an index to read (`core.planner`).
The one idea: a pipeline sees one moment of the database, and an index knows only the present, so
indexes are asked while nothing was written since the pipeline began; after that the join goes on
with the documents as they were then.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from emulator.core.planner import equal_reach
from emulator.core.values import Document, Value
from emulator.stores.base import DocumentStore, Index

BUILD_SLICE_DOCUMENTS: Final = 500


class Joining:
    """The indexes that one pipeline joins by."""

    def __init__(self, store: DocumentStore) -> None:
        self._store = store
        self._began = store.sequence
        self._indexes: dict[tuple[str, str], Index | None] = {}

    def find_equal(self, name: str, path: str, value: Value) -> Mapping[int, Document] | None:
        """Return every document `{path: {$eq: value}}` finds, and maybe others; None: no index."""
        if self._store.sequence != self._began:
            return None
        index = self._index(name, path)
        reach = None if index is None else equal_reach(index.definition, value)
        if index is None or reach is None or not index.build(0):
            return None
        return index.find(reach)

    def prepare_equal(self, name: str, path: str) -> Iterator[None]:
        """Build the index for a path, if nobody has since a restart, a piece at a time."""
        index = self._index(name, path)
        while index is not None and not index.build(BUILD_SLICE_DOCUMENTS):
            yield

    def _index(self, name: str, path: str) -> Index | None:
        place = (name, path)
        if place not in self._indexes:
            collection = self._store.collection(name)
            indexes = () if collection is None else collection.indexes()
            serving = [each for each in indexes if each.definition.keys[0][0] == path]
            self._indexes[place] = min(serving, key=_length, default=None)
        return self._indexes[place]


def _length(index: Index) -> int:
    return len(index.definition.keys)
