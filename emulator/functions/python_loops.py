"""Owns the event loop of one generation, in a thread of its own.

Not here: threads for handlers that block (`python_threads`). The one idea: calls come in and
answers go out in batches, one wake-up of the other thread for as many as have gathered. Code that
blocks its loop disturbs only its own function, and is interrupted.
"""

import asyncio
import threading
from asyncio import AbstractEventLoop, Task
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import Context, copy_context
from typing import Any, Final
from weakref import WeakKeyDictionary

from emulator.functions.python_ambience import hold_future
from emulator.functions.python_run import Run, current_run, running_run
from emulator.functions.python_threads import Abandoned, interrupt

SIDE_JOBS_MAX: Final = 32
"""Threads for `asyncio.to_thread` and its like, for each function."""

Start = Callable[[], Coroutine[Any, Any, None]]
MakeLoop = Callable[[], AbstractEventLoop]


class FunctionLoop:
    """A loop in a daemon thread.

    `first` runs in the thread before the loop and says whether the loop is needed at all.
    """

    def __init__(
        self,
        name: str,
        first: Callable[[], bool] | None = None,
        *,
        make_loop: MakeLoop = asyncio.new_event_loop,
    ) -> None:
        self._name = name
        self._first = first
        self._loop = make_loop()
        self._starts: deque[Start] = deque()
        self._called = False
        self.tells = False
        """Whether somebody is told after this turn already; never read too late to be told of."""
        self._asked = 0
        self._answered = 0
        self._leaving = False
        self._owners: WeakKeyDictionary[Task[Any], Run] = WeakKeyDictionary()
        self.thread = threading.Thread(target=self._body, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread, as no run's own: a call that is the first to need it may ask for it."""
        Context().run(self.thread.start)

    def submit(self, start: Start) -> None:
        """Run the coroutine that `start` makes as a task, in a context of its own."""
        self._starts.append(start)
        self.wake()

    def add(self, start: Start) -> None:
        """Do as `submit`, but only once somebody calls `wake`."""
        self._starts.append(start)

    def go_on(self, start: Start) -> None:
        """Do as `submit`; on the loop's own thread."""
        Task(start(), loop=self._loop, context=Context())

    def wake(self) -> None:
        """Have the loop start what waits."""
        if not self._called:
            self._called = True
            self.call(self._start_waiting)

    def is_here(self) -> bool:
        """Tell whether the calling thread is the loop's own."""
        return threading.get_ident() == self.thread.ident

    def once_a_turn(self, tell: Callable[[], None]) -> None:
        """Call `tell` after the loop's other work of this turn, once however often asked; on it."""
        if not self.tells:
            self.tells = True
            self._loop.call_soon(self._tell, tell, context=Context())

    def call(self, function: Callable[..., object], *arguments: Any) -> None:
        """Call a function on the loop soon; on a loop that has ended, never."""
        try:
            self._loop.call_soon_threadsafe(function, *arguments, context=Context())
        except RuntimeError:
            return

    def take_waiting(self) -> list[Start]:
        """Take back what has not started, for another loop."""
        taken = []
        while self._starts:
            taken.append(self._starts.popleft())
        return taken

    def ask(self) -> int:
        """Ask the loop for a sign of life; returns the question's number."""
        self._asked += 1
        self.call(self._answer, self._asked)
        return self._asked

    def has_answered(self, question: int) -> bool:
        """Tell whether the loop has come round since the question, or has ended."""
        return self._answered >= question or not self.thread.is_alive()

    def interrupt(self) -> None:
        """Make the code that blocks the loop give up."""
        if self.thread.ident is not None and self.thread.is_alive():
            interrupt(self.thread.ident)

    def leave(self) -> None:
        """End the loop and its thread once no task is left on it."""
        if not self._leaving:
            self._leaving = True
            self.call(self._start_leaving)

    def stop(self) -> None:
        """End the loop now, cancelling what is on it."""
        self._leaving = True
        self.call(self._loop.stop)

    def _body(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.set_task_factory(self._make_task)  # type: ignore[arg-type]  # its options vary by version
        self._loop.set_exception_handler(self._on_exception)
        self._loop.set_default_executor(_SideJobs(self._name))
        try:
            needed = self._first is None or self._first()
            self._first = None
            if needed:
                self._run_until_left()
        except Abandoned:
            return
        finally:
            self._close()

    def _run_until_left(self) -> None:
        while True:
            try:
                self._loop.run_forever()
            except (Abandoned, SystemExit, KeyboardInterrupt):
                # Out of a callback or task of user code; the loop itself is as it was.
                continue
            if self._leaving:
                return

    def _close(self) -> None:
        try:
            left = asyncio.all_tasks(self._loop)
            for task in left:
                task.cancel()
            if left:
                self._loop.run_until_complete(asyncio.wait(left, timeout=CLOSE_TIMEOUT_S))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        except (Abandoned, RuntimeError):
            pass
        finally:
            self._loop.close()

    def _start_waiting(self) -> None:
        # Cleared first: what is submitted from now on calls again.
        self._called = False
        starts = self._starts
        loop = self._loop
        while starts:
            Task(starts.popleft()(), loop=loop, context=Context())

    def _tell(self, tell: Callable[[], None]) -> None:
        # Cleared first: what comes from now on is told of another time.
        self.tells = False
        tell()

    def _answer(self, question: int) -> None:
        self._answered = question

    def _start_leaving(self) -> None:
        Task(self._leave_when_empty(), loop=self._loop, context=Context())

    async def _leave_when_empty(self) -> None:
        me = asyncio.current_task()
        while True:
            left = [task for task in asyncio.all_tasks() if task is not me]
            if not left and not self._starts:
                break
            await (asyncio.wait(left) if left else asyncio.sleep(0))
        self._loop.stop()

    def _make_task(
        self, loop: AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **options: Any
    ) -> "Task[Any]":
        """Make a task of user code, which its run counts until it has ended."""
        task = Task(coroutine, loop=loop, **options)
        run = current_run.get()
        if run is not None:
            self._owners[task] = run
            run.held.add(task, f"task {_name_of(coroutine)} started by {run.title}")
            task.add_done_callback(run.held.remove)
        return task

    def _on_exception(self, loop: AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log what nobody waited for, such as the exception of a forgotten task."""
        source = context.get("task") or context.get("future")
        run = self._owners.get(source) if isinstance(source, Task) else current_run.get()
        fault = context.get("exception")
        if run is None or isinstance(fault, Abandoned):
            return
        if isinstance(source, Task):
            what = f"task {_name_of(source.get_coro())}"
        else:
            what = str(context.get("message", "a callback"))
        if fault is None:
            run.log.write("error", f"{what}\n")
        else:
            run.report(what, fault)


CLOSE_TIMEOUT_S: Final = 0.5


def _name_of(coroutine: Any) -> str:
    return str(getattr(coroutine, "__qualname__", type(coroutine).__name__))


class _SideJobs(ThreadPoolExecutor):
    """The executor of `asyncio.to_thread`: daemon threads, so that no job holds up the process."""

    def __init__(self, name: str) -> None:
        super().__init__(max_workers=1)
        self._name = name
        self._waiting: deque[Callable[[], None]] = deque()
        self._threads_now = 0
        self._lock = threading.Lock()

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Run the call on a thread, at most `SIDE_JOBS_MAX` at once."""
        future: Future[Any] = Future()
        run = running_run()
        if run is not None:
            hold_future(run, future)
        context = copy_context()

        def job() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(context.run(call, *args, **kwargs))
                except BaseException as fault:  # noqa: BLE001  # whoever awaits the job hears all
                    future.set_exception(fault)

        with self._lock:
            self._waiting.append(job)
            if self._threads_now < SIDE_JOBS_MAX:
                self._threads_now += 1
                thread = threading.Thread(target=self._body, name=self._name, daemon=True)
                Context().run(thread.start)
        return future

    def _body(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._threads_now -= 1
                    return
                job = self._waiting.popleft()
            job()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002  # the base's
        """Forget jobs that have not started; those that run end by themselves."""
        with self._lock:
            self._waiting.clear()
