"""Owns the time-outs of many calls with one timer.

Not here: what happens at a time-out. The one idea: of calls with the same time-out the oldest is
due first, so only the head of each group needs looking at, and a call that ends in time costs no
more than leaving a dictionary.
"""

from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Deadlines(Generic[T]):
    """Things that are due some seconds after they were added; used on one loop only."""

    def __init__(self, loop: AbstractEventLoop, due: Callable[[T], None]) -> None:
        self._loop = loop
        self._due = due
        self._groups: dict[float, dict[T, float]] = {}
        self._timer: TimerHandle | None = None
        self._timer_s = 0.0

    def add(self, item: T, timeout_s: float) -> None:
        """Call `due` with the item after so many seconds, unless it is removed before."""
        deadline_s = self._loop.time() + timeout_s
        group = self._groups.get(timeout_s)
        if group is None:
            group = self._groups[timeout_s] = {}
        group[item] = deadline_s
        if self._timer is None or deadline_s < self._timer_s:
            self._arm(deadline_s)

    def remove(self, item: T, timeout_s: float) -> None:
        """Forget an item; does nothing for one that was due or never added."""
        group = self._groups.get(timeout_s)
        if group is not None:
            group.pop(item, None)

    def clear(self) -> None:
        """Forget everything."""
        self._groups.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, deadline_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_s = deadline_s
        self._timer = self._loop.call_at(deadline_s, self._look)

    def _look(self) -> None:
        self._timer = None
        now_s = self._loop.time()
        due: list[T] = []
        for timeout_s, group in list(self._groups.items()):
            for item, deadline_s in group.items():
                if deadline_s > now_s:
                    break
                due.append(item)
            for item in due:
                group.pop(item, None)
            if not group:
                del self._groups[timeout_s]
        heads = [next(iter(group.values())) for group in self._groups.values()]
        if heads:
            self._arm(min(heads))
        for item in due:
            self._due(item)
