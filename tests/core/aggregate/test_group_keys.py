"""Values laid together by keys of one part and of several."""

import pytest

from emulator.core.aggregate.group_keys import FEW_GROUPS_MAX, RowKeys, piles_of

FIRST, SECOND = list("abab"), [1, 2, 1, 3]


def test_rows_read_as_pairs():
    keys = RowKeys([FIRST, SECOND])
    assert len(keys) == 4
    assert list(keys) == [("a", 1), ("b", 2), ("a", 1), ("b", 3)]
    assert list(reversed(keys)) == list(keys)[::-1]
    assert ("b", 3) in keys
    assert ("a", 3) not in keys


@pytest.mark.parametrize(
    "known",
    [(), {("a", 1)}, {("b", 3), ("a", 1), ("b", 2)}, set(range(FEW_GROUPS_MAX + 1))],
    ids=["none", "one", "all", "many"],
)
def test_piles_hold_items_in_order(known):
    piles = piles_of(RowKeys([FIRST, SECOND]), "wxyz", known)
    assert dict(piles) == {("a", 1): ["w", "y"], ("b", 2): ["x"], ("b", 3): ["z"]}


def test_what_is_new_comes_in_the_order_it_came():
    keys = RowKeys([list("abba"), [1, 1, 2, 2]])
    assert list(piles_of(keys, "wxyz", {("z", 1)})) == [("a", 1), ("b", 1), ("b", 2), ("a", 2)]


def test_three_parts_are_keys_as_well():
    keys = RowKeys([list("aa"), [1, 1], [2, 2]])
    assert dict(piles_of(keys, "xy", {("z",)})) == {("a", 1, 2): ["x", "y"]}


def test_one_key_for_all_is_one_pile():
    assert piles_of(["a", "a"], "xy", ()) == {"a": ["x", "y"]}
    assert dict(piles_of(["a", "b", "a"], "xyz", ())) == {"a": ["x", "z"], "b": ["y"]}
