"""`db.collection(...).create_index` and its siblings."""

import pytest

from emulator import cloud
from emulator.core.commands import CreateIndex, DropIndex, ListIndexes


@pytest.mark.parametrize(
    ("options", "named", "expected"),
    [
        ({"keys": {"a": 1, "b": -1}, "name": "ab"}, {}, {"name": "ab"}),
        ({"a": 1, "b": -1}, {}, {}),
        (None, {"keys": {"a": 1, "b": -1}, "unique": True}, {"unique": True}),
        ({"keys": {"a": 1, "b": -1}, "expireAfterSeconds": 5}, {}, {"expire_after_s": 5}),
        ({"a": 1, "b": -1}, {"sparse": True}, {"sparse": True}),
    ],
)
def test_create(bound, options, named, expected):
    bound.answer("given")
    created = cloud.database().collection("c").create_index(options, **named)
    assert created == {"name": "given", "errMsg": "collection.createIndex:ok"}
    assert bound.transport.last == CreateIndex(
        collection="c", keys=(("a", 1), ("b", -1)), **expected
    )


@pytest.mark.parametrize(
    ("options", "named"),
    [(5, {}), (None, {}), ({"keys": []}, {}), ({"a": 1}, {"uniq": True}), ({"keys": {}}, {})],
)
def test_what_is_no_index_is_refused_at_once(bound, options, named):
    with pytest.raises(cloud.CloudError, match=r"collection\.createIndex:fail"):
        cloud.database().collection("c").createIndex(options, **named)
    assert bound.transport.commands == []


def test_drop_and_list(bound):
    bound.answer(None, [{"name": "a_1", "keys": [("a", 1)], "unique": False}])
    collection = cloud.database().collection("c")
    assert collection.drop_index("a_1") == {"errMsg": "collection.dropIndex:ok"}
    assert bound.transport.last == DropIndex(collection="c", name="a_1")
    assert collection.listIndexes()["indexes"] == [
        {"name": "a_1", "keys": {"a": 1}, "unique": False}
    ]
    assert bound.transport.last == ListIndexes(collection="c")
