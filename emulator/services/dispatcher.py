"""Owns the way from an occurrence to a call: changes and stored files through bounded queues.

Not here: what a trigger reacts to and the event it makes (`functions.triggers`), moments
(`services.timers`). The one idea: one queue per function; occurrences of one document or file are
called in order, others side by side; a chain of triggers deeper than the limit is cut and said.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from emulator.ambient import Clock
from emulator.core.changes import Change
from emulator.core.errors import EmulatorError
from emulator.core.ordering import hash_key
from emulator.core.values import Value
from emulator.functions.base import DatabaseTrigger, StorageTrigger, StoredFile
from emulator.services.bus import Bus
from emulator.services.caller import Caller
from emulator.services.functions import TRIGGER_DEPTH_MAX, Functions
from emulator.services.recorder import Recorder

QUEUE_LENGTH_MAX: Final = 10_000
SIDE_BY_SIDE_MAX: Final = 8
SOURCE: Final = "wx_trigger"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactiveTriggers:
    """The database and storage triggers of the project: (function, trigger name, compiled)."""

    database: Sequence[tuple[str, str, DatabaseTrigger]] = ()
    storage: Sequence[tuple[str, str, StorageTrigger]] = ()


@dataclass(frozen=True, slots=True)
class _Occurrence:
    """A call to be made: `key` orders it, `event` is made when its turn comes."""

    function: str
    trigger: str
    key: object
    depth: int
    event: Callable[[], Mapping[str, Value]]


@dataclass(slots=True)
class _Queue:
    waiting: deque[_Occurrence] = field(default_factory=deque)
    busy: set[object] = field(default_factory=set)
    dropped: int = 0


class Dispatcher:
    """Changes and stored files to the functions that listen."""

    def __init__(
        self,
        functions: Functions,
        *,
        bus: Bus,
        clock: Clock,
        recorder: Recorder,
        env_id: str,
    ) -> None:
        self._functions = functions
        self._clock = clock
        self._recorder = recorder
        self._env_id = env_id
        self._triggers = ReactiveTriggers()
        self._queues: dict[str, _Queue] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._paused = False
        bus.subscribe(Change, self._on_change)
        bus.subscribe(StoredFile, self._on_file)

    def listen(self, triggers: ReactiveTriggers) -> None:
        """React to these triggers from now on; what is queued is still called."""
        self._triggers = triggers

    def pause(self, *, paused: bool) -> None:
        """Stop or resume hearing of changes and files, for the time of a seed."""
        self._paused = paused

    def running(self) -> list[str]:
        """Return what is queued or being called."""
        return [
            f"{len(queue.waiting) + len(queue.busy)} triggered calls of {name}"
            for name, queue in self._queues.items()
            if queue.waiting or queue.busy
        ]

    async def close(self) -> None:
        """Drop what is queued and wait for nothing."""
        for queue in self._queues.values():
            queue.waiting.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _on_change(self, change: Change) -> None:
        if self._paused:
            return
        moment_ms = self._clock.now_ms()
        for function, name, trigger in self._triggers.database:
            if trigger.matches(change):
                self._enqueue(
                    _Occurrence(
                        function,
                        name,
                        (change.collection, hash_key(change.document_id)),
                        change.depth + 1,
                        lambda trigger=trigger: trigger.event(  # type: ignore[misc]  # bound per turn
                            [change], env_id=self._env_id, moment_ms=moment_ms
                        ),
                    )
                )

    def _on_file(self, file: StoredFile) -> None:
        if self._paused:
            return
        moment_ms = self._clock.now_ms()
        for function, name, trigger in self._triggers.storage:
            if trigger.matches(file):
                self._enqueue(
                    _Occurrence(
                        function,
                        name,
                        file.cloud_path,
                        file.depth + 1,
                        lambda trigger=trigger: trigger.event(  # type: ignore[misc]  # bound per turn
                            file, env_id=self._env_id, moment_ms=moment_ms
                        ),
                    )
                )

    def _enqueue(self, occurrence: _Occurrence) -> None:
        if occurrence.depth > TRIGGER_DEPTH_MAX:
            self._say(
                occurrence,
                "loop_cut",
                f"trigger {occurrence.trigger} of {occurrence.function} was cut: "
                f"{TRIGGER_DEPTH_MAX} triggers deep. The function writes what it listens to; "
                "write only when something changes, or listen to fewer operations",
            )
            return
        queue = self._queues.setdefault(occurrence.function, _Queue())
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
        self._start(queue)

    def _start(self, queue: _Queue) -> None:
        """Start what may run: the oldest occurrence of every key that is not running."""
        kept: deque[_Occurrence] = deque()
        passed: set[object] = set()
        while queue.waiting and len(queue.busy) < SIDE_BY_SIDE_MAX:
            occurrence = queue.waiting.popleft()
            if occurrence.key in queue.busy or occurrence.key in passed:
                passed.add(occurrence.key)
                kept.append(occurrence)
                if len(kept) >= SIDE_BY_SIDE_MAX:
                    break
                continue
            queue.busy.add(occurrence.key)
            task = asyncio.get_running_loop().create_task(self._call(queue, occurrence))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        queue.waiting.extendleft(reversed(kept))

    async def _call(self, queue: _Queue, occurrence: _Occurrence) -> None:
        caller = Caller(kind="administrator", source=SOURCE, depth=occurrence.depth)
        try:
            invoked = await self._functions.invoke(
                occurrence.function, dict(occurrence.event()), caller
            )
            self._say_fired(occurrence, ok=invoked.outcome.failure is None)
        except EmulatorError as fault:
            self._say(occurrence, "trigger_failed", fault.message)
        finally:
            queue.busy.discard(occurrence.key)
            self._start(queue)

    def _say_fired(self, occurrence: _Occurrence, *, ok: bool) -> None:
        self._recorder.notice(
            "trigger",
            f"trigger {occurrence.trigger} called {occurrence.function}"
            + ("" if ok else ", which failed"),
            function=occurrence.function,
            trigger=occurrence.trigger,
            level="info" if ok else "error",
        )

    def _say(self, occurrence: _Occurrence, event: str, message: str) -> None:
        self._recorder.notice(
            event,
            message,
            function=occurrence.function,
            trigger=occurrence.trigger,
            level="error",
        )
