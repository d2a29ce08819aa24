"""What processes hold, and when they are looked at."""

import asyncio
import os
import sys

from emulator.functions.process_weight import Scales, memory_held_mb


class Weighed:
    def __init__(self) -> None:
        self.times = 0

    def weigh(self) -> None:
        self.times += 1


class Loop:
    """Timers that the test lets pass."""

    def __init__(self) -> None:
        self.due: list[object] = []

    def call_later(self, delay_s: float, call: object) -> asyncio.Handle:
        handle = asyncio.Handle(call, (), asyncio.get_running_loop())
        self.due.append(handle)
        return handle

    def turn(self) -> None:
        due, self.due = self.due, []
        for handle in due:
            if not handle.cancelled():
                handle._run()


async def test_processes_are_weighed_as_long_as_any_is_busy():
    loop, first, second = Loop(), Weighed(), Weighed()
    busy = [first, second]
    scales = Scales(loop, lambda: busy)
    loop.turn()
    scales.watch()
    scales.watch()
    assert len(loop.due) == 1
    loop.turn()
    assert (first.times, second.times) == (1, 1)
    busy.remove(second)
    loop.turn()
    busy.clear()
    loop.turn()
    loop.turn()
    assert (first.times, second.times, loop.due) == (2, 1, [])
    busy.append(first)
    scales.watch()
    scales.close()
    loop.turn()
    assert first.times == 2


def test_memory_of_a_process_is_told_where_the_system_does():
    assert (memory_held_mb(os.getpid()) > 5) == (sys.platform in ("linux", "darwin", "win32"))


def test_memory_of_no_process_is_nothing():
    assert memory_held_mb(2**22 + 1) == 0.0
