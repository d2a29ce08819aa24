import pytest

from emulator.core.errors import RequestTooLarge
from emulator.core.wxquery.lexer import TEXT_LENGTH_MAX, MalformedStatement, tokens


def words(text: str):
    return [(token.kind, token.value) for token in tokens(text)][:-1]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("1.0", 1),
        ("1.5e3", 1500),
        (".5", 0.5),
        ("5.", 5),
        ("0x1F", 31),
        ("0o17", 15),
        ("0b101", 5),
        ("9007199254740993", 9007199254740992),
        ("1e30", 1e30),
        ("0xffffffffffffffffff", float(0xFFFFFFFFFFFFFFFFFF)),
    ],
)
def test_numbers_are_javascripts(text: str, value: float):
    ((kind, read),) = words(text)
    assert (kind, read, type(read)) == ("number", value, type(value))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'a\"b'", 'a"b'),
        ('"a\'b"', "a'b"),
        (r'"\n\t\r\b\f\v\0\\\"\'"', "\n\t\r\b\f\v\0\\\"'"),
        (r'"\x41\u0042\u{1F600}"', "AB\U0001f600"),
        (r'"\ud83d\ude00"', "\U0001f600"),
        (r'"\ud83d!"', "\ufffd!"),
        ('"a\\\nb"', "ab"),
        (r'"\q"', "q"),
        ("`two\nlines $ and $1`", "two\nlines $ and $1"),
        ("'中文'", "中文"),
    ],
)
def test_strings_lose_their_escapes(text: str, value: str):
    assert words(text) == [("text", value)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/a b/gi", [("pattern", ("a b", "gi"))]),
        (r"/[/]\//", [("pattern", (r"[/]\/", ""))]),
        ("(/a/)", [("sign", "("), ("pattern", ("a", "")), ("sign", ")")]),
        ("4 / 2 / 1", [("number", 4), ("sign", "/"), ("number", 2), ("sign", "/"), ("number", 1)]),
        (
            "a / b/ c",
            [("name", "a"), ("sign", "/"), ("name", "b"), ("sign", "/"), ("name", "c")],
        ),
    ],
)
def test_a_slash_begins_a_pattern_or_divides(text: str, expected: object):
    assert words(text) == expected


def test_comments_and_blanks_are_left_out_and_new_lines_remembered():
    found = tokens("a // one\n /* two\n */ b\ufeff c")
    assert [(token.value, token.after_newline) for token in found] == [
        ("a", False),
        ("b", True),
        ("c", False),
        ("", False),
    ]


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        ("\n  'a", "line 2, column 3", "no end on its line"),
        ("`${a}`", "line 1, column 1", "no ${substitution}"),
        ("1abc", "line 1, column 1", "no number"),
        ("/* a", "line 1, column 1", "the comment has no end"),
        ("(/a\n/)", "line 1, column 2", "no end on its line"),
        ("a # b", "line 1, column 3", "unexpected character '#'"),
        (r"'\xZZ'", "line 1, column 2", "no escape sequence"),
        (r"'\u{110000}'", "line 1, column 2", "no such character"),
        ("0x" + "f" * 300, "line 1, column 1", "too large"),
    ],
)
def test_what_is_no_word_is_refused_where_it_stands(text: str, place: str, why: str):
    with pytest.raises(MalformedStatement) as caught:
        tokens(text)
    assert place in caught.value.message
    assert why in caught.value.message


def test_a_text_beyond_the_bound_is_refused():
    with pytest.raises(RequestTooLarge):
        tokens(" " * (TEXT_LENGTH_MAX + 1))


@pytest.mark.parametrize("text", ["'" + "a\\" * 50_000, "/*" + "* /" * 50_000, "`" + "$" * 50_000])
def test_what_never_ends_is_refused_in_linear_time(text: str):
    with pytest.raises(MalformedStatement):
        tokens(text)
