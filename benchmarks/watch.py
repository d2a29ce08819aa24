"""Live queries: from a write to the message, to one listener, a hundred and a thousand.

Not here: absolute goals. The one idea: the suite, PocketBase and a bare aiohttp server run in
processes of their own, one client asks them in turns (A B A B), and a time ends when the last
listener has its message.

    python benchmarks/watch.py
"""

import argparse
import asyncio
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

import aiohttp

from emulator.core.query import compile_filter
from emulator.core.watch_interests import Interests

Row = tuple[str, float, str, str, float | None]

HERE = Path(__file__).resolve().parent
USER = {"x-emu-openid": "watcher"}
FAN_OUT = 100
CROWD = 1_000
CROWDS: dict[str, Callable[[int], Any]] = {
    "one query": lambda _: {"g": "x", "n": {"$gte": 0}},
    "queries of their own": lambda number: {"g": "x", "n": {"$gte": -number}},
}
ROUNDS = 40
SETTLE_S = 0.1
BARE = """
import asyncio, sys
from aiohttp import web

sockets = set()

async def listen(request):
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    sockets.add(socket)
    async for _ in socket:
        pass
    return socket

async def write(request):
    text = await request.text()
    asyncio.get_running_loop().create_task(tell(text))
    return web.json_response({})

async def tell(text):
    for socket in sockets:
        await socket.send_str(text)

app = web.Application()
app.add_routes([web.get("/ws", listen), web.post("/write", write)])
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
"""

WRITER = """
import http.client, json, statistics, sys, time

group, count, *urls = sys.argv[1:]
connections = [http.client.HTTPConnection(url.removeprefix("http://")) for url in urls]
taken_s = [[] for _ in urls]

def write(connection, number):
    data = [json.dumps({"n": number, "g": group})]
    body = {"action": "database.insertDocument", "collectionName": "out", "data": data}
    body |= {"envName": "bench", "eventId": "0"}
    connection.request("POST", "/admin", json.dumps(body), {"Content-Type": "application/json"})
    connection.getresponse().read()

for turn in range(int(count) // 100):
    time.sleep(0.3)  # for whoever still hears of the turn before
    for place, connection in enumerate(connections):
        write(connection, 0)
        begun_s = time.perf_counter()
        for number in range(100):
            write(connection, number)
        taken_s[place].append((time.perf_counter() - begun_s) / 100)
print(json.dumps([statistics.median(each) for each in taken_s]))
"""


def _sibling(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class Suite:
    """The suite in a process of its own, and listeners to it."""

    def __init__(self, stack: ExitStack, folder: Path, session: aiohttp.ClientSession) -> None:
        project = folder / f"watched{len(list(folder.iterdir()))}"
        project.mkdir()
        (project / "database.rules.json").write_text('{"out": "READONLY"}', encoding="utf-8")
        start = [sys.executable, "-m", "emulator", "start", str(project), "--json", "--ephemeral"]
        process = subprocess.Popen(
            [*start, "--port", "0", "--site-port", "0"], stdout=subprocess.PIPE, text=True
        )
        stack.enter_context(PEER.stopped_afterwards(process))
        assert process.stdout is not None
        ready = next(each for each in map(json.loads, process.stdout) if each["event"] == "ready")
        self.url = ready["urls"]["api"]
        self._session = session
        self.sockets: list[aiohttp.ClientWebSocketResponse] = []

    async def begin(self) -> None:
        body = {"action": "database.addCollection", "collectionName": "out"}
        await self._ask("/admin", {**body, "envName": "bench", "eventId": "0"})

    async def listen(self, count: int, query: Callable[[int], Any], *, closed: Any) -> None:
        """Open so many connections with one listener each."""
        for number in range(count):
            told = await self._ask("/web", {"action": "auth.wsWebSign", "runtime": "web"})
            socket = await self._session.ws_connect(told["data"]["wsUrl"])
            closed.push_async_callback(socket.close)
            login = {"signStr": told["data"]["signStr"]}
            await _say(socket, "LOGIN", {}, exMsgData=login)
            data = {"collName": "out", "query": json.dumps(query(number))}
            answer = await _say(socket, "INIT_WATCH", data, watchId="w")
            assert answer["msgType"] == "INIT_EVENT", answer
            self.sockets.append(socket)
        await asyncio.sleep(SETTLE_S)

    async def write(self, number: int, **fields: Any) -> None:
        data = [json.dumps({"n": number, **fields})]
        body = {"action": "database.insertDocument", "collectionName": "out", "data": data}
        await self._ask("/admin", {**body, "envName": "bench", "eventId": "0"})

    async def heard(self) -> None:
        for socket in self.sockets:
            await socket.receive_str()

    async def _ask(self, path: str, body: Any) -> Any:
        async with self._session.post(f"{self.url}{path}", json=body, headers=USER) as answer:
            told = await answer.json()
        assert "code" not in told, told
        return told


async def _say(socket: aiohttp.ClientWebSocketResponse, kind: str, data: Any, **more: Any) -> Any:
    await socket.send_json({"msgType": kind, "requestId": "r", "msgData": data, **more})
    return await socket.receive_json()


class PocketBaseRealtime:
    """PocketBase with one listener on its server-sent events."""

    def __init__(self, stack: ExitStack, folder: Path, session: aiohttp.ClientSession) -> None:
        self._peer = PEER.PocketBase(stack, folder)
        connection = self._peer._client._connection
        self._url = f"http://{connection.host}:{connection.port}/api"
        self._token = {"Authorization": self._peer._client._headers["Authorization"]}
        self._session = session
        self._events: Any = None

    async def begin(self, closed: AsyncExitStack) -> None:
        opened = self._session.get(f"{self._url}/realtime")
        answer = await closed.enter_async_context(opened)
        self._events = answer.content
        client = (await self._event())["clientId"]
        body = {"clientId": client, "subscriptions": ["fresh/*"]}
        async with self._session.post(
            f"{self._url}/realtime", json=body, headers=self._token
        ) as told:
            assert told.status < 300, await told.text()

    async def write(self, number: int) -> None:
        body = PEER.document(number)
        async with self._session.post(
            f"{self._url}/collections/fresh/records", json=body, headers=self._token
        ) as told:
            assert told.status < 300, await told.text()

    async def heard(self) -> None:
        await self._event()

    async def _event(self) -> Any:
        while True:
            line = await self._events.readline()
            if line.startswith(b"data:"):
                return json.loads(line[5:])


class Bare:
    """A bare aiohttp server that passes on what it is given."""

    def __init__(self, stack: ExitStack, session: aiohttp.ClientSession) -> None:
        port = PEER.free_port()
        process = subprocess.Popen([sys.executable, "-c", BARE, str(port)], text=True)
        stack.enter_context(PEER.stopped_afterwards(process))
        self._url = f"http://127.0.0.1:{port}"
        self._session = session
        self.sockets: list[aiohttp.ClientWebSocketResponse] = []

    async def listen(self, count: int, closed: Any) -> None:
        for attempt in range(100):
            try:
                await self._session.post(f"{self._url}/write", data="x")
                break
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.05 + attempt / 1000)
        for _ in range(count):
            socket = await self._session.ws_connect(f"{self._url}/ws")
            closed.push_async_callback(socket.close)
            self.sockets.append(socket)

    async def write(self, number: int) -> None:
        text = json.dumps({"n": number, "padding": "x" * 300})
        async with self._session.post(f"{self._url}/write", data=text) as told:
            await told.read()

    async def heard(self) -> None:
        for socket in self.sockets:
            await socket.receive_str()


async def _told_ms(write: Callable[[], Awaitable[None]], heard: Callable[[], Any]) -> float:
    """Return how long it takes from a write until everyone has heard of it."""
    begun_s = time.perf_counter()
    hearing = asyncio.ensure_future(heard())
    await write()
    await hearing
    return (time.perf_counter() - begun_s) * 1e3


async def _in_turns(ours: Any, theirs: Any, rounds: int) -> tuple[list[float], list[float]]:
    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        for side, times in zip((ours, theirs), taken, strict=True):

            async def write(side: Any = side, number: int = number) -> None:
                await side.write(number)

            times.append(await _told_ms(write, side.heard))
    return taken[0][3:], taken[1][3:]


async def _one_and_hundred(stack: ExitStack, folder: Path, rounds: int) -> list[Row]:
    async with AsyncExitStack() as closed:
        connector = aiohttp.TCPConnector(limit=0)
        session = await closed.enter_async_context(aiohttp.ClientSession(connector=connector))
        ours = Suite(stack, folder, session)
        await ours.begin()
        peer = PocketBaseRealtime(stack, folder, session)
        await peer.begin(closed)
        await ours.listen(1, lambda _: {}, closed=closed)
        mine, others = map(statistics.median, await _in_turns(ours, peer, rounds))
        found: list[Row] = [
            ("write to message, 1 watcher", mine, "ms", "PocketBase", mine / others)
        ]
        bare = Bare(stack, session)
        await bare.listen(FAN_OUT, closed)
        await ours.listen(FAN_OUT - 1, lambda _: {}, closed=closed)
        taken = await _in_turns(ours, bare, rounds)
        mine, others = map(statistics.median, taken)
        rate = FAN_OUT / mine * 1e3
        found.append(
            (f"fan-out to {FAN_OUT} sockets", rate, "messages/s", "bare aiohttp", others / mine)
        )
        slow_ms = sorted(taken[0])[int(len(taken[0]) * 0.95)]
        found.append((f"write to the last message, {FAN_OUT}, p95", slow_ms, "ms", "", None))
        return found


async def _crowd(
    stack: ExitStack, folder: Path, rounds: int, who: str, query: Callable[[int], Any]
) -> list[Row]:
    async with AsyncExitStack() as closed:
        connector = aiohttp.TCPConnector(limit=0)
        session = await closed.enter_async_context(aiohttp.ClientSession(connector=connector))
        quiet, suite = (Suite(stack, folder, session) for _ in range(2))
        for each in (quiet, suite):
            await each.begin()
        count = rounds * 20

        async def written_s(group: str) -> list[float]:
            """Write in another process: this one is busy with what its sockets receive."""
            arguments = (group, str(count), quiet.url, suite.url)
            writer = await asyncio.create_subprocess_exec(
                sys.executable, "-c", WRITER, *arguments, stdout=subprocess.PIPE
            )
            told, _ = await writer.communicate()
            medians_s: list[float] = json.loads(told)
            return medians_s

        await suite.listen(CROWD, query, closed=closed)
        passing_s = await written_s("y")
        times = []
        for number in range(rounds // 2):

            async def write(number: int = number) -> None:
                await suite.write(number, g="x")

            times.append(await _told_ms(write, suite.heard))
        hearing = [asyncio.ensure_future(_swallow(socket)) for socket in suite.sockets]
        matching_s = await written_s("x")
        for each in hearing:
            each.cancel()
        await asyncio.gather(*hearing, return_exceptions=True)
        found: list[Row] = [
            (f"a write is told to {CROWD} of {who}", statistics.median(times), "ms", "", None)
        ]
        for name, (alone, beside) in {
            f"writes beside {CROWD} of {who}": passing_s,
            f"writes that {CROWD} of {who} want": matching_s,
        }.items():
            found.append((name, beside * 1e3, "ms a write", "no watchers", beside / alone))
        return found


async def _swallow(socket: aiohttp.ClientWebSocketResponse) -> None:
    while True:
        await socket.receive_str()


def _evaluation() -> Row:
    """Return what a write costs each of many watchers that want another value."""
    interests: Interests[int] = Interests()
    for number in range(CROWD):
        interests.add(number, compile_filter({"room": f"room {number}", "open": True}))
    before = {"_id": "a", "room": "none", "open": True}
    after = {**before, "n": 1}
    count = 20_000
    begun_s = time.process_time()
    for _ in range(count):
        assert not interests.concerned(before, after)
    taken_us = (time.process_time() - begun_s) * 1e6 / count
    return ("a write that a watcher does not want", taken_us / CROWD, "us a watcher", "", None)


def rows(*, full: bool = False) -> Iterator[Row]:
    """Yield every figure, those of peers beside them."""
    rounds = ROUNDS * 4 if full else ROUNDS
    yield _evaluation()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        yield from asyncio.run(_one_and_hundred(stack, folder, rounds))
    for who, query in CROWDS.items():
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            yield from asyncio.run(_crowd(stack, folder, rounds, who, query))


PEER = _sibling("pocketbase")


def main() -> None:
    argparse.ArgumentParser(description=__doc__.partition("\n")[0]).parse_args()
    for name, figure, unit, peer, ratio in rows():
        compared = "" if ratio is None else f"{ratio:8.2f} x {peer}"
        print(f"{name:<44} {figure:12.3f} {unit:<14} {compared}", flush=True)


if __name__ == "__main__":
    main()
