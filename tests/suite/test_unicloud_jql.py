"""JQL in functions of a uniCloud project: texts, joins, schemas, and what they permit."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from emulator.config import load_config
from emulator.suite import Suite

SETTINGS = '[emulator]\nenv = "test-env"\nport = 0\nsite_port = 0\n'
OPEN = {"read": True, "create": True, "update": True, "delete": True, "count": True}
TEXT, INT = {"bsonType": "string"}, {"bsonType": "int"}
SCHEMAS: dict[str, Any] = {
    "book": {"permission": OPEN, "properties": {"title": TEXT, "author": TEXT}},
    "order": {
        "permission": OPEN,
        "properties": {
            "book_id": {"bsonType": "string", "foreignKey": "book._id"},
            "quantity": INT,
            "at": {"bsonType": "date"},
            "tags": {"bsonType": "array"},
        },
    },
    "comment": {
        "permission": OPEN,
        "properties": {"text": TEXT, "book": {"bsonType": "string", "foreignKey": "book._id"}},
    },
    "department": {
        "permission": OPEN,
        "properties": {"name": TEXT, "parent_id": {"bsonType": "string", "parentKey": "_id"}},
    },
    "note": {
        "required": ["title"],
        "permission": {
            "read": "doc.uid == auth.uid",
            "create": "auth.uid != null",
            "update": "doc.uid == auth.uid",
            "delete": "'editor' in auth.role",
            "count": False,
        },
        "fieldRules": [{"rule": "end == null || end > begin", "errorMessage": "ends too early"}],
        "properties": {
            "title": {
                "bsonType": "string", "title": "Title", "trim": "both", "minLength": 2,
                "errorMessage": {"minLength": "{title} needs {minLength} letters"},
            },
            "uid": {"bsonType": "string", "forceDefaultValue": {"$env": "uid"}},
            "created": {"bsonType": "timestamp", "defaultValue": {"$env": "now"}},
            "kind": {"bsonType": "int", "enum": [{"value": 0, "text": "a"}, 1], "defaultValue": 0},
            "mail": {"bsonType": "string", "format": "email"},
            "begin": INT, "end": INT,
            "secret": {"bsonType": "password"},
            "locked": {"bsonType": "bool", "permission": {"write": False}},
        },
    },
    "closed": {"properties": {"a": INT}},
    "page": {
        "permission": {"create": "'WRITE' in auth.permission", "read": True},
        "properties": {"title": TEXT},
    },
}  # fmt: skip
SEED = {
    "book": [
        {"_id": "1", "title": "西游记", "author": "吴承恩"},
        {"_id": "2", "title": "水浒传", "author": "施耐庵"},
        {"_id": "3", "title": "三国演义", "author": "罗贯中"},
    ],
    "order": [
        {"_id": "a", "book_id": "1", "quantity": 111, "tags": ["x", "y"]},
        {"_id": "b", "book_id": "3", "quantity": 333, "at": {"$date": 86400000}},
        {"_id": "c", "book_id": "3", "quantity": 555},
    ],
    "comment": [
        {"_id": "k", "text": "good", "book": "3"},
        {"_id": "l", "text": "long", "book": "3"},
    ],
    "department": [
        {"_id": "1", "name": "root", "parent_id": ""},
        {"_id": "11", "name": "left", "parent_id": "1"},
        {"_id": "12", "name": "right", "parent_id": "1"},
        {"_id": "111", "name": "leaf", "parent_id": "11"},
    ],
    "closed": [{"_id": "1", "a": 1}],
    "bare": [{"_id": "1"}],
}
ORDERS = "db.collection('order')"

IDS: dict[str, tuple[str, list[str]]] = {
    "all": (ORDERS, ["a", "b", "c"]),
    "compared": (f"{ORDERS}.where('quantity > 111')", ["b", "c"]),
    "turned": (f"{ORDERS}.where('111 < quantity')", ["b", "c"]),
    "both": (f"{ORDERS}.where('quantity > 111 && quantity != 555')", ["b"]),
    "either": (f"{ORDERS}.where('quantity == 111 || quantity >= 555')", ["a", "c"]),
    "in": (f"{ORDERS}.where('quantity in [111, 555]')", ["a", "c"]),
    "not in": (f"{ORDERS}.where('!(quantity in [111,555])')", ["b"]),
    "in an array": (f"{ORDERS}.where(\"tags == 'x'\")", ["a"]),
    "nothing": (f"{ORDERS}.where('tags == null')", ["b", "c"]),
    "pattern": (f"{ORDERS}.where(`${{new RegExp('^[BC]$', 'i')}}.test(_id)`)", ["b", "c"]),
    "computed": (f"{ORDERS}.where('add(quantity, 1) > 333')", ["b", "c"]),
    "two fields": (f"{ORDERS}.where('quantity > length || _id == book_id')", ["a", "b", "c"]),
    "date": (f"{ORDERS}.where('at < new Date()')", ["b"]),
    "object": (f"{ORDERS}.where({{ quantity: db.command.gt(333) }})", ["c"]),
    "object with a date": (f"{ORDERS}.where({{ at: new Date(86400000) }})", ["b"]),
    "by id": (f"{ORDERS}.doc('b')", ["b"]),
    "ordered": (f"{ORDERS}.orderBy('book_id desc, quantity desc')", ["c", "b", "a"]),
    "ordered in two": (f"{ORDERS}.orderBy('quantity', 'desc').limit(2)", ["c", "b"]),
    "page": (f"{ORDERS}.skip(1).limit(1)", ["b"]),
    "sorted by what is not asked for": (
        f"{ORDERS}.field('book_id').orderBy('quantity desc')",
        ["c", "b", "a"],
    ),
    "in a temporary table": (
        f"{ORDERS}.where(`quantity < 500 && book_id in ${{db.collection('book')"
        ".where('title == \"三国演义\"').field('_id').getTemp()}`)",
        ["b"],
    ),
    "joined and chosen": (
        "db.collection('order,book').where('book_id.title == \"三国演义\"')",
        ["b", "c"],
    ),
}
DATA: dict[str, tuple[str, Any]] = {
    "fields": (
        f"{ORDERS}.doc('a').field('quantity as n, add(quantity,1) as next')",
        [{"_id": "a", "n": 111, "next": 112}],
    ),
    "ids twice": (f"{ORDERS}.doc('a').field('_id as id')", [{"_id": "a", "id": "a"}]),
    "sorted by a new name": (
        f"{ORDERS}.field('quantity as n').orderBy('n desc').limit(1)",
        [{"_id": "c", "n": 555}],
    ),
    "grouped": (
        f"{ORDERS}.groupBy('book_id').groupField('sum(quantity) as total, count(*) as n')"
        ".orderBy('total desc')",
        [{"book_id": "3", "total": 888, "n": 2}, {"book_id": "1", "total": 111, "n": 1}],
    ),
    "grouped by day": (
        f"{ORDERS}.where('at != null')"
        ".groupBy('dateToString(at,\"%Y-%m-%d\",\"+0800\") as day').groupField('count(*) as n')",
        [{"day": "1970-01-02", "n": 1}],
    ),
    "distinct": (
        f"{ORDERS}.field('book_id').distinct().orderBy('book_id')",
        [{"book_id": "1"}, {"book_id": "3"}],
    ),
    "joined": (
        "db.collection(db.collection('order').where('_id == \"a\"').field('book_id').getTemp(),"
        " db.collection('book').field('_id,title as name').getTemp())",
        [{"_id": "a", "book_id": [{"_id": "1", "name": "西游记"}]}],
    ),
    "joined fields": (
        "db.collection('order,book').where('_id == \"a\"')"
        ".field('book_id{title as name},quantity')",
        [{"_id": "a", "book_id": [{"name": "西游记"}], "quantity": 111}],
    ),
    "joined the other way": (
        "db.collection(db.collection('book').where('_id == \"3\"').field('title').getTemp(),"
        " db.collection('comment').field('text,book').orderBy('text').getTemp())"
        ".field('_id{comment,_value}')",
        [
            {
                "_id": {
                    "comment": [
                        {"_id": "k", "text": "good", "book": "3"},
                        {"_id": "l", "text": "long", "book": "3"},
                    ],
                    "_value": "3",
                }
            }
        ],
    ),
}
LEAF = {"_id": "111", "name": "leaf", "parent_id": "11"}
LEFT = {"_id": "11", "name": "left", "parent_id": "1"}
RIGHT = {"_id": "12", "name": "right", "parent_id": "1"}
ROOT = {"_id": "1", "name": "root", "parent_id": ""}
TOLD: dict[str, tuple[str, Any]] = {
    "one": (f"{ORDERS}.get({{ getOne: true }}).then((r) => r.data._id)", "a"),
    "none": ("db.collection('book').doc('9').get({ getOne: true }).then((r) => 'x' in r)", False),
    "with a count": (
        f"{ORDERS}.limit(1).get({{ getCount: true }}).then((r) => [r.data.length, r.count])",
        [1, 3],
    ),
    "counted": (f"{ORDERS}.where('quantity > 200').count().then((r) => r.total)", 2),
    "dates are dates": (f"{ORDERS}.doc('b').get().then((r) => r.data[0].at instanceof Date)", True),
    "a tree": (
        "db.collection('department').get({ getTree: {} }).then((r) => r.data)",
        [
            {
                **ROOT,
                "children": [
                    {**LEFT, "children": [{**LEAF, "children": []}]},
                    {**RIGHT, "children": []},
                ],
            }
        ],
    ),
    "a part of a tree": (
        "db.collection('department').field('name').get({ getTree: { limitLevel: 1,"
        " startWith: 'name == \"left\"' } }).then((r) => r.data)",
        [
            {
                "_id": "11",
                "name": "left",
                "children": [{"_id": "111", "name": "leaf", "children": []}],
            }
        ],
    ),
    "the way to a leaf": (
        "db.collection('department').get({ getTreePath: { startWith: '_id == \"111\"' } })"
        ".then((r) => r.data)",
        [{**ROOT, "children": [{**LEFT, "children": [LEAF]}]}],
    ),
    "several at once": (
        f"db.multiSend({ORDERS}.limit(1).getTemp(), db.collection('closed').getTemp())"
        ".then((r) => r.dataList.map((each) => [each.errCode, (each.data || []).length]))",
        [[0, 1], ["PERMISSION_ERROR", 0]],
    ),
    "the result": (
        "db.collection('book').doc('1').field('title').get()",
        {
            "errCode": 0,
            "errMsg": "",
            "affectedDocs": 1,
            "data": [{"_id": "1", "title": "西游记"}],
        },
    ),
}
REFUSED = {
    "db.collection('closed').get()": "PERMISSION_ERROR",
    "db.collection('bare').get()": "PERMISSION_ERROR",
    "db.collection('bare').add({ a: 1 })": "PERMISSION_ERROR",
    "db.collection('order').where('a = 1').get()": "SYNTAX_ERROR",
    "db.collection('order').where('quantity > ').get()": "SYNTAX_ERROR",
    "db.collection('order').where('run(quantity)').get()": "SYNTAX_ERROR",
    "db.collection('order').orderBy('a down').get()": "SYNTAX_ERROR",
    "db.collection('order,closed').get()": "PERMISSION_ERROR",
    "db.collection('order,comment').get()": "SYNTAX_ERROR",
    "db.collection('order').get({ getTree: true })": "SYNTAX_ERROR",
    "db.collection('order').remove()": "SYNTAX_ERROR",
    "db.collection('order').where('true').update({ quantity: db.command.inc(1) })": "SYNTAX_ERROR",
    "db.collection('order').add({ other: 1 })": "VALIDATION_ERROR",
    "db.collection('order').add({ quantity: '1' })": "VALIDATION_ERROR",
    "Promise.resolve().then(() => db.collection('order').aggregate())": "SYNTAX_ERROR",
    "Promise.resolve().then(() => db.collection())": "SYNTAX_ERROR",
}
CODE = """
const CASES = { %s }
const told = (error) => [error.errCode, error.errMsg]
exports.main = async (event, context) => {
  const db = uniCloud.databaseForJQL({ event, context })
  if (event.user) db.setUser(event.user)
  return CASES[event.name](db, event.data).catch(told)
}
"""
NOTES = {
    "add": "(db, data) => db.collection('note').add(data)",
    "notes": "(db) => db.collection('note').field('title').get().then((r) => r.data)",
    "mine": "(db) => db.collection('note').where('uid == $cloudEnv_uid').field('title,uid').get()"
    ".then((r) => r.data.map((each) => [each.title, each.uid]))",
    "whole": "(db) => db.collection('note').where('uid == $cloudEnv_uid').get()",
    "total": "(db) => db.collection('note').where('uid == $cloudEnv_uid').count()",
    "rename": "(db, data) => db.collection('note').where('title == \"first\"').update(data)",
    "drop": "(db) => db.collection('note').where('title == \"other\"').remove()",
    "pages": "(db) => db.collection('page').get().then((r) => [r.data.length, r.data[0].at])",
    "publish": "(db, data) => db.collection('page').add(data)",
    "env": "async (db) => db.getCloudEnv('$cloudEnv_uid')",
}


@pytest.fixture
async def call(tmp_path: Path) -> AsyncIterator[Any]:
    """Return a function that calls one of the cases, in a suite with the documents above."""
    folder = tmp_path / "uniCloud-aliyun" / "cloudfunctions" / "fn"
    folder.mkdir(parents=True)
    cases = [f"{json.dumps(n)}: (db) => {code}.get()" for n, (code, _) in {**IDS, **DATA}.items()]
    cases += [f"{json.dumps(name)}: (db) => {code}" for name, (code, _) in TOLD.items()]
    cases += [f"{json.dumps(code)}: (db) => {code}" for code in REFUSED]
    cases += [f"{json.dumps(name)}: {code}" for name, code in NOTES.items()]
    (folder / "index.js").write_text(CODE % ",\n".join(cases), encoding="utf-8")
    shared = tmp_path / "uniCloud-aliyun/cloudfunctions/common/uni-config-center/uni-id"
    shared.mkdir(parents=True)
    (shared / "config.json").write_text('// own\n{"tokenSecret": "demo"}', encoding="utf-8")
    module = tmp_path / "uni_modules" / "of-comments" / "uniCloud" / "database"
    own = tmp_path / "uniCloud-aliyun" / "database"
    for name, schema in SCHEMAS.items():
        place = module if name == "comment" else own
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{name}.schema.json").write_text(json.dumps(schema), encoding="utf-8")
    first = [{"_id": "p", "title": "first", "at": {"$date": "1970-01-01T00:00:00.000Z"}}]
    (own / "page.init_data.json").write_text(json.dumps(first), encoding="utf-8")
    (tmp_path / "seed.json").write_text(
        json.dumps({"collections": {**SEED, **USERS}}), encoding="utf-8"
    )
    (tmp_path / ".emulator.toml").write_text(SETTINGS, encoding="utf-8")
    suite = Suite(load_config(tmp_path, {"seed": (str(tmp_path / "seed.json"),)}, environ={}))
    await suite.start()

    async def run(name: str, **event: Any) -> Any:
        asked = {"name": name, **event}
        told = await suite.control.invoke("fn", asked, openid=None, source="wx_client")
        assert "error" not in told, (name, told)
        return told["result"]

    yield run
    await suite.stop()


async def test_queries_find_what_their_texts_say(call):
    for name, (_, expected) in IDS.items():
        told = await call(name)
        assert isinstance(told, dict), (name, told)
        assert [each["_id"] for each in told["data"]] == expected, name
    for name, (_, shown) in DATA.items():
        told = await call(name)
        assert isinstance(told, dict), (name, told)
        assert told["data"] == shown, name
    for name, (_, answer) in TOLD.items():
        assert await call(name) == answer, name
    for name, code in REFUSED.items():
        assert (await call(name))[0] == code, name


async def test_schemas_complete_check_and_permit(call):
    ada, bob = {"uid": "ada"}, {"uid": "bob", "role": ["editor"]}
    assert (await call("add", data={"title": "first"}))[0] == "VALIDATION_ERROR"
    added = await call("add", user=ada, data={"title": "  first ", "uid": "eve"})
    assert (added["errCode"], type(added["id"])) == (0, str)
    several = await call("add", user=bob, data=[{"title": "other"}, {"title": "more"}])
    assert several["inserted"] == len(several["ids"]) == 2
    assert await call("mine", user=ada) == [["first", "ada"]]
    assert (await call("notes", user=ada))[0] == "PERMISSION_ERROR"
    assert (await call("whole", user=ada))[0] == "PERMISSION_ERROR"
    assert (await call("total", user=ada))[0] == "PERMISSION_ERROR"
    everything = await call("notes", user={"uid": "root", "role": ["admin"]})
    assert sorted(each["title"] for each in everything) == ["first", "more", "other"]
    for data, text in (
        ({"title": " a "}, "Title needs 2 letters"),
        ({}, "title is required"),
        ({"title": "ok", "kind": 7}, "kind is none of the values that enum lists"),
        ({"title": "ok", "mail": "x"}, "mail is no email"),
        ({"title": "ok", "begin": 2, "end": 1}, "ends too early"),
        (
            {"title": "ok", "more": 1},
            "the schema has no fields ['more']; describe them in properties",
        ),
    ):
        assert await call("add", user=ada, data=data) == ["VALIDATION_ERROR", text]
    for data in ({"title": "ok", "locked": True}, {"title": "ok", "secret": "x"}):
        assert (await call("add", user=ada, data=data))[0] == "PERMISSION_ERROR"
    assert (await call("rename", user=bob, data={"title": "x y"}))[0] == "PERMISSION_ERROR"
    assert (await call("rename", user=ada, data={"title": " again"}))["updated"] == 1
    assert await call("mine", user=ada) == [["again", "ada"]]
    assert (await call("drop", user=ada))[0] == "PERMISSION_ERROR"
    assert (await call("drop", user=bob))["deleted"] == 1


USERS = {
    "uni-id-users": [{"_id": "ada", "role": ["writer"]}],
    "uni-id-roles": [{"role_id": "writer", "permission": ["WRITE"]}],
}
TOKEN = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1aWQiOiJhZGEifQ."


async def test_users_are_those_of_uni_id_s_tokens(call):
    import base64
    import hashlib
    import hmac

    sign = hmac.new(b"demo", TOKEN[:-1].encode(), hashlib.sha256).digest()
    token = TOKEN + base64.urlsafe_b64encode(sign).decode().rstrip("=")
    assert await call("env", uniIdToken=token) == "ada"
    assert (await call("add", uniIdToken=token, data={"title": "by token"}))["errCode"] == 0
    assert await call("pages") == [1, "1970-01-01T00:00:00.000Z"]
    assert (await call("publish", uniIdToken=token, data={"title": "a"}))["errCode"] == 0
    assert (await call("publish", user={"uid": "ada"}, data={"title": "a"}))[
        0
    ] == "PERMISSION_ERROR"
    refused = await call("mine", uniIdToken=f"{token}x")
    assert refused[0] == "TOKEN_INVALID_WRONG_TOKEN"
