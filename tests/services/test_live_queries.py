"""Channels: what concerns which query, who is behind, and how much is kept."""

from typing import Any

import pytest

from emulator.core.changes import Change
from emulator.core.query import compile_filter
from emulator.core.watch import Event, LiveResult
from emulator.services import live_queries
from emulator.services.live_queries import Channels, Live, WatchQuery


def change(after: dict[str, Any], number: int = 1) -> Change:
    return Change(
        sequence=number,
        collection="c",
        operation="insert",
        document_id=after["_id"],
        before=None,
        after=after,
    )


def live(channels: Channels, filter_: dict[str, Any]) -> Live:
    matcher = compile_filter(filter_)
    channel = channels.of(matcher)
    made = Live(
        id=repr(filter_),
        key=repr(filter_),
        query=WatchQuery(collection="c", filter=filter_),
        matcher=matcher,
        result=LiveResult(matcher),
        channel=channel,
        renewed=lambda live: None,
        position=channel.end,
    )
    channel.crowd.add(made)
    return made


def test_queries_of_one_place_share_a_channel() -> None:
    channels = Channels()
    rooms = [live(channels, {"room": room, "n": {"$gt": n}}) for room in "ab" for n in (1, 2)]
    others = [live(channels, {"n": {"$gt": n}}) for n in (1, 2)]
    assert rooms[0].channel is rooms[1].channel is not rooms[2].channel
    assert others[0].channel is others[1].channel
    found = channels.concerned(change({"_id": "x", "room": "a"}))
    assert set(found) == {rooms[0].channel, others[0].channel}
    for each in (*rooms, *others):
        channels.leave(each)
    assert len(channels) == 0
    assert channels.concerned(change({"_id": "x", "room": "a"})) == []


def test_everyone_takes_each_commit_once() -> None:
    channels = Channels()
    one, other = live(channels, {}), live(channels, {"n": {"$gt": 1}})
    channel = one.channel
    first, second = [change({"_id": "a"})], [change({"_id": "b"}, 2)]
    channel.add(first)
    channel.crowd.call()
    assert channel.take(one) == [first]
    channel.add(second)
    assert channel.take(one) == [second]
    assert channel.take(other) == [first, second]
    late = live(channels, {"n": {"$gt": 2}})
    assert channel.take(late) == []
    assert channel.take(one) == []


def test_nothing_is_kept_that_all_took() -> None:
    channels = Channels()
    one = live(channels, {})
    one.channel.add([change({"_id": "a"})])
    one.channel.crowd.call()
    one.channel.crowd.wake_next()
    assert one.channel.take(one) is not None
    assert (len(one.channel._commits), one.channel.end) == (0, 1)


def test_who_is_far_behind_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_queries, "CHANNEL_MAX_CHANGES", 3)
    channels = Channels()
    one = live(channels, {})
    one.channel.crowd.call()
    commits = [[change({"_id": str(n)}, n)] for n in range(4)]
    for commit in commits[:3]:
        one.channel.add(commit)
    assert one.channel.take(one) == commits[:3]
    for commit in commits:
        one.channel.add(commit)
    assert one.channel.take(one) is None
    assert one.channel.take(one) == []
    # A commit is never cut in two.
    large = [change({"_id": str(n)}) for n in range(10)]
    one.channel.add(large)
    assert one.channel.take(one) == [large]


def test_steps_are_kept_until_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_queries, "STEPS_MAX_EVENTS", 3)
    query = live(Channels(), {})
    for n in range(5):
        query.add([Event("add", "enqueue", str(n), None, {"_id": str(n)})])
    assert query.number == 6
    assert [step.number for step in query.since(3) or ()] == [4, 5, 6]
    assert query.since(6) == []
    assert query.since(2) is None
    assert query.since(7) is None
