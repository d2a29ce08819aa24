"""What texts of JQL ask of the database, and what is refused about them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.core.aggregate.filters import compile_request_filter
from emulator.core.errors import DatabaseError
from emulator.core.jql.filters import expression_of, filter_of
from emulator.core.jql.nodes import JqlSyntax, paths_in
from emulator.core.jql.parser import parse_columns, parse_condition, parse_order
from emulator.core.values import Date, Regex

NOW = 1_700_000_000_000
KNOWN = {"$cloudEnv_uid": "ada", "$env.now": NOW, "auth.uid": "ada"}

FILTERS = {
    "a == 1": {"a": {"$eq": 1}},
    "a===1": {"a": {"$eq": 1}},
    "a != 'x'": {"a": {"$ne": "x"}},
    "a.b >= -1.5": {"a.b": {"$gte": -1.5}},
    "arr.0.b < 2": {"arr.0.b": {"$lt": 2}},
    "3 <= a": {"a": {"$gte": 3}},
    "a in [1, 'x', null]": {"a": {"$in": [1, "x", None]}},
    "'x' in a": {"a": {"$eq": "x"}},
    "!(a in [])": {"$nor": [{"a": {"$in": []}}]},
    "!a": {"$nor": [{"$expr": "$a"}]},
    "/^a\\/b/gi.test(name)": {"name": Regex("^a\\/b", "i")},
    "new RegExp('x').test(name)": {"name": Regex("x", "")},
    "a == 1 && b == 2 || c == 3": {
        "$or": [{"$and": [{"a": {"$eq": 1}}, {"b": {"$eq": 2}}]}, {"c": {"$eq": 3}}]
    },
    "a == 1 && (b == 2 || c == 3)": {
        "$and": [{"a": {"$eq": 1}}, {"$or": [{"b": {"$eq": 2}}, {"c": {"$eq": 3}}]}]
    },
    "_id == $cloudEnv_uid": {"_id": {"$eq": "ada"}},
    "uid == auth.uid": {"uid": {"$eq": "ada"}},
    "at < $env.now": {"at": {"$lt": NOW}},
    "at < new Date()": {"at": {"$lt": Date(NOW)}},
    "at < new Date().getTime()": {"at": {"$lt": NOW}},
    "at == new Date('1970-01-02')": {"at": {"$eq": Date(86_400_000)}},
    "at == new Date(5)": {"at": {"$eq": Date(5)}},
    "a == true": {"a": {"$eq": True}},
    "a == undefined": {"a": {"$eq": None}},
    "true": {},
    "false": {"$nor": [{}]},
    "a > b": {"$expr": {"$gt": ["$a", "$b"]}},
    "add(a,b) > 150": {"$expr": {"$gt": [{"$add": ["$a", "$b"]}, 150]}},
    "a == '$b'": {"a": {"$eq": "$b"}},
    "eq(a, '$b')": {"$expr": {"$eq": ["$a", {"$literal": "$b"}]}},
    "a in b": {"$expr": {"$in": ["$a", "$b"]}},
    "gt(size(tags), 1) && !(neq(a, 2))": {
        "$and": [
            {"$expr": {"$gt": [{"$size": "$tags"}, 1]}},
            {"$nor": [{"$expr": {"$ne": ["$a", 2]}}]},
        ]
    },
    "cond(a > 1, b, 0) == 0": {
        "$expr": {"$eq": [{"$cond": {"if": {"$gt": ["$a", 1]}, "then": "$b", "else": 0}}, 0]}
    },
    "year(at) == 2024": {"$expr": {"$eq": [{"$year": {"date": "$at"}}, 2024]}},
}

REFUSED = {
    "": "the text ends too early",
    "a =": "this is not expected here",
    "a == ": "the text ends too early",
    "a == 1 b": "this is not expected here",
    "(a == 1": "')' is expected",
    "a == 'x": "no end",
    "a.": "after the dot",
    "a.(b)": "after the dot",
    "/x/.match(a)": "followed by .test",
    "/x/z.test(a)": "no flags",
    "new Map()": "only new Date()",
    "new Date(1e999)": "100,000,000 days",
    "new Date(-1e20)": "100,000,000 days",
    "new Date(a)": "takes nothing",
    "new Date('soon')": "milliseconds or a text",
    "new Date().now()": "only getTime()",
    "new RegExp(a).test(b)": "takes a text",
    "run(a) == 1": "run() is no operator",
    "size(a, b) == 1": "takes one argument",
    "dateToString() == 1": "takes date",
    "cond(a,1,2,3) == 1": "takes if",
    "and(/x/.test(a), b)": "regular expression",
    "(" * 60 + "a": "brackets inside",
    "a ; b": "this is not expected here",
    "a == 1 #": "unexpected character",
}


def test_conditions_are_filters():
    for text, expected in FILTERS.items():
        assert filter_of(parse_condition(text, now_ms=NOW), KNOWN) == expected, text


@pytest.mark.parametrize("text", REFUSED)
def test_other_texts_are_refused_with_the_reason(text):
    with pytest.raises(JqlSyntax) as refused:
        filter_of(parse_condition(text, now_ms=NOW), KNOWN)
    assert REFUSED[text] in refused.value.message
    assert len(refused.value.message) < 400


def test_columns_have_names_and_inner_ones():
    found = parse_columns("a, b.c as d, add(e,1) as f, g{h,i as j} , _id", now_ms=NOW)
    assert [each.name for each in found] == ["a", "d", "f", "g", "_id"]
    assert [each.name for each in found[3].inner] == ["h", "j"]
    assert expression_of(found[2].node, {}) == {"$add": ["$e", 1]}
    assert list(paths_in(found[2].node)) == ["e"]
    for text in ("a,", "add(a,1)", "a as", "a{b", "a b", "{a}"):
        with pytest.raises(JqlSyntax):
            parse_columns(text, now_ms=NOW)


def test_orders_are_fields_with_directions():
    assert parse_order("a asc, b.c DESC,d") == [("a", 1), ("b.c", -1), ("d", 1)]
    for text in ("a up", "a,", "a b c"):
        with pytest.raises(JqlSyntax):
            parse_order(text)


def test_every_field_of_a_tree_is_told():
    text = "a == 1 && !(b in [c]) || /x/.test(d) && add(e, 1) > 2"
    assert sorted(paths_in(parse_condition(text, now_ms=NOW))) == ["a", "b", "c", "d", "e"]


PIECES = st.sampled_from(
    ["a", "b.c", "$cloudEnv_uid", "1", "-", "'x'", '"', "(", ")", "[", "]", "{", "}", ",", ".", "!",
     "&&", "||", "==", "!=", ">", "<=", "in", "as", "new ", "Date", "RegExp", "/x/", ".test", "add",
     "count", "*", " ", "null", "字"]
)  # fmt: skip


@given(st.one_of(st.lists(PIECES, max_size=12).map("".join), st.text(max_size=30)))
def test_any_text_is_read_or_refused_as_jql(text):
    with suppress(JqlSyntax, DatabaseError):
        compile_request_filter(filter_of(parse_condition(text, now_ms=NOW), KNOWN), now_ms=NOW)
    for read in (lambda: parse_columns(text, now_ms=NOW), lambda: parse_order(text)):
        with suppress(JqlSyntax):
            assert read()
