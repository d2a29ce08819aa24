"""Owns reading what is nearest to a place, in ever larger circles until enough is found.

Not here: distances (`core.query_geo`) and cells (`stores.geo_index`). The one idea: whatever lies
in a circle is in the cells it meets, so once the last wanted document is inside, nothing outside
can be nearer. Each circle is looked at as of one moment.
"""

import math
from typing import Final

from emulator.ambient import Clock
from emulator.core.geometry import EARTH_RADIUS_M
from emulator.core.planner import Reach
from emulator.core.query import Near
from emulator.core.query_geo import PlaceDistance
from emulator.core.values import Document
from emulator.services.reading import (
    Question,
    Reading,
    Slices,
    distance_slices,
    select_slices,
    sort_slices,
)
from emulator.stores.base import Index

BUILD_SLICE_DOCUMENTS: Final = 500
FIRST_RADIUS: Final = 1_000 / EARTH_RADIUS_M
RADIUS_GROWTH: Final = 4
RADIUS_MAX: Final = 1.0
"""Beyond a radian there is little of the earth left to leave out."""


def nearest_slices(question: Question, reading: Reading, near: Near, clock: Clock) -> Slices:
    """Return the documents that match, the nearest first unless they are sorted otherwise."""
    wanted = None if question.sort else question.wanted
    search = _Search(question, near)
    while not search.is_built():
        yield
        # Asked again each time: while the loop had its turn, the index may have gone.
        search = _Search(question, near)
    radius = search.most if wanted is None else min(FIRST_RADIUS, search.most)
    while True:
        candidates = search.candidates(radius)
        if candidates is None:
            candidates, radius = question.collection.snapshot(), search.most
        reading.keys_examined += len(candidates)
        measured = yield from distance_slices(candidates, near, clock)
        found = yield from select_slices(measured, question, reading, clock)
        if radius >= search.most or (wanted is not None and search.reaches(found, wanted, radius)):
            return (yield from sort_slices(found, question.sort, question.wanted, clock))
        radius = min(radius * RADIUS_GROWTH, search.most)


class _Search:
    """Circles around the place of one `$near`, as far as an index knows them."""

    def __init__(self, question: Question, near: Near) -> None:
        self._collection = question.collection
        self._near = near
        self._index: Index | None = None
        self._radians = 1.0
        self.most = math.inf
        distance = near.distance
        if not isinstance(distance, PlaceDistance) or distance.unit == "plane":
            return
        self._pair = distance.pair
        self._radians = 1 / EARTH_RADIUS_M if distance.unit == "metres" else 1.0
        self.most = distance.most * self._radians
        self._index = next(
            (each for each in self._collection.indexes() if _knows(each, near.path)), None
        )

    def is_built(self) -> bool:
        """Build a piece of the index, if there is one, and tell whether none are left."""
        return self._index is None or self._index.build(BUILD_SLICE_DOCUMENTS)

    def candidates(self, radius: float) -> list[Document] | None:
        """Return what may lie in a circle as of now, None when that is most of the collection."""
        if self._index is None or radius >= RADIUS_MAX:
            return None
        found = self._index.find(Reach(circle=(*self._pair, radius)))
        return None if 2 * len(found) > len(self._collection) else list(found.values())

    def reaches(self, found: list[Document], wanted: int, radius: float) -> bool:
        """Tell whether so many documents lie in the circle; they are sorted by distance."""
        if len(found) < wanted:
            return False
        last = self._near.distance_m(found[wanted - 1]) if wanted else 0.0
        return last is not None and last * self._radians <= radius


def _knows(index: Index, path: str) -> bool:
    definition = index.definition
    return (path, "2dsphere") in definition.keys
