"""Owns trees of documents that point to their parents.

Not here: reading them. The one idea: children are gathered by what they point to, then hung into
their parents level by level.

Facts: doc.dcloud.net.cn/uniCloud/jql#gettree.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from emulator.core.ordering import hash_key
from emulator.core.values import Document, Value

LEVELS_DEFAULT: Final = 10
LEVELS_MAX: Final = 15

Find = Callable[[Document], Document]
"""Returns the form of a document that is shown."""


def tree(
    documents: Sequence[Document],
    roots: Iterable[Document],
    *,
    link: tuple[str, str],
    levels: int,
    shown: Find,
) -> list[Value]:
    """Return the roots with their children below `children`, so many levels deep.

    `link` is the field that points to the parent, and what it holds of that.
    """
    child, parent = link
    by_parent: dict[object, list[Document]] = {}
    for document in documents:
        by_parent.setdefault(hash_key(document.get(child)), []).append(document)

    def hung(document: Document, left: int) -> Document:
        below = by_parent.get(hash_key(document.get(parent)), []) if left else []
        children: list[Value] = [hung(each, left - 1) for each in below if each is not document]
        return {**shown(document), "children": children}

    return [hung(each, levels) for each in roots]


def path_to(
    documents: Sequence[Document],
    ends: Iterable[Document],
    *,
    link: tuple[str, str],
    levels: int,
    shown: Find,
) -> list[Value]:
    """Return for each end the way down to it from its highest parent, as a tree."""
    child, parent = link
    by_key = {hash_key(document.get(parent)): document for document in documents}
    found: list[Value] = []
    for end in ends:
        held, at = shown(end), end
        for _ in range(levels):
            above = by_key.get(hash_key(at.get(child)))
            if above is None or above is at:
                break
            held, at = {**shown(above), "children": [held]}, above
        found.append(held)
    return found
