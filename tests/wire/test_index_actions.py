"""Actions about indexes: every way their keys and options may be written."""

import pytest

from emulator.core.commands import CreateIndex, DropIndex, ListIndexes
from emulator.core.errors import InvalidParam
from emulator.wire.index_actions import create_index, created, drop_index, list_indexes, listed

KEYS = (("a", 1), ("loc", "2dsphere"))


@pytest.mark.parametrize(
    "keys",
    [
        {"a": 1, "loc": "2dsphere"},
        [{"name": "a", "direction": 1}, {"name": "loc", "direction": "2dsphere"}],
        [{"name": "a"}, {"name": "loc", "direction": "2dsphere"}],
        [["a", 1], ["loc", "2dsphere"]],
        '[["a", {"$numberInt": "1"}], ["loc", "2dsphere"]]',
        '{"a": {"$numberInt": "1"}, "loc": "2dsphere"}',
    ],
    ids=str,
)
def test_keys_are_read_in_every_form(keys):
    assert create_index({"collectionName": "c", "keys": keys}).keys == KEYS


@pytest.mark.parametrize(
    "body",
    [
        {"indexName": "n", "unique": True, "sparse": True, "expireAfterSeconds": 5},
        {"options": {"name": "n", "unique": True, "sparse": True, "expireAfterSeconds": 5}},
        {
            "options": '{"name": "n", "unique": true, "sparse": true,'
            ' "expireAfterSeconds": {"$numberInt": "5"}}'
        },
        {"options": {"name": "m", "unique": True, "sparse": True}, "indexName": "n",
         "expireAfterSeconds": 5},
    ],
    ids=str,
)  # fmt: skip
def test_options_stand_beside_or_inside(body):
    command = create_index({"collectionName": "c", "keys": {"a": 1}, **body})
    assert command == CreateIndex(
        collection="c", keys=(("a", 1),), name="n", unique=True, sparse=True, expire_after_s=5
    )


@pytest.mark.parametrize("keys", [None, 5, "", "x", [5], [["a"]], [[1, 1]], [{"direction": 1}]])
def test_other_keys_are_refused(keys):
    with pytest.raises(InvalidParam, match="keys"):
        create_index({"collectionName": "c", "keys": keys})


def test_options_are_an_object():
    with pytest.raises(InvalidParam, match="options must be an object"):
        create_index({"collectionName": "c", "keys": {"a": 1}, "options": [1]})


def test_the_other_actions_and_the_replies():
    assert drop_index({"collectionName": "c", "indexName": "n"}) == DropIndex(
        collection="c", name="n"
    )
    assert list_indexes({"collectionName": "c"}) == ListIndexes(collection="c")
    assert created("n") == b'{"indexName":"n"}'
    assert listed([{"name": "n", "keys": [["a", -1]]}]) == (
        b'{"indexes":[{"name":"n","keys":[{"name":"a","direction":-1}]}]}'
    )
