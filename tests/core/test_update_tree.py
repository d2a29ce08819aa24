"""The tree of an update."""

import pytest

from emulator.core.errors import DatabaseRequestFailed
from emulator.core.update_tree import Application, Branch, Leaf, apply_object, check_merge
from emulator.core.values import MISSING

HERE = Application(document={}, now_ms=0)


def put(path, value):
    return Leaf(path, lambda _old, _application: value)


def tree(**leaves):
    root = Branch()
    for path, value in leaves.items():
        parts = tuple(path.split("__"))
        root.insert(parts, put(".".join(parts), value))
    return root


def test_children_are_applied_in_the_order_of_their_names_once_sorted():
    root = tree(c=1, a__z=2, a__b=3)
    root.sort()
    assert list(apply_object(root, {}, HERE)) == ["a", "c"]
    assert list(apply_object(root, {}, HERE)["a"]) == ["b", "z"]


def test_only_the_way_down_is_copied():
    document = {"a": {"b": {"c": 1}, "d": {}}, "e": {}}
    result = apply_object(tree(a__b__c=2), document, HERE)
    assert result == {"a": {"b": {"c": 2}, "d": {}}, "e": {}}
    assert document["a"]["b"]["c"] == 1
    assert result["e"] is document["e"]
    assert result["a"]["d"] is document["a"]["d"]


def test_a_leaf_that_leaves_nothing_makes_no_parents():
    assert apply_object(tree(a__b=MISSING), {}, HERE) == {}


def test_branches_know_their_path():
    root = tree(a__b__c=1)
    child = root.children["a"].children["b"]
    assert (root.path, child.path) == ("", "a.b")


@pytest.mark.parametrize("paths", [("a", "a"), ("a", "a__b"), ("a__b", "a"), ("a__b", "a__b__c")])
def test_paths_that_meet_are_refused(paths):
    root = Branch()
    *fitting, last = paths
    for path in fitting:
        root.insert(tuple(path.split("__")), put(path, 1))
    with pytest.raises(DatabaseRequestFailed, match="conflict") as refusal:
        root.insert(tuple(last.split("__")), put(last, 1))
    assert refusal.value.mongo_code == 40


def test_merging_is_refused_where_two_children_meet():
    check_merge(tree(a=1), tree(b=1), "x")
    with pytest.raises(DatabaseRequestFailed, match=r"'x\.a\.c'"):
        check_merge(tree(a__c=1), tree(a__c=2, a__d=1), "x")
