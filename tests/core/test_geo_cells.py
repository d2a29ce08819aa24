"""A circle's cells hold every place in the circle."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.core.geo_cells import cell_of, cells_around
from emulator.core.geometry import EARTH_RADIUS_M, Shape, vector


@given(
    middle=st.tuples(st.floats(-180, 180), st.floats(-89, 89)),
    offset=st.tuples(st.floats(-0.3, 0.3), st.floats(-0.3, 0.3)),
    radius=st.floats(0, 0.005),
)
def test_who_is_in_the_circle_is_in_its_cells(middle, offset, radius):
    longitude, latitude = middle[0] + offset[0], max(-90.0, min(90.0, middle[1] + offset[1]))
    place = Shape(points=[vector(longitude, latitude)])
    cells = cells_around(*middle, radius)
    if cells is not None and place.distance_m(vector(*middle)) <= radius * EARTH_RADIUS_M:
        assert cell_of((longitude, latitude)) in set(cells)


@pytest.mark.parametrize(
    ("middle", "radius"),
    [((0, 89.9), 0.01), ((0, -90), 0), ((0, 0), 0.5)],
    ids=["over a pole", "at a pole", "too many cells"],
)
def test_some_circles_are_of_no_use(middle, radius):
    assert cells_around(*middle, radius) is None


def test_the_date_line_is_no_border():
    cells = set(cells_around(179.999, 0, 0.0001))
    assert cell_of((-179.999, 0)) in cells
    assert cell_of((180, 0)) == cell_of((-180, 0))
