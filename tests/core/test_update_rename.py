"""`$rename`."""

import pytest

from emulator.core.errors import DatabaseRequestFailed
from emulator.core.update import compile_update


def renamed(operand, document):
    return compile_update({"$rename": operand}).apply(document, now_ms=0)


CASES = [
    pytest.param({"a": "b"}, {"a": 1, "c": 2}, {"c": 2, "b": 1}, id="field"),
    pytest.param({"a": "b"}, {"a": 1, "b": 2}, {"b": 1}, id="overwrites"),
    pytest.param(
        {"a.x": "b.y"}, {"a": {"x": 1, "z": 2}}, {"a": {"z": 2}, "b": {"y": 1}}, id="paths"
    ),
    pytest.param({"a": "b"}, {"c": 1}, {"c": 1}, id="nothing there"),
    pytest.param({"a.b": "c"}, {"a": {"x": 1}}, {"a": {"x": 1}}, id="nothing in the object"),
    pytest.param({"a.5": "c"}, {"a": [1]}, {"a": [1]}, id="past the end of an array"),
    pytest.param({"a": "b.c"}, {"b": [1], "x": 1}, {"b": [1], "x": 1}, id="no source, no check"),
    pytest.param({"a": "b", "c": "d"}, {"a": 1, "c": 2}, {"b": 1, "d": 2}, id="two"),
]


@pytest.mark.parametrize(("operand", "document", "expected"), CASES)
def test_the_value_moves(operand, document, expected):
    before = dict(document)
    assert renamed(operand, document) == expected
    assert document == before


REFUSED = [
    pytest.param({"a": 5}, 2, "must be a string", id="no text"),
    pytest.param({"a": "a"}, 2, "must differ", id="itself"),
    pytest.param({"a.$": "b"}, 2, "The source field for", id="positional"),
    pytest.param({"a": "b.$[]"}, 2, "The destination field for", id="all"),
    pytest.param({"a": "a.b"}, 2, "on the same path: a: .a.b.", id="into itself"),
    pytest.param({"a.b": "a"}, 2, "on the same path: a.b: .a.", id="onto its parent"),
    pytest.param({"a": "b", "b": "c"}, 40, "conflict", id="chain"),
    pytest.param({"a": "b..c"}, 56, "empty field name", id="empty part"),
]


@pytest.mark.parametrize(("operand", "code", "text"), REFUSED)
def test_operand_is_refused(operand, code, text):
    with pytest.raises(DatabaseRequestFailed, match=text) as refusal:
        compile_update({"$rename": operand})
    assert refusal.value.mongo_code == code


@pytest.mark.parametrize(
    ("operand", "document", "text"),
    [
        pytest.param({"a.0": "b"}, {"a": [1]}, "source field cannot be an array", id="source"),
        pytest.param({"x": "a.0"}, {"a": [1], "x": 1}, "destination field cannot", id="target"),
    ],
)
def test_arrays_on_the_way_are_refused(operand, document, text):
    with pytest.raises(DatabaseRequestFailed, match=text) as refusal:
        renamed(operand, document)
    assert refusal.value.mongo_code == 2


@pytest.mark.parametrize("blocking", [5, None, [{"b": 1}]])
def test_a_source_no_path_leads_to_is_refused(blocking):
    with pytest.raises(DatabaseRequestFailed, match=r"part \(b of a\.b\) to") as refusal:
        renamed({"a.b": "c"}, {"a": blocking})
    assert refusal.value.mongo_code == 28


def test_other_operators_may_not_touch_either_end():
    for other in ({"$set": {"a": 1}}, {"$inc": {"b": 1}}):
        with pytest.raises(DatabaseRequestFailed, match="conflict"):
            compile_update({"$rename": {"a": "b"}, **other})
