import re

import pytest

from emulator import cloud
from emulator.core import values
from emulator.core.commands import CreateCollection, Found, Insert, Inserted
from emulator.core.errors import CollectionExists
from emulator.core.values import Regex

db = cloud.database()
users = db.collection("users")


@pytest.mark.parametrize(
    "add",
    [lambda data: users.add(data=data), lambda data: users.add({"data": data})],
    ids=["by-name", "as-a-dict"],
)
def test_add_inserts_one_document(bound, add):
    bound.answer(Inserted(ids=("new",)))
    assert add({"name": "Ann", "at": db.server_date()}) == {
        "_id": "new",
        "errMsg": "collection.add:ok",
    }
    assert bound.transport.last == Insert(
        collection="users", documents=({"name": "Ann", "at": values.ServerDate(0)},)
    )


def test_add_inserts_a_list(bound):
    bound.answer(Inserted(ids=("a", values.ObjectId("b" * 24))))
    assert users.add(data=[{"n": 1}, {"n": 2}]) == {
        "_ids": ["a", "b" * 24],
        "errMsg": "collection.add:ok",
    }


def test_what_was_added_is_not_changed_by_what_happens_to_it_later(bound):
    bound.answer(Inserted(ids=("a",)))
    document = {"tags": ["x"]}
    users.add(data=document)
    document["tags"].append("y")
    assert bound.transport.last.documents == ({"tags": ["x"]},)


def test_a_collection_can_be_created_once(bound):
    bound.answer(None, CollectionExists("[ResourceInUse] Table exist: users."))
    assert db.create_collection("users") == {"errMsg": "createCollection:ok"}
    assert bound.transport.last == CreateCollection(collection="users")
    with pytest.raises(cloud.CloudError, match=r"createCollection:fail -502001 .*Table exist"):
        db.createCollection("users")


def test_the_constructors_of_the_javascript_sdk_are_there(bound):
    bound.answer(Found(documents=()))
    users.where(
        {
            "n": db.RegExp({"regexp": "^a", "options": "i"}),
            "m": re.compile("b"),
            "i": db.ObjectId(id="a" * 24),
            "l": db.Geo.Point(1, 2),
            "t": db.command.lt(db.serverDate({"offset": -1})),
        }
    ).get()
    assert bound.transport.last.filter == {
        "n": Regex("^a", "i"),
        "m": Regex("b"),
        "i": values.ObjectId("a" * 24),
        "l": {"type": "Point", "coordinates": [1, 2]},
        "t": {"$lt": values.ServerDate(-1)},
    }


@pytest.mark.parametrize("name", ["", None, 5])
def test_a_collection_has_a_name(name):
    with pytest.raises(cloud.CloudError, match=r"database.collection:fail the name should be"):
        db.collection(name)
    with pytest.raises(cloud.CloudError, match=r"createCollection:fail the name should be"):
        db.create_collection(name)


def test_unknown_options_of_the_database_are_named():
    with pytest.raises(cloud.CloudError, match=r"parameter.throwOnNotFind is not known"):
        cloud.database(throwOnNotFind=False)
