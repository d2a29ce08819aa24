"""Owns the keys of a slice of documents that are to be grouped, and laying values together by key.

Not here: the groups (`groups`) and what keys are made of (`stages_group`). The one idea: keys of
two parts stay two columns, for two look-ups by parts cost less than to make and hash a pair.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from emulator.core.values import Value

FEW_GROUPS_MAX: Final = 500
"""Among more, documents of a slice have hardly a first part in common."""

Piles: TypeAlias = Mapping[Hashable, list[Value]]


class PlainKeys(list[Value]):
    """Keys that are the very values the documents are grouped by."""


class RowKeys(Collection[tuple[Hashable, ...]]):
    """Keys of several parts, a column for each part."""

    __slots__ = ("columns",)

    def __init__(self, columns: Sequence[Sequence[Hashable]]) -> None:
        self.columns = columns

    def __len__(self) -> int:
        return len(self.columns[0])

    def __iter__(self) -> Iterator[tuple[Hashable, ...]]:
        return zip(*self.columns, strict=True)

    def __reversed__(self) -> Iterator[tuple[Hashable, ...]]:
        return zip(*map(reversed, self.columns), strict=True)

    def __contains__(self, key: object) -> bool:
        return any(each == key for each in self)


Keys: TypeAlias = Sequence[Hashable] | RowKeys


def piles_of(keys: Keys, items: Iterable[Value], known: Collection[Hashable]) -> Piles:
    """Return the items by key, in the order they came; of keys not known the first comes first."""
    if isinstance(keys, RowKeys):
        if len(keys.columns) == 2 and 0 < len(known) <= FEW_GROUPS_MAX:
            return _by_two(keys, items, known)
    elif keys[-1] == keys[0] and keys.count(keys[0]) == len(keys):
        return {keys[0]: list(items)}
    piles: defaultdict[Hashable, list[Value]] = defaultdict(list)
    for key, item in zip(keys, items, strict=True):
        piles[key].append(item)
    return piles


def _by_two(keys: RowKeys, items: Iterable[Value], known: Collection[Hashable]) -> Piles:
    piles: defaultdict[Hashable, defaultdict[Hashable, list[Value]]]
    piles = defaultdict(lambda: defaultdict(list))
    first_parts, second_parts = keys.columns
    for first, second, item in zip(first_parts, second_parts, items, strict=True):
        piles[first][second].append(item)
    made: dict[Hashable, list[Value]] = {
        (first, second): pile for first, inner in piles.items() for second, pile in inner.items()
    }
    if all(key in known for key in made):
        return made
    return {key: made[key] for key in dict.fromkeys(keys)}
