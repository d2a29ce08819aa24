"""Realtime connections over real sockets: told, cut, delayed, dropped, closed."""

import asyncio
import struct
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from emulator.wire import watch
from emulator.wire.watch import frame
from tests.conftest import eventually

USER = {"x-emu-openid": "alice"}
SIGN = {"action": "auth.wsWebSign", "runtime": "web"}


class Socket:
    """One connection of a client."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket
        self.requests = 0

    async def send(self, kind: str, data: Any, **more: Any) -> None:
        self.requests += 1
        message = {"msgType": kind, "requestId": f"r{self.requests}", "msgData": data, **more}
        await self.socket.send_str(orjson.dumps(message).decode())

    async def hear(self) -> dict[str, Any]:
        message = await self.socket.receive(timeout=10)
        assert message.type is WSMsgType.TEXT, message
        told: dict[str, Any] = orjson.loads(message.data)
        return told

    async def ask(self, kind: str, data: Any, **more: Any) -> dict[str, Any]:
        await self.send(kind, data, **more)
        return await self.hear()

    async def watch(self, query: str = "{}", watch_id: str = "w") -> dict[str, Any]:
        data = {"envId": "x", "collName": "orders", "query": query}
        return await self.ask("INIT_WATCH", data, watchId=watch_id)


@pytest.fixture
async def project(start_project):
    async with start_project({"README.md": "orders"}) as it:
        await it.seed({"orders": [{"_id": "a", "n": 1, "_openid": "alice"}]})
        async with ClientSession() as session:
            yield it, session


async def ask(session: ClientSession, url: str, body: Any, **more: Any) -> dict[str, Any]:
    async with session.post(url, json=body, **more) as answer:
        told: dict[str, Any] = await answer.json()
        return told


@asynccontextmanager
async def connected(it: Any, session: ClientSession, **more: Any):
    ticket = (await ask(session, f"{it.url}/web", SIGN, headers=USER))["data"]
    async with session.ws_connect(ticket["wsUrl"], **more) as socket:
        made = Socket(socket)
        answer = await made.ask(
            "LOGIN", {"envId": ticket["envId"]}, exMsgData={"signStr": ticket["signStr"]}
        )
        assert answer["msgData"] == {"envId": ticket["envId"]}
        yield made


async def write(it: Any, session: ClientSession, document: dict[str, Any]) -> None:
    body = {
        "action": "database.addDocument",
        "collectionName": "orders",
        "data": document,
    }
    told = await ask(session, f"{it.url}/web", body, headers=USER)
    assert "code" not in told, told


async def test_a_write_is_told(project) -> None:
    it, session = project
    async with connected(it, session) as socket:
        first = await socket.watch()
        assert [each["DocID"] for each in first["msgData"]["events"]] == ["a"]
        await write(it, session, {"_id": "b", "n": 2})
        told = await socket.hear()
        assert told["msgType"] == "NEXT_EVENT"
        assert [each["DocID"] for each in told["msgData"]["events"]] == ["b"]
        await it.idle()


async def test_a_client_ends_with_its_own_code(project) -> None:
    it, session = project
    async with connected(it, session, autoclose=False) as socket:
        await socket.watch()
        await socket.socket.close(code=3001)
        assert socket.socket.close_code == 3001
    async with session.get(f"{it.url}/_emu/watchers") as answer:
        assert await answer.json() == {"connections": [], "delay_s": 0}


async def test_a_signature_is_needed(project) -> None:
    it, session = project
    async with session.ws_connect(f"{it.url}/e/local/ws") as plain:
        socket = Socket(plain)
        answer = await socket.ask("LOGIN", {}, exMsgData={"signStr": "none"})
        assert answer["msgData"]["code"] == "CHECK_LOGIN_FAILED"
        assert (await socket.watch())["msgData"]["code"] == "CHECK_LOGIN_FAILED"


async def ask_admin(it: Any, session: ClientSession, action: str) -> dict[str, Any]:
    body = {"action": action, "envName": "x", "eventId": "1"}
    agent = {"User-Agent": "tcb-node-sdk/3.18.3"}
    return await ask(session, f"{it.url}/admin", body, headers=agent)


@pytest.mark.parametrize(
    "query",
    [
        pytest.param('"{\\"n\\":{\\"$numberInt\\":\\"1\\"}}"', id="the text of a text"),
        pytest.param('""', id="an empty text"),
        pytest.param(None, id="nothing"),
    ],
)
async def test_a_server_sdk_watches_as_an_administrator(start_project, query: str | None) -> None:
    files = {"database.rules.json": '{"orders": "ADMINONLY"}'}
    async with start_project(files) as it, ClientSession() as session:
        await it.seed({"orders": [{"_id": "a", "n": 1}]})
        ticket = (await ask_admin(it, session, "auth.wsWebSign"))["data"]
        async with session.ws_connect(ticket["wsUrl"]) as plain:
            socket = Socket(plain)
            await socket.ask("LOGIN", {}, exMsgData={"signStr": ticket["signStr"]})
            asked = {"collName": "orders"} | ({} if query is None else {"query": query})
            told = await socket.ask("INIT_WATCH", asked, watchId="w")
            assert [each["DocID"] for each in told["msgData"]["events"]] == ["a"]


async def test_watchers_are_listed_cut_and_delayed(project) -> None:
    it, session = project
    control = f"{it.url}/_emu/watchers"
    async with connected(it, session) as socket:
        await socket.watch('{"n":1}')
        async with session.get(control) as answer:
            (listed,) = (await answer.json())["connections"]
        assert listed["user"] == "alice"
        assert listed["watchers"][0]["query"] == '{"n":1}'
        assert await ask(session, f"{control}/delay", {"delay_s": 0.05}) == {"delay_s": 0.05}
        for name in "bcd":
            await write(it, session, {"_id": name, "n": 1})
        assert await ask(session, f"{control}/delay", {"delay_s": 0}) == {"delay_s": 0}
        await write(it, session, {"_id": "e", "n": 1})
        heard: list[str] = []
        while len(heard) < 4:
            told = await socket.hear()
            heard += [each["DocID"] for each in told["msgData"]["events"]]
        assert heard == ["b", "c", "d", "e"]
        assert await ask(session, f"{control}/cut", {"connection": listed["connection"]}) == {
            "cut": 1
        }
        assert (await socket.socket.receive(timeout=10)).type in (
            WSMsgType.CLOSED,
            WSMsgType.ERROR,
        )
    assert await ask(session, f"{control}/cut", {}) == {"cut": 0}


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("cut", {"connection": 99}),
        ("cut", {"connection": "1"}),
        ("delay", {"delay_s": -1}),
        ("delay", {"delay_s": True}),
        ("delay", {"delay_s": 1000}),
    ],
)
async def test_control_refuses(project, call: str, body: Any) -> None:
    it, session = project
    told = await ask(session, f"{it.url}/_emu/watchers/{call}", body)
    assert told["code"] == "INVALID_PARAM"


def masked(message: Any) -> bytes:
    """Return a client's frame, masked with zeros."""
    payload = orjson.dumps(message)
    return b"\x81\xfe" + struct.pack("!H", len(payload)) + b"\0\0\0\0" + payload


async def test_who_does_not_read_is_dropped(project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "UNREAD_MAX_BYTES", 1_000)
    it, session = project
    ticket = (await ask(session, f"{it.url}/web", SIGN, headers=USER))["data"]
    host, port = it.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1_000)
    writer.write(
        f"GET /ws HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    login = {"exMsgData": {"signStr": ticket["signStr"]}, "requestId": "l", "msgType": "LOGIN"}
    asked = {"collName": "orders", "query": "{}", "padding": "x" * 200}
    init = {"watchId": "w", "requestId": "i", "msgType": "INIT_WATCH", "msgData": asked}
    writer.write(masked(login | {"padding": "x" * 200}) + masked(init))
    noticed: list[Any] = []
    it.suite.subscribe(noticed.append)
    await eventually(lambda: len(it.suite.parts.watches) == 1)
    for number in range(400):
        await write(it, session, {"_id": f"big{number}", "text": "x" * 100_000})
        if any(each.get("event") == "slow_watcher" for each in noticed):
            break
    else:
        raise AssertionError("it was never dropped")
    await eventually(lambda: len(it.suite.parts.watches) == 0)
    writer.close()


async def test_a_suite_that_stops_says_so(start_project) -> None:
    async with ClientSession() as session:
        async with start_project({"README.md": "nothing"}) as it:
            socket = await session.ws_connect(f"{it.url}/ws")
            heard = asyncio.ensure_future(socket.receive(timeout=10))
        assert (await heard).type in (WSMsgType.CLOSE, WSMsgType.CLOSED)
        assert socket.close_code == 1001


@pytest.mark.parametrize("length", [0, 125, 126, 65_535, 65_536])
async def test_frames_are_what_clients_read(length: int) -> None:
    made = frame(b"x" * length)
    head = {0: 2, 125: 2, 126: 4, 65_535: 4, 65_536: 10}[length]
    assert (made[0], len(made)) == (0x81, head + length)
