"""Owns what the store asks of Python's garbage collector, which is one for the whole process.

Not here: documents. The one idea: a stored document is acyclic and dies by its reference count, so
looking for cycles in it is wasted time, seconds of it while loading. The collector is paused for
the load, and every few thousand documents all that is alive is moved out of its sight (frozen).
Before that a collection takes the cycles there are, so nothing leaks; a store that closes
unfreezes everything, and one with few documents never freezes at all.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

FREEZE_EVERY_DOCUMENTS: Final = 1_000

HELD_DOCUMENTS: Final = 10_000
"""To look at lists of fewer documents now and then takes no time to speak of."""


@contextmanager
def paused() -> Iterator[None]:
    """Run a block without collections, and leave the collector as it was found."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def look_at_new() -> None:
    """Look for cycles in what has come since the last look, which takes long only for much.

    Whoever makes many tuples in a pause does it now and then: tuples of plain values leave the
    collector's sight at the first look, instead of all being looked at behind the pause.
    """
    gc.collect(1)


def pass_over(held: int) -> None:
    """Keep what holds so many documents out of all looks, if it is many, without a first one.

    To look at a list of documents is to visit each of them. Call `look_at_new` before it is made,
    so that no cycles are kept with it.
    """
    if held >= FREEZE_EVERY_DOCUMENTS:
        gc.freeze()


def set_aside(made: int) -> None:
    """Keep so many things that were just made, and stay, out of all further looks, if it is many.

    A store that has as many documents gives them back when it closes.
    """
    if made >= FREEZE_EVERY_DOCUMENTS:
        gc.collect(1)
        gc.freeze()


def hold_many(held: int) -> None:
    """Look at a list of so many documents once and then no more, if it is many.

    Whoever works on it for long does so when nothing else is to be done: it takes milliseconds.
    """
    if held >= HELD_DOCUMENTS:
        gc.collect()
        gc.freeze()


class Retention:
    """Counts the documents a store keeps, and freezes when enough have come."""

    def __init__(self) -> None:
        self._since_freeze = 0
        self._frozen = False

    def loaded(self, count: int) -> None:
        """Take note of documents that were loaded in a pause, which leaves no cycles behind."""
        if count >= FREEZE_EVERY_DOCUMENTS:
            self._frozen = True
            gc.freeze()

    def keep(self, count: int) -> None:
        """Take note of documents that were just kept."""
        self._since_freeze += count
        if self._since_freeze >= FREEZE_EVERY_DOCUMENTS:
            self._since_freeze = 0
            self._frozen = True
            gc.collect()
            gc.freeze()

    def release(self) -> None:
        """Give everything back to the collector; a store that is still open freezes it again."""
        if self._frozen:
            self._frozen = False
            gc.unfreeze()
