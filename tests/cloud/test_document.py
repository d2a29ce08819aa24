import pytest

from emulator import cloud
from emulator.core.commands import Find, Found, Remove, Removed, Update, Updated

db = cloud.database()
user = db.collection("users").doc("X")
ONE = {"collection": "users", "filter": {"_id": "X"}}


def test_get_returns_the_document(bound):
    bound.answer(Found(documents=({"_id": "X", "n": 1},)))
    assert user.get() == {"data": {"_id": "X", "n": 1}, "errMsg": "document.get:ok"}
    assert bound.transport.last == Find(**ONE)


def test_field_limits_what_get_returns(bound):
    bound.answer(Found(documents=({"_id": "X"},)))
    user.field({"n": False}).get()
    assert bound.transport.last == Find(**ONE, projection={"n": 0})


def test_get_of_a_missing_document_is_an_error(bound):
    bound.answer(Found(documents=()))
    with pytest.raises(cloud.CloudError) as caught:
        user.get()
    assert caught.value.message == "document.get:fail document with _id X does not exist"
    assert caught.value.errCode == -1


@pytest.mark.parametrize(
    "lenient",
    [
        cloud.database(throw_on_not_found=False),
        cloud.database(throwOnNotFound=False),
        cloud.database({"throwOnNotFound": False, "env": "any"}),
    ],
)
def test_get_of_a_missing_document_is_none_if_the_database_was_told_so(bound, lenient):
    bound.answer(Found(documents=()))
    user = lenient.collection("users").doc("X").field({"n": True})
    assert user.get() == {"data": None, "errMsg": "document.get:ok"}


@pytest.mark.parametrize(
    ("updated", "stats"),
    [
        (Updated(matched=1, modified=1), {"updated": 1, "created": 0}),
        (Updated(matched=0, modified=0, upserted_id="X"), {"updated": 0, "created": 1}),
    ],
)
def test_set_replaces_or_creates(bound, updated, stats):
    bound.answer(updated)
    assert user.set({"data": {"a": {"b": 1}}}) == {
        "_id": "X",
        "errMsg": "document.set:ok",
        "stats": stats,
    }
    assert bound.transport.last == Update(**ONE, update={"a": {"b": 1}}, replace=True, upsert=True)


def test_update_merges(bound):
    bound.answer(Updated(matched=0, modified=0))
    assert user.update(data={"a": {"b": 1}, "n": db.command.inc(2)}) == {
        "stats": {"updated": 0},
        "errMsg": "document.update:ok",
    }
    assert bound.transport.last == Update(**ONE, update={"$set": {"a.b": 1}, "$inc": {"n": 2}})


def test_remove_removes_one(bound):
    bound.answer(Removed(count=1))
    assert user.remove() == {"stats": {"removed": 1}, "errMsg": "document.remove:ok"}
    assert bound.transport.last == Remove(**ONE)


@pytest.mark.parametrize("wrong", [None, {}, True, b"x"])
def test_an_id_is_a_text_or_a_number(wrong):
    with pytest.raises(cloud.CloudError, match="docId必须为字符串或数字"):
        db.collection("users").doc(wrong)


@pytest.mark.parametrize("document_id", ["", 0, 1.5, "文档"])
def test_any_text_or_number_is_an_id(bound, document_id):
    bound.answer(Found(documents=({"_id": document_id},)))
    assert db.collection("users").doc(document_id).get()["data"] == {"_id": document_id}


def test_set_needs_an_id_that_is_not_empty(bound):
    with pytest.raises(cloud.CloudError, match="docId不能为空"):
        db.collection("users").doc("").set(data={"a": 1})
