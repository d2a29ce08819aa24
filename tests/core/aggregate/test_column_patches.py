"""What has become of documents: whatever changed, rows that are still there are told exactly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.core.aggregate import column_patches
from emulator.core.aggregate.column_patches import Patch, difference, placed

MANY = 10_000


def ended(steps):
    """Return what steps come to, and how many there were."""
    count = 0
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value, count
        count += 1


def documents(*ids):
    return [{"_id": each} for each in ids]


def patched(old, new, changes_max=MANY):
    return ended(difference(old, new, changes_max))[0]


def test_nothing_changed():
    old = documents(*range(5))
    assert patched(old, list(old)) == Patch(None, [], 5, 5)
    assert patched([], []) == Patch(None, [], 0, 0)


def test_an_equal_document_is_another():
    old = documents(1, 2)
    assert patched(old, [old[0], {"_id": 2.0}]) == Patch(None, [1], 2, 2)


def test_changed_gone_and_new():
    old = documents(*"abcdef")
    new = [old[0], {"_id": "b", "n": 1}, old[4], {"_id": "f"}, {"_id": "d"}, {"_id": "g"}]
    assert patched(old, new) == Patch([True, True, False, False, True, True], [1, 3], 4, 6)


@pytest.mark.parametrize(
    ("new", "patch"),
    [
        ([], Patch([False] * 3, [], 0, 0)),
        ([0], Patch([True, False, False], [], 1, 1)),
        ([2], Patch([False, False, True], [], 1, 1)),
        ([0, 1, 2, 3], Patch(None, [], 3, 4)),
        ([3, 0, 1, 2], Patch([False] * 3, [], 0, 4)),
        ([1, 2, 0], Patch([False, True, True], [], 2, 3)),
    ],
)
def test_orders(new, patch):
    held = documents(*range(4))
    assert patched(held[:3], [held[place] for place in new]) == patch


def test_documents_without_an_id_are_read_again():
    assert patched([{"n": 1}, {"n": 2}], [{"n": 1}, {"n": 3}]) == Patch(None, [0, 1], 2, 2)


@pytest.mark.parametrize("change", ["changed", "gone", "new", "gone and new", "all of it"])
def test_too_much(change):
    old = documents(*range(20))
    new = {
        "changed": [*documents(*range(4)), *old[4:]],
        "gone": old[4:],
        "new": [*old, *documents(*range(20, 24))],
        "gone and new": [*old[2:], *documents(20, 21)],
        "all of it": documents(*range(50, 70)),
    }[change]
    assert patched(old, new, 3) is None
    assert (patched(old, new, 4) is None) is (change == "all of it")


def test_long_lists_are_compared_in_steps(monkeypatch):
    monkeypatch.setattr(column_patches, "STEP_ROWS", 10)
    old = documents(*range(100))
    assert ended(difference(old, list(old), MANY))[1] >= 9
    new = [{**each} if each["_id"] % 7 == 0 else each for each in old if each["_id"] % 11]
    patch, steps = ended(difference(old, new, MANY))
    assert steps >= 8
    rows, steps = ended(patch.rows([each["_id"] for each in old]))
    assert rows == [each["_id"] for each in new]
    assert steps == 10


@given(
    old=st.lists(st.integers(0, 9), unique=True),
    new=st.lists(st.tuples(st.integers(0, 9), st.booleans()), unique_by=lambda each: each[0]),
    step_rows=st.integers(1, 4),
)
def test_values_after_are_those_of_the_documents(old, new, step_rows):
    held = {number: {"_id": number, "n": number} for number in old}
    before = list(held.values())
    after = [
        held[number] if same and number in held else {"_id": number, "n": -number - 1}
        for number, same in new
    ]
    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(column_patches, "STEP_ROWS", step_rows)
        patch, _ = ended(difference(before, after, MANY))
        values, _ = ended(patch.rows([each["n"] for each in before]))
    values = values[:]
    assert len(values) == patch.first_new
    values += [None] * (patch.count - patch.first_new)
    for row in patch.read:
        values[row] = after[row]["n"]
    assert values == [each["n"] for each in after]


@pytest.mark.parametrize(
    ("put", "count", "patch"),
    [
        ({}, 3, Patch(None, [], 3, 3)),
        ({11: "b"}, 3, Patch(None, [1], 3, 3)),
        ({10: "a", 12: "c", 13: "d", 14: "e"}, 5, Patch(None, [0, 2], 3, 5)),
        ({}, 2, None),
        ({13: "d"}, 5, None),
        ({12: "b"}, 3, None),
        ({14: "e"}, 4, None),
        ({9: "e"}, 4, None),
        ({11: "d"}, 4, None),
    ],
)
def test_by_number(put, count, patch):
    written = {number: {"_id": each, "n": 1} for number, each in put.items()}
    assert placed(documents(*"abc"), written, 10, count) == patch
