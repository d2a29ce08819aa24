"""Owns the outbox: every open API and payment call, to be looked at afterwards.

Not here: who serves it. The one idea: a ring of fixed length; bytes are shown by their number.
"""

from collections import deque
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from emulator.ambient import Clock
from emulator.core.ejson import date_text
from emulator.core.values import Date, Value
from emulator.services.openapi.calls import Answer, Media

MESSAGES_MAX: Final = 2_000
SHOWN_TEXT_MAX_LENGTH: Final = 10_000


class Sent(NamedTuple):
    """One call as it is told: JSON data throughout."""

    api: str
    data: Value
    result: Value
    request_id: str
    at: str | None


class Outbox:
    """The calls of one suite, newest last."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sent: deque[Sent] = deque(maxlen=MESSAGES_MAX)

    def record(
        self, api: str, data: Mapping[str, Any], answer: Answer, request_id: str = ""
    ) -> None:
        """Keep a call with its answer."""
        result: Value = answer.data
        if answer.content is not None:
            result = {"contentType": answer.content_type, "size_bytes": len(answer.content)}
        at = date_text(Date(self._clock.now_ms()))
        self._sent.append(Sent(api, _shown(data), result, request_id, at))

    def messages(self) -> list[dict[str, Value]]:
        """Return every call that is kept, newest last."""
        return [sent._asdict() for sent in self._sent]

    def clear(self) -> None:
        """Forget every call."""
        self._sent.clear()


def _shown(value: Any) -> Value:
    if isinstance(value, Media):
        return {"file_name": value.file_name, "size_bytes": len(value.content)}
    if isinstance(value, Mapping):
        return {key: _shown(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shown(item) for item in value]
    return value[:SHOWN_TEXT_MAX_LENGTH] if isinstance(value, str) else value
