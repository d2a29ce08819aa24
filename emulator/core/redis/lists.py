"""Owns the commands of lists and of hashes.

Not here: sets (`sets`, `sorted_sets`). The one idea: a value that becomes empty is no value; its
key goes with it.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from emulator.core.redis.keyspace import (
    Hash,
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


def _pushing(*, at_end: bool, must_exist: bool) -> Row:
    def push(space: Keyspace, key: str, *values: str) -> Reply:
        if must_exist and space.of_kind(key, list) is None:
            return 0
        held = space.made(key, list)
        if at_end:
            held.extend(values)
        else:
            held[:0] = reversed(values)
        return len(held)

    return Row(push, 2)


def _popping(*, at_end: bool) -> Row:
    def pop(space: Keyspace, key: str, *count: str) -> Reply:
        wanted = integer(count[0]) if count else 1
        if wanted < 0:
            raise RedisError("ERR value is out of range, must be positive")
        held = space.of_kind(key, list)
        if held is None:
            return None
        found = held[::-1][:wanted] if at_end else held[:wanted]
        if at_end:
            del held[len(held) - len(found) :]
        else:
            del held[: len(found)]
        space.tidy(key)
        return list(found) if count else found[0]

    return Row(pop, 1, 2)


def _llen(space: Keyspace, key: str) -> Reply:
    return len(space.of_kind(key, list) or ())


def _lrange(space: Keyspace, key: str, start: str, stop: str) -> Reply:
    held = space.of_kind(key, list) or []
    return list(held[cut(len(held), start, stop)])


def _place(held: Sequence[str], index: str) -> int | None:
    at = integer(index)
    at = at + len(held) if at < 0 else at
    return at if 0 <= at < len(held) else None


def _lindex(space: Keyspace, key: str, index: str) -> Reply:
    held = space.of_kind(key, list) or []
    at = _place(held, index)
    return None if at is None else held[at]


def _linsert(space: Keyspace, key: str, where: str, pivot: str, value: str) -> Reply:
    if where.lower() not in {"before", "after"}:
        raise RedisError("ERR syntax error")
    held = space.of_kind(key, list)
    if held is None:
        return 0
    if pivot not in held:
        return -1
    held.insert(held.index(pivot) + (where.lower() == "after"), value)
    return len(held)


def _lset(space: Keyspace, key: str, index: str, value: str) -> Reply:
    held = space.of_kind(key, list)
    if held is None:
        raise RedisError("ERR no such key")
    at = _place(held, index)
    if at is None:
        raise RedisError("ERR index out of range")
    held[at] = value
    return "OK"


def _lrem(space: Keyspace, key: str, count: str, value: str) -> Reply:
    number = integer(count)
    held = space.of_kind(key, list) or []
    places = [at for at, each in enumerate(held) if each == value]
    chosen = places if number == 0 else places[:number] if number > 0 else places[number:]
    for at in reversed(chosen):
        del held[at]
    space.tidy(key)
    return len(chosen)


def _ltrim(space: Keyspace, key: str, start: str, stop: str) -> Reply:
    held = space.of_kind(key, list)
    if held is not None:
        held[:] = held[cut(len(held), start, stop)]
        space.tidy(key)
    return "OK"


def _rpoplpush(space: Keyspace, source: str, target: str) -> Reply:
    held = space.of_kind(source, list)
    space.of_kind(target, list)
    if held is None:
        return None
    moved = held.pop()
    space.made(target, list).insert(0, moved)
    space.tidy(source)
    return moved


def _hset(space: Keyspace, key: str, *words: str) -> Reply:
    pairs = paired(words, "hset")
    held = space.made(key, Hash)
    new = len({field for field, _ in pairs} - held.keys())
    held.update(pairs)
    return new


def _hmset(space: Keyspace, key: str, *words: str) -> Reply:
    pairs = paired(words, "hmset")
    space.made(key, Hash).update(pairs)
    return "OK"


def _hsetnx(space: Keyspace, key: str, field: str, value: str) -> Reply:
    held = space.made(key, Hash)
    if field in held:
        return 0
    held[field] = value
    return 1


def _hget(space: Keyspace, key: str, field: str) -> Reply:
    return (space.of_kind(key, Hash) or Hash()).get(field)


def _hmget(space: Keyspace, key: str, *fields: str) -> Reply:
    held = space.of_kind(key, Hash) or Hash()
    return [held.get(field) for field in fields]


def _hgetall(space: Keyspace, key: str) -> Reply:
    held = space.of_kind(key, Hash) or Hash()
    return [word for pair in held.items() for word in pair]


def _hdel(space: Keyspace, key: str, *fields: str) -> Reply:
    held = space.of_kind(key, Hash) or Hash()
    gone = sum(held.pop(field, None) is not None for field in fields)
    space.tidy(key)
    return gone


def _hexists(space: Keyspace, key: str, field: str) -> Reply:
    return int(field in (space.of_kind(key, Hash) or Hash()))


def _hlen(space: Keyspace, key: str) -> Reply:
    return len(space.of_kind(key, Hash) or Hash())


def _hkeys(space: Keyspace, key: str) -> Reply:
    return list(space.of_kind(key, Hash) or Hash())


def _hvals(space: Keyspace, key: str) -> Reply:
    return list((space.of_kind(key, Hash) or Hash()).values())


def _hincrby(space: Keyspace, key: str, field: str, number: str) -> Reply:
    added, held = integer(number), space.of_kind(key, Hash) or Hash()
    before = integer(held.get(field, "0"), what="hash value is not an integer")
    total = bounded(before + added)
    space.made(key, Hash)[field] = str(total)
    return total


def _hincrbyfloat(space: Keyspace, key: str, field: str, number: str) -> Reply:
    added, held = decimal(number), space.of_kind(key, Hash) or Hash()
    total = decimal(held.get(field, "0"), what="hash value is not a float") + added
    require_finite(total)
    space.made(key, Hash)[field] = decimal_text(total)
    return decimal_text(total)


def _hscan(space: Keyspace, key: str, *words: str) -> Reply:
    held = space.of_kind(key, Hash) or Hash()
    found = page(list(held), words, matches)
    assert isinstance(found, list)
    fields = found[1]
    assert isinstance(fields, list)
    return [found[0], [word for field in fields for word in (field, held[str(field)])]]


LISTS: Final[Mapping[str, Row]] = {
    "lpush": _pushing(at_end=False, must_exist=False),
    "rpush": _pushing(at_end=True, must_exist=False),
    "lpushx": _pushing(at_end=False, must_exist=True),
    "rpushx": _pushing(at_end=True, must_exist=True),
    "lpop": _popping(at_end=False),
    "rpop": _popping(at_end=True),
    "llen": Row(_llen, 1, 1),
    "lrange": Row(_lrange, 3, 3),
    "lindex": Row(_lindex, 2, 2),
    "linsert": Row(_linsert, 4, 4),
    "lset": Row(_lset, 3, 3),
    "lrem": Row(_lrem, 3, 3),
    "ltrim": Row(_ltrim, 3, 3),
    "rpoplpush": Row(_rpoplpush, 2, 2),
}

HASHES: Final[Mapping[str, Row]] = {
    "hset": Row(_hset, 3),
    "hmset": Row(_hmset, 3),
    "hsetnx": Row(_hsetnx, 3, 3),
    "hget": Row(_hget, 2, 2),
    "hmget": Row(_hmget, 2),
    "hgetall": Row(_hgetall, 1, 1),
    "hdel": Row(_hdel, 2),
    "hexists": Row(_hexists, 2, 2),
    "hlen": Row(_hlen, 1, 1),
    "hkeys": Row(_hkeys, 1, 1),
    "hvals": Row(_hvals, 1, 1),
    "hincrby": Row(_hincrby, 3, 3),
    "hincrbyfloat": Row(_hincrbyfloat, 3, 3),
    "hscan": Row(_hscan, 2),
}
