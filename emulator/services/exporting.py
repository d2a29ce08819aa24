"""Owns giving collections out in the cloud's formats, as a stream.

Not here: the formats (`services.interchange`). The one idea: stored documents are never changed in
place, so a list of them taken in one moment is consistent however long its writing takes.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from emulator.core.errors import CollectionNotExist, InvalidParam
from emulator.core.values import Document
from emulator.services.interchange import READERS, csv_fields, csv_head, csv_rows, json_line
from emulator.stores.base import DocumentStore

SLICE_DOCUMENTS: Final = 300
"""About two milliseconds of encoding."""


class Exporting:
    """Files out of the collections of one environment."""

    def __init__(self, store: DocumentStore) -> None:
        self._store = store

    def stream(self, name: str, *, file_format: str) -> AsyncIterator[bytes]:
        """Return the file of a collection as it is now, in chunks of whole lines.

        Raises:
            CollectionNotExist: there is no such collection.
            InvalidParam: the format is none.
        """
        if file_format not in READERS:
            raise InvalidParam(
                f"format {file_format!r:.40} is not known", hint=f"known: {', '.join(READERS)}"
            )
        collection = self._store.collection(name)
        if collection is None:
            raise CollectionNotExist.named(name)
        documents = collection.snapshot()
        return _csv(documents) if file_format == "csv" else _json_lines(documents)


async def _json_lines(documents: list[Document]) -> AsyncIterator[bytes]:
    for start in range(0, len(documents), SLICE_DOCUMENTS):
        yield b"".join(map(json_line, documents[start : start + SLICE_DOCUMENTS]))
        await asyncio.sleep(0)


async def _csv(documents: list[Document]) -> AsyncIterator[bytes]:
    """Yield the file after a first look at all documents for their fields."""
    fields: dict[str, None] = {}
    for start in range(0, len(documents), SLICE_DOCUMENTS):
        fields |= csv_fields(documents[start : start + SLICE_DOCUMENTS])
        await asyncio.sleep(0)
    names = list(fields)
    if names:
        yield csv_head(names)
    for start in range(0, len(documents), SLICE_DOCUMENTS):
        yield csv_rows(documents[start : start + SLICE_DOCUMENTS], names)
        await asyncio.sleep(0)
