import json
import tomllib
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from emulator.core.plain_schema import fits
from emulator.functions.bundle_config import _KINDS

SETTINGS = json.loads(resources.files("emulator.config").joinpath("schema.json").read_text("utf-8"))
PROJECT = Path(__file__).parents[2]
WORDS = {
    "type": "object",
    "$defs": {"port": {"type": "integer", "minimum": 0, "maximum": 9}},
    "properties": {
        "port": {"$ref": "#/$defs/port"},
        "name": {"type": "string", "minLength": 2, "maxLength": 4, "pattern": "^[a-c]+$"},
        "kind": {"enum": ["a", "b"]},
        "mode": {"const": "a"},
        "share": {"type": ["number", "null"], "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        "list": {"type": "array", "items": {"type": "boolean"}, "minItems": 1, "maxItems": 2},
        "map": {
            "type": "object",
            "propertyNames": {"pattern": "^[a-z]$"},
            "additionalProperties": {"type": "integer"},
            "minProperties": 1,
        },
    },
    "required": ["port"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    "data",
    [
        {"port": 0},
        {"port": 9, "name": "ab", "kind": "b", "mode": "a", "share": 0.5},
        {"port": 1, "share": None, "list": [True], "map": {"a": 1}},
    ],
)
def test_what_is_right_is_plainly_right(data):
    assert Draft202012Validator(WORDS).is_valid(data)
    assert fits(data, WORDS)


@pytest.mark.parametrize(
    "data",
    [
        [],
        {},
        {"port": -1},
        {"port": 10},
        {"port": True},
        {"port": "1"},
        {"port": 1, "more": 1},
        {"port": 1, "name": "a"},
        {"port": 1, "name": "abcab"},
        {"port": 1, "name": "xy"},
        {"port": 1, "kind": "c"},
        {"port": 1, "mode": "b"},
        {"port": 1, "share": 0},
        {"port": 1, "share": 1},
        {"port": 1, "share": "half"},
        {"port": 1, "list": []},
        {"port": 1, "list": [True] * 3},
        {"port": 1, "list": [1]},
        {"port": 1, "map": {}},
        {"port": 1, "map": {"ab": 1}},
        {"port": 1, "map": {"a": "1"}},
    ],
)
def test_what_is_wrong_is_never_plainly_right(data):
    assert not Draft202012Validator(WORDS).is_valid(data)
    assert not fits(data, WORDS)


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"oneOf": [{"type": "string"}]}, id="a word it does not know"),
        pytest.param({"$ref": "https://elsewhere.example/schema"}, id="a schema elsewhere"),
        pytest.param({"enum": [1, "1"]}, id="a value that is no text"),
    ],
)
def test_what_it_cannot_judge_it_leaves_to_the_library(schema):
    assert not fits(1, schema)


TEXTS = ["ab", "ba", "a", "/x", "GET", "insert", "orders", "0 0 8 * * * *"]
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-2, 70_000),
        st.floats(),
        st.text(max_size=4),
        st.sampled_from(TEXTS),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=2), inner)
    ),
    max_leaves=8,
)


def objects_of(schema):
    """Return objects that have some of the fields a schema names, right or not."""
    names = sorted(schema.get("properties", {})) or ["x"]
    return st.dictionaries(st.sampled_from(names), VALUES, max_size=4)


@given(st.data())
def test_what_is_plainly_right_is_right(data):
    schema = data.draw(st.sampled_from([WORDS, *(schema for schema, _ in _KINDS.values())]))
    value = data.draw(objects_of(schema))
    if fits(value, schema):
        assert Draft202012Validator(schema).is_valid(value)


@given(st.data())
def test_settings_that_are_plainly_right_are_right(data):
    section = data.draw(st.sampled_from(sorted(SETTINGS["properties"])))
    about = SETTINGS["properties"][section]
    about = SETTINGS["$defs"][about["$ref"].rpartition("/")[2]] if "$ref" in about else about
    value = {section: data.draw(objects_of(about))}
    if fits(value, SETTINGS):
        assert Draft202012Validator(SETTINGS).is_valid(value)


def test_this_project_is_plainly_right():
    assert fits(tomllib.loads((PROJECT / ".emulator.toml").read_text("utf-8")), SETTINGS)
