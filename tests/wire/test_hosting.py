"""The hosted site over real sockets."""

import asyncio
import gzip
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession, web

from emulator.ambient import CountedIds
from emulator.server import Port, Server
from emulator.services.hosting import (
    CacheRule,
    Hosting,
    Mount,
    Redirect,
    Rewrite,
    SiteRules,
    Visitors,
)
from emulator.wire import hosting as hosting_wire
from emulator.wire.guard import Guard
from emulator.wire.hosting import HostedSite

SCRIPT = b"let answer = 42;\n" * 500
LARGE = os.urandom(300_000)
PAGE = b"<html><BODY>hello</BODY></html>"
BROWSER = {"Sec-Fetch-Dest": "document"}
WAIT_S = 10


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    for name, content in {
        "index.html": PAGE,
        "404.html": b"<p>lost",
        "main.js": SCRIPT,
        "large.bin": LARGE,
        "large.txt": b"words and words\n" * 20_000,
        "empty.txt": b"",
        "docs/index.html": b"docs",
    }.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


class Watched:
    """Stands for a watcher of files: remembers who wants to be called."""

    def __init__(self) -> None:
        self.changed: Callable[[], None] | None = None
        self.ended = 0
        self.begun = asyncio.Event()

    def __call__(self, changed: Callable[[], None]) -> Callable[[], None]:
        self.changed = changed
        self.begun.set()

        def end() -> None:
            self.ended += 1

        return end


@asynccontextmanager
async def serving(root: Path, watch: Watched | None = None, **rules) -> AsyncIterator[str]:
    async def call(function: str, prefix: str, request: web.Request) -> web.Response:
        return web.Response(text=f"{function} {prefix} {request.method} {request.path}")

    hosting = Hosting([Mount(folder=root)], SiteRules(**rules), private=root / ".data")
    site = HostedSite(hosting, call, ids=CountedIds(), watch=watch)
    everything = web.route("*", "/{path:.*}", site.answer)
    server = Server(
        api=Port(0, []),
        site=Port(0, [*site.routes(), everything]),
        guard=Guard(bound_host="127.0.0.1"),
        ids=CountedIds(),
        on_stop=[site.close],
    )
    await server.start()
    try:
        yield server.site_url
    finally:
        await server.stop()


@pytest.fixture
async def client() -> AsyncIterator[ClientSession]:
    async with ClientSession(auto_decompress=False, headers={"Accept-Encoding": ""}) as session:
        yield session


async def test_a_page_comes_with_all_a_browser_wants_to_know(root: Path, client: ClientSession):
    async with serving(root) as url, client.get(url) as answer:
        assert await answer.read() == PAGE
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-cache"
        assert answer.headers["Accept-Ranges"] == "bytes"
        assert {"ETag", "Last-Modified"} <= answer.headers.keys()


@pytest.mark.parametrize("name", ["main.js", "large.bin", "large.txt", "empty.txt"])
async def test_head_tells_the_same_without_the_bytes(root: Path, client: ClientSession, name: str):
    async with serving(root) as url:
        async with client.get(f"{url}/{name}") as answer:
            body, told = await answer.read(), answer.headers
        async with client.head(f"{url}/{name}") as answer:
            assert await answer.read() == b""
            for header in ("Content-Length", "Content-Type", "ETag"):
                assert answer.headers[header] == told[header]
        assert body == (root / name).read_bytes()


async def test_ranges_and_conditions_are_kept(root: Path, client: ClientSession):
    async with serving(root) as url:
        async with client.get(f"{url}/large.bin", headers={"Range": "bytes=1000-200999"}) as part:
            assert part.status == 206
            assert part.headers["Content-Range"] == "bytes 1000-200999/300000"
            assert await part.read() == LARGE[1000:201000]
            tag = part.headers["ETag"]
        headers = {"If-None-Match": tag}
        async with client.get(f"{url}/large.bin", headers=headers) as answer:
            assert (answer.status, await answer.read()) == (304, b"")
        (root / "large.bin").write_bytes(b"new")
        async with client.get(f"{url}/large.bin", headers=headers) as answer:
            assert (answer.status, await answer.read()) == (200, b"new")
        headers = {"Range": "bytes=0-1", "If-Range": tag}
        async with client.get(f"{url}/large.bin", headers=headers) as answer:
            assert (answer.status, await answer.read()) == (200, b"new")


@pytest.mark.parametrize("name", ["main.js", "large.txt"])
async def test_text_is_compressed_for_who_takes_it(root: Path, client: ClientSession, name: str):
    content = (root / name).read_bytes()
    headers = {"Accept-Encoding": "br, gzip;q=0.8"}
    async with serving(root) as url:
        for _ in range(2):
            async with client.get(f"{url}/{name}", headers=headers) as answer:
                packed = await answer.read()
                assert answer.headers["Content-Encoding"] == "gzip"
                assert answer.headers["Vary"] == "Accept-Encoding"
                assert gzip.decompress(packed) == content
                tag = answer.headers["ETag"]
        async with client.get(f"{url}/{name}", headers={**headers, "If-None-Match": tag}) as answer:
            assert (answer.status, await answer.read()) == (304, b"")
            assert "Content-Encoding" not in answer.headers
        async with client.get(f"{url}/{name}") as answer:
            assert answer.headers["ETag"] != tag
            assert answer.headers["Vary"] == "Accept-Encoding"
            assert await answer.read() == content


@pytest.mark.parametrize(
    ("name", "headers"),
    [
        ("large.bin", {"Accept-Encoding": "gzip"}),
        ("empty.txt", {"Accept-Encoding": "gzip"}),
        ("main.js", {"Accept-Encoding": "gzip;q=0"}),
        ("main.js", {"Accept-Encoding": "identity, gzip;q=0.000"}),
        ("main.js", {"Accept-Encoding": "xgzip"}),
        ("main.js", {"Accept-Encoding": "gzip", "Range": "bytes=0-"}),
    ],
)
async def test_what_need_not_or_may_not_be_compressed_is_sent_as_it_is(
    root: Path, client: ClientSession, name: str, headers: dict[str, str]
):
    async with serving(root) as url, client.get(f"{url}/{name}", headers=headers) as answer:
        assert "Content-Encoding" not in answer.headers
        assert await answer.read() == (root / name).read_bytes()


async def test_compressed_files_are_kept_up_to_a_bound(
    root: Path, client: ClientSession, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(hosting_wire, "KEPT_BYTES_MAX", 100)
    headers = {"Accept-Encoding": "gzip"}
    async with serving(root) as url:
        for name in ("main.js", "large.txt", "main.js"):
            async with client.get(f"{url}/{name}", headers=headers) as answer:
                assert gzip.decompress(await answer.read()) == (root / name).read_bytes()


async def test_a_saved_file_is_compressed_anew(root: Path, client: ClientSession):
    headers = {"Accept-Encoding": "gzip"}
    async with serving(root) as url:
        for content in (SCRIPT, b"let other = 1;\n" * 500):
            (root / "main.js").write_bytes(content)
            async with client.get(f"{url}/main.js", headers=headers) as answer:
                assert gzip.decompress(await answer.read()) == content


async def test_the_error_page_and_its_status(root: Path, client: ClientSession):
    async with serving(root, error="404.html") as url, client.get(f"{url}/lost") as answer:
        assert (answer.status, await answer.read()) == (404, b"<p>lost")
    async with serving(root) as url, client.get(f"{url}/lost") as answer:
        assert answer.status == 404
        assert (await answer.json())["code"] == "INVALID_PATH"


async def test_moves_keep_the_query(root: Path, client: ClientSession):
    rules = {"redirects": (Redirect(prefix="old/", replacement="docs/"),)}
    async with serving(root, **rules) as url:
        for path, location in (("/docs?a=%20b", "/docs/?a=%20b"), ("/old/x?b", "/docs/x?b")):
            async with client.get(f"{url}{path}", allow_redirects=False) as answer:
                assert (answer.status, answer.headers["Location"]) == (302, location)


async def test_cache_rules_are_told(root: Path, client: ClientSession):
    rules = {"cache": (CacheRule(match=".js", max_age_s=60),)}
    async with serving(root, **rules) as url, client.get(f"{url}/main.js") as answer:
        assert answer.headers["Cache-Control"] == "max-age=60"


async def test_a_rewrite_calls_its_function(root: Path, client: ClientSession):
    rules = {"rewrites": (Rewrite(prefix="/api", function="shop"),)}
    async with serving(root, **rules) as url, client.post(f"{url}/api/orders") as answer:
        assert await answer.text() == "shop /api POST /api/orders"


async def test_files_are_for_reading(root: Path, client: ClientSession):
    async with serving(root) as url:
        async with client.post(url, data=b"x") as answer:
            assert answer.status == 405
            assert answer.headers["Allow"] == "GET, HEAD"
            assert (await answer.json())["code"] == "METHOD_NOT_ALLOWED"
        async with client.post(f"{url}/lost", data=b"x") as answer:
            assert answer.status == 404


async def test_visitors_that_lists_keep_out(root: Path, client: ClientSession):
    visitors = Visitors(deny_referers=("bad.example",), deny_addresses=("10.0.0.0/8",))
    async with serving(root, visitors=visitors) as url:
        for headers in ({"Referer": "https://bad.example/"}, {"X-Forwarded-For": "10.0.0.7, x"}):
            async with client.get(url, headers=headers) as answer:
                assert answer.status == 403
                assert (await answer.json())["code"] == "ACCESS_DENIED"
        async with client.get(url) as answer:
            assert answer.status == 200


async def test_a_file_that_became_shorter_on_the_way_hangs_up(
    root: Path, client: ClientSession, monkeypatch: pytest.MonkeyPatch
):
    loop = asyncio.get_running_loop()

    async def short(transport, file, offset, count, **_):
        return count - 1

    async with serving(root) as url:
        monkeypatch.setattr(loop, "sendfile", short)
        async with asyncio.timeout(WAIT_S), client.get(f"{url}/large.bin") as answer:
            with pytest.raises(ClientError):
                await answer.read()


async def test_a_browser_s_page_gets_the_script_and_nobody_else_does(
    root: Path, client: ClientSession
):
    async with serving(root, Watched()) as url:
        async with client.get(url, headers=BROWSER) as answer:
            text = await answer.read()
            assert b'<script src="/_hosting/reload.js"></script></BODY>' in text
            assert answer.headers["Cache-Control"] == "no-store"
            assert "ETag" not in answer.headers
        async with client.get(url) as answer:
            assert await answer.read() == PAGE
        async with client.get(f"{url}/main.js", headers=BROWSER) as answer:
            assert await answer.read() == SCRIPT
        async with client.get(f"{url}/_hosting/reload.js") as answer:
            assert b"EventSource" in await answer.read()
    async with serving(root) as url:
        async with client.get(url, headers=BROWSER) as answer:
            assert await answer.read() == PAGE
        async with client.get(f"{url}/_hosting/reload.js") as answer:
            assert answer.status == 404


async def test_open_pages_hear_of_saved_files(root: Path, client: ClientSession):
    watch = Watched()
    async with (
        asyncio.timeout(WAIT_S),
        serving(root, watch) as url,
        client.get(f"{url}/_hosting/reload") as one,
        client.get(f"{url}/_hosting/reload") as two,
    ):
        await watch.begun.wait()
        for stream in (one, two):
            assert await stream.content.readuntil(b"\n\n") == b": open\n\n"
        assert watch.changed is not None
        watch.changed()
        for stream in (one, two):
            assert await stream.content.readuntil(b"\n\n") == b"event: reload\ndata: {}\n\n"
    assert watch.ended == 1


async def test_only_so_many_pages_listen(
    root: Path, client: ClientSession, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(hosting_wire, "LISTENERS_MAX", 1)
    async with serving(root, Watched()) as url, client.get(f"{url}/_hosting/reload") as one:
        await one.content.readuntil(b"\n\n")
        async with client.get(f"{url}/_hosting/reload") as two:
            assert two.status == 503


async def test_a_quiet_stream_says_that_it_lives(
    root: Path, client: ClientSession, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(hosting_wire, "HEARTBEAT_S", 0.01)
    async with serving(root, Watched()) as url, client.get(f"{url}/_hosting/reload") as stream:
        await stream.content.readuntil(b"\n\n")
        assert await stream.content.readuntil(b"\n\n") == b": here\n\n"
