"""Owns the ports of the function family: runtimes, trigger kinds, and the records they exchange.

Not here: any runtime or kind, nor who calls them (`services.functions`, `services.dispatcher`).
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, runtime_checkable

from emulator.core.changes import Change
from emulator.core.limits import WECHAT
from emulator.core.records import dataclass
from emulator.core.values import Value

if TYPE_CHECKING:  # configurations are read by commands that call no function
    from emulator.cloud.session import Session
    from emulator.functions.body_stream import BodyStream

TIMEOUT_DEFAULT_S = 3.0
TIMEOUT_MAX_S = 60.0
MEMORY_DEFAULT_MB = 256
RESPONSE_MAX_BYTES = WECHAT.function_result_max_bytes
"""What the platform lets a synchronous call answer."""

TRIGGER_RETRIES_DEFAULT = 2
TRIGGER_RETRIES_MAX = 10
TRIGGER_BATCH_MAX_CHANGES = 1_000

PACKAGES_POINTER = "current"
"""The file that names the folder beside it with a Python function's installed packages."""

TriggerName = Literal["timer", "database", "storage", "http"]
Runtime = Literal["inline", "process"]
"""Where Python code runs: in the suite's own process, or in processes that can be killed."""
T = TypeVar("T")
Engine = Literal["python", "python_process", "node"]
"""What runs a function: the names of the runtimes."""
FailureKind = Literal["exception", "timeout", "exit", "result", "load"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something wrong with a file of the project; `line` is 0 where none is known."""

    file: str
    line: int
    message: str
    severity: Literal["error", "warning", "note"] = "error"

    @property
    def place(self) -> str:
        """Return the file, and the line where one is known."""
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerConfig:
    """A trigger as configured: `config` is a text for timers, else a JSON object."""

    name: str
    kind: str
    config: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A function on disk as found without running its code.

    `entry` is the file to load, `handlers` the names to look for in it, best first, `packages` the
    folder of what is installed for a Python function. `digest` changes when a file of the function
    does. `web` are the arguments of an entry that is a program which listens on a port, for Python
    those of the interpreter. `home` is where the project's own functions lie, for one that a module
    of a uniCloud project brings.
    """

    name: str
    folder: Path
    language: Literal["python", "node"]
    entry: Path
    handlers: tuple[str, ...]
    runtime: Runtime = "inline"
    timeout_s: float = TIMEOUT_DEFAULT_S
    memory_mb: int = MEMORY_DEFAULT_MB
    variables: Mapping[str, str] = field(default_factory=dict)
    triggers: tuple[TriggerConfig, ...] = ()
    openapi: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    packages: Path | None = None
    digest: str = ""
    web: tuple[str, ...] | None = None
    home: Path | None = None

    @property
    def engine(self) -> Engine:
        """Return what runs it; `runtime` means nothing to Node, which always has processes."""
        if self.language == "python" and self.runtime == "process":
            return "python_process"
        return self.language


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a call may be made, beside waiting for its result as a whole.

    With `alone` nothing else is to be done before it is answered: work that is carried may wait for
    it on the thread that runs it. `stream` takes a body that is sent while it is made. A `cold`
    call finds no memory.
    """

    alone: bool = False
    cold: bool = False
    stream: "BodyStream | None" = None


MANNER_USUAL = Manner()
MANNER_ALONE = Manner(alone=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One run to be made: `event` is JSON data the handler may keep, `context` its second argument.

    `variables` are the environment variables this run sees; `log` takes a level and one line.
    """

    request_id: str
    event: Value
    context: Mapping[str, Value]
    variables: Mapping[str, str]
    session: "Session"
    timeout_s: float
    log: Callable[[str, str], None]
    manner: Manner = MANNER_USUAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a run failed; `stack` holds the user's own frames only."""

    kind: FailureKind
    message: str
    stack: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a run: `result` is JSON text, or `failure` says why there is none."""

    result: bytes
    failure: Failure | None
    duration_ms: float


def failed(kind: FailureKind, message: str) -> Outcome:
    """Return the outcome of a call that took no time and failed."""
    return Outcome(result=b"null", failure=Failure(kind=kind, message=message), duration_ms=0.0)


class Generation(Protocol):
    """One loaded state of a bundle; calls under way keep theirs while a newer one serves."""

    @property
    def bundle(self) -> Bundle:
        """Return the bundle as it was when loaded."""
        ...

    def is_current(self) -> bool:
        """Tell, by looking at the files it loaded, whether it is what lies on disk."""
        ...


class LoadFailed(Exception):
    """The code of a bundle did not load; the problem points into the user's file.

    `lines` are the levels and lines it logged before.
    """

    def __init__(self, problem: Problem, lines: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(problem.message)
        self.problem = problem
        self.lines = lines


class NeedsProcess(LoadFailed):
    """The code can only be loaded in a process of its own."""


class FunctionRuntime(Protocol):
    """What executes the bundles of one language."""

    async def load(self, bundle: Bundle) -> Generation:
        """Load the code off the suite's loop; raises LoadFailed, also when it takes too long."""
        ...

    async def call(self, generation: Generation, invocation: Invocation) -> Outcome:
        """Run the handler; answers within the invocation's time-out whatever the code does."""
        ...

    def retire(self, generation: Generation) -> None:
        """Forget a generation once the last call on it has ended."""
        ...

    def running(self) -> Sequence[str]:
        """Return what still runs, un-awaited work of ended calls included, as short sentences."""
        ...

    async def close(self) -> None:
        """Stop within a second, leaving threads that cannot be stopped behind as daemons."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceState:
    """One instance of a function's code: the process it lives in, and what it does.

    `serves` tells whether new calls get it; `resting_s` is 0 for one that runs a call.
    """

    function: str
    engine: Engine
    pid: int
    serves: bool
    calls_running: int
    resting_s: float = 0.0


@runtime_checkable
class Carrying(Protocol):
    """A runtime that does work which calls its functions one after the other at less cost."""

    def carry(self, work: Coroutine[Any, Any, T]) -> Awaitable[T]:
        """Do the work, on whichever thread is awake."""
        ...


@runtime_checkable
class Observable(Protocol):
    """A runtime that can tell which instances it has."""

    def instances(self) -> Sequence[InstanceState]:
        """Return the instances there are now."""
        ...


@runtime_checkable
class Inspectable(Protocol):
    """A runtime that a debugger can be attached to."""

    async def inspect(self, generation: Generation, port: int) -> str:
        """Open a function to debuggers and return the address, free of time-outs from now on.

        What is loaded of it later is open too, at the same port if it can be had; 0 is any port.
        """
        ...


class TimerTrigger(Protocol):
    """A compiled timer."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what the developer should know, such as fields that were filled in."""
        ...

    def next_fire_ms(self, after_ms: int) -> int | None:
        """Return the first moment strictly after the given one, None when there is none."""
        ...

    def event(self, moment_ms: int) -> dict[str, Value]:
        """Return the event of a firing."""
        ...


class DatabaseTrigger(Protocol):
    """A compiled database trigger."""

    @property
    def batch(self) -> int:
        """Return how many changes one call may be told of."""
        ...

    @property
    def retries(self) -> int:
        """Return how often a call that fails is made again."""
        ...

    def matches(self, change: Change) -> bool:
        """Tell whether the change is of the trigger's collection and operations."""
        ...

    def event(self, changes: Sequence[Change], *, env_id: str, moment_ms: int) -> dict[str, Value]:
        """Return the event of a batch of changes; dates in documents are ISO text."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file that was put or deleted, as storage triggers see it."""

    cloud_path: str
    file_id: str
    operation: Literal["put", "delete"]
    size_bytes: int = 0
    content_type: str = ""
    depth: int = 0


class StorageTrigger(Protocol):
    """A compiled storage trigger."""

    @property
    def retries(self) -> int:
        """Return how often a call that fails is made again."""
        ...

    def matches(self, file: StoredFile) -> bool:
        """Tell whether the path and operation are the trigger's."""
        ...

    def event(self, file: StoredFile, *, env_id: str, moment_ms: int) -> dict[str, Value]:
        """Return the event of a stored file."""
        ...


class HttpTrigger(Protocol):
    """A compiled HTTP trigger."""

    @property
    def path(self) -> str:
        """Return the path prefix it serves."""
        ...

    @property
    def methods(self) -> frozenset[str]:
        """Return the methods it serves, none for any."""
        ...

    @property
    def auth(self) -> bool:
        """Tell whether only signed-in visitors may call."""
        ...

    def path_told(self, path: str) -> str:
        """Return what the function hears of a path that matched."""
        ...

    def matches(self, method: str, path: str) -> bool:
        """Tell whether the request is the trigger's: whole segments of the prefix, and method."""
        ...
