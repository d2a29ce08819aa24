"""Documents of another collection, by an index or by a hash: the same ones in the same order."""

import pytest

from emulator.core.aggregate import foreign as module
from emulator.core.aggregate.environment import PipelineEnvironment
from emulator.core.aggregate.foreign import Foreign, present_keys, query_keys
from emulator.core.query import compile_filter

DOCUMENTS = [{"_id": n, "k": k} for n, k in enumerate([1, [1, 2], None, "x", 1.0, {"y": 1}])]
DOCUMENTS.append({"_id": 6})


def found(values, *, by_index, path="k"):
    def find_equal(_name, asked, value):
        matches = compile_filter({asked: {"$in": [value, "x"]}}).matches
        return {number: each for number, each in enumerate(DOCUMENTS) if matches(each)}

    environment = PipelineEnvironment(
        now_ms=0,
        collection=lambda _name: [] if by_index else DOCUMENTS,
        find_equal=find_equal if by_index else None,
    )
    foreign = Foreign("others", environment, query_keys("k"), path)
    result = []

    def drive():
        result.append((yield from foreign.having(values)))

    assert list(drive()) == ([] if by_index else [[]])
    return [each["_id"] for each in result[0]]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1], [0, 1, 4]),
        ([2, "x"], [1, 3]),
        (["x", 2, 1], [0, 1, 3, 4]),
        ([None], [2, 6]),
        ([{"y": 1}], [5]),
        (["nothing"], []),
        ([], []),
    ],
    ids=repr,
)
@pytest.mark.parametrize("by_index", [True, False])
def test_it_makes_no_difference_how_they_are_found(values, expected, by_index):
    assert found(values, by_index=by_index) == expected


def test_many_values_are_looked_up_by_hash(monkeypatch):
    monkeypatch.setattr(module, "INDEXED_VALUES_MAX", 1)
    assert found([2, "x"], by_index=False) == [1, 3]


def test_a_missing_field_has_no_present_key():
    keys = present_keys("a.b")
    assert set(keys({"a": {"b": None}})) == {None}
    assert set(keys({"a": [{"b": 1}, {}, 5]})) == {1}
    assert not set(keys({}))
