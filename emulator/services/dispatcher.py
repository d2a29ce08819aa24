"""Owns the way from an occurrence to a call: changes and stored files through bounded queues.

Not here: what a trigger reacts to and the event it makes (`functions.triggers`), moments
(`services.timers`). The one idea: one queue per function; occurrences of one document or file are
called in order, others side by side. A call that fails is made again after a while and kept as a
dead letter in the end; a chain of triggers deeper than the limit is cut and said. Queues live in
memory: what a killed suite had not called yet is not called.
"""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import Context
from functools import partial
from typing import Final

import orjson

from emulator.ambient import Clock
from emulator.core.changes import Change
from emulator.core.errors import EmulatorError
from emulator.core.limits import WECHAT, Limits
from emulator.core.ordering import hash_key
from emulator.core.records import dataclass
from emulator.core.values import Value
from emulator.functions.base import DatabaseTrigger, StorageTrigger, StoredFile
from emulator.services.bus import Bus
from emulator.services.caller import Caller
from emulator.services.fixed_order import OneByOne
from emulator.services.functions import TRIGGER_DEPTH_MAX, Functions
from emulator.services.occurrences import CallQueue, DeadLetter, DeadLetters, Occurrence
from emulator.services.payloads import require_asynchronous_event
from emulator.services.recorder import Recorder
from emulator.services.trace import current_span

QUEUE_LENGTH_MAX: Final = 10_000
SIDE_BY_SIDE_MAX: Final = 8
RETRY_PAUSES_S: Final = (0.1, 0.5, 2.0)
"""Before the first, second and every later call again; by the machine's time, which runs on."""
ASYNCHRONOUS_RETRIES: Final = 2
"""The platform calls an asynchronous invocation that fails twice again."""
BREATH_S: Final = 0.002
BREATHS_MAX: Final = 25
"""The first calls of a burst wait until it pauses, at most so often: writes are served first."""
SCANNED_MAX: Final = 64
"""So many that must wait for their document are passed over to find one that may be called."""
SOURCE: Final = "wx_trigger"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactiveTriggers:
    """The database and storage triggers of the project: (function, trigger name, compiled)."""

    database: Sequence[tuple[str, str, DatabaseTrigger]] = ()
    storage: Sequence[tuple[str, str, StorageTrigger]] = ()


class QueueFull(EmulatorError):
    """More calls wait for a function than its queue holds."""

    code = "EXCEED_CONCURRENT_REQUEST_LIMIT"


class Dispatcher:
    """Changes and stored files to the functions that listen, and asynchronous calls."""

    def __init__(  # noqa: PLR0913  # what it depends on, each once
        self,
        functions: Functions,
        *,
        bus: Bus,
        clock: Clock,
        recorder: Recorder,
        env_id: str,
        limits: Limits = WECHAT,
        in_order: bool = False,
    ) -> None:
        self._limits = limits
        self._functions = functions
        self._clock = clock
        self._recorder = recorder
        self._env_id = env_id
        self._one_by_one = OneByOne(functions.under_way) if in_order else None
        self._trace = recorder.trace
        self._triggers = ReactiveTriggers()
        self._queues: dict[str, CallQueue] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._letters = DeadLetters()
        self._off = 0
        self._paused = False
        self._paused_triggers: set[tuple[str, str]] = set()
        bus.subscribe(Change, self._on_change)
        bus.subscribe(StoredFile, self._on_file)

    @property
    def paused(self) -> bool:
        """Tell whether changes and files are heard of at all."""
        return self._paused or self._off > 0

    @property
    def listening(self) -> ReactiveTriggers:
        """Return what is reacted to."""
        return self._triggers

    def listen(self, triggers: ReactiveTriggers) -> None:
        """React to these triggers from now on; what is queued is still called."""
        self._triggers = triggers

    def pause(self, *, paused: bool) -> None:
        """Stop or resume hearing of changes and files, for the time of a seed."""
        self._paused = paused

    @contextmanager
    def triggers_disabled(self) -> Iterator[None]:
        """Hear of nothing while the block runs; blocks may lie inside each other."""
        self._off += 1
        try:
            yield
        finally:
            self._off -= 1

    def pause_trigger(self, function: str, trigger: str, *, paused: bool) -> bool:
        """Stop or resume one trigger; False when there is none. What it misses is not called."""
        known = [*self._triggers.database, *self._triggers.storage]
        if not any((owner, name) == (function, trigger) for owner, name, _ in known):
            return False
        change = self._paused_triggers.add if paused else self._paused_triggers.discard
        change((function, trigger))
        return True

    def is_paused(self, function: str, trigger: str) -> bool:
        """Tell whether a trigger was paused by its name."""
        return (function, trigger) in self._paused_triggers

    def call_soon(self, function: str, event: Value, caller: Caller) -> None:
        """Call a function when its turn comes, and again if it fails; nobody hears the result.

        Raises:
            QueueFull: too many calls wait already.
            RequestTooLarge: the event is.
        """
        text = orjson.dumps(event)
        require_asynchronous_event(function, len(text), self._limits)
        queue = self._queues.get(function)
        if queue is not None and len(queue.waiting) >= QUEUE_LENGTH_MAX:
            raise QueueFull(f"{QUEUE_LENGTH_MAX} calls of {function} wait already")
        self._enqueue(
            Occurrence(
                function=function,
                trigger="",
                key=object(),
                caller=caller,
                event_of=lambda items: orjson.loads(items[0]),
                items=[text],
                cause=current_span.get(),
                retries=ASYNCHRONOUS_RETRIES,
            )
        )

    def dead_letters(self) -> list[DeadLetter]:
        """Return what was given up, oldest first."""
        return self._letters.all()

    def replay(self, number: int | None = None) -> int:
        """Call what was given up again, one by its number or all; returns how many.

        Raises:
            InvalidParam: there is no such letter.
        """
        found = self._letters.take(number)
        for occurrence in found:
            self._enqueue(occurrence)
        return len(found)

    def clear(self) -> None:
        """Forget what was given up."""
        self._letters.clear()

    def running(self) -> list[str]:
        """Return what is queued or being called."""
        return [
            f"{len(queue.waiting) + len(queue.busy)} triggered calls of {name}"
            for name, queue in self._queues.items()
            if queue.waiting or queue.busy
        ]

    def waiting(self) -> int:
        """Return how many calls wait for their turn."""
        return sum(len(queue.waiting) for queue in self._queues.values())

    async def close(self) -> None:
        """Drop what is queued and wait for nothing."""
        for queue in self._queues.values():
            queue.waiting.clear()
        if self._one_by_one is not None:
            await self._one_by_one.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _on_change(self, change: Change) -> None:
        if self.paused:
            return
        for function, name, trigger in self._triggers.database:
            if not trigger.matches(change) or (function, name) in self._paused_triggers:
                continue
            if trigger.batch > 1:
                self._add_to_batch(function, name, trigger, change)
            else:
                key = (change.collection, hash_key(change.document_id))
                self._enqueue(self._of_changes(function, name, trigger, change, key))

    def _add_to_batch(
        self, function: str, name: str, trigger: DatabaseTrigger, change: Change
    ) -> None:
        """Put a change to others that wait; batches of a trigger are called one after another."""
        queue = self._queues.setdefault(function, CallQueue())
        batch = queue.batches.get(name)
        deeper = change.depth + 1
        if (
            batch is None
            or not queue.waiting
            or len(batch.items) >= trigger.batch
            or batch.caller.depth != deeper
        ):
            batch = self._of_changes(function, name, trigger, change, ("batch", name))
            queue.batches[name] = batch
            self._enqueue(batch)
        else:
            batch.items.append(change)

    def _of_changes(
        self, function: str, name: str, trigger: DatabaseTrigger, change: Change, key: object
    ) -> Occurrence:
        return Occurrence(
            function=function,
            trigger=name,
            key=key,
            caller=_triggered(change.depth + 1),
            event_of=partial(trigger.event, env_id=self._env_id, moment_ms=self._clock.now_ms()),
            items=[change],
            cause=current_span.get(),
            retries=trigger.retries,
        )

    def _on_file(self, file: StoredFile) -> None:
        if self.paused:
            return
        for function, name, trigger in self._triggers.storage:
            if not trigger.matches(file) or (function, name) in self._paused_triggers:
                continue
            self._enqueue(
                Occurrence(
                    function=function,
                    trigger=name,
                    key=file.cloud_path,
                    caller=_triggered(file.depth + 1),
                    event_of=partial(self._file_event, trigger, self._clock.now_ms()),
                    items=[file],
                    cause=current_span.get(),
                    retries=trigger.retries,
                )
            )

    def _file_event(
        self, trigger: StorageTrigger, moment_ms: int, files: Sequence[StoredFile]
    ) -> Mapping[str, Value]:
        return trigger.event(files[0], env_id=self._env_id, moment_ms=moment_ms)

    def _enqueue(self, occurrence: Occurrence) -> None:
        if occurrence.caller.depth > TRIGGER_DEPTH_MAX:
            self._say(
                occurrence,
                "loop_cut",
                f"{occurrence.title} of {occurrence.function} was cut: "
                f"{TRIGGER_DEPTH_MAX} triggers deep. The function writes what it listens to; "
                "write only when something changes, or listen to fewer operations",
            )
            return
        queue = self._queues.setdefault(occurrence.function, CallQueue())
        if len(queue.waiting) >= QUEUE_LENGTH_MAX:
            queue.dropped += 1
            self._say(
                occurrence,
                "overflow",
                f"{QUEUE_LENGTH_MAX} triggered calls of {occurrence.function} wait already; "
                f"this one was dropped ({queue.dropped} so far)",
            )
            return
        queue.waiting.append(occurrence)
        if self._one_by_one is not None:
            self._one_by_one.add(partial(self._call_next, queue))
        elif not queue.starting and not queue.busy:
            queue.starting = True
            self._look_soon(queue, 1, 1)

    def _look_soon(self, queue: CallQueue, seen: int, breath: int) -> None:
        asyncio.get_running_loop().call_later(BREATH_S, self._look, queue, seen, breath)

    def _look(self, queue: CallQueue, seen: int, breath: int) -> None:
        waiting = len(queue.waiting)
        if waiting > seen and breath < BREATHS_MAX:
            self._look_soon(queue, waiting, breath + 1)
            return
        queue.starting = False
        self._start(queue)

    def _start(self, queue: CallQueue) -> None:
        """Start what may run: the oldest occurrence of every key that is not running."""
        kept: deque[Occurrence] = deque()
        passed: set[object] = set()
        while queue.waiting and len(queue.busy) < SIDE_BY_SIDE_MAX:
            occurrence = queue.waiting.popleft()
            if occurrence.key in queue.busy or occurrence.key in passed:
                passed.add(occurrence.key)
                kept.append(occurrence)
                if len(kept) >= SCANNED_MAX:
                    break
                continue
            queue.take(occurrence)
            # In a context that is nobody's: it may be another occurrence that makes room.
            task = asyncio.get_running_loop().create_task(
                self._call(queue, occurrence), context=Context()
            )
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        queue.waiting.extendleft(reversed(kept))

    async def _call_next(self, queue: CallQueue) -> None:
        if queue.waiting:
            occurrence = queue.waiting.popleft()
            queue.take(occurrence)
            await self._call(queue, occurrence)

    async def _call(self, queue: CallQueue, occurrence: Occurrence) -> None:
        try:
            while (error := await self._attempt(occurrence)) and (
                occurrence.attempts <= occurrence.retries
            ):
                pause = min(occurrence.attempts, len(RETRY_PAUSES_S)) - 1
                await asyncio.sleep(RETRY_PAUSES_S[pause])
            if error:
                self._letters.add(occurrence, error, at_ms=self._clock.now_ms())
        except EmulatorError as fault:
            self._say(occurrence, "trigger_failed", fault.message)
            self._letters.add(occurrence, fault.message, at_ms=self._clock.now_ms())
        finally:
            queue.busy.discard(occurrence.key)
            if self._one_by_one is None:
                self._start(queue)

    async def _attempt(self, occurrence: Occurrence) -> str:
        """Call once; returns what it failed with, empty when it went well."""
        occurrence.attempts += 1
        span = self._trace.begin(
            occurrence.title,
            "trigger",
            cause=occurrence.cause,
            attributes={"attempt": occurrence.attempts, "items": len(occurrence.items)},
        )
        with self._trace.within(span):
            invoked = await self._functions.invoke(
                occurrence.function, occurrence.event(), occurrence.caller
            )
            failure = invoked.outcome.failure
            if failure is not None:
                span.error = f"{failure.kind}: {failure.message}"
        left = occurrence.retries + 1 - occurrence.attempts
        self._recorder.notice(
            "trigger",
            f"{occurrence.title} called {occurrence.function}"
            + ("" if failure is None else f", which failed; {_what_comes(left)}"),
            function=occurrence.function,
            trigger=occurrence.trigger,
            level="info" if failure is None else "error",
        )
        return "" if failure is None else failure.message or failure.kind

    def _say(self, occurrence: Occurrence, event: str, message: str) -> None:
        self._recorder.notice(
            event,
            message,
            function=occurrence.function,
            trigger=occurrence.trigger,
            level="error",
        )


def _triggered(depth: int) -> Caller:
    return Caller(kind="administrator", source=SOURCE, depth=depth)


def _what_comes(left: int) -> str:
    return f"it is called again, {left} times at most" if left else "it is given up"
