"""Clients whose connections are cut, against the query: whatever is written, they end up equal."""

import asyncio
import random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from emulator.core import commands
from emulator.core import watch as core_watch
from emulator.services.caller import ADMINISTRATOR
from emulator.stores.base import Delete, Put
from tests.services.watch_world import Client, Connection, WatchWorld

IDS = st.sampled_from("abcdef")
QUERIES: list[tuple[Any, dict[str, str], int | None]] = [
    ({}, {}, None),
    ({"g": "x"}, {}, None),
    ({"g": "x"}, {"n": "asc"}, 2),
    ({}, {"n": "desc", "g": "asc"}, 3),
    ({"n": {"$gte": 2}}, {}, 2),
    ({"_id": "a"}, {}, None),
    ({"deep.tags": "t"}, {}, None),
]
BODIES = st.fixed_dictionaries(
    {"g": st.sampled_from("xy"), "n": st.integers(0, 4)},
    optional={"deep": st.fixed_dictionaries({}, optional={"tags": st.just(["s", "t"])})},
)
UPDATES = st.sampled_from(
    [
        {"$set": {"g": "x"}},
        {"$set": {"g": "y", "deep.tags": ["t"]}},
        {"$inc": {"n": 1}},
        {"$unset": {"deep.tags": ""}},
        {"$set": {"deep": 1}},
    ]
)


class WatchMachine(RuleBasedStateMachine):
    """Writes, cuts and pauses in any order."""

    def __init__(self) -> None:
        super().__init__()
        # So few that documents lie behind what is held.
        self.spare, core_watch.SPARE_DOCUMENTS = core_watch.SPARE_DOCUMENTS, 1
        self.loop = asyncio.new_event_loop()
        self.clients: list[tuple[Client, Any, Any, int | None]] = []

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.compare()
            self.run(self.close())
        self.loop.close()
        core_watch.SPARE_DOCUMENTS = self.spare

    async def close(self) -> None:
        self.world.watches.close()

    def run(self, coroutine: Any) -> Any:
        return self.loop.run_until_complete(coroutine)

    @initialize()
    def begin(self) -> None:
        async def begun() -> WatchWorld:
            return WatchWorld()

        self.world = self.run(begun())

    @rule(which=st.sampled_from(range(len(QUERIES))))
    def watch(self, which: int) -> None:
        async def watched() -> None:
            query, order, limit = QUERIES[which]
            more = {"orderBy": order} | ({} if limit is None else {"limit": limit})
            client = Client(Connection(self.world), query, **more)
            sort = tuple((name, 1 if way == "asc" else -1) for name, way in order.items())
            self.clients.append((client, query, sort, limit))

        if len(self.clients) < 6:
            self.run(watched())

    @rule(document_id=IDS, body=BODIES)
    def add_or_set(self, document_id: str, body: Any) -> None:
        async def written() -> None:
            kept = self.world.store.collection("c").by_id(document_id)
            if kept is None:
                self.world.add({"_id": document_id, **body})
            else:
                self.world.update({"_id": document_id}, body, replace=True)

        self.run(written())

    @rule(filter_=st.sampled_from([{}, {"g": "x"}, {"n": 2}]), update=UPDATES)
    def update(self, filter_: Any, update: Any) -> None:
        async def written() -> None:
            if "deep.tags" in str(update):
                update_filter = {**filter_, "deep": {"$not": {"$type": "int"}}}
                self.world.update(update_filter, update)
            else:
                self.world.update(filter_, update)

        self.run(written())

    @rule(filter_=st.sampled_from([{"g": "x"}, {"n": 1}, {"_id": "a"}, {"_id": "b"}]))
    def remove(self, filter_: Any) -> None:
        async def written() -> None:
            self.world.remove(filter_)

        self.run(written())

    @rule(document_id=IDS, body=BODIES)
    def write_without_a_word(self, document_id: str, body: Any) -> None:
        """Commit as seeds and imports do, which publish nothing."""

        async def written() -> None:
            gone = self.world.store.collection("c").by_id(document_id) is not None
            write = Delete("c", document_id) if gone else Put("c", {"_id": document_id, **body})
            self.world.store.commit([write])

        self.run(written())

    @rule(document_id=IDS)
    def drop(self, document_id: str) -> None:
        async def written() -> None:
            if document_id == "f":
                self.world.database.drop_collection(
                    commands.DropCollection(collection="c"), ADMINISTRATOR
                )
                self.world.database.create_collection(
                    commands.CreateCollection(collection="c"), ADMINISTRATOR
                )

        self.run(written())

    @rule(place=st.integers(0, 5), again=st.booleans())
    def cut(self, place: int, again: bool) -> None:
        """Lose what was not heard, and go on with a new connection or on the same one."""

        async def rebuilt() -> None:
            client = self.clients[place][0]
            if again:
                client.connection.said.clear()
                client.rebuild()
            else:
                client.connection.session.close()
                client.rebuild(Connection(self.world))

        if place < len(self.clients):
            self.run(rebuilt())

    @rule()
    def forget(self) -> None:
        """Forget every live query, as a restart does; clients come back."""

        async def forgotten() -> None:
            for client, *_ in self.clients:
                client.connection.session.close()
            for live in list(self.world.watches._lives.values()):
                self.world.watches._end(live)
            for client, *_ in self.clients:
                client.rebuild(Connection(self.world))

        self.run(forgotten())

    @rule()
    def pause(self) -> None:
        self.run(self.world.quiet())

    @rule()
    def compare(self) -> None:
        async def compared() -> None:
            self.world.watches.drain()
            await self.world.quiet()
            for client, query, sort, limit in self.clients:
                client.listen()
                expected = await self.world.find(query, sort, limit)
                assert sorted(map(_text, client.docs)) == sorted(map(_text, expected))
                assert client.check() == client.number

        self.run(compared())


def _text(document: Any) -> str:
    return repr(sorted(document.items()))


TestWatch = WatchMachine.TestCase
TestWatch.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


WRITES = 10_000
CUT_EVERY_WRITES = 37


async def test_ten_thousand_writes_under_cut_connections() -> None:
    """Every client ends with what its query finds, however often it was cut off."""
    chance = random.Random(7)
    world = WatchWorld()
    clients = []
    for query, order, limit in QUERIES:
        more = {"orderBy": order} | ({} if limit is None else {"limit": limit})
        clients.append((Client(Connection(world), query, **more), query, order, limit))
    for number in range(WRITES):
        document_id = chance.choice("abcdefghij")
        body = {"g": chance.choice("xy"), "n": chance.randrange(5)}
        if world.store.collection("c").by_id(document_id) is None:
            world.add({"_id": document_id, **body})
        elif chance.random() < 0.3:
            world.remove({"_id": document_id})
        elif chance.random() < 0.5:
            world.update({"_id": document_id}, body, replace=True)
        else:
            world.update({"g": body["g"]}, {"$set": {"n": body["n"]}})
        if number % CUT_EVERY_WRITES == 0:
            client = chance.choice(clients)[0]
            client.connection.session.close()
            client.rebuild(Connection(world))
        if number % 5 == 0:
            await world.quiet()
            for client, *_ in clients:
                client.listen()
    await world.quiet()
    for client, query, order, limit in clients:
        client.listen()
        sort = tuple((name, 1 if way == "asc" else -1) for name, way in order.items())
        expected = await world.find(query, sort, limit)
        assert sorted(map(_text, client.docs)) == sorted(map(_text, expected))
    world.watches.close()
