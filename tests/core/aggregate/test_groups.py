"""Groups as they grow: several slices, few or many keys, and what they may hold."""

import pytest

from emulator.core.aggregate import groups as module
from emulator.core.aggregate.accumulators import ACCUMULATORS
from emulator.core.aggregate.expressions import base_scope, compile_value
from emulator.core.aggregate.group_keys import PlainKeys
from emulator.core.aggregate.groups import COUNT_OUTPUT, Groups, Output
from emulator.core.errors import DatabaseRequestFailed
from emulator.core.ordering import identical
from emulator.core.values import Int64


def output(name, operand):
    expression = compile_value(operand, base_scope(now_ms=0))
    return Output(name, ACCUMULATORS[name], expression, path=operand)


def grouped(outputs, *chunks):
    """Group documents by `k`, an id being the key and the first document's number."""
    groups = Groups(outputs, (), lambda document: f"{document['k']}{document['n']}")
    for chunk in chunks:
        groups.add([document["k"] for document in chunk], chunk)
    return list(groups.documents())


ROWS = [{"k": key, "n": number} for number, key in enumerate("abacba")]

TABLE = [
    ([], [{"_id": "a0"}, {"_id": "b1"}, {"_id": "c3"}]),
    (
        [COUNT_OUTPUT],
        [{"_id": "a0", "count": 3}, {"_id": "b1", "count": 2}, {"_id": "c3", "count": 1}],
    ),
    (
        [output("$sum", "$n")],
        [{"_id": "a0", "$sum": 7}, {"_id": "b1", "$sum": 5}, {"_id": "c3", "$sum": 3}],
    ),
    (
        [COUNT_OUTPUT, output("$max", "$n"), output("$push", "$k"), output("$min", "$n")],
        [
            {"_id": "a0", "count": 3, "$max": 5, "$push": ["a", "a", "a"], "$min": 0},
            {"_id": "b1", "count": 2, "$max": 4, "$push": ["b", "b"], "$min": 1},
            {"_id": "c3", "count": 1, "$max": 3, "$push": ["c"], "$min": 3},
        ],
    ),
]


@pytest.mark.parametrize(("outputs", "expected"), TABLE)
@pytest.mark.parametrize("size", [1, 2, 6])
def test_slices_grow_the_same_groups(outputs, expected, size):
    chunks = [ROWS[start : start + size] for start in range(0, len(ROWS), size)]
    assert grouped(outputs, [], *chunks) == expected


@pytest.mark.parametrize("outputs", [[COUNT_OUTPUT], [output("$sum", "$n")]])
def test_an_id_is_that_of_the_first_document(outputs):
    same = [{"k": 1, "n": "x"}, {"k": 1.0, "n": "y"}]
    assert [each["_id"] for each in grouped(outputs, same)] == ["1x"]
    assert [each["_id"] for each in grouped(outputs, same[1:], same[:1])] == ["1.0y"]


@pytest.mark.parametrize("outputs", [[COUNT_OUTPUT], [output("$sum", "$n")]])
@pytest.mark.parametrize("keys", [[1, Int64(1), 2], [Int64(1), 1, 2], [None, None, "a"]])
def test_plain_keys_are_ids(outputs, keys):
    def id_of(_document):
        pytest.fail("no document is looked into")

    groups = Groups(outputs, (), id_of, lambda key: {"k": key})
    groups.add(PlainKeys(keys[:2]), ROWS[:2])
    groups.add(PlainKeys(keys[1:]), ROWS[1:3])
    found = list(groups.documents())
    assert identical([each["_id"] for each in found], [{"k": keys[0]}, {"k": keys[2]}])
    assert [next(iter(each)) for each in found] == ["_id", "_id"]


@pytest.mark.parametrize("outputs", [[COUNT_OUTPUT], [output("$push", "$n")]])
def test_groups_that_hold_too_much_are_refused(outputs, monkeypatch):
    monkeypatch.setattr(module, "MEMORY_MAX_BYTES", 200)
    with pytest.raises(DatabaseRequestFailed) as refusal:
        grouped(outputs, ROWS)
    assert refusal.value.mongo_code == 16945
