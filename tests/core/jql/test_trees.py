"""Trees of documents that point to their parents."""

from emulator.core.jql.trees import path_to, tree

NODES = [{"_id": "1", "up": ""}, {"_id": "2", "up": "1"}, {"_id": "3", "up": "2"}]
LINK = {"link": ("up", "_id"), "shown": lambda each: {"_id": each["_id"]}}


def test_children_hang_below_their_parents_so_many_levels():
    (root,) = tree(NODES, NODES[:1], levels=1, **LINK)
    assert root == {"_id": "1", "children": [{"_id": "2", "children": []}]}


def test_the_way_to_a_node_begins_with_its_highest_parent():
    (way,) = path_to(NODES, NODES[2:], levels=15, **LINK)
    assert way == {"_id": "1", "children": [{"_id": "2", "children": [{"_id": "3"}]}]}
    assert path_to(NODES, NODES[2:], levels=1, **LINK)[0]["_id"] == "2"


def test_circles_end():
    circle = [{"_id": "1", "up": "2"}, {"_id": "2", "up": "1"}]
    assert path_to(circle, circle[:1], levels=3, **LINK)
    assert tree(circle, circle[:1], levels=3, **LINK)
    own = [{"_id": "1", "up": "1"}]
    assert tree(own, own, levels=3, **LINK) == [{"_id": "1", "children": []}]
    assert path_to(own, own, levels=3, **LINK) == [{"_id": "1"}]
