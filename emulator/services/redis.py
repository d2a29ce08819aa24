"""Owns the Redis of a suite: keys in memory, alive by the suite's clock.

Not here: what commands do (`core.redis`). The one idea: commands that belong together run one after
the other without an `await`, so nothing comes between them; what is kept ends with the suite.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from emulator.ambient import Clock, Ids
from emulator.core.records import dataclass

if TYPE_CHECKING:
    from emulator.core.redis.keyspace import Keyspace, Reply


@dataclass(frozen=True, slots=True)
class Refused:
    """A command that was not carried out, in Redis' words."""

    error: str


class Redis:
    """The keys of one environment."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids
        self._space: Keyspace | None = None

    def run(self, commands: Sequence[Sequence[str]]) -> "list[Reply | Refused]":
        """Carry out commands together; one that is refused does not keep the others back."""
        # Several modules, which few projects need.
        from emulator.core.redis.commands import carry_out
        from emulator.core.redis.keyspace import Keyspace, RedisError

        if self._space is None:
            self._space = Keyspace(lambda size: self._ids.sample(size, 1)[0])
        self._space.now_ms = self._clock.now_ms()
        answers: list[Reply | Refused] = []
        for words in commands:
            try:
                answers.append(carry_out(self._space, words))
            except RedisError as fault:
                answers.append(Refused(str(fault)))
        return answers

    def clear(self) -> None:
        """Drop every key."""
        self._space = None
