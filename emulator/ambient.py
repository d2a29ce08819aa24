"""Owns time and chance: the clock and the ids of one suite, real ones and ones tests turn by hand.

Not here: what is done at a given time. The one idea: whoever needs the time or a random id is
handed a `Clock` or an `Ids`; nothing else in the package asks the machine (ruff bans it).
"""

import asyncio
import heapq
import itertools
import os
import random
import secrets
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol


class Clock(Protocol):
    """The suite's time: what documents, timers, rules and tokens are told."""

    def now_ms(self) -> int:
        """Return milliseconds since 1970-01-01 UTC."""
        ...

    def elapsed_s(self) -> float:
        """Return seconds of a counter that never goes back; only differences mean anything."""
        ...

    async def sleep_until(self, moment_ms: int) -> None:
        """Wait until the clock shows `moment_ms`, however it gets there."""
        ...


class Ids(Protocol):
    """The suite's chance: ids that do not repeat."""

    def document_id(self) -> str:
        """Return 32 lower-case hexadecimal digits, as the cloud generates `_id`."""
        ...

    def request_id(self) -> str:
        """Return an id in UUID form."""
        ...

    def token(self) -> str:
        """Return an unguessable URL-safe text."""
        ...

    def sample(self, population: int, size: int) -> Sequence[int]:
        """Return so many different numbers below `population`, which is not smaller."""
        ...


SLEEP_MAX_S = 3600.0
"""A laptop that slept wakes up late: look at the wall clock at least once an hour."""


class SystemClock:
    """The machine's own time."""

    def now_ms(self) -> int:
        """Return the wall clock in milliseconds."""
        return time.time_ns() // 1_000_000

    def elapsed_s(self) -> float:
        """Return the performance counter in seconds."""
        return time.perf_counter()

    async def sleep_until(self, moment_ms: int) -> None:
        """Sleep in bounded steps until the wall clock shows the moment."""
        while (left_ms := moment_ms - self.now_ms()) > 0:
            await asyncio.sleep(min(left_ms / 1000, SLEEP_MAX_S))


class ManualClock:
    """A clock that stands still until `advance`; sleepers wake in order of their moment."""

    def __init__(self, start_ms: int = 1_700_000_000_000) -> None:
        self._now_ms = start_ms
        self._sleepers: list[tuple[int, int, asyncio.Event]] = []
        self._order = itertools.count()

    def now_ms(self) -> int:
        """Return the moment the clock was turned to."""
        return self._now_ms

    def elapsed_s(self) -> float:
        """Return the same moment in seconds."""
        return self._now_ms / 1000

    async def sleep_until(self, moment_ms: int) -> None:
        """Wait until `advance` passes the moment."""
        if moment_ms <= self._now_ms:
            return
        event = asyncio.Event()
        heapq.heappush(self._sleepers, (moment_ms, next(self._order), event))
        await event.wait()

    def advance(self, seconds: float) -> None:
        """Turn the clock forward and wake everyone whose moment has come."""
        self._now_ms += round(seconds * 1000)
        while self._sleepers and self._sleepers[0][0] <= self._now_ms:
            heapq.heappop(self._sleepers)[2].set()


class SystemIds:
    """Ids from the machine's randomness, drawn from the system in blocks."""

    BLOCK_BYTES = 4096

    def __init__(self) -> None:
        self._pool = b""
        self._at = 0
        start = uuid.uuid4().hex
        # Request ids only have to differ: after a random start they count, which is quicker.
        self._request_head = f"{start[:8]}-{start[8:12]}-{start[12:16]}-{start[16:20]}-"
        self._requests = itertools.count(int(start[20:], 16) // 2)

    def document_id(self) -> str:
        """Return sixteen random bytes as hexadecimal digits."""
        at = self._at
        if at + 16 > len(self._pool):
            self._pool, at = os.urandom(self.BLOCK_BYTES), 0
        self._at = at + 16
        return self._pool[at : at + 16].hex()

    def request_id(self) -> str:
        """Return an id in UUID form that no other request of this suite has."""
        return f"{self._request_head}{next(self._requests):012x}"

    def token(self) -> str:
        """Return 32 bytes of randomness as URL-safe text."""
        return secrets.token_urlsafe(32)

    def sample(self, population: int, size: int) -> Sequence[int]:
        """Return different numbers in random order."""
        return random.Random(os.urandom(32)).sample(range(population), size)


@dataclass(slots=True)
class CountedIds:
    """Ids that count from one: the same run gives the same bytes."""

    _next: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def document_id(self) -> str:
        """Return the next number as 32 hexadecimal digits."""
        return f"{next(self._next):032x}"

    def request_id(self) -> str:
        """Return the next number in UUID form."""
        return str(uuid.UUID(int=next(self._next)))

    def token(self) -> str:
        """Return the next number as text."""
        return f"token-{next(self._next)}"

    def sample(self, population: int, size: int) -> Sequence[int]:
        """Return the first numbers."""
        return range(min(population, size))
