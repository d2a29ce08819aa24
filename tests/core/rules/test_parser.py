"""What is a rule and what is not, with the character where it goes wrong."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.core.errors import RuleInvalid
from emulator.core.rules.evaluate import Scope, compiled
from emulator.core.rules.lexer import EXPRESSION_CHARACTERS_MAX, tokens
from emulator.core.rules.nodes import doc_path, walk
from emulator.core.rules.parser import DEPTH_MAX, parse

REFUSED = [
    ("", 0, "ends too early"),
    ("auth.", 5, "ends too early"),
    ("auth.openid ==", 14, "ends too early"),
    ("doc.a === ", 10, "ends too early"),
    ("(doc.a", 6, "')' is expected"),
    ("doc.a == 1)", 10, "not expected here"),
    ("doc.a = 1", 6, "no meaning"),
    ("doc.a & 1", 6, "no meaning"),
    ("user.id == 1", 0, "there is no 'user'"),
    ("newData.a", 0, "there is no 'newData'"),
    ("doc.a.includes('x')", 6, "includes(…) cannot be called"),
    ("auth()", 4, "only get(…) can be called"),
    ("(a) => a", 4, "'=' has no meaning"),
    ("doc.a == 'x", 9, "no closing quote"),
    ("doc.a == `x", 9, "no end"),
    ("`${auth.}`", 8, "ends too early"),
    ("`${user}`", 3, "there is no 'user'"),
    ("1a", 0, "run into a name"),
    ("[1, 2", 5, "',' is expected"),
    ("{a 1}", 3, "':' is expected"),
    ("get('x').where({}).first()", 19, "must be followed by .size()"),
    ("doc.where({}).size()", 4, "where(…) cannot be called"),
    ("get('a.b.c') && get('a.b.c') && get('a.b.c') && get('a.b.c')", 48, "at most 3 times"),
    ("(" * (DEPTH_MAX + 5) + "1" + ")" * (DEPTH_MAX + 5), DEPTH_MAX, "inside each other"),
    ("!" * (DEPTH_MAX + 5) + "1", DEPTH_MAX, "inside each other"),
    ("1 " * EXPRESSION_CHARACTERS_MAX, EXPRESSION_CHARACTERS_MAX, "at most 1024"),
]


@pytest.mark.parametrize(("text", "position", "message"), REFUSED)
def test_what_is_no_rule_points_at_the_character(text, position, message):
    with pytest.raises(RuleInvalid, match=re.escape(message)) as refused:
        parse(text)
    assert refused.value.position == position


BINDING = [
    ("1 + 2 * 3", 7),
    ("(1 + 2) * 3", 9),
    ("10 - 2 - 3", 5),
    ("true || false && false", True),
    ("1 < 2 == true", True),
    ("!false && true", True),
    ("-2 + 3", 1),
    ("1 + 1 == 2 && 'a' in ['a']", True),
    ("false ? 1 : true ? 2 : 3", 2),
    ("2 * 3 % 4", 2),
]


@pytest.mark.parametrize(("text", "value"), BINDING)
def test_operators_bind_as_in_javascript(text, value):
    assert compiled(parse(text))(Scope()) == value


def test_every_part_knows_its_piece_of_the_text():
    text = "auth.openid == doc._openid && !(doc.age in [1, `a${auth.uid}b`])"
    pieces = {text[each.place.at : each.place.end] for each in walk(parse(text))}
    assert {text, "auth.openid == doc._openid", "doc.age", "auth.uid", "1"} <= pieces


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("doc.a", "a"),
        ("doc.a.b", "a.b"),
        ("doc['a'].b", "a.b"),
        ("doc.a[0]", "a.0"),
        ("doc[auth.uid]", None),
        ("doc", None),
        ("auth.a", None),
    ],
)
def test_paths_of_the_document_are_read_off(text, path):
    assert doc_path(parse(text)) == path


def test_escapes_are_those_of_javascript():
    assert [each.text for each in tokens(r"'a\'b\n\u0041\x42\q'")] == ["a'b\nABq", ""]


@given(st.text(alphabet="auth.doc_ =!<>&|'\"`${}()[]+-*/%1,:?\\in\n", max_size=60))
def test_any_text_is_a_rule_or_refused_in_words(text):
    node, position = None, 0
    try:
        node = parse(text)
    except RuleInvalid as refused:
        position = refused.position
    assert 0 <= position <= len(text)
    if node is not None:
        compiled(node)(Scope(doc={}))
