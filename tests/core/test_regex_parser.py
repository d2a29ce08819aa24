"""The tree and the text that come out of reading a pattern."""

import re

import pytest

from emulator.core.regex_parser import PatternReader
from emulator.core.regex_tree import Chars, Choice, Echo, Group, Look, Point, Repeat, Sequence


def read(pattern, options=""):
    return PatternReader(pattern, options).read()


@pytest.mark.parametrize(
    ("pattern", "kind"),
    [
        ("a", Chars),
        ("ab", Sequence),
        ("a|b", Choice),
        ("a*", Repeat),
        ("(a)", Group),
        ("(?=a)", Look),
        ("^", Point),
        ("(a)\\1", Sequence),
    ],
)
def test_each_part_has_its_node(pattern, kind):
    assert type(read(pattern)) is kind


def test_an_echo_does_not_run_into_the_next_digit():
    node = read("(a)\\g{1}0")
    assert isinstance(node.items[1], Echo)
    assert re.fullmatch(node.text, "aa0")


def test_sets_know_their_characters():
    assert read("[a-c]").ranges == ((97, 99),)
    assert read("[^\\x00-`]").ranges[0][0] == 97
    assert read("a", "i").ranges == ((65, 65), (97, 97))


@pytest.mark.parametrize(
    ("pattern", "least", "most", "gives_back"),
    [
        ("a*", 0, None, True),
        ("a+?", 1, None, True),
        ("a?+", 0, 1, False),
        ("a{3}", 3, 3, True),
        ("a{2,}", 2, None, True),
        ("a{2,5}+", 2, 5, False),
    ],
)
def test_repeats_know_their_bounds(pattern, least, most, gives_back):
    node = read(pattern)
    assert (node.least, node.most, node.gives_back) == (least, most, gives_back)


def test_choices_keep_to_themselves_in_a_sequence():
    node = read("a(?:b|c)d")
    assert re.fullmatch(node.text, "abd")
    assert not re.fullmatch(node.text, "ab")


def test_leading_options_hold_for_the_whole_pattern():
    assert PatternReader("(?i)a", "").ignores_case
    assert not PatternReader("(?i:a)", "").ignores_case
