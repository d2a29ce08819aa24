"""The patterns of Redis."""

import pytest

from emulator.core.redis.patterns import matches


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("*", "", True),
        ("a*c", "abc", True),
        ("a*c", "abd", False),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("[ab]c", "bc", True),
        ("[^ab]c", "bc", False),
        ("[a-c]", "b", True),
        ("[c-a]", "b", True),
        ("[a", "a", True),
        ("\\*", "*", True),
        ("\\*", "a", False),
        ("[\\]]", "]", True),
        ("", "", True),
        ("", "a", False),
        ("a", "", False),
        ("*a*b*", "xxaxxbxx", True),
        ("\\", "\\", True),
    ],
)
def test_patterns_fit_or_do_not(pattern, text, fits):
    assert matches(pattern, text) == fits


def test_no_pattern_takes_long():
    assert not matches("*a" * 200 + "b", "a" * 2000)
