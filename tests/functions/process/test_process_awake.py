"""For how long a loop looks for what a process says, without sleeping."""

import asyncio

from emulator.functions.process_awake import QUICK_MS, Awake


class Loop:
    """Turns that the test takes, and how many there were."""

    def __init__(self) -> None:
        self.ready: list[tuple] = []
        self.turns = 0

    def call_soon(self, call, *arguments) -> asyncio.Handle:
        self.ready.append((call, arguments))

    def turn(self, times: int = 1_000) -> int:
        """Take turns until there is nothing to do; return how many were taken."""
        taken = 0
        while self.ready and taken < times:
            (call, arguments) = self.ready.pop()
            call(*arguments)
            assert len(self.ready) <= 1
            taken += 1
        return taken


def test_it_looks_a_number_of_times_and_then_lets_the_loop_sleep():
    loop = Loop()
    awake = Awake(5)
    awake.asked(loop)
    assert loop.turn() == 5
    awake.asked(loop)
    assert loop.turn() == 5


def test_what_is_said_meanwhile_begins_it_anew_without_a_second_look_a_turn():
    loop = Loop()
    awake = Awake(5)
    awake.asked(loop)
    assert loop.turn(3) == 3
    awake.asked(loop)
    awake.asked(loop)
    assert loop.turn() == 5


def test_it_looks_for_the_next_call_after_a_quick_one_only():
    loop = Loop()
    awake = Awake(5)
    awake.answered(loop, QUICK_MS)
    assert loop.turn() == 5
    awake.answered(loop, QUICK_MS * 2)
    awake.asked(loop)
    assert loop.turn() == 0
    awake.answered(loop, QUICK_MS / 2)
    assert loop.turn() == 5
    awake.asked(loop)
    assert loop.turn() == 5


def test_it_never_looks_where_it_must_not():
    loop = Loop()
    Awake(0).asked(loop)
    Awake().asked(loop)
    Awake(5, may=lambda: False).asked(loop)
    assert loop.turn() == 0


def test_it_stops_as_soon_as_somebody_else_wants_to_run():
    loop, busy = Loop(), []
    awake = Awake(5, may=lambda: not busy)
    awake.asked(loop)
    assert loop.turn(2) == 2
    busy.append("a function on a thread")
    assert loop.turn() == 1
    busy.clear()
    awake.asked(loop)
    assert loop.turn() == 5
