"""What schemas say of documents: defaults, checks and references."""

import pytest

from emulator.core.jql.schemas import (
    ValidationFailed,
    completed,
    parent_key,
    references,
    require_valid,
)
from emulator.core.values import Date

NOW = 5


def valid(properties: dict, document: dict, **more: object) -> str:
    try:
        schema = {"properties": properties, **more}
        require_valid(schema, document, is_new=True, now_ms=NOW)
    except ValidationFailed as fault:
        return fault.message
    return ""


CHECKS = [
    ({"a": {"bsonType": "string"}}, {"a": 1}, "a is to be of type string"),
    ({"a": {"bsonType": ["string", "int"]}}, {"a": 1}, ""),
    ({"a": {"bsonType": "int"}}, {"a": 1.5}, "a is to be of type int"),
    ({"a": {"bsonType": "int"}}, {"a": 2.0}, ""),
    ({"a": {"bsonType": "int"}}, {"a": True}, "a is to be of type int"),
    ({"a": {"bsonType": "bool"}}, {"a": True}, ""),
    ({"a": {"bsonType": "date"}}, {"a": Date(1)}, ""),
    ({"a": {"bsonType": "date"}}, {"a": 1}, "a is to be of type date"),
    ({"a": {"bsonType": "file"}}, {"a": {}}, ""),
    ({"a": {"bsonType": "other"}}, {"a": 1}, ""),
    ({"a": {}}, {"a": None}, ""),
    ({"a": {"bsonType": "int"}}, {"a": None}, ""),
    ({"a": {"minimum": 1}}, {"a": 0}, "a is less than 1"),
    ({"a": {"minimum": 1, "exclusiveMinimum": True}}, {"a": 1}, "a is less than 1"),
    ({"a": {"maximum": 1}}, {"a": 1}, ""),
    ({"a": {"maximum": 1, "exclusiveMaximum": True}}, {"a": 1}, "a is more than 1"),
    ({"a": {"minLength": "2"}}, {"a": "x"}, "a is shorter than 2"),
    ({"a": {"maxLength": 1}}, {"a": [1, 2]}, "a is longer than 1"),
    ({"a": {"maxLength": "many"}}, {"a": [1, 2]}, ""),
    ({"a": {"pattern": "^\\d+$"}}, {"a": "12"}, ""),
    ({"a": {"pattern": "^\\d+$"}}, {"a": "x"}, "a is not as pattern ^\\d+$ says"),
    ({"a": {"format": "url"}}, {"a": "http://localhost"}, ""),
    ({"a": {"format": "url"}}, {"a": "http://host"}, "a is no url"),
    ({"a": {"format": "email"}}, {"a": "a@b.c"}, ""),
    ({"a": {"enum": [1, {"value": 2}]}}, {"a": 2}, ""),
    ({"a": {"enum": [1]}}, {"a": 2}, "a is none of the values that enum lists"),
    ({"a": {"bsonType": "array", "enum": [1, 2]}}, {"a": [1, 2]}, ""),
    ({"a": {"enum": {"collection": "x"}}}, {"a": 2}, ""),
    ({"a": {"title": "A", "minimum": 1, "errorMessage": "{title}: {minimum}"}}, {"a": 0}, "A: 1"),
    ({"a": {"minimum": 1, "errorMessage": {"minimum": "low {label} {x}"}}}, {"a": 0}, "low a {x}"),
    ({"a": {}}, {"b": 1}, "the schema has no fields ['b']; describe them in properties"),
    ({"a": {}}, {"_id": "1"}, ""),
    ({}, {"b": 1}, ""),
]


def test_documents_are_checked():
    for properties, document, expected in CHECKS:
        assert valid(properties, document) == expected, (properties, document)


def test_required_fields_are_those_of_new_documents():
    fields = {"a": {"errorMessage": {"required": "need {label}"}}, "b": {}}
    for document, expected in (({}, "need a"), ({"a": ""}, "need a"), ({"a": 0}, "b is required")):
        assert valid(fields, document, required=["a", "b"]) == expected
    require_valid({"required": ["a"], "properties": fields}, {"b": 1}, is_new=False, now_ms=NOW)


def test_rules_between_fields_hold_for_new_documents():
    rules = [{"rule": "a < b", "errorMessage": "no"}, {"rule": 1}, "x"]
    fields = {"a": {}, "b": {}}
    assert valid(fields, {"a": 1, "b": 2}, fieldRules=rules) == ""
    assert valid(fields, {"a": 2, "b": 2}, fieldRules=rules) == "no"


def test_defaults_are_filled_in():
    fields = {
        "t": {"trim": "both"}, "s": {"trim": "start"}, "d": {"defaultValue": 1},
        "at": {"defaultValue": {"$env": "now"}}, "by": {"forceDefaultValue": {"$env": "uid"}},
        "o": {"defaultValue": {"x": 1}},
    }  # fmt: skip
    known = {"$cloudEnv_now": 5, "$cloudEnv_uid": "ada"}
    made = completed({"properties": fields}, {"t": " x ", "s": " y ", "d": 2, "by": "eve"}, known)
    assert made == {"t": "x", "s": "y ", "d": 2, "by": "ada", "at": 5, "o": {"x": 1}}
    with pytest.raises(ValidationFailed, match="nobody is signed in"):
        completed({"properties": fields}, {}, {"$cloudEnv_now": 5})


def test_references_and_parents_are_found():
    fields = {"a": {"foreignKey": "t.x._id"}, "b": {"foreignKey": "bad"}, "p": {"parentKey": "_id"}}
    schema = {"properties": {**fields, "broken": 1}}
    assert list(references(schema)) == [("a", "t.x", "_id")]
    assert parent_key(schema) == ("p", "_id")
    assert parent_key(schema, "a") is None
    assert list(references({"properties": []})) == []
