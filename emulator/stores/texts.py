"""Owns keeping texts once that many documents of a collection hold: states, cities, who wrote it.

Not here: the documents (`stores.contents`). The one idea: JSON makes a text of its own for each
place it stands in, and a document repeats most of what its neighbours hold; so the texts seen last
are remembered, and an equal one takes the place of the new. A third of the memory goes that way.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from emulator.core.values import Document, Value

SHARE_EVERY_DOCUMENTS: Final = 256
"""So many new ones are looked through together: no single write has to wait for it."""
TEXTS_MAX: Final = 1_024
"""More are forgotten all at once: those that come often are soon known again."""
TEXT_MAX_CHARACTERS: Final = 128
"""A longer one is hardly ever the same, and would be kept after its document has gone."""


class Texts:
    """The texts of one collection that were seen last; `up_to` numbers who was looked through."""

    __slots__ = ("_known", "up_to")

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self.up_to = 0

    def shared(self, documents: Iterable[tuple[int, Document]]) -> Iterator[tuple[int, Document]]:
        """Yield the documents as they are read back, with texts that others hold already."""
        for number, document in documents:
            self._share(document)
            self.up_to = max(self.up_to, number)
            yield number, document

    def share_newest(self, documents: Mapping[int, Document], last: int) -> None:
        """Look through the newest documents, the last of which has that number.

        To all who hold one it stays what it was, for only equal texts take each other's place.
        """
        first = max(self.up_to, last - SHARE_EVERY_DOCUMENTS) + 1
        for number in range(first, last + 1):
            document = documents.get(number)
            if document is not None:
                self._share(document)
        self.up_to = last

    def _share(self, document: Document) -> None:
        if len(self._known) > TEXTS_MAX:
            self._known.clear()
        self._share_in(document, document.items())

    def _share_in(self, holder: Document | list[Value], held: Iterable[tuple[Any, Value]]) -> None:
        """Put known texts into an object or array; `held` are its values by name or place."""
        once = self._known.setdefault
        for place, value in held:
            kind = value.__class__
            if kind is str:
                if len(value) <= TEXT_MAX_CHARACTERS:
                    holder[place] = once(value, value)
            elif kind is dict:
                self._share_in(value, value.items())
            elif kind is list:
                self._share_in(value, enumerate(value))
