"""What `add`, `set` and `update` refuse: texts compared with wx-server-sdk 2.6.3 and 4.0.2."""

import pytest

from emulator import cloud
from emulator.cloud.data import update_operators

db = cloud.database()
_ = db.command
users = db.collection("users")
user = users.doc("X")
some = users.where({"a": 1})


@pytest.mark.parametrize(
    ("call", "text", "number"),
    [
        pytest.param(
            lambda: user.update(data={}),
            "document.update:fail options.data must not be empty",
            -1,
            id="empty-update",
        ),
        pytest.param(
            lambda: user.set(data={}),
            "document.set:fail options.data must not be empty",
            -1,
            id="empty-set",
        ),
        pytest.param(
            lambda: some.update(data={}),
            "collection.update:fail options.data must not be empty",
            -1,
            id="empty-update-of-many",
        ),
        pytest.param(
            lambda: users.add(data=[]),
            "collection.add:fail options.data must not be empty",
            -1,
            id="an-empty-list",
        ),
        pytest.param(
            lambda: user.update(data=[1]),
            "document.update:fail parameter.data should be dict instead of list",
            -1,
            id="a-list",
        ),
        pytest.param(
            lambda: user.update(),
            "document.update:fail parameter.data must be given: data={...}",
            -1,
            id="nothing",
        ),
        pytest.param(
            lambda: users.add({"name": "Ann"}),
            "collection.add:fail parameter.name is not known; known are data",
            -1,
            id="a-document-that-is-not-called-data",
        ),
        pytest.param(
            lambda: users.add(data=[{"a": 1}, 5]),
            "collection.add:fail parameter.data[1] should be dict instead of int",
            -1,
            id="a-list-of-something",
        ),
        pytest.param(
            lambda: user.update(data={"_id": 1}),
            "document.update:fail -501007 invalid parameters. 不能更新_id的值",
            -501007,
            id="update-of-_id",
        ),
        pytest.param(
            lambda: some.update(data={"_id": 1}),
            "collection.update:fail -501007 invalid parameters. 不能更新_id的值",
            -501007,
            id="update-of-_id-of-many",
        ),
        pytest.param(
            lambda: user.set(data={"_id": 1}),
            "document.set:fail -501007 invalid parameters. 不能更新_id的值",
            -501007,
            id="set-of-_id",
        ),
        pytest.param(
            lambda: user.set(data={"a": {"b": [_.inc(1)]}}),
            "document.set:fail -502001 database request fail. update operator complicit",
            -502001,
            id="set-with-an-operator",
        ),
        pytest.param(
            lambda: users.add(data={"a": _.inc(1)}),
            "collection.add:fail data.a cannot hold a value of type UpdateOperator",
            -1,
            id="add-with-an-operator",
        ),
        pytest.param(
            lambda: user.update(data={"a": {"b": object()}}),
            "document.update:fail data.a.b cannot hold a value of type object",
            -1,
            id="what-no-document-holds",
        ),
    ],
)
def test_data_that_cannot_be_written_is_refused_before_it_is_sent(bound, call, text, number):
    with pytest.raises(cloud.CloudError) as caught:
        call()
    assert caught.value.message == text
    assert caught.value.errCode == number
    assert bound.transport.commands == []


def test_an_empty_object_in_an_update_changes_nothing():
    assert update_operators("document.update", {"a": {}}) == {"$set": {}}
    assert update_operators("document.update", {"a": {}, "b": 1}) == {"$set": {"b": 1}}
