"""Scripts a pattern can name."""

import pytest

from emulator.core.regex_scripts import script_ranges
from emulator.core.regex_tree import merged

SCRIPTS = [
    ("Arabic", "ع", "a"),
    ("Bopomofo", "ㄅ", "中"),
    ("Cyrillic", "ж", "a"),
    ("Greek", "λ", "a"),
    ("Hangul", "한", "中"),
    ("Hebrew", "ש", "a"),
    ("Hiragana", "ひ", "カ"),
    ("Katakana", "カ", "ひ"),
    ("Latin", "ë", "1"),
    ("Thai", "ก", "฿"),
]


@pytest.mark.parametrize(("name", "inside", "outside"), SCRIPTS)
def test_scripts_hold_their_own_characters(name, inside, outside):
    ranges = script_ranges(name)
    assert merged(ranges) == ranges
    assert any(low <= ord(inside) <= high for low, high in ranges)
    assert not any(low <= ord(outside) <= high for low, high in ranges)


def test_other_names_are_no_script():
    assert script_ranges("Gothic") is None
