"""How two documents differ, by kind as well as by value."""

import pytest

from emulator.core.changes import removed_fields, updated_fields
from emulator.core.values import Int64

NAN = float("nan")

DIFFERENCES = [
    pytest.param({"a": 1}, {"a": 2}, {"a": 2}, [], id="other value"),
    pytest.param({"a": 1}, {"a": 1, "b": 2}, {"b": 2}, [], id="new field"),
    pytest.param({"a": 1, "b": 2}, {"b": 2}, {}, ["a"], id="removed field"),
    pytest.param({"a": 1}, {"a": True}, {"a": True}, [], id="a boolean is no number"),
    pytest.param({"a": 1}, {"a": 1.0}, {"a": 1.0}, [], id="a double is no int"),
    pytest.param({"a": 1}, {"a": Int64(1)}, {"a": Int64(1)}, [], id="a long is no int"),
    pytest.param({"a": NAN}, {"a": NAN}, {}, [], id="NaN is itself"),
    pytest.param({"a": {"x": 1, "y": 2}}, {"a": {"y": 2, "x": 1}}, {"a": {"y": 2, "x": 1}}, [],
                 id="order of keys"),
    pytest.param({"a": None}, {}, {}, ["a"], id="null is there"),
    pytest.param(None, {"a": 1}, {"a": 1}, [], id="insert"),
    pytest.param({"a": 1}, None, {}, [], id="remove"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "updated", "removed"), DIFFERENCES)
def test_difference(before, after, updated, removed):
    found = updated_fields(before, after)
    assert found == updated
    assert [type(value) for value in found.values()] == [type(one) for one in updated.values()]
    assert removed_fields(before, after) == removed


def test_a_difference_is_no_part_of_the_document():
    after = {"a": 1}
    updated_fields(None, after)["b"] = 2
    assert after == {"a": 1}
