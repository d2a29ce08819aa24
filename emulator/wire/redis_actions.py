"""Owns the action by which functions of uniCloud reach Redis: `redis.run`.

Not here: what commands do (`services.redis`), how functions write them (`node/unicloud_redis.js`).
The one idea: no SDK has such an action; commands are lists of texts and answers are JSON, where a
refused command is an object with its `error`.
"""

from collections.abc import Awaitable, Callable
from typing import Final

import orjson

from emulator.core.values import Value
from emulator.services.caller import Caller
from emulator.services.redis import Redis, Refused
from emulator.wire import envelope, fields
from emulator.wire.fields import Body

COMMANDS_MAX: Final = 10_000
"""Commands of one `multi`."""

Run = Callable[[Body, Caller, str], Awaitable[bytes]]


class RedisActions:
    """The actions of one suite."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def table(self) -> dict[str, Run]:
        """Return the actions by name."""
        return {"redis.run": self._run}

    async def _run(self, body: Body, caller: Caller, request_id: str) -> bytes:
        del caller
        given = fields.items(body, "commands")
        if len(given) > COMMANDS_MAX:
            raise fields.wrong("commands", len(given), f"{COMMANDS_MAX} commands at most")
        answers = self._redis.run([_words(each) for each in given])
        told = [{"error": each.error} if isinstance(each, Refused) else each for each in answers]
        return envelope.success(orjson.dumps({"answers": told}), request_id)


def _words(command: Value) -> list[str]:
    if type(command) is not list or not all(type(word) is str for word in command):
        raise fields.wrong("commands", command, "lists of texts")
    return [str(word) for word in command]
