"""Rows in order, whatever comes and goes."""

from hypothesis import given
from hypothesis import strategies as st

from emulator.core.indexes import BEYOND
from emulator.stores import sorted_rows
from emulator.stores.sorted_rows import BLOCK_ROWS, SortedRows

NUMBERS = st.integers(0, 40)


def test_rows_stay_in_order_over_many_blocks():
    count = 5 * BLOCK_ROWS
    numbers = [n * 7919 % count for n in range(count)]
    rows = SortedRows()
    for n in numbers:
        rows.add(((4, n),))
    assert list(rows) == [((4, n),) for n in range(count)]
    for n in numbers[: count // 2]:
        rows.remove(((4, n),))
    left = sorted(numbers[count // 2 :])
    assert list(rows) == [((4, n),) for n in left]
    assert len(rows) == len(left)
    low, high = ((4, 100),), ((4, 4000),)
    inside = [((4, n),) for n in left if 100 <= n < 4000]
    assert list(rows.between(low, high)) == inside
    assert list(rows.backwards(low, high)) == inside[::-1]
    assert rows.count(low, high) == len(inside)
    assert rows.count(high, low) == 0
    assert list(rows.between(high, low)) == list(rows.backwards(high, low)) == []
    for n in left:
        rows.remove(((4, n),))
    assert list(rows) == []
    assert list(rows.between((), (BEYOND,))) == list(rows.backwards((), (BEYOND,))) == []


@given(st.lists(NUMBERS), NUMBERS, NUMBERS)
def test_it_is_a_sorted_set(numbers, low, high):
    rows, model = SortedRows(), set()
    for number in numbers:
        change = rows.remove if number in model else rows.add
        change(((4, number),))
        model ^= {number}
    inside = [((4, number),) for number in sorted(model) if low <= number < high]
    bounds = ((4, low),), ((4, high),)
    assert list(rows.between(*bounds)) == inside
    assert list(rows.backwards(*bounds)) == inside[::-1]
    assert rows.count(*bounds) == len(inside)


def test_blocks_are_cut_and_go(monkeypatch):
    monkeypatch.setattr(sorted_rows, "BLOCK_ROWS", 2)
    rows = SortedRows()
    for number in (5, 3, 9, 1, 7, 2, 8, 4, 6, 0):
        rows.add(((4, number),))
    for number in (4, 5, 6, 7):
        rows.remove(((4, number),))
    assert list(rows) == [((4, number),) for number in (0, 1, 2, 3, 8, 9)]
    assert list(SortedRows(rows)) == list(rows)
