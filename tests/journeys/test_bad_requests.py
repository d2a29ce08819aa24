"""Requests that no SDK would make get a coded answer, and the next request is answered as ever."""

import asyncio
import contextlib
import json
from urllib.parse import urlsplit

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

ECHO = "def main(event, context):\n    return 'up'"
REFUSED_S = 10


async def started(world):
    world.write({"echo": ECHO})
    return world.client(await asyncio.to_thread(world.start, "--ephemeral"))


async def assert_serves_on(client):
    assert await client.visit("echo") == (200, b"up")
    assert await client.result("echo") == "up"


async def raw(url, sent, *, read_s=REFUSED_S):
    """Send bytes to a port as they are and return what comes back until it closes or is quiet."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(sent)
        received = b""
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(read_s):
                await writer.drain()
                while chunk := await reader.read(65536):
                    received += chunk
                    if received.endswith(b"}"):
                        break
        return received
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


BODIES = {
    "nothing": b"",
    "no JSON": b"{",
    "a list": b"[]",
    "a number": b"1",
    "null": b"null",
    "not UTF-8": b"\xff\xfe",
    "no action": b"{}",
    "an action that is a list": b'{"action": []}',
    "an unknown action": b'{"action": "database.dance"}',
    "very deep": b'{"action":' * 5_000,
    "deep and whole": b'{"action": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a huge number": b'{"action": 1' + b"0" * 400 + b"}",
    "half a surrogate": b'{"action": "\\ud800"}',
    "zero bytes": b"\0" * 1000,
}


async def test_bodies_that_are_no_request_are_refused_with_a_code(world):
    client = await started(world)
    problems = []
    for name, body in BODIES.items():
        for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
            async with client.http.post(
                f"{client.process.url}/admin", data=body, headers={"Content-Type": kind}
            ) as response:
                text = await response.text()
            told = json.loads(text)
            if response.status != 200 or not told.get("code") or "Traceback" in text:
                problems.append((name, kind, response.status, text[:300]))
    assert not problems
    await assert_serves_on(client)


@pytest.mark.parametrize("port", ["url", "site_url"])
@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(b"HELLO\r\n\r\n", b" 400 ", id="no HTTP"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b" 400 ", id="TLS"),
        pytest.param(
            b"GET /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
            b" 400 ",
            id="a huge header",
        ),
        pytest.param(
            b"GET /" + b"x" * 200_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
            b" 400 ",
            id="a huge path",
        ),
        pytest.param(
            b"POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -5\r\n\r\n",
            b" 400 ",
            id="a negative length",
        ),
        pytest.param(
            b"POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b" 400 ",
            id="chunks that are none",
        ),
    ],
)
async def test_what_is_not_http_is_refused(world, port, sent, status):
    client = await started(world)
    answer = await raw(getattr(client.process, port), sent)
    assert status in answer.split(b"\r\n")[0]
    assert b"Traceback" not in answer
    await assert_serves_on(client)


@pytest.mark.parametrize(("port", "path"), [("url", "/admin"), ("site_url", "/echo")])
async def test_a_body_that_is_announced_too_large_is_refused_before_it_is_sent(world, port, path):
    client = await started(world)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        "Content-Length: 99999999999\r\n\r\n{"
    )
    answer = await raw(getattr(client.process, port), head.encode())
    told = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert told["code"]
    await assert_serves_on(client)


async def test_callers_who_send_slowly_hold_up_nobody(world):
    """Half-sent heads and bodies, many at a time: others are answered meanwhile."""
    client = await started(world)
    half = (
        b"POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{",
        b"POST /admin HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{",
        b"GET /echo HTT",
    )
    writers = []
    for number in range(150):
        url = client.process.site_url if number % 2 else client.process.url
        parts = urlsplit(url)
        _, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(half[number % 3])
        writers.append(writer)
    await assert_serves_on(client)
    for writer in writers:
        writer.close()
    await assert_serves_on(client)


async def test_callers_who_leave_in_the_middle_leave_nothing_behind(world):
    """The answer goes nowhere; the suite is idle afterwards and says nothing odd."""
    slow = "import asyncio\nasync def main(event, context):\n    await asyncio.sleep(0.3)"
    world.write({"slow": slow})
    client = await started(world)
    parts = urlsplit(client.process.site_url)
    for _ in range(30):
        _, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(b"GET /slow HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        await writer.drain()
        writer.transport.abort()
    async with client.http.get(f"{client.process.url}/_emu/idle?timeout_s=20") as response:
        assert json.loads(await response.text()) == {"idle": True}
    await assert_serves_on(client)
    assert "Traceback" not in world.log.read_text()
