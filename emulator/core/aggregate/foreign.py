"""Owns finding documents of another collection by a value, for stages that join.

Not here: the stages (`stages_join`) and who gives the documents (`environment`). The one idea: an
index is asked where there is one, else a hash of the field that is made once a run; what either
finds is held against the same keys, so it makes no difference which.
"""

from collections.abc import Callable, Generator, Hashable, Iterable, Sequence
from dataclasses import field
from typing import Final

from emulator.core.aggregate.environment import PipelineEnvironment
from emulator.core.aggregate.stage_nodes import Slice, slices
from emulator.core.ordering import hash_key
from emulator.core.paths import visit
from emulator.core.records import dataclass
from emulator.core.values import MISSING, Document, Value

INDEXED_VALUES_MAX: Final = 100
"""For more values at once a hash of the other collection costs less than its index."""

HashKeys = Callable[[Document], Iterable[Hashable]]


def query_keys(path: str) -> HashKeys:
    """Return what gives the hash keys of all values `{path: {$eq: value}}` finds a document by."""
    parts = tuple(path.split("."))

    def keys(document: Document) -> Iterable[Hashable]:
        return {
            hash_key(None if value is MISSING else value) for value, _ in visit(document, parts)
        }

    def keys_of_field(document: Document) -> Iterable[Hashable]:
        value = document.get(path)
        return keys(document) if value.__class__ is list else (hash_key(value),)

    return keys_of_field if len(parts) == 1 else keys


def present_keys(path: str) -> HashKeys:
    """Return what gives the hash keys of all values behind a path; none for a missing field."""
    parts = tuple(path.split("."))
    return lambda document: {
        hash_key(value) for value, _ in visit(document, parts) if value is not MISSING
    }


@dataclass(slots=True)
class Foreign:
    """The other collection during one run: its documents, and a hash of them once asked for.

    `keys` gives what a document is found by, `path` is where that lies in it.
    """

    name: str
    environment: PipelineEnvironment
    keys: HashKeys
    path: str = ""
    documents: list[Document] = field(default_factory=list)
    _places: dict[Hashable, list[int]] | None = None
    _may_ask: bool = False

    def having(self, values: Sequence[Value]) -> Generator[Slice, None, list[Document]]:
        """Return the documents with any of these values, in their own order."""
        wanted = {hash_key(value) for value in values}
        if self._places is None:
            if not self._may_ask:
                self._may_ask = True
                for _ in self.environment.prepare_equal(self.name, self.path):
                    yield []
            indexed = self._indexed(values)
            if indexed is not None:
                return [each for each in indexed if not wanted.isdisjoint(self.keys(each))]
        yield from self.prepare()
        places = self._places or {}
        found = [places.get(key, ()) for key in wanted]
        if len(found) == 1:
            return [self.documents[place] for place in found[0]]
        return [
            self.documents[place] for place in sorted({each for some in found for each in some})
        ]

    def prepare(self) -> Generator[Slice, None, None]:
        """Make the hash, an empty slice for each slice of documents."""
        if self._places is not None:
            return
        self._places = {}
        for chunk in slices(self.environment.collection(self.name) or ()):
            for place, document in enumerate(chunk, len(self.documents)):
                for key in self.keys(document):
                    self._places.setdefault(key, []).append(place)
            self.documents += chunk
            yield []

    def close(self) -> None:
        """Leave the hash, which is large, to be freed piece by piece; nothing is asked any more."""
        if self._places is not None:
            self.environment.leavings.take(self._places)
            self._places = None

    def _indexed(self, values: Sequence[Value]) -> Iterable[Document] | None:
        """Return the documents that may have one of few values by an index, None without one."""
        find = self.environment.find_equal
        if find is None or not self.path or len(values) > INDEXED_VALUES_MAX:
            return None
        found: dict[int, Document] = {}
        for value in values:
            some = find(self.name, self.path, None if value is MISSING else value)
            if some is None:
                return None
            found |= some
        return found.values() if len(values) == 1 else [found[each] for each in sorted(found)]
