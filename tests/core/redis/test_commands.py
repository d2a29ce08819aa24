"""What commands of Redis answer: tables of statements, each carried out in order, in a space."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.core.redis.commands import COMMANDS, carry_out
from emulator.core.redis.keyspace import Keyspace, RedisError

WRONG = "WRONGTYPE Operation against a key holding the wrong kind of value"
SYNTAX = "ERR syntax error"
FEW = "ERR wrong number of arguments for '{}' command"
ONE_PAIR = "ERR INCR option supports a single increment-element pair"
NO_FLOAT = "ERR value is not a valid float"
NO_INTEGER = "ERR value is not an integer or out of range"

SCRIPTS = {
    "texts": [
        ("get a", None), ("set a 1", "OK"), ("get a", "1"), ("SET a 2 NX", None),
        ("set b 2 xx", None), ("set b x nx", "OK"), ("getset a 5", "1"), ("set a 6 get", "5"),
        ("setnx a 1", 0), ("setnx c 1", 1), ("mget a none b", ["6", None, "x"]),
        ("mset a 1 b 2", "OK"), ("msetnx b 1 d 1", 0), ("msetnx d 1 e 2", 1), ("strlen a", 1),
        ("append a 23", 3), ("getrange a 1 -1", "23"), ("getrange a 5 9", ""),
        ("getdel a", "123"), ("get a", None), ("set a 1 nx xx", SYNTAX),
        ("set a 1 ex", NO_INTEGER), ("set a 1 ex 0", "ERR invalid expire time in 'set' command"),
        ("set a 1 ex 1 px 1", SYNTAX), ("set a 1 soon", SYNTAX),
        ("mset a", FEW.format("mset")),
        ("mset a 1 b", FEW.format("mset")), ("set l 1", "OK"),
        ("strlen 字", 0), ("set 字 字", "OK"), ("strlen 字", 3),
    ],
    "numbers": [
        ("incr n", 1), ("incrby n 5", 6), ("decr n", 5), ("decrby n 7", -2), ("get n", "-2"),
        ("incrbyfloat n 2.5", "0.5"), ("incrbyfloat n 0.5", "1"), ("incr n", 2),
        ("set t x", "OK"), ("incr t", NO_INTEGER), ("incrby n 1.5", NO_INTEGER),
        ("incrbyfloat t 1", NO_FLOAT),
        ("incrbyfloat n nan", NO_FLOAT),
        ("set m 9223372036854775807", "OK"),
        ("incr m", "ERR increment or decrement would overflow"), ("get m", "9223372036854775807"),
        ("incrbyfloat n inf", "ERR increment would produce NaN or Infinity"), ("get n", "2"),
    ],
    "keys": [
        ("mset one 1 two 2 three 3 four 4", "OK"), ("keys *o*", ["one", "two", "four"]),
        ("keys t[u-w]*", ["two"]), ("keys [^t]*", ["one", "four"]), ("keys t??", ["two"]),
        ("exists one none one", 2), ("type one", "string"), ("type none", "none"),
        ("rename one uno", "OK"), ("rename one x", "ERR no such key"), ("renamenx uno two", 0),
        ("renamenx uno eins", 1), ("del two none", 1), ("dbsize", 3), ("randomkey", "three"),
        ("flushdb", "OK"), ("randomkey", None), ("keys *", []),
        ("nothing", "ERR unknown command 'nothing'"),
        ("get", FEW.format("get")), ("ping", "PONG"),
    ],
    "pages": [
        ("mset k1 1 k2 2 k3 3", "OK"), ("scan 0 count 2", ["2", ["k1", "k2"]]),
        ("scan 2 count 2", ["0", ["k3"]]), ("scan 0 match k[23]", ["0", ["k2", "k3"]]),
        ("scan x", "ERR invalid cursor"), ("scan 0 count 0", SYNTAX), ("scan 0 other 1", SYNTAX),
        ("sadd s a b", 2), ("sscan s 0", ["0", ["a", "b"]]), ("hset h f 1 g 2", 2),
        ("hscan h 0 match g", ["0", ["g", "2"]]), ("zadd z 2 b 1 a", 2),
        ("zscan z 0", ["0", ["a", "1", "b", "2"]]),
    ],
    "lists": [
        ("rpush l a b c", 3), ("lpush l y x", 5), ("lrange l 0 -1", ["x", "y", "a", "b", "c"]),
        ("llen l", 5), ("lpop l", "x"), ("rpop l", "c"), ("lpop l 2", ["y", "a"]),
        ("rpop l", "b"), ("type l", "none"), ("lpop l", None), ("lpushx l a", 0),
        ("rpush l a b a b a", 5), ("lrem l 1 a", 1), ("lrem l -1 b", 1),
        ("lrange l 0 -1", ["b", "a", "a"]), ("lrem l 0 a", 2), ("linsert l before b a", 2),
        ("linsert l after z a", -1), ("linsert l on b a", SYNTAX), ("lindex l -1", "b"),
        ("lindex l 9", None), ("lset l 0 z", "OK"), ("lset l 9 z", "ERR index out of range"),
        ("lset none 0 z", "ERR no such key"), ("ltrim l 1 1", "OK"), ("lrange l 0 -1", ["b"]),
        ("rpoplpush l m", "b"), ("exists l", 0), ("rpoplpush m m", "b"), ("lrange m 0 -1", ["b"]),
        ("rpoplpush none m", None), ("get m", WRONG), ("ltrim m 5 9", "OK"), ("exists m", 0),
    ],
    "hashes": [
        ("hset h a 1 b 2", 2), ("hset h a 3 c 4", 1), ("hget h a", "3"), ("hget h z", None),
        ("hmset h d 5", "OK"), ("hmget h a z d", ["3", None, "5"]),
        ("hgetall h", ["a", "3", "b", "2", "c", "4", "d", "5"]), ("hlen h", 4),
        ("hexists h a", 1), ("hexists h z", 0), ("hkeys h", ["a", "b", "c", "d"]),
        ("hvals h", ["3", "2", "4", "5"]), ("hsetnx h a 9", 0), ("hsetnx h e 9", 1),
        ("hincrby h a 2", 5), ("hincrby g n 10", 10), ("hincrbyfloat g n 2.5", "12.5"),
        ("hset h t x", 1), ("hincrby h t 1", "ERR hash value is not an integer"),
        ("hincrbyfloat h t 1", "ERR hash value is not a float"), ("hdel h a z", 1),
        ("hdel g n", 1), ("exists g", 0),
        ("hset h a", FEW.format("hset")),
        ("hset i a 1 b", FEW.format("hset")), ("exists i", 0),
        ("lpush h a", WRONG),
    ],
    "sets": [
        ("sadd a x y z", 3), ("sadd a x", 0), ("sadd b y w", 2), ("scard a", 3),
        ("sismember a x", 1), ("sismember a w", 0), ("sinter a b", ["y"]),
        ("sunion a b", ["x", "y", "z", "w"]), ("sdiff a b", ["x", "z"]), ("sinterstore c a b", 1),
        ("sdiffstore c a none", 3), ("smembers c", ["x", "y", "z"]),
        ("sunionstore c none other", 0), ("exists c", 0), ("smove a b z", 1), ("smove a b q", 0),
        ("srem a x none", 1), ("spop a", "y"), ("spop a", None), ("exists a", 0),
        ("srandmember b", "y"), ("srandmember b 2", ["y", "w"]), ("srandmember b -2", ["y", "y"]),
        ("srandmember none", None), ("srandmember none 3", []), ("spop b 9", ["y", "w", "z"]),
        ("spop b 1", []),
    ],
    "sorted sets": [
        ("zadd z 2 b 1 a 2 c", 3), ("zadd z 5 b", 0), ("zadd z ch 6 b 1 a", 1),
        ("zadd z nx 9 b 3 d", 1), ("zadd z xx 9 q", 0), ("zadd z gt 1 b", 0), ("zscore z b", "6"),
        ("zadd z incr 1.5 b", "7.5"), ("zadd z x b", NO_FLOAT),
        ("zadd z 1", FEW.format("zadd")),
        ("zadd z incr 1 a 2 b", ONE_PAIR),
        ("zadd z nx xx 1 a", SYNTAX), ("zrange z 0 -1", ["a", "c", "d", "b"]),
        ("zrange z 0 0 withscores", ["a", "1"]), ("zrange z 0 0 other", SYNTAX),
        ("zrevrange z 0 1", ["b", "d"]), ("zrank z d", 2), ("zrevrank z d", 1),
        ("zrank z q", None), ("zcard z", 4), ("zcount z 2 3", 2), ("zcount z (2 +inf", 2),
        ("zcount z x 3", "ERR min or max is not a float"),
        ("zrangebyscore z -inf (3", ["a", "c"]),
        ("zrangebyscore z 0 9 withscores limit 1 1", ["c", "2"]),
        ("zrangebyscore z 0 9 limit 1", SYNTAX),
        ("zrevrangebyscore z 3 1 limit 0 -1", ["d", "c", "a"]), ("zincrby z 2 a", "3"),
        ("zincrby y 10 m", "10"), ("zunionstore u 2 z y", 5), ("zinterstore i 2 z y", 0),
        ("zunionstore u 3 z y", SYNTAX), ("zremrangebyrank z 0 0", 1),
        ("zremrangebyscore z 7 8", 1), ("zpopmin z", ["a", "3"]), ("zpopmax z 5", ["d", "3"]),
        ("exists z", 0), ("zrem y m q", 1), ("zadd e xx 1 a", 0), ("exists e", 0),
        ("zscore none a", None), ("sadd u x", WRONG),
    ],
}  # fmt: skip


def space() -> Keyspace:
    made = Keyspace(lambda size: size - size)
    made.now_ms = 1_000_000
    return made


def said(held: Keyspace, line: str) -> object:
    try:
        return carry_out(held, line.split(" "))
    except RedisError as fault:
        return str(fault)


@pytest.mark.parametrize("name", SCRIPTS)
def test_commands_answer_as_redis_does(name):
    held = space()
    for line, expected in SCRIPTS[name]:
        assert said(held, line) == expected, line


def test_keys_go_at_their_moment():
    held = space()
    script = [
        (0, "set a 1 ex 10", "OK"), (0, "setex b 20 1", "OK"), (0, "psetex c 500 1", "OK"),
        (0, "ttl a", 10), (0, "ttl none", -2), (0, "pttl c", 500), (500, "get c", None),
        (0, "ttl a", 10), (0, "persist b", 1), (0, "ttl b", -1), (0, "persist b", 0),
        (0, "append a x", 2), (0, "pttl a", 9500), (0, "set a 2 keepttl", "OK"),
        (0, "pttl a", 9500), (0, "rename a z", "OK"), (0, "pttl z", 9500),
        (0, "expire none 5", 0), (0, "expire b 5", 1), (4999, "exists b", 1), (1, "exists b", 0),
        (0, "incr b", 1), (0, "ttl b", -1), (0, "expire b -1", 1), (0, "exists b", 0),
        (0, "set z 1", "OK"), (0, "ttl z", -1), (0, "expireat z 2000", 1),
        (0, "pexpireat z 1", 1), (0, "exists z", 0), (0, "dbsize", 0),
    ]  # fmt: skip
    for passed_ms, line, expected in script:
        held.now_ms += passed_ms
        assert said(held, line) == expected, line


def test_what_is_not_understood_says_what_to_do():
    for name in ("eval", "setbit", "pfadd", "blpop", "publish"):
        assert name not in COMMANDS
        assert f"'{name}' is not understood here; " in str(said(space(), f"{name} a b"))


def test_commands_that_nobody_sends_are_refused():
    for words in ([], [""], ["get"] * 3, ["set", "a"]):
        with pytest.raises(RedisError):
            carry_out(space(), words)


WORDS = st.one_of(
    st.sampled_from(
        ["a", "b", "0", "-1", "1", "2", "1.5", "inf", "-inf", "nan", "nx", "xx", "ex", "withscores"]
    ),
    st.sampled_from(
        ["limit", "match", "count", "*", "[", "\\", "(1", "9" * 30, "", "字", "before"]
    ),
    st.text(max_size=5),
)


@given(
    st.lists(st.tuples(st.sampled_from(sorted(COMMANDS)), st.lists(WORDS, max_size=5)), max_size=15)
)
def test_whatever_is_sent_is_answered_or_refused_and_leaves_no_empty_value(commands):
    held = space()
    for name, words in commands:
        with suppress(RedisError):
            json.dumps(carry_out(held, [name, *words]))
        for key in held.names():
            assert held.value(key) or isinstance(held.value(key), str), (name, words)
