"""Owns what a pipeline is done with, until it has been emptied piece by piece.

Not here: who gathers documents and groups (`stages_*`) and who runs pipelines. The one idea: to
free a hundred thousand objects at once holds the loop for as long as a scan; so a stage that ends,
or is ended by whoever has enough, leaves its lists here instead of dropping them.
"""

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

Container: TypeAlias = list[Any] | dict[Any, Any]

PIECE_ITEMS: Final = 1_000
"""About so many are freed in one step; fewer are dropped at once."""


class Leavings:
    """Lists and dictionaries that nobody reads any more."""

    def __init__(self) -> None:
        self._taken: list[Container] = []

    def take(self, *containers: Container) -> None:
        """Take over what is large; it must be the last one's to hold it, for it will be emptied."""
        self._taken += [each for each in containers if len(each) > PIECE_ITEMS]

    def emptied(self) -> Iterator[None]:
        """Empty everything, a step for each piece."""
        while self._taken:
            container = self._taken.pop()
            while container:
                if isinstance(container, list):
                    del container[-PIECE_ITEMS:]
                else:
                    for _ in range(min(PIECE_ITEMS, len(container))):
                        container.popitem()
                yield
