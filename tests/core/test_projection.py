"""Projections: (projection, document) and what comes back."""

import copy

import pytest

from emulator.core.errors import DatabaseRequestFailed
from emulator.core.projection import compile_projection, excluding, including, name_tree
from emulator.core.query import compile_filter

NESTED = {
    "_id": 1,
    "a": [1, {"b": 2, "c": 3}, [{"b": 4, "c": 5}], {"c": 1}],
    "o": {"p": 1, "q": {"r": 2, "s": 3}},
    "n": 5,
}

CASES = [
    pytest.param(None, NESTED, id="none"),
    pytest.param({}, NESTED, id="empty"),
    pytest.param({"n": 1}, {"_id": 1, "n": 5}, id="inclusion"),
    pytest.param({"n": True, "_id": 0}, {"n": 5}, id="without the id"),
    pytest.param({"n": 0.5}, {"_id": 1, "n": 5}, id="any number but zero includes"),
    pytest.param({"_id": 1}, {"_id": 1}, id="only the id"),
    pytest.param({"_id": 0, "n": 0}, {"a": NESTED["a"], "o": NESTED["o"]}, id="exclusion"),
    pytest.param({"_id": 0}, {k: v for k, v in NESTED.items() if k != "_id"}, id="all but the id"),
    pytest.param({"n": False, "_id": 1}, {k: v for k, v in NESTED.items() if k != "n"},
                 id="exclusion with the id"),
    pytest.param({"zz": 1}, {"_id": 1}, id="absent field"),
    pytest.param({"n": 1, "o.p": 1}, {"_id": 1, "o": {"p": 1}, "n": 5}, id="document order"),
    pytest.param({"a.b": 1}, {"_id": 1, "a": [{"b": 2}, [{"b": 4}], {}]},
                 id="inclusion through arrays drops scalars"),
    pytest.param({"a.b": 0, "o": 0, "_id": 0},
                 {"a": [1, {"c": 3}, [{"c": 5}], {"c": 1}], "n": 5},
                 id="exclusion through arrays keeps scalars"),
    pytest.param({"n.x": 1}, {"_id": 1}, id="inclusion through a scalar"),
    pytest.param({"n.x": 0, "a": 0, "o": 0}, {"_id": 1, "n": 5}, id="exclusion through a scalar"),
    pytest.param({"o": {"q": {"r": 1}}}, {"_id": 1, "o": {"q": {"r": 2}}}, id="nested objects"),
    pytest.param({"o.q.r": 0, "a": 0}, {"_id": 1, "o": {"p": 1, "q": {"s": 3}}, "n": 5},
                 id="deep exclusion"),
    pytest.param({"o": 1, "o.p": 1}, {"_id": 1, "o": NESTED["o"]}, id="field and part of it"),
    pytest.param({"o.p": 1, "o": 1}, {"_id": 1, "o": NESTED["o"]}, id="part and field"),
]  # fmt: skip


@pytest.mark.parametrize(("projection", "expected"), CASES)
def test_fields_come_back(projection, expected):
    before = copy.deepcopy(NESTED)
    result = compile_projection(projection)(NESTED)
    assert result == expected
    assert list(result) == list(expected)
    assert before == NESTED


ARRAY = {"_id": 1, "l": [1, 2, 3, 4], "o": {"l": [1, 2]}, "m": [{"l": [7, 8]}, 5], "s": "x"}

SLICES = [
    pytest.param({"l": {"$slice": 2}}, [1, 2], id="first"),
    pytest.param({"l": {"$slice": -3}}, [2, 3, 4], id="last"),
    pytest.param({"l": {"$slice": 0}}, [], id="none"),
    pytest.param({"l": {"$slice": [1, 2]}}, [2, 3], id="skip and limit"),
    pytest.param({"l": {"$slice": [-3, 2]}}, [2, 3], id="skip from the end"),
    pytest.param({"l": {"$slice": [-9, 1]}}, [1], id="skip beyond the start"),
    pytest.param({"l": {"$slice": [9, 1]}}, [], id="skip beyond the end"),
    pytest.param({"l": {"$slice": 1.9}}, [1], id="a double is cut"),
]


@pytest.mark.parametrize(("projection", "expected"), SLICES)
def test_slice_cuts_an_array_and_keeps_the_rest(projection, expected):
    assert compile_projection(projection)(ARRAY) == {**ARRAY, "l": expected}


OPERATORS = [
    pytest.param({"l": {"$slice": 1}, "s": 1}, {"_id": 1, "l": [1], "s": "x"}, id="$slice shows"),
    pytest.param({"l": {"$slice": 1}, "s": 0, "m": 0}, {"_id": 1, "l": [1], "o": {"l": [1, 2]}},
                 id="$slice beside exclusion"),
    pytest.param({"o.l": {"$slice": 1}, "l": 0, "m": 0}, {"_id": 1, "o": {"l": [1]}, "s": "x"},
                 id="$slice behind a path"),
    pytest.param({"m.l": {"$slice": 1}, "_id": 1}, {"_id": 1, "m": [{"l": [7]}]},
                 id="$slice through an array"),
    pytest.param({"s": {"$slice": 1}, "zz": {"$slice": 1}, "s.x": {"$slice": 1}}, ARRAY,
                 id="$slice of no array"),
    pytest.param({"l": {"$elemMatch": {"$gt": 2}}}, {"_id": 1, "l": [3]}, id="$elemMatch"),
    pytest.param({"m": {"$elemMatch": {"l": 8}}, "s": 1}, {"_id": 1, "m": [{"l": [7, 8]}],
                 "s": "x"}, id="$elemMatch beside inclusion"),
    pytest.param({"l": {"$elemMatch": {"$gt": 9}}}, {"_id": 1}, id="$elemMatch of nothing"),
    pytest.param({"s": {"$elemMatch": {"$gt": 9}}}, {"_id": 1}, id="$elemMatch of no array"),
    pytest.param({"l": {"$elemMatch": {"$gt": 1}}, "m": 0, "o": 0}, {"_id": 1, "l": [2], "s": "x"},
                 id="$elemMatch beside exclusion"),
]  # fmt: skip


@pytest.mark.parametrize(("projection", "expected"), OPERATORS)
def test_array_operator_projects(projection, expected):
    assert compile_projection(projection)(ARRAY) == expected


def test_positional_projection_shows_the_matched_element():
    matcher = compile_filter({"l": {"$gt": 2}})
    project = compile_projection({"l.$": 1, "s": 1}, matched_index=matcher.matched_index)
    assert project(ARRAY) == {"_id": 1, "l": [3], "s": "x"}
    assert project({"_id": 2, "l": 5}) == {"_id": 2, "l": 5}
    nested = compile_projection(
        {"o.l.$": 1}, matched_index=compile_filter({"o.l": 2}).matched_index
    )
    assert nested(ARRAY) == {"_id": 1, "o": {"l": [2]}}


def test_positional_projection_needs_a_matched_element():
    project = compile_projection({"l.$": 1}, matched_index=lambda _: None)
    with pytest.raises(DatabaseRequestFailed, match="couldn't find a matching element"):
        project(ARRAY)
    with pytest.raises(DatabaseRequestFailed, match="does not match the query"):
        compile_projection({"l.$": 1})


REFUSED = [
    pytest.param({"a": 1, "b": 0}, 2, "mix of inclusion and exclusion", id="mix"),
    pytest.param({"a": {"$slice": "x"}}, 2, "\\$slice only supports numbers", id="slice text"),
    pytest.param({"a": {"$slice": [1]}}, 2, "wrong size", id="slice of one"),
    pytest.param({"a": {"$slice": [1, 0]}}, 2, "limit must be positive", id="slice of none"),
    pytest.param({"a": {"$meta": "textScore"}}, 2, "Unsupported projection option", id="$meta"),
    pytest.param({"a": {}}, 2, "Unsupported projection option", id="empty object"),
    pytest.param({"a.b": {"$elemMatch": {}}}, 2, "nested field", id="$elemMatch behind a path"),
    pytest.param({"a": {"$elemMatch": 5}}, 2, "needs an Object", id="$elemMatch of a number"),
]


@pytest.mark.parametrize(("projection", "code", "text"), REFUSED)
def test_projection_is_refused(projection, code, text):
    with pytest.raises(DatabaseRequestFailed, match=text) as refusal:
        compile_projection(projection)
    assert refusal.value.mongo_code == code


def test_positional_beside_exclusion_is_refused():
    with pytest.raises(DatabaseRequestFailed, match="positional") as refusal:
        compile_projection({"a.$": 1, "b": 0}, matched_index=lambda _: 0)
    assert refusal.value.mongo_code == 31254


@pytest.mark.parametrize(
    ("projection", "text"),
    [
        ({"a.$": 1, "b.$": 1}, "more than one positional"),
        ({"a.$.$": 1}, "more than one positional"),
        ({"a.$": {"$slice": 1}}, "expression or sub object"),
        ({"a.$": 1, "b": {"$elemMatch": {"c": 1}}}, r"positional operator and \$elemMatch"),
        ({"b": {"$elemMatch": {"c": 1}}, "a.$": 1}, r"positional operator and \$elemMatch"),
        ({"a.$": 0}, "Cannot exclude array elements"),
    ],
    ids=str,
)
def test_one_projection_picks_by_the_filter_once(projection, text):
    with pytest.raises(DatabaseRequestFailed, match=text) as refusal:
        compile_projection(projection, matched_index=lambda _: 0)
    assert refusal.value.mongo_code == 2


@pytest.mark.parametrize("projection", [5, "a", ["a"], True])
def test_a_projection_is_an_object(projection):
    with pytest.raises(DatabaseRequestFailed, match="must be an object"):
        compile_projection(projection)


def test_identity_is_the_same_object():
    assert compile_projection({})(NESTED) is NESTED


def test_trees_are_there_for_other_stages():
    assert name_tree(["a.b", "a.c.d", "e"]) == {"a": {"b": None, "c": {"d": None}}, "e": None}
    assert including(["o.p"])(NESTED) == {"o": {"p": 1}}
    assert excluding(["a", "o", "_id"])(NESTED) == {"n": 5}
