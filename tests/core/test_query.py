"""Whole filters: logic, paths, what the planner is told, and what is refused."""

import pytest

from emulator.core.errors import DatabaseRequestFailed, InvalidOperator
from emulator.core.query import FILTER_DEPTH_MAX, compile_filter, demanded_values, id_filter
from emulator.core.values import MISSING, Date, ObjectId, Regex

DOCUMENTS = [
    {"_id": 0, "n": 1, "o": {"x": 1}, "l": [{"x": 1, "y": 2}, {"x": 3, "y": 4}]},
    {"_id": 1, "n": 2, "o": {"x": [1, 2]}, "l": []},
    {"_id": 2, "n": 3, "o": 5},
    {"_id": 3, "o": None, "l": [5, {"y": 4}]},
]


def found(filter_, **options):
    compiled = compile_filter(filter_, **options)
    chosen = compiled.select(DOCUMENTS)
    assert chosen == [d for d in DOCUMENTS if compiled.matches(d)]
    assert [d["_id"] for d in DOCUMENTS if compiled.matched_index(d) is not None] == [
        d["_id"] for d in chosen if compiled.matched_index(d) is not None
    ]
    return [document["_id"] for document in chosen]


CASES = [
    pytest.param({}, [0, 1, 2, 3], id="nothing asked"),
    pytest.param({"n": {"$gte": 1}, "o.x": 1}, [0, 1], id="both fields"),
    pytest.param({"$and": [{"n": 1}, {"o.x": 1}]}, [0], id="$and"),
    pytest.param({"$or": [{"n": 1}, {"o": None}]}, [0, 3], id="$or"),
    pytest.param({"$or": [{"n": 2}]}, [1], id="$or of one"),
    pytest.param({"$nor": [{"n": 1}, {"n": 2}]}, [2, 3], id="$nor"),
    pytest.param({"$nor": [{"$or": [{"n": 1}]}, {"$and": [{"n": 2}]}]}, [2, 3], id="nested logic"),
    pytest.param({"$and": [{}, {"n": 2}]}, [1], id="empty branch"),
    pytest.param({"n": 1, "$comment": "x"}, [0], id="$comment"),
    pytest.param({"l.x": 1, "l.y": 4}, [0], id="two elements may meet two conditions"),
    pytest.param({"l": {"$elemMatch": {"x": 1, "y": 4}}}, [], id="one element must meet both"),
    pytest.param({"l.x": None}, [2, 3], id="null through an array asks its objects"),
    pytest.param({"o.x": None}, [2, 3], id="null behind a scalar"),
    pytest.param({"l.0.x": 1}, [0], id="index"),
    pytest.param({"l.1.y": {"$gt": 3}}, [0, 3], id="range behind an index"),
    pytest.param({"o.x": {"$exists": True}}, [0, 1], id="$exists behind a path"),
    pytest.param({"l.x": {"$exists": False}}, [1, 2, 3], id="$exists false through an array"),
    pytest.param({"$jsonSchema": {"required": ["n"]}}, [0, 1, 2], id="$jsonSchema"),
    pytest.param({"o": {"$ref": "c", "$id": 1}}, [], id="a reference is a value"),
    pytest.param({"o": {"x": 1}}, [0], id="an object is a value"),
    pytest.param({"": 1}, [], id="empty name"),
]


@pytest.mark.parametrize(("filter_", "expected"), CASES)
def test_filter_matches(filter_, expected):
    assert found(filter_) == expected


@pytest.mark.parametrize(("filter_", "expected"), CASES)
def test_nor_matches_all_others(filter_, expected):
    assert found({"$nor": [filter_]}) == [i for i in range(4) if i not in expected]


REFUSED = [
    pytest.param({"$foo": 1}, InvalidOperator, "unknown top level operator: \\$foo", id="unknown"),
    pytest.param({"$where": "1"}, InvalidOperator, "not allowed", id="$where"),
    pytest.param({"$text": {}}, InvalidOperator, "not allowed", id="$text"),
    pytest.param({"$expr": True}, InvalidOperator, "not available", id="$expr without expressions"),
    pytest.param({"$and": {}}, DatabaseRequestFailed, "must be an array", id="$and"),
    pytest.param({"$or": []}, DatabaseRequestFailed, "nonempty array", id="$or"),
    pytest.param({"$nor": [1]}, DatabaseRequestFailed, "full objects", id="$nor"),
    pytest.param([1], DatabaseRequestFailed, "a filter must be an object", id="no object"),
]


@pytest.mark.parametrize(("filter_", "error", "text"), REFUSED)
def test_filter_is_refused(filter_, error, text):
    with pytest.raises(error, match=text) as refusal:
        compile_filter(filter_)
    assert refusal.value.mongo_code == 2


def test_nesting_has_a_bound():
    filter_ = {"n": 1}
    for _ in range(FILTER_DEPTH_MAX + 1):
        filter_ = {"$and": [filter_]}
    with pytest.raises(DatabaseRequestFailed, match="nested deeper"):
        compile_filter(filter_)


def test_expressions_are_plugged_in():
    seen = []

    def compiler(operand):
        seen.append(operand)
        return lambda document: document["n"] == operand if "n" in document else False

    assert found({"$or": [{"$expr": 2}, {"o": None}]}, expression=compiler) == [1, 3]
    assert seen == [2]


PLANS = [
    pytest.param({"a": 1, "b": "x"}, {"a": 1, "b": "x"}, id="equalities"),
    pytest.param({"a": {"$eq": True}, "b.c": Date(1)}, {"a": True, "b.c": Date(1)}, id="$eq, path"),
    pytest.param({"$and": [{"a": 1}, {"$and": [{"b": 2}]}]}, {"a": 1, "b": 2}, id="$and"),
    pytest.param({"$or": [{"a": 1}]}, {"a": 1}, id="$or of one"),
    pytest.param({"a": {"$in": [ObjectId("1" * 24)]}}, {"a": ObjectId("1" * 24)}, id="$in of one"),
    pytest.param({"a": {"$in": [1, 2]}}, {}, id="$in of two"),
    pytest.param({"a": None}, {}, id="null may be missing"),
    pytest.param({"a": Regex("x"), "b": {"$gt": 1}, "c": [1]}, {}, id="no scalars"),
    pytest.param({"$or": [{"a": 1}, {"b": 1}]}, {}, id="$or"),
    pytest.param({"$nor": [{"a": 1}]}, {}, id="$nor"),
    pytest.param({"$and": [{"a": 1}, {"a": 2}]}, {"a": 1}, id="the first of two"),
]


@pytest.mark.parametrize(("filter_", "equalities"), PLANS)
def test_the_planner_is_told_the_equalities(filter_, equalities):
    assert compile_filter(filter_).equalities == equalities


@pytest.mark.parametrize(
    ("filter_", "document_id", "only"),
    [
        pytest.param({"_id": "x"}, "x", True, id="id"),
        pytest.param({"_id": {"$eq": 5}}, 5, True, id="$eq"),
        pytest.param({"_id": {"$in": ["x"]}}, "x", True, id="$in of one"),
        pytest.param({"_id": "x", "a": 1}, "x", False, id="id and more"),
        pytest.param({"_id": {"$gt": "x"}}, MISSING, False, id="range"),
        pytest.param({"_id": Regex("x")}, MISSING, False, id="pattern"),
        pytest.param({"_id": None}, MISSING, False, id="null"),
        pytest.param({"$or": [{"_id": 1}, {"_id": 2}]}, MISSING, False, id="$or"),
        pytest.param({}, MISSING, False, id="nothing"),
    ],
)
def test_the_pinned_id_is_told(filter_, document_id, only):
    compiled = compile_filter(filter_)
    assert compiled.document_id == document_id
    assert compiled.residual_is_id_only is only


@pytest.mark.parametrize(
    ("filter_", "document_ids"),
    [
        pytest.param({"_id": {"$in": ["x", 1]}}, ("x", 1), id="some"),
        pytest.param({"_id": {"$in": ["x", "y"]}, "a": 1}, ("x", "y"), id="some and more"),
        pytest.param({"_id": {"$in": []}}, (), id="none"),
        pytest.param({"_id": {"$in": ["x", None]}}, None, id="null"),
        pytest.param({"_id": {"$in": ["x", Regex("y")]}}, None, id="a pattern"),
        pytest.param({"_id": {"$nin": ["x", "y"]}}, None, id="others"),
        pytest.param({"a": {"$in": ["x", "y"]}}, None, id="another field"),
        pytest.param({"$or": [{"_id": {"$in": [1, 2]}}, {"a": 1}]}, None, id="$or"),
    ],
)
def test_the_wanted_ids_are_told(filter_, document_ids):
    assert compile_filter(filter_).document_ids == document_ids


def test_a_filter_is_a_query_that_is_never_cached():
    compiled = compile_filter({"n": 1})
    assert compiled({"n": 1})
    assert compiled.is_cacheable() is False
    assert hash(compiled) == hash(compiled)
    assert compiled != compile_filter({"n": 1})


INDEXES = [
    pytest.param({"a": 7}, {"a": [5, 7]}, 1, id="element"),
    pytest.param({"a.x": {"$gt": 3}}, {"a": [{"x": 1}, {"x": [0, 9]}]}, 1, id="outer array"),
    pytest.param({"a": {"$elemMatch": {"x": 3}}}, {"a": [{"x": 1}, {"x": 3}]}, 1, id="$elemMatch"),
    pytest.param({"b": 2, "a": 3}, {"b": [1, 2], "a": [3]}, 0, id="the last array wins"),
    pytest.param({"a": [5, 7]}, {"a": [5, 7]}, None, id="the whole array"),
    pytest.param({"a": {"$size": 2}}, {"a": [5, 7]}, None, id="$size"),
    pytest.param({"a": {"$not": {"$gt": 9}}}, {"a": [5]}, None, id="negation"),
    pytest.param({"$or": [{"a": 8}, {"a": 7}]}, {"a": [5, 7, 8]}, 1, id="$or as one $in"),
    pytest.param({"$or": [{"a": 8}, {"a": {"$in": [5]}}]}, {"a": [5, 8]}, 0, id="$or with $in"),
    pytest.param({"$or": [{"b": 1}, {"a": 7}]}, {"a": [5, 7]}, None, id="$or of two fields"),
    pytest.param({"$or": [{"a": {"$gt": 5}}, {"a": 7}]}, {"a": [5, 7]}, None, id="$or of a range"),
    pytest.param({"$or": [{"a": 8}, {"a": 9}]}, {"a": [5, 7]}, None, id="$or of none"),
    pytest.param({"$and": [{"$or": [{"a": 7}]}]}, {"a": [5, 7]}, 1, id="$or of one"),
    pytest.param({"$or": [{"b": 1}]}, {"a": [5, 7]}, None, id="no match"),
    pytest.param({"a": 7, "b": 1}, {"a": [5, 7]}, None, id="not all match"),
    pytest.param({"$or": [{"b": 1}, {"c": 1}]}, {"a": [1]}, None, id="no branch"),
    pytest.param({"$jsonSchema": {}}, {"a": [1]}, None, id="whole document"),
    pytest.param({"a": {"$all": [5, 7]}}, {"a": [5, 7]}, 1, id="$all"),
]


@pytest.mark.parametrize(("filter_", "document", "index"), INDEXES)
def test_the_matched_index_is_found(filter_, document, index):
    assert compile_filter(filter_).matched_index(document) == index


@pytest.mark.parametrize(
    ("filter_", "demanded"),
    [
        pytest.param({"a": 1, "b": {"$gt": 1}}, [("a", 1)], id="equality only"),
        pytest.param({"a": None, "b": [1]}, [("a", None), ("b", [1])], id="any value"),
        pytest.param({"a": {"$all": [3]}, "b": {"$in": [4]}}, [("a", 3), ("b", 4)], id="of one"),
        pytest.param({"$expr": True, "a": 1}, [("a", 1)], id="$expr says nothing"),
        pytest.param({"a": Regex("x")}, [], id="patterns say nothing"),
        pytest.param({"$or": [{"a": 1}, {"b": 1}]}, [], id="$or says nothing"),
    ],
)
def test_demanded_values_are_what_an_upsert_starts_from(filter_, demanded):
    assert demanded_values(filter_) == demanded


POINT = {"$geometry": {"type": "Point", "coordinates": [0, 0]}}


def test_near_is_found_wherever_it_must_hold():
    compiled = compile_filter({"$and": [{"a": 1}, {"p.q": {"$nearSphere": POINT}}]})
    assert compiled.near is not None
    assert compiled.near.path == "p.q"
    document = {"a": 1, "p": [{"q": {"type": "Point", "coordinates": [c, 0]}} for c in (3, 1)]}
    assert compiled.matches(document)
    assert round(compiled.near.distance_m(document)) == 111319
    assert compiled.near.distance_m({"p": 1}) is None
    assert compile_filter({"a": 1}).near is None


@pytest.mark.parametrize(
    "filter_",
    [
        pytest.param({"$or": [{"p": {"$near": POINT}}, {"a": 1}]}, id="$or"),
        pytest.param({"$nor": [{"p": {"$near": POINT}}]}, id="$nor"),
        pytest.param({"p": {"$not": {"$near": POINT}}}, id="$not"),
        pytest.param({"p": {"$near": POINT}, "q": {"$near": POINT}}, id="two"),
    ],
)
def test_near_must_be_one_and_hold_for_all(filter_):
    with pytest.raises(DatabaseRequestFailed, match="geoNear"):
        compile_filter(filter_)


@pytest.mark.parametrize(
    "document",
    [{"_id": "a"}, {"_id": "b"}, {"_id": 1}, {"_id": {"a": "a"}}, {"_id": "a", "n": [1]}],
)
def test_a_filter_of_one_id_is_the_same_made_at_once(document):
    slow, quick = compile_filter({"_id": "a"}), id_filter("a")
    assert quick.matches(document) == slow.matches(document)
    assert quick.select([document]) == ([document] if quick.matches(document) else [])
    assert quick.matched_index(document) == slow.matched_index(document)
    for said in ("equalities", "document_id", "document_ids", "residual_is_id_only", "near"):
        assert getattr(quick, said) == getattr(slow, said), said
