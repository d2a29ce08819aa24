"""Owns which time and chance a suite runs on.

Not here: the clocks and ids themselves (`ambient`).
"""

from typing import Final

from emulator.ambient import Clock, Ids, ManualClock, SeededIds, SuiteClock, SystemIds

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
