"""Owns one run of user code, a load or a call: its log, its variables, the work it left behind.

Not here: how the process is made to ask whose code runs (`python_ambience`), what runs and where
(`python_inline`). The one idea: `current_run` names the run that the present code belongs to, and
tasks, threads and executors that user code starts carry it along.
"""

import os
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextvars import ContextVar
from dataclasses import field
from threading import RLock, get_ident
from typing import Any, Final

from emulator.core.records import dataclass
from emulator.core.wellformed import wellformed

LOG_CHARACTERS_MAX: Final = 1_000_000
"""What one run may print; the rest is dropped and that is said once."""
LOG_LINE_CHARACTERS_MAX: Final = 16_384
"""A longer line goes on as a further one."""
VARIABLES_DEFAULT: Final[Mapping[str, str]] = {"TZ": "UTC"}
"""What every run sees over the process's own: functions live in UTC."""

Emit = Callable[[str, str], None]
"""Takes a level (`debug`, `info`, `warn`, `error`) and one line, from any thread."""


class RunLog:
    """Text in pieces to whole lines, up to a bound."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._left = LOG_CHARACTERS_MAX
        self._open: dict[str, str] = {}
        # Reentrant: a collected object's `__del__` may print in the middle of a print.
        self._lock = RLock()

    def write(self, level: str, text: str) -> None:
        """Take a piece of text; complete lines go out at once."""
        if self._left < 0:
            return
        with self._lock:
            left, self._left = self._left, self._left - len(text)
            if self._left < 0:
                text = text[: max(left, 0)]
            *lines, rest = (self._open.pop(level, "") + text).split("\n")
            if len(rest) > LOG_LINE_CHARACTERS_MAX:
                lines.append(rest)
                rest = ""
            if rest:
                self._open[level] = rest
            self._send(level, lines)
            if self._left < 0 <= left:
                self._say_cut()

    def flush(self) -> None:
        """Send lines that lack their end; the run is over."""
        with self._lock:
            waiting, self._open = self._open, {}
            for level, rest in waiting.items():
                self._send(level, [rest])

    def _say_cut(self) -> None:
        self.flush()
        cut = f"log cut: one run may print {LOG_CHARACTERS_MAX:,} characters; the rest is not kept"
        self._send("warn", [cut])

    def _send(self, level: str, lines: list[str]) -> None:
        if not lines:
            return
        # Whoever takes the lines is the suite: what it prints itself is not the run's.
        token = current_run.set(None)
        try:
            for line in lines:
                for start in range(0, len(line) or 1, LOG_LINE_CHARACTERS_MAX):
                    piece = line[start : start + LOG_LINE_CHARACTERS_MAX]
                    self._emit(level, wellformed(piece.removesuffix("\r")))
        finally:
            current_run.reset(token)


class RunEnviron(MutableMapping[str, str]):
    """The process's variables under the run's; writes stay with the function."""

    def __init__(
        self,
        process: MutableMapping[str, str],
        variables: Mapping[str, str],
        writes: dict[str, str | None],
    ) -> None:
        self._process = process
        self._variables = variables
        self._writes = writes

    def __getitem__(self, key: str) -> str:
        name = _variable_name(key)
        for own in (self._writes, self._variables, VARIABLES_DEFAULT):
            if name in own:
                value = own[name]
                if value is None:
                    raise KeyError(key)
                return value
        return self._process[key]

    def __setitem__(self, key: str, value: str) -> None:
        if not isinstance(value, str):
            raise TypeError(f"str expected, not {type(value).__name__}")
        self._writes[_variable_name(key)] = value

    def __delitem__(self, key: str) -> None:
        if key not in self:
            raise KeyError(key)
        self._writes[_variable_name(key)] = None

    def __iter__(self) -> Iterator[str]:
        names = dict.fromkeys((*self._process, *VARIABLES_DEFAULT, *self._variables, *self._writes))
        return iter([name for name in names if self._writes.get(name, "") is not None])

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _variable_name(key: str) -> str:
    if not isinstance(key, str):
        raise TypeError(f"str expected, not {type(key).__name__}")
    return key.upper() if os.name == "nt" else key


class Held:
    """What keeps a generation in memory: its calls, and tasks and threads they left behind."""

    def __init__(self) -> None:
        self._sentences: dict[object, object] = {}
        self._when_empty: Callable[[], None] | None = None

    def add(self, item: object, sentence: object) -> None:
        """Count something in, with a sentence that says what it is, or what tells one as text."""
        self._sentences[item] = sentence

    def remove(self, item: object) -> None:
        """Count it out; safe from any thread, also twice."""
        self._sentences.pop(item, None)
        if self._when_empty is not None and not self._sentences:
            self._when_empty()

    def when_empty(self, call: Callable[[], None]) -> None:
        """Call once nothing is held, possibly at once, possibly from another thread or twice."""
        self._when_empty = call
        if not self._sentences:
            call()

    def items(self) -> list[object]:
        """Return what is held now."""
        return list(self._sentences)

    def sentences(self) -> list[str]:
        """Return what is held now, in words."""
        return [str(each) for each in tuple(self._sentences.values())]


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """What all runs of one generation share.

    `writes` are the variables that its code has set, or removed (None), itself; `streams` are those
    that it has put in the place of the standard ones, by name. `explain` turns an
    exception into its message and the user's own frames. It knows no modules, so that a context
    somebody keeps does not keep a generation alive.
    """

    explain: Callable[[BaseException], tuple[str, str]]
    suite_thread: int
    held: Held = field(default_factory=Held)
    writes: dict[str, str | None] = field(default_factory=dict)
    streams: dict[str, Any] = field(default_factory=dict)


class Run:
    """What code on any thread or loop needs to know of the run it belongs to.

    `what` runs is said in words; a call has a request id besides.
    """

    __slots__ = ("_emit", "_log", "_request_id", "_what", "instance", "variables")

    def __init__(
        self,
        instance: Instance,
        what: str,
        *,
        emit: Emit,
        variables: Mapping[str, str],
        request_id: str = "",
    ) -> None:
        self.instance = instance
        self.variables = variables
        self._what = what
        self._request_id = request_id
        self._emit = emit
        self._log: RunLog | None = None

    @property
    def title(self) -> str:
        """Return what runs, in words."""
        return f"{self._what}, request {self._request_id}" if self._request_id else self._what

    def __str__(self) -> str:
        return self.title

    @property
    def held(self) -> Held:
        """Return what keeps the generation in memory."""
        return self.instance.held

    @property
    def log(self) -> RunLog:
        """Return the log, which most runs never need."""
        log = self._log
        if log is None:
            log = self._log = RunLog(self._emit)
        return log

    def end_log(self) -> None:
        """Send what was printed without an end of line."""
        if self._log is not None:
            self._log.flush()

    def report(self, what: str, fault: BaseException) -> None:
        """Log the failure of work that nobody waits for."""
        message, stack = self.instance.explain(fault)
        self.log.write("error", f"{what} failed: {message}\n")
        if stack:
            self.log.write("error", f"{stack}\n")


current_run: Final[ContextVar[Run | None]] = ContextVar("current_run", default=None)


def running_run() -> Run | None:
    """Return the run that the calling code belongs to, None for the suite's own code.

    A command that user code starts may carry its context to the suite's thread, where no user code
    ever runs.
    """
    run = current_run.get()
    return None if run is None or get_ident() == run.instance.suite_thread else run
