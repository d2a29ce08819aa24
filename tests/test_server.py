import asyncio
import json
import socket

import pytest
from aiohttp import ClientSession, WSMsgType, web

from emulator.ambient import CountedIds
from emulator.core.errors import ConfigurationError, PermissionDenied
from emulator.server import SHUTDOWN_GRACE_S, Port, Server
from emulator.wire.guard import Guard

STOP_MAX_S = 2.0


async def hello(request):
    return web.Response(text="hello")


async def raises(request):
    kind = request.match_info["kind"]
    if kind == "ours":
        raise PermissionDenied("the rule said no")
    if kind == "http":
        raise web.HTTPFound("/elsewhere")
    raise ZeroDivisionError("a detail")


async def nothing(request):
    return None


async def never(request):
    await asyncio.Event().wait()


async def sockets(request):
    socket_ = web.WebSocketResponse()
    await socket_.prepare(request)
    async for message in socket_:
        await socket_.send_str(message.data)
    return socket_


class Seen(web.View):
    async def get(self):
        return web.Response(text="a view")


API = [
    web.get("/hello", hello),
    web.get("/raise/{kind}", raises),
    web.get("/never", never),
    web.get("/ws", sockets),
    web.view("/view", Seen),
    web.get("/not-a-response", nothing),
]


def build(*, port=0, site_port=0, **kwargs):
    return Server(
        api=Port(port, API),
        site=Port(site_port, [web.get("/page", hello)]),
        guard=Guard(bound_host="127.0.0.1"),
        ids=CountedIds(),
        **kwargs,
    )


@pytest.fixture
async def server():
    server = build()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def http():
    async with ClientSession() as session:
        yield session


async def test_each_port_serves_its_own_routes(server, http):
    assert server.url != server.site_url
    for url, status in [
        (f"{server.url}/hello", 200),
        (f"{server.url}/view", 200),
        (f"{server.site_url}/page", 200),
        (f"{server.url}/page", 404),
        (f"{server.site_url}/hello", 404),
    ]:
        async with http.get(url) as response:
            assert response.status == status, url


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        pytest.param("/no/such/path", 404, "INVALID_PATH", id="no route"),
        pytest.param("/raise/ours", 403, "DATABASE_PERMISSION_DENIED", id="a refusal"),
        pytest.param("/raise/bug", 500, "SYS_ERR", id="a fault of ours"),
    ],
)
async def test_what_is_raised_is_coded_json_even_for_a_browser(server, http, path, status, code):
    async with http.get(server.url + path, headers={"Accept": "text/html"}) as response:
        assert response.status == status
        body = await response.read()
        assert json.loads(body)["code"] == code
        assert b"Traceback" not in body
        assert b"a detail" not in body


@pytest.mark.parametrize(
    ("origin", "readable"),
    [
        pytest.param("http://localhost:5173", True, id="a page of this machine"),
        pytest.param("https://elsewhere.example", False, id="a page from elsewhere"),
    ],
)
async def test_a_page_of_this_machine_may_read_what_went_wrong(server, http, origin, readable):
    for path in ("/no/such/path", "/raise/ours", "/raise/bug"):
        async with http.get(server.url + path, headers={"Origin": origin}) as response:
            told = response.headers.get("Access-Control-Allow-Origin")
            assert told == (origin if readable else None), path


async def test_a_redirect_passes(server, http):
    async with http.get(f"{server.url}/raise/http", allow_redirects=False) as response:
        assert response.status == 302


async def test_a_rebound_name_is_refused_on_both_ports(server, http):
    for url in (f"{server.url}/hello", f"{server.site_url}/page", f"{server.url}/nothing"):
        async with http.get(url, headers={"Host": "evil.example"}) as response:
            assert response.status == 403
            assert (await response.json())["code"] == "INVALID_REQUEST_SOURCE"


@pytest.mark.parametrize("name", ["port", "site_port"])
async def test_a_busy_port_is_named_and_nothing_is_left_listening(name):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        server = build(**{name: number})
        with pytest.raises(ConfigurationError, match=f"port {number} .* cannot be used"):
            await server.start()
        assert server.url == ""
        await server.stop()


async def test_a_port_number_beyond_all_ports_is_named():
    with pytest.raises(ConfigurationError, match="port 70000"):
        await build(port=70_000).start()


async def test_a_port_is_free_again_after_the_stop():
    server = build()
    await server.start()
    number = int(server.url.rpartition(":")[2])
    await server.stop()
    again = build(port=number)
    await again.start()
    assert again.url == server.url
    await again.stop()


async def test_stopping_twice_or_before_the_start_is_harmless():
    server = build()
    await server.stop()
    await server.start()
    await server.stop()
    await server.stop()


async def test_two_servers_live_side_by_side(http):
    servers = [build(), build()]
    for each in servers:
        await each.start()
    for each in servers:
        async with http.get(f"{each.url}/hello") as response:
            assert response.status == 200
    for each in servers:
        await each.stop()


async def test_a_stop_does_not_wait_for_open_sockets_and_endless_requests(http):
    server = build()
    await server.start()
    async with http.ws_connect(f"{server.url}/ws") as echo:
        await echo.send_str("hi")
        assert (await echo.receive()).data == "hi"
        endless = asyncio.create_task(http.get(f"{server.url}/never").__aenter__())
        idle = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
        half = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
        half[1].write(b"POST /hello HTTP/1.1\r\nHost: localhost\r\nContent-Le")
        await half[1].drain()
        await asyncio.sleep(0)
        async with asyncio.timeout(STOP_MAX_S):
            await server.stop()
        assert (await echo.receive()).type in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.ERROR)
        with pytest.raises(Exception, match=r".*"):
            await endless
        for reader, writer in (idle, half):
            assert await reader.read() == b""
            writer.close()
    assert SHUTDOWN_GRACE_S < STOP_MAX_S


async def test_what_is_to_be_closed_first_is_closed_while_connections_still_are_open():
    heard = []

    async def first():
        heard.append("first")

    async def second():
        heard.append("second")

    server = build(on_stop=[first, second])
    await server.start()
    await server.stop()
    await server.stop()
    assert heard == ["first", "second"]


async def test_ports_of_a_wildcard_address_are_told_by_a_name_that_works(http):
    server = Server(
        api=Port(0, API),
        site=Port(0, []),
        guard=Guard(bound_host="0.0.0.0"),
        ids=CountedIds(),
        host="0.0.0.0",
    )
    await server.start()
    assert server.url.startswith("http://127.0.0.1:")
    async with http.get(f"{server.url}/hello") as response:
        assert response.status == 200
    await server.stop()


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(b"\x16\x03\x01 100% garbage\r\n\r\n", id="another protocol"),
        pytest.param(b"GET / HTTP/1.1\r\nBad 100%s Header\r\n\r\n", id="a bad header"),
        pytest.param(b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n", id="a long address"),
        pytest.param(b"\0" * 1000, id="zeroes"),
    ],
)
async def test_what_is_no_http_is_refused_with_a_line_in_the_log(server, caplog, garbage):
    host, _, port = server.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(garbage)
    assert (await reader.readline()).startswith(b"HTTP/1.0 400")
    writer.close()
    assert all(record.exc_info is None for record in caplog.records)
    assert all("\n" not in record.getMessage() for record in caplog.records)


async def test_a_fault_of_the_http_layer_itself_keeps_its_stack_in_the_log(server, http, caplog):
    async with http.get(f"{server.url}/not-a-response") as response:
        assert response.status == 500
    assert caplog.records
