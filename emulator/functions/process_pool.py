"""Owns the workers of one generation: who runs which call, how many there are, who waits.

Not here: starting and loading a worker (`process_runtime`), what one is (`process_worker`). The one
idea: a call goes to whoever is free, else into a queue that the next free worker takes it from at
once; only when the head of the queue has waited for a while is another worker worth its start.
"""

import asyncio
import os
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

from emulator.functions.base import Bundle, Failure, LoadFailed
from emulator.functions.process_calls import ProcessCall
from emulator.functions.process_kind import WorkerLost
from emulator.functions.process_worker import ProcessWorker

WORKERS_MAX: Final = 24
"""Processes of one function; more than a chain of calls may be deep."""
WAITING_MAX: Final = 10_000
"""Calls of one function that wait for a process."""
LOOK_EVERY_S: Final = 0.02
"""How often it is looked whether those who wait need another process."""
STUCK_AFTER_S: Final = 0.1
"""They do when none has become free for so long,"""
QUEUE_MAX_S: Final = 0.2
"""or when the queue, as it moves, would take longer than that."""
WAITING_MAX_S: Final = 60.0
"""How long a call waits for a process; in the cloud it would have got one."""
PREFETCH_MAX: Final = 16
"""Calls that are sent to a process together, if they are quick."""
SLOW_SHARE_MAX: Final = 0.2
"""More of them may not have been slow lately."""
CALLS_AVERAGED: Final = 8
"""Over how many calls the time that one takes is averaged, roughly."""
STARTS_AT_ONCE_MAX: Final = 3
"""Processes of one function that are being started; each keeps a processor busy."""

_Stamp = tuple[int, int]


class ProcessGeneration:
    """One loaded state of a function's code; also its pool of workers."""

    def __init__(
        self,
        bundle: Bundle,
        *,
        loop: AbstractEventLoop,
        hire: "Callable[[ProcessGeneration], Awaitable[ProcessWorker]]",
        may_grow: Callable[[], bool],
        begun: Callable[[ProcessCall], None],
        watched: Sequence[Path],
    ) -> None:
        self._bundle = bundle
        self._loop = loop
        self._hire = hire
        self._may_grow = may_grow
        self._begun = begun
        self._stamps: dict[str, _Stamp] = {}
        self._absent: dict[str, set[str]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._starting: set[asyncio.Task[None]] = set()
        self.workers: set[ProcessWorker] = set()
        self.idle: list[ProcessWorker] = []
        self.waiting: deque[ProcessCall] = deque()
        self.is_retired = False
        self.is_inspected = False
        self._moved_s = 0.0
        self._call_s = self._slow_share = 0.0
        for path in watched:
            self._note(str(path))

    @property
    def bundle(self) -> Bundle:
        """Return the bundle as it was when loaded."""
        return self._bundle

    def is_current(self) -> bool:
        """Tell, by looking at the files it loaded, whether it is what lies on disk."""
        stat = os.stat  # before every call: a Path costs more
        try:
            for path, stamp in self._stamps.items():
                status = stat(path)
                if (status.st_mtime_ns, status.st_size) != stamp:
                    return False
        except OSError:
            return False
        for folder, paths in self._absent.items():
            # What is not in a folder that is not there need not be looked for.
            if os.access(folder, os.F_OK) and any(os.access(path, os.F_OK) for path in paths):
                return False
        return True

    def loaded_files(self, files: Sequence[Sequence[Any]]) -> None:
        """Take the user's files as they were when a worker read them; of no size: not there."""
        for path, changed_ns, size_bytes in files:
            if size_bytes is None:
                self._note_absent(path)
            else:
                self._stamps[path] = (int(changed_ns), size_bytes)

    def take(self, worker: ProcessWorker) -> None:
        """Add a worker that has loaded this code."""
        worker.owner = self
        self.workers.add(worker)
        if worker.is_gone:
            self.gone(worker)
        else:
            self.freed(worker)

    def submit(self, call: ProcessCall) -> bool:
        """Run a call now or when a worker is free; False when too many wait already."""
        while self.idle:
            worker = self.idle.pop()
            # Who was killed from outside is gone a moment before its channel tells.
            if not worker.is_leaving and worker.child.exit_code() is None:
                worker.begin((call,))
                return True
        if len(self.waiting) >= WAITING_MAX:
            return False
        call.waiting_since_s = self._loop.time()
        self.waiting.append(call)
        if not self.workers and not self._starting:
            self._grow()
        self._look_later()
        return True

    def begun(self, call: ProcessCall) -> None:
        """Hold the call's time-out from now on."""
        self._moved_s = self._loop.time()
        if not self.is_inspected:
            self._begun(call)

    def refused(self, calls: Sequence[ProcessCall]) -> None:
        """Let calls wait at the head of the queue again, or go to whoever is free."""
        for call in calls:
            # Who found a free process has not waited before.
            call.waiting_since_s = call.waiting_since_s or self._loop.time()
        self.waiting.extendleft(reversed(calls))
        while self.waiting and self.idle:
            worker = self.idle.pop()
            if not worker.is_leaving:
                self._occupy(worker)
        self._look_later()

    def freed(self, worker: ProcessWorker) -> None:
        """Give a free worker the next call, or a rest."""
        self._moved_s = self._loop.time()
        self._call_s += (worker.call_s - self._call_s) / CALLS_AVERAGED
        self._slow_share += ((not worker.is_quick) - self._slow_share) / CALLS_AVERAGED
        self._occupy(worker)

    def gone(self, worker: ProcessWorker) -> None:
        """Forget a worker; another one is started if someone waits for it."""
        self.workers.discard(worker)
        if worker in self.idle:
            self.idle.remove(worker)
        if self.waiting and not self.workers and not self._starting:
            self._grow()

    def retire(self) -> None:
        """Let workers go as they become free."""
        self.is_retired = True
        for worker in self.idle:
            if not worker.left:
                worker.end()

    def close(self, failure: Failure) -> None:
        """Answer every call and kill every worker."""
        self.is_retired = True
        if self._timer is not None:
            self._timer.cancel()
        for task in self._starting:
            task.cancel()
        while self.waiting:
            self.waiting.popleft().fail(failure)
        for worker in tuple(self.workers):
            for call in worker.calls:
                call.fail(failure)
            worker.kill()

    def _occupy(self, worker: ProcessWorker) -> None:
        calls = self._next()
        if calls:
            worker.begin(calls)
            return
        if self.is_retired and not worker.left:
            worker.end()
        worker.idle_since_s = self._loop.time()
        self.idle.append(worker)

    def _next(self) -> list[ProcessCall]:
        """Take those who waited longest: one, or several if calls are quicker than the way there.

        A process still runs one event at a time. Sent together, they spare it waiting for the next.
        """
        count = PREFETCH_MAX if self._slow_share < SLOW_SHARE_MAX else 1
        found: list[ProcessCall] = []
        while self.waiting and len(found) < count:
            call = self.waiting.popleft()
            if not call.future.done():
                found.append(call)
        return found

    def _note(self, path: str) -> None:
        try:
            status = os.stat(path)  # noqa: PTH116  # as in `is_current`
        except OSError:
            self._note_absent(path)
        else:
            self._stamps[path] = (status.st_mtime_ns, status.st_size)

    def _note_absent(self, path: str) -> None:
        self._absent.setdefault(os.path.dirname(path), set()).add(path)  # noqa: PTH120  # as in `is_current`

    def _look_later(self) -> None:
        if self._timer is None:
            self._timer = self._loop.call_later(LOOK_EVERY_S, self._look)

    def _look(self) -> None:
        self._timer = None
        for worker in self.workers:
            if len(worker.calls) > 1 and worker.running_s() > LOOK_EVERY_S:
                # One is slower than those before it: nobody has to wait for it.
                worker.take_back()
        waited_s = 0.0
        while self.waiting:
            head = self.waiting[0]
            waited_s = self._loop.time() - head.waiting_since_s
            is_patient = waited_s < WAITING_MAX_S or self.is_inspected
            if is_patient and not head.future.done():
                break
            self.waiting.popleft()
            head.fail(Failure(kind="timeout", message=self._too_long()))
        if not self.waiting and not any(len(worker.calls) > 1 for worker in self.workers):
            return
        if self.waiting and self._is_stuck(waited_s):
            count = len(self.workers) + len(self._starting)
            starts = len(self._starting) < min(STARTS_AT_ONCE_MAX, len(self.waiting))
            allowed = 1 if self.is_inspected else WORKERS_MAX
            if starts and count < allowed and self._may_grow():
                self._grow()
        self._look_later()

    def _is_stuck(self, waited_s: float) -> bool:
        still_s = min(waited_s, self._loop.time() - self._moved_s)
        queue_s = len(self.waiting) * self._call_s / max(1, len(self.workers))
        return still_s >= STUCK_AFTER_S or queue_s > QUEUE_MAX_S

    def _grow(self) -> None:
        task = self._loop.create_task(self._start())
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _start(self) -> None:
        try:
            worker = await self._hire(self)
        except LoadFailed as fault:
            self._refuse(f"{fault.problem.place}: {fault.problem.message}", fault.lines)
        except WorkerLost as fault:
            self._refuse(str(fault), fault.lines)
        else:
            self.take(worker)

    def _refuse(self, why: str, lines: Sequence[tuple[str, str]]) -> None:
        """Answer those who wait, unless others serve them."""
        if self.workers:
            return
        message = f"function {self._bundle.name} did not load: {why}"
        waiting, self.waiting = self.waiting, deque()
        for call in waiting:
            for level, line in lines:
                call.invocation.log(level, line)
            call.fail(Failure(kind="load", message=message))

    def _too_long(self) -> str:
        return (
            f"function {self._bundle.name} was not run: none of its {len(self.workers)} processes "
            f"became free within {WAITING_MAX_S:g} seconds"
        )
