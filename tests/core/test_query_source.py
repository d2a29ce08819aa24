"""The generated form of filters: always the plain form's answer, and never a value in the text."""

import pytest

from emulator.core import query_source
from emulator.core.query import compile_filter
from emulator.core.query_nodes import predicate
from emulator.core.query_source import (
    INLINE_BRANCHES_MAX,
    INLINE_CHECKS_MAX,
    INLINE_DEPTH_MAX,
    INLINE_PARTS_MAX,
    generate,
)
from emulator.core.values import Date, Int64, Regex

VALUES = [None, True, False, 0, 1, 1.0, 7, Int64(7), "x", "xy", Date(3), Date(9), {}, {"b": 7}, []]
VALUES += [[1], [True], [7, "x"], [{"b": 7}], [[7]], {"b": [7]}, {"b": None}, float("nan")]
VALUES += [[{"b": 7}, {"b": ["x"]}], [[{"b": 7}]], [{"c": 7}, 5], [{"b": {"c": 7}}], [{}, "x"]]
VALUES += [[0], [False, 5], [1.5, None], [{"x": 1}, "z"], {"0": 7}, [{"0": "x"}]]
OPERANDS = [None, True, 0, 1, 7, 7.5, "x", Date(3), Regex("^x"), {"$gt": 0}, {"$lte": 7.0}]
OPERANDS += [{"$gte": "x"}, {"$lt": Date(9)}, {"$in": ["x", "z"]}, {"$in": [7, 1.5]}]
OPERANDS += [{"$exists": True}, {"$ne": 7}, {"$size": 1}, {"$gt": 0, "$lt": 5}, {"$nin": [7, "x"]}]
OPERANDS += [{"$exists": False}, {"$in": [0, 5]}, {"$in": [5, 7]}, {"$in": [None, 1]}, {"$eq": []}]
OPERANDS += [{"$elemMatch": {"b": 7}}, {"$not": {"$gt": 5}}, {"$mod": [7, 0]}, {"$type": "bool"}]


@pytest.mark.parametrize("operand", OPERANDS, ids=str)
@pytest.mark.parametrize("path", ["a", "a.b", "a.b.c", "a.0", "a.0.b", "a.b.0"])
def test_the_generated_form_agrees_with_the_plain_one(path, operand):
    compiled = compile_filter({path: operand})
    plain = predicate(compiled.node)
    for value in VALUES:
        for document in ({"a": value}, {"a": {"b": value}}, {"a": {"b": {"c": value}}}, {}):
            assert compiled.matches(document) == plain(document), document


def test_names_that_look_like_code_are_only_names():
    names = ["a'] or True #", 'x"y', "{get}", "\\", "\n", "d", "v1", "__import__('os')"]
    for name in names:
        compiled = compile_filter({name: 5})
        assert compiled.matches({name: 5})
        assert not compiled.matches({"other": 5})


def test_values_never_enter_the_text(monkeypatch):
    texts = []
    factory = query_source._factory

    def spy(source):
        texts.append(source)
        return factory(source)

    monkeypatch.setattr(query_source, "_factory", spy)
    for value in ("secret'", 424242, Date(424242)):
        compile_filter({"a": value, "b": {"$gt": value}, "c": {"$in": [value, value]}})
    assert len(texts) == 3
    assert not any("secret" in text or "424242" in text for text in texts)


def test_filters_of_one_shape_share_their_code():
    one, two = compile_filter({"a": 5, "b": "x"}), compile_filter({"a": 9, "b": "y"})
    assert one.matches.__code__ is two.matches.__code__
    assert one.matches({"a": 5, "b": "x"})
    assert not two.matches({"a": 5, "b": "x"})


def nested(depth: int) -> dict:
    filter_ = {"a": 1}
    for _ in range(depth):
        filter_ = {"$or": [filter_, {"b": 1}]}
    return filter_


@pytest.mark.parametrize(
    "filter_",
    [
        pytest.param({f"f{i}": i for i in range(INLINE_CHECKS_MAX + 5)}, id="many checks"),
        pytest.param(
            {"$or": [{"a": i} for i in range(INLINE_BRANCHES_MAX + 5)]}, id="many branches"
        ),
        pytest.param(nested(INLINE_DEPTH_MAX + 3), id="deep"),
        pytest.param({".".join("abcdefghij"[: INLINE_PARTS_MAX + 2]): 1}, id="long path"),
    ],
)
def test_beyond_the_bounds_the_plain_form_runs(filter_):
    compiled = compile_filter(filter_)
    documents = [{}, {"a": 3}, {"a": 1}, {f"f{i}": i for i in range(40)}]
    documents.append({"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": 1}}}}}}}})
    plain = predicate(compiled.node)
    assert compiled.select(documents) == [d for d in documents if plain(d)]


def test_select_takes_any_iterable_and_keeps_the_order():
    _, select = generate(compile_filter({"a": {"$gt": 1}}).node)
    assert select({"a": i} for i in (3, 1, 2)) == [{"a": 3}, {"a": 2}]


def test_what_rules_out_most_is_asked_first(monkeypatch):
    texts = []
    factory = query_source._factory
    monkeypatch.setattr(
        query_source, "_factory", lambda source: texts.append(source) or factory(source)
    )
    wanted = {"a": {"$size": 1}, "c": {"$in": ["x", "y"]}, "b": {"$gt": 1}, "d": 5}
    compiled = compile_filter(wanted)
    asked = [texts[-1].index(f"d.get('{name}')") for name in "dbc"]
    assert asked == sorted(asked)
    assert compiled.matches({"a": [1], "b": 2, "c": "x", "d": 5})
    assert not compiled.matches({"a": [], "b": 2, "c": "x", "d": 5})
