"""Owns the link between a `cloud` call in user code and whoever carries it out.

Not here: the calls themselves (`cloud.database` and its siblings) nor what they do (`services`).
The one idea: a session says who is calling and how a command travels; the runtime binds one for
the time of an invocation, a script gets one by `cloud.init(endpoint=...)`.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextvars import ContextVar
from typing import Any, Final, Protocol

from emulator.core.commands import Command
from emulator.core.records import dataclass
from emulator.core.values import Value


class Transport(Protocol):
    """How a command travels."""

    def submit(self, command: Command) -> "Future[Any]":
        """Start the command at once and return its result to come; safe from any thread.

        The result is the record of `core.commands` that belongs to the command, an error one of
        `core.errors`.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Who is calling, for the time of one invocation or one script.

    `wx_context` is what `get_wx_context()` answers. `log` takes a level and a line. A strict one
    carries out nothing for code that said another environment in `init`.
    """

    transport: Transport
    env_id: str
    wx_context: Mapping[str, Value]
    request_id: str
    log: Callable[[str, str], None]
    is_strict: bool = False


current_session: Final[ContextVar[Session | None]] = ContextVar("current_session", default=None)
"""The session of the invocation that the running code belongs to."""
