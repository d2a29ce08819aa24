"""Live queries: permission, bounds, what no change tells, and that writers do not wait."""

import asyncio

import pytest

from emulator.core import commands
from emulator.core.errors import InvalidParam
from emulator.core.watch import RESULT_MAX_DOCUMENTS
from emulator.services import live_queries, waking, watch
from emulator.services.caller import ADMINISTRATOR
from emulator.services.live_queries import WatchQuery
from emulator.stores.base import Put
from tests.services.watch_world import Client, Connection, Refused, WatchWorld


async def hear(world: WatchWorld, *clients: Client) -> None:
    await world.quiet()
    for client in clients:
        client.listen()


@pytest.mark.parametrize(
    ("preset", "seen"),
    [
        ("READONLY", {"alice": 2, "bob": 2}),
        ("PRIVATE", {"alice": 1, "bob": 1}),
        ("ADMINWRITE", {"alice": 2, "bob": 2}),
    ],
)
async def test_presets_decide_who_sees_what(preset: str, seen: dict[str, int]) -> None:
    world = WatchWorld(c=preset)
    clients = {user: Client(Connection(world, user), {}) for user in seen}
    world.add({"_id": "a", "_openid": "alice"})
    world.add({"_id": "b", "_openid": "bob"})
    await hear(world, *clients.values())
    assert {user: len(client.docs) for user, client in clients.items()} == seen
    world.watches.close()


async def test_what_nobody_may_read_nobody_may_watch() -> None:
    world = WatchWorld(c="ADMINONLY")
    with pytest.raises(Refused, match="COLLECTION_PERMISSION_DENIED"):
        Client(Connection(world, "alice"), {})
    assert Client(Connection(world), {}).docs == []
    world.watches.close()


async def test_a_document_that_becomes_anothers_is_not_seen_any_more() -> None:
    world = WatchWorld(c="PRIVATE")
    world.add({"_id": "a", "_openid": "alice"})
    client = Client(Connection(world, "alice"), {"_id": "a"})
    await world.quiet()
    world.remove({"_id": "a"})
    world.add({"_id": "a", "_openid": "bob"})
    await hear(world, client)
    assert client.docs == []
    world.watches.close()


async def test_a_rule_is_asked_again_when_the_document_changes() -> None:
    world = WatchWorld(c={"read": "doc.open == true", "write": False})
    world.add({"_id": "a", "open": True})
    client = Client(Connection(world, "alice"), {"_id": "a"})
    await world.quiet()
    world.update({}, {"$set": {"open": False, "secret": 1}})
    await hear(world, client)
    assert (client.docs, client.taken()[1:]) == ([], [("remove", "dequeue", "a")])
    world.update({}, {"$set": {"secret": 2}})
    await hear(world, client)
    assert client.taken() == []
    world.update({}, {"$set": {"open": True}})
    await hear(world, client)
    assert client.docs == [{"_id": "a", "open": True, "secret": 2}]
    with pytest.raises(Refused, match="COLLECTION_PERMISSION_DENIED"):
        Client(Connection(world, "alice"), {})
    assert len(Client(Connection(world, "alice"), {"open": True}).docs) == 1
    world.watches.close()


async def test_new_rules_hold_for_those_who_listen_already(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch, "LOOK_S", 0)
    world = WatchWorld(c="READONLY")
    world.add({"_id": "a", "_openid": "alice"})
    world.add({"_id": "b", "_openid": "bob"})
    alice, admin = Client(Connection(world, "alice"), {}), Client(Connection(world), {})
    await world.quiet()
    world.permissions.put("c", "PRIVATE")
    while not alice.connection.said:
        await asyncio.sleep(0)
    await hear(world, alice, admin)
    assert [each["_id"] for each in alice.docs] == ["a"]
    assert len(admin.docs) == 2
    world.permissions.put("c", "ADMINONLY")
    while not alice.connection.said:
        await asyncio.sleep(0)
    with pytest.raises(Refused, match="COLLECTION_PERMISSION_DENIED"):
        alice.listen()
    assert len(world.watches) == 1
    world.watches.close()


async def test_what_is_written_without_changes_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "LOOK_S", 0)
    world = WatchWorld()
    client = Client(Connection(world), {})
    await world.quiet()
    world.store.commit([Put("c", {"_id": "a"}), Put("c", {"_id": "b"})])
    while not client.connection.said:
        await asyncio.sleep(0)
    await hear(world, client)
    assert len(client.docs) == 2
    world.store.commit([Put("c", {"_id": "c"})])
    world.add({"_id": "d"})
    await hear(world, client)
    assert len(client.docs) == 4
    world.database.drop_collection(commands.DropCollection(collection="c"), ADMINISTRATOR)
    while not client.connection.said:
        await asyncio.sleep(0)
    await hear(world, client)
    assert client.docs == []
    world.watches.close()


async def test_a_result_that_grows_too_large_is_over() -> None:
    world = WatchWorld()
    documents = tuple({"_id": str(n)} for n in range(RESULT_MAX_DOCUMENTS))
    world.store.commit([Put("c", each) for each in documents])
    client, limited = Client(Connection(world), {}), Client(Connection(world), {}, limit=10)
    world.add({"_id": "more"})
    await world.quiet()
    with pytest.raises(Refused, match="SYS_ERR"):
        client.listen()
    with pytest.raises(Refused, match="SYS_ERR"):
        Client(Connection(world), {})
    limited.listen()
    assert len(limited.docs) == 10
    world.watches.close()


async def test_what_cannot_be_sorted_ends_the_listener_and_not_the_write() -> None:
    world = WatchWorld()
    client = Client(Connection(world), {}, orderBy={"a": "asc", "b": "asc"}, limit=2)
    world.add({"_id": "x", "a": [1, 2], "b": [1, 2]})
    await world.quiet()
    with pytest.raises(Refused, match="DATABASE_REQUEST_FAILED"):
        client.listen()
    assert len(await world.find({})) == 1
    world.watches.close()


async def test_the_nearest_cannot_be_watched() -> None:
    world = WatchWorld()
    near = {"$geometry": {"type": "Point", "coordinates": [1, 1]}}
    with pytest.raises(InvalidParam, match="sorted by distance"):
        world.watches.open(
            WatchQuery(collection="c", filter={"at": {"$near": near}}), ADMINISTRATOR, Listener()
        )
    world.watches.close()


async def test_listeners_of_one_query_share_one_result() -> None:
    world = WatchWorld()
    clients = [Client(Connection(world), {"n": 1}) for _ in range(5)]
    world.add({"_id": "a", "n": 1})
    await hear(world, *clients)
    assert all(client.docs == [{"_id": "a", "n": 1}] for client in clients)
    assert len(world.watches._lives) == 1
    world.watches.close()


async def test_queries_without_listeners_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "LINGERING_MAX", 2)
    world = WatchWorld()
    for number in range(5):
        Client(Connection(world), {"n": number}).connection.session.close()
    assert len(world.watches._lives) == 2
    monkeypatch.setattr(watch, "LINGER_S", 0)
    Client(Connection(world), {"n": 9}).connection.session.close()
    while len(world.watches._lives) > 1:
        await asyncio.sleep(0)
    assert [live.query.filter for live in world.watches._lives.values()] == [{"n": 4}]
    world.watches.close()


async def test_listeners_are_woken_after_the_writer_has_gone_on() -> None:
    world = WatchWorld()
    client = Client(Connection(world), {})
    world.settle()
    for name in "abc":
        world.add({"_id": name})
    assert client.connection.said == []
    assert world.watches.running() == ["3 changes for listeners"]
    await asyncio.sleep(0)
    assert len(client.connection.said) == 1
    client.listen()
    assert (len(client.docs), client.number) == (3, 4)
    assert world.watches.running() == []
    world.watches.close()


class Listener:
    """A listener that notes how often it was woken."""

    caller = ADMINISTRATOR

    def __init__(self) -> None:
        self.woken = 0

    def wake(self) -> None:
        self.woken += 1

    def renew(self) -> None:
        raise AssertionError("an administrator sees everything, whatever the rules")

    def fail(self, fault: Exception) -> None:
        raise AssertionError from fault


async def test_many_listeners_are_woken_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waking, "SLICE_FIRST_S", 0.0)
    monkeypatch.setattr(waking, "SLICE_S", 0.0)
    world = WatchWorld()
    listeners = [Listener() for _ in range(3)]
    for listener in listeners:
        world.watches.open(WatchQuery(collection="c", filter={}), ADMINISTRATOR, listener)
    world.add({"_id": "a"})
    await asyncio.sleep(0)
    assert [each.woken for each in listeners] == [0, 0, 0]
    assert world.watches.running() == ["3 listeners to be told of changes"]
    while not listeners[0].woken:
        await asyncio.sleep(0)
    assert [each.woken for each in listeners] == [1, 0, 0]
    await world.quiet()
    assert [each.woken for each in listeners] == [1, 1, 1]
    world.watches.close()


async def test_who_is_many_commits_behind_hears_of_them_as_of_one() -> None:
    world = WatchWorld()
    client = Client(Connection(world), {})
    world.settle()
    for n in range(watch.STEPS_AT_ONCE + 1):
        world.add({"_id": str(n)})
    await hear(world, client)
    assert (len(client.docs), client.number) == (watch.STEPS_AT_ONCE + 1, 2)
    world.watches.close()


async def test_a_rule_hides_what_was_so_between_two_commits() -> None:
    world = WatchWorld(c={"read": "doc.open == true", "write": False})
    client = Client(Connection(world, "alice"), {"open": True})
    world.settle()
    world.add({"_id": "a", "open": True, "secret": 1})
    world.update({}, {"$set": {"secret": 2}})
    world.update({}, {"$set": {"open": False}})
    world.add({"_id": "b", "open": True})
    await hear(world, client)
    assert client.taken() == [("add", "enqueue", "b")]
    world.watches.close()


async def test_who_is_too_far_behind_reads_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_queries, "CHANNEL_MAX_CHANGES", 2)
    world = WatchWorld()
    client = Client(Connection(world), {})
    world.settle()
    for name in "abcd":
        world.add({"_id": name})
    await hear(world, client)
    assert sorted(each["_id"] for each in client.docs) == list("abcd")
    assert client.number == 2
    world.watches.close()


async def test_who_asks_anew_hears_nothing_twice() -> None:
    world = WatchWorld()
    client = Client(Connection(world), {})
    await hear(world, client)
    world.store.commit([Put("c", {"_id": "a"})])
    client.rebuild()
    await hear(world, client)
    assert (len(client.docs), client.number) == (1, 2)
    world.add({"_id": "b"})
    client.rebuild()
    await hear(world, client)
    assert (len(client.docs), client.number) == (2, 3)
    world.watches.close()
