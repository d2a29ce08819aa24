"""Owns what waits for its call, and what was given up: occurrences and dead letters.

Not here: when a call is made (`services.dispatcher`). The one idea: an occurrence knows how to make
its event, so it can be called again, now or when somebody replays it, with an event of its own.
"""

import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import field
from typing import Any, Final

from emulator.core.errors import InvalidParam
from emulator.core.records import dataclass
from emulator.core.values import Value
from emulator.services.caller import Caller
from emulator.services.trace import Span

DEAD_LETTERS_MAX: Final = 1_000
"""The oldest of more is forgotten."""


@dataclass(slots=True, kw_only=True)
class Occurrence:
    """A call to be made: `key` orders it, `items` are what it tells of, the newest last.

    `event_of` makes the event of the items when the call's turn comes. `attempts` counts the calls
    made so far, of at most one more than `retries`. `cause` is what set it off.
    """

    function: str
    trigger: str
    key: object
    caller: Caller
    event_of: Callable[[list[Any]], Value]
    items: list[Any] = field(default_factory=list)
    retries: int = 0
    attempts: int = 0
    cause: Span | None = None

    def event(self) -> Value:
        """Return an event that the handler may keep."""
        return self.event_of(self.items)

    @property
    def title(self) -> str:
        """Return what it is, for the log."""
        return f"trigger {self.trigger}" if self.trigger else "an asynchronous call"


@dataclass(slots=True)
class CallQueue:
    """The calls of one function: those that wait, batches that still take changes, keys at work."""

    waiting: deque[Occurrence] = field(default_factory=deque)
    batches: dict[str, Occurrence] = field(default_factory=dict)
    busy: set[object] = field(default_factory=set)
    dropped: int = 0
    starting: bool = False

    def take(self, occurrence: Occurrence) -> None:
        """Count an occurrence among those at work; a batch takes no more from now on."""
        self.busy.add(occurrence.key)
        if self.batches.get(occurrence.trigger) is occurrence:
            del self.batches[occurrence.trigger]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """An occurrence that was given up, why, and after how many calls."""

    number: int
    at_ms: int
    occurrence: Occurrence
    attempts: int
    error: str

    def told(self) -> dict[str, Value]:
        """Return it as JSON data."""
        occurrence = self.occurrence
        return {
            "number": self.number,
            "at_ms": self.at_ms,
            "function": occurrence.function,
            "trigger": occurrence.trigger,
            "attempts": self.attempts,
            "error": self.error,
            "event": occurrence.event(),
        }


class DeadLetters:
    """The newest occurrences that were given up."""

    def __init__(self) -> None:
        self._letters: deque[DeadLetter] = deque(maxlen=DEAD_LETTERS_MAX)
        self._numbers = itertools.count(1)

    def add(self, occurrence: Occurrence, error: str, *, at_ms: int) -> None:
        """Keep an occurrence that was given up."""
        self._letters.append(
            DeadLetter(
                number=next(self._numbers),
                at_ms=at_ms,
                occurrence=occurrence,
                attempts=occurrence.attempts,
                error=error,
            )
        )

    def all(self) -> list[DeadLetter]:
        """Return them, oldest first."""
        return list(self._letters)

    def take(self, number: int | None) -> list[Occurrence]:
        """Take out one by its number, or all; raises InvalidParam when there is no such letter."""
        taken = [each for each in self._letters if number is None or each.number == number]
        if number is not None and not taken:
            raise InvalidParam(
                f"there is no dead letter {number}", hint="cloud-emu trigger failed lists them"
            )
        for letter in taken:
            self._letters.remove(letter)
            letter.occurrence.attempts = 0
        return [letter.occurrence for letter in taken]

    def clear(self) -> None:
        """Forget them."""
        self._letters.clear()
