"""Owns the local inbox: what the cloud would have sent by mail or text message.

Not here: which code is right (`services.codes`). The one idea: nothing leaves the machine; whoever
runs the suite reads what a user would have received.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from typing import Final, Literal

from emulator.ambient import Clock
from emulator.core.records import dataclass

MESSAGES_MAX: Final = 1_000

Channel = Literal["email", "phone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One message to a mail address or phone number, with the code or token that it carries."""

    at_ms: int
    channel: Channel
    to: str
    subject: str
    code: str


class Inbox:
    """The newest messages of one environment."""

    def __init__(self, clock: Clock, heard: Callable[[Letter], None] | None = None) -> None:
        self._clock = clock
        self._letters: deque[Letter] = deque(maxlen=MESSAGES_MAX)
        self._heard = heard

    def deliver(self, channel: Channel, to: str, *, subject: str, code: str) -> None:
        """Put a message in."""
        letter = Letter(
            at_ms=self._clock.now_ms(), channel=channel, to=to, subject=subject, code=code
        )
        self._letters.append(letter)
        if self._heard is not None:
            self._heard(letter)

    def told(self, to: str = "") -> list[dict[str, object]]:
        """Return the messages as JSON data, oldest first; with `to` those to one address."""
        return [asdict(each) for each in self._letters if to in ("", each.to)]

    def clear(self) -> None:
        """Empty it."""
        self._letters.clear()
