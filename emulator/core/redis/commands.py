"""Owns the table of all commands, and carrying one out.

Not here: what each does. The one idea: a command that is not in the table says what to do instead.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from emulator.core.redis.keyspace import Keyspace, RedisError, Reply
from emulator.core.redis.lists import HASHES, LISTS
from emulator.core.redis.sets import SETS, SORTED_SETS
from emulator.core.redis.strings import KEYS, STRINGS
from emulator.core.redis.table import Row


def _ping(space: Keyspace, *text: str) -> Reply:
    del space
    return text[0] if text else "PONG"


COMMANDS: Final[Mapping[str, Row]] = {
    **STRINGS,
    **KEYS,
    **LISTS,
    **HASHES,
    **SETS,
    **SORTED_SETS,
    "ping": Row(_ping, 0, 1),
}

_ADVICE: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("eval", "evalsha", "script"),
        "Lua is not run here: set with NX, incrby and multi() change values in one step too",
    ),
    **dict.fromkeys(
        ("setbit", "getbit", "bitcount", "bitop", "bitpos"), "keep the places in a set: sadd"
    ),
    **dict.fromkeys(("pfadd", "pfcount", "pfmerge"), "count with a set: sadd, scard"),
    **dict.fromkeys(("blpop", "brpop", "brpoplpush"), "ask again after a moment: lpop, rpop"),
    **dict.fromkeys(("subscribe", "psubscribe", "publish"), "call a function instead"),
    "dump": "read it by the command of its kind",
}


def carry_out(space: Keyspace, words: Sequence[str]) -> Reply:
    """Carry out a command, its name first, and return what it answers.

    Raises:
        RedisError: it is refused, in Redis' words; nothing was changed.
    """
    name = words[0].lower() if words else ""
    row = COMMANDS.get(name)
    if row is None:
        advice = _ADVICE.get(name)
        if advice is not None:
            raise RedisError(f"ERR '{name}' is not understood here; {advice}")
        raise RedisError(f"ERR unknown command '{name:.100}'")
    count = len(words) - 1
    if count < row.least or (row.most is not None and count > row.most):
        raise RedisError(f"ERR wrong number of arguments for '{name}' command")
    return row.run(space, *words[1:])
