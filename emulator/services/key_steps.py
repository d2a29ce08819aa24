"""Owns the order in which a command that changes many documents takes keys of unique indexes.

Not here: keys that two documents would share in the end (`stores.indexes` refuses those). The one
idea: as in MongoDB a document takes its new key while those behind it still have their old ones, so
`{$inc: {place: 1}}` on places one after the other is refused.
"""

from collections.abc import Iterable, Sequence

from emulator.core.indexes import IndexDefinition, Row, compile_rows, has_same_keys
from emulator.core.values import Document
from emulator.stores.indexes import duplicate_key

Step = tuple[Document, Document]
"""A document as it was, and as it becomes."""


def refuse_taken(collection: str, steps: Sequence[Step], unique: Iterable[IndexDefinition]) -> None:
    """Refuse steps of which one takes a key that a later one has yet to give up.

    Raises:
        DuplicateKey: one does.
    """
    for definition in unique:
        fields = [path.partition(".")[0] for path, _ in definition.keys]
        moving = [step for step in steps if not has_same_keys(fields, *step)]
        rows_of = compile_rows(definition)
        held: dict[Row, int] = {}
        for place, (before, _) in enumerate(moving):
            held |= dict.fromkeys(rows_of(before), place)
        for place, (_, after) in enumerate(moving):
            if any(held.get(row, place) > place for row in rows_of(after)):
                raise duplicate_key(collection, definition, after)
