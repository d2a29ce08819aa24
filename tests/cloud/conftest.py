from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import pytest

from emulator.cloud.session import Session, current_session
from emulator.core.commands import Command


@dataclass
class FakeTransport:
    """Notes commands and answers from a list, or keeps the answer back until it is told."""

    answers: deque[Any] = field(default_factory=deque)
    commands: list[Command] = field(default_factory=list)
    held: list["Future[Any]"] = field(default_factory=list)
    holds: bool = False

    def submit(self, command: Command) -> "Future[Any]":
        self.commands.append(command)
        future: Future[Any] = Future()
        if self.holds:
            self.held.append(future)
            return future
        answer = self.answers.popleft()
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
        return future

    @property
    def last(self) -> Command:
        return self.commands[-1]


@dataclass
class Bound:
    transport: FakeTransport
    logs: list[tuple[str, str]]

    def answer(self, *results: Any) -> None:
        self.transport.answers.extend(results)

    def rebind(self, **changes: Any) -> None:
        current_session.set(make_session(self, **changes))


def make_session(bound: Bound, **changes: Any) -> Session:
    values: dict[str, Any] = {
        "transport": bound.transport,
        "env_id": "demo-env",
        "wx_context": {"OPENID": "oUser", "APPID": "wxDemo", "UNIONID": "", "ENV": "demo-env"},
        "request_id": "request-1",
        "log": lambda level, line: bound.logs.append((level, line)),
        **changes,
    }
    return Session(**values)


@pytest.fixture
def bound():
    """A session bound as a runtime binds one for an invocation."""
    bound = Bound(FakeTransport(), [])
    token = current_session.set(make_session(bound))
    yield bound
    current_session.reset(token)
