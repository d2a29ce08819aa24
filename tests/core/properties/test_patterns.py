"""Laws of patterns: what Python's `re` reads alike gives its answer, and nothing crashes."""

import re
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from emulator.core.errors import EmulatorError
from emulator.core.regex import compile_regex
from emulator.core.values import Regex

ATOMS = st.sampled_from(
    ["a", "b", "ab", ".", "[ab]", "[^a]", r"\d", r"\w", r"\s", r"\.", "[a-c0-9]", r"\S", r"\b", "A"]
)
COUNTS = st.sampled_from(["", "", "", "?", "*", "+", "{1,2}", "{2}", "*?", "+?", "{0,}"])
PIECES = st.recursive(
    st.builds(lambda atom, count: atom if atom == r"\b" else atom + count, ATOMS, COUNTS),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.builds(lambda one, two: f"(?:{one}|{two})", inner, inner),
        st.builds(lambda one: f"({one})", inner),
        st.builds(lambda one: f"(?={one})", inner),
        st.builds(lambda one: f"(?!{one})", inner),
    ),
    max_leaves=5,
)
PATTERNS = st.builds(
    lambda start, piece, end: start + piece + end,
    st.sampled_from(["", "", "^"]),
    PIECES,
    st.sampled_from(["", "", "$"]),
)
TEXTS = st.text(alphabet="abcA0. \n", max_size=8)
FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}


@given(PATTERNS, st.sets(st.sampled_from("ims")), st.lists(TEXTS, max_size=4))
def test_the_common_subset_means_what_it_means_to_python(pattern, options, texts):
    flags = re.ASCII
    for option in options:
        flags |= FLAGS[option]
    try:
        search = compile_regex(Regex(pattern, "".join(sorted(options))))
    except EmulatorError:
        return
    for text in texts:
        if "m" in options and text.endswith("\n"):
            continue  # to PCRE no line begins behind the last line's end
        assert search(text) == (re.search(pattern, text, flags) is not None), text


@given(st.text(alphabet=r"ab()[]{}*+?|^$\.-:=!<>#PkgxQE012, ", max_size=14), TEXTS)
def test_any_text_is_a_pattern_or_refused(pattern, text):
    for options in ("", "imsx"):
        with suppress(EmulatorError):
            compile_regex(Regex(pattern, options))(text)
