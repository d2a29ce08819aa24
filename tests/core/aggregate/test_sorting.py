"""Sorting in steps is sorting."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.core.aggregate import sorting
from emulator.core.aggregate.sorting import SortedRuns, sorted_in_steps
from emulator.core.ordering import sort_documents

VALUES = st.integers(0, 8) | st.none() | st.sampled_from(["a", 1.5, [3, 1], []])
ROWS = st.lists(st.tuples(VALUES, st.integers(0, 4)), max_size=120)
SORTS = st.sampled_from([[("a", 1)], [("a", -1)], [("b", 1), ("a", -1)], [("b", -1)]])


@pytest.fixture(autouse=True)
def short_runs(monkeypatch):
    monkeypatch.setattr(sorting, "RUN_DOCUMENTS", 12)
    monkeypatch.setattr(sorting, "BUCKET_DOCUMENTS", 6)
    monkeypatch.setattr(sorting, "SAMPLE_EVERY_DOCUMENTS", 3)
    monkeypatch.setattr(sorting, "SLICE_DOCUMENTS", 5)


def taken(documents, sort, size):
    runs = SortedRuns(sort)
    for start in range(0, len(documents), size):
        runs.add(documents[start : start + size])
    return [found for chunk in runs.slices() for found in chunk]


@given(ROWS, SORTS, st.integers(1, 9))
def test_runs_give_the_order_ties_as_they_came(rows, sort, size):
    documents = [{"_id": place, "a": a, "b": b} for place, (a, b) in enumerate(rows)]
    assert taken(documents, sort, size) == sort_documents(documents, sort)


@pytest.mark.parametrize("way", [1, -1])
def test_what_came_in_order_is_not_sorted_again(way):
    documents = [{"a": n} for n in range(200)]
    expected = documents if way == 1 else documents[::-1]
    assert taken(documents, [("a", way)], 7) == expected


def test_a_document_that_is_there_twice_stays_there_twice():
    documents = [{"a": n % 3} for n in range(30)]
    assert taken(documents * 2, [("a", 1)], 5) == sort_documents(documents * 2, [("a", 1)])


@pytest.mark.parametrize("sort", [[("a", 1)], [("a", -1)], [("a", 1), ("b", -1)]])
def test_many_of_one_rank_stay_as_they_came(sort):
    documents = [{"_id": n, "a": (n * 7 % 11) // 9, "b": [n % 2]} for n in range(400)]
    assert taken(documents, sort, 9) == sort_documents(documents, sort)


def test_nothing_is_in_order():
    assert taken([], [("a", 1)], 5) == []


@given(st.lists(st.integers(0, 9), max_size=100))
def test_rows_are_sorted_in_steps(numbers):
    rows = list(enumerate(numbers))
    result = []

    def drive():
        result.append((yield from sorted_in_steps(rows, lambda row: row[1])))

    steps = list(drive())
    assert result == [sorted(rows, key=lambda row: row[1])]
    assert steps == [[]] * len(steps)
    assert len(steps) >= len(rows) // 12


def test_what_is_sorted_in_one_step_stays_small_when_all_runs_are_alike(monkeypatch):
    sizes = []

    def counted(documents, *rest):
        sizes.append(len(documents))
        return sort_documents(documents, *rest)

    bounds = {"RUN_DOCUMENTS": 300, "BUCKET_DOCUMENTS": 70, "SAMPLE_EVERY_DOCUMENTS": 10}
    for name, value in {**bounds, "SAMPLES_MAX": 1_000, "sort_documents": counted}.items():
        monkeypatch.setattr(sorting, name, value)
    runs = SortedRuns((("n", 1),), is_bounded=False)
    for run in range(20):
        runs.add([{"n": place * 20 + run} for place in range(300)])
    sizes.clear()
    found = [each["n"] for piece in runs.slices() for each in piece]
    assert found == list(range(6_000))
    assert max(sizes) < 140
