"""Dotted paths: parts, and what lies behind them through objects and arrays."""

import pytest

from emulator.core.errors import DatabaseRequestFailed
from emulator.core.paths import (
    any_match,
    array_index,
    direct_value,
    sort_values,
    split_path,
    visit,
    written_index,
)
from emulator.core.values import MISSING


@pytest.mark.parametrize(
    ("part", "index"),
    [("0", 0), ("12", 12), ("01", None), ("-1", None), ("a", None), ("", None), ("²", None)],
)
def test_only_plain_digits_are_an_index(part, index):
    assert array_index(part) == index


def test_an_absurd_index_is_a_name():
    assert array_index("9" * 10) is None
    assert written_index("9" * 10) is None


@pytest.mark.parametrize(
    ("part", "index"),
    [("0", 0), ("12", 12), ("01", 1), ("-1", None), ("a", None), ("", None), ("²", None)],
)
def test_updates_read_zeros_in_front_of_an_index(part, index):
    assert written_index(part) == index


@pytest.mark.parametrize(
    ("document", "path", "value"),
    [
        pytest.param({"a": {"b": 1}}, "a.b", 1, id="nested"),
        pytest.param({"a": [{"b": 1}]}, "a.b", MISSING, id="never through arrays"),
        pytest.param({"a": 1}, "a.b", MISSING, id="never through scalars"),
        pytest.param({}, "a", MISSING, id="absent"),
        pytest.param({"a": None}, "a", None, id="null"),
    ],
)
def test_direct_value_passes_objects_only(document, path, value):
    assert direct_value(document, split_path(path)) is value


REACHED = [
    pytest.param({"a": 1}, "a", [1], id="scalar"),
    pytest.param({}, "a", [MISSING], id="absent"),
    pytest.param({"a": [1, 2]}, "a", [1, 2, [1, 2]], id="elements, then the array"),
    pytest.param({"a": []}, "a", [[]], id="empty array"),
    pytest.param({"a": [[1]]}, "a", [[1], [[1]]], id="arrays in arrays stay closed"),
    pytest.param({"a": {"b": [1]}}, "a.b", [1, [1]], id="array at the end"),
    pytest.param({"a": 5}, "a.b", [MISSING], id="scalar on the way"),
    pytest.param({"a": [{"b": 1}, {"c": 2}, 3]}, "a.b", [1, MISSING], id="objects of an array"),
    pytest.param({"a": [[{"b": 1}]]}, "a.b", [], id="no array directly in an array"),
    pytest.param({"a": []}, "a.b", [], id="nothing behind an empty array"),
    pytest.param({"a": [7, 8]}, "a.1", [8], id="index"),
    pytest.param({"a": [7]}, "a.1", [], id="index past the end"),
    pytest.param({"a": [[1, 2]]}, "a.0", [[1, 2]], id="an indexed array stays closed"),
    pytest.param({"a": [{"0": "x"}, 5]}, "a.0", ["x", {"0": "x"}], id="a number is both"),
    pytest.param({"a": {"0": "x"}}, "a.0", ["x"], id="a number names a field"),
    pytest.param({"a": [{"b": 1}, {"b": 2}]}, "a.1.b", [MISSING, MISSING, 2], id="index then name"),
    pytest.param({"a": [5, [2, 4]]}, "a.1.0", [2], id="index in an index"),
    pytest.param({"a": [5, [{"b": 4}]]}, "a.1.b", [4], id="objects of an indexed array"),
    pytest.param({"a": [5]}, "a.0.b", [], id="index to a scalar, path goes on"),
]


@pytest.mark.parametrize(("document", "path", "reached"), REACHED)
def test_visit_yields_what_a_condition_is_asked_of(document, path, reached):
    found = [value for value, _ in visit(document, split_path(path))]
    assert sorted(map(repr, found)) == sorted(map(repr, reached))


@pytest.mark.parametrize(("document", "path", "reached"), REACHED)
def test_any_match_asks_the_same_values(document, path, reached):
    parts = split_path(path)
    for wanted in reached:
        assert any_match(parts, lambda value, wanted=wanted: repr(value) == repr(wanted))(document)
    texts = {repr(value) for value in reached}
    assert not any_match(parts, lambda value: repr(value) not in texts)(document)


def test_without_elements_only_the_array_itself_is_asked():
    document = {"a": {"b": [1, 2]}}
    parts = split_path("a.b")
    assert any_match(parts, lambda value: value == [1, 2], elements=False)(document)
    assert not any_match(parts, lambda value: value == 1, elements=False)(document)
    assert list(visit(document, parts, elements=False)) == [([1, 2], None)]


@pytest.mark.parametrize(
    ("document", "path", "index"),
    [
        pytest.param({"a": [5, 7]}, "a", 1, id="own element"),
        pytest.param({"a": [{"b": 5}, {"b": [1, 7]}]}, "a.b", 1, id="the outer array counts"),
        pytest.param({"a": [[5, 7]]}, "a.0.1", None, id="indexes are no traversal"),
        pytest.param({"a": [{"b": [5, 7]}]}, "a.0.b", 1, id="inner array behind an index"),
        pytest.param({"a": 7}, "a", None, id="no array"),
    ],
)
def test_visit_tells_the_index_of_the_expanded_array(document, path, index):
    found = [place for value, place in visit(document, split_path(path)) if value == 7]
    assert found[-1] == index


ROWS = [
    pytest.param({"a": 1, "b": 2}, ["a", "b"], [(1, 2)], id="scalars"),
    pytest.param({}, ["a"], [(None,)], id="missing"),
    pytest.param({"a": []}, ["a"], [(MISSING,)], id="empty array"),
    pytest.param({"a": []}, ["a.b"], [(None,)], id="behind an empty array"),
    pytest.param({"a": [1, 2], "b": 3}, ["a", "b"], [(1, 3), (2, 3)], id="array and scalar"),
    pytest.param(
        {"a": [{"x": 1, "y": 2}, {"x": 3}]}, ["a.x", "a.y"], [(1, 2), (3, None)], id="shared array"
    ),
    pytest.param({"a": [1]}, ["a", "a.b"], [(1, None)], id="array and behind it"),
    pytest.param({"a": [{"b": [1, 2]}]}, ["a.b"], [(1,), (2,)], id="arrays in an array"),
    pytest.param({"a": [[1, 2]]}, ["a.0"], [([1, 2],)], id="array picked out of an array"),
    pytest.param({"a": [[]]}, ["a.0"], [(MISSING,)], id="empty array picked out of an array"),
    pytest.param({"a": [{"b": [1, 2]}]}, ["a.0.b"], [(1,), (2,)], id="array behind an index"),
    pytest.param({"a": {"0": [1, 2]}}, ["a.0"], [(1,), (2,)], id="number as a name of an array"),
    pytest.param({"a": [{"0": 5}]}, ["a.0"], [(5,)], id="number as a name"),
    pytest.param({"a": 3}, ["a.b"], [(None,)], id="broken off"),
]


@pytest.mark.parametrize(("document", "paths", "expected"), ROWS)
def test_sort_values_give_a_row_for_each_element(document, paths, expected):
    assert sort_values(document, [split_path(path) for path in paths]) == expected


def test_paths_through_different_arrays_are_refused():
    with pytest.raises(DatabaseRequestFailed, match="a and b"):
        sort_values({"a": [1], "b": [2]}, [("a",), ("b",)])
