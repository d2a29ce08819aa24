"""Owns telling that Python stands still, and in which code.

Not here: ending a suite that stays so (`cli.status`). The one idea: code in C that lets no other
Python run (a catastrophic regular expression) silences the whole process; only the fault handler of
the standard library can still write. So it is set to write soon, and put off for as long as Python
runs.
"""

import contextlib
import faulthandler
import os
import signal
import sys
from collections.abc import Callable, Iterator
from threading import Event, Thread
from types import FrameType
from typing import Any, Final

from emulator.ambient import SystemClock
from emulator.cli.output import tell

STANDSTILL_S: Final = 10.0
"""Nothing of a suite runs for so long unless some code holds Python."""
BEAT_S: Final = 2.0


@contextlib.contextmanager
def watched(
    *, limit_s: float = STANDSTILL_S, beat_s: float = BEAT_S, say: Callable[[str], None] = tell
) -> Iterator[None]:
    """Have standard error told which code runs when nothing else does for `limit_s` seconds."""
    try:
        descriptor = sys.__stderr__.fileno() if sys.__stderr__ is not None else -1
    except (OSError, ValueError):
        descriptor = -1
    if descriptor < 0:
        yield
        return
    heart = _Heart(descriptor, limit_s, beat_s, say)
    with heart.paused_with_the_process():
        heart.start()
        try:
            yield
        finally:
            heart.stop()


class _Heart:
    """A thread that shows that Python runs."""

    def __init__(
        self, descriptor: int, limit_s: float, beat_s: float, say: Callable[[str], None]
    ) -> None:
        self._descriptor = descriptor
        self._limit_s = limit_s
        self._beat_s = beat_s
        self._say = say
        self._clock = SystemClock()
        self._ended = Event()
        self._last_s = 0.0
        self._thread = Thread(target=self._body, name="heart", daemon=True)

    def start(self) -> None:
        self._beat()
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()
        faulthandler.cancel_dump_traceback_later()

    @contextlib.contextmanager
    def paused_with_the_process(self) -> Iterator[None]:
        """Write nothing for a process that Ctrl-Z has put to sleep."""
        number: Any = getattr(signal, "SIGTSTP", None)
        if number is None or signal.getsignal(number) is not signal.SIG_DFL:
            yield
            return
        signal.signal(number, self._sleep)
        try:
            yield
        finally:
            signal.signal(number, signal.SIG_DFL)

    def _sleep(self, number: int, frame: FrameType | None) -> None:
        faulthandler.cancel_dump_traceback_later()
        stop: Any = getattr(signal, "SIGSTOP", None)
        os.kill(os.getpid(), stop)
        self._beat()

    def _body(self) -> None:
        while not self._ended.wait(self._beat_s):
            still_s = self._clock.elapsed_s() - self._last_s
            self._beat()
            if still_s > self._limit_s:
                self._say(
                    f"nothing else could run for {still_s:.0f} s: code that cannot be interrupted"
                    ' held Python, see the stacks above; runtime = "process" keeps a function apart'
                )

    def _beat(self) -> None:
        self._last_s = self._clock.elapsed_s()
        faulthandler.dump_traceback_later(self._limit_s, file=self._descriptor)
