"""Owns the `cloud` calls of a worker process on their way to the suite and back.

Not here: their form (`process_errands`), what carries them out (the suite). The one idea: a call is
a number and a future; the answer with that number, whenever it comes, is the future's.
"""

import itertools
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from emulator.core.commands import Command
from emulator.core.errors import EmulatorError
from emulator.functions.process_errands import read_answer, write_command


class Errands:
    """The calls of one process; `call_soon` is safe from any thread, `send` is not."""

    def __init__(self, call_soon: Callable[..., object], send: Callable[[bytes], None]) -> None:
        self._call_soon = call_soon
        self._send = send
        self._waiting: dict[int, Future[Any]] = {}
        self._numbers = itertools.count(1)

    def begin(self, request_id: str, command: Command) -> "Future[Any]":
        """Send a command at once, from any thread; returns its result to come."""
        number = next(self._numbers)
        future: Future[Any] = Future()
        self._waiting[number] = future
        try:
            self._call_soon(self._send, write_command(number, request_id, command))
        except (EmulatorError, RuntimeError) as fault:
            self._waiting.pop(number).set_exception(fault)
        return future

    def answered(self, payload: bytes) -> None:
        """Take an answer."""
        number, result, fault = read_answer(payload)
        future = self._waiting.pop(number, None)
        if future is None or not future.set_running_or_notify_cancel():
            return
        if fault is None:
            future.set_result(result)
        else:
            future.set_exception(fault)


class ErrandTransport:
    """How the `cloud` object of one invocation reaches the suite."""

    def __init__(self, errands: Errands, request_id: str) -> None:
        self._errands = errands
        self._request_id = request_id

    def submit(self, command: Command) -> "Future[Any]":
        """Start the command at once, as code of this invocation."""
        return self._errands.begin(self._request_id, command)
