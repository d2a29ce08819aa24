"""Sums that stay exact, and counting."""

import math

from emulator.core.aggregate.totals import DOUBLES_HELD_MAX, Count, Mean, Sum
from emulator.core.values import Int64


def test_many_doubles_are_summed_as_exactly_as_few():
    values = [0.1, 1e15, -1e15, 0.2] * 5_000
    total = Sum()
    for start in range(0, len(values), 999):
        total.add(values[start : start + 999], frozenset({float}))
    assert len(values) > DOUBLES_HELD_MAX
    assert total.result() == math.fsum(values)


def test_many_infinities_stay_infinite():
    total = Sum()
    total.add([math.inf] * (DOUBLES_HELD_MAX + 1), frozenset({float}))
    total.add([1.0], frozenset({float}))
    assert total.result() == math.inf


def test_a_mean_counts_numbers_only():
    mean = Mean()
    mean.add([1, "x", 2.0], frozenset({int, str, float}))
    assert mean.result() == 1.5


def test_a_count_goes_in_steps_and_keeps_its_type():
    for step, expected in ((1, 3), (-2, -6), (Int64(1), Int64(3)), (2**40, 3 * 2**40)):
        count = Count(step)
        count.add(["a", "b"], frozenset())
        count.add(["c"], frozenset())
        assert count.result() == expected
        assert type(count.result()) is type(expected)
