"""Owns what user code shares with the suite's process: streams, variables, threads, log records.

Not here: what is done with them (`python_run`). The one idea: a few attributes of the standard
library are replaced by ones that ask whose code is running; for the suite's own code they pass
everything through. They are put back when the last guest leaves, unless somebody else has put
something there since, as test runners do with the streams.

What cannot be lent: the working directory, the time zone of the C library (`TZ` is set, but
`datetime.now()` without a zone shows the machine's), and what a signal or a crash of C code does.
Child processes without an explicit `env` see the process's variables, not the run's.
"""

import io
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import Context, ContextVar, copy_context
from typing import TYPE_CHECKING, Any, Final

from emulator.core.records import dataclass
from emulator.functions.python_ends import ENDS
from emulator.functions.python_run import Run, RunEnviron, running_run
from emulator.functions.python_threads import Abandoned

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_GUESTS: Final = "cloud_guests"
_ORIGINAL: Final = "cloud_original"

record_level: Final[ContextVar[str | None]] = ContextVar("record_level", default=None)
"""The level of the log record that a stream is being written for."""

_FORMATTER: Final = logging.Formatter("%(message)s")


class RoutedStream:
    """A standard stream: user code's text goes to its run, everything else through."""

    def __init__(self, original: Any, name: str, level: str) -> None:
        self._original = original
        self._name = name
        self._level = level

    def write(self, text: str) -> int:
        """Write text, as `print` does."""
        run = running_run()
        if run is None:
            self._original.write(text)
            return len(text)
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        own = run.instance.streams.get(self._name)
        if own is not None and not _inside_own_stream.get():
            return _write_to_own(own, text)
        run.log.write(record_level.get() or self._level, text)
        return len(text)

    def writelines(self, lines: Iterator[str]) -> None:
        """Write each text."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush the suite's own stream; a run's lines are out already."""
        if running_run() is None:
            self._original.flush()

    def close(self) -> None:
        """Close the suite's own stream; user code does not own the one it prints to."""
        if running_run() is None:
            self._original.close()

    def isatty(self) -> bool:
        """Tell whether the suite's own stream is a terminal; a run's is not."""
        return running_run() is None and self._original.isatty()

    @property
    def buffer(self) -> Any:
        """Return what takes bytes."""
        return self._original.buffer if running_run() is None else RoutedBytes(self)

    def detach(self) -> Any:
        """Return what takes bytes; user code cannot take the suite's own stream apart."""
        return self._original.detach() if running_run() is None else RoutedBytes(self)

    def __getattr__(self, name: str) -> Any:
        if name == "_original":
            raise AttributeError(name)
        return getattr(self._original, name)


_inside_own_stream: Final[ContextVar[bool]] = ContextVar("inside_own_stream", default=False)


def _write_to_own(stream: Any, text: str) -> int:
    """Write to what user code has put in the place of a stream; it may pass on to that stream."""
    token = _inside_own_stream.set(True)
    try:
        stream.write(text)
    finally:
        _inside_own_stream.reset(token)
    return len(text)


class RoutedBytes(io.BufferedIOBase):
    """The stream below the text of a run, as `io.TextIOWrapper` wants it."""

    def __init__(self, stream: RoutedStream) -> None:
        self._stream = stream

    def writable(self) -> bool:
        """Tell that it is written to."""
        return True

    def write(self, data: "ReadableBuffer") -> int:
        """Write bytes of UTF-8."""
        plain = bytes(data)
        self._stream.write(plain.decode("utf-8", "replace"))
        return len(plain)

    def flush(self) -> None:
        """Flush the suite's own stream; a run's lines are out already."""
        self._stream.flush()


class RoutedEnviron(MutableMapping[str, str]):
    """`os.environ`: user code sees its run's variables over the process's."""

    def __init__(self, original: MutableMapping[str, str]) -> None:
        self._original = original

    def _seen(self) -> MutableMapping[str, str]:
        run = running_run()
        if run is None:
            return self._original
        return RunEnviron(self._original, run.variables, run.instance.writes)

    def __getitem__(self, key: str) -> str:
        return self._seen()[key]

    def __setitem__(self, key: str, value: str) -> None:
        self._seen()[key] = value

    def __delitem__(self, key: str) -> None:
        del self._seen()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._seen())

    def __len__(self) -> int:
        return len(self._seen())

    def __repr__(self) -> str:
        return f"environ({dict(self)!r})"

    def __or__(self, other: Any) -> dict[str, str]:
        return {**self, **other}

    def __ror__(self, other: Any) -> dict[str, str]:
        return {**other, **self}

    def __getattr__(self, name: str) -> Any:
        if name == "_original":
            raise AttributeError(name)
        return getattr(self._original, name)

    def copy(self) -> dict[str, str]:
        """Return the variables as a plain dictionary."""
        return dict(self)


def _routed_start(original: Callable[[threading.Thread], None]) -> Callable[..., None]:
    def start(self: threading.Thread) -> None:
        run = running_run()
        if run is None:
            original(self)
            return
        _carry(run, self)
        try:
            original(self)
        except RuntimeError:
            run.held.remove(self)
            raise

    return start


def _carry(run: Run, thread: threading.Thread) -> None:
    """Make the thread's body belong to the run that starts it."""
    context = copy_context()
    body = thread.run

    def carried() -> None:
        try:
            context.run(_reported, run, thread, body)
        finally:
            run.held.remove(thread)

    thread.run = carried  # type: ignore[method-assign]  # the body as seen by this one thread
    run.held.add(thread, f"thread {thread.name!r} started by {run.title}")


def _reported(run: Run, thread: threading.Thread, body: Callable[[], None]) -> None:
    try:
        body()
    except (SystemExit, Abandoned):
        return
    except BaseException as fault:  # noqa: BLE001  # the rim of an invocation: its log hears all
        run.report(f"thread {thread.name!r}", fault)
    finally:
        run.end_log()


def _routed_submit(original: Callable[..., "Future[Any]"]) -> Callable[..., "Future[Any]"]:
    def submit(
        self: ThreadPoolExecutor, call: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> "Future[Any]":
        run = running_run()
        if run is None:
            return original(self, call, *args, **kwargs)
        # The pool's threads outlive the run, so they start outside it and each job carries it in.
        carried = copy_context().run
        future = Context().run(original, self, carried, call, *args, **kwargs)
        hold_future(run, future)
        return future

    return submit


def hold_future(run: Run, future: "Future[Any]") -> None:
    """Count a job in an executor as work of the run until it has ended."""
    run.held.add(future, f"a job in an executor started by {run.title}")
    future.add_done_callback(run.held.remove)


def _routed_call_handlers(
    original: Callable[[logging.Logger, logging.LogRecord], None],
) -> Callable[[logging.Logger, logging.LogRecord], None]:
    def call_handlers(self: logging.Logger, record: logging.LogRecord) -> None:
        run = running_run()
        if run is None or isinstance(self, PrivateLogger):
            original(self, record)
        else:
            log_record(run, record)

    return call_handlers


class PrivateLogger(logging.Logger):
    """A logger of user code: handlers its code added hear the record, else the run's log does."""

    def callHandlers(self, record: logging.LogRecord) -> None:  # noqa: N802  # the base's name
        """Pass the record on."""
        run = running_run()
        if run is not None and not self.hasHandlers():
            log_record(run, record)
            return
        token = record_level.set(level_of(record))
        try:
            super().callHandlers(record)
        finally:
            record_level.reset(token)


def log_record(run: Run, record: logging.LogRecord) -> None:
    """Put a record of the standard library's logging into the log of a run."""
    try:
        text = _FORMATTER.format(record)
    except (TypeError, ValueError, KeyError) as fault:
        text = f"{record.msg!r} does not take the arguments {record.args!r}: {fault}"
    run.log.write(level_of(record), f"{text}\n")


def level_of(record: logging.LogRecord) -> str:
    """Return our name for the level of a record."""
    if record.levelno >= logging.ERROR:
        return "error"
    if record.levelno >= logging.WARNING:
        return "warn"
    return "info" if record.levelno >= logging.INFO else "debug"


@dataclass(frozen=True, slots=True)
class _Seat:
    """One attribute of the process that is replaced while there are guests."""

    owner: Any
    name: str
    replace: Callable[[Any], Any]

    def take(self, guest: int) -> None:
        present = getattr(self.owner, self.name)
        if _guests(present) is None:
            replacement = self.replace(present)
            setattr(replacement, _GUESTS, set())
            setattr(replacement, _ORIGINAL, present)
            setattr(self.owner, self.name, replacement)
            present = replacement
        getattr(present, _GUESTS).add(guest)

    def leave(self, guest: int) -> None:
        present = getattr(self.owner, self.name)
        guests = _guests(present)
        if guests is None:
            return
        guests.discard(guest)
        if not guests:
            setattr(self.owner, self.name, getattr(present, _ORIGINAL))


def _guests(present: Any) -> set[int] | None:
    """Return who needs the replacement, None for something that is not ours.

    A foreign wrapper around ours that passes every attribute through is foreign.
    """
    guests: set[int] | None = getattr(present, "__dict__", {}).get(_GUESTS)
    return guests


_STREAMS: Final = (
    _Seat(sys, "stdout", lambda original: RoutedStream(original, "stdout", "info")),
    _Seat(sys, "stderr", lambda original: RoutedStream(original, "stderr", "error")),
)
_SEATS: Final = (
    *_STREAMS,
    _Seat(os, "environ", RoutedEnviron),
    *(_Seat(owner, name, route) for owner, name, route in ENDS if hasattr(owner, name)),
    _Seat(threading.Thread, "start", _routed_start),
    _Seat(ThreadPoolExecutor, "submit", _routed_submit),
    _Seat(logging.Logger, "callHandlers", _routed_call_handlers),
)


class Ambience:
    """One runtime's claim to the seats."""

    def __init__(self) -> None:
        self._taken = False

    def take(self) -> None:
        """Have the process ask whose code runs; again and again does no harm.

        Streams are looked at each time: test runners swap them between the parts of a test.
        """
        if not self._taken:
            self._taken = True
            for seat in _SEATS:
                seat.take(id(self))
        elif type(sys.stdout) is not RoutedStream or type(sys.stderr) is not RoutedStream:
            for seat in _STREAMS:
                seat.take(id(self))

    def leave(self) -> None:
        """Put back what nobody else needs replaced."""
        if self._taken:
            self._taken = False
            for seat in _SEATS:
                seat.leave(id(self))
