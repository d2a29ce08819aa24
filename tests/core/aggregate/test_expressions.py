"""Compiling expressions: literals, objects, arrays, operators."""

import contextlib
import re

import pytest

from emulator.core.aggregate.expressions import OPERATORS, compile_expression, expression_compiler
from emulator.core.errors import DatabaseRequestFailed, InvalidOperator

VALUES = [
    (5, 5),
    ("text", "text"),
    (None, None),
    ({"a": 1, "b": "$n"}, {"a": 1, "b": 3}),
    ({"a": "$no"}, {}),
    ({"a": {"b": "$no"}}, {"a": {}}),
    ({}, {}),
    (["$n", "$no", 1], [3, None, 1]),
    ({"a": {"$add": ["$n", 1]}}, {"a": 4}),
]


@pytest.mark.parametrize(("expression", "expected"), VALUES, ids=repr)
def test_a_value(require, expression, expected):
    require(expression, expected, {"n": 3})


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ({"$add": [1], "$subtract": [1]}, 15983),
        ({"a": 1, "$add": [1]}, 15983),
        ({"a.b": 1}, 16412),
        ({"": 1}, 15998),
    ],
    ids=repr,
)
def test_a_wrong_object_is_refused(refused, expression, code):
    refused(expression, code)


def test_an_unknown_operator_is_refused_by_its_name():
    with pytest.raises(InvalidOperator, match=re.escape("Unrecognized expression '$no'")) as caught:
        compile_expression({"a": [{"$no": 1}]}, now_ms=0)
    assert caught.value.mongo_code == 168


@pytest.mark.parametrize("wrap", [lambda inner: {"$abs": inner}, lambda inner: [inner]])
def test_expressions_nest_only_so_deep(refused, wrap):
    expression = 1
    for _ in range(250):
        expression = wrap(expression)
    refused(expression, 15)


def test_deep_expressions_work(require):
    expression = "$n"
    for _ in range(99):
        expression = {"$add": [expression, 1]}
    require(expression, 102, {"n": 3})


def test_a_filter_asks_an_expression_for_its_truth():
    matches = expression_compiler(now_ms=0)({"$gt": ["$a", 1]})
    assert matches({"a": 2})
    assert not matches({"a": 1})


@pytest.mark.parametrize("name", OPERATORS)
def test_every_operator_tells_its_form(name):
    assert re.fullmatch(r"[^ ].*[^ ]|x", OPERATORS[name].form)


@pytest.mark.parametrize("name", sorted(set(OPERATORS) - {"$literal", "$const"}))
@pytest.mark.parametrize("operand", [[1] * 9, {"no": 1}, "$no", None], ids=repr)
def test_every_operator_answers_or_refuses(evaluate, name, operand):
    with contextlib.suppress(DatabaseRequestFailed):
        evaluate({name: operand})
