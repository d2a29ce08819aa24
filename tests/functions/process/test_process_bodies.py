"""Bodies that a function in a process sends while it makes them, seen by a visitor."""

import asyncio
import json
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientPayloadError, ClientSession, ClientTimeout

WAIT_S = 30
CODE = {
    "stepwise": (
        "import pathlib, time\n"
        "def main(event, context):\n"
        "    here = pathlib.Path(__file__).parents[2]\n"
        "    yield 'first'\n"
        "    while not (here / 'go').exists(): time.sleep(0.01)\n"
        "    yield b'second'\n"
    ),
    "endless": (
        "import pathlib\n"
        "here = pathlib.Path(__file__).parents[2]\n"
        "def main(event, context):\n"
        "    made = 0\n"
        "    try:\n"
        "        while True:\n"
        "            made += 65536\n"
        "            (here / 'made').write_text(str(made))\n"
        "            yield b'x' * 65536\n"
        "    finally:\n"
        "        (here / 'closed').write_text('')\n"
    ),
    "head": (
        "async def pieces():\n    yield 'one'\n    yield '-two'\n"
        "async def main(event, context):\n"
        "    return {'statusCode': 201, 'headers': {'X-Kind': 'made'}, 'body': pieces()}\n"
    ),
    "fails": "def main(event, context):\n    yield 'half'\n    raise ValueError('no more')\n",
    "events": (
        "async def main(event, context):\n"
        "    sse = context.sse()\n"
        "    for n in range(3): await sse.send(data={'n': n})\n"
        "    sse.end()\n"
    ),
    "whole": "def main(event, context): return {'statusCode': 200, 'body': 'whole'}",
}


@pytest.fixture
async def running(start_project):
    files = {}
    for name, text in CODE.items():
        trigger = {"name": "http", "type": "http", "config": {"path": f"/{name}"}}
        config = {"runtime": "process", "timeout": 20, "triggers": [trigger]}
        files[f"functions/{name}/index.py"] = text
        files[f"functions/{name}/config.json"] = json.dumps(config)
    async with start_project(files) as suite:
        yield suite


@pytest.fixture
async def http():
    async with ClientSession(timeout=ClientTimeout(total=WAIT_S)) as session:
        yield session


@pytest.fixture
def here(running) -> Path:
    return running.suite.config.project


@asynccontextmanager
async def connected(running, path):
    """A visitor who reads nothing until told to."""
    host, _, port = running.site_url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    await writer.drain()
    try:
        yield reader
    finally:
        writer.transport.abort()


async def test_a_piece_arrives_before_the_next_is_made(running, http, here):
    async with http.get(f"{running.site_url}/stepwise") as response:
        assert await response.content.readexactly(5) == b"first"
        (here / "go").write_text("")
        assert await response.read() == b"second"
    await running.idle()


async def test_a_slow_visitor_makes_the_function_wait_and_leaving_ends_it(running, here):
    async with connected(running, "/endless") as reader:
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        made, before = here / "made", ""
        while before != (before := made.read_text() if made.exists() else "") or not before:
            await asyncio.sleep(0.2)
        assert int(before) < 32 * 1024 * 1024
    async with asyncio.timeout(WAIT_S):
        while not (here / "closed").exists():
            await asyncio.sleep(0.01)
    await running.idle()


async def test_head_and_pieces_arrive_as_they_were_sent(running, http):
    async with http.get(f"{running.site_url}/head") as response:
        assert (response.status, response.headers["X-Kind"]) == (201, "made")
        assert await response.read() == b"one-two"


async def test_an_error_in_the_middle_ends_the_connection_and_is_logged(running, http):
    async with http.get(f"{running.site_url}/fails") as response:
        assert await response.content.readexactly(4) == b"half"
        with pytest.raises(ClientPayloadError):
            await response.read()
    await running.idle()
    lines = running.suite.control.logs(function="fails", level="error")
    assert any("ValueError: no more" in line["line"] for line in lines)


async def test_events_are_told_one_after_another(running, http):
    async with http.get(f"{running.site_url}/events") as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        text = (await response.read()).decode()
    assert [line for line in text.splitlines() if line] == [
        f'data: {{"n":{number}}}' for number in range(3)
    ]


async def test_process_that_streamed_serves_on(running, http):
    for path, body in (("head", b"one-two"), ("whole", b"whole"), ("head", b"one-two")):
        async with http.get(f"{running.site_url}/{path}") as response:
            assert await response.read() == body
