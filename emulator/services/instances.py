"""Owns how long an instance of a function's code lives: until it rested, or served, for too long.

Not here: loading another (`services.registry`), processes that rest (`functions.process_runtime`).
The one idea: as in the cloud, module state is kept between calls and nobody may rely on it; whoever
wants to see what happens without it says how soon it goes. It goes by the suite's clock, so that
turning the clock shows it at once.
"""

from emulator.ambient import Clock


class Lifetimes:
    """When instances are done with; None is never."""

    def __init__(self, clock: Clock, *, idle_s: float | None, lifetime_s: float | None) -> None:
        self._clock = clock
        self._idle_ms = None if idle_s is None else idle_s * 1000
        self._lifetime_ms = None if lifetime_s is None else lifetime_s * 1000

    @property
    def are_bounded(self) -> bool:
        """Tell whether there is anything to look at."""
        return self._idle_ms is not None or self._lifetime_ms is not None

    def now_ms(self) -> int:
        """Return what the suite's clock shows."""
        return self._clock.now_ms()

    def is_over(self, *, loaded_ms: int, used_ms: int) -> bool:
        """Tell whether an instance that was loaded and last used then is not to serve again."""
        now_ms = self._clock.now_ms()
        return _exceeds(now_ms - used_ms, self._idle_ms) or _exceeds(
            now_ms - loaded_ms, self._lifetime_ms
        )


def _exceeds(age_ms: int, most_ms: float | None) -> bool:
    return most_ms is not None and age_ms > most_ms
