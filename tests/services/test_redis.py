"""The Redis of a suite: time and chance are its own, commands of one request belong together."""

from emulator.ambient import CountedIds, ManualClock
from emulator.services.redis import Redis, Refused


def test_commands_run_together_and_a_refused_one_keeps_none_back():
    redis = Redis(ManualClock(), CountedIds())
    answers = redis.run([["set", "a", "1"], ["lpush", "a", "x"], ["incr", "a"]])
    assert (answers[0], answers[2]) == ("OK", 2)
    assert isinstance(answers[1], Refused)
    assert answers[1].error.startswith("WRONGTYPE")


def test_keys_live_by_the_clock_and_go_with_all_data():
    clock = ManualClock()
    redis = Redis(clock, CountedIds())
    redis.run([["set", "a", "1", "ex", "10"], ["sadd", "s", "x"]])
    clock.advance(10)
    assert redis.run([["get", "a"], ["srandmember", "s"]]) == [None, "x"]
    redis.clear()
    assert redis.run([["dbsize"]]) == [0]
