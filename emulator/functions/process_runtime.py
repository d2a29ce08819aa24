"""Owns a runtime of functions in processes: pre-warmed, within bounds, time-outs that kill.

Not here: one process (`process_worker`), those of one function (`process_pool`), what differs
between languages (`process_kind`). The one idea: a process that has started but loaded nothing
stands ready, so that a saved or called function costs what its code costs to load, and a call of
loaded code costs one message there and one back.
"""

import asyncio
import os
from asyncio import AbstractEventLoop
from collections.abc import Sequence
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from emulator.ambient import Clock, Ids
from emulator.core.errors import InvalidParam
from emulator.functions.base import (
    MEMORY_DEFAULT_MB,
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
from emulator.functions.process_awake import Awake
from emulator.functions.process_calls import ProcessCall
from emulator.functions.process_child import ProcessChild
from emulator.functions.process_guardian import Guardian
from emulator.functions.process_kind import Kind, WorkerLost
from emulator.functions.process_pool import ProcessGeneration
from emulator.functions.process_weight import Scales
from emulator.functions.process_worker import Launch, ProcessWorker

LOAD_TIMEOUT_S: Final = 10.0
WORKERS_MAX: Final = 64
"""Processes of all functions."""
IDLE_MAX: Final = 12
"""Processes of all functions that rest; the one that rested longest goes first."""
IDLE_S: Final = 900.0
"""How long the last process of a function may rest."""
IDLE_EXTRA_S: Final = 30.0
"""How long further processes of a function may rest."""
WARM_AFTER_S: Final = 0.3
"""How long nothing is loaded before the process that stands ready loads packages."""
TEND_EVERY_S: Final = 5.0
EAGER_LOADS_MAX: Final = 8
"""Functions whose code is loaded before they are called, when many are found at once."""
LOADS_AT_ONCE_MAX: Final = max(2, os.cpu_count() or 1)
"""Processes that start and load at the same time; each keeps a processor busy."""
CLOSE_INSPECTOR_MAX_S: Final = 0.5
CLOSE_TIMEOUT_S: Final = 0.8
STOPPING: Final = "the suite is stopping"


class ProcessRuntime:
    """Functions of one kind in processes of their own; belongs to the loop that first loads.

    `awake` keeps the loop from sleeping for a moment, `loopback` is the way of Windows to connect.
    """

    def __init__(
        self,
        kind: Kind,
        *,
        clock: Clock,
        ids: Ids,
        awake: Awake | None = None,
        loopback: bool = False,
    ) -> None:
        self._kind = kind
        self._clock = clock
        self._ids = ids
        self._awake = awake or Awake()
        self._loopback = loopback
        self._guardian = Guardian()
        self._loop: AbstractEventLoop | None = None
        self._deadlines: Deadlines[ProcessCall] | None = None
        self._scales: Scales | None = None
        self._slots: asyncio.Semaphore | None = None
        self._generations: set[ProcessGeneration] = set()
        self._inspected: dict[str, int] = {}
        self._workers: set[ProcessWorker] = set()
        self._spare: asyncio.Task[ProcessWorker] | None = None
        self._warming: asyncio.TimerHandle | None = None
        self._likely: Sequence[str] = ()
        self._tending: asyncio.TimerHandle | None = None
        self._loading = 0
        self._is_closed = False

    async def load(self, bundle: Bundle) -> Generation:
        """Load the code in a process; when many are loaded at once, some at their first call only.

        Raises:
            LoadFailed: it raised, has no handler, does not return in time; or no process starts.
        """
        loop = self._bind()
        generation = ProcessGeneration(
            bundle,
            loop=loop,
            hire=self._hire,
            may_grow=self._may_grow,
            begun=self._begun,
            watched=self._kind.watched(bundle),
        )
        if self._loading >= EAGER_LOADS_MAX:
            self._generations.add(generation)
            return generation
        self._loading += 1
        try:
            worker = await self._hire(generation)
        except WorkerLost as fault:
            problem = Problem(file=str(bundle.entry), line=0, message=str(fault))
            raise LoadFailed(problem, fault.lines) from fault
        finally:
            self._loading -= 1
        self._generations.add(generation)
        generation.take(worker)
        return generation

    async def call(self, generation: Generation, invocation: Invocation) -> Outcome:
        """Run the handler; answers within the time-out, the start of a process not counted."""
        assert isinstance(generation, ProcessGeneration)
        loop = self._bind()
        if self._is_closed:
            return failed("exit", STOPPING)
        call = ProcessCall(
            invocation,
            loop.create_future(),
            f"function {generation.bundle.name}, request {invocation.request_id}",
        )
        if not generation.submit(call):
            return failed(
                "exception", f"function {generation.bundle.name} was not run: too many calls wait"
            )
        outcome = await call.future
        self._awake.answered(loop, outcome.duration_ms)
        assert self._deadlines is not None
        self._deadlines.remove(call, invocation.timeout_s + self._kind.grace_s)
        return outcome

    def retire(self, generation: Generation) -> None:
        """Forget a generation once its last call and the work they left behind have ended."""
        assert isinstance(generation, ProcessGeneration)
        generation.retire()

    async def inspect(self, generation: Generation, port: int) -> str:
        """Open a function to debuggers and return the address, free of time-outs from now on.

        It runs in one process as long as it is open, so that breakpoints are met.

        Raises:
            LoadFailed: its code does not load.
            InvalidParam: what the debugger needs is not installed.
        """
        assert isinstance(generation, ProcessGeneration)
        fault = self._kind.debugger_fault()
        if fault:
            raise InvalidParam(f"{generation.bundle.name} cannot be inspected: {fault}")
        self._bind()
        self._inspected[generation.bundle.name] = port
        for worker in tuple(generation.idle)[1:]:
            worker.end()
        url = ""
        for worker in generation.workers:
            if not worker.is_leaving:
                url = await self._open(worker, port)
        if not url:
            worker = await self._hire(generation)
            generation.take(worker)
            url = await self._open(worker, port)
        generation.is_inspected = True
        self._inspected[generation.bundle.name] = urlsplit(url).port or port
        return url

    def running(self) -> Sequence[str]:
        """Return what still runs, un-awaited work of ended calls included, as short sentences."""
        found = []
        for worker in self._workers:
            if worker.calls:
                found += [call.title for call in worker.calls]
            elif worker.left:
                found.append(f"{worker.left}: work that was not awaited")
        return found

    def instances(self) -> Sequence[InstanceState]:
        """Return the processes that have loaded a function."""
        now_s = self._bind().time()
        return [
            InstanceState(
                function=generation.bundle.name,
                engine=generation.bundle.engine,
                pid=worker.child.pid,
                serves=not generation.is_retired and not worker.is_leaving,
                calls_running=min(len(worker.calls), 1),
                resting_s=0.0 if worker.calls else max(0.0, now_s - worker.idle_since_s),
            )
            for generation in self._generations
            for worker in generation.workers
        ]

    async def close(self) -> None:
        """Stop within a second, with every process."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._loop is None:
            return
        for timer in (self._tending, self._warming):
            if timer is not None:
                timer.cancel()
        if self._deadlines is not None:
            self._deadlines.clear()
        if self._scales is not None:
            self._scales.close()
        for generation in tuple(self._generations):
            generation.close(Failure(kind="exit", message=STOPPING))
        if self._spare is not None:
            self._spare.cancel()
            await asyncio.gather(self._spare, return_exceptions=True)
        for worker in tuple(self._workers):
            worker.kill()
        leaving = [worker.ended.wait() for worker in self._workers]
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*leaving), CLOSE_TIMEOUT_S)
        self._guardian.close()

    def _bind(self) -> AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._deadlines = Deadlines(self._loop, self._time_out)
            self._scales = Scales(self._loop, self._busy)
            self._slots = asyncio.Semaphore(LOADS_AT_ONCE_MAX)
        return self._loop

    # Workers

    async def _hire(self, generation: ProcessGeneration) -> ProcessWorker:
        """Return a worker loaded with the generation's code; raises LoadFailed, WorkerLost."""
        assert self._slots is not None
        bundle = generation.bundle
        async with self._slots:
            worker = await self._fresh(bundle)
            worker.owner = generation
            try:
                if bundle.name in self._inspected:
                    await self._inspect_instead(worker, generation)
                await worker.load(self._kind.wanted(bundle), timeout_s=LOAD_TIMEOUT_S)
            except BaseException:
                worker.owner = None
                worker.kill()
                raise
            finally:
                self._refill()
            self._likely = worker.packages
        return worker

    async def _inspect_instead(self, worker: ProcessWorker, generation: ProcessGeneration) -> None:
        """Open the process of newer code to debuggers, at the port that older code had."""
        generation.is_inspected = True
        name = generation.bundle.name
        older = [each for each in self._generations if each.bundle.name == name]
        for process in [process for each in older for process in each.workers]:
            # One that stands at a breakpoint keeps its port.
            with suppress(TimeoutError, WorkerLost):
                await asyncio.wait_for(process.inspect(-1), CLOSE_INSPECTOR_MAX_S)
        await self._open(worker, self._inspected[name])

    async def _open(self, worker: ProcessWorker, port: int) -> str:
        """Open a process to debuggers, at another port if the one wished for is taken."""
        return await worker.inspect(port) or await worker.inspect(0)

    async def _fresh(self, bundle: Bundle) -> ProcessWorker:
        memory_mb = self._kind.memory_mb(bundle)
        if memory_mb == MEMORY_DEFAULT_MB and self._spare is not None:
            spare, self._spare = self._spare, None
            worker = await spare
            if not worker.is_leaving:
                return worker
        return await ProcessWorker.start(self._launch(memory_mb))

    def _launch(self, memory_mb: int) -> Launch:
        return Launch(
            command=self._kind.command(memory_mb, self._guardian),
            kind=self._kind,
            secret=self._ids.token,
            elapsed_s=self._clock.elapsed_s,
            crew=self._workers,
            loopback=self._loopback,
        )

    def _refill(self) -> None:
        """Have a process stand ready for the next function or call that needs one."""
        if self._is_closed or self._loop is None:
            return
        if self._spare is None:
            self._spare = self._loop.create_task(self._start_spare())
            # Whoever takes it hears what went wrong; nobody may.
            self._spare.add_done_callback(lambda task: task.cancelled() or task.exception())
        self._warm_later()
        if self._tending is None:
            self._tending = self._loop.call_later(TEND_EVERY_S, self._tend)

    async def _start_spare(self) -> ProcessWorker:
        return await ProcessWorker.start(self._launch(MEMORY_DEFAULT_MB))

    def _warm_later(self) -> None:
        assert self._loop is not None
        if self._warming is not None:
            self._warming.cancel()
        self._warming = self._loop.call_later(WARM_AFTER_S, self._warm)

    def _warm(self) -> None:
        """Have the process that stands ready load what the function saved last has loaded.

        It is the one that is most likely saved next, and its SDK takes longer than all the rest.
        """
        spare = self._spare
        if not self._likely or spare is None or self._is_closed:
            return
        if not spare.done():
            self._warm_later()
        elif not spare.cancelled() and spare.exception() is None:
            spare.result().preload(self._likely)

    def _may_grow(self) -> bool:
        if len(self._workers) < WORKERS_MAX:
            return True
        resting = self._resting()
        if resting:
            resting[0].end()
        return bool(resting)

    def _busy(self) -> list[ProcessChild]:
        """Return the processes that run a call, or what one left behind."""
        return [worker.child for worker in self._workers if worker.calls or worker.left]

    def _resting(self) -> list[ProcessWorker]:
        """Return the workers that rest, the one that has rested longest first."""
        found = [
            worker
            for generation in self._generations
            for worker in generation.idle
            if not worker.left and not worker.is_leaving
        ]
        return sorted(found, key=lambda worker: worker.idle_since_s)

    def _tend(self) -> None:
        """Let go of processes that nobody has needed for a while, and of retired generations."""
        assert self._loop is not None
        self._tending = self._loop.call_later(TEND_EVERY_S, self._tend)
        now_s = self._loop.time()
        for generation in tuple(self._generations):
            if generation.is_retired:
                generation.retire()
                if not generation.workers and not generation.waiting:
                    self._generations.discard(generation)
            for place, worker in enumerate(tuple(generation.idle)):
                allowed_s = IDLE_S if place == len(generation.idle) - 1 else IDLE_EXTRA_S
                if not worker.left and now_s - worker.idle_since_s > allowed_s:
                    worker.end()
        resting = self._resting()
        for worker in resting[: max(0, len(resting) - IDLE_MAX)]:
            worker.end()

    # Time-outs

    def _begun(self, call: ProcessCall) -> None:
        assert self._deadlines is not None
        assert self._scales is not None
        assert self._loop is not None
        self._awake.asked(self._loop)
        self._scales.watch()
        self._deadlines.add(call, call.invocation.timeout_s + self._kind.grace_s)

    def _time_out(self, call: ProcessCall) -> None:
        # Whoever called may have gone; what it called runs on and must end all the same.
        if call.stop is None:
            return
        timeout_s = call.invocation.timeout_s
        failure = Failure(
            kind="timeout", message=f"Invoking task timed out after {timeout_s:g} seconds"
        )
        call.fail(failure, timeout_s * 1000)
        call.stop()
