"""Owns an index that is built before it is defined, a piece at a time while writes go on.

Not here: indexes (`stores.indexes`). The one idea: it is built over the documents as they were when
the building began, which nobody changes; what was written since is told it in one look at the end.
"""

from collections.abc import Generator, Mapping
from typing import Final

from emulator.core.indexes import IndexDefinition
from emulator.core.values import Document
from emulator.stores.indexes import AnyIndex, CollectionIndexes, new_index

PIECE_DOCUMENTS: Final = 500


def build_ahead(
    collection: str,
    indexes: CollectionIndexes,
    definition: IndexDefinition,
    documents: Mapping[int, Document],
) -> Generator[bool, None, None]:
    """Build an index of a collection, False after each piece, True once only its definition lacks.

    Closed, it is forgotten. It raises as `Index.prepare`.
    """
    then = dict(documents)
    touched: set[int] = set()
    index = new_index(definition, then)

    def caught_up() -> AnyIndex:
        """Return the index as of now."""
        for number in touched - documents.keys():
            if number in then:
                index.delete(number, then[number])
        new = {number: documents[number] for number in sorted(touched & documents.keys())}
        index.prepare(collection, new, frozenset())
        for number, document in new.items():
            index.put(number, then.get(number), document)
        index.moved(documents)
        return index

    indexes.touched.append(touched)
    try:
        # Nothing but lists of so many documents: each is a piece of its own.
        yield False
        index.build(0)
        yield False
        while not index.build(PIECE_DOCUMENTS):
            yield False
        for _ in index.verified(collection, PIECE_DOCUMENTS):
            yield False
        indexes.ahead[definition] = caught_up
        yield True
    finally:
        indexes.touched = [each for each in indexes.touched if each is not touched]
        indexes.ahead.pop(definition, None)
