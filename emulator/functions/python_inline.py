"""Owns the runtime of Python functions: generations, their calls, and calls that do not end.

Not here: modules (`python_modules`), loops and threads (`python_loops`, `python_threads`), what
code shares with the process (`python_ambience`). The one idea: the suite's loop only hands a call
over and holds its time-out; user code loads and runs on other threads, and whatever it does there,
the caller is answered in time.

What inline running cannot do: limit memory, survive a crash in C code, or stop code
that sits in C for ever; such a thread is left behind as a daemon.
"""

import asyncio
from asyncio import AbstractEventLoop
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from threading import Thread, get_ident
from typing import Any, Final, TypeVar

from emulator.ambient import Clock
from emulator.cloud.session import Session
from emulator.functions.base import (
    Bundle,
    Failure,
    Generation,
    InstanceState,
    Invocation,
    LoadFailed,
    Outcome,
    Problem,
    failed,
)
from emulator.functions.deadlines import Deadlines
from emulator.functions.python_ambience import Ambience
from emulator.functions.python_baton import Baton, Wanted, run_awaiting, run_blocking
from emulator.functions.python_calls import Call, PythonGeneration
from emulator.functions.python_loops import FunctionLoop, MakeLoop
from emulator.functions.python_packages import PackageClaims
from emulator.functions.python_returns import Returns, tell
from emulator.functions.python_run import current_run
from emulator.functions.python_threads import Job, TooManyWaiting, Workers, interrupt

T = TypeVar("T")

LOAD_TIMEOUT_S: Final = 10.0
INTERRUPT_AFTER_S: Final = 0.05
"""A loop that shows no sign of life for so long after a time-out is blocked."""
INTERRUPT_EVERY_MAX_S: Final = 1.0
INTERRUPTS_MAX: Final = 100
REPLACE_LOOP_AT: Final = 2
"""The interrupt after which a loop that stays blocked is replaced for the next call."""
RETIRED_LINGER_S: Final = 60.0
"""How long work left behind may keep a retired generation in memory before it is interrupted."""
CLOSE_TIMEOUT_S: Final = 0.8
STOPPING: Final = "the suite is stopping"


class PythonInlineRuntime:
    """Python functions in the suite's own process; belongs to the loop that first loads.

    `load_session` makes the session that module-level code of a bundle acts under, if any; `alone`
    says that the process has no other function. Loops of functions are made by `make_loop`, of the
    suite's own kind without one: a fast one is woken at half the cost.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        load_timeout_s: float = LOAD_TIMEOUT_S,
        load_session: Callable[[Bundle], Session] | None = None,
        alone: bool = False,
        make_loop: MakeLoop | None = None,
    ) -> None:
        self._make_loop = make_loop
        self._claims = PackageClaims(alone=alone)
        self._clock = clock
        self._load_timeout_s = load_timeout_s
        self._load_session = load_session
        self._ambience = Ambience()
        self._generations: set[PythonGeneration] = set()
        self._calls: set[Call] = set()
        self._closed = False
        self._baton = Baton(begin=self._start_carried, deliver=self._deliver, wake=self._wake_suite)
        self._to_wake: set[FunctionLoop] = set()
        self._deadlines: Deadlines[Call] | None = None
        self._loop: AbstractEventLoop | None = None
        self._workers: Workers | None = None
        self._returns: Returns | None = None
        self._abandoned: list[FunctionLoop] = []

    async def load(self, bundle: Bundle) -> Generation:
        """Load the code on a thread of its own.

        Raises:
            LoadFailed: it raised, has no handler, or does not return within the time-out.
        """
        suite = self._bind()
        loaded: asyncio.Future[PythonGeneration] = suite.create_future()
        session = None if self._load_session is None else self._load_session(bundle)
        suite_thread = get_ident()
        make_loop: MakeLoop = self._make_loop or type(suite)

        def load_here() -> bool:
            generation = PythonGeneration(bundle, suite_thread, self._claims, make_loop=make_loop)
            try:
                generation.load(session)
            except BaseException as fault:
                generation.space.close()
                if isinstance(fault, LoadFailed):
                    tell(suite, _refuse, loaded, fault)
                    return False
                raise
            generation.loop = thread if generation.is_async else None
            tell(suite, self._take, loaded, generation)
            return generation.is_async

        thread = FunctionLoop(f"function {bundle.name}", load_here, make_loop=make_loop)
        thread.start()
        timer = suite.call_later(self._load_timeout_s, self._give_up_load, loaded, bundle, thread)
        try:
            return await loaded
        except asyncio.CancelledError:
            self._abandoned.append(thread)
            raise
        finally:
            timer.cancel()

    async def call(self, generation: Generation, invocation: Invocation) -> Outcome:
        """Run the handler; answers within the invocation's time-out whatever the code does."""
        assert isinstance(generation, PythonGeneration)
        suite = self._bind()
        if self._closed:
            return failed("exit", STOPPING)
        assert self._deadlines is not None
        assert self._returns is not None
        future: asyncio.Future[Outcome] = suite.create_future()
        call = Call(
            generation, invocation, future=future, clock=self._clock, post=self._returns.post
        )
        while generation.early:
            invocation.log(*generation.early.popleft())
        carried = invocation.manner.alone and self._baton.at_work and self._is_quick(generation)
        refused = None if carried else self._start(call)
        if refused is not None:
            return refused
        self._deadlines.add(call, invocation.timeout_s)
        self._calls.add(call)
        generation.held.add(call, call.run)
        return await (Wanted(call) if carried else future)

    def carry(self, work: Coroutine[Any, Any, T]) -> Awaitable[T]:
        """Do work that calls functions one after the other with as few changes of thread as can be.

        Calls that it makes in a manner that is `alone` are run by the thread that goes on with it.
        """
        return self._baton.carry(work)

    def retire(self, generation: Generation) -> None:
        """Forget a generation once its last call and the work they left behind have ended."""
        assert isinstance(generation, PythonGeneration)
        suite = self._bind()
        if not generation.retired:
            generation.retired = True
            generation.lingering = suite.call_later(RETIRED_LINGER_S, self._forget, generation)
            generation.held.when_empty(lambda: tell(suite, self._forget, generation))

    def is_idle(self) -> bool:
        """Tell whether no call is under way."""
        return not self._calls

    def running(self) -> Sequence[str]:
        """Return what still runs, un-awaited work of ended calls included, as short sentences."""
        return [each for known in tuple(self._generations) for each in known.held.sentences()]

    def instances(self) -> Sequence[InstanceState]:
        """Return the generations in memory; each serves any number of calls at once."""
        under_way = [call.generation for call in self._calls]
        return [known.state(under_way.count(known)) for known in self._generations]

    async def close(self) -> None:
        """Stop within a second, leaving threads that cannot be stopped behind as daemons."""
        if self._closed or self._loop is None:
            self._closed = True
            return
        self._closed = True
        for call in tuple(self._calls):
            self._answer(call, failed("exit", STOPPING))
            self._give_up(call)
        if self._deadlines is not None:
            self._deadlines.clear()
        loops = [known.loop for known in self._generations if known.loop is not None]
        # Code that was still loading when nobody wanted it any more ends by itself, or is made to.
        loops += self._abandoned
        for loop in loops:
            loop.stop()
        if self._workers is not None:
            self._workers.close()
        await self._wait_for_threads(loops)
        for known in tuple(self._generations):
            self._forget(known)
        self._ambience.leave()

    def _bind(self) -> AbstractEventLoop:
        """Return the suite's loop, and have the process ask whose code runs."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._workers = Workers("function calls", self._loop.call_later)
            self._deadlines = Deadlines(self._loop, self._time_out)
            self._returns = Returns(
                self._loop,
                is_away=self._baton.is_away,
                under_way=self._calls,
                take=self._answer,
            )
        if not self._closed:
            self._ambience.take()
        return self._loop

    @staticmethod
    def _is_quick(generation: PythonGeneration) -> bool:
        """Tell whether its calls have been back at once of late."""
        if generation.usual_calls == 0:
            return True
        generation.usual_calls -= 1
        return False

    def _start(self, call: Call) -> Outcome | None:
        """Have a call run elsewhere; returns why it cannot be."""
        if call.generation.is_async:
            loop = call.loop = call.generation.serving_loop()
            if self._calls:
                # Others are under way: whoever comes in this turn of the suite's loop goes along.
                loop.add(call.drive)
                self._wake_after_this_turn(loop)
            else:
                loop.submit(call.drive)
        else:
            # The context of a `cloud` call comes along to the suite's thread, so that a call made
            # by a call is known.
            return self._submit(call, call)
        return None

    def _submit(self, call: Call, job: Job) -> Outcome | None:
        assert self._workers is not None
        try:
            self._workers.submit(job, nested=current_run.get() is not None)
        except TooManyWaiting as fault:
            name = call.generation.bundle.name
            return failed("exception", f"function {name} was not run: {fault}")
        return None

    def _start_carried(self, call: Call) -> Outcome | None:
        """Have a call run by a thread that goes on with the work that waits for it."""
        if call.generation.is_async:
            loop = call.loop = call.generation.serving_loop()
            loop.submit(partial(run_awaiting, self._baton, loop, call))
            return None
        return self._submit(call, partial(run_blocking, self._baton, call))

    def _wake_after_this_turn(self, loop: FunctionLoop) -> None:
        if not self._to_wake:
            assert self._loop is not None
            self._loop.call_soon(self._wake)
        self._to_wake.add(loop)

    def _wake(self) -> None:
        loops, self._to_wake = self._to_wake, set()
        for loop in loops:
            loop.wake()

    # What comes back from other threads

    def _deliver(self) -> None:
        assert self._returns is not None
        self._returns.deliver()

    def _wake_suite(self) -> None:
        assert self._returns is not None
        self._returns.tell()

    def _answer(self, call: Call, outcome: Outcome) -> None:
        assert self._deadlines is not None
        self._deadlines.remove(call, call.invocation.timeout_s)
        self._calls.discard(call)
        if not call.future.done():
            call.future.set_result(outcome)

    def _take(
        self, loaded: "asyncio.Future[PythonGeneration]", generation: PythonGeneration
    ) -> None:
        if loaded.done():
            generation.space.close()
            if generation.loop is not None:
                generation.loop.leave()
            return
        self._generations.add(generation)
        loaded.set_result(generation)

    def _forget(self, generation: PythonGeneration) -> None:
        if generation not in self._generations:
            return
        self._generations.discard(generation)
        if generation.lingering is not None:
            generation.lingering.cancel()
        generation.space.close()
        left = generation.held.items()
        for item in left:
            if isinstance(item, Thread) and item.ident is not None and item.is_alive():
                interrupt(item.ident)
        if generation.loop is not None:
            if left:
                generation.loop.stop()
            else:
                generation.loop.leave()

    # What does not come back

    def _time_out(self, call: Call) -> None:
        # The answer may be here already, its thread kept from telling by another call's code.
        self._deliver()
        if call not in self._calls:
            return
        timeout_s = call.invocation.timeout_s
        failure = Failure(
            kind="timeout",
            message=f"Invoking task timed out after {timeout_s:g} seconds",
            stack=call.where(),
        )
        self._answer(call, Outcome(result=b"null", failure=failure, duration_ms=timeout_s * 1000))
        call.generation.held.add(call, f"{call.run.title}, timed out and not stopped yet")
        self._give_up(call)

    def _give_up(self, call: Call) -> None:
        """Make the code of a call stop that nobody waits for any more."""
        assert self._loop is not None
        call.given_up = True
        if call.loop is not None:
            call.loop.call(call.cancel)
            question = call.loop.ask()
            self._loop.call_later(
                INTERRUPT_AFTER_S, self._interrupt_loop, call.generation, call.loop, question
            )
        else:
            self._interrupt_worker(call)

    def _interrupt_loop(
        self, generation: PythonGeneration, loop: FunctionLoop, question: int, number: int = 1
    ) -> None:
        if loop.has_answered(question) or number > INTERRUPTS_MAX:
            return
        loop.interrupt()
        if number == REPLACE_LOOP_AT:
            generation.replace_loop(loop)
        assert self._loop is not None
        delay_s = min(INTERRUPT_AFTER_S * number, INTERRUPT_EVERY_MAX_S)
        self._loop.call_later(delay_s, self._interrupt_loop, generation, loop, question, number + 1)

    def _interrupt_worker(self, call: Call, number: int = 1) -> None:
        worker = call.worker
        if worker is None or number > INTERRUPTS_MAX or not worker.interrupt(call):
            return
        assert self._loop is not None
        delay_s = min(INTERRUPT_AFTER_S * number, INTERRUPT_EVERY_MAX_S)
        self._loop.call_later(delay_s, self._interrupt_worker, call, number + 1)

    def _give_up_load(
        self,
        loaded: "asyncio.Future[PythonGeneration]",
        bundle: Bundle,
        thread: FunctionLoop,
        number: int = 1,
    ) -> None:
        if not loaded.done():
            message = f"its top level did not return within {self._load_timeout_s:g} seconds"
            problem = Problem(file=str(bundle.entry), line=0, message=message)
            loaded.set_exception(LoadFailed(problem))
        if thread.thread.is_alive() and number <= INTERRUPTS_MAX:
            thread.interrupt()
            assert self._loop is not None
            delay_s = min(INTERRUPT_AFTER_S * number, INTERRUPT_EVERY_MAX_S)
            self._loop.call_later(delay_s, self._give_up_load, loaded, bundle, thread, number + 1)

    async def _wait_for_threads(self, loops: Sequence[FunctionLoop]) -> None:
        """Wait for the loops to end, interrupting half-way what blocks them."""
        assert self._loop is not None
        deadline_s = self._loop.time() + CLOSE_TIMEOUT_S
        interrupt_s = deadline_s - CLOSE_TIMEOUT_S / 2
        while any(loop.thread.is_alive() for loop in loops) and self._loop.time() < deadline_s:
            if self._loop.time() > interrupt_s:
                interrupt_s = deadline_s
                for loop in loops:
                    loop.interrupt()
            await asyncio.sleep(0.002)


def _refuse(loaded: "asyncio.Future[PythonGeneration]", fault: LoadFailed) -> None:
    if not loaded.done():
        loaded.set_exception(fault)
