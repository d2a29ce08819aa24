"""What a search may cost."""

import pytest

from emulator.core.regex_parser import PatternReader
from emulator.core.regex_risk import components, judge


def risk(pattern, *, anchored=False):
    return judge(PatternReader(pattern, "").read(), anchored=anchored)


@pytest.mark.parametrize(
    ("pattern", "anchored", "degree"),
    [
        ("abc", True, 0),
        ("abc", False, 1),
        ("a+", True, 1),
        ("a+b", False, 2),
        ("xa+", False, 1),
        ("a+b+", True, 1),
        ("a+a+", True, 2),
        ("\\w+\\d+\\w+", True, 3),
        ("\\w+@\\w+", True, 1),
        ("a{1,100}b", True, 0),
        ("(?=a+)b", True, 1),
        ("(?=a+)b", False, 2),
    ],
)
def test_degree_counts_loops_that_share_a_text(pattern, anchored, degree):
    found = risk(pattern, anchored=anchored)
    assert found.reason == ""
    assert found.degree == degree


@pytest.mark.parametrize(
    ("pattern", "ways"),
    [("abc", 1), ("a|b", 1), ("a|a", 2), ("(?:a|ab)(?:c|bc)", 2), ("[ab]?a?a?x", 4), ("a?b?x", 1)],
)
def test_ways_count_what_can_take_the_same_text(pattern, ways):
    assert risk(pattern).ways == ways


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(a+)+", "in several ways"),
        ("(a|a)*", "in several ways"),
        ("(a|b|ab)*c", "in several ways"),
        ("(?:[ab]c[ad]?|bcx?a)*", "in several ways"),
        ("(?!(a+)+)b", "in several ways"),
        ("x(?:a?){8}(?:a?){8}(?:a?){8}y", "left out"),
        ("(?:" + "|".join(chr(0x4E00 + i) + "x" for i in range(60)) + ")*", "too large"),
        ("(?:" + "a?" * 400 + ")", "too large"),
    ],
    ids=lambda text: text[:24],
)
def test_what_has_no_bound_has_a_reason(pattern, reason):
    assert reason in risk(pattern).reason


@pytest.mark.parametrize("pattern", ["(ab|ac)*d", "(?:\\d+,)*", "(?:a|b)*", "(?:ab?c)*", "(ab*c)*"])
def test_loops_that_can_be_read_in_one_way_are_fine(pattern):
    assert risk(pattern).reason == ""


def test_components_come_after_those_they_lead_to():
    follow = [[1], [2, 3], [1], [4], []]
    assert components(follow) == [{4}, {3}, {1, 2}, {0}]
    assert components([[0], []]) == [{0}, {1}]
