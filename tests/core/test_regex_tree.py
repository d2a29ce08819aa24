"""Sets of characters as ranges."""

import re

import pytest

from emulator.core.regex_tree import (
    ANY,
    both_cases,
    class_text,
    complement,
    merged,
    overlap,
    refusal,
)


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        ((), ()),
        (((5, 9), (1, 3)), ((1, 3), (5, 9))),
        (((1, 3), (4, 6)), ((1, 6),)),
        (((1, 9), (2, 3)), ((1, 9),)),
    ],
)
def test_merged_ranges_are_ordered_and_apart(ranges, expected):
    assert merged(ranges) == expected


def test_a_complement_is_all_the_rest():
    assert complement(()) == ANY
    assert complement(ANY) == ()
    ranges = ((10, 20), (15, 30), (40, 40))
    assert complement(complement(ranges)) == ((10, 30), (40, 40))


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        (((1, 5),), ((5, 9),), True),
        (((1, 4),), ((5, 9),), False),
        (((5, 9),), ((1, 4),), False),
        (((1, 2), (8, 9)), ((3, 4), (9, 9)), True),
        ((), ((1, 2),), False),
    ],
)
def test_overlap_is_a_shared_character(a, b, verdict):
    assert overlap(a, b) is verdict
    assert overlap(b, a) is verdict


def test_cases_are_added_for_letters_only():
    assert merged(both_cases(((0x40, 0x42), (0x61, 0x61)))) == ((0x40, 0x42), (0x61, 0x62))


@pytest.mark.parametrize("character", ["]", "^", "-", "\\", "[", "&", "\n", "é", "😀"])
def test_class_text_is_safe_for_every_character(character):
    code = ord(character)
    assert re.fullmatch(class_text(((code, code),)), character)
    assert not re.fullmatch(class_text(((code, code),), negated=True), character)


def test_refusals_cut_long_patterns():
    assert len(refusal("x" * 1000, "no").message) < 300
