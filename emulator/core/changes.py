"""Owns the record of one committed difference of one document, and how two documents differ.

Not here: who hears of it (`services.bus`) or how it is kept (`stores.journal`).
"""

from typing import Literal

from emulator.core.ordering import identical
from emulator.core.records import dataclass
from emulator.core.values import Document, Value

Operation = Literal["insert", "update", "replace", "remove"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One committed difference; `before` and `after` are stored documents and never mutated.

    `depth` is how many triggers deep the writer was: 0 for people and programs, n + 1 for a
    function that was called by a trigger at depth n.
    """

    sequence: int
    collection: str
    operation: Operation
    document_id: Value
    before: Document | None
    after: Document | None
    depth: int = 0
    cause: str = ""


def updated_fields(before: Document | None, after: Document | None) -> Document:
    """Return the top-level fields of `after` that `before` lacks or holds otherwise."""
    if after is None:
        return {}
    if before is None:
        return dict(after)
    return {
        key: value
        for key, value in after.items()
        if key not in before or not identical(before[key], value)
    }


def removed_fields(before: Document | None, after: Document | None) -> list[str]:
    """Return the names of the top-level fields of `before` that `after` lacks."""
    if before is None or after is None:
        return []
    return [key for key in before if key not in after]
