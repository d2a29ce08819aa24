"""Owns what a collection's sizes are, for the APIs that tell them.

Not here: the shapes of the answers (`wire.wechat`, `wire.cloud_tables`). The one idea: documents
are measured as BSON, as the cloud does; indexes are what MongoDB would make of them, whole pages of
keys, and never nothing, since clients take 0 for an index that is not there.
"""

from typing import Any, Final, NamedTuple

from emulator.core.commands import Aggregate, ListIndexes
from emulator.core.values import Document
from emulator.services.caller import ADMINISTRATOR
from emulator.wire.actions import Executes

PAGE_BYTES: Final = 4096
KEY_BYTES: Final = 32
"""About what a short key and its record's number take."""
_SIZE: Final[tuple[Document, ...]] = (
    {"$group": {"_id": None, "size": {"$sum": {"$bsonSize": "$$ROOT"}}}},
)


class Sizes(NamedTuple):
    """The sizes of one collection."""

    documents_bytes: int
    indexes: int
    indexes_bytes: int


async def measured(executor: Executes, known: dict[str, Any]) -> Sizes:
    """Return the sizes of a collection of which `name` and `count` are known."""
    name = known["name"]
    indexes = len(await executor.execute(ListIndexes(collection=name), ADMINISTRATOR))
    summed = Aggregate(collection=name, pipeline=_SIZE)
    told = (await executor.execute(summed, ADMINISTRATOR)).documents
    pages = 1 + known["count"] * KEY_BYTES // PAGE_BYTES
    return Sizes(told[0]["size"] if told else 0, indexes, indexes * pages * PAGE_BYTES)
