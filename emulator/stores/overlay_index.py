"""Owns an index as one transaction sees it: the stored one, and what it does not know.

Not here: the transaction's documents (`stores.overlay`) and indexes (`stores.indexes`). The one
idea: a reach only has to hold every document that matches, so whatever the transaction sees other
than as it is stored is in every reach, and the filter decides.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence, Set
from itertools import count
from typing import Final

from emulator.core.indexes import IndexDefinition
from emulator.core.ordering import hash_key
from emulator.core.planner import Reach
from emulator.core.values import Document
from emulator.stores.base import Collection, Index

_NUMBER_BEYOND: Final = 2**62
"""Numbers from here on are of documents that are not stored, in the order they are seen in."""


class OverlayIndex:
    """A stored index without the `hidden` documents, and with the transaction's `own` by number."""

    walks = False

    def __init__(self, stored: Index, own: dict[int, Document], hidden: Set[Hashable]) -> None:
        self._stored = stored
        self._own = own
        self._hidden = hidden

    @property
    def definition(self) -> IndexDefinition:
        """Return what the index is."""
        return self._stored.definition

    @property
    def arrays(self) -> Sequence[bool]:
        """Tell it of the stored documents; the others are in every reach."""
        return self._stored.arrays

    def build(self, documents_max: int | None = None) -> bool:
        """Build the stored index."""
        return self._stored.build(documents_max)

    def count(self, reach: Reach) -> int:
        """Return about how many documents are in a reach."""
        return self._stored.count(reach) + len(self._own)

    def find(self, reach: Reach) -> dict[int, Document]:
        """Return the documents in a reach by number, in the order the transaction sees them in."""
        found = {
            number: document
            for number, document in self._stored.find(reach).items()
            if hash_key(document["_id"]) not in self._hidden
        }
        return dict(sorted((found | self._own).items()))

    def walk(self, reach: Reach) -> Iterator[Document]:
        """Raise NotImplementedError: what is not stored has no place in the stored order."""
        raise NotImplementedError("an overlay does not walk")


def numbered(seen: Mapping[Hashable, Document | None], stored: Collection) -> dict[int, Document]:
    """Return documents by the number of what is stored in their place, others behind all."""
    there = {key: document for key, document in seen.items() if document is not None}
    ids = (document["_id"] for document in there.values())
    places = {
        hash_key(document["_id"]): number for number, document in stored.numbered(ids).items()
    }
    beyond = count(_NUMBER_BEYOND)
    return {
        places[key] if key in places else next(beyond): document for key, document in there.items()
    }
