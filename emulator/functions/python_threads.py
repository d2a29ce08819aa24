"""Owns threads of ours that run user code, and how code that does not end is stopped.

Not here: loops (`python_loops`). The one idea: Python can be made to raise in another thread, but
only between two steps of bytecode; so whoever waits is answered first, the thread is asked to give
up, and one that sits in C code is left behind as a daemon and replaced.
"""

import ctypes
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Final, Protocol

WORKERS_EAGER: Final = 4
"""Threads started as soon as calls wait; more come when those that run do not end."""
WORKERS_MAX: Final = 128
WORKERS_NESTED_MAX: Final = 512
"""Calls made by calls never wait for a thread: their caller may hold the one they would get."""
QUEUE_LENGTH_MAX: Final = 1_000
WORKER_IDLE_S: Final = 10.0
RELIEF_S: Final = 0.005
RELIEF_JOBS_MIN: Final = 4
"""Threads that begin fewer jobs than that between two looks are held up; more are started."""


class Abandoned(BaseException):
    """Raised in a thread whose work nobody waits for any more."""


def interrupt(ident: int) -> None:
    """Raise Abandoned in a thread at its next step of bytecode."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(Abandoned))


def uninterrupt(ident: int) -> None:
    """Take back an interrupt that has not happened yet."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), None)


class Job(Protocol):
    """Work for a thread."""

    def __call__(self, worker: "Worker") -> None:
        """Do the work; raises nothing but Abandoned."""
        ...


class TooManyWaiting(Exception):
    """The queue for threads is full."""


class Worker:
    """One thread that takes jobs until it is idle for long, or had to be interrupted."""

    def __init__(
        self, name: str, take: Callable[[], Job | None], left: Callable[["Worker"], None]
    ) -> None:
        self._take = take
        self._left = left
        self._lock = threading.Lock()
        self._interrupted = False
        self.job: Job | None = None
        self._thread = threading.Thread(target=self._body, name=name, daemon=True)

    def start(self, job: Job | None) -> None:
        """Start the thread, with a first job of its own or none."""
        self.job = job
        self._thread.start()

    def interrupt(self, job: Job) -> bool:
        """Make the job give up if it still runs; returns whether it does."""
        with self._lock:
            if self.job is not job or self._thread.ident is None:
                return False
            self._interrupted = True
            interrupt(self._thread.ident)
            return True

    @property
    def ident(self) -> int | None:
        """Return the thread's number."""
        return self._thread.ident

    def _body(self) -> None:
        try:
            while self._take_one():
                pass
        except Abandoned:
            # It struck after the job's end, before we looked: the thread goes all the same.
            return
        finally:
            self._left(self)

    def _take_one(self) -> bool:
        job, self.job = self.job or self._take(), None
        return job is not None and self.run(job)

    def run(self, job: Job) -> bool:
        """Run a job, or on the worker's own thread a part of one, that alone may be interrupted.

        Returns whether the thread may take another.
        """
        whole, self.job = self.job, job
        with suppress(Abandoned):
            job(self)
        with self._lock:
            self.job = whole
            if self._interrupted:
                uninterrupt(threading.get_ident())
        return not self._interrupted


class Workers:
    """A pool of threads for calls that block; used from the suite's thread only."""

    def __init__(
        self, name: str, call_later: Callable[[float, Callable[[], None]], object]
    ) -> None:
        self._name = name
        self._call_later = call_later
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._workers: set[Worker] = set()
        self._taken = 0
        self._taken_before = 0
        self._watching = False
        self._closed = False

    def submit(self, job: Job, *, nested: bool) -> None:
        """Run the job on a thread soon.

        Raises:
            TooManyWaiting: the queue is full, or calls nest beyond the bound.
        """
        waiting = self._queue.qsize()
        idle = self._idle(waiting + 1)
        if nested and idle <= waiting:
            if len(self._workers) >= WORKERS_NESTED_MAX:
                raise TooManyWaiting(f"{WORKERS_NESTED_MAX} calls run in threads already")
            self._start(job)
            return
        if waiting >= QUEUE_LENGTH_MAX:
            raise TooManyWaiting(f"{QUEUE_LENGTH_MAX} calls wait for a thread already")
        self._queue.put(job)
        if idle <= waiting and len(self._workers) < WORKERS_EAGER:
            self._start(None)
        elif not self._watching:
            self._watching = True
            self._call_later(RELIEF_S, self._relieve)

    def close(self) -> None:
        """Let idle threads end; busy ones end after their job."""
        self._closed = True
        for _ in range(len(self._workers)):
            self._queue.put(None)

    def _idle(self, enough: int) -> int:
        """Return how many threads have nothing to do; counting stops at what is enough."""
        idle = 0
        for worker in tuple(self._workers):
            if worker.job is None:
                idle += 1
                if idle >= enough:
                    break
        return idle

    def _start(self, job: Job | None) -> None:
        worker = Worker(self._name, self._take, self._workers.discard)
        self._workers.add(worker)
        worker.start(job)

    def _take(self) -> Job | None:
        try:
            job = self._queue.get(timeout=WORKER_IDLE_S)
        except Empty:
            return None
        self._taken += 1
        return job

    def _relieve(self) -> None:
        """Add threads when those there are hold on to their jobs while others wait."""
        waiting = self._queue.qsize()
        self._watching = waiting > 0 and not self._closed
        if not self._watching:
            return
        # A thread that is idle is about to take what waits.
        held_up = self._idle(waiting) < waiting
        if held_up and self._taken - self._taken_before < RELIEF_JOBS_MIN * len(self._workers):
            for _ in range(min(waiting, WORKERS_MAX - len(self._workers))):
                self._start(None)
        self._taken_before = self._taken
        self._call_later(RELIEF_S, self._relieve)
