"""Owns one generation of a Python function and one call of it, as they look on the user's threads.

Not here: who waits and for how long (`python_inline`). The one idea: a call carries everything it
needs to the thread that runs it, and comes back with an outcome, never with an exception.
"""

import asyncio
import inspect
import os
import sys
from collections import deque
from collections.abc import Callable
from contextvars import Context
from functools import partial
from threading import Lock
from types import CoroutineType
from typing import Any, Final

from emulator.ambient import Clock
from emulator.cloud.session import Session, current_session
from emulator.cloud.settings import Settings, settings_of, take_over
from emulator.functions.base import (
    Bundle,
    Failure,
    FailureKind,
    InstanceState,
    Invocation,
    LoadFailed,
    NeedsProcess,
    Outcome,
    Problem,
)
from emulator.functions.event_stream import HandlerContext, open_events
from emulator.functions.python_body import Body, body_of
from emulator.functions.python_loops import FunctionLoop, MakeLoop
from emulator.functions.python_modules import ModuleSpace
from emulator.functions.python_packages import PackageClaims, PackageConflict
from emulator.functions.python_result import NotJson, to_json
from emulator.functions.python_run import Held, Instance, Run, current_run
from emulator.functions.python_stack import explain, problem_of, stack_at, stack_awaited
from emulator.functions.python_threads import Abandoned, Worker

EARLY_LINES_MAX: Final = 1_000
"""Lines printed outside a call, as while loading; the next call's log shows them."""

Handler = Callable[[Any, Any], Any]


class PythonGeneration:
    """One loaded state of a Python function."""

    def __init__(
        self,
        bundle: Bundle,
        suite_thread: int,
        claims: PackageClaims | None = None,
        *,
        make_loop: MakeLoop = asyncio.new_event_loop,
    ) -> None:
        self._bundle = bundle
        self._make_loop = make_loop
        self.title = f"function {bundle.name}"
        self._lock = Lock()
        self.space = ModuleSpace(bundle.name, bundle.folder, bundle.packages, claims)
        self.instance = Instance(
            streams=self.space.streams,
            explain=partial(explain, space=self.space),
            suite_thread=suite_thread,
        )
        self.early: deque[tuple[str, str]] = deque(maxlen=EARLY_LINES_MAX)
        self.handler: Handler = _unloaded
        self.told: Settings | None = None
        self.is_async = False
        self.loop: FunctionLoop | None = None
        self.retired = False
        self.lingering: asyncio.TimerHandle | None = None
        # So many calls go the usual way before the suite stands still for one again.
        self.usual_calls = 0

    @property
    def bundle(self) -> Bundle:
        """Return the bundle as it was when loaded."""
        return self._bundle

    def is_current(self) -> bool:
        """Tell, by looking at the files it loaded, whether it is what lies on disk."""
        return self.space.is_current()

    def load(self, session: Session | None) -> None:
        """Run the module and find the handler, on the calling thread.

        Raises:
            LoadFailed: the code raised, or there is no handler.
            NeedsProcess: its packages cannot be had in this process.
        """
        bundle = self._bundle
        run = Run(
            self.instance,
            f"loading {self.title}",
            emit=lambda level, line: self.early.append((level, line)),
            variables=bundle.variables,
        )
        try:
            context = Context()
            module = context.run(_load_within, run, session, self.space, bundle)
            self.told = settings_of(context)
            found = _find_handler(module, bundle)
        except (LoadFailed, Abandoned):
            raise
        except PackageConflict as fault:
            problem = Problem(file=str(bundle.folder), line=0, message=str(fault))
            raise NeedsProcess(problem) from None
        except BaseException as fault:  # the rim of a load: user code raises anything
            problem = problem_of(fault, self.space, bundle.entry)
            raise LoadFailed(problem, lines=tuple(self.early)) from fault
        self.handler = _of_two(found)
        self.is_async = _is_async(found)

    def state(self, calls_running: int) -> InstanceState:
        """Return what is told of it; it serves any number of calls at once."""
        return InstanceState(
            function=self._bundle.name,
            engine="python",
            pid=os.getpid(),
            serves=not self.retired,
            calls_running=calls_running,
        )

    @property
    def held(self) -> Held:
        """Return what keeps the generation in memory."""
        return self.instance.held

    def serving_loop(self) -> FunctionLoop:
        """Return the loop that calls run on, a new one if there is none; safe from any thread."""
        with self._lock:
            loop = self.loop
            if loop is None:
                loop = self.loop = FunctionLoop(self.title, make_loop=self._make_loop)
                loop.start()
            return loop

    def replace_loop(self, stuck: FunctionLoop) -> None:
        """Leave a loop that does not answer; what has not started on it starts on another."""
        with self._lock:
            if self.loop is stuck:
                self.loop = None
        waiting = stuck.take_waiting()
        if waiting:
            fresh = self.serving_loop()
            for start in waiting:
                fresh.submit(start)
        stuck.leave()


class Call:
    """One call on its way: handed over by the suite's thread, run elsewhere, handed back.

    `post` takes the call and its outcome, None when nobody waits any more; safe from any thread.
    """

    __slots__ = (
        "_clock", "_context", "_post", "_started_s", "future", "generation", "given_up",
        "invocation", "loop", "run", "stream", "task", "worker",
    )  # fmt: skip

    def __init__(
        self,
        generation: PythonGeneration,
        invocation: Invocation,
        *,
        future: "asyncio.Future[Outcome]",
        clock: Clock,
        post: "Callable[[Call, Outcome | None], None]",
    ) -> None:
        self.generation = generation
        self.invocation = invocation
        self.future = future
        self.given_up = False
        self.loop: FunctionLoop | None = None
        self.task: asyncio.Task[Any] | None = None
        self.worker: Worker | None = None
        self._clock = clock
        self._post = post
        self._started_s = 0.0
        self.stream = stream = invocation.manner.stream
        if stream is None:
            self._context = HandlerContext(invocation.context)
        else:
            opens = partial(open_events, stream, self._warn)
            self._context = HandlerContext.for_visitor(invocation.context, opens)
        self.run = Run(
            generation.instance,
            generation.title,
            emit=invocation.log,
            variables=invocation.variables,
            request_id=invocation.request_id,
        )

    def __call__(self, worker: Worker) -> None:
        """Run a handler that may block, on a thread of the pool."""
        if self.given_up:
            self._post(self, None)
            return
        self.worker = worker
        Context().run(self._block)

    async def drive(self) -> None:
        """Run a handler that is a coroutine, on the function's loop."""
        self._begin()
        self.task = asyncio.current_task()
        if self.given_up:
            self._post(self, None)
            return
        try:
            value = self.generation.handler(self.invocation.event, self._context)
            if _is_awaitable(value):
                value = await value
            if self.stream is None:
                self._end(value)
            else:
                await self._end_awaiting(value)
        except BaseException as fault:  # noqa: BLE001  # the rim of an invocation
            self._fail(fault)

    async def _drive_value(self, value: Any) -> None:
        self._begin()
        self.task = asyncio.current_task()
        try:
            await self._end_awaiting(await value if _is_awaitable(value) else value)
        except BaseException as fault:  # noqa: BLE001  # the rim of an invocation
            self._fail(fault)

    def _block(self) -> None:
        self._begin()
        try:
            value = self.generation.handler(self.invocation.event, self._context)
            body = self._body(value)
            if _is_awaitable(value) or (body is not None and body.is_async):
                self.loop = self.generation.serving_loop()
                self.loop.submit(partial(self._drive_value, value))
            elif body is None or self.stream is None:
                self._end(value)
            else:
                body.begin(self.stream)
                body.run(self.stream)
                self._answer(b"null", None)
        except BaseException as fault:  # noqa: BLE001  # the rim of an invocation
            self._fail(fault)

    def _body(self, value: Any) -> Body | None:
        """Return the body that is to be sent while it is made, if the result has such a one."""
        stream = self.stream
        return None if stream is None or stream.events else body_of(value)

    async def _end_awaiting(self, value: Any) -> None:
        body, stream = self._body(value), self.stream
        if body is None or stream is None:
            self._end(value)
            return
        stream.when_over(self._cancel_if_left)
        body.begin(stream)
        if body.is_async:
            await body.run_awaiting(stream)
        else:
            await asyncio.get_running_loop().run_in_executor(None, body.run, stream)
        self._answer(b"null", None)

    def _warn(self, line: str) -> None:
        self.invocation.log("warn", line)

    def _cancel_if_left(self) -> None:
        if self.has_left and self.loop is not None:
            self.loop.call(self.cancel)

    @property
    def has_left(self) -> bool:
        """Tell whether the visitor left while the answer was being sent."""
        return self.stream is not None and self.stream.closed and self.stream.head is not None

    def cancel(self) -> None:
        """Cancel the handler's task, if it has one; on the function's loop."""
        if self.task is not None:
            self.task.cancel()

    def where(self) -> str:
        """Return the user's frames that the call is in, as far as another thread can see them."""
        space = self.generation.space
        waiting = "" if self.task is None else stack_awaited(self.task.get_coro(), space)
        place = self.worker if self.loop is None else self.loop.thread
        if waiting or place is None:
            return waiting
        return stack_at(sys._current_frames().get(place.ident or 0), space)

    def _begin(self) -> None:
        current_run.set(self.run)
        current_session.set(self.invocation.session)
        if self.generation.told is not None:
            take_over(self.generation.told)
        self._started_s = self._clock.elapsed_s()

    def _end(self, value: Any) -> None:
        if self.stream is not None and self.stream.events:
            # Events are sent until somebody ends the stream; what the handler returned is not.
            self.stream.when_over(partial(self._answer, b"null", None))
            return
        try:
            result = to_json(value)
        except NotJson as fault:
            self._answer(b"null", Failure(kind="result", message=str(fault)))
        else:
            self._answer(result, None)

    def _fail(self, fault: BaseException) -> None:
        if self.given_up:
            self._post(self, None)
            return
        if isinstance(fault, Abandoned):
            message = "interrupted: another call of the function blocked its event loop"
            self._answer(b"null", Failure(kind="exception", message=message))
            return
        if isinstance(fault, asyncio.CancelledError) and self.has_left:
            self._answer(b"null", None)
            return
        if isinstance(fault, NotJson):
            self._answer(b"null", Failure(kind="result", message=str(fault)))
            return
        kind: FailureKind = "exit" if isinstance(fault, SystemExit) else "exception"
        message, stack = self.generation.instance.explain(fault)
        if self._context.events is not None:
            self._context.events.fail(message)
        self._answer(b"null", Failure(kind=kind, message=message, stack=stack))

    def _answer(self, result: bytes, failure: Failure | None) -> None:
        self.run.end_log()
        took_s = self._clock.elapsed_s() - self._started_s
        self._post(self, Outcome(result=result, failure=failure, duration_ms=took_s * 1000))


def _load_within(run: Run, session: Session | None, space: ModuleSpace, bundle: Bundle) -> Any:
    current_run.set(run)
    current_session.set(session)
    try:
        return space.load(bundle.entry) if bundle.web is None else space.start(bundle)
    finally:
        run.end_log()


def _find_handler(module: Any, bundle: Bundle) -> Any:
    for name in bundle.handlers:
        found = getattr(module, name, None)
        if callable(found):
            return found
    looked = " or ".join(f"{name}()" for name in bundle.handlers)
    message = f"no handler: {bundle.entry.name} has no {looked}"
    raise LoadFailed(Problem(file=str(bundle.entry), line=0, message=message))


def _of_two(handler: Any) -> Handler:
    """Return the handler as one that takes event and context, whatever it asks for."""
    try:
        parameters = inspect.signature(handler).parameters.values()
    except (TypeError, ValueError):
        return handler  # type: ignore[no-any-return]  # a callable that keeps its signature to itself
    kinds = [each.kind for each in parameters]
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return handler  # type: ignore[no-any-return]  # takes any number
    positional = sum(kind in _POSITIONAL for kind in kinds)
    if positional == 0:
        return lambda _event, _context: handler()
    if positional == 1:
        return lambda event, _context: handler(event)
    return handler  # type: ignore[no-any-return]  # takes two, or says itself what it lacks


_POSITIONAL: Final = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
)


def _is_async(handler: Any) -> bool:
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(
        getattr(handler, "__call__", None)  # noqa: B004  # its kind, not whether it is there
    )


def _is_awaitable(value: Any) -> bool:
    return type(value) is CoroutineType or inspect.isawaitable(value)


def _unloaded(_event: Any, _context: Any) -> Any:
    raise RuntimeError("the function has not been loaded")
