"""The session of realtime connections: each message, each refusal, each way to catch up."""

import base64
from typing import Any

import orjson
import pytest

from emulator.core.values import Date
from emulator.services.live_queries import STEPS_MAX_EVENTS
from emulator.wire.watch_protocol import LISTENERS_MAX
from tests.services.watch_world import Client, Connection, Refused, WatchWorld


@pytest.fixture
async def world():
    made = WatchWorld(c="READONLY")
    yield made
    made.watches.close()


async def test_a_first_result_has_the_shape_the_package_reads(world: WatchWorld) -> None:
    world.add({"_id": "b", "n": 2, "at": Date(1_700_000_000_000)})
    world.add({"_id": "a", "n": 1})
    connection = Connection(world)
    data = {"envId": "test", "collName": "c", "query": "{}", "orderBy": {"n": "asc"}, "limit": 5}
    answer = connection.ask("INIT_WATCH", data, watchId="w1")
    assert answer["watchId"] == "w1"
    told = answer["msgData"]
    assert told.pop("queryID")
    assert told == {
        "currEvent": 1,
        "events": [
            {
                "ID": 1,
                "DataType": "init",
                "QueueType": "init",
                "DocID": "a",
                "Doc": '{"_id":"a","n":1}',
            },
            {
                "ID": 1,
                "DataType": "init",
                "QueueType": "init",
                "DocID": "b",
                "Doc": '{"_id":"b","n":2,"at":{"$date":1700000000000}}',
            },
        ],
    }


async def test_changes_come_as_the_package_names_them(world: WatchWorld) -> None:
    client = Client(Connection(world), {"g": "x"}, limit=2, orderBy={"n": "desc"})
    await world.quiet()
    for number, name in enumerate("abc", 1):
        world.add({"_id": name, "n": number, "g": "x"})
    await world.quiet()
    client.listen()
    assert client.taken() == [
        ("add", "enqueue", "a"),
        ("add", "enqueue", "b"),
        ("limit", "dequeue", "a"),
        ("add", "enqueue", "c"),
    ]
    world.update({"_id": "c"}, {"$set": {"n": 13, "deep.a": 1}})
    world.update({"_id": "b"}, {"_id": "b", "g": "y"}, replace=True)
    world.remove({"_id": "c"})
    await world.quiet()
    client.listen()
    assert client.taken() == [
        ("update", "update", "c"),
        ("replace", "dequeue", "b"),
        ("limit", "enqueue", "a"),
        ("remove", "dequeue", "c"),
    ]
    assert client.docs == [{"_id": "a", "n": 1, "g": "x"}]


async def test_what_happens_while_a_client_settles_comes_after(world: WatchWorld) -> None:
    client = Client(Connection(world), {})
    world.add({"_id": "a"})
    world.watches.drain()
    client.listen()
    assert client.docs == []
    assert client.check() == client.number
    await world.quiet()
    client.listen()
    assert client.docs == [{"_id": "a"}]


async def test_one_commit_is_one_number(world: WatchWorld) -> None:
    for name in "ab":
        world.add({"_id": name})
    client = Client(Connection(world), {})
    await world.quiet()
    world.update({}, {"$set": {"n": 1}})
    await world.quiet()
    events = [each for said in client.connection.said for each in said["msgData"]["events"]]
    assert [each["ID"] for each in events] == [2, 2]
    assert events[0]["UpdatedFields"] == '{"n":1}'
    assert events[0]["removedFields"] == "[]"


async def test_a_client_that_was_away_goes_on_where_it_was(world: WatchWorld) -> None:
    client = Client(Connection(world), {})
    client.connection.session.close()
    world.add({"_id": "a"})
    world.add({"_id": "b"})
    client.rebuild(Connection(world))
    assert client.taken() == [("add", "enqueue", "a"), ("add", "enqueue", "b")]
    client.rebuild()
    assert client.taken() == []


@pytest.mark.parametrize("names", ["ab", ""])
async def test_a_client_that_was_away_too_long_gets_everything_anew(
    world: WatchWorld, names: str
) -> None:
    world.add({"_id": "old"})
    first = Client(Connection(world), {})
    other = Client(Connection(world), {})
    first.connection.session.close()
    documents = tuple({"_id": str(number)} for number in range(200))
    for _ in range(STEPS_MAX_EVENTS // 400 + 2):
        for document in documents:
            world.add(document)
        world.remove({})
    for name in names:
        world.add({"_id": name})
    first.rebuild(Connection(world))
    assert [each["_id"] for each in first.docs] == list(names)
    await world.quiet()
    world.add({"_id": "later"})
    await world.quiet()
    for client in (first, other):
        client.listen()
        assert [each["_id"] for each in client.docs] == [*names, "later"]
        assert client.check() == client.number
    first.connection.session.close()
    world.add({"_id": "latest"})
    first.rebuild(Connection(world))
    assert [each["_id"] for each in first.docs] == [*names, "later", "latest"]


async def test_a_client_of_another_run_gets_everything_anew(world: WatchWorld) -> None:
    client = Client(Connection(world), {"n": 1})
    other = WatchWorld()
    other.add({"_id": "a", "n": 1})
    client.number = 57
    client.rebuild(Connection(other))
    assert (client.docs, client.number) == ([{"_id": "a", "n": 1}], 58)
    await other.quiet()
    other.add({"_id": "b", "n": 1})
    await other.quiet()
    client.listen()
    assert (len(client.docs), client.number) == (2, 59)
    other.watches.close()


async def test_ping_close_and_the_list(world: WatchWorld) -> None:
    connection = Connection(world)
    assert connection.ask("PING", None)["msgType"] == "PONG"
    Client(connection, {"n": 1}, "w1", orderBy={})
    Client(connection, {"n": 2}, "w2", limit=3)
    assert [each["watchId"] for each in connection.session.listeners()] == ["w1", "w2"]
    assert connection.session.listeners()[1] == {
        "watchId": "w2",
        "collection": "c",
        "query": '{"n":2}',
        "orderBy": {},
        "limit": 3,
        "documents": 0,
        "lastEvent": 1,
    }
    connection.tell("CLOSE_WATCH", None, watchId="w1")
    connection.tell("CLOSE_WATCH", None, watchId="w1")
    assert len(connection.session.listeners()) == 1
    assert connection.said == []
    assert len(world.watches) == 1


def sent(**data: Any) -> dict[str, Any]:
    return {"envId": "test", "collName": "c", "query": "{}", **data}


REFUSALS: list[tuple[str, Any, str]] = [
    ("INIT_WATCH", sent(collName="none"), "DATABASE_COLLECTION_NOT_EXIST"),
    ("INIT_WATCH", sent(query="{"), "INVALID_PARAM"),
    ("INIT_WATCH", sent(query="[]"), "INVALID_PARAM"),
    ("INIT_WATCH", sent(query='{"a":{"$like":1}}'), "DATABASE_INVALID_OPERRATOR"),
    ("INIT_WATCH", sent(orderBy={"n": "up"}), "INVALID_PARAM"),
    ("INIT_WATCH", sent(orderBy=[1]), "INVALID_PARAM"),
    ("INIT_WATCH", sent(orderBy={str(n): "asc" for n in range(40)}), "INVALID_PARAM"),
    ("INIT_WATCH", sent(limit=0), "INVALID_PARAM"),
    ("INIT_WATCH", sent(limit="1"), "INVALID_PARAM"),
    ("INIT_WATCH", None, "INVALID_PARAM"),
    ("REBUILD_WATCH", {"queryID": "?", "eventID": 1}, "QUERYID_INVALID_ERROR"),
    ("REBUILD_WATCH", {"queryID": "e30=", "eventID": 1}, "QUERYID_INVALID_ERROR"),
    ("CHECK_LAST", {"queryID": "?", "eventID": 1}, "QUERYID_INVALID_ERROR"),
    ("JUMP", {}, "INVALID_PARAM"),
]


@pytest.mark.parametrize(("kind", "data", "code"), REFUSALS)
async def test_refusals(world: WatchWorld, kind: str, data: Any, code: str) -> None:
    answer = Connection(world).ask(kind, data, watchId="w")
    assert (answer["msgType"], answer["watchId"]) == ("ERROR", "w")
    assert answer["msgData"]["code"] == code
    assert answer["msgData"]["message"]


@pytest.mark.parametrize("text", ["", "{", "[]", "1", '"x"', '{"msgType":[]}', b"\xff"])
async def test_what_is_no_message_is_refused(world: WatchWorld, text: Any) -> None:
    connection = Connection(world)
    connection.session.receive(text)
    assert connection.said[0]["msgData"]["code"] == "INVALID_PARAM"


async def test_nothing_is_heard_without_a_login(world: WatchWorld) -> None:
    with pytest.raises(Refused, match="CHECK_LOGIN_FAILED"):
        Client(Connection(world, user=None), {})
    connection = Connection(world, user=None)
    for more in ({}, {"exMsgData": {}}, {"exMsgData": {"signStr": "mallory"}}):
        answer = connection.ask("LOGIN", {"envId": "test"}, **more)
        assert answer["msgData"]["code"] == "CHECK_LOGIN_FAILED"
    with pytest.raises(Refused):
        Client(connection, {})


async def test_a_connection_has_a_bounded_number_of_listeners(world: WatchWorld) -> None:
    connection = Connection(world)
    for number in range(LISTENERS_MAX):
        Client(connection, {}, str(number))
    with pytest.raises(Refused, match="INVALID_PARAM"):
        Client(connection, {}, "more")
    Client(connection, {}, "0")


async def test_a_query_id_tells_nobody_more_than_he_may_see() -> None:
    world = WatchWorld(c="PRIVATE")
    world.add({"_id": "a", "_openid": "alice"})
    mine = Client(Connection(world, "alice"), {})
    assert len(mine.docs) == 1
    mine.rebuild(Connection(world, "bob"))
    assert mine.docs == []
    forged = base64.urlsafe_b64encode(orjson.dumps(["1", "c", "{}", {}, None])).decode()
    connection = Connection(world, "bob")
    data = {"queryID": forged, "eventID": 3}
    answer = connection.ask("REBUILD_WATCH", data, watchId="w")
    assert "alice" not in str(answer)
    world.watches.close()
