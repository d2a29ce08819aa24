"""What the SDK's commands mean, from the very text it sends for them (recorded in sdk_wire.json).

The record is made by sdk_wire.cjs from the published package and never edited by hand.
"""

import json
from pathlib import Path

import pytest

from emulator.core.aggregate.expressions import expression_compiler
from emulator.core.documents import resolve
from emulator.core.ejson import decode
from emulator.core.ordering import identical
from emulator.core.query import compile_filter
from emulator.core.update import compile_update
from emulator.core.values import MISSING, Date, ObjectId

WIRE = json.loads((Path(__file__).parent / "sdk_wire.json").read_text(encoding="utf-8"))
NOW_MS = 3000


def point(longitude, latitude):
    return {"type": "Point", "coordinates": [longitude, latitude]}


FULL = {
    "_id": "1",
    "n": 1,
    "s": "x",
    "tags": ["a", "b"],
    "o": {"a": {"b": 1}},
    "list": [{"k": "p", "v": 5}, {"k": "q", "v": 1}],
    "nums": [1, 10],
    "at": Date(1000),
    "place": point(1, 1),
    "ref": ObjectId("5f" * 12),
}
OTHER = {
    "_id": "2",
    "n": 5,
    "s": "Xy",
    "tags": ["b"],
    "o": {"a": 1},
    "list": [{"k": "p", "v": 2}],
    "nums": [5],
    "at": Date(2000),
    "place": point(5, 5),
}
EMPTY = {"_id": "3", "n": 9, "s": "y", "tags": [], "o": {}, "list": [], "nums": []}
NULL = {"_id": "4", "n": None, "tags": "b", "o": {"a": 1, "b": 2}}
BARE = {"_id": "5"}
DOCUMENTS = [FULL, OTHER, EMPTY, NULL, BARE]

FOUND = {
    "plain value": "2",
    "null": "45",
    "nested object is flattened": "1",
    "empty object says nothing": "12345",
    "_.eq of an object": "2",
    "array": "1",
    "date": "1",
    "_.neq": "1345",
    "_.gt": "3",
    "_.gte of a date": "12",
    "_.lt.and(_.gt)": "2",
    "_.gt(1).and(_.lt(5))": "",
    "_.and of a field": "2",
    "_.or of a field": "13",
    "_.or list of a field": "13",
    "_.eq.or": "13",
    "_.or of two fields": "123",
    "_.nor of a field": "245",
    "_.not": "1245",
    "_.in": "13",
    "_.in with null": "345",
    "_.nin": "245",
    "_.exists(true)": "1234",
    "_.exists(false)": "5",
    "_.mod": "123",
    "_.size": "1",
    "_.all": "1",
    "_.elemMatch of objects": "1",
    "_.elemMatch of scalars": "",
    "_.elemMatch with one condition": "1",
    "element field": "1",
    "element by index": "2",
    "RegExp literal": "12",
    "db.RegExp": "12",
    "db.RegExp with g": "23",
    "_.in with a RegExp": "13",
    "_.not of a RegExp": "2345",
    "_.elemMatch with a RegExp": "1",
    "serverDate with offset": "1",
    "_.and of objects": "3",
    "_.or of objects": "13",
    "_.or of an object and a field": "12",
    "_.nor of objects": "245",
    "_.and with _.or inside": "13",
    "_.geoWithin": "1",
    "_.geoWithin of a circle": "1",
    "_.geoIntersects": "1",
    "_.geoNear": "1",
    "_.jsonSchema": "3",
    "_.expr": "23",
    "_.expr beside a field": "2",
    "ObjectId": "1",
}
"""The ids that each condition finds."""

CHANGED = {
    "plain value": {"n": 6},
    "nested object is flattened": {"o": {"a": {"b": 1, "c": 2}}},
    "array is replaced": {"tags": ["z"]},
    "empty object is nothing": {"n": 6},
    "_.set of an object": {"o": {"z": 1}},
    "dotted name": {"o": {"a": {"b": 7}}},
    "element by index": {"tags": ["a", "z"]},
    "date": {"at": Date(2000)},
    "serverDate": {"at": Date(3000)},
    "serverDate inside an object and an array": {
        "o": {"a": {"b": 1}, "at": Date(63000)},
        "tags": [{"at": Date(3000)}],
    },
    "geo point": {"place": point(1, 2)},
    "_.remove": {"n": MISSING},
    "_.remove inside": {"o": {}},
    "_.inc": {"n": 3, "o": {"a": {"b": 0}}, "fresh": 3},
    "_.inc of a fraction": {"n": 1.5},
    "_.mul": {"n": 3, "fresh": 0},
    "_.min": {"m": 3},
    "_.max": {"n": 9},
    "_.rename": {"n": MISSING, "count": 1},
    "_.rename inside": {"o": {"moved": {"b": 1}}},
    "_.bit": {"n": 0},
    "_.push one": {"tags": ["a", "b", "c"]},
    "_.push several": {"tags": ["a", "b", "c", "d"]},
    "_.push arguments": {"tags": ["a", "b", "c", "d"]},
    "_.push each, position, sort, slice": {"nums": [0, 1, 8]},
    "_.push objects sorted by a field": {"list": [{"k": "r", "v": 4}, {"k": "q", "v": 1}]},
    "_.push a serverDate": {"tags": ["a", "b", {"at": Date(2995)}]},
    "_.push creates": {"fresh": ["a"]},
    "_.pop": {"tags": ["a"]},
    "_.shift": {"tags": ["b"]},
    "_.unshift": {"tags": ["y", "z", "a", "b"]},
    "_.pull a value": {"tags": ["b"]},
    "_.pull by a condition": {"nums": [1]},
    "_.pull by _.in": {"tags": ["b"]},
    "_.pull objects": {"list": [{"k": "q", "v": 1}]},
    "_.pull objects by a condition": {"list": [{"k": "q", "v": 1}]},
    "_.pullAll": {},
    "_.addToSet": {"nums": [1, 10, 7]},
    "_.addToSet each": {"tags": ["a", "b", "c"]},
    "several at once": {"n": 2, "s": "z", "tags": ["a", "b", "c"], "o": {"a": {"b": 2}}},
}
"""What becomes of the first document: the fields that differ after, MISSING for a removed one."""


def test_every_recorded_command_has_its_meaning_here():
    assert (list(WIRE["conditions"]), list(WIRE["changes"])) == (list(FOUND), list(CHANGED))


@pytest.mark.parametrize("name", FOUND)
def test_condition_finds(name):
    wanted = resolve(decode(json.loads(WIRE["conditions"][name])), now_ms=NOW_MS)
    compiled = compile_filter(wanted, expression=expression_compiler(now_ms=NOW_MS))
    assert "".join(one["_id"] for one in compiled.select(DOCUMENTS)) == FOUND[name]


@pytest.mark.parametrize("name", CHANGED)
def test_change_makes(name):
    update = compile_update(decode(json.loads(WIRE["changes"][name])))
    after = update.apply(FULL, now_ms=NOW_MS)
    expected = {**FULL, **CHANGED[name]}
    expected = {key: value for key, value in expected.items() if value is not MISSING}
    assert identical(after, expected), after
