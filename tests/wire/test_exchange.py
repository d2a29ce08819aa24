import asyncio
import gzip
import json
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from emulator.core.errors import EmulatorError
from emulator.wire.exchange import DRAIN_ABOVE_BYTES, json_answer, read_body

BODY_MAX_BYTES = 1000
LONG = b'"' + b"x" * (DRAIN_ABOVE_BYTES * 40) + b'"'


async def size(request):
    """Answer how long the body was, or the code of what was wrong with it."""
    try:
        body = await read_body(request, max_bytes=BODY_MAX_BYTES)
    except EmulatorError as error:
        return json_answer(request, json.dumps(error.code).encode())
    return json_answer(request, b"%d" % len(body))


async def long(request):
    return json_answer(request, LONG)


async def missing(request):
    return json_answer(request, b'"gone"', status=404)


@asynccontextmanager
async def connection():
    app = web.Application(client_max_size=BODY_MAX_BYTES * 4)
    app.add_routes([web.route("*", "/", size), web.post("/long", long), web.get("/404", missing)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    reader, writer = await asyncio.open_connection(*runner.addresses[0][:2])
    try:
        yield reader, writer
    finally:
        writer.close()
        await runner.cleanup()


def post(body, *lines, version="1.1"):
    head = [f"POST / HTTP/{version}", "Host: localhost", f"Content-Length: {len(body)}", *lines]
    return "\r\n".join([*head, "", ""]).encode() + body


async def answer(reader):
    """Return status line, headers and body of the next answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
    return head[0], headers, await reader.readexactly(int(headers.get("content-length", 0)))


async def test_many_requests_share_a_connection():
    async with connection() as (reader, writer):
        for length in (1, 200, 0, 3):
            writer.write(post(b"x" * length))
            status, headers, body = await answer(reader)
            assert status == "HTTP/1.1 200 OK"
            assert headers["content-type"] == "application/json; charset=utf-8"
            assert "connection" not in headers
            assert body == b"%d" % length


async def test_requests_sent_without_waiting_are_answered_in_order():
    async with connection() as (reader, writer):
        writer.write(b"".join(post(b"x" * length) for length in range(5)))
        assert [(await answer(reader))[2] for _ in range(5)] == [b"0", b"1", b"2", b"3", b"4"]


async def test_a_body_that_arrives_in_pieces_is_read_whole():
    async with connection() as (reader, writer):
        request = post(b"x" * 300)
        for start in range(0, len(request), 90):
            writer.write(request[start : start + 90])
            await writer.drain()
            await asyncio.sleep(0)
        assert (await answer(reader))[2] == b"300"


async def test_a_chunked_body_is_read():
    async with connection() as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(b"5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n")
        assert (await answer(reader))[2] == b"10"


async def test_a_packed_body_is_unpacked():
    async with connection() as (reader, writer):
        writer.write(post(gzip.compress(b"x" * 500), "Content-Encoding: gzip"))
        assert (await answer(reader))[2] == b"500"


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        pytest.param(post(b"x" * (BODY_MAX_BYTES + 1)), b'"INVALID_PARAM"', id="beyond the bound"),
        pytest.param(post(b"x" * 50_000), b'"INVALID_PARAM"', id="far beyond it"),
        pytest.param(
            post(gzip.compress(b"x" * 10_000_000), "Content-Encoding: gzip"),
            b'"INVALID_PARAM"',
            id="a zip bomb",
        ),
        pytest.param(
            post(b"not gzip at all", "Content-Encoding: gzip"),
            b'"INVALID_COMMON_PARAM"',
            id="packed wrongly",
        ),
    ],
)
async def test_a_bad_body_is_a_coded_error(request_, code):
    async with connection() as (reader, writer):
        writer.write(request_)
        assert (await answer(reader))[2] == code


async def test_a_client_that_will_not_stay_is_told_the_connection_closes():
    async with connection() as (reader, writer):
        writer.write(post(b"x", "Connection: close"))
        _, headers, body = await answer(reader)
        assert headers["connection"] == "close"
        assert body == b"1"
        assert await reader.read() == b""


async def test_an_old_client_is_answered_in_its_version():
    async with connection() as (reader, writer):
        writer.write(post(b"x", version="1.0"))
        status, _, body = await answer(reader)
        assert status == "HTTP/1.0 200 OK"
        assert body == b"1"


async def test_head_is_answered_without_a_body():
    async with connection() as (reader, writer):
        writer.write(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" + post(b"xyz"))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert (await answer(reader))[2] == b"3"


async def test_another_status_is_told():
    async with connection() as (reader, writer):
        writer.write(b"GET /404 HTTP/1.1\r\nHost: x\r\n\r\n")
        status, _, body = await answer(reader)
        assert status == "HTTP/1.1 404 Not Found"
        assert body == b'"gone"'


async def test_a_slow_reader_gets_the_whole_of_a_long_answer():
    async with connection() as (reader, writer):
        writer.write(b"POST /long HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        assert (await answer(reader))[2] == LONG


async def test_a_client_that_went_away_disturbs_nobody(caplog):
    async with connection() as (reader, writer):
        gone_reader, gone = await asyncio.open_connection(*writer.get_extra_info("peername")[:2])
        gone.write(b"POST /long HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        await gone_reader.readexactly(10)
        gone.transport.abort()
        writer.write(post(b"still here"))
        assert (await answer(reader))[2] == b"10"
    assert not caplog.records


async def test_a_client_that_goes_away_while_it_sends_is_no_fault_of_ours(caplog):
    heard = asyncio.Event()

    async def told(request):
        heard.set()
        try:
            return await size(request)
        finally:
            ended.set()

    ended = asyncio.Event()
    app = web.Application()
    app.add_routes([web.post("/", told)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    _, writer = await asyncio.open_connection(*runner.addresses[0][:2])
    writer.write(post(b"x" * 500)[:-100])
    await heard.wait()
    writer.transport.abort()
    async with asyncio.timeout(5):
        await ended.wait()
    await runner.cleanup()
    assert not caplog.records
