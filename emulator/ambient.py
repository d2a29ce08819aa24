"""Owns time and chance: the clock and the ids of one suite, real ones and ones tests turn by hand.

Not here: what is done at a given time. The one idea: whoever needs the time or a random id is
handed a `Clock` or an `Ids`; nothing else in the package asks the machine (ruff bans it).
"""

import asyncio
import base64
import heapq
import itertools
import os
import random
import secrets
import time
import uuid
from collections.abc import Sequence
from dataclasses import field
from typing import Final, NamedTuple, Protocol

from emulator.core.records import dataclass


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

    elapsed_s = staticmethod(time.perf_counter)
    """Returns the performance counter in seconds; asked several times in every call."""

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


class _Sleeper(NamedTuple):
    """Somebody who waits for a moment; `order` keeps those of one moment in their order."""

    moment_ms: int
    order: int
    woken: "asyncio.Future[None]"
    task: "asyncio.Task[object] | None"


class SuiteClock:
    """The machine's time until somebody turns it: shifted, frozen, resumed.

    Sleepers belong to the loop they sleep on, which is the suite's. How long things took stays the
    machine's own. Whoever was woken counts as awake until that task sleeps again or ends, so that
    one who turns the clock can wait for what that set off.
    """

    def __init__(self, machine: Clock | None = None, *, frozen_at_ms: int | None = None) -> None:
        self.machine: Final[Clock] = machine or SystemClock()
        # The machine's own, at once: it is asked several times in every call.
        self.elapsed_s: Final = self.machine.elapsed_s
        self._offset_ms = 0
        self._frozen_ms = frozen_at_ms
        self._sleepers: list[_Sleeper] = []
        self._order = itertools.count()
        self._awake: set[asyncio.Task[object]] = set()
        self._alarm: asyncio.Task[None] | None = None
        self._alarm_ms = 0

    @property
    def frozen(self) -> bool:
        """Tell whether the clock stands still."""
        return self._frozen_ms is not None

    @property
    def offset_ms(self) -> int:
        """Return how far the clock is ahead of the machine's."""
        return self.now_ms() - self.machine.now_ms()

    def now_ms(self) -> int:
        """Return the suite's moment in milliseconds."""
        frozen_ms = self._frozen_ms
        return self.machine.now_ms() + self._offset_ms if frozen_ms is None else frozen_ms

    async def sleep_until(self, moment_ms: int) -> None:
        """Wait until the clock shows the moment, by running or by being turned."""
        if moment_ms <= self.now_ms():
            return
        task = asyncio.current_task()
        if task is not None:
            self._awake.discard(task)
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, _Sleeper(moment_ms, next(self._order), woken, task))
        self._set_alarm()
        try:
            await woken
        finally:
            self._set_alarm()

    def next_moment_ms(self) -> int | None:
        """Return the earliest moment somebody sleeps until, None when nobody sleeps."""
        while self._sleepers and self._sleepers[0].woken.done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0].moment_ms if self._sleepers else None

    def awake(self) -> bool:
        """Tell whether somebody who was woken is still busy with that."""
        self._awake = {task for task in self._awake if not task.done()}
        return bool(self._awake)

    def turn_to(self, moment_ms: int) -> None:
        """Show this moment from now on and wake everyone whose moment has come."""
        if self._frozen_ms is None:
            self._offset_ms = moment_ms - self.machine.now_ms()
        else:
            self._frozen_ms = moment_ms
        self._wake_due()

    def freeze(self) -> None:
        """Stand still from now on."""
        if self._frozen_ms is None:
            self._frozen_ms = self.now_ms()
            self._set_alarm()

    def resume(self) -> None:
        """Run on from the moment shown."""
        if self._frozen_ms is not None:
            self._offset_ms = self._frozen_ms - self.machine.now_ms()
            self._frozen_ms = None
            self._set_alarm()

    def _wake_due(self) -> None:
        now_ms = self.now_ms()
        while (moment_ms := self.next_moment_ms()) is not None and moment_ms <= now_ms:
            sleeper = heapq.heappop(self._sleepers)
            sleeper.woken.set_result(None)
            if sleeper.task is not None:
                self._awake.add(sleeper.task)
        self._set_alarm()

    def _set_alarm(self) -> None:
        """Have one task wait on the machine for the earliest moment, if any and if time runs."""
        moment_ms = None if self._frozen_ms is not None else self.next_moment_ms()
        if moment_ms is None:
            if self._alarm is not None:
                self._alarm.cancel()
                self._alarm = None
            return
        machine_ms = moment_ms - self._offset_ms
        if self._alarm is not None and self._alarm_ms == machine_ms:
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_ms = machine_ms
        self._alarm = asyncio.get_running_loop().create_task(self._ring(machine_ms))

    async def _ring(self, machine_ms: int) -> None:
        await self.machine.sleep_until(machine_ms)
        self._alarm = None
        self.awake()
        self._wake_due()


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
        # Seeded once: a sample may be drawn number by number, and nothing secret is.
        self._chance = random.Random(os.urandom(32))

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
        return self._chance.sample(range(population), size)


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


class SeededIds:
    """Ids that look drawn but follow from a seed: the same run gives the same bytes.

    Each kind is drawn for itself, so that one request more changes the id of no document.
    """

    def __init__(self, seed: int) -> None:
        self._documents = random.Random(f"{seed} documents")
        self._requests = random.Random(f"{seed} requests")
        self._chance = random.Random(f"{seed} others")

    def document_id(self) -> str:
        """Return the next 32 hexadecimal digits of the seed."""
        return f"{self._documents.getrandbits(128):032x}"

    def request_id(self) -> str:
        """Return the next id in UUID form of the seed."""
        return str(uuid.UUID(int=self._requests.getrandbits(128), version=4))

    def token(self) -> str:
        """Return the next text of the seed, as long as a drawn one; anyone can foresee it."""
        drawn = self._chance.getrandbits(256).to_bytes(32, "big")
        return base64.urlsafe_b64encode(drawn).decode().rstrip("=")

    def sample(self, population: int, size: int) -> Sequence[int]:
        """Return the next different numbers of the seed."""
        return self._chance.sample(range(population), size)
