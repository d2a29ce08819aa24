"""Answers that are sent while a function makes them, over real sockets."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientPayloadError, ClientSession, ClientTimeout

WAIT_S = 30
FORMS = {
    "bare": "def main(event, context):\n    yield 'one'\n    yield b'-two'\n",
    "bare_async": "async def main(event, context):\n    yield 'one'\n    yield b'-two'\n",
    "body": (
        "def main(event, context):\n"
        "    headers = {'X-Kind': 'made', 'Content-Type': 'text/csv'}\n"
        "    return {'statusCode': 201, 'headers': headers, 'body': map(str, ['one', '-two'])}\n"
    ),
    "body_async": (
        "import asyncio\n"
        "async def pieces():\n"
        "    yield 'one'\n"
        "    await asyncio.sleep(0)\n"
        "    yield memoryview(b'-two')\n"
        "async def main(event, context):\n"
        "    headers = {'X-Kind': 'made', 'Content-Type': 'text/csv'}\n"
        "    return {'statusCode': 201, 'headers': headers, 'body': pieces()}\n"
    ),
    "plain_in_async": (
        "async def main(event, context):\n"
        "    headers = {'X-Kind': 'made', 'Content-Type': 'text/csv'}\n"
        "    return {'statusCode': 201, 'headers': headers, 'body': iter(['one', '-two'])}\n"
    ),
    "async_from_plain": (
        "async def pieces():\n    yield 'one'\n    yield '-two'\n"
        "def main(event, context):\n"
        "    headers = {'X-Kind': 'made', 'Content-Type': 'text/csv'}\n"
        "    return {'statusCode': 201, 'headers': headers, 'body': pieces()}\n"
    ),
}
CODE = {
    **FORMS,
    "stepwise": (
        "import threading\n"
        "go = threading.Event()\n"
        "closed = threading.Event()\n"
        "def main(event, context):\n"
        "    if event.get('tell'):\n"
        "        return closed.wait(30)\n"
        "    if event['path'].endswith('go'):\n"
        "        go.set()\n"
        "        return 'gone on'\n"
        "    return {'statusCode': 200, 'body': pieces()}\n"
        "def pieces():\n"
        "    try:\n"
        "        yield 'first'\n"
        "        go.wait(30)\n"
        "        yield 'second'\n"
        "    finally:\n"
        "        closed.set()\n"
    ),
    "endless": (
        "import asyncio, threading\n"
        "closed = threading.Event()\n"
        "made = 0\n"
        "def main(event, context):\n"
        "    if event.get('tell'):\n"
        "        return [closed.wait(30), made]\n"
        "    return {'statusCode': 200, 'body': fast() if event['path'].endswith('fast')"
        " else slow()}\n"
        "def fast():\n"
        "    global made\n"
        "    try:\n"
        "        while True:\n"
        "            made += 65536\n"
        "            yield b'x' * 65536\n"
        "    finally:\n"
        "        closed.set()\n"
        "async def slow():\n"
        "    try:\n"
        "        yield 'begun'\n"
        "        await asyncio.sleep(3600)\n"
        "    finally:\n"
        "        closed.set()\n"
    ),
    "fails": ("def main(event, context):\n    yield 'half'\n    raise ValueError('no more')\n"),
    "wrong_piece": "def main(event, context):\n    yield 'half'\n    yield 7\n",
    "wrong_head": (
        "def main(event, context):\n    return {'statusCode': 99, 'body': iter(['x'])}\n"
    ),
    "wrong_call": "def main(event, context):\n    return (each for each in 'abc')\n",
    "late": (
        "import asyncio\n"
        "async def main(event, context):\n"
        "    return {'statusCode': 200, 'body': pieces(event['path'])}\n"
        "async def pieces(path):\n"
        "    if not path.endswith('first'):\n"
        "        yield 'begun'\n"
        "    await asyncio.sleep(3600)\n"
        "    yield 'never'\n"
    ),
    "empty": (
        "def main(event, context):\n    return {'statusCode': 204, 'body': iter(['not sent'])}\n"
    ),
}
LIMITS = {"late": {"timeout": 1}}


def project_of(code, **limits):
    files = {}
    for name, text in code.items():
        files[f"functions/{name}/index.py"] = text
        config = {"timeout": 30, **limits.get(name, {})}
        trigger = {"name": "http", "type": "http", "config": {"path": f"/{name}"}}
        files[f"functions/{name}/config.json"] = json.dumps({**config, "triggers": [trigger]})
    return files


@pytest.fixture
async def running(start_project):
    async with start_project(project_of(CODE, **LIMITS)) as suite:
        yield suite


@pytest.fixture
async def http():
    async with ClientSession(timeout=ClientTimeout(total=WAIT_S)) as session:
        yield session


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


@pytest.mark.parametrize("name", FORMS)
async def test_a_generator_is_sent_in_pieces(running, http, name):
    async with http.get(f"{running.site_url}/{name}") as response:
        assert await response.read() == b"one-two"
        assert response.headers["Transfer-Encoding"] == "chunked"
        assert response.headers["X-Request-Id"]
        if not name.startswith("bare"):
            told = (response.status, response.headers["X-Kind"], response.content_type)
            assert told == (201, "made", "text/csv")
    (call,) = [each for each in running.suite.control.requests(10) if each["function"] == name]
    assert call["ok"]


async def test_a_piece_arrives_before_the_next_is_made(running, http):
    async with http.get(f"{running.site_url}/stepwise") as response:
        assert await response.content.readexactly(5) == b"first"
        async with http.get(f"{running.site_url}/stepwise/go") as other:
            assert await other.text() == "gone on"
        assert await response.read() == b"second"


async def test_who_asks_for_the_head_gets_no_body(running, http):
    async with http.head(f"{running.site_url}/stepwise") as response:
        assert (response.status, await response.read()) == (200, b"")
    await running.invoke("stepwise", {"path": "go"})
    assert await running.invoke("stepwise", {"tell": 1}) is True


async def test_a_status_without_a_body_sends_none(running, http):
    async with http.get(f"{running.site_url}/empty") as response:
        assert (response.status, await response.read()) == (204, b"")


async def test_a_slow_visitor_makes_the_function_wait_and_leaving_closes_the_generator(running):
    async with connected(running, "/endless/fast") as reader:
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        before = -1
        # It stands still once the buffers are full, whoever reads them.
        while before != (before := (await made(running))):
            await asyncio.sleep(0.1)
        assert before < 32 * 1024 * 1024
    closed, _ = await running.invoke("endless", {"tell": 1})
    assert closed
    await running.idle()


async def made(running):
    """How much has been made so far, seen from outside the function."""
    generation = running.suite.parts.registry._registered["endless"].generation
    return generation.handler.__globals__["made"]


async def test_leaving_closes_a_generator_that_waits(running):
    async with connected(running, "/endless/slow") as reader:
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        await reader.readuntil(b"begun")
    closed, _ = await running.invoke("endless", {"tell": 1})
    assert closed
    await running.idle()
    assert all(each["ok"] for each in running.suite.control.requests(10))


@pytest.mark.parametrize(
    ("name", "why"), [("fails", "ValueError: no more"), ("wrong_piece", "of type int")]
)
async def test_an_error_in_the_middle_ends_the_connection_and_is_logged(running, http, name, why):
    async with http.get(f"{running.site_url}/{name}") as response:
        assert await response.content.readexactly(4) == b"half"
        with pytest.raises(ClientPayloadError):
            await response.read()
    await running.idle()
    lines = running.suite.control.logs(function=name, level="error")
    assert any(why in line["line"] for line in lines)
    assert not running.suite.control.requests(1)[0]["ok"]


async def test_the_time_out_counts_until_the_first_piece(running, http):
    async with http.get(f"{running.site_url}/late/first") as response:
        assert response.status == 200, "the head is sent at once"
        with pytest.raises(ClientPayloadError):
            await response.read()


async def test_the_time_out_counts_for_the_whole(running, http):
    async with http.get(f"{running.site_url}/late") as response:
        assert await response.content.readexactly(5) == b"begun"
        with pytest.raises(ClientPayloadError):
            await response.read()
    (line, *_) = running.suite.control.logs(function="late", level="error")
    assert line["line"] == "Invoking task timed out after 1 seconds"
    await running.idle()


async def test_a_head_that_is_wrong_is_a_coded_502(running, http):
    async with http.get(f"{running.site_url}/wrong_head") as response:
        assert response.status == 502
        assert (await response.json())["code"] == "INVALID_INTEGRATION_RESPONSE"


async def test_who_does_not_come_over_http_access_hears_that_pieces_cannot_be_sent(running):
    told = await running.call("wrong_call")
    assert "only a visitor over HTTP access is answered piece by piece" in told["error"]["message"]


async def test_many_visitors_at_once_all_get_their_own(running, http):
    async def visit(number):
        name = list(FORMS)[number % len(FORMS)]
        async with http.get(f"{running.site_url}/{name}?{number}") as response:
            return await response.read()

    assert set(await asyncio.gather(*(visit(number) for number in range(200)))) == {b"one-two"}
    await running.idle()


# Events

EVENTS = {
    "blocking": (
        "def main(event, context):\n"
        "    sse = context.sse()\n"
        "    assert context.sse() is sse\n"
        "    sse.send({'data': 'Hello'})\n"
        "    sse.send({'event': 'step', 'id': 2, 'retry': 50, 'data': {'a': [1]}})\n"
        "    sse.send([{'comment': 'note'}, 'data: raw\\n\\n', b'data: bytes\\n\\n'])\n"
        "    sse.send(data='by\\nname')\n"
        "    sse.end({'data': 'Goodbye'})\n"
        "    assert sse.closed and not sse.send({'data': 'late'})\n"
        "    return 'not sent'\n"
    ),
    "awaiting": (
        "import asyncio\n"
        "async def main(event, context):\n"
        "    sse = context.sse({'headers': {'X-Own': '1', 'content-type': 'text/plain'}})\n"
        "    for number in range(3):\n"
        "        assert await sse.send({'data': number})\n"
        "    asyncio.get_running_loop().call_later(0.05, sse.end, {'data': 'later'})\n"
    ),
    "raises": ("def main(event, context):\n    context.sse()\n    raise ValueError('no more')\n"),
    "flood": (
        "closed = []\n"
        "async def main(event, context):\n"
        "    if event.get('tell'):\n"
        "        return closed\n"
        "    sse = context.sse()\n"
        "    sse.on('close', lambda: closed.append('heard'))\n"
        "    sent = 0\n"
        "    while not sse.closed:\n"
        "        sse.send({'data': 'x' * 65536})\n"
        "        sent += 65536\n"
        "    closed.append(sent)\n"
    ),
    "open": ("async def main(event, context):\n    context.sse()\n"),
    "none": "def main(event, context):\n    return context.sse() is None\n",
}


@pytest.fixture
async def events(start_project):
    limits = {"open": {"timeout": 1}}
    async with start_project(project_of(EVENTS, **limits)) as suite:
        yield suite


async def test_events_of_a_blocking_handler_are_sent_as_the_platform_sends_them(events, http):
    async with http.get(f"{events.site_url}/blocking") as response:
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert response.headers["Cache-Control"] == "no-cache"
        assert (await response.text()) == (
            "data: Hello\n\n"
            'event: step\nid: 2\nretry: 50\ndata: {"a":[1]}\n\n'
            ": note\n\ndata: raw\n\ndata: bytes\n\n"
            "data: by\ndata: name\n\n"
            "data: Goodbye\n\n"
        )


async def test_the_stream_stays_open_after_the_handler_returned(events, http):
    async with http.get(f"{events.site_url}/awaiting") as response:
        assert response.headers["X-Own"] == "1"
        assert response.content_type == "text/event-stream"
        text = await response.text()
        assert text == "data: 0\n\ndata: 1\n\ndata: 2\n\ndata: later\n\n"
    await events.idle()


async def test_an_exception_is_the_last_event_and_is_logged(events, http):
    async with http.get(f"{events.site_url}/raises") as response:
        assert (await response.text()) == (
            ": uncaught-exception-from-user-code\nevent: error\ndata: ValueError: no more\n\n"
        )
    lines = events.suite.control.logs(function="raises", level="error")
    assert any("no more" in line["line"] for line in lines)


async def test_who_sends_without_waiting_is_cut_off(events):
    async with connected(events, "/flood") as reader:
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        while not (closed := await events.invoke("flood", {"tell": 1})):
            await asyncio.sleep(0.05)
        await events.idle()
        closed = await events.invoke("flood", {"tell": 1})
    assert set(map(type, closed)) == {str, int}
    assert sum(each for each in closed if each != "heard") < 64 * 1024 * 1024
    lines = events.suite.control.logs(function="flood", level="warn")
    assert any("reads more slowly" in line["line"] for line in lines)


async def test_a_stream_that_nobody_ends_ends_at_the_time_out(events, http):
    async with http.get(f"{events.site_url}/open") as response:
        with pytest.raises(ClientPayloadError):
            await response.read()
    await events.idle()


async def test_the_connection_is_known_to_live(events, http, monkeypatch):
    monkeypatch.setattr("emulator.wire.http_stream.HEARTBEAT_EVERY_S", 0.05)
    async with http.get(f"{events.site_url}/open") as response:
        assert await response.content.readuntil(b"\n\n") == b": heartbeat\n\n"


async def test_there_are_no_events_for_who_does_not_come_over_http_access(events):
    assert await events.invoke("none") is True
