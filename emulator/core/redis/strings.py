"""Owns the commands of texts and of keys as such.

Not here: other kinds of values (`lists`, `hashes`, `sets`, `sorted_sets`). The one idea: a command
is a function of the keyspace and its words; the tables at the end say how many words it takes.
"""

from collections.abc import Mapping
from typing import Final

from emulator.core.redis.keyspace import (
    KIND_NAMES,
    Keyspace,
    RedisError,
    Reply,
    bounded,
    cut,
    decimal,
    decimal_text,
    integer,
    page,
    paired,
    require_finite,
)
from emulator.core.redis.patterns import matches
from emulator.core.redis.table import Row

SECOND_MS: Final = 1000
TEXT_MAX_CHARACTERS: Final = 64 * 1024 * 1024

_UNITS_MS: Final[Mapping[str, tuple[int, bool]]] = {
    "ex": (SECOND_MS, True),
    "px": (1, True),
    "exat": (SECOND_MS, False),
    "pxat": (1, False),
}
"""What an option of `set` counts in, and whether it counts from now."""


def _get(space: Keyspace, key: str) -> Reply:
    return space.of_kind(key, str)


def _set(space: Keyspace, key: str, value: str, *options: str) -> Reply:
    moment: int | None = None
    flags: set[str] = set()
    words = iter(options)
    for word in words:
        name = word.lower()
        if name in _UNITS_MS:
            if moment is not None:
                raise RedisError("ERR syntax error")
            unit_ms, from_now = _UNITS_MS[name]
            moment = _moment(space, next(words, ""), unit_ms, from_now=from_now, command="set")
        elif name in {"nx", "xx", "keepttl", "get"}:
            flags.add(name)
        else:
            raise RedisError("ERR syntax error")
    if flags >= {"nx", "xx"} or ("keepttl" in flags and moment is not None):
        raise RedisError("ERR syntax error")
    before = space.of_kind(key, str) if "get" in flags else None
    is_there = space.value(key) is not None
    if (is_there and "nx" in flags) or (not is_there and "xx" in flags):
        return before
    space.put(key, value)
    if "keepttl" not in flags:
        space.live_until(key, moment)
    return before if "get" in flags else "OK"


def _moment(space: Keyspace, text: str, unit_ms: int, *, from_now: bool, command: str) -> int:
    number = integer(text)
    if number <= 0:
        raise RedisError(f"ERR invalid expire time in '{command}' command")
    return number * unit_ms + (space.now_ms if from_now else 0)


def _setting(unit_ms: int, command: str) -> Row:
    def set_for(space: Keyspace, key: str, duration: str, value: str) -> Reply:
        moment = _moment(space, duration, unit_ms, from_now=True, command=command)
        space.put(key, value)
        space.live_until(key, moment)
        return "OK"

    return Row(set_for, 3, 3)


def _setnx(space: Keyspace, key: str, value: str) -> Reply:
    return int(_set(space, key, value, "nx") is not None)


def _getset(space: Keyspace, key: str, value: str) -> Reply:
    return _set(space, key, value, "get")


def _getdel(space: Keyspace, key: str) -> Reply:
    found = space.of_kind(key, str)
    space.drop(key)
    return found


def _mget(space: Keyspace, *keys: str) -> Reply:
    found = [space.value(key) for key in keys]
    return [value if isinstance(value, str) else None for value in found]


def _mset(space: Keyspace, *words: str) -> Reply:
    for key, value in paired(words, "mset"):
        _set(space, key, value)
    return "OK"


def _msetnx(space: Keyspace, *words: str) -> Reply:
    pairs = paired(words, "msetnx")
    if any(space.value(key) is not None for key, _ in pairs):
        return 0
    _mset(space, *words)
    return 1


def _strlen(space: Keyspace, key: str) -> Reply:
    return len((space.of_kind(key, str) or "").encode())


def _append(space: Keyspace, key: str, value: str) -> Reply:
    joined = (space.of_kind(key, str) or "") + value
    if len(joined) > TEXT_MAX_CHARACTERS:
        raise RedisError("ERR string exceeds maximum allowed size (proto-max-bulk-len)")
    space.put(key, joined)
    return len(joined.encode())


def _getrange(space: Keyspace, key: str, start: str, stop: str) -> Reply:
    held = (space.of_kind(key, str) or "").encode()
    return held[cut(len(held), start, stop)].decode(errors="replace")


def _add(space: Keyspace, key: str, number: int) -> int:
    held = integer(space.of_kind(key, str) or "0")
    total = bounded(held + number)
    space.put(key, str(total))
    return total


def _incr(space: Keyspace, key: str) -> Reply:
    return _add(space, key, 1)


def _decr(space: Keyspace, key: str) -> Reply:
    return _add(space, key, -1)


def _incrby(space: Keyspace, key: str, number: str) -> Reply:
    return _add(space, key, integer(number))


def _decrby(space: Keyspace, key: str, number: str) -> Reply:
    return _add(space, key, -integer(number))


def _incrbyfloat(space: Keyspace, key: str, number: str) -> Reply:
    total = decimal(space.of_kind(key, str) or "0") + decimal(number)
    require_finite(total)
    space.put(key, decimal_text(total))
    return decimal_text(total)


def _del(space: Keyspace, *keys: str) -> Reply:
    return sum(space.value(key) is not None and space.drop(key) for key in keys)


def _exists(space: Keyspace, *keys: str) -> Reply:
    return sum(space.value(key) is not None for key in keys)


def _expiring(unit_ms: int, *, from_now: bool) -> Row:
    def expire(space: Keyspace, key: str, number: str) -> Reply:
        moment = integer(number) * unit_ms + (space.now_ms if from_now else 0)
        if space.value(key) is None:
            return 0
        space.live_until(key, moment)
        return 1

    return Row(expire, 2, 2)


def _left_ms(space: Keyspace, key: str) -> int:
    if space.value(key) is None:
        return -2
    deadline = space.deadline_ms(key)
    return -1 if deadline is None else deadline - space.now_ms


def _pttl(space: Keyspace, key: str) -> Reply:
    return _left_ms(space, key)


def _ttl(space: Keyspace, key: str) -> Reply:
    left = _left_ms(space, key)
    return left if left < 0 else (left + SECOND_MS // 2) // SECOND_MS


def _persist(space: Keyspace, key: str) -> Reply:
    if space.value(key) is None or space.deadline_ms(key) is None:
        return 0
    space.live_until(key, None)
    return 1


def _keys(space: Keyspace, pattern: str) -> Reply:
    return [key for key in space.names() if matches(pattern, key)]


def _scan(space: Keyspace, *words: str) -> Reply:
    return page(list(space.names()), words, matches)


def _type(space: Keyspace, key: str) -> Reply:
    found = space.value(key)
    return "none" if found is None else KIND_NAMES[type(found)]


def _rename(space: Keyspace, key: str, other: str) -> Reply:
    found = space.value(key)
    if found is None:
        raise RedisError("ERR no such key")
    deadline = space.deadline_ms(key)
    space.drop(key)
    space.put(other, found)
    space.live_until(other, deadline)
    return "OK"


def _renamenx(space: Keyspace, key: str, other: str) -> Reply:
    if space.value(key) is not None and space.value(other) is not None:
        return 0
    _rename(space, key, other)
    return 1


def _randomkey(space: Keyspace) -> Reply:
    found = list(space.names())
    return space.any_of(found) if found else None


def _dbsize(space: Keyspace) -> Reply:
    return sum(1 for _ in space.names())


def _flush(space: Keyspace, *how: str) -> Reply:
    del how
    space.clear()
    return "OK"


STRINGS: Final[Mapping[str, Row]] = {
    "get": Row(_get, 1, 1),
    "set": Row(_set, 2),
    "setex": _setting(SECOND_MS, "setex"),
    "psetex": _setting(1, "psetex"),
    "setnx": Row(_setnx, 2, 2),
    "getset": Row(_getset, 2, 2),
    "getdel": Row(_getdel, 1, 1),
    "mget": Row(_mget, 1),
    "mset": Row(_mset, 2),
    "msetnx": Row(_msetnx, 2),
    "strlen": Row(_strlen, 1, 1),
    "append": Row(_append, 2, 2),
    "getrange": Row(_getrange, 3, 3),
    "incr": Row(_incr, 1, 1),
    "incrby": Row(_incrby, 2, 2),
    "incrbyfloat": Row(_incrbyfloat, 2, 2),
    "decr": Row(_decr, 1, 1),
    "decrby": Row(_decrby, 2, 2),
}

KEYS: Final[Mapping[str, Row]] = {
    "del": Row(_del, 1),
    "unlink": Row(_del, 1),
    "exists": Row(_exists, 1),
    "expire": _expiring(SECOND_MS, from_now=True),
    "pexpire": _expiring(1, from_now=True),
    "expireat": _expiring(SECOND_MS, from_now=False),
    "pexpireat": _expiring(1, from_now=False),
    "ttl": Row(_ttl, 1, 1),
    "pttl": Row(_pttl, 1, 1),
    "persist": Row(_persist, 1, 1),
    "keys": Row(_keys, 1, 1),
    "scan": Row(_scan, 1),
    "type": Row(_type, 1, 1),
    "rename": Row(_rename, 2, 2),
    "renamenx": Row(_renamenx, 2, 2),
    "randomkey": Row(_randomkey, 0, 0),
    "dbsize": Row(_dbsize, 0, 0),
    "flushdb": Row(_flush, 0, 1),
    "flushall": Row(_flush, 0, 1),
}
