"""Owns calls with which user code would end the suite's process: they end the call instead.

Not here: how they are put in place (`python_ambience`). The one idea: on the platform a function
has its process to itself, and what ends that ends its call with an exit; a forked child of user
code is no part of the suite and may end itself.
"""

import os
import signal
from collections.abc import Callable
from typing import Any, Final

from emulator.functions.python_run import running_run

_GROUP: Final = (0, -1)
"""What `os.kill` takes for this process and others with it."""


def _is_user_code_here(suites_process: int) -> bool:
    return running_run() is not None and os.getpid() == suites_process


def _routed_exit(original: Callable[[int], Any]) -> Callable[[int], Any]:
    suites_process = os.getpid()

    def leave(status: int) -> Any:
        if not _is_user_code_here(suites_process):
            return original(status)
        raise SystemExit(status)

    return leave


def _routed_abort(original: Callable[[], Any]) -> Callable[[], Any]:
    suites_process = os.getpid()

    def abort() -> Any:
        if not _is_user_code_here(suites_process):
            return original()
        raise SystemExit(f"signal {signal.SIGABRT:d}")

    return abort


def _routed_kill(original: Callable[[int, int], Any]) -> Callable[[int, int], Any]:
    suites_process = os.getpid()

    def kill(pid: int, number: int, /) -> Any:
        if number and pid in (suites_process, *_GROUP) and _is_user_code_here(suites_process):
            raise SystemExit(f"signal {number:d}")
        return original(pid, number)

    return kill


def _routed_raise_signal(original: Callable[[int], Any]) -> Callable[[int], Any]:
    suites_process = os.getpid()

    def raise_signal(number: int, /) -> Any:
        if not _is_user_code_here(suites_process):
            return original(number)
        raise SystemExit(f"signal {number:d}")

    return raise_signal


def _routed_timer(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return an `alarm` that user code is refused, as `signal.signal` is outside of main threads.

    Its signal has no handler here, and would end the process.
    """
    suites_process = os.getpid()

    def start(*arguments: Any, **named: Any) -> Any:
        if not _is_user_code_here(suites_process):
            return original(*arguments, **named)
        raise ValueError(
            f"signal.{original.__name__} only works in main thread of the main interpreter"
        )

    return start


ENDS: Final[tuple[tuple[Any, str, Callable[[Any], Any]], ...]] = (
    (os, "_exit", _routed_exit),
    (os, "abort", _routed_abort),
    (os, "kill", _routed_kill),
    (signal, "raise_signal", _routed_raise_signal),
    (signal, "alarm", _routed_timer),
    (signal, "setitimer", _routed_timer),
)
"""Owner, name and replacement of each; not every system has all of them."""
