"""The positions of a pattern and the steps between them."""

import pytest

from emulator.core.regex_parser import PatternReader
from emulator.core.regex_positions import COPIES_MAX, POSITIONS_MAX, Positions, TooManyPositions


def positions(pattern):
    result = Positions()
    span = result.add(PatternReader(pattern, "").read())
    return result, span


def test_a_sequence_is_a_line_of_steps():
    result, span = positions("abc")
    assert dict(result.steps) == {(0, 1): 1, (1, 2): 1}
    assert (span.first, span.last, span.nullable) == ((0,), (2,), False)


def test_what_can_be_left_out_is_stepped_over():
    result, span = positions("ab?c")
    assert set(result.steps) == {(0, 1), (0, 2), (1, 2)}
    assert positions("a?b*")[1].nullable
    assert span.last == (2,)


def test_a_loop_in_a_loop_can_be_made_in_two_ways():
    assert positions("(a+)+")[0].steps[0, 0] == 2
    assert positions("(ab)+")[0].steps[1, 0] == 1


def test_short_counts_are_laid_out_and_long_ones_are_loops():
    short, _ = positions(f"a{{2,{COPIES_MAX}}}")
    assert len(short.sets) == COPIES_MAX
    assert not short.endless
    long, _ = positions(f"a{{2,{COPIES_MAX + 1}}}")
    assert len(long.sets) == 1
    assert long.steps[0, 0] == 1
    assert not long.endless
    assert positions("a{2,}")[0].endless == {(0, 0)}


def test_an_echo_may_be_any_text_and_a_look_takes_none():
    echo, span = positions("(a)\\1")
    assert span.last == (0, 1)
    assert echo.steps[1, 1] == 1
    look, span = positions("(?=ab)^")
    assert span.nullable
    assert len(look.looks) == 1


def test_follow_lists_each_next_position_once():
    assert positions("(a|b)+")[0].follow() == [[0, 1], [0, 1]]


@pytest.mark.parametrize(
    "pattern", ["a" * (POSITIONS_MAX + 1), "(?:" + "a?" * 400 + ")"], ids=["positions", "steps"]
)
def test_there_is_a_bound(pattern):
    with pytest.raises(TooManyPositions):
        positions(pattern)
