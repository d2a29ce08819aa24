"""Owns what can be looked at afterwards: log lines, requests and spans, in rings of fixed length.

Not here: who prints or serves them. The one idea: recording is an append that any thread may do;
followers are called on the suite's loop and only enqueue.
"""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final, NamedTuple

import orjson

from emulator.ambient import Clock
from emulator.core.values import Value
from emulator.core.wellformed import wellformed
from emulator.services.trace import Trace, current_span

LOG_LINES_MAX = 10_000
LOG_CHARACTERS_MAX: Final = 32 * 1024 * 1024
"""Of all lines that are kept; the newest line is kept whatever its length."""
REQUESTS_MAX = 2_000
READS_MAX = 2_000
FOLLOWER_QUEUE_MAX = 10_000

Follower = Callable[[dict[str, Value]], None]


LEVELS: Final[Mapping[str, int]] = {"debug": 0, "log": 1, "info": 1, "warn": 2, "error": 3}
"""The levels of lines, the gravest last; `log` is what JavaScript calls `info`."""
_LEVEL_NAMES: Final[Mapping[str, str]] = {
    **{name: name for name in LEVELS},
    "trace": "debug",
    "notice": "info",
    "warning": "warn",
    "fatal": "error",
    "critical": "error",
}
_LEVEL_FIELDS: Final = ("level", "severity")


class LogLine(NamedTuple):
    """One line that user code or the suite said about a function.

    `data` is the object that a line of JSON holds.
    """

    at_ms: int
    level: str
    function: str
    request_id: str
    line: str
    data: Value = None

    def told(self) -> dict[str, Value]:
        """Return it as JSON data; a line of plain text has no `data`."""
        told = self._asdict()
        if self.data is None:
            del told["data"]
        return told

    def is_at_least(self, level: str) -> bool:
        """Tell whether it is as grave as a level, which empty text always is."""
        return not level or LEVELS.get(self.level, 1) >= LEVELS.get(level, 1)


class RequestRecord(NamedTuple):
    """One invocation: who was called, by what, and what came of it."""

    at_ms: int
    function: str
    request_id: str
    source: str
    ok: bool
    duration_ms: float
    error: str = ""


class ReadRecord(NamedTuple):
    """One look into a collection: by which index, how much was read, and in which request."""

    at_ms: int
    collection: str
    request_id: str
    stage: str
    indexes: tuple[str, ...]
    keys_examined: int
    documents_examined: int
    returned: int


class Recorder:
    """The rings of one suite."""

    def __init__(self, clock: Clock) -> None:
        self.trace = Trace(clock)
        self._clock = clock
        self._logs: deque[LogLine] = deque()
        self._log_characters = 0
        self._keeping = threading.Lock()
        self._requests: deque[RequestRecord] = deque(maxlen=REQUESTS_MAX)
        self._reads: deque[ReadRecord] = deque(maxlen=READS_MAX)
        self._followers: list[Follower] = []
        self._request_followers: list[Follower] = []
        self._untold: deque[tuple[list[Follower], dict[str, Value]]] = deque()
        self._telling = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Name the loop that followers are called on."""
        self._loop = loop

    def log(self, level: str, line: str, *, function: str = "", request_id: str = "") -> LogLine:
        """Keep a line; safe from any thread."""
        line = wellformed(line)
        data = _structured(line) if line.startswith("{") else None
        entry = LogLine(
            self._clock.now_ms(),
            level if data is None else _level_of(data, level),
            function,
            request_id,
            line,
            data,
        )
        self._keep(entry)
        span = current_span.get()
        if span is not None:
            span.note(entry.at_ms, level, line)
        if self._followers:
            self._tell(self._followers, {"event": "log", **entry.told()})
        return entry

    def _keep(self, entry: LogLine) -> None:
        logs = self._logs
        with self._keeping:
            logs.append(entry)
            self._log_characters += len(entry.line)
            while len(logs) > LOG_LINES_MAX or self._log_characters > LOG_CHARACTERS_MAX:
                if len(logs) == 1:
                    break
                self._log_characters -= len(logs.popleft().line)

    def request(self, record: RequestRecord) -> None:
        """Keep an invocation."""
        self._requests.append(record)
        if self._request_followers:
            self._tell(self._request_followers, {"event": "request", **record._asdict()})

    def read(self, record: ReadRecord) -> None:
        """Keep a look into a collection."""
        self._reads.append(record)
        span = current_span.get()
        if span is not None:
            told = span.attributes
            told["stage"] = record.stage
            told["indexes"] = list(record.indexes)
            examined = told.get("documents_examined", 0)
            told["documents_examined"] = examined + record.documents_examined

    def reads(self, *, request_id: str = "", limit: int = 100) -> list[ReadRecord]:
        """Return the newest looks into collections that fit, oldest first."""
        fitting = [each for each in self._reads if request_id in ("", each.request_id)]
        return fitting[-limit:] if limit > 0 else []

    def notice(self, event: str, message: str, **facts: Value) -> None:
        """Tell followers of something that happened to the suite; also kept as a log line."""
        self.log(str(facts.get("level", "info")), message, function=str(facts.get("function", "")))
        if self._followers:
            self._tell(self._followers, {"event": event, "message": message, **facts})

    def logs(
        self, *, function: str = "", request_id: str = "", level: str = "", limit: int = 100
    ) -> list[LogLine]:
        """Return the newest lines that fit and are at least as grave, oldest first."""
        fitting = [
            entry
            for entry in list(self._logs)
            if (not function or entry.function == function)
            and (not request_id or entry.request_id == request_id)
            and entry.is_at_least(level)
        ]
        return fitting[-limit:] if limit > 0 else []

    def requests(self, limit: int = 100) -> list[RequestRecord]:
        """Return the newest invocations, oldest first."""
        return list(self._requests)[-limit:] if limit > 0 else []

    def clear(self) -> None:
        """Forget everything kept."""
        with self._keeping:
            self._logs.clear()
            self._log_characters = 0
        self._requests.clear()
        self._reads.clear()
        self.trace.clear()

    def follow(self, heard: Follower, *, requests: bool = False) -> Callable[[], None]:
        """Call `heard` on the suite's loop with every new line and notice, or every request.

        Returns how to stop that. Requests are apart because there may be thousands a second.
        """
        followers = self._request_followers if requests else self._followers
        followers.append(heard)
        return lambda: followers.remove(heard) if heard in followers else None

    async def stream(self, kind: str) -> AsyncIterator[dict[str, Value]]:
        """Yield new entries of a kind; a reader who falls behind loses the oldest."""
        queue: asyncio.Queue[dict[str, Value]] = asyncio.Queue(FOLLOWER_QUEUE_MAX)

        def enqueue(entry: dict[str, Value]) -> None:
            if entry["event"] != kind:
                return
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(entry)

        stop = self.follow(enqueue, requests=kind == "request")
        try:
            while True:
                yield await queue.get()
        finally:
            stop()

    def _tell(self, followers: list[Follower], entry: dict[str, Value]) -> None:
        """Have followers called, the loop being woken once for as many entries as gather."""
        if self._loop is None or self._loop.is_closed():
            return
        self._untold.append((followers, entry))
        if not self._telling:
            self._telling = True
            self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        # Cleared first: what is told from now on calls again.
        self._telling = False
        untold = self._untold
        while untold:
            followers, entry = untold.popleft()
            for heard in tuple(followers):
                heard(entry)


def _structured(line: str) -> Value:
    """Return the object that a line of JSON holds, None for anything else."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None


def _level_of(data: Value, level: str) -> str:
    """Return the level a structured line names itself, or the one it was said with."""
    for field in _LEVEL_FIELDS:
        named = data.get(field)
        if isinstance(named, str) and named.lower() in _LEVEL_NAMES:
            return _LEVEL_NAMES[named.lower()]
    return level
