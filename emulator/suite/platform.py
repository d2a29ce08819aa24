"""Owns which time and chance a suite runs on, and who counts what happens in it.

Not here: the clocks and ids themselves (`ambient`), the counting (`services.metrics`,
`services.usage`).
"""

from typing import Final

from emulator.ambient import Clock, Ids, ManualClock, SeededIds, SuiteClock, SystemIds
from emulator.config.sections import UsageSection
from emulator.core.records import dataclass
from emulator.functions.base import StoredFile
from emulator.services.bus import Bus
from emulator.services.dispatcher import Dispatcher
from emulator.services.metrics import Metrics
from emulator.services.recorder import Recorder
from emulator.services.usage import Usage

DETERMINISTIC_START_MS: Final = 1_704_067_200_000
"""2024-01-01 UTC, where the clock of a deterministic run stands."""


def ambience_of(
    seed: int | None, clock: Clock | None = None, ids: Ids | None = None
) -> tuple[SuiteClock, Ids]:
    """Return the clock and ids of a run: the machine's, those given, or with a seed foreseeable."""
    if seed is None:
        turned = clock if isinstance(clock, SuiteClock) else SuiteClock(clock)
        return turned, ids or SystemIds()
    still = SuiteClock(
        clock or ManualClock(DETERMINISTIC_START_MS), frozen_at_ms=DETERMINISTIC_START_MS
    )
    return still, ids or SeededIds(seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Who counts what happens in a suite."""

    metrics: Metrics
    usage: Usage


def count_figures(
    settings: UsageSection, recorder: Recorder, dispatcher: Dispatcher, *, bus: Bus, clock: Clock
) -> Figures:
    """Return the figures of a suite, which count from now on."""
    metrics = Metrics({"queued_calls": ("Calls that wait.", dispatcher.waiting)})
    usage = Usage(clock=clock, recorder=recorder, alerts=settings.alerts)
    bus.subscribe(StoredFile, usage.stored)
    recorder.trace.on_end(metrics.heard)
    recorder.trace.on_end(usage.heard, at_once=bool(settings.alerts))
    return Figures(metrics=metrics, usage=usage)
