"""Owns the grid on the earth by which places are found: cells, and those that a circle meets.

Not here: who is in a cell (`stores.geo_index`) and distances (`core.geometry`). The one idea: a
cell is a square of degrees; the cells of a circle are those of a box around it, which may be too
many but never too few.
"""

import math
from collections.abc import Iterator
from typing import Final, TypeAlias

from emulator.core.geometry_json import Pair

CELL_DEGREES: Final = 0.02
"""About two kilometres from north to south."""
CELLS_MAX: Final = 20_000
SLACK_DEGREES: Final = 1e-6

Cell: TypeAlias = tuple[int, int]

_AROUND: Final = round(360 / CELL_DEGREES)


def cell_of(pair: Pair) -> Cell:
    """Return the cell of longitude and latitude."""
    longitude, latitude = pair
    return math.floor(longitude / CELL_DEGREES) % _AROUND, math.floor(latitude / CELL_DEGREES)


def cells_around(longitude: float, latitude: float, radius: float) -> Iterator[Cell] | None:
    """Return the cells of a circle of so many radians, None for too many to be of use."""
    height = math.degrees(radius) + SLACK_DEGREES
    if abs(latitude) + height >= 90:
        return None  # it holds a pole, where every longitude is near
    # Where the circle is widest it touches a meridian, north or south of its middle.
    width = math.degrees(math.asin(math.sin(radius) / math.cos(math.radians(latitude))))
    width += SLACK_DEGREES
    if width * height * 4 > CELLS_MAX * CELL_DEGREES**2:
        return None
    west, east = (math.floor((longitude + side) / CELL_DEGREES) for side in (-width, width))
    south, north = (math.floor((latitude + side) / CELL_DEGREES) for side in (-height, height))
    return (
        (column % _AROUND, row)
        for column in range(west, east + 1)
        for row in range(south, north + 1)
    )
