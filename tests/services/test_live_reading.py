"""Reading what live queries hold in slices, while others write."""

import asyncio
import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.ambient import ManualClock
from emulator.core import commands
from emulator.core.watch import RESULT_MAX_DOCUMENTS
from emulator.services import live_queries, live_reading, reading, watch
from emulator.services.caller import ADMINISTRATOR
from emulator.services.live_queries import WatchQuery
from emulator.stores.base import Put
from emulator.stores.tiny import TinyDocumentStore
from tests.services.watch_world import Connection, Copy, Refused, WatchWorld

QUERIES: tuple[dict[str, Any], ...] = (
    {"query": {}},
    {"query": {"n": {"$gt": 1}}},
    {"query": {"n": {"$gt": 1}}, "orderBy": {"n": "asc"}, "limit": 2},
    {"query": {"m": 0}, "orderBy": {"n": "desc", "m": "asc"}, "limit": 1},
    {"query": {"n": {"$lt": 3}}, "limit": 3},
)
WRITES = st.tuples(
    st.sampled_from(("add", "set", "raise", "remove", "all", "unheard", "turn")),
    st.integers(0, 5),
    st.integers(0, 4),
)


@pytest.fixture(autouse=True)
def slow_reading() -> Iterator[None]:
    """Read one document at a time, and hold little behind the edge of a limit."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SLICE_MIN_DOCUMENTS", "SLICE_FIRST_DOCUMENTS", "SLICE_MAX_DOCUMENTS"):
            patch.setattr(reading, name, 1)
        patch.setattr("emulator.core.watch.SPARE_DOCUMENTS", 1)
        patch.setattr(live_queries, "CHANNEL_MAX_CHANGES", 12)
        patch.setattr("emulator.wire.watch_messages.TEXTS_AT_ONCE", 1)
        patch.setattr("emulator.core.watch.HOLD_AT_ONCE", 1)
        yield


class Slow(Copy):
    """One `watch()` whose first result is read while others write."""

    def __init__(self, connection: Connection, asked: dict[str, Any], watch_id: str = "w") -> None:
        super().__init__()
        self.connection = connection
        self.watch_id = watch_id
        data = {"envId": "test", "collName": "c", **asked, "query": _text(asked["query"])}
        message = {"msgType": "INIT_WATCH", "requestId": f"i{watch_id}", "watchId": watch_id}
        self.taking = asyncio.get_running_loop().create_task(
            connection.session.take(orjson.dumps({**message, "msgData": data}))
        )

    def rebuild(self, connection: Connection) -> None:
        """Go on where it was on another connection."""
        self.connection = connection
        data = {"envId": "test", "collName": "c", "queryID": self.query_id, "eventID": self.number}
        message = {"msgType": "REBUILD_WATCH", "requestId": "r", "watchId": self.watch_id}
        self.taking = asyncio.get_running_loop().create_task(
            connection.session.take(orjson.dumps({**message, "msgData": data}))
        )

    async def begun(self) -> None:
        """Wait for the first result."""
        await self.taking
        self.begin(next(each for each in self.connection.said if each["requestId"][0] == "i"))
        self.connection.said.clear()

    def listen(self) -> None:
        """Take what came."""
        said, self.connection.said = list(self.connection.said), []
        for message in said:
            self.go_on(message)


def _text(query: Any) -> str:
    return orjson.dumps(query).decode()


def write(world: WatchWorld, what: str, which: int, value: int) -> None:
    """Change one document or more."""
    if what == "add":
        world.update({"_id": str(which)}, {"n": value, "m": 0}, replace=True, upsert=True)
    elif what == "set":
        world.update({"_id": str(which)}, {"$set": {"n": value}})
    elif what == "raise":
        world.update({"n": value}, {"$inc": {"n": 1}})
    elif what == "remove":
        world.remove({"_id": str(which)})
    elif what == "all":
        world.update({}, {"$set": {"n": value}})
    elif what == "unheard":
        world.store.commit([Put("c", {"_id": str(which), "n": value, "m": 1})])


async def quiet(world: WatchWorld) -> None:
    """Let everything be told, and what nobody publishes be looked for."""
    await world.quiet()
    world.watches.drain()
    await world.quiet()
    # What was read while others wrote unheard is looked at again now and then.
    world.watches._look()
    await world.quiet()


@settings(max_examples=150, deadline=None)
@given(
    asked=st.sampled_from(QUERIES),
    before=st.lists(WRITES, max_size=8),
    meanwhile=st.lists(WRITES, max_size=14),
    after=st.lists(WRITES, max_size=8),
    kind=st.sampled_from(("memory", "tiny")),
)
def test_what_is_told_comes_to_what_a_query_finds(
    asked: dict[str, Any], before: Any, meanwhile: Any, after: Any, kind: str
) -> None:
    async def run() -> None:
        store = None
        if kind == "tiny":
            store = TinyDocumentStore.open(Path(), mode="memory", clock=ManualClock())
        world = WatchWorld(store=store)
        for number in range(4):
            world.add({"_id": str(number), "n": number, "m": 0})
        for each in before:
            write(world, *each)
        client = Slow(Connection(world), asked)
        await _while_others_write(world, meanwhile)
        await client.begun()
        await quiet(world)
        for what in ([], after):
            await _while_others_write(world, what)
            await quiet(world)
            client.listen()
            sort = tuple(
                (path, 1 if order == "asc" else -1)
                for path, order in asked.get("orderBy", {}).items()
            )
            found = await world.find(asked["query"], sort, asked.get("limit"))
            assert _known(client.docs) == _known(found)
        world.watches.close()

    asyncio.run(run())


async def _while_others_write(world: WatchWorld, writes: Any) -> None:
    for what, which, value in writes:
        write(world, what, which, value)
        if value % 2 or what == "turn":
            await asyncio.sleep(0)


def _known(documents: list[Any]) -> list[Any]:
    return sorted(documents, key=lambda each: str(each["_id"]))


@settings(max_examples=100, deadline=None)
@given(
    asked=st.sampled_from(QUERIES),
    away=st.lists(WRITES, max_size=8),
    meanwhile=st.lists(WRITES, max_size=14),
)
def test_who_comes_back_is_told_what_a_query_finds(
    asked: dict[str, Any], away: Any, meanwhile: Any
) -> None:
    async def run() -> None:
        world = world_of(5)
        first = Connection(world)
        client = Slow(first, asked)
        await client.begun()
        first.session.close()
        await _while_others_write(world, [*away, ("unheard", 5, 3)])
        client.rebuild(Connection(world))
        await _while_others_write(world, meanwhile)
        await client.taking
        await quiet(world)
        client.listen()
        sort = tuple(
            (path, 1 if order == "asc" else -1) for path, order in asked.get("orderBy", {}).items()
        )
        found = await world.find(asked["query"], sort, asked.get("limit"))
        assert _known(client.docs) == _known(found)
        world.watches.close()

    asyncio.run(run())


def world_of(count: int, **permissions: Any) -> WatchWorld:
    """Return a world with documents that take a turn each to be read."""
    world = WatchWorld(**permissions)
    for number in range(count):
        world.add({"_id": str(number), "n": number, "_openid": "alice"})
    return world


async def test_a_query_is_read_once_for_all_who_ask_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = world_of(20)
    reads: list[int] = []
    original = live_reading.LiveReading._slices

    def counted(self: Any, live: Any) -> Any:
        reads.append(1)
        return original(self, live)

    monkeypatch.setattr(live_reading.LiveReading, "_slices", counted)
    clients = [Slow(Connection(world), {"query": {"n": {"$gt": 4}}}) for _ in range(50)]
    await asyncio.sleep(0)
    world.add({"_id": "new", "n": 7})
    for client in clients:
        await client.begun()
        assert len(client.docs) == 16
    assert len(reads) == 1
    world.watches.close()


async def test_many_queries_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    world = world_of(20)
    clients = [Slow(Connection(world), {"query": {"n": {"$gt": n}}}) for n in range(1_000)]
    for _ in range(3):
        await asyncio.sleep(0)
    assert len(world.watches.running()) == 1
    world.update({"_id": "3"}, {"$set": {"n": 5_000}})
    for client in clients:
        await client.begun()
    assert [len(client.docs) for client in clients[:3]] == [19, 18, 17]
    assert {len(client.docs) for client in clients[20:]} == {1}
    world.watches.close()


async def test_messages_of_a_connection_are_answered_in_order() -> None:
    world = world_of(20)
    connection = Connection(world)
    texts = [
        {"msgType": "INIT_WATCH", "watchId": "a", "msgData": {"collName": "c", "query": "{}"}},
        {"msgType": "CHECK_LAST", "watchId": "a", "msgData": {}},
        {"msgType": "CLOSE_WATCH", "watchId": "a", "msgData": None},
        {"msgType": "PING", "msgData": None},
    ]
    for number, text in enumerate(texts):
        await connection.session.take(orjson.dumps({**text, "requestId": str(number)}))
    kinds = [each["msgType"] for each in connection.said]
    assert kinds == ["INIT_EVENT", "CHECK_EVENT", "PONG"]
    assert len(world.watches) == 0
    world.watches.close()


async def test_who_is_gone_before_the_first_result_listens_to_nothing() -> None:
    world = world_of(20)
    client = Slow(Connection(world), {"query": {"n": {"$gt": 1}}})
    await asyncio.sleep(0)
    client.taking.cancel()
    await asyncio.gather(client.taking, return_exceptions=True)
    assert len(world.watches) == 0
    # It stays live for a while, and the next one finds it read.
    while world.watches.running():
        await asyncio.sleep(0)
    again = Slow(Connection(world), {"query": {"n": {"$gt": 1}}})
    await again.begun()
    assert len(again.docs) == 18
    world.watches.close()


async def test_a_suite_that_stops_ends_what_is_being_read() -> None:
    world = world_of(20)
    client = Slow(Connection(world), {"query": {"n": {"$gt": 1}}})
    await asyncio.sleep(0)
    world.watches.close()
    with pytest.raises(Refused):
        await client.begun()
    assert world.watches.running() == []


async def test_too_much_is_refused_without_reading_on(monkeypatch: pytest.MonkeyPatch) -> None:
    world = WatchWorld()
    monkeypatch.setattr(reading, "SLICE_MAX_DOCUMENTS", 1_000)
    world.store.commit([Put("c", {"_id": n, "n": 1}) for n in range(RESULT_MAX_DOCUMENTS + 1)])
    client = Slow(Connection(world), {"query": {"n": 1}})
    with pytest.raises(Refused):
        await client.begun()
    assert len(world.watches) == 0
    world.watches.close()


async def test_changes_that_nobody_publishes_end_in_reading_at_once() -> None:
    world = world_of(12)
    client = Slow(Connection(world), {"query": {"n": {"$gte": 0}}})
    for turn in range(200):
        if client.taking.done():
            break
        world.store.commit([Put("c", {"_id": "unheard", "n": turn})])
        await asyncio.sleep(0)
    await client.begun()
    await quiet(world)
    client.listen()
    assert len(client.docs) == 13
    world.watches.close()


async def test_listeners_hear_of_some_moment_while_nothing_is_published(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch, "LOOK_S", 0)
    world = world_of(12)
    client = Slow(Connection(world), {"query": {"n": {"$gte": 0}}})
    await client.begun()
    await quiet(world)
    for turn in range(400):
        world.store.commit([Put("c", {"_id": f"unheard {turn}", "n": turn})])
        await asyncio.sleep(0)
    client.listen()
    assert 12 < len(client.docs) < 412
    while len(client.docs) < 412:
        await asyncio.sleep(0)
        client.listen()
    world.watches.close()


async def test_a_failure_inside_is_told_to_who_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = world_of(12)
    heard: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: heard.append(told))

    def broken(*_: Any) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr(live_reading, "_load", broken)
    client = Slow(Connection(world), {"query": {"n": {"$gte": 0}}})
    with pytest.raises(Refused):
        await client.begun()
    gc.collect()
    assert [type(told["exception"]) for told in heard] == [ZeroDivisionError]
    world.watches.close()


async def test_a_rule_that_forbids_meanwhile_hides_what_was_read() -> None:
    world = world_of(12, c={"read": "get('database.d.gate').open == true", "write": False})
    world.add({"_id": "gate", "open": True}, "d")
    client = Slow(Connection(world, "alice"), {"query": {"n": {"$gte": 0}}})
    await asyncio.sleep(0)
    shut = commands.Update(
        collection="d", filter={"_id": "gate"}, update={"$set": {"open": False}}, multi=True
    )
    world.database.update(shut, ADMINISTRATOR)
    with pytest.raises(Refused):
        await client.begun()
    world.watches.close()


async def test_new_rules_are_asked_of_a_query_that_is_being_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch, "LOOK_S", 0)
    world = world_of(12, c="READONLY")
    client = Slow(Connection(world, "bob"), {"query": {"n": {"$gte": 0}}})
    await asyncio.sleep(0)
    world.permissions.put("c", "PRIVATE")
    await client.begun()
    assert client.docs == []
    world.permissions.put("c", "READONLY")
    while not client.connection.said:
        await asyncio.sleep(0)
    client.listen()
    assert len(client.docs) == 12
    world.watches.close()


async def test_prepared_queries_without_listeners_go_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch, "LINGER_S", 0)
    world = world_of(12)
    query = WatchQuery(collection="c", filter={"n": {"$gte": 0}})
    await world.watches.prepare(query, ADMINISTRATOR)
    for _ in range(3):
        await asyncio.sleep(0)
    assert not world.watches._lives
    world.watches.close()
