import pytest

from emulator import cloud
from emulator.core.commands import Count, Find, Found, Remove, Removed, Update, Updated

db = cloud.database()
_ = db.command
users = db.collection("users")


def find(**changes):
    return Find(**{"collection": "users", "limit": 100, **changes})


@pytest.mark.parametrize(
    ("query", "command"),
    [
        pytest.param(users, find(), id="a-collection-is-a-query"),
        pytest.param(users.where({"a": 1}), find(filter={"a": 1}), id="where"),
        pytest.param(
            users.where({"a": 1}).where({"b": 2}),
            find(filter={"b": 2}),
            id="a-second-where-replaces-the-first",
        ),
        pytest.param(
            users.where({"a": 1}).order_by("n", "desc").skip(2).limit(3).field({"n": True}),
            find(filter={"a": 1}, sort=(("n", -1),), skip=2, limit=3, projection={"n": 1}),
            id="everything",
        ),
        pytest.param(
            users.orderBy("a", "asc").orderBy("b", "desc").orderBy("a", "desc"),
            find(sort=(("a", -1), ("b", -1))),
            id="a-field-sorted-twice-keeps-its-place",
        ),
        pytest.param(users.order_by("a"), find(sort=(("a", 1),)), id="ascending-unless-said"),
        pytest.param(users.limit(5000), find(limit=1000), id="at-most-a-thousand"),
        pytest.param(users.limit(0), find(limit=100), id="zero-is-no-limit-said"),
        pytest.param(users.limit(10.0), find(limit=10), id="a-whole-number-of-any-kind"),
        pytest.param(
            users.field({"a": False, "b": 1, "c": 0, "d": _.project.slice(2), "e": "x"}),
            find(projection={"a": 0, "b": 1, "c": 0, "d": {"$slice": 2}}),
            id="fields",
        ),
        pytest.param(
            users.field({"a": _.project.elemMatch({"b": 1})}),
            find(projection={"a": {"$elemMatch": {"b": 1}}}),
            id="first-item-that-fits",
        ),
        pytest.param(
            users.field({"a": _.project.elemMatch({"b": _.gt(1), "c": {"d": 1}})}),
            find(projection={"a": {"$elemMatch": {"b": {"$gt": 1}, "c": {"d": 1}}}}),
            id="first-item-that-a-command-fits",
        ),
    ],
)
def test_a_query_asks_for_what_was_said(bound, query, command):
    bound.answer(Found(documents=()))
    assert query.get() == {"data": [], "errMsg": "collection.get:ok"}
    assert bound.transport.last == command


def test_documents_are_copies_that_user_code_may_change(bound):
    stored = {"_id": "a", "tags": ["x"], "nested": {"n": 1}}
    bound.answer(Found(documents=(stored,)))
    (document,) = users.get()["data"]
    document["tags"].append("y")
    document["nested"]["n"] = 2
    assert stored == {"_id": "a", "tags": ["x"], "nested": {"n": 1}}


def test_count_ignores_limit_and_skip(bound):
    bound.answer(7)
    assert users.where({"a": 1}).skip(1).limit(2).count()["total"] == 7
    assert bound.transport.last == Count(collection="users", filter={"a": 1})


@pytest.mark.parametrize(
    ("update", "multi"),
    [
        pytest.param(lambda q: q.update(data={"a": 1}), True, id="by-name"),
        pytest.param(lambda q: q.update({"data": {"a": 1}}), True, id="as-a-dict"),
        pytest.param(lambda q: q.update({"data": {"a": 1}, "multi": False}), False, id="one-dict"),
        pytest.param(lambda q: q.update(data={"a": 1}, multi=False), False, id="one-by-name"),
    ],
)
def test_update_merges_into_every_document_or_one(bound, update, multi):
    bound.answer(Updated(matched=2, modified=1))
    assert update(users.where({"b": 2})) == {
        "stats": {"updated": 2},
        "errMsg": "collection.update:ok",
    }
    assert bound.transport.last == Update(
        collection="users", filter={"b": 2}, update={"$set": {"a": 1}}, multi=multi
    )


@pytest.mark.parametrize("multi", [True, False])
def test_remove_removes_every_document_or_one(bound, multi):
    bound.answer(Removed(count=2))
    assert users.where({"b": 2}).remove(multi=multi) == {
        "stats": {"removed": 2},
        "errMsg": "collection.remove:ok",
    }
    assert bound.transport.last == Remove(collection="users", filter={"b": 2}, multi=multi)


def test_remove_everything_takes_a_where(bound):
    with pytest.raises(cloud.CloudError, match=r"collection.remove:fail -501007 .* where\(\{\}\)"):
        users.limit(5).remove()
    bound.answer(Removed(count=9))
    assert users.where({}).remove()["stats"]["removed"] == 9
    assert bound.transport.last == Remove(collection="users", filter={}, multi=True)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: users.where(5), "collection.where:fail 查询参数必须为对象.*int"),
        (lambda: users.where({"a": {1, 2}}), r"collection.where:fail where\.a cannot hold .*set"),
        (lambda: users.order_by("a", "down"), "排序字符不合法: 'down'"),
        (lambda: users.order_by(""), "the field should be a text"),
        (lambda: users.limit("5"), "limit must be integer, 0 or more: '5'"),
        (lambda: users.limit(True), "limit must be integer"),
        (lambda: users.limit(-1), "limit must be integer, 0 or more: -1"),
        (lambda: users.skip(1.5), "offset must be integer"),
        (lambda: users.field("a"), "the fields should be a dict, not str"),
    ],
)
def test_wrong_arguments_are_named(call, text):
    with pytest.raises(cloud.CloudError, match=text):
        call()
