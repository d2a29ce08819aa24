"""Series of preferred numbers."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.core.aggregate.granularity import granularity

SERIES = [
    "R5", "R10", "R20", "R40", "R80", "1-2-5", "E6", "E12", "E24", "E48", "E96", "E192",
    "POWERSOF2",
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "below", "above"),
    [
        ("R5", 1, 0.63, 1.6),
        ("1-2-5", 3, 2, 5),
        ("1-2-5", 2, 1, 5),
        ("E6", 100, 68, 150),
        ("POWERSOF2", 8, 4, 16),
        ("POWERSOF2", 9, 8, 16),
        ("POWERSOF2", 0.3, 0.25, 0.5),
        ("R5", 0, 0, 0),
        ("R5", math.inf, math.inf, math.inf),
        ("POWERSOF2", 1.7e308, 2.0**1023, math.inf),
    ],
)
def test_a_number_lies_between_two_of_the_series(name, value, below, above):
    series = granularity(name)
    assert series.down(value) == below
    assert series.up(value) == above


@pytest.mark.parametrize("name", SERIES)
@given(value=st.floats(1e-100, 1e100))
def test_rounding_always_leaves_the_number(name, value):
    series = granularity(name)
    assert series.down(value) < value < series.up(value)
