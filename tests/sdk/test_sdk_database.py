"""Every database call of the official SDKs against a running suite; see scripts/database.cjs.

Where the four answer alike, one expectation stands for all; `Either` holds node-sdk's and
wx-server-sdk's where their shapes differ. Expectations follow the SDKs' own tests and the cloud's
documentation.
"""

import re
from dataclasses import dataclass
from typing import Any

import pytest

pytestmark = [pytest.mark.sdk, pytest.mark.timeout(600)]

SDKS = ["node-sdk-2", "node-sdk-3", "wx-server-sdk-2", "wx-server-sdk-4"]
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
HEX = "5f" * 12


@dataclass(frozen=True)
class Either:
    """What node-sdk and wx-server-sdk make of the same answer."""

    node: Any
    wx: Any


@dataclass(frozen=True)
class Fails:
    """An error: node-sdk's code, wx-server-sdk's number by version, and words of the message."""

    code: str
    wx_2: int
    wx_4: int
    words: str = ""


def database_error(code: str, number: int, words: str) -> Fails:
    """Return an error that both generations of wx-server-sdk map to its number."""
    return Fails(code, number, number, words)


MISSING = database_error("DATABASE_COLLECTION_NOT_EXIST", -502005, "Db or Table not exist: no_such")
REFUSED = ("DATABASE_REQUEST_FAILED", -502001)

ANN = {
    "_id": "a",
    "name": "Ann",
    "age": 20,
    "tags": ["x", "y"],
    "at": {"city": "Rome", "zip": 1},
    "score": 1.5,
}
BOB = {
    "_id": "b",
    "name": "Bob",
    "age": 30,
    "tags": ["y"],
    "at": {"city": "Oslo", "zip": 2},
    "score": None,
}
CID = {"_id": "c", "name": "Cid", "age": 40, "tags": [], "at": {"city": "Rome", "zip": 3}}
DAN = {
    "_id": "d",
    "name": "dan 中文",
    "age": 50,
    "tags": ["z", "x", "q"],
    "marks": [{"n": 1}, {"n": 5}],
}

COLLECTIONS = {
    "create collection": Either({"data": {}}, {"errMsg": "createCollection:ok"}),
    "create collection twice": Fails(*REFUSED, -1, "Table exist"),
    "create with a bad name": Fails("INVALID_PARAM", -501007, -1, "1 bad name!"),
    "add one": Either({"id": "a"}, {"_id": "a", "errMsg": "collection.add:ok"}),
    "add many": Either(
        {"ids": ["b", "c", "d"]}, {"_ids": ["b", "c", "d"], "errMsg": "collection.add:ok"}
    ),
    "add a taken id": database_error(*REFUSED, "E11000"),
    "add a field with a dollar": database_error(*REFUSED, "$bad"),
    "get of a missing collection": MISSING,
    "add to a missing collection": MISSING,
    "update in a missing collection": MISSING,
    "remove in a missing collection": MISSING,
    "count of a missing collection": MISSING,
}

WHERE = {
    "expr": "cd",
    "plain value": "b",
    "nested object": "ac",
    "dotted path": "b",
    "two fields": "a",
    "null": "bcd",
    "array member": "ad",
    "eq": "b",
    "eq of an object": "c",
    "neq": "acd",
    "gt": "cd",
    "gte": "bcd",
    "lt": "a",
    "lte": "ab",
    "in": "ad",
    "nin": "bc",
    "and of a field": "bc",
    "and": "c",
    "or of a field": "ad",
    "or": "ad",
    "nor": "bc",
    "not": "a",
    "exists": "ab",
    "exists not": "abc",
    "size": "a",
    "mod": "ac",
    "all": "a",
    "elemMatch": "d",
    "regular expression": "ab",
    "regular expression ignoring case": "d",
    "RegExp of the database": "d",
    "operator as text": "c",
    "none": "",
    "everything": "abcd",
}

QUERIES = {
    **{f"where {name}": list(ids) for name, ids in WHERE.items()},
    "get everything": [ANN, BOB, CID, DAN],
    "get in insertion order": ["a", "b", "c", "d"],
    "get one": BOB,
    "get a missing document": Either(
        {"$undefined": True}, Fails("", -1, -1, "document with _id nope does not exist")
    ),
    "sort": ["d", "b", "c", "a"],
    "skip and limit": ["b", "c"],
    "some fields": [{"name": "Ann", "at": {"city": "Rome"}}],
    "all fields but one": [{"_id": "b", "name": "Bob", "age": 30, "score": None}],
    "count": Either({"total": 3}, {"total": 3, "errMsg": "collection.count:ok"}),
    "count everything": Either({"total": 4}, {"total": 4, "errMsg": "collection.count:ok"}),
}

BEFORE = {
    "_id": "u",
    "n": 1,
    "list": [1, 2, 3],
    "at": {"city": "Rome", "zip": 1},
    "gone": True,
    "s": "text",
}
WITHOUT_GONE = {key: value for key, value in BEFORE.items() if key != "gone"}
CHANGED = {
    "plain value": {**BEFORE, "n": 5, "added": "x"},
    "nested object merges": {**BEFORE, "at": {"city": "Oslo", "zip": 1}},
    "dotted path": {**BEFORE, "at": {"city": "Rome", "zip": 9}},
    "set": {**BEFORE, "n": 7},
    "set replaces an object": {**BEFORE, "at": {"city": "Oslo"}},
    "inc": {**BEFORE, "n": 3},
    "inc by a fraction": {**BEFORE, "n": 1.5},
    "inc of a missing field": {**BEFORE, "fresh": 3},
    "mul": {**BEFORE, "n": 10},
    "min": {**BEFORE, "n": 0},
    "max": {**BEFORE, "n": 9},
    "remove": WITHOUT_GONE,
    "rename": {**WITHOUT_GONE, "stays": True},
    "push one": {**BEFORE, "list": [1, 2, 3, 4]},
    "push several": {**BEFORE, "list": [1, 2, 3, 4, 5]},
    "push with sort and slice": {**BEFORE, "list": [9, 3, 2, 1]},
    "push creates": {**BEFORE, "fresh": ["a"]},
    "pop": {**BEFORE, "list": [1, 2]},
    "shift": {**BEFORE, "list": [2, 3]},
    "unshift": {**BEFORE, "list": [8, 9, 1, 2, 3]},
    "addToSet of a member": BEFORE,
    "addToSet of another": {**BEFORE, "list": [1, 2, 3, 7]},
    "addToSet of several": {**BEFORE, "list": [1, 2, 3, 7, 8]},
    "pull": {**BEFORE, "list": [1, 3]},
    "pull by condition": {**BEFORE, "list": [1]},
    "pullAll": {**BEFORE, "list": [2]},
    "bit": {**BEFORE, "n": 7},
    "array by index": {**BEFORE, "list": [1, "two", 3]},
    "array replaced": {**BEFORE, "list": [9]},
    "several at once": {**BEFORE, "n": 2, "s": "other", "at": {"city": "Rome", "zip": 2}},
}


def told_of_update(count: int) -> Either:
    return Either({"updated": count}, {"stats": {"updated": count}, "errMsg": "document.update:ok"})


def both(told: Either, **more: Any) -> Either:
    return Either({"told": told.node, **more}, {"told": told.wx, **more})


UPDATES = {
    **{f"update {name}": both(told_of_update(1), after=doc) for name, doc in CHANGED.items()},
    "inc of a text": database_error(*REFUSED, "$inc"),
    "push to a number": database_error(*REFUSED, "array"),
    "update with equal values": both(told_of_update(1), after=BEFORE),
    "update a missing document": told_of_update(0),
    "set creates": Either(
        {
            "told": {"updated": 0, "upsertedId": "made"},
            "after": {"_id": "made", "a": 1, "b": {"c": 2}},
        },
        {
            "told": {
                "_id": "made",
                "stats": {"updated": 0, "created": 1},
                "errMsg": "document.set:ok",
            },
            "after": {"_id": "made", "a": 1, "b": {"c": 2}},
        },
    ),
    "set replaces": Either(
        {"told": {"updated": 1, "upsertedId": None}, "after": {"_id": "made", "z": 1}},
        {
            "told": {
                "_id": "made",
                "stats": {"updated": 1, "created": 0},
                "errMsg": "document.set:ok",
            },
            "after": {"_id": "made", "z": 1},
        },
    ),
    "update many": both(
        Either(
            {"updated": 3, "upsertId": None},
            {"stats": {"updated": 3}, "errMsg": "collection.update:ok"},
        ),
        old=3,
    ),
    "remove one": both(
        Either({"deleted": 1}, {"stats": {"removed": 1}, "errMsg": "document.remove:ok"}), left=3
    ),
    "remove a missing document": Either(
        {"deleted": 0}, {"stats": {"removed": 0}, "errMsg": "document.remove:ok"}
    ),
    "remove by condition": both(
        Either({"deleted": 2}, {"stats": {"removed": 2}, "errMsg": "collection.remove:ok"}), left=1
    ),
    "remove without a condition": Fails("INVALID_PARAM", -501007, -501007, "where()"),
}

MOMENT = {"$date": "2024-02-29T12:34:56.789Z"}
VALUES = {
    "keep whole numbers": [0, -1, 2147483647, 2147483648, -2147483649, 2**53 - 1],
    "keep fractions": [0.1, -2.5, 1e-7, 1.5e300],
    "keep not a number": [{"$number": "NaN"}, {"$number": "Infinity"}, {"$number": "-Infinity"}],
    "keep texts": ["", "中文 😀", "line\nbreak", '"quoted" \\ \u2028', "$dollar", '"$date"'],
    "keep null and booleans": [None, True, False],
    "keep nested": {"a": [{"b": [[1], []]}, {}]},
    "keep date": MOMENT,
    "keep dates": {
        "list": [MOMENT, {"$date": "1970-01-01T00:00:00.000Z"}],
        "early": {"$date": "1902-03-04T05:06:07.008Z"},
    },
    "keep undefined is left out": {"b": 1},
    "keep point": {"longitude": 113.5, "latitude": 23.25},
    "keep line": {
        "points": [
            {"longitude": 113.5, "latitude": 23.25},
            {"longitude": 114, "latitude": 24},
        ]
    },
    "keep key with a dot": {"a.b": 1},
    "keep long text": "x" * 100_000,
    "server dates": {"isDate": True, "isNow": True, "later": 3_600_000, "earlier": -1000},
    "where on a date": ["s"],
    "numeric id": [{"_id": 7, "n": "seven"}, 0],
    "limits of get": [100, 1000, 1000, 1002],
}

CASES = {**COLLECTIONS, **QUERIES, **UPDATES, **VALUES}


def scrubbed(value: Any) -> Any:
    """Return the value without request ids."""
    if isinstance(value, dict):
        return {
            key: scrubbed(item)
            for key, item in value.items()
            if key not in ("requestId", "requestID")
        }
    if isinstance(value, list):
        return [scrubbed(item) for item in value]
    return UUID.sub("<request-id>", value) if isinstance(value, str) else value


def require(told: dict[str, Any], expected: Any, sdk: str) -> None:
    """Compare what an SDK said with what it should have said."""
    if isinstance(expected, Either):
        expected = expected.node if sdk.startswith("node") else expected.wx
    if not isinstance(expected, Fails):
        assert scrubbed(told) == {"value": expected}
        return
    error = told["error"]
    assert expected.words in error["message"]
    if sdk.startswith("node"):
        assert error["code"] == expected.code
        assert UUID.fullmatch(error["requestId"])
    else:
        number = expected.wx_2 if sdk == "wx-server-sdk-2" else expected.wx_4
        assert error["errCode"] == number


@pytest.mark.parametrize("sdk", SDKS)
@pytest.mark.parametrize("case", CASES)
def test_a_database_call_answers_as_in_the_cloud(sdk_runs, sdk, case):
    require(sdk_runs.of(sdk)[case], CASES[case], sdk)


@pytest.mark.parametrize("sdk", SDKS)
def test_a_generated_id_is_32_hexadecimal_digits(sdk_runs, sdk):
    told = sdk_runs.of(sdk)["add generates an id"]["value"]
    assert re.fullmatch(r"[0-9a-f]{32}", told["id" if sdk.startswith("node") else "_id"])


HAVE_OBJECT_IDS = ("node-sdk-2", "node-sdk-3")


@pytest.mark.parametrize("sdk", SDKS)
def test_an_object_id_comes_back_as_its_text_and_is_found(sdk_runs, sdk):
    told = sdk_runs.of(sdk)["object id"]["value"]
    assert told == ([HEX, 1] if sdk in HAVE_OBJECT_IDS else "this SDK has none")


@pytest.mark.parametrize("sdk", ["wx-server-sdk-2", "wx-server-sdk-4"])
def test_applications_find_the_text_they_look_for_when_a_collection_is_missing(sdk_runs, sdk):
    error = sdk_runs.of(sdk)["get of a missing collection"]["error"]
    assert error["errMsg"].startswith("collection.get:fail -502005 database collection not exists.")


@pytest.mark.parametrize("sdk", SDKS)
def test_every_case_of_the_script_is_expected_somewhere(sdk_runs, sdk):
    """A case that nobody looks at would fail unseen."""
    elsewhere = (
        "add generates",
        "object id",
        "create work",
        "create many",
        "the context",
        "aggregate: ",
        "transaction: ",
    )
    platform = ("call", "file", "empty file", "download", "delete", "upload", "too many")
    known = {name for name in sdk_runs.of(sdk) if name.startswith(elsewhere + platform)}
    assert sdk_runs.of(sdk).keys() - known == CASES.keys()
