"""Owns the texts of documents that were answered with lately.

Not here: how a document is written (`wire.ejson`). The one idea: a stored document is never
changed, only replaced by another, so its text holds as long as it is that very object. What is read
again, which is most of what an application reads, is written once.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from emulator.core.values import Document

TEXTS_MAX: Final = 8_192
"""Documents whose text is kept, those written last."""
BYTES_MAX: Final = 16 * 1024 * 1024
"""What all kept texts may measure together."""
TEXT_MAX_BYTES: Final = 64 * 1024
"""A longer text is not kept."""


class Written:
    """What `write` made of documents; hand it stored documents, not such as are made to be read."""

    def __init__(self, write: Callable[[Document], bytes]) -> None:
        self._write = write
        self._size = 0
        # By identity; the document is kept beside its text, so that no other can take its place.
        self._texts: OrderedDict[int, tuple[Document, bytes]] = OrderedDict()

    def __call__(self, document: Document) -> bytes:
        """Return the text of a document."""
        known = self._texts.get(id(document))
        if known is not None and known[0] is document:
            return known[1]
        text = self._write(document)
        if len(text) <= TEXT_MAX_BYTES:
            # A copy: the encoder's own result holds on to kilobytes, however short it is.
            self._keep(document, bytes(bytearray(text)))
        return text

    def _keep(self, document: Document, text: bytes) -> None:
        self._texts[id(document)] = document, text
        self._size += len(text)
        while self._size > BYTES_MAX or len(self._texts) > TEXTS_MAX:
            self._size -= len(self._texts.popitem(last=False)[1][1])
