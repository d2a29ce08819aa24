"""The line of every key in a TOML text."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.config.toml_lines import key_lines, line_of

TEXT = '''\
# a comment with [brackets] and "quotes"
title = "a # b"
[emulator]
env = 'x' # why
port = 1

[functions.pay]
triggers = [
  # first
  {name = "a", config = {path = "/a"}},
  {name = "b"},
]
[[database.indexes."my orders"]]
keys = {a.b = 1, "c d" = -1}
[[database.indexes."my orders"]]
text = """
fake = 1
""\\""" # not the end
"""
raw = \'\'\'
[fake]
\'\'\'\'
last.of . all = 2026-01-01 00:00:00
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        pytest.param(("title",), 2, id="top"),
        pytest.param(("emulator",), 3, id="table"),
        pytest.param(("emulator", "env"), 4, id="literal"),
        pytest.param(("emulator", "port"), 5, id="number"),
        pytest.param(("functions", "pay", "triggers"), 8, id="list"),
        pytest.param(("functions", "pay", "triggers", 0), 10, id="element"),
        pytest.param(("functions", "pay", "triggers", 0, "config", "path"), 10, id="nested-inline"),
        pytest.param(("functions", "pay", "triggers", 1, "name"), 11, id="second-element"),
        pytest.param(("database", "indexes", "my orders", 0), 13, id="first-of-tables"),
        pytest.param(("database", "indexes", "my orders", 0, "keys", "a", "b"), 14, id="dotted"),
        pytest.param(("database", "indexes", "my orders", 1), 15, id="second-of-tables"),
        pytest.param(("database", "indexes", "my orders", 1, "raw"), 20, id="after-long-text"),
        pytest.param(
            ("database", "indexes", "my orders", 1, "last", "of", "all"), 23, id="after-raw-text"
        ),
    ],
)
def test_each_key_is_found_on_its_line(path, line):
    tomllib.loads(TEXT)
    assert key_lines(TEXT)[path] == line


def test_nothing_inside_a_text_is_a_key():
    assert not [path for path in key_lines(TEXT) if "fake" in path]


def test_an_escaped_key_is_found_by_what_it_spells():
    assert key_lines('"caf\\u00e9" = 1') == {("café",): 1}


def test_a_missing_key_is_told_at_its_nearest_parent():
    lines = key_lines(TEXT)
    assert line_of(lines, ("functions", "pay", "triggers", 1, "type")) == 11
    assert line_of(lines, ("nowhere", "at", "all")) == 1


names = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=6)
scalars = st.one_of(
    st.integers(-9, 9), st.booleans(), st.text(st.characters(codec="ascii"), max_size=6)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)


def written(value) -> str:
    """Return a value as TOML, lists over several lines."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        return "[\n" + "".join(f"{written(item)}, # [x] = 'y'\n" for item in value) + "]"
    return "{" + ", ".join(f"{quoted(key)} = {written(item)}" for key, item in value.items()) + "}"


def quoted(text: str) -> str:
    escaped = (f"\\u{ord(c):04x}" if ord(c) < 32 or c in '"\\\x7f' else c for c in text)
    return '"' + "".join(escaped) + '"'


@given(st.dictionaries(names, values, max_size=4))
def test_every_top_key_is_on_the_line_it_was_written_on(data):
    """The walk skips any value exactly: it would lose its place otherwise."""
    text, expected = "", {}
    for key, value in data.items():
        expected[key] = text.count("\n") + 1
        text += f"{quoted(key)} = {written(value)}\n"
    assert tomllib.loads(text) == data
    assert {path[0]: line for path, line in key_lines(text).items() if len(path) == 1} == expected
