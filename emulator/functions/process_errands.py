"""Owns what the `cloud` object in a worker asks of the suite: commands there, answers back.

Not here: frames (`process_channel`), who carries commands out (the invocation's own session). The
one idea: commands and their results are records of the core, so they travel as they are, and code
in a process is served by the very session that inline code would have; only records of the core
are ever made of what a worker says.
"""

import io
import pickle
from asyncio import AbstractEventLoop
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import Context
from typing import Any, Final

from emulator.cloud.session import Session
from emulator.core.commands import Command
from emulator.core.errors import EmulatorError

_CORE: Final = "emulator.core."
_PLAIN: Final = frozenset({"set", "frozenset", "bytearray"})


class Errands:
    """What the code of one worker asks; `send` takes answers, on the loop."""

    def __init__(
        self,
        loop: AbstractEventLoop,
        send: Callable[[bytes], None],
        session_of: Callable[[str], Session | None],
    ) -> None:
        self._loop = loop
        self._send = send
        self._session_of = session_of

    def take(self, payload: bytes) -> None:
        """Have a command carried out and its answer sent when it is there."""
        number, request_id, body = _outer(payload)
        future: Future[Any]
        try:
            command = read_command(body)
            session = self._session_of(request_id)
            if session is None:
                raise EmulatorError(f"the call {request_id} is too long ago to act for its caller")
            # In a context that is nobody's: the channel's is that of whoever came first.
            future = Context().run(session.transport.submit, command)
        except EmulatorError as fault:
            future = Future()
            future.set_exception(fault)
        future.add_done_callback(lambda done: self._tell(number, done))

    def _tell(self, number: int, done: "Future[Any]") -> None:
        fault = done.exception()
        answer = write_answer(number, None if fault else done.result(), fault)
        try:
            self._loop.call_soon_threadsafe(self._send, answer)
        except RuntimeError:
            # The suite has stopped, and the worker with it.
            return


def write_command(number: int, request_id: str, command: Command) -> bytes:
    """Return a command as a worker sends it.

    Raises:
        EmulatorError: something in it cannot leave the process.
    """
    try:
        body = pickle.dumps(command)
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError) as fault:
        raise EmulatorError(
            f"what was given cannot leave the function's process: {fault}"
        ) from None
    return pickle.dumps((number, request_id, body))


def read_command(body: bytes) -> Command:
    """Return the command of a worker.

    Raises:
        EmulatorError: it is made of something else than records of the core.
    """
    try:
        command: Command = _CoreUnpickler(io.BytesIO(body)).load()
    except (pickle.UnpicklingError, EOFError, TypeError, ValueError, RecursionError) as fault:
        raise EmulatorError(f"what was asked cannot be understood: {fault}") from None
    return command


def write_answer(number: int, result: Any, fault: BaseException | None) -> bytes:
    """Return what came of a command as it is sent to the worker."""
    try:
        return pickle.dumps((number, result, fault))
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError):
        told = EmulatorError(str(fault or f"{type(result).__name__} cannot leave the suite"))
        return pickle.dumps((number, None, told))


def read_answer(payload: bytes) -> tuple[int, Any, BaseException | None]:
    """Return the number of a command, its result, and what it failed with."""
    number, result, fault = pickle.loads(payload)
    return number, result, fault


def _outer(payload: bytes) -> tuple[int, str, bytes]:
    number, request_id, body = _CoreUnpickler(io.BytesIO(payload)).load()
    return int(number), str(request_id), bytes(body)


class _CoreUnpickler(pickle.Unpickler):
    """Makes classes of the core and nothing else."""

    def find_class(self, module_name: str, name: str) -> Any:
        if module_name == "builtins" and name in _PLAIN:
            return super().find_class(module_name, name)
        if module_name.startswith(_CORE) and "." not in name:
            found = super().find_class(module_name, name)
            if isinstance(found, type):
                return found
        raise pickle.UnpicklingError(f"{module_name}.{name} is no record of the core")
