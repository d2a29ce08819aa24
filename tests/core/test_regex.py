"""Patterns as PCRE reads them, found in texts, and the ones that are refused or bounded."""

import pytest

from emulator.core.errors import DatabaseRequestFailed
from emulator.core.regex import PATTERN_LENGTH_MAX, STEPS_MAX, compile_regex
from emulator.core.values import Regex

FOUND = [
    pytest.param("abc", "", ["xabcx"], ["ABC", "ab"], id="literal"),
    pytest.param("", "", ["", "x"], [], id="empty"),
    pytest.param("a.b", "", ["axb"], ["a\nb"], id="dot"),
    pytest.param("a.b", "s", ["a\nb"], ["ab"], id="dot under s"),
    pytest.param("^b$", "", ["b", "b\n"], ["a\nb", "b\n\n"], id="anchors"),
    pytest.param("^b$", "m", ["a\nb\nc"], ["ab"], id="anchors under m"),
    pytest.param("^$", "m", ["", "a\n\nb"], ["a\n"], id="no line after the last newline"),
    pytest.param("a b # why\nc", "x", ["abc"], ["a b"], id="white space under x"),
    pytest.param("[ ]\\ #", "x", ["  "], [" "], id="white space in a class under x"),
    pytest.param("É", "i", ["é"], ["e"], id="case of other scripts"),
    pytest.param("Straße|中文", "i", ["STRAßE", "中文"], ["文中"], id="Chinese"),
    pytest.param("istanbul", "i", ["ISTANBUL"], ["İstanbul"], id="i is not dotted I"),
    pytest.param("\\d+\\s\\w", "", ["12 a"], ["１２ a", "12 é"], id="classes are ASCII"),
    pytest.param("(*UCP)^\\w+$", "", ["日本é"], ["a b"], id="classes under UCP"),
    pytest.param("(*UTF8)(*UCP)[[:alpha:]]\\d\\b", "", ["é5"], ["5é"], id="two settings"),
    pytest.param("\\p{L}\\p{Nd}\\P{Lu}", "", ["é٣x"], ["é٣X"], id="properties"),
    pytest.param("^\\pN\\p{^N}$", "", ["1a"], ["a1"], id="short property"),
    pytest.param("^\\p{Han}+$", "", ["漢字"], ["かな"], id="script"),
    pytest.param("^\\p{Latin}+$", "", ["Zoë"], ["Жук", "a1"], id="another script"),
    pytest.param("\\P{Hangul}|[^\\p{Hangul}x]", "", ["x"], ["한"], id="not of a script"),
    pytest.param("^\\p{Xan}+\\p{L&}$", "", ["漢5é"], ["漢5", "_é"], id="PCRE's own properties"),
    pytest.param("(*LF)(*NO_START_OPT)a.b", "", ["a\rb"], ["a\nb"], id="settings that hold anyway"),
    pytest.param("^(?:a(*FAIL)|b(*F)|c)", "", ["c"], ["a", "b"], id="fail"),
    pytest.param("[[:upper:][:^print:]]", "", ["A", "\x01"], ["a"], id="POSIX classes"),
    pytest.param("[]a][^]b]", "", ["]x", "ac"], ["]]", "ab"], id="brackets in a class"),
    pytest.param("[a-c\\-\\]x-]", "", ["b", "-", "]"], ["d"], id="class members"),
    pytest.param("[\\w-z]", "", ["-", "q"], ["é"], id="set before a dash"),
    pytest.param("[\\D]", "", ["x"], ["5"], id="negated set in a class"),
    pytest.param("[^a]", "i", ["b"], ["A", "a"], id="negated class without case"),
    pytest.param("[\\b]", "", ["\b"], ["b"], id="backspace"),
    pytest.param("[\\x41\\x{4e2d}\\101\\n]", "", ["A", "中", "\n"], ["B"], id="codes in a class"),
    pytest.param("\\x41\\x{4e2d}\\o{101}\\0\\cA", "", ["A中A\0\x01"], ["x"], id="codes"),
    pytest.param("\\101\\t\\e\\a\\f", "", ["A\t\x1b\x07\f"], [""], id="more escapes"),
    pytest.param("\\/\\-\\_\\y", "", ["/-_y"], ["\\/"], id="needless escapes"),
    pytest.param("\\Aab\\Z", "", ["ab", "ab\n"], ["ab\n\n", "xab"], id="subject anchors"),
    pytest.param("ab\\z", "", ["ab"], ["ab\n"], id="very end"),
    pytest.param("a\\Rb", "", ["a\r\nb", "a\x85b"], ["a b"], id="any newline"),
    pytest.param("a\\hb\\vc\\Nd", "", ["a\u3000b\x0bcxd"], ["a\nb\x0bcxd"], id="h v N"),
    pytest.param("\\bfoo\\B", "", ["foob"], ["foo", "xfoob"], id="word boundaries"),
    pytest.param("\\Qa.b\\E.c", "", ["a.bxc"], ["axbxc"], id="quoted"),
    pytest.param("\\\\Qa", "", ["\\Qa"], ["a"], id="escaped backslash before Q"),
    pytest.param("a\\Eb\\Qc", "", ["abc"], ["ab"], id="loose ends of quotes"),
    pytest.param("(a)(b)\\2\\1", "", ["abba"], ["abab"], id="numbered echo"),
    pytest.param("(?<n>a|b)\\k<n>", "", ["aa", "bb"], ["ab"], id="named echo"),
    pytest.param("(?P<n>a)(?P=n)\\g{n}\\g1\\g{1}", "", ["aaaaa"], ["aaaa"], id="echoes"),
    pytest.param("(?'n'a)\\k'n'", "", ["aa"], ["a"], id="quoted name"),
    pytest.param("(?:ab)+c", "", ["ababc"], ["c"], id="plain group"),
    pytest.param("(?i)ab", "", ["AB"], ["b"], id="options at the start"),
    pytest.param("a(?i)b|c", "", ["aB", "C"], ["Ab"], id="options from the middle on"),
    pytest.param("(?:(?i)a)b", "", ["Ab"], ["AB"], id="options end with their group"),
    pytest.param("a(?i:b)c", "", ["aBc"], ["aBC"], id="options of a group"),
    pytest.param("a(?-i:b)", "i", ["Ab"], ["AB"], id="options taken back"),
    pytest.param("(?s-i)A.", "i", ["A\n"], ["a\n"], id="options both ways"),
    pytest.param("a(?#why)b", "", ["ab"], ["a"], id="comment"),
    pytest.param("a(?=b)(?!bc)\\w", "", ["abd"], ["abc", "ac"], id="look ahead"),
    pytest.param("(?<=a)b(?<!xab)", "", ["ab"], ["xab", "b"], id="look behind"),
    pytest.param("(?>a+)b", "", ["aab"], ["a"], id="atomic"),
    pytest.param("a++b|a*+c|x?+y", "", ["aab", "c", "y"], ["a"], id="possessive"),
    pytest.param("a+?b*?c??", "", ["a"], ["b"], id="lazy"),
    pytest.param("x{2}y{1,2}z{1,}", "", ["xxyyz"], ["xyz"], id="counted"),
    pytest.param("a{,3}b{c}", "", ["a{,3}b{c}"], ["ab"], id="braces that are none"),
    pytest.param("^*a|(?:$)?b", "", ["a", "b"], ["c"], id="repeated anchors"),
    pytest.param(".*foo.*bar.*", "", ["xfoo bar"], ["bar foo", "foo\nbar"], id="pieces by line"),
    pytest.param("foo.*bar", "s", ["foo\nbar"], ["bar foo"], id="pieces across lines"),
    pytest.param("f[^o]o.*\\d", "i", ["F-O 1"], ["foo 1"], id="pieces with classes"),
    pytest.param("a\n.*b", "", ["a\nxb"], ["a\nx\nb"], id="a newline in a piece"),
    pytest.param("foo(?s:.*)x.*y", "", ["foo\nx1y"], ["foo\nx\ny"], id="both kinds of any text"),
    pytest.param("[0-9]+@[a-z]*", "", ["x1@"], ["@a"], id="ends are cut to the least"),
    pytest.param("a{2,5}", "", ["aa"], ["a"], id="least of a count"),
    pytest.param("b|a+", "", ["a", "b"], ["c"], id="ends of branches"),
    pytest.param("(|a)b", "", ["b"], ["a"], id="empty branch"),
    pytest.param("()", "", [""], [], id="empty group"),
    pytest.param("^[a-\\d]$", "", ["a", "-", "5"], ["b"], id="a range that is none"),
    pytest.param("(^a*)b*c", "", ["aabc", "c"], ["xc"], id="anchor inside a group"),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "options", "hits", "misses"), FOUND)
def test_pattern_is_found_as_pcre_finds_it(pattern, options, hits, misses):
    search = compile_regex(Regex(pattern, options))
    assert [search(text) for text in hits] == [True] * len(hits)
    assert [search(text) for text in misses] == [False] * len(misses)


REFUSED = [
    pytest.param("(", "missing \\)", id="open group"),
    pytest.param(")", "unmatched", id="closed group"),
    pytest.param("[a", "missing terminating \\]", id="open class"),
    pytest.param("[]", "missing terminating \\]", id="class of a bracket"),
    pytest.param("*a", "nothing to repeat", id="repeat of nothing"),
    pytest.param("a**", "nothing to repeat", id="repeat of a repeat"),
    pytest.param("{2}", "nothing to repeat", id="count of nothing"),
    pytest.param("a{3,2}", "numbers out of order", id="count backwards"),
    pytest.param("a{70000}", "too big", id="count too big"),
    pytest.param("[b-a]", "range out of order", id="range backwards"),
    pytest.param("[[:foo:]]", "unknown POSIX class", id="POSIX name"),
    pytest.param("[\\R]", "not supported in a class", id="newline in a class"),
    pytest.param("\\", "\\\\ at end of pattern", id="lone backslash"),
    pytest.param("\\u4e00", "does not support", id="JavaScript's code"),
    pytest.param("\\K", "does not support", id="K"),
    pytest.param("\\p{Gothic}", "some scripts", id="script"),
    pytest.param("\\p", "some scripts", id="nameless property"),
    pytest.param("\\x{110000}", "too large", id="no character"),
    pytest.param("(?R)", "this kind of group", id="recursion"),
    pytest.param("a(*COMMIT)", "this kind of group", id="verb"),
    pytest.param("(*CR)a", "this kind of group", id="other ends of lines"),
    pytest.param("(?(1)a|b)", "this kind of group", id="conditional"),
    pytest.param("\\1", "invalid group reference", id="echo of nothing"),
    pytest.param("(?<=a+)b", "fixed-width", id="loose look behind"),
    pytest.param("(" * 101 + ")" * 101, "too deeply nested", id="deep"),
    pytest.param("x" * (PATTERN_LENGTH_MAX + 1), "longer than", id="long"),
]


@pytest.mark.parametrize(("pattern", "text"), REFUSED)
def test_pattern_is_refused(pattern, text):
    with pytest.raises(DatabaseRequestFailed, match=text) as refusal:
        compile_regex(Regex(pattern))
    assert refusal.value.mongo_code == 51091
    assert len(refusal.value.message) < 500


def test_null_bytes_and_unknown_options_are_refused():
    with pytest.raises(DatabaseRequestFailed, match="null byte"):
        compile_regex(Regex("a\0"))
    with pytest.raises(DatabaseRequestFailed, match="invalid flag in regex options: q") as refusal:
        compile_regex(Regex("a", "iqg"))
    assert refusal.value.mongo_code == 51108


CATASTROPHIC = [
    "(a+)+$", "(a*)*b", "(a|a)*b", "(a|ab|b)*c", "^(([a-z])+.)+[A-Z]([a-z])+$", "(\\w+\\s?)+$",
    "(x+x+)+y", "(a?a?)*b", "((ab)*)*c", "(a{1,30}){1,30}b", "(.*a){9,}b", "(?:a|b|ab)+c",
    "b" + "(a?)" * 30 + "a" * 30 + "b", "(((a?){8}){8}){8}b", "(?=(a+)+b)c",
    "(" + "|".join(f"w{i}" for i in range(300)) + ")+x",
]  # fmt: skip


@pytest.mark.parametrize("pattern", CATASTROPHIC, ids=lambda pattern: pattern[:20])
def test_patterns_that_could_hang_are_refused_at_once(pattern):
    with pytest.raises(DatabaseRequestFailed, match="could take for ever"):
        compile_regex(Regex(pattern))


HARMLESS = [
    ("^(\\w+,)*\\w+$", "word," * 1300 + "!"),
    ("^(?:\\d{1,3}\\.){3}\\d{1,3}$", "1" * 50_000),
    ("[\\w.+-]+@[\\w-]+\\.[\\w.]+", "a" * 50_000),
    ("(?:foo|bar|baz)+$", "foobarbaz" * 700 + "x"),
    ("^\\s+|\\s+$", " " * 50_000 + "x"),
    ("one.*two.*three.*four", "one two three " * 5000),
    ("^[a-z]+://[^/]*/.*$", "http://" + "x" * 50_000),
    ("(\\w)\\1", "ab" * 50_000),
]


@pytest.mark.parametrize(("pattern", "text"), HARMLESS, ids=[pattern for pattern, _ in HARMLESS])
def test_harmless_patterns_run_on_long_texts(pattern, text):
    compile_regex(Regex(pattern))(text)


def test_costly_patterns_are_bounded_by_the_length_of_the_text():
    search = compile_regex(Regex("^\\w+\\d+x$"))
    bound = int(STEPS_MAX**0.5)
    assert search("a1x")
    assert not search("a" * bound)
    with pytest.raises(DatabaseRequestFailed, match=f"{bound} at most") as refusal:
        search("a" * (bound + 1))
    assert refusal.value.mongo_code == 50
    assert refusal.value.hint


def test_more_loops_allow_less_text():
    search = compile_regex(Regex("x\\w+\\d+\\w+y$"))
    with pytest.raises(DatabaseRequestFailed, match="could take too long"):
        search("1" * 2000)
