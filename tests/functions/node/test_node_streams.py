"""Bodies and events that a Node function sends while it makes them, seen by a visitor."""

import asyncio
import json

import pytest
from aiohttp import ClientPayloadError, ClientSession, ClientTimeout

WAIT_S = 30
HEAD = "statusCode: 201, headers: { 'X-Kind': 'made', 'Content-Type': 'text/csv' }"
FORMS = {
    "bare": "exports.main = async function * () { yield 'one'; yield Buffer.from('-two') }",
    "body": (
        "function * pieces () { yield 'one'; yield new Uint8Array([45, 116, 119, 111]) }\n"
        f"exports.main = () => ({{ {HEAD}, body: pieces() }})"
    ),
    "readable": (
        "const { Readable } = require('stream')\n"
        f"exports.main = async () => ({{ {HEAD}, body: Readable.from(['one', '-two']) }})"
    ),
}
CODE = {
    **FORMS,
    "endless": (
        "const fs = require('fs')\n"
        "let made = 0\n"
        "exports.main = (event) => ({ statusCode: 200, body: pieces() })\n"
        "async function * pieces () {\n"
        "  try {\n"
        "    while (true) {\n"
        "      made += 65536\n"
        "      fs.writeFileSync(__dirname + '/../../made', String(made))\n"
        "      yield Buffer.alloc(65536)\n"
        "    }\n"
        "  } finally { fs.writeFileSync(__dirname + '/../../closed', '') }\n"
        "}\n"
    ),
    "waits": (
        "const fs = require('fs')\n"
        "const { Readable } = require('stream')\n"
        "exports.main = () => {\n"
        "  const body = new Readable({ read () {} })\n"
        "  body.push('begun')\n"
        "  body.on('close', () => fs.writeFileSync(__dirname + '/../../closed', ''))\n"
        "  return { statusCode: 200, body }\n"
        "}\n"
    ),
    "fails": ("exports.main = async function * () { yield 'half'; throw new Error('no more') }"),
    "wrong": "exports.main = async function * () { yield 'half'; yield 7 }",
    "binary": (
        "const body = () => [Buffer.from([0, 255, 128, 10])].values()\n"
        "exports.main = () => ({ statusCode: 200, body: body() })"
    ),
    "events": (
        "exports.main = async (event, context) => {\n"
        "  const sse = context.sse?.({ headers: { 'X-Own': '1' } })\n"
        "  if (sse !== context.sse()) throw new Error('two')\n"
        "  sse.send({ data: 'Hello' })\n"
        "  sse.send([{ event: 'step', id: 2, retry: 50, data: { a: [1] } }, { comment: 'note' }])\n"
        "  sse.send('data: raw\\n\\n')\n"
        "  sse.on('close', () => console.log('closed'))\n"
        "  setTimeout(() => sse.end({ data: 'by\\r\\nlines' }), 20)\n"
        "  return 'not sent'\n"
        "}\n"
    ),
    "raises": "exports.main = (event, context) => { context.sse(); throw new Error('no more') }",
    "open": "exports.main = (event, context) => { context.sse() }",
    "plain": "exports.main = (event, context) => typeof context.sse",
}


@pytest.fixture
async def running(start_project):
    files = {}
    for name, text in CODE.items():
        trigger = {"name": "http", "type": "http", "config": {"path": f"/{name}"}}
        config = {"timeout": 1 if name == "open" else 20, "triggers": [trigger]}
        files[f"functions/{name}/index.js"] = text
        files[f"functions/{name}/config.json"] = json.dumps(config)
    async with start_project(files) as suite:
        yield suite


@pytest.fixture
async def http():
    async with ClientSession(timeout=ClientTimeout(total=WAIT_S)) as session:
        yield session


@pytest.mark.parametrize("name", FORMS)
async def test_a_body_in_pieces_is_sent(running, http, name):
    for _ in range(3):
        async with http.get(f"{running.site_url}/{name}") as response:
            assert await response.read() == b"one-two"
            assert response.headers["Transfer-Encoding"] == "chunked"
            if name != "bare":
                told = (response.status, response.headers["X-Kind"], response.content_type)
                assert told == (201, "made", "text/csv")


async def test_bytes_arrive_as_they_are(running, http):
    async with http.get(f"{running.site_url}/binary") as response:
        assert await response.read() == bytes([0, 255, 128, 10])


async def test_a_slow_visitor_makes_it_wait_and_leaving_closes_it(running, tmp_path, eventually):
    made, closed = tmp_path / "project/made", tmp_path / "project/closed"
    host, _, port = running.site_url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
    writer.write(f"GET /endless HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    try:
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        before = 0
        # Until it stands still; a look may fall between two writes.
        while before != (before := int((made.exists() and made.read_text()) or 0)) or not before:
            await asyncio.sleep(0.2)
        assert before < 32 * 1024 * 1024
    finally:
        writer.transport.abort()
    await eventually(closed.exists)
    await running.idle()


async def test_leaving_closes_a_source_that_waits(running, http, tmp_path, eventually):
    async with http.get(f"{running.site_url}/waits") as response:
        assert await response.content.readexactly(5) == b"begun"
        response.close()
    await eventually((tmp_path / "project/closed").exists)
    await running.idle()


@pytest.mark.parametrize(("name", "why"), [("fails", "no more"), ("wrong", "of type number")])
async def test_an_error_in_the_middle_ends_the_connection(running, http, name, why):
    async with http.get(f"{running.site_url}/{name}") as response:
        assert await response.content.readexactly(4) == b"half"
        with pytest.raises(ClientPayloadError):
            await response.read()
    await running.idle()
    lines = running.suite.control.logs(function=name, level="error")
    assert any(why in line["line"] for line in lines)


async def test_events_are_sent_as_the_platform_sends_them(running, http):
    async with http.get(f"{running.site_url}/events") as response:
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert response.headers["X-Own"] == "1"
        assert await response.text() == (
            "data: Hello\n\n"
            'event: step\nid: 2\nretry: 50\ndata: {"a":[1]}\n\n'
            ": note\n\ndata: raw\n\n"
            "data: by\ndata: lines\n\n"
        )
    await running.idle()
    assert [each["line"] for each in running.suite.control.logs(function="events")] == ["closed"]


async def test_an_exception_is_the_last_event(running, http):
    async with http.get(f"{running.site_url}/raises") as response:
        assert await response.text() == (
            ": uncaught-exception-from-user-code\nevent: error\ndata: Error: no more\n\n"
        )


async def test_a_stream_that_nobody_ends_ends_at_the_time_out(running, http):
    async with http.get(f"{running.site_url}/open") as response:
        with pytest.raises(ClientPayloadError):
            await response.read()
    await running.idle()


async def test_there_are_no_events_for_who_does_not_come_over_http_access(running):
    assert await running.invoke("plain") == "undefined"
