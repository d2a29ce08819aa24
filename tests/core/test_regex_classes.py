"""Named sets of characters."""

import unicodedata

import pytest

from emulator.core.regex_classes import (
    CLASS_ESCAPES,
    POSIX_CLASSES,
    property_ranges,
    unicode_escapes,
    unicode_posix_classes,
)
from emulator.core.regex_tree import merged


def holds(ranges, character):
    return any(low <= ord(character) <= high for low, high in ranges)


@pytest.mark.parametrize(
    ("letter", "inside", "outside"),
    [
        ("d", "5", "٣"),
        ("w", "_", "é"),
        ("s", "\x0b", "\xa0"),
        ("h", "\u3000", "\n"),
        ("v", "\n", " "),
    ],
)
def test_escapes_and_their_negations_share_no_character(letter, inside, outside):
    assert holds(CLASS_ESCAPES[letter], inside)
    assert not holds(CLASS_ESCAPES[letter], outside)
    assert not holds(CLASS_ESCAPES[letter.upper()], inside)
    assert holds(CLASS_ESCAPES[letter.upper()], outside)


@pytest.mark.parametrize("name", ["Lu", "L", "Nd", "P", "Zs"])
def test_categories_are_pythons_own(name):
    ranges = property_ranges(name)
    for code in [*range(0x300), 0x4E2D, 0x10400, 0x1F600]:
        expected = unicodedata.category(chr(code)).startswith(name)
        assert holds(ranges, chr(code)) is expected


def test_unknown_properties_are_told_apart():
    assert property_ranges("Gothic") is None
    assert property_ranges("Xx") is None
    assert holds(property_ranges("Han"), "漢")


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("Latin", "ë", "1"),
        ("Any", "\n", None),
        ("L&", "ǅ", "中"),
        ("Xan", "中", "_"),
        ("Xps", "\x0b", "a"),
        ("Xsp", "\u2003", "a"),
        ("Xwd", "_", "-"),
    ],
)
def test_scripts_and_the_names_of_pcre(name, inside, outside):
    ranges = property_ranges(name)
    assert holds(ranges, inside)
    assert outside is None or not holds(ranges, outside)
    assert merged(ranges) == ranges


def test_unicode_classes_are_wider():
    assert holds(unicode_escapes()["w"], "é")
    assert not holds(unicode_escapes()["W"], "é")
    assert holds(unicode_escapes()["s"], "\u2003")
    assert holds(unicode_posix_classes()["upper"], "É")
    assert unicode_posix_classes()["xdigit"] == POSIX_CLASSES["xdigit"]
    assert all(merged(ranges) for ranges in unicode_posix_classes().values())
