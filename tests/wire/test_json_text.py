"""JSON as others write it, halves of characters included."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.wire import json_text

HALVES = {
    r'"\ud83d"': "\ufffd",
    r'"a\ude00b"': "a\ufffdb",
    r'"\uD83D\uD83D"': "\ufffd\ufffd",
    r'"\ud83d\ude00\ud83d"': "\U0001f600\ufffd",
    r'{"\ud83d": [1, "\ude00"]}': {"\ufffd": [1, "\ufffd"]},
    # A backslash that is escaped begins no escape.
    r'["\\ud83d", "\ud83d"]': ["\\ud83d", "\ufffd"],
    r'"\\\ud83d"': "\\\ufffd",
}


@pytest.mark.parametrize("text", HALVES, ids=list(HALVES))
def test_half_a_character_is_read_as_unknown(text):
    assert json_text.read(text) == HALVES[text]
    assert json_text.read(text.encode()) == HALVES[text]


@pytest.mark.parametrize("text", ["", "{", r'{"a": "\ud83d"', r'"\x"', b"\xff"])
def test_what_is_no_json_stays_refused(text):
    with pytest.raises(orjson.JSONDecodeError):
        json_text.read(text)


@given(st.recursive(st.text() | st.integers(-9, 9), lambda each: st.lists(each, max_size=3)))
def test_what_is_whole_is_read_as_it_is(value):
    assert json_text.read(json.dumps(value)) == value


@given(st.text(st.characters(exclude_categories=()), max_size=20))
def test_whatever_a_script_holds_is_read(text):
    as_text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    found = json_text.read(json.dumps(text))
    assert len(found) == len(as_text)
    assert found == as_text
