"""Owns what signals mean to a running command: the first asks to stop, the second leaves at once.

Not here: how stopping is done. The one idea: a terminal and a parent process may both deliver the
same Ctrl-C, so two signals within a tenth of a second are one.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Final

from emulator.ambient import SystemClock
from emulator.cli.output import EXIT_INTERRUPTED

SAME_SIGNAL_S: Final = 0.1


class Stopping:
    """The wish to stop, from a signal or from elsewhere."""

    def __init__(self, *, before_leaving: Callable[[], None] = lambda: None) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        self._stopwatch = SystemClock()
        self._last_s: float | None = None
        self._before_leaving = before_leaving
        self.signal: int | None = None

    def request(self) -> None:
        """Ask to stop without a signal; to be called on the loop."""
        self._event.set()

    @property
    def is_requested(self) -> bool:
        """Tell whether someone asked to stop."""
        return self._event.is_set()

    async def wait(self) -> None:
        """Wait until someone asks to stop."""
        await self._event.wait()

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Take the process's signals for the time being."""
        before = {number: signal.getsignal(number) for number in _signals()}
        for number in before:
            signal.signal(number, self._heard)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        now_s = self._stopwatch.elapsed_s()
        if self._last_s is None:
            self.signal = number
            self._loop.call_soon_threadsafe(self._event.set)
        elif now_s - self._last_s > SAME_SIGNAL_S:
            self._before_leaving()
            os._exit(EXIT_INTERRUPTED)
        self._last_s = now_s


def _signals() -> list[signal.Signals]:
    """Return the signals that mean stop here; a hang-up that nohup silenced stays silent."""
    if sys.platform == "win32":
        return [signal.SIGINT, signal.SIGTERM, signal.SIGBREAK]
    stopping = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        stopping.append(signal.SIGHUP)
    return stopping
