"""Owns one call of a function that runs in a process on its way: waiting, running, answered.

Not here: where it waits (`process_pool`), what runs it (`process_worker`). The one idea: it is
answered once; whatever else is said of it later is dropped.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from emulator.core.records import dataclass
from emulator.functions.base import RESPONSE_MAX_BYTES, Failure, Invocation, Outcome

BEGINS_MAX: Final = 5
"""Processes that a call is sent to, should each end just before it begins."""
QUICK_MS: Final = 2.0
"""What a call may take for others to be sent along with it."""
QUICK_RESULTS: Final = ("e", "E")
"""Frames with results that took no longer; the worker knows, the way there and back may be long."""


@dataclass(eq=False, slots=True)
class ProcessCall:
    """One invocation; the moments are of the loop's clock and of the suite's counter."""

    invocation: Invocation
    future: "asyncio.Future[Outcome]"
    title: str
    waiting_since_s: float = 0.0
    started_s: float = 0.0
    stop: Callable[[], None] | None = None
    begins: int = 1

    def may_begin_again(self) -> bool:
        """Tell whether it may go to another process, as its own ended before it began."""
        self.begins += 1
        return self.begins <= BEGINS_MAX

    def answer(self, outcome: Outcome) -> None:
        """Answer it, unless it was."""
        if not self.future.done():
            self.future.set_result(outcome)

    def fail(self, failure: Failure, duration_ms: float = 0.0) -> None:
        """Answer it with a failure."""
        self.answer(Outcome(result=b"null", failure=failure, duration_ms=duration_ms))


def too_large(result: bytes) -> Failure | None:
    """Return what is wrong with a result of that many bytes, if anything."""
    if len(result) <= RESPONSE_MAX_BYTES:
        return None
    return Failure(
        kind="result",
        message=f"the result has {len(result):,} bytes of JSON; a function may answer at most "
        f"{RESPONSE_MAX_BYTES:,}",
    )
