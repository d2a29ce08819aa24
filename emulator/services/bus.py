"""Owns who hears of committed events; subscribers only enqueue.

Not here: any reaction. The one idea: an event is published after it is durable in memory and
journal, in commit order, on the suite's loop; a subscriber that would work in place belongs behind
a queue of its own.
"""

from collections.abc import Callable
from typing import TypeVar

from emulator.core.changes import Change
from emulator.functions.base import StoredFile

Event = Change | StoredFile
E = TypeVar("E", Change, StoredFile)


class Bus:
    """Committed events to those who enqueue them."""

    def __init__(self) -> None:
        self._subscribers: dict[type, list[Callable[..., None]]] = {}

    def subscribe(self, kind: type[E], enqueue: Callable[[E], None]) -> Callable[[], None]:
        """Call `enqueue` with every event of the kind; returns how to stop that."""
        subscribers = self._subscribers.setdefault(kind, [])
        subscribers.append(enqueue)
        return lambda: subscribers.remove(enqueue)

    def publish(self, event: Event) -> None:
        """Hand the event to every subscriber of its kind, in order of subscription."""
        for enqueue in self._subscribers.get(type(event), ()):
            enqueue(event)
