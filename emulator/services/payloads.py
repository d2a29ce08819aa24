"""Owns how much may go into a function and come out of it.

Not here: what JSON can hold (the runtimes). The one idea: what is too large is refused here as the
platform does, for every language and every way in; what triggers tell is the suite's own doing.

Sources: the platform's page on quota limits (583/11637); WeChat's table of error codes for -604001.
"""

import json

import orjson

from emulator.core.errors import RequestTooLarge
from emulator.core.limits import Limits
from emulator.core.values import Value
from emulator.functions.base import Failure, Outcome
from emulator.services.caller import Caller

CLIENT_SOURCE = "wx_client"
TRIGGER_SOURCE = "wx_trigger"


def require_event(name: str, event: Value, caller: Caller, limits: Limits) -> None:
    """Make sure that an event fits into a call that is waited for; raises RequestTooLarge."""
    if event and caller.source != TRIGGER_SOURCE:
        _require(name, size_of(event), limits.function_event_max_bytes, "")


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
