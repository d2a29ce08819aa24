"""Owns how a command stands in a table: what carries it out, and how many words it takes.

Not here: the tables. The one idea: wrong numbers of words are refused in one place.
"""

from collections.abc import Callable

from emulator.core.records import dataclass
from emulator.core.redis.keyspace import Reply


@dataclass(frozen=True, slots=True)
class Row:
    """A command: a function of the keyspace and its words, with the fewest and the most of them."""

    run: Callable[..., Reply]
    least: int
    most: int | None = None
