import contextlib
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.core.errors import EmulatorError
from emulator.core.values import MISSING
from emulator.core.wxquery.lexer import MalformedStatement
from emulator.core.wxquery.nodes import Access, Apply, Chain, Fields, Items, Literal, Pattern
from emulator.core.wxquery.parser import CHAIN_STEPS_MAX, DEPTH_MAX_LEVELS, SUMS_MAX, parse


def plain(node):
    """Return a tree without places."""
    if isinstance(node, Literal):
        return node.value
    if isinstance(node, Pattern):
        return f"/{node.pattern}/{node.flags}"
    if isinstance(node, Items):
        return [plain(each) for each in node.items]
    if isinstance(node, Fields):
        return {key: plain(each) for key, each in node.fields}
    assert isinstance(node, Chain)
    return (node.name, *(step(each) for each in node.steps))


def step(each):
    if isinstance(each, Access):
        return each.name
    assert isinstance(each, Apply)
    return ["new" if each.new else "call", *(plain(item) for item in each.arguments)]


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("1", 1),
        ("-1.5", -1.5),
        ("- - +2", 2),
        ("60 * 60 * 1000 - 1", 3_599_999),
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("7 % 4 / 2", 1.5),
        ("10 - 2 - 3", 5),
        ("'a' + 'b'", "ab"),
        ("1 / 0", math.inf),
        ("-1 / 0", -math.inf),
        ("true", True),
        ("null", None),
        ("undefined", MISSING),
        ("[1, 'a', [],]", [1, "a", []]),
        ("{a: 1, 'b-c': 2, 3: 4, if: 5,}", {"a": 1, "b-c": 2, "3": 4, "if": 5}),
        ("{a}", {"a": ("a",)}),
        ("/a/i", "/a/i"),
        ("db.collection('x')", ("db", "collection", ["call", "x"])),
        ("_['in']([1])", ("_", "in", ["call", [1]])),
        ("db\n  .a()\n  .b(1, 2);;", ("db", "a", ["call"], "b", ["call", 1, 2])),
        ("new Date", ("Date", ["new"])),
        ("new db.Geo.Point(1, 2).x", ("db", "Geo", "Point", ["new", 1, 2], "x")),
        ("f(g(1))", ("f", ["call", ("g", ["call", 1])])),
    ],
)
def test_text_becomes_a_tree(text: str, tree: object):
    assert plain(parse(text).expression) == tree


@pytest.mark.parametrize(
    "text",
    ["const _ = db.command; 1", "let _ = db.command\n1", "var _ = db.command, $ = 2;;\n 1"],
)
def test_names_are_given_before_the_expression(text: str):
    statement = parse(text)
    assert statement.names[0][0] == "_"
    assert plain(statement.names[0][1]) == ("db", "command")
    assert plain(statement.expression) == 1


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        ("", "column 1 at the end", "a value should stand here"),
        ("1 2", "column 3", "should end here"),
        ("a => 1", "column 3", "should end here"),
        ("a = 1", "column 3", "should end here"),
        ("function () {}", "column 1", "function is not part of a query"),
        ("await x", "column 1", "await is not part of a query"),
        ("{a 1}", "column 4", "a colon"),
        ("{...a}", "column 2", "the name of a field"),
        ("{[a]: 1}", "column 2", "the name of a field"),
        ("[1 2]", "column 4", "a comma or ]"),
        ("[,]", "column 2", "a value"),
        ("f(1", "column 4", "a comma or )"),
        ("a[b]", "column 3", "only a string"),
        ("a['b'", "column 6", "the bracket should end"),
        ("a.1", "column 2", "should end here"),
        ("a.(1)", "column 3", "a name should follow the dot"),
        ("(1", "column 3", "the parenthesis"),
        ("[a] + 1", "column 5", "only numbers, or two strings"),
        ("a" + " + a" * (SUMS_MAX + 1), "column 403", "more than 100 sums"),
        ("1 + 'a'", "column 3", "only numbers, or two strings"),
        ("-a", "column 1", "only literals"),
        ("-'a'", "column 1", "only literals"),
        ("const a = 1 2", "column 13", "; or a new line"),
        ("const a 1", "column 9", "with ="),
        ("const 1 = 1", "column 7", "a name"),
        ("new 1", "column 5", "a name should follow new"),
    ],
)
def test_what_is_not_of_the_subset_is_refused_where_it_stands(text: str, place: str, why: str):
    with pytest.raises(MalformedStatement) as caught:
        parse(text)
    assert place in caught.value.message
    assert why in caught.value.message


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("(", ")"), ("f(", ")")])
def test_nesting_has_a_bound(opening: str, closing: str):
    deep = opening * DEPTH_MAX_LEVELS + "1" + closing * DEPTH_MAX_LEVELS
    parse(deep)
    with pytest.raises(MalformedStatement, match="nested deeper"):
        parse(opening + deep + closing)


def test_a_chain_has_a_bound():
    with pytest.raises(MalformedStatement, match="in a row"):
        parse("a" + ".b" * (CHAIN_STEPS_MAX + 1))


def test_many_signs_are_no_depth():
    assert plain(parse("-" * 100_001 + "1").expression) == -1


SIGNS = [*'$_.()[]{},:;/`"1-+*=\n \\中', "//", "/*", "${", "e9", "0x", "'a'", "/a/"]
NAMES = ["db", "new ", "Date", "where", "get", "const ", "command", "gt", "true", "undefined"]
WORDS = st.sampled_from([*SIGNS, *NAMES])


@given(st.one_of(st.text(), st.lists(WORDS).map("".join)))
def test_any_text_is_read_or_refused(text: str):
    with contextlib.suppress(EmulatorError):
        parse(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(JSON)
def test_json_is_read_as_itself(data: object):
    for ensure_ascii in (True, False):
        text = json.dumps(data, ensure_ascii=ensure_ascii)
        assert plain(parse(text).expression) == json.loads(
            json.dumps(data).encode("utf-8", "surrogatepass")
        )
