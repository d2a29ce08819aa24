"""Owns how a call travels: started at once, answered by blocking or by awaiting.

Not here: which commands there are (`database` and its siblings) and where they go (`session`). The
one idea: a method builds a command and says how its result is read; where the thread runs an event
loop the answer is a task to await, anywhere else the answer itself. The command starts in the call,
so work that nobody awaits is done all the same.
"""

import asyncio
import functools
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, Final, NamedTuple, ParamSpec, TypeAlias

from emulator.cloud.errors import error_of, sdk_error
from emulator.cloud.naming import snake_case
from emulator.cloud.session import Session
from emulator.cloud.settings import active_session, settings
from emulator.core.commands import Command
from emulator.core.errors import EmulatorError, InvalidEnv
from emulator.core.values import Value

Answer: TypeAlias = Any
"""A dict with the keys of wx-server-sdk, or in a thread with an event loop an awaitable of it."""

Options: TypeAlias = Mapping[str, Value] | None
"""Named arguments as one dict, the JavaScript way."""

P = ParamSpec("P")

IGNORED_OPTIONS: Final = frozenset({"config", "header", "timeout", "retry_options"})
"""What JavaScript code may say besides, and what means nothing here."""


class Request(NamedTuple):
    """A command, and what makes the answer of its result."""

    command: Command
    read: Callable[[Any], dict[str, Value]]


def answering(api: str) -> Callable[[Callable[P, Request]], Callable[P, Answer]]:
    """Make a call of what builds a request; `api` is the name that messages begin with.

    The call raises CloudError: at once for wrong arguments, else instead of the answer.
    """

    def call_of(build: Callable[P, Request]) -> Callable[P, Answer]:
        @functools.wraps(build)
        def call(*args: P.args, **kwargs: P.kwargs) -> Answer:
            command, read = build(*args, **kwargs)
            session = active_session()
            if session.is_strict:
                _require_env(api, session)
            future = session.transport.submit(command)
            loop = running_loop()
            if loop is None:
                return _answer(api, future, read)
            return loop.create_task(_later(api, future, read, loop), name=api)

        return call

    return call_of


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop that runs in this thread."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def options_of(
    api: str, options: Options, others: Options = None, /, **named: Value
) -> dict[str, Value]:
    """Return the arguments of a call that was given them by name, as one dict, or both.

    `others` are those given by a name that Python does not spell so, such as `cloudPath`.

    Raises:
        CloudError: the dict is none, or there is a name that the call does not know.
    """
    if options is not None and not isinstance(options, Mapping):
        raise sdk_error(api, f"parameter should be dict instead of {type(options).__name__}")
    if not options and not others:
        return named
    for name, value in {**(options or {}), **(others or {})}.items():
        snake = snake_case(str(name))
        if snake in named:
            named[snake] = value
        elif snake not in IGNORED_OPTIONS:
            known = ", ".join(named)
            raise sdk_error(api, f"parameter.{name} is not known; known are {known}")
    return named


def required(api: str, given: Mapping[str, Value], name: str, kind: type | tuple[type, ...]) -> Any:
    """Return an argument that must be given and of a kind.

    Raises:
        CloudError: it is missing or of another kind.
    """
    value = given[name]
    if value is None:
        raise sdk_error(api, f"parameter.{name} must be given")
    if not isinstance(value, kind):
        wanted = " or ".join(
            each.__name__ for each in (kind if isinstance(kind, tuple) else (kind,))
        )
        raise sdk_error(
            api, f"parameter.{name} should be {wanted} instead of {type(value).__name__}"
        )
    return value


def require_name(api: str, place: str, value: Value) -> None:
    """Make sure that a name is text and not empty.

    Raises:
        CloudError: it is not.
    """
    if not isinstance(value, str) or not value:
        raise sdk_error(api, f"the {place} should be a text that is not empty: {value!r:.80}")


def _require_env(api: str, session: Session) -> None:
    named = settings().env_id
    if named and named != session.env_id:
        raise error_of(api, InvalidEnv.instead_of(session.env_id, named))


def _answer(api: str, future: "Future[Any]", read: Callable[[Any], dict[str, Value]]) -> Answer:
    try:
        return read(future.result())
    except EmulatorError as fault:
        raise error_of(api, fault) from None


async def _later(
    api: str,
    future: "Future[Any]",
    read: Callable[[Any], dict[str, Value]],
    loop: asyncio.AbstractEventLoop,
) -> Answer:
    if not future.done():
        await _settled(future, loop)
    return _answer(api, future, read)


async def _settled(future: "Future[Any]", loop: asyncio.AbstractEventLoop) -> None:
    """Wait for the end of a command; giving up the wait does not call the command back."""
    bell = loop.create_future()

    def ring() -> None:
        if not bell.done():
            bell.set_result(None)

    def from_elsewhere(_: object) -> None:
        # A loop that is closed by now has nobody left who waits.
        if not loop.is_closed():
            loop.call_soon_threadsafe(ring)

    future.add_done_callback(from_elsewhere)
    await bell
