"""Ten thousand writes over real sockets while connections break: every client ends up right."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from tests.conftest import eventually
from tests.services.watch_world import Copy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

WRITES = 10_000
WRITERS = 4
CUT_EVERY_WRITES = 97
IDS = "abcdefghijklmnop"
QUERIES: list[tuple[Any, dict[str, str], int | None]] = [
    ({}, {}, None),
    ({"g": "x"}, {}, None),
    ({"g": "x"}, {"n": "asc"}, 2),
    ({}, {"n": "desc", "g": "asc"}, 3),
    ({"n": {"$gte": 2}}, {}, 2),
    ({"_id": "a"}, {}, None),
]
Ask = Callable[..., Awaitable[dict[str, Any]]]


class SocketClient:
    """One `watch()` over a real connection; it comes back whenever that breaks."""

    def __init__(self, session: ClientSession, ask: Ask, query: Any, order: Any, limit: Any):
        self.copy = Copy()
        self.asked = {"envId": "x", "collName": "c", "query": orjson.dumps(query).decode()}
        self.asked |= {"orderBy": order} | ({} if limit is None else {"limit": limit})
        self.connections = 0
        self.checked = -1
        self._session = session
        self._ask = ask
        self._socket: ClientWebSocketResponse | None = None

    async def run(self) -> None:
        """Listen for ever."""
        while True:
            with suppress(ConnectionError, aiohttp.ClientError, TypeError):
                await self._listen()

    async def cut(self) -> None:
        """Lose the connection without a word, as a phone in a tunnel does."""
        if self._socket is not None and self._socket._response.connection is not None:
            transport = self._socket._response.connection.transport
            if transport is not None:
                transport.abort()

    async def check(self) -> None:
        """Ask which number is the last."""
        if self._socket is not None:
            data = {"queryID": self.copy.query_id, "eventID": self.copy.number}
            with suppress(ConnectionError):
                await self._say("CHECK_LAST", data)

    async def _listen(self) -> None:
        ticket = (await self._ask("/web", action="auth.wsWebSign", runtime="web"))["data"]
        async with self._session.ws_connect(ticket["wsUrl"]) as self._socket:
            self.connections += 1
            await self._say("LOGIN", {}, exMsgData={"signStr": ticket["signStr"]})
            assert (await self._hear())["msgType"] == "LOGIN_RES"
            if self.copy.query_id:
                number = {"queryID": self.copy.query_id, "eventID": self.copy.number}
                await self._say("REBUILD_WATCH", self.asked | number)
            else:
                await self._say("INIT_WATCH", self.asked)
            while True:
                self._take(await self._hear())

    def _take(self, message: dict[str, Any]) -> None:
        if message["msgType"] == "CHECK_EVENT":
            self.checked = message["msgData"]["currEvent"]
        elif message["msgType"] == "INIT_EVENT":
            self.copy.begin(message)
        else:
            self.copy.go_on(message)

    async def _say(self, kind: str, data: Any, **more: Any) -> None:
        assert self._socket is not None
        message = {"msgType": kind, "requestId": "r", "watchId": "w", "msgData": data, **more}
        await self._socket.send_str(orjson.dumps(message).decode())

    async def _hear(self) -> dict[str, Any]:
        assert self._socket is not None
        message = await self._socket.receive()
        if message.type is not WSMsgType.TEXT:
            raise ConnectionResetError
        told: dict[str, Any] = orjson.loads(message.data)
        return told


async def write(ask: Ask, chance: random.Random) -> None:
    """Add, replace, update or remove something."""
    document_id = chance.choice(IDS)
    body = {"g": chance.choice("xy"), "n": chance.randrange(5)}
    kind = chance.random()
    one: dict[str, Any] = {"collectionName": "c", "query": {"_id": document_id}, "multi": False}
    if kind < 0.2:
        await ask("/web", action="database.deleteDocument", queryType="DOC", **one)
    elif kind < 0.7:
        more = {"queryType": "DOC", "data": body, "merge": False, "upsert": True}
        await ask("/web", action="database.updateDocument", **one, **more)
    else:
        many = {"collectionName": "c", "query": {"g": body["g"]}, "multi": True}
        more = {"data": {"$set": {"n": body["n"]}}, "merge": True, "upsert": False}
        await ask("/web", action="database.updateDocument", queryType="WHERE", **many, **more)


async def test_ten_thousand_writes_under_cut_connections(start_project) -> None:
    chance = random.Random(11)
    rules = '{"c": {"read": true, "write": true}}'
    async with (
        start_project({"database.rules.json": rules}) as it,
        ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
    ):
        await it.seed({"c": []})

        async def ask(path: str, **body: Any) -> dict[str, Any]:
            headers = {"x-emu-openid": "alice"}
            async with session.post(f"{it.url}{path}", json=body, headers=headers) as answer:
                told: dict[str, Any] = await answer.json()
            assert "code" not in told, told
            return told

        clients = [SocketClient(session, ask, *query) for query in QUERIES for _ in range(2)]
        running = [asyncio.ensure_future(client.run()) for client in clients]
        await eventually(lambda: all(client.copy.query_id for client in clients))

        async def write_on() -> None:
            for number in range(WRITES // WRITERS):
                await write(ask, chance)
                if number % CUT_EVERY_WRITES == 0:
                    await chance.choice(clients).cut()
                if number % (CUT_EVERY_WRITES * 5) == 0:
                    await ask("/_emu/watchers/cut")
                assert not any(each.done() for each in running)

        await asyncio.gather(*(write_on() for _ in range(WRITERS)))
        await it.idle()
        for client in clients:
            while client.checked != client.copy.number:
                assert not any(each.done() for each in running)
                await client.check()
                await asyncio.sleep(0.01)
        for client, (query, order, limit) in zip(
            clients, (query for query in QUERIES for _ in range(2)), strict=True
        ):
            asked: dict[str, Any] = {"collectionName": "c", "queryType": "WHERE", "query": query}
            asked["order"] = [{"field": f, "direction": way} for f, way in order.items()]
            asked["limit"] = limit or 100
            found = (await ask("/web", action="database.queryDocument", **asked))["data"]["list"]
            assert sorted(map(sorted_text, client.copy.docs)) == sorted(map(sorted_text, found))
        assert sum(client.connections for client in clients) > 2 * len(clients)
        for each in running:
            each.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def sorted_text(document: dict[str, Any]) -> str:
    """Return a text that is the same for the same document."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()
