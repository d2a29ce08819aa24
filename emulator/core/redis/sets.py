"""Owns the commands of sets, sorted ones too.

Not here: lists and hashes (`lists`). The one idea: a sorted set keeps scores by member and is put
in order when a command asks for one.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from emulator.core.redis.keyspace import (
    Keyspace,
    Members,
    RedisError,
    Reply,
    Scores,
    cut,
    decimal,
    decimal_text,
    integer,
    page,
)
from emulator.core.redis.patterns import matches
from emulator.core.redis.table import Row

Ranked = list[tuple[str, float]]
_FLAGS: Final = frozenset({"nx", "xx", "ch", "gt", "lt", "incr"})
_NO_RANGE: Final = "min or max is not a float"


def _sadd(space: Keyspace, key: str, *members: str) -> Reply:
    held = space.made(key, Members)
    before = len(held)
    held.update(dict.fromkeys(members))
    return len(held) - before


def _srem(space: Keyspace, key: str, *members: str) -> Reply:
    held = space.of_kind(key, Members) or Members()
    gone = [member for member in dict.fromkeys(members) if member in held]
    for member in gone:
        del held[member]
    space.tidy(key)
    return len(gone)


def _smembers(space: Keyspace, key: str) -> Reply:
    return list(space.of_kind(key, Members) or ())


def _sismember(space: Keyspace, key: str, member: str) -> Reply:
    return int(member in (space.of_kind(key, Members) or ()))


def _scard(space: Keyspace, key: str) -> Reply:
    return len(space.of_kind(key, Members) or ())


def _spop(space: Keyspace, key: str, *count: str) -> Reply:
    held = space.of_kind(key, Members) or Members()
    wanted = integer(count[0]) if count else 1
    if wanted < 0:
        raise RedisError("ERR value is out of range, must be positive")
    found: list[Reply] = []
    while held and len(found) < wanted:
        member = space.any_of(list(held))
        del held[member]
        found.append(member)
    space.tidy(key)
    return found if count else found[0] if found else None


def _srandmember(space: Keyspace, key: str, *count: str) -> Reply:
    left = list(space.of_kind(key, Members) or ())
    if not count:
        return space.any_of(left) if left else None
    wanted = integer(count[0])
    if wanted < 0:
        return [space.any_of(left) for _ in range(-wanted)] if left else []
    found: list[Reply] = []
    while left and len(found) < wanted:
        member = space.any_of(left)
        left.remove(member)
        found.append(member)
    return found


def _smove(space: Keyspace, source: str, target: str, member: str) -> Reply:
    held = space.of_kind(source, Members) or Members()
    space.of_kind(target, Members)
    if member not in held:
        return 0
    del held[member]
    space.tidy(source)
    space.made(target, Members)[member] = None
    return 1


def _all_of(space: Keyspace, keys: Sequence[str]) -> list[Members]:
    return [space.of_kind(key, Members) or Members() for key in keys]


def _inter(space: Keyspace, keys: Sequence[str]) -> list[str]:
    first, *others = _all_of(space, keys)
    return [member for member in first if all(member in other for other in others)]


def _union(space: Keyspace, keys: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(member for held in _all_of(space, keys) for member in held))


def _diff(space: Keyspace, keys: Sequence[str]) -> list[str]:
    first, *others = _all_of(space, keys)
    return [member for member in first if not any(member in other for other in others)]


def _joining(join: Callable[[Keyspace, Sequence[str]], list[str]]) -> Row:
    def joined(space: Keyspace, *keys: str) -> Reply:
        return list(join(space, keys))

    return Row(joined, 1)


def _storing(join: Callable[[Keyspace, Sequence[str]], list[str]]) -> Row:
    def store(space: Keyspace, target: str, *keys: str) -> Reply:
        found = join(space, keys)
        space.drop(target)
        if found:
            space.put(target, Members(dict.fromkeys(found)))
        return len(found)

    return Row(store, 2)


def _sscan(space: Keyspace, key: str, *words: str) -> Reply:
    return page(list(space.of_kind(key, Members) or ()), words, matches)


def _zadd(space: Keyspace, key: str, *words: str) -> Reply:
    at = next((at for at, word in enumerate(words) if word.lower() not in _FLAGS), len(words))
    flags, rest = {word.lower() for word in words[:at]}, words[at:]
    if not rest or len(rest) % 2 or flags >= {"nx", "xx"}:
        raise RedisError("ERR syntax error")
    pairs = [(decimal(score), member) for score, member in zip(rest[::2], rest[1::2], strict=True)]
    if "incr" in flags and len(pairs) != 1:
        raise RedisError("ERR INCR option supports a single increment-element pair")
    held = space.made(key, Scores)
    if "incr" in flags:
        score, member = pairs[0]
        pairs = [(held.get(member, 0.0) + score, member)]
    added = changed = 0
    for score, member in pairs:
        before = held.get(member)
        if not _may_score(before, score, flags):
            continue
        held[member] = score
        added += before is None
        changed += before != score
    space.tidy(key)
    if "incr" in flags:
        return _score_text(held.get(pairs[0][1])) if changed else None
    return changed if "ch" in flags else added


def _may_score(before: float | None, score: float, flags: set[str]) -> bool:
    if before is None:
        return "xx" not in flags
    return not (
        "nx" in flags or ("gt" in flags and score <= before) or ("lt" in flags and score >= before)
    )


def _score_text(score: float | None) -> str | None:
    return None if score is None else decimal_text(score)


def _zrem(space: Keyspace, key: str, *members: str) -> Reply:
    held = space.of_kind(key, Scores) or Scores()
    gone = sum(held.pop(member, None) is not None for member in members)
    space.tidy(key)
    return gone


def _zscore(space: Keyspace, key: str, member: str) -> Reply:
    return _score_text((space.of_kind(key, Scores) or Scores()).get(member))


def _zcard(space: Keyspace, key: str) -> Reply:
    return len(space.of_kind(key, Scores) or ())


def _zincrby(space: Keyspace, key: str, number: str, member: str) -> Reply:
    added = decimal(number)
    held = space.made(key, Scores)
    held[member] = held.get(member, 0.0) + added
    return _score_text(held[member])


def _ranked(space: Keyspace, key: str, *, reverse: bool = False) -> Ranked:
    found = (space.of_kind(key, Scores) or Scores()).ranked()
    return found[::-1] if reverse else found


def _shown(found: Ranked, *, scored: bool) -> Reply:
    if not scored:
        return [member for member, _ in found]
    return [word for member, score in found for word in (member, decimal_text(score))]


def _by_place(*, reverse: bool) -> Row:
    def shown(space: Keyspace, key: str, start: str, stop: str, *options: str) -> Reply:
        if options and [word.lower() for word in options] != ["withscores"]:
            raise RedisError("ERR syntax error")
        found = _ranked(space, key, reverse=reverse)
        return _shown(found[cut(len(found), start, stop)], scored=bool(options))

    return Row(shown, 3, 4)


def _within(first: str, last: str) -> Callable[[float], bool]:
    """Return the test of scores between two; `(` before one leaves it out."""
    low = decimal(first.removeprefix("("), what=_NO_RANGE)
    high = decimal(last.removeprefix("("), what=_NO_RANGE)
    open_low, open_high = first.startswith("("), last.startswith("(")
    return lambda score: (
        (score > low if open_low else score >= low)
        and (score < high if open_high else score <= high)
    )


def _by_score(*, reverse: bool) -> Row:
    def shown(space: Keyspace, key: str, first: str, last: str, *options: str) -> Reply:
        holds = _within(last, first) if reverse else _within(first, last)
        words = [word.lower() for word in options]
        scored = "withscores" in words
        if scored:
            words.remove("withscores")
        found = [each for each in _ranked(space, key, reverse=reverse) if holds(each[1])]
        if words:
            if len(words) != 3 or words[0] != "limit":
                raise RedisError("ERR syntax error")
            offset, count = integer(words[1]), integer(words[2])
            found = found[offset:] if count < 0 else found[offset : offset + count]
        return _shown(found, scored=scored)

    return Row(shown, 3)


def _zcount(space: Keyspace, key: str, first: str, last: str) -> Reply:
    holds = _within(first, last)
    return sum(map(holds, (space.of_kind(key, Scores) or Scores()).values()))


def _ranking(*, reverse: bool) -> Row:
    def rank(space: Keyspace, key: str, member: str) -> Reply:
        found = [each for each, _ in _ranked(space, key, reverse=reverse)]
        return found.index(member) if member in found else None

    return Row(rank, 2, 2)


def _zremrangebyrank(space: Keyspace, key: str, start: str, stop: str) -> Reply:
    found = _ranked(space, key)
    return _zrem(space, key, *(member for member, _ in found[cut(len(found), start, stop)]))


def _zremrangebyscore(space: Keyspace, key: str, first: str, last: str) -> Reply:
    holds = _within(first, last)
    return _zrem(space, key, *(member for member, score in _ranked(space, key) if holds(score)))


def _popping(*, reverse: bool) -> Row:
    def pop(space: Keyspace, key: str, count: str = "1") -> Reply:
        found = _ranked(space, key, reverse=reverse)[: max(integer(count), 0)]
        _zrem(space, key, *(member for member, _ in found))
        return _shown(found, scored=True)

    return Row(pop, 1, 2)


def _combining(*, common: bool) -> Row:
    def store(space: Keyspace, target: str, number: str, *keys: str) -> Reply:
        if integer(number) != len(keys):
            raise RedisError("ERR syntax error")
        held = [space.of_kind(key, Scores) or Scores() for key in keys]
        members = dict.fromkeys(member for each in held for member in each)
        found = Scores(
            (member, sum(each.get(member, 0.0) for each in held))
            for member in members
            if not common or all(member in each for each in held)
        )
        space.drop(target)
        if found:
            space.put(target, found)
        return len(found)

    return Row(store, 3)


def _zscan(space: Keyspace, key: str, *words: str) -> Reply:
    held = space.of_kind(key, Scores) or Scores()
    found = page([member for member, _ in held.ranked()], words, matches)
    assert isinstance(found, list)
    members = found[1]
    assert isinstance(members, list)
    return [found[0], _shown([(str(each), held[str(each)]) for each in members], scored=True)]


SETS: Final[Mapping[str, Row]] = {
    "sadd": Row(_sadd, 2),
    "srem": Row(_srem, 2),
    "smembers": Row(_smembers, 1, 1),
    "sismember": Row(_sismember, 2, 2),
    "scard": Row(_scard, 1, 1),
    "spop": Row(_spop, 1, 2),
    "srandmember": Row(_srandmember, 1, 2),
    "smove": Row(_smove, 3, 3),
    "sinter": _joining(_inter),
    "sunion": _joining(_union),
    "sdiff": _joining(_diff),
    "sinterstore": _storing(_inter),
    "sunionstore": _storing(_union),
    "sdiffstore": _storing(_diff),
    "sscan": Row(_sscan, 2),
}

SORTED_SETS: Final[Mapping[str, Row]] = {
    "zadd": Row(_zadd, 3),
    "zrem": Row(_zrem, 2),
    "zscore": Row(_zscore, 2, 2),
    "zcard": Row(_zcard, 1, 1),
    "zincrby": Row(_zincrby, 3, 3),
    "zcount": Row(_zcount, 3, 3),
    "zrange": _by_place(reverse=False),
    "zrevrange": _by_place(reverse=True),
    "zrangebyscore": _by_score(reverse=False),
    "zrevrangebyscore": _by_score(reverse=True),
    "zrank": _ranking(reverse=False),
    "zrevrank": _ranking(reverse=True),
    "zremrangebyrank": Row(_zremrangebyrank, 3, 3),
    "zremrangebyscore": Row(_zremrangebyscore, 3, 3),
    "zpopmin": _popping(reverse=False),
    "zpopmax": _popping(reverse=True),
    "zinterstore": _combining(common=True),
    "zunionstore": _combining(common=False),
    "zscan": Row(_zscan, 2),
}
