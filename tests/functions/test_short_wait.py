"""The short wait: told while it waits, told before, not told, told too late."""

import threading

from emulator.ambient import ManualClock, SystemClock
from emulator.functions import short_wait as module
from emulator.functions.short_wait import ShortWait


def test_what_came_back_before_the_wait_is_not_waited_for():
    wait, back = ShortWait(SystemClock()), []
    wait.begin()
    back.append(1)
    assert wait.tell()
    assert wait.until(lambda: bool(back))


def test_another_thread_ends_the_wait(monkeypatch):
    monkeypatch.setattr(module, "WAIT_MAX_S", 30.0)
    wait, back = ShortWait(SystemClock()), []
    wait.begin()

    def elsewhere():
        back.append(1)
        assert wait.tell()

    thread = threading.Thread(target=elsewhere)
    thread.start()
    assert wait.until(lambda: bool(back))
    thread.join()


def test_what_takes_long_is_given_up():
    wait = ShortWait(SystemClock())
    wait.begin()
    assert not wait.until(lambda: False)
    assert not wait.tell(), "nobody waits any more"


def test_something_else_that_comes_back_does_not_end_the_wait():
    asked = []
    wait = ShortWait(ManualClock())
    wait.begin()
    assert wait.tell()
    assert wait.tell(), "told twice before it looks is told"

    def done():
        asked.append(1)
        if len(asked) == 1:
            wait.tell()
        return len(asked) >= 2

    assert wait.until(done)
    assert len(asked) == 3, "it looks once more after nobody is told any more"


def test_one_wait_does_not_hear_what_was_told_to_the_one_before():
    wait = ShortWait(SystemClock())
    for _ in range(3):
        wait.begin()
        assert wait.tell()
        wait.end()
        asked = []
        wait.begin()
        assert not wait.until(lambda seen=asked: bool(seen.append(1)))
        assert len(asked) == 1, "only the look at the end"


def test_thousand_waits_with_another_thread_lose_nothing():
    wait, back, turns = ShortWait(SystemClock()), [], 1_000
    ask = threading.Semaphore(0)

    def elsewhere():
        for number in range(turns):
            ask.acquire()
            back.append(number)
            if not wait.tell():
                late.release()

    late = threading.Semaphore(0)
    thread = threading.Thread(target=elsewhere, daemon=True)
    thread.start()
    for number in range(turns):
        wait.begin()
        ask.release()
        if not wait.until(lambda at=number: len(back) > at):
            assert late.acquire(timeout=30), "told nowhere"
        assert back[number] == number
    thread.join()
