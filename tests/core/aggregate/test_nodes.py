"""What a compiled expression is."""

import pytest

from emulator.core.aggregate.expressions import base_scope, compile_value
from emulator.core.aggregate.nodes import is_true
from emulator.core.values import MISSING, Date

SCOPE = base_scope(now_ms=0)
DOCUMENTS = [{"a": 1, "o": {"x": 1}}, {"a": 2, "o": {"x": 2}}]
ODD = [{}, {"a": None, "o": 5}, {"a": [1], "o": [{"x": 1}]}, {"o": {}}]


@pytest.mark.parametrize(
    "operand",
    ["$a", "$o.x", "$o.x.y", "$$ROOT", 5, {"$add": ["$a", 1]}, {"k": "$a"}, ["$a", "$no"]],
    ids=repr,
)
def test_a_column_holds_what_each_document_gives(operand):
    expression = compile_value(operand, SCOPE)
    for documents in (DOCUMENTS, [], ODD if not isinstance(operand, dict) else DOCUMENTS):
        found = expression.column(documents, ())
        assert found == [expression.run(document, ()) for document in documents]


@pytest.mark.parametrize(
    ("value", "truth"),
    [
        (True, True), (False, False), (None, False), (MISSING, False), (0, False), (0.0, False),
        (1, True), (-1.5, True), ("", True), ([], True), ({}, True), (float("nan"), True),
        (Date(0), True),
    ],
)  # fmt: skip
def test_what_counts_as_true(value, truth):
    assert is_true(value) is truth


def test_constants_are_computed_once_while_compiling():
    assert compile_value({"$add": [1, {"$multiply": [2, 3]}]}, SCOPE).constant == 7
    assert compile_value({"a": [1, "$$NOW"]}, SCOPE).constant == {"a": [1, Date(0)]}
    assert not compile_value({"$add": ["$a", 1]}, SCOPE).is_constant


def test_a_constant_that_fails_is_left_until_it_is_reached(require, refused):
    failing = {"$divide": [1, 0]}
    require({"$cond": ["$a", failing, "fine"]}, "fine", {"a": 0})
    refused({"$cond": ["$a", failing, "fine"]}, 16608, {"a": 1})
