"""What is due is told in order and once; what ended in time is never told."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from emulator.functions.deadlines import Deadlines


class TurnedLoop:
    """As much of an event loop as deadlines need, with a clock turned by hand."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.timers: list[tuple[float, object, asyncio.TimerHandle]] = []
        self.armed = 0

    def time(self) -> float:
        return self.now_s

    def call_at(self, when_s, callback):
        self.armed += 1
        handle = asyncio.TimerHandle(when_s, callback, (), _NoLoop())
        self.timers.append((when_s, callback, handle))
        return handle

    def turn(self, seconds: float) -> None:
        end_s = self.now_s + seconds
        while True:
            waiting = [each for each in self.timers if not each[2].cancelled()]
            due = sorted((each for each in waiting if each[0] <= end_s), key=lambda each: each[0])
            if not due:
                break
            self.timers = [each for each in waiting if each is not due[0]]
            self.now_s = max(self.now_s, due[0][0])
            due[0][1]()
        self.now_s = end_s


class _NoLoop:
    def get_debug(self) -> bool:
        return False

    def _timer_handle_cancelled(self, handle) -> None:
        pass


def test_items_are_due_after_their_own_time():
    loop, told = TurnedLoop(), []
    deadlines = Deadlines(loop, told.append)
    deadlines.add("slow", 3.0)
    deadlines.add("quick", 1.0)
    loop.turn(0.9)
    assert told == []
    loop.turn(0.2)
    assert told == ["quick"]
    loop.turn(2.0)
    assert told == ["quick", "slow"]


def test_what_is_removed_is_not_due():
    loop, told = TurnedLoop(), []
    deadlines = Deadlines(loop, told.append)
    deadlines.add("a", 1.0)
    deadlines.remove("a", 1.0)
    deadlines.remove("never added", 7.0)
    loop.turn(5)
    assert told == []


def test_many_items_that_end_in_time_need_one_timer():
    loop = TurnedLoop()
    deadlines = Deadlines(loop, lambda item: None)
    for number in range(1000):
        deadlines.add(number, 3.0)
        deadlines.remove(number, 3.0)
    assert loop.armed == 1


def test_clearing_forgets_everything():
    loop, told = TurnedLoop(), []
    deadlines = Deadlines(loop, told.append)
    deadlines.add("a", 1.0)
    deadlines.clear()
    loop.turn(5)
    assert told == []
    deadlines.add("b", 1.0)
    loop.turn(1)
    assert told == ["b"]


def test_telling_may_add_and_remove():
    loop, told = TurnedLoop(), []

    def due(item):
        told.append((item, loop.now_s))
        deadlines.remove("other", 1.0)
        if item == "first":
            deadlines.add("again", 1.0)

    deadlines = Deadlines(loop, due)
    deadlines.add("first", 1.0)
    loop.turn(0.5)
    deadlines.add("other", 1.0)
    loop.turn(5)
    assert told == [("first", 1.0), ("again", 2.0)]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.sampled_from([0.5, 1.0, 3.0])),
        st.tuples(st.just("remove"), st.integers(0, 30)),
        st.tuples(st.just("turn"), st.sampled_from([0.1, 0.4, 1.0, 2.0])),
    ),
    max_size=40,
)


@given(STEPS)
def test_every_item_is_due_exactly_at_its_time_unless_removed_before(steps):
    loop, told, expected = TurnedLoop(), [], {}
    deadlines = Deadlines(loop, lambda item: told.append((item, round(loop.now_s, 6))))
    timeouts: dict[int, float] = {}
    for kind, value in steps:
        if kind == "add":
            number = len(timeouts)
            timeouts[number] = value
            expected[number] = round(loop.now_s + value, 6)
            deadlines.add(number, value)
        elif kind == "remove":
            if value in timeouts and expected.get(value, -1) > loop.now_s:
                del expected[value]
                deadlines.remove(value, timeouts[value])
        else:
            loop.turn(value)
    loop.turn(10)
    assert sorted(told) == sorted(expected.items())
