"""`$jsonSchema`: (schema of field x, values) and which of them fit."""

from decimal import Decimal

import pytest

from emulator.core.errors import DatabaseRequestFailed
from emulator.core.query_schema import SCHEMA_DEPTH_MAX, compile_schema
from emulator.core.values import Date, Int64

NAN = float("nan")


def fitting(schema, values):
    test = compile_schema({"properties": {"x": schema}})
    return [place for place, value in enumerate(values) if test({"x": value})]


CASES = [
    pytest.param({"type": "number"}, [1, 1.5, Int64(1), Decimal(1), "1", True], [0, 1, 2, 3],
                 id="type"),
    pytest.param({"type": ["string", "null"]}, ["a", None, 1], [0, 1], id="types"),
    pytest.param({"bsonType": "int"}, [1, 1.0, 2**40], [0], id="bsonType"),
    pytest.param({"bsonType": ["date", "number"]}, [Date(0), 1.0, "x"], [0, 1], id="bsonTypes"),
    pytest.param({"enum": [1, "a", {"p": 1, "q": [2]}]}, [1.0, True, "a", {"q": [2], "p": 1}, "b"],
                 [0, 2, 3], id="enum"),
    pytest.param({"minimum": 5}, [5, 4, 6.5, "x", NAN, Decimal("NaN")], [0, 2, 3], id="minimum"),
    pytest.param({"minimum": 5, "exclusiveMinimum": True}, [5, 6], [1], id="exclusiveMinimum"),
    pytest.param({"maximum": 5}, [5, 6, 4, None], [0, 2, 3], id="maximum"),
    pytest.param({"maximum": 5, "exclusiveMaximum": True}, [5, 4], [1], id="exclusiveMaximum"),
    pytest.param({"maximum": 5, "exclusiveMaximum": False}, [5], [0], id="not exclusive"),
    pytest.param({"minimum": NAN}, [NAN, 1], [0], id="minimum NaN"),
    pytest.param({"multipleOf": 0.1}, [0.3, 0.35, 3, "x", NAN, float("inf")], [0, 2, 3],
                 id="multipleOf"),
    pytest.param({"multipleOf": float("inf")}, [0, 5], [0], id="multipleOf infinity"),
    pytest.param({"minLength": 2, "maxLength": 3}, ["a", "ab", "中文字", "abcd", 5], [1, 2, 4],
                 id="lengths in characters"),
    pytest.param({"pattern": "^a+$"}, ["aa", "ab", 5], [0, 2], id="pattern"),
    pytest.param({"minItems": 1, "maxItems": 2}, [[], [1], [1, 2, 3], "x"], [1, 3], id="items"),
    pytest.param({"uniqueItems": True}, [[1, 1.0], [1, True], [{"a": 1, "b": 2}, {"b": 2, "a": 1}],
                                         5], [1, 3], id="uniqueItems"),
    pytest.param({"uniqueItems": False}, [[1, 1]], [0], id="not unique"),
    pytest.param({"items": {"type": "string"}}, [["a"], ["a", 1], [], 5], [0, 2, 3], id="item"),
    pytest.param({"items": [{"type": "string"}, {"minimum": 5}]}, [["a", 6, None], ["a", 1], ["a"],
                                                                  [1]], [0, 2], id="listed items"),
    pytest.param({"items": [{}], "additionalItems": False}, [[1], [1, 2]], [0],
                 id="no additional items"),
    pytest.param({"items": [{}], "additionalItems": {"type": "null"}}, [[1, None], [1, 2]], [0],
                 id="additional items"),
    pytest.param({"items": {}, "additionalItems": False}, [[1, 2]], [0],
                 id="additional items mean nothing without a list"),
    pytest.param({"required": ["a", "b"]}, [{"a": 1, "b": None}, {"a": 1}, 5], [0, 2],
                 id="required"),
    pytest.param({"properties": {"a": {"type": "string"}}}, [{"a": "x"}, {"a": 1}, {}, 5],
                 [0, 2, 3], id="properties"),
    pytest.param({"patternProperties": {"^n": {"type": "number"}}}, [{"n1": 1, "x": "a"},
                                                                    {"n2": "a"}, 5], [0, 2],
                 id="patternProperties"),
    pytest.param({"properties": {"a": {}}, "patternProperties": {"^n": {}},
                  "additionalProperties": False}, [{"a": 1, "n1": 2}, {"z": 1}], [0],
                 id="no additional properties"),
    pytest.param({"additionalProperties": {"type": "null"}}, [{"a": None}, {"a": 1}], [0],
                 id="additional properties"),
    pytest.param({"minProperties": 1, "maxProperties": 1}, [{}, {"a": 1}, {"a": 1, "b": 2}], [1],
                 id="numbers of properties"),
    pytest.param({"dependencies": {"a": ["b"], "c": {"required": ["d"]}}},
                 [{"a": 1, "b": 1}, {"a": 1}, {"c": 1, "d": 1}, {"c": 1}, {}], [0, 2, 4],
                 id="dependencies"),
    pytest.param({"allOf": [{"minimum": 1}, {"maximum": 3}]}, [0, 2, 4], [1], id="allOf"),
    pytest.param({"anyOf": [{"maximum": 1}, {"minimum": 3}]}, [0, 2, 4], [0, 2], id="anyOf"),
    pytest.param({"oneOf": [{"maximum": 3}, {"minimum": 2}]}, [0, 2, 4], [0, 2], id="oneOf"),
    pytest.param({"not": {"type": "string"}}, ["a", 1], [1], id="not"),
    pytest.param({"title": "t", "description": "d"}, [1, "x"], [0, 1], id="words"),
    pytest.param({}, [1, None], [0, 1], id="nothing"),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "values", "expected"), CASES)
def test_schema_fits(schema, values, expected):
    assert fitting(schema, values) == expected


def test_an_absent_field_fits_any_schema():
    assert compile_schema({"properties": {"x": {"type": "string"}}})({})


REFUSED = [
    pytest.param(5, 14, "an object", id="no object"),
    pytest.param({"foo": 1}, 9, "Unknown \\$jsonSchema keyword: foo", id="keyword"),
    pytest.param({"type": "string", "bsonType": "int"}, 9, "both", id="two types"),
    pytest.param({"type": 5}, 14, "strings", id="type of a type"),
    pytest.param({"type": "integer"}, 9, "not currently supported", id="integer"),
    pytest.param({"type": "objectId"}, 2, "Unknown type name alias", id="bson name in type"),
    pytest.param({"type": ["null", "null"]}, 9, "duplicate", id="type twice"),
    pytest.param({"bsonType": []}, 14, "strings", id="no bsonType"),
    pytest.param({"bsonType": ["int", "int"]}, 9, "duplicate", id="bsonType twice"),
    pytest.param({"bsonType": "integer"}, 2, "Unknown type name alias", id="bsonType name"),
    pytest.param({"enum": 1}, 14, "an array", id="enum"),
    pytest.param({"enum": [1, 1.0]}, 9, "unique", id="enum twice"),
    pytest.param({"minimum": "1"}, 14, "a number", id="minimum"),
    pytest.param({"maximum": None}, 14, "a number", id="maximum"),
    pytest.param({"minimum": 1, "exclusiveMinimum": 1}, 14, "a boolean", id="exclusive"),
    pytest.param({"exclusiveMaximum": True}, 9, "needs 'maximum'", id="exclusive alone"),
    pytest.param({"multipleOf": 0}, 9, "positive", id="multipleOf zero"),
    pytest.param({"multipleOf": NAN}, 9, "positive", id="multipleOf NaN"),
    pytest.param({"minLength": -1}, 9, "non-negative", id="length"),
    pytest.param({"maxItems": 1.5}, 9, "non-negative whole", id="items"),
    pytest.param({"minItems": "1"}, 14, "a number", id="items of text"),
    pytest.param({"pattern": 5}, 14, "a string", id="pattern"),
    pytest.param({"pattern": "("}, 51091, "invalid", id="bad pattern"),
    pytest.param({"uniqueItems": 1}, 14, "a boolean", id="uniqueItems"),
    pytest.param({"additionalItems": 5}, 14, "an object", id="additionalItems"),
    pytest.param({"required": []}, 9, "at least one", id="required"),
    pytest.param({"required": ["a", "a"]}, 9, "unique", id="required twice"),
    pytest.param({"required": [1]}, 14, "strings", id="required number"),
    pytest.param({"properties": []}, 14, "an object", id="properties"),
    pytest.param({"patternProperties": 1}, 14, "an object", id="patternProperties"),
    pytest.param({"dependencies": 1}, 14, "an object", id="dependencies"),
    pytest.param({"allOf": []}, 9, "nonempty", id="allOf"),
    pytest.param({"anyOf": {}}, 14, "an array", id="anyOf"),
    pytest.param({"not": 1}, 14, "an object", id="not"),
    pytest.param({"title": 1}, 14, "a string", id="title"),
]


@pytest.mark.parametrize(("schema", "code", "text"), REFUSED)
def test_schema_is_refused(schema, code, text):
    with pytest.raises(DatabaseRequestFailed, match=text) as refusal:
        compile_schema(schema)
    assert refusal.value.mongo_code == code


def test_nesting_has_a_bound():
    schema = {}
    for _ in range(SCHEMA_DEPTH_MAX + 1):
        schema = {"not": schema}
    with pytest.raises(DatabaseRequestFailed, match="nested deeper"):
        compile_schema(schema)
