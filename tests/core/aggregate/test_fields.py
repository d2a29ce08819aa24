"""Putting values behind paths and taking them away."""

import pytest

from emulator.core.aggregate.fields import remove_path, set_path


@pytest.mark.parametrize(
    ("document", "path", "expected"),
    [
        ({"a": 1}, "b", {"a": 1, "b": 9}),
        ({"a": 1}, "a", {"a": 9}),
        ({"a": {"x": 1}}, "a.y", {"a": {"x": 1, "y": 9}}),
        ({"a": 5}, "a.y", {"a": {"y": 9}}),
        ({}, "a.b.c", {"a": {"b": {"c": 9}}}),
    ],
)
def test_a_value_is_put_behind_a_path(document, path, expected):
    before = repr(document)
    assert set_path(document, tuple(path.split(".")), 9) == expected
    assert repr(document) == before


@pytest.mark.parametrize(
    ("document", "path", "expected"),
    [
        ({"a": 1, "b": 2}, "a", {"b": 2}),
        ({"a": 1}, "b", {"a": 1}),
        ({"a": {"x": 1, "y": 2}}, "a.x", {"a": {"y": 2}}),
        ({"a": 5}, "a.x", {"a": 5}),
    ],
)
def test_a_value_is_taken_away(document, path, expected):
    before = repr(document)
    assert remove_path(document, tuple(path.split("."))) == expected
    assert repr(document) == before
