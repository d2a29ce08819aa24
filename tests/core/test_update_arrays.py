"""Update operators on arrays: (operator, operand, old array) and the new one."""

import pytest

from emulator.core.errors import DatabaseRequestFailed
from emulator.core.update import compile_update
from emulator.core.values import MISSING, Int64, Regex

OBJECTS = [{"x": 2, "y": 1}, {"x": 1, "y": 2}, {"x": 2, "y": 0}]


def changed(operator, operand, old):
    document = {"_id": 1} if old is MISSING else {"_id": 1, "f": old}
    result = compile_update({operator: {"f": operand}}).apply(document, now_ms=0)
    return result.get("f", MISSING)


CASES = [
    pytest.param("$push", 3, [1], [1, 3], id="$push"),
    pytest.param("$push", 3, MISSING, [3], id="$push to nothing"),
    pytest.param("$push", [3, 4], [1], [1, [3, 4]], id="$push of an array"),
    pytest.param("$push", {"a": 1}, [], [{"a": 1}], id="$push of an object"),
    pytest.param("$push", {"$each": [2, 3]}, [1], [1, 2, 3], id="$each"),
    pytest.param("$push", {"$each": []}, MISSING, [], id="$each of nothing makes an array"),
    pytest.param("$push", {"$each": [9], "$position": 1}, [1, 2], [1, 9, 2], id="$position"),
    pytest.param("$push", {"$each": [9], "$position": 0}, [1, 2], [9, 1, 2], id="to the front"),
    pytest.param("$push", {"$each": [9], "$position": 9}, [1, 2], [1, 2, 9], id="past the end"),
    pytest.param("$push", {"$each": [9], "$position": -1}, [1, 2], [1, 9, 2], id="from the end"),
    pytest.param("$push", {"$each": [9], "$position": -9}, [1, 2], [9, 1, 2], id="before start"),
    pytest.param("$push", {"$each": [3], "$slice": 2}, [1, 2], [1, 2], id="$slice"),
    pytest.param("$push", {"$each": [3], "$slice": -2}, [1, 2], [2, 3], id="$slice of the last"),
    pytest.param("$push", {"$each": [3], "$slice": 0}, [1, 2], [], id="$slice of none"),
    pytest.param("$push", {"$each": [3], "$slice": -9}, [1], [1, 3], id="$slice of more"),
    pytest.param("$push", {"$each": [2], "$sort": 1}, [3, 1], [1, 2, 3], id="$sort"),
    pytest.param("$push", {"$each": ["a", None], "$sort": -1}, [1], ["a", 1, None], id="$sort -1"),
    pytest.param("$push", {"$each": [], "$sort": {"x": 1, "y": -1}}, OBJECTS,
                 [OBJECTS[1], OBJECTS[0], OBJECTS[2]], id="$sort by fields"),
    pytest.param("$push", {"$each": [5, {"x": 0}], "$sort": {"x": 1}}, [{"x": 1}],
                 [5, {"x": 0}, {"x": 1}], id="$sort of what is no object"),
    pytest.param("$push", {"$each": [{"x": 2}], "$sort": {"x": 1}}, [{"x": [3, 1]}, {"x": None}],
                 [{"x": None}, {"x": 2}, {"x": [3, 1]}], id="$sort takes arrays as they are"),
    pytest.param("$push", {"$each": [], "$sort": {"x.1": -1}}, [{"x": [3, 1]}, {"x": [0, 2]}],
                 [{"x": [0, 2]}, {"x": [3, 1]}], id="$sort by an index"),
    pytest.param("$push", {"$each": [2], "$sort": 1, "$slice": 2, "$position": 0}, [3, 1], [1, 2],
                 id="insert, sort, slice"),
    pytest.param("$addToSet", 2, [1], [1, 2], id="$addToSet"),
    pytest.param("$addToSet", 1.0, [1], [1], id="$addToSet by value"),
    pytest.param("$addToSet", True, [1], [1, True], id="$addToSet of true"),
    pytest.param("$addToSet", {"b": 1, "a": 1}, [{"a": 1, "b": 1}],
                 [{"a": 1, "b": 1}, {"b": 1, "a": 1}], id="$addToSet with order"),
    pytest.param("$addToSet", {"$each": [2, 2, 3]}, [3, 3], [3, 3, 2], id="$addToSet $each"),
    pytest.param("$addToSet", [1], [1], [1, [1]], id="$addToSet of an array"),
    pytest.param("$addToSet", 1, MISSING, [1], id="$addToSet to nothing"),
    pytest.param("$addToSet", {"$each": []}, MISSING, [], id="$addToSet of nothing"),
    pytest.param("$pop", 1, [1, 2], [1], id="$pop"),
    pytest.param("$pop", -1.0, [1, 2], [2], id="$pop from the front"),
    pytest.param("$pop", 1, [1], [], id="$pop of the last"),
    pytest.param("$pop", 1, [], [], id="$pop of none"),
    pytest.param("$pop", 1, MISSING, MISSING, id="$pop of nothing"),
    pytest.param("$pull", 2, [1, 2, 2.0, Int64(2), "2"], [1, "2"], id="$pull"),
    pytest.param("$pull", [1], [[1], 1, [1, 1]], [1, [1, 1]], id="$pull of an array"),
    pytest.param("$pull", None, [None, 1], [1], id="$pull of null"),
    pytest.param("$pull", {"$gte": 3}, [1, 3, 5, "x", [7]], [1, "x"], id="$pull by a condition"),
    pytest.param("$pull", {"$in": [1, "x"]}, [1, 2, "x"], [2], id="$pull by $in"),
    pytest.param("$pull", {"x": 1}, [{"x": 1, "y": 2}, {"x": 2}, 1], [{"x": 2}, 1],
                 id="$pull by a filter"),
    pytest.param("$pull", {"x": {"$gt": 1}, "y": 1}, OBJECTS, OBJECTS[1:], id="$pull by two"),
    pytest.param("$pull", {"$or": [{"x": 1}, {"y": 0}]}, OBJECTS, OBJECTS[:1], id="$pull by $or"),
    pytest.param("$pull", Regex("^a"), ["ab", "b", 1], ["b", 1], id="$pull by a pattern"),
    pytest.param("$pull", {"$elemMatch": {"$gt": 1}}, [[0], [2]], [[0]], id="$pull by $elemMatch"),
    pytest.param("$pull", {}, [{}, {"a": 1}, 1], [1], id="$pull of every object"),
    pytest.param("$pull", 1, MISSING, MISSING, id="$pull of nothing"),
    pytest.param("$pullAll", [1, "x", {"a": 1}], [1.0, "x", {"a": 1}, {"a": 1, "b": 2}, True],
                 [{"a": 1, "b": 2}, True], id="$pullAll"),
    pytest.param("$pullAll", [], [1], [1], id="$pullAll of nothing"),
    pytest.param("$pullAll", [1], MISSING, MISSING, id="$pullAll from nothing"),
]  # fmt: skip


@pytest.mark.parametrize(("operator", "operand", "old", "new"), CASES)
def test_operator_changes_the_array(operator, operand, old, new):
    assert changed(operator, operand, old) == new


@pytest.mark.parametrize(("operator", "operand", "old", "new"), CASES)
def test_the_old_array_is_left_alone(operator, operand, old, new):
    before = list(old) if type(old) is list else old
    document = {"f": old}
    if old is not MISSING:
        result = compile_update({operator: {"f": operand}}).apply(document, now_ms=0)
        assert document["f"] == before
        assert (result is document) == (new == before)


REFUSED_OPERANDS = [
    pytest.param("$push", {"$each": 5}, 2, "must be an array", id="$each"),
    pytest.param("$push", {"$each": [], "$foo": 1}, 2, "Unrecognized clause", id="clause"),
    pytest.param(
        "$push", {"$each": [], "$slice": 1.5}, 2, "\\$slice must be an integer", id="$slice"
    ),
    pytest.param(
        "$push", {"$each": [], "$position": "1"}, 2, "\\$position must be", id="$position"
    ),
    pytest.param("$push", {"$each": [], "$sort": 2}, 2, "either 1 or -1", id="$sort"),
    pytest.param("$push", {"$each": [], "$sort": {}}, 2, "pattern is empty", id="$sort nothing"),
    pytest.param("$push", {"$each": [], "$sort": {"a.": 1}}, 2, "empty part", id="$sort path"),
    pytest.param("$push", {"$each": [], "$sort": {"a": "x"}}, 2, "either 1 or -1", id="$sort way"),
    pytest.param("$push", {"$slice": 1}, 52, "not valid for storage", id="clause without $each"),
    pytest.param("$addToSet", {"$each": 5}, 14, "must be an array", id="$addToSet $each"),
    pytest.param("$addToSet", {"$each": [], "x": 1}, 2, "unexpected fields", id="beside $each"),
    pytest.param("$pop", 2, 9, "expects 1 or -1", id="$pop two"),
    pytest.param("$pop", True, 9, "expects 1 or -1", id="$pop true"),
    pytest.param("$pullAll", 5, 2, "requires an array argument", id="$pullAll"),
    pytest.param("$pull", {"$foo": 1}, 2, "unknown operator", id="$pull operator"),
    pytest.param("$pull", {"$expr": {}}, 224, "not allowed", id="$pull $expr"),
    pytest.param("$pull", {"$jsonSchema": {}}, 224, "not allowed", id="$pull $jsonSchema"),
    pytest.param("$pull", {"$nearSphere": [0, 0]}, 2, "not allowed in", id="$pull $nearSphere"),
    pytest.param("$pull", {"b": {"$near": [0, 0]}}, 2, "not allowed in", id="$pull field near"),
]


@pytest.mark.parametrize(("operator", "operand", "code", "text"), REFUSED_OPERANDS)
def test_operand_is_refused(operator, operand, code, text):
    with pytest.raises(DatabaseRequestFailed, match=text) as refusal:
        compile_update({operator: {"f": operand}})
    assert refusal.value.mongo_code == code


@pytest.mark.parametrize(
    ("operator", "operand", "code", "text"),
    [
        ("$push", 1, 2, "The field 'f' must be an array but is of type"),
        ("$addToSet", 1, 2, "Field named 'f' has non-array type"),
        ("$pop", 1, 14, "Path 'f' contains an element of non-array type"),
        ("$pull", 1, 2, "to a non-array value"),
        ("$pullAll", [1], 2, "to a non-array value"),
    ],
)
@pytest.mark.parametrize("old", [None, 5, "x", {}], ids=str)
def test_what_is_no_array_is_refused(operator, operand, code, text, old):
    with pytest.raises(DatabaseRequestFailed, match=text) as refusal:
        changed(operator, operand, old)
    assert refusal.value.mongo_code == code
