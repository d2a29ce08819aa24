"""Owns how much may go into a function and come out of it.

Not here: what JSON can hold (the runtimes). The one idea: what is too large is refused here as the
platform does, for every language and every way in; what triggers tell is the suite's own doing.

Sources: the platform's page on quota limits (583/11637); WeChat's table of error codes for -604001.
"""

import json
from typing import Final

import orjson

from emulator.core.errors import RequestTooLarge
from emulator.core.limits import Limits
from emulator.core.values import Value
from emulator.functions.base import Failure, Outcome
from emulator.services.caller import Caller

CLIENT_SOURCE = "wx_client"
TRIGGER_SOURCE = "wx_trigger"
GROWTH_MAX: Final = 8
"""Text of JSON that is read and written again has at most so many bytes for each character: `1e9`
becomes `1000000000.0`, and what is no ASCII takes up to four."""


def require_event(
    name: str, event: Value, caller: Caller, limits: Limits, *, sent_characters: int | None = None
) -> None:
    """Make sure that an event fits into a call that is waited for; raises RequestTooLarge.

    One read from text that is short enough need not be measured.
    """
    if not event or caller.source == TRIGGER_SOURCE:
        return
    most_bytes = limits.function_event_max_bytes
    if sent_characters is None or sent_characters * GROWTH_MAX > most_bytes:
        _require(name, size_of(event), most_bytes, "")


def require_asynchronous_event(name: str, size_bytes: int, limits: Limits) -> None:
    """Make sure that an event fits into a call that nobody waits for; raises RequestTooLarge."""
    _require(name, size_bytes, limits.function_asynchronous_event_max_bytes, "asynchronous ")


def bounded(outcome: Outcome, caller: Caller, limits: Limits) -> Outcome:
    """Return the outcome as the caller's channel lets it through."""
    size_bytes, most_bytes = len(outcome.result), limits.client_function_result_max_bytes
    if size_bytes <= most_bytes or caller.source != CLIENT_SOURCE:
        return outcome
    message = (
        f"-604001: the result has {size_bytes:,} bytes of JSON; what is on its way to a mini "
        f"program may have {most_bytes:,}. Put it into a file and return the file id"
    )
    failure = Failure(kind="result", message=message)
    return Outcome(result=b"null", failure=failure, duration_ms=outcome.duration_ms)


def size_of(event: Value) -> int:
    """Return how many bytes of JSON an event has."""
    try:
        return len(orjson.dumps(event))
    except TypeError:
        # A whole number beyond 64 bits.
        return len(json.dumps(event))


def _require(name: str, size_bytes: int, most_bytes: int, kind: str) -> None:
    if size_bytes > most_bytes:
        raise RequestTooLarge(
            f"the event of {name} has {size_bytes:,} bytes of JSON; an {kind}event may have "
            f"{most_bytes:,}",
            hint="upload what is large, and pass the file id",
        )
