"""Owns which thread does the suite's work while it calls one function after the other.

Not here: how calls run (`python_inline`) and what the work is (`services.clock`). The one idea: to
wake a thread costs more than an empty function does. So a thread that has run a function goes on
with the work that waited for it, up to the next call, while the suite's own thread stands still.
Whoever holds the baton may touch what is the suite's; user code never holds it. A function that
takes long loses it: the suite's thread takes it back and goes on as ever.
"""

import asyncio
import threading
from asyncio import AbstractEventLoop
from asyncio import _set_running_loop as set_running_loop
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextvars import Context, copy_context
from functools import partial
from typing import Any, Final, Generic, TypeVar, cast

from emulator.ambient import SystemClock
from emulator.functions.base import Outcome
from emulator.functions.python_calls import Call
from emulator.functions.python_loops import FunctionLoop
from emulator.functions.python_run import current_run
from emulator.functions.python_threads import Worker

WAIT_MAX_S: Final = 0.001
"""The loop, and code that asks it for something, is kept from its work no longer by a function."""
LOOK_S: Final = 0.002
"""How often the thread that stands still looks how long the function at hand has taken."""
USUAL_AFTER_MISS: Final = 32
"""A function that took longer is not waited for like this in so many calls that follow."""

T = TypeVar("T")
Step = Callable[[], object]


class Wanted:
    """A call that carried work waits for; awaiting it returns what came of the call."""

    __slots__ = ("call",)

    def __init__(self, call: Call) -> None:
        self.call = call

    def __await__(self) -> Generator[object, Outcome, Outcome]:
        return (yield self)


class _Late:
    """A call that is not back yet, which is waited for on the loop."""

    __slots__ = ("call",)

    def __init__(self, call: Call) -> None:
        self.call = call


class _Ended(Generic[T]):
    """The end of carried work."""

    __slots__ = ("fault", "value")

    def __init__(self, value: T | None = None, fault: BaseException | None = None) -> None:
        self.value = value
        self.fault = fault


class Baton:
    """The right to do the suite's work, of one runtime.

    `begin` has a call run on a thread that asks `go_on` after it, or returns why it cannot;
    `deliver` takes what has come back, with the baton; `wake` has that done on the suite's loop.
    """

    def __init__(
        self,
        *,
        begin: Callable[[Call], Outcome | None],
        deliver: Callable[[], None],
        wake: Callable[[], None],
    ) -> None:
        # The time that a function really takes; the suite's clock may stand still meanwhile.
        self._stopwatch = SystemClock()
        self._begin = begin
        self._deliver = deliver
        self._wake = wake
        self.at_work = False
        """Whether the code that asks is carried, and may wait for a call as `Wanted`."""
        self._work: _Work[Any] | None = None
        # With the first lock it is settled who has the baton; the second is given to give it back.
        self._taking = threading.Lock()
        self._given = threading.Lock()
        self._given.acquire()
        self._away: Call | None = None
        self._away_since_s = 0.0
        self._asked: object = None

    def carry(self, work: Coroutine[Any, Any, T]) -> Awaitable[T]:
        """Do work that calls functions, on whichever thread is awake; one at a time, on a loop."""
        suite = asyncio.get_running_loop()
        # A loop that is being debugged insists on its own thread.
        return work if suite.get_debug() else _Work(self, suite, work)

    def is_away(self, call: Call) -> bool:
        """Tell whether the thread that runs a call will ask how to go on, and nobody else waits."""
        return self._away is call

    def go_on(self, call: Call, serves: Callable[[Call], bool]) -> Call | None:
        """Go on with what waited for a call that this thread has run.

        Returns the next call, if this thread `serves` it; None when the suite's goes on.
        """
        with self._taking:
            if self._away is not call:
                late = True
            else:
                late, self._away = False, None
        if late:
            # What it came to was posted while somebody stood still for it, who has gone.
            self._wake()
            return None
        return self._go_on(call, serves)

    def _go_on(self, call: Call, serves: Callable[[Call], bool]) -> Call | None:
        assert self._work is not None
        mine = asyncio._get_running_loop()
        asked: object = _Late(call)
        following = None
        set_running_loop(self._work.suite)
        try:
            self._deliver()
            if call.future.done():
                asked = self._work.send(call.future.result())
            if isinstance(asked, Wanted) and serves(asked.call):
                following = asked.call
        finally:
            set_running_loop(mine)
            if following is None:
                self._asked = asked
                self._given.release()
            else:
                self._send_away(following)
        return following

    def lend(self, call: Call) -> object:
        """Stand still while other threads run calls and go on; returns what is asked for then."""
        self._send_away(call)
        refused = self._begin(call)
        if refused is not None:
            assert self._work is not None
            self._away = None
            return self._work.send(refused)
        while not self._given.acquire(timeout=LOOK_S):
            with self._taking:
                away = self._away
                if (
                    away is not None
                    and self._stopwatch.elapsed_s() - self._away_since_s >= WAIT_MAX_S
                ):
                    self._away = None
                    away.generation.usual_calls = USUAL_AFTER_MISS
                    return _Late(away)
        asked, self._asked = self._asked, None
        return asked

    def _send_away(self, call: Call) -> None:
        self._away_since_s = self._stopwatch.elapsed_s()
        self._away = call

    def take_up(self, work: "_Work[Any]") -> bool:
        """Carry this work from now on; False when other work is being carried."""
        if self._work is not None:
            return False
        self._work = work
        return True

    def lay_down(self) -> None:
        """Carry nothing any more."""
        self._work = None


class _Work(Generic[T]):
    """Work that is carried: awaited by a task of the suite's loop, stepped by whoever is awake."""

    def __init__(
        self, baton: Baton, suite: AbstractEventLoop, work: Coroutine[Any, Any, T]
    ) -> None:
        self.suite = suite
        self._baton = baton
        self._work = work
        self._context: Context = copy_context()
        # It is the suite's, even when user code asked for it.
        self._context.run(current_run.set, None)

    def send(self, value: object) -> object:
        """Go on with a value up to where it asks for something; with the baton."""
        return self._step(partial(self._work.send, value))

    def __await__(self) -> Generator[Any, Any, T]:
        baton = self._baton
        if not baton.take_up(self):
            return (yield from self._work.__await__())
        try:
            asked = self.send(None)
            while not isinstance(asked, _Ended):
                if isinstance(asked, Wanted):
                    asked = baton.lend(asked.call)
                    continue
                try:
                    if isinstance(asked, _Late):
                        got: object = yield from asked.call.future.__await__()
                    else:
                        got = yield asked
                except BaseException as fault:  # noqa: BLE001  # thrown in, for the work to hear
                    asked = self._step(partial(self._work.throw, fault))
                else:
                    asked = self.send(got)
        finally:
            baton.lay_down()
        if asked.fault is not None:
            raise asked.fault
        return cast(T, asked.value)

    def _step(self, step: Step) -> object:
        self._baton.at_work = True
        try:
            return self._context.run(step)
        except StopIteration as end:
            return _Ended(end.value)
        except BaseException as fault:  # noqa: BLE001  # handed to whoever awaits the work
            return _Ended(fault=fault)
        finally:
            self._baton.at_work = False


def run_blocking(baton: Baton, call: Call, worker: Worker) -> None:
    """Run a call on a thread of the pool, and go on with what waited for it from call to call."""
    following: Call | None = call
    while following is not None and worker.run(following):
        following = baton.go_on(following, _blocks)


async def run_awaiting(baton: Baton, loop: FunctionLoop, call: Call) -> None:
    """Run a call on its function's loop, and go on with what waited for it."""
    await call.drive()
    following = baton.go_on(call, lambda other: other.generation.loop is loop)
    if following is not None:
        following.loop = loop
        loop.go_on(partial(run_awaiting, baton, loop, following))


def _blocks(call: Call) -> bool:
    return not call.generation.is_async
