"""Operators that bind variables."""

import pytest

from emulator.core.aggregate.environment import PipelineEnvironment
from emulator.core.aggregate.pipeline import compile_pipeline
from emulator.core.aggregate.stage_nodes import slices
from emulator.core.errors import DatabaseRequestFailed

DOCUMENT = {"n": 3, "a": [1, 2, 3], "o": {"b": [{"c": 1}, {"c": 2}, {}]}}

VALUES = [
    ({"$let": {"vars": {"x": "$n"}, "in": {"$add": ["$$x", 1]}}}, 4),
    ({"$let": {"vars": {"x": "$o"}, "in": "$$x.b.c"}}, [1, 2]),
    ({"$let": {"vars": {"x": 1}, "in": 5}}, 5),
    (
        {
            "$let": {
                "vars": {"x": 1},
                "in": {"$let": {"vars": {"x": 2, "y": "$$x"}, "in": ["$$x", "$$y"]}},
            }
        },
        [2, 1],
    ),
    ({"$let": {"vars": {"CURRENT": "$o"}, "in": "$b.c"}}, [1, 2]),
    ({"$map": {"input": "$a", "as": "x", "in": {"$multiply": ["$$x", "$n"]}}}, [3, 6, 9]),
    ({"$map": {"input": "$a", "in": "$$this"}}, [1, 2, 3]),
    ({"$map": {"input": "$o.b", "in": "$$this.c"}}, [1, 2, None]),
    ({"$map": {"input": None, "in": 1}}, None),
    ({"$map": {"input": "$no", "in": 1}}, None),
    ({"$filter": {"input": "$a", "as": "x", "cond": {"$gt": ["$$x", 1]}}}, [2, 3]),
    ({"$filter": {"input": "$a", "cond": True, "limit": 2}}, [1, 2]),
    ({"$filter": {"input": "$a", "cond": True, "limit": None}}, [1, 2, 3]),
    ({"$filter": {"input": None, "cond": True}}, None),
    (
        {"$reduce": {"input": "$a", "initialValue": 0, "in": {"$add": ["$$value", "$$this"]}}},
        6,
    ),
    ({"$reduce": {"input": [], "initialValue": "x", "in": "$$this"}}, "x"),
    ({"$reduce": {"input": "$no", "initialValue": "x", "in": "$$this"}}, None),
    ({"$size": {"$map": {"input": {"$range": [0, 200]}, "in": "$$this"}}}, 200),
]

REFUSALS = [
    ({"$let": 1}, 16874),
    ({"$let": {"vars": {}, "in": 1, "no": 1}}, 16875),
    ({"$let": {"in": 1}}, 16876),
    ({"$let": {"vars": {}}}, 16877),
    ({"$let": {"vars": 1, "in": 1}}, 10065),
    ({"$let": {"vars": {"X": 1}, "in": 1}}, 16867),
    ({"$let": {"vars": {"": 1}, "in": 1}}, 16866),
    ({"$let": {"vars": {"a b": 1}, "in": 1}}, 16868),
    ({"$let": {"vars": {"x": 1, "y": "$$x"}, "in": 1}}, 17276),
    ({"$map": 1}, 16878),
    ({"$map": {"input": [], "in": 1, "no": 1}}, 16879),
    ({"$map": {"in": 1}}, 16880),
    ({"$map": {"input": []}}, 16882),
    ({"$map": {"input": "x", "in": 1}}, 16883),
    ({"$map": {"input": [], "as": 1, "in": 1}}, 9),
    ({"$filter": 1}, 28646),
    ({"$filter": {"input": [], "cond": 1, "no": 1}}, 28647),
    ({"$filter": {"cond": 1}}, 28648),
    ({"$filter": {"input": []}}, 28650),
    ({"$filter": {"input": "x", "cond": 1}}, 28651),
    ({"$filter": {"input": [], "cond": 1, "limit": "x"}}, 327391),
    ({"$filter": {"input": [], "cond": 1, "limit": 0}}, 327392),
    ({"$reduce": 1}, 40075),
    ({"$reduce": {"input": [], "initialValue": 1, "in": 1, "no": 1}}, 40076),
    ({"$reduce": {"initialValue": 1, "in": 1}}, 40077),
    ({"$reduce": {"input": [], "in": 1}}, 40078),
    ({"$reduce": {"input": [], "initialValue": 1}}, 40079),
    ({"$reduce": {"input": "x", "initialValue": 1, "in": 1}}, 40080),
]


@pytest.mark.parametrize(("expression", "expected"), VALUES, ids=repr)
def test_variables_are_bound(require, expression, expected):
    require(expression, expected, DOCUMENT)


@pytest.mark.parametrize(("expression", "code"), REFUSALS, ids=repr)
def test_a_wrong_operand_is_refused(refused, expression, code):
    refused(expression, code, DOCUMENT)


@pytest.mark.parametrize(
    "expression",
    [
        {"$map": {"input": {"$range": [0, 1000]}, "in": 1}},
        {"$filter": {"input": {"$range": [0, 1000]}, "cond": True}},
        {"$reduce": {"input": {"$range": [0, 1000]}, "initialValue": 0, "in": 1}},
    ],
    ids=lambda expression: next(iter(expression)),
)
def test_long_loops_ask_whether_to_go_on(expression):
    asked = []

    def watch():
        asked.append(1)
        if len(asked) > 5:
            raise DatabaseRequestFailed("too long", mongo_code=50)

    environment = PipelineEnvironment(now_ms=0, watch=watch)
    pipeline = compile_pipeline([{"$project": {"x": expression}}], environment)
    with pytest.raises(DatabaseRequestFailed, match="too long"):
        list(pipeline.run(slices([{}])))
