"""The storage endpoints over real sockets, as the SDKs use them."""

import asyncio
import io
import random
import re
import socket
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from aiohttp import ClientSession, FormData, MultipartWriter, web

from emulator.ambient import CountedIds, ManualClock
from emulator.functions.base import StoredFile
from emulator.services.caller import ADMINISTRATOR, Caller
from emulator.services.storage import Storage, UploadTicket
from emulator.services.tickets import Tickets
from emulator.stores.base import BlobStore
from emulator.stores.disk import DiskBlobStore
from emulator.stores.memory_blobs import MemoryBlobStore
from emulator.wire.storage import routes

ALICE = Caller(kind="user", openid="oAlice")
WAIT_S = 10


@dataclass
class Site:
    """A site port with nothing but storage on it."""

    folder: Path
    clock: ManualClock
    blobs: BlobStore
    storage: Storage
    port: int
    client: ClientSession
    events: list[StoredFile] = field(default_factory=list)

    def ticket(self, path: str, caller: Caller = ADMINISTRATOR) -> UploadTicket:
        return self.storage.upload_ticket(path, caller)

    def url(self, path: str, max_age_s: int | None = None) -> str:
        outcome = self.storage.temporary_url(self.storage.file_id(path), max_age_s)
        assert outcome.code == "SUCCESS"
        return outcome.url

    async def put(self, path: str, content: Any, **headers: str) -> int:
        ticket = self.ticket(path)
        headers = {"x-cos-security-token": ticket.token, **headers}
        if isinstance(content, bytes):
            content = io.BytesIO(content)
        async with self.client.put(ticket.url, data=content, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            return answer.status

    async def get(self, path: str) -> bytes:
        async with self.client.get(self.url(path)) as answer:
            assert answer.status == 200
            return await answer.read()

    def leftovers(self) -> list[Path]:
        return list((self.folder / "incoming").iterdir())


@pytest.fixture(params=["disk", "memory"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def site(kind: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with running(kind, tmp_path / "blobs") as built:
        yield built


@asynccontextmanager
async def running(kind: str, folder: Path, *, cancels: bool = False) -> AsyncIterator[Site]:
    """Run a site port; with `cancels` the server cancels a handler whose client left."""
    clock = ManualClock()
    blobs: BlobStore = DiskBlobStore(folder, clock) if kind == "disk" else MemoryBlobStore(clock)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    events: list[StoredFile] = []
    storage = Storage(
        blobs,
        Tickets("key", clock),
        clock=clock,
        ids=CountedIds(),
        env_id="demo-env",
        bucket="b",
        site_url=lambda _: f"http://127.0.0.1:{port}",
        publish=events.append,
    )
    app = web.Application()
    app.add_routes(routes(storage))
    runner = web.AppRunner(
        app, access_log=None, handler_cancellation=cancels, shutdown_timeout=WAIT_S
    )
    await runner.setup()
    await web.SockSite(runner, listening).start()
    async with ClientSession() as client:
        yield Site(folder, clock, blobs, storage, port, client, events)
    await runner.cleanup()
    await blobs.close()


async def eventually(condition: Any) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.001)


def node_2_form(ticket: UploadTicket, key: str, file: tuple[str, bytes]) -> tuple[bytes, str]:
    """Return body and type of the form that node-sdk 2.x sends: file part as given."""
    boundary = "--------------------------123456789012345678901234"
    fields = {
        "Signature": ticket.authorization,
        "x-cos-security-token": ticket.token,
        "x-cos-meta-fileid": ticket.cos_file_id,
        "key": key,
    }
    body = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    )
    head, content = file
    body += f"--{boundary}\r\n{head}\r\n\r\n".encode() + content
    body += f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


BUFFER_PART = (
    'Content-Disposition: form-data; name="file"\r\nContent-Type: application/octet-stream'
)
STREAM_PART = (
    'Content-Disposition: form-data; name="file"; filename="图.png"\r\nContent-Type: image/png'
)


# Uploads


@pytest.mark.parametrize("head", [BUFFER_PART, STREAM_PART], ids=["buffer", "stream"])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
async def test_the_form_of_node_sdk_2_is_taken(site: Site, head: str, chunked: bool):
    content = bytes(range(256)) * 2000
    ticket = site.ticket("图/a b.png", ALICE)
    body, content_type = node_2_form(ticket, "图/a b.png", (head, content))

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(body), 10_000):
            yield body[at : at + 10_000]

    data: Any = pieces() if chunked else body
    headers = {"Content-Type": content_type}
    async with site.client.post(ticket.url, data=data, headers=headers) as answer:
        assert (answer.status, await answer.read()) == (204, b"")
        assert re.fullmatch(r'"[0-9a-f]{32}-1"', answer.headers["ETag"])
    assert await site.get("图/a b.png") == content
    info = site.storage.info("图/a b.png")
    assert info is not None
    assert (info.owner, info.content_type) == ("oAlice", "image/png")
    assert [(event.operation, event.size_bytes) for event in site.events] == [("put", len(content))]


async def test_the_put_of_node_sdk_3_is_taken(site: Site):
    ticket = site.ticket("图/a b.png", ALICE)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"0123456789" * 1000

    headers = {
        "Signature": ticket.authorization,
        "authorization": ticket.authorization,
        "x-cos-security-token": ticket.token,
        "x-cos-meta-fileid": ticket.cos_file_id,
        "key": quote("图/a b.png", safe=""),
    }
    async with site.client.put(
        ticket.url, data=pieces(), headers=headers, skip_auto_headers=["Content-Type"]
    ) as answer:
        assert (answer.status, await answer.read()) == (200, b"")
    assert await site.get("图/a b.png") == b"0123456789" * 10_000
    info = site.storage.info("图/a b.png")
    assert info is not None
    assert (info.owner, info.content_type) == ("oAlice", "image/png")


async def test_the_form_of_the_browser_sdk_1_is_taken(site: Site):
    """It writes the key twice, the signature in small letters, and wants exactly 201."""
    ticket = site.ticket("a.txt", ALICE)
    form = FormData()
    form.add_field("key", "a.txt")
    form.add_field("signature", ticket.authorization)
    form.add_field("x-cos-meta-fileid", ticket.cos_file_id)
    form.add_field("success_action_status", "201")
    form.add_field("x-cos-security-token", ticket.token)
    form.add_field("key", "a.txt")
    form.add_field("file", b"content", filename="local.txt", content_type="text/plain")
    headers = {"Origin": "http://localhost:5173"}
    async with site.client.post(ticket.url, data=form, headers=headers) as answer:
        assert (answer.status, await answer.read()) == (201, b"")
        assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:5173"
    assert await site.get("a.txt") == b"content"


async def test_the_put_of_the_browser_sdk_2_is_taken(site: Site):
    ticket = site.ticket("a", ALICE)
    headers = {
        "authorization": ticket.authorization,
        "x-cos-meta-fileid": ticket.cos_file_id,
        "x-cos-security-token": ticket.token,
        "content-type": "image/webp",
    }
    async with site.client.put(ticket.url, data=b"content", headers=headers) as answer:
        assert (answer.status, await answer.read()) == (200, b"")
    info = site.storage.info("a")
    assert info is not None
    assert info.content_type == "image/webp"


@pytest.mark.parametrize("content", [b"", b"x", b"\r\n", b"--", b"\0" * 70_000])
async def test_any_content_is_kept_as_it_is(site: Site, content: bytes):
    await site.put("put", content)
    ticket = site.ticket("post")
    body, content_type = node_2_form(ticket, "post", (BUFFER_PART, content))
    headers = {"Content-Type": content_type}
    async with site.client.post(ticket.url, data=body, headers=headers) as answer:
        assert answer.status == 204
    assert await site.get("put") == await site.get("post") == content


async def test_two_hundred_uploads_at_once(site: Site):
    await asyncio.gather(*(site.put(f"file{number}", b"%d" % number) for number in range(200)))
    assert len(site.storage.list()) == 200
    assert await site.get("file137") == b"137"


# Refused uploads


async def refusal(answer: Any) -> tuple[int, str]:
    """Check that the answer is what the SDKs read as an error; return status and code."""
    assert answer.headers["Content-Type"].startswith("application/xml")
    error = ElementTree.fromstring(await answer.text())
    assert error.tag == "Error"
    found = {child.tag: child.text for child in error}
    assert set(found) == {"Code", "Message", "RequestId", "TraceId"}
    assert all(found.values())
    assert answer.headers["x-cos-request-id"] == found["RequestId"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    return answer.status, str(found["Code"])


@pytest.mark.parametrize("token", ["", "forged", "a.b", "图", "other"])
async def test_a_forged_ticket_takes_no_put(site: Site, token: str):
    if token == "other":
        token = Tickets("another key", site.clock).sign("upload", "a", lifetime_s=60)
    headers = {"x-cos-security-token": token}
    async with site.client.put(site.ticket("a").url, data=b"x", headers=headers) as answer:
        assert await refusal(answer) == (403, "AccessDenied")
    assert site.storage.list() == []


async def test_an_expired_ticket_takes_no_upload(site: Site):
    ticket = site.ticket("a")
    site.clock.advance(3600)
    headers = {"x-cos-security-token": ticket.token}
    async with site.client.put(ticket.url, data=b"x", headers=headers) as answer:
        assert await refusal(answer) == (403, "AccessDenied")
        assert "expired" in await answer.text()
    body, content_type = node_2_form(ticket, "a", (BUFFER_PART, b"x"))
    async with site.client.post(
        ticket.url, data=body, headers={"Content-Type": content_type}
    ) as answer:
        assert await refusal(answer) == (403, "AccessDenied")
    assert site.storage.list() == []


@pytest.mark.parametrize(
    "key",
    [
        "b",
        "../a",
        "%2e%2e%2fa",
        "%252e%252e%252fa",
        "..%5ca",
        "a%00",
        "/a",
        "cloud://demo-env.b/a",
        "A",
    ],
)
async def test_a_key_other_than_the_ticket_s_is_refused(site: Site, key: str):
    ticket = site.ticket("a")
    headers = {"x-cos-security-token": ticket.token, "key": key}
    async with site.client.put(ticket.url, data=b"x", headers=headers) as answer:
        assert await refusal(answer) == (403, "AccessDenied")
    body, content_type = node_2_form(ticket, key, (BUFFER_PART, b"x"))
    async with site.client.post(
        ticket.url, data=body, headers={"Content-Type": content_type}
    ) as answer:
        assert await refusal(answer) == (403, "AccessDenied")
    assert site.storage.list() == []
    assert {path.name for path in site.folder.parent.iterdir()} <= {"blobs"}


PART = b'--B\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        pytest.param(b"x", "text/plain", id="no form"),
        pytest.param(b"x", "multipart/form-data", id="no boundary"),
        pytest.param(b"no form at all", "multipart/form-data; boundary=B", id="no parts"),
        pytest.param(b"--B--\r\n", "multipart/form-data; boundary=B", id="empty form"),
        pytest.param(
            PART % (b"x-cos-security-token", b"TOKEN") + b"--B--",
            "multipart/form-data; boundary=B",
            id="no file",
        ),
        pytest.param(
            PART % (b"x-cos-security-token", b"TOKEN") + PART % (b"file", b"half"),
            "multipart/form-data; boundary=B",
            id="no end",
        ),
        pytest.param(
            PART % (b"x-cos-security-token", b"TOKEN") + PART % (b"file", b"1") * 2 + b"--B--",
            "multipart/form-data; boundary=B",
            id="two files",
        ),
        pytest.param(
            PART % (b"note", b"x" * 70_000) + PART % (b"file", b"1") + b"--B--",
            "multipart/form-data; boundary=B",
            id="long field",
        ),
    ],
)
async def test_a_malformed_form_is_refused_and_leaves_nothing(
    site: Site, kind: str, body: bytes, content_type: str
):
    ticket = site.ticket("a")
    body = body.replace(b"TOKEN", ticket.token.encode())
    headers = {"Content-Type": content_type}
    async with site.client.post(ticket.url, data=body, headers=headers) as answer:
        assert await refusal(answer) == (400, "MalformedPOSTRequest")
    assert site.storage.list() == []
    assert kind == "memory" or site.leftovers() == []


async def test_a_file_before_its_ticket_is_refused(site: Site):
    ticket = site.ticket("a")
    body = PART % (b"file", b"1") + PART % (b"x-cos-security-token", ticket.token.encode())
    headers = {"Content-Type": "multipart/form-data; boundary=B"}
    async with site.client.post(ticket.url, data=body + b"--B--", headers=headers) as answer:
        assert await refusal(answer) == (403, "AccessDenied")


@pytest.mark.parametrize("kind", ["memory"], indirect=False)
async def test_a_store_without_room_says_so(site: Site, kind: str):
    ticket = site.ticket("a")

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(70):
            yield b"x" * 1024 * 1024

    headers = {"x-cos-security-token": ticket.token}
    async with site.client.put(ticket.url, data=endless(), headers=headers) as answer:
        assert await refusal(answer) == (503, "ServiceUnavailable")
    assert site.storage.list() == []


async def test_a_message_that_xml_cannot_say_is_said_without(site: Site):
    ticket = site.ticket("a<&>b\ufffe")
    headers = {"x-cos-security-token": ticket.token, "key": "<b>"}
    async with site.client.put(ticket.url, data=b"", headers=headers) as answer:
        assert await refusal(answer) == (403, "AccessDenied")
        assert "a<&>b , not for <b>" in ElementTree.fromstring(await answer.text())[1].text  # type: ignore[operator]  # checked above


@pytest.mark.parametrize("cancels", [False, True], ids=["told", "cancelled"])
@pytest.mark.parametrize("form", [False, True], ids=["put", "form"])
async def test_a_client_that_leaves_in_the_middle_leaves_nothing(
    tmp_path: Path, form: bool, cancels: bool, caplog: pytest.LogCaptureFixture
):
    async with running("disk", tmp_path, cancels=cancels) as site:
        await leave_in_the_middle(site, form)
    assert not caplog.records


async def leave_in_the_middle(site: Site, form: bool) -> None:
    await site.put("a", b"older")
    site.events.clear()
    ticket = site.ticket("a")
    body, content_type = node_2_form(ticket, "a", (BUFFER_PART, b"x" * 300_000))
    if not form:
        body, content_type = b"x" * 300_000, "text/plain"
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(
        f"{'POST' if form else 'PUT'} /_storage/upload HTTP/1.1\r\nHost: x\r\n"
        f"Content-Type: {content_type}\r\nx-cos-security-token: {ticket.token}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n".encode()
        + body[:200_000]
    )
    await writer.drain()
    await eventually(lambda: site.leftovers())
    writer.transport.abort()
    del reader
    await eventually(lambda: not site.leftovers())
    assert await site.get("a") == b"older"
    assert site.events == []


async def test_the_older_file_is_served_until_the_newer_one_is_complete(site: Site):
    await site.put("a", b"older")
    url = site.url("a")
    seen: list[bytes] = []

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"newer"
            async with site.client.get(url) as answer:
                seen.append(await answer.read())

    await site.put("a", pieces())
    assert seen == [b"older"] * 3
    async with site.client.get(url) as answer:
        assert await answer.read() == b"newer" * 3


# Downloads

SIZES = [0, 1, 65_536, 65_537, 3_000_000]


@pytest.mark.parametrize("size", SIZES)
async def test_a_file_comes_back_with_all_a_client_wants_to_know(site: Site, size: int):
    content = bytes(range(251)) * (size // 251 + 1)
    content = content[:size]
    await site.put("图/报告 1.pdf", content)
    async with site.client.get(site.url("图/报告 1.pdf")) as answer:
        assert await answer.read() == content
        headers = answer.headers
    assert headers["Content-Type"] == "application/pdf"
    assert headers["Content-Length"] == str(size)
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["Last-Modified"] == "Tue, 14 Nov 2023 22:13:20 GMT"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Disposition"] == (
        "inline; filename=\"__ 1.pdf\"; filename*=UTF-8''%E6%8A%A5%E5%91%8A%201.pdf"
    )
    assert "Content-Security-Policy" not in headers


@pytest.mark.parametrize("size", SIZES)
async def test_head_tells_the_same_without_the_bytes(site: Site, size: int):
    await site.put("a.png", b"x" * size)
    url = site.url("a.png")
    # js-sdk 3.x sends its token along.
    async with site.client.head(url, headers={"authorization": "Bearer x"}) as answer:
        head = dict(answer.headers)
        assert (answer.status, await answer.read()) == (200, b"")
    async with site.client.get(url) as answer:
        got = dict(answer.headers)
    assert {key: head[key] for key in got if key != "Date"} == {
        key: got[key] for key in got if key != "Date"
    }
    assert head["Content-Length"] == str(size)


@pytest.mark.parametrize("size", [1000, 3_000_000])
async def test_ranges_put_together_are_the_file(site: Site, size: int):
    content = bytes(range(250)) * (size // 250)
    await site.put("a", content)
    url = site.url("a")
    cuts = [0, 1, size // 3, size - 1, size]
    parts = []
    for start, end in pairwise(cuts):
        async with site.client.get(url, headers={"Range": f"bytes={start}-{end - 1}"}) as answer:
            assert answer.status == 206
            assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/{size}"
            assert answer.headers["Content-Length"] == str(end - start)
            parts.append(await answer.read())
    assert b"".join(parts) == content
    async with site.client.get(url, headers={"Range": f"bytes={size}-"}) as answer:
        assert (answer.status, answer.headers["Content-Range"]) == (416, f"bytes */{size}")


@pytest.mark.parametrize("size", [1000, 3_000_000])
async def test_a_client_that_has_the_file_gets_no_bytes(site: Site, size: int):
    await site.put("a", b"x" * size)
    url = site.url("a")
    async with site.client.get(url) as answer:
        tag = answer.headers["ETag"]
    async with site.client.get(url, headers={"If-None-Match": tag}) as answer:
        assert (answer.status, await answer.read()) == (304, b"")
        assert answer.headers["ETag"] == tag
    await site.put("a", b"y" * size)
    async with site.client.get(url, headers={"If-None-Match": tag}) as answer:
        assert (answer.status, len(await answer.read())) == (200, size)
    async with site.client.get(url, headers={"If-Match": tag}) as answer:
        assert answer.status == 412


async def test_several_requests_on_one_connection_stay_apart(site: Site):
    await site.put("small", b"s" * 100)
    await site.put("large", b"l" * 500_000)
    request = "".join(
        f"GET {site.url(path).split(str(site.port), 1)[1]} HTTP/1.1\r\nHost: x\r\n{more}\r\n"
        for path, more in (
            ("small", ""),
            ("large", ""),
            ("large", "Range: bytes=0-99999\r\n"),
            ("small", "Connection: close\r\n"),
        )
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(request.encode())
    async with asyncio.timeout(WAIT_S):
        received = await reader.read(-1)
    writer.close()
    await writer.wait_closed()
    assert received.count(b"HTTP/1.1 2") == 4
    assert received.count(b"s" * 100) == 2
    assert received.count(b"l" * 500_000) == 1
    assert len(received) > 600_000


async def test_an_expired_url_is_refused_as_the_cloud_does(site: Site):
    await site.put("a", b"x")
    url = site.url("a", 60)
    site.clock.advance(60)
    async with site.client.get(url) as answer:
        assert await refusal(answer) == (403, "AccessDenied")
        assert "expired" in await answer.text()


async def test_a_url_of_a_deleted_file_is_gone(site: Site):
    await site.put("a", b"x")
    url = site.url("a")
    await site.storage.clear()
    async with site.client.get(url) as answer:
        assert await refusal(answer) == (404, "NoSuchKey")
    async with site.client.head(url) as answer:
        assert answer.status == 404


TRAVERSALS = [
    "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/etc/passwd",
    "%252e%252e%252fetc%252fpasswd",
    "..\\..\\etc\\passwd",
    "..%5c..%5cetc%5cpasswd",
    "/etc/passwd",
    "//etc/passwd",
    "%2fetc%2fpasswd",
    "a%00.png/a",
    "cloud://demo-env.b/a/x",
    "file:///etc/passwd",
    "index.jsonl/x",
    "a/../a/x",
    "%c0%ae%c0%ae/x",
    "C:\\Windows\\win.ini",
]


@pytest.mark.parametrize("tail", TRAVERSALS)
@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_no_path_leads_out_of_the_store(site: Site, tail: str, method: str):
    """Raw requests, so that no client tidies them up."""
    await site.put("a", b"x")
    before = sorted(path for path in site.folder.parent.rglob("*"))
    for target in (f"/_storage/file/{tail}", f"/_storage/upload/{tail}", f"/_storage/{tail}"):
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(
            f"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            "Content-Length: 1\r\n\r\nx".encode()
        )
        async with asyncio.timeout(WAIT_S):
            received = await reader.read(-1)
        writer.close()
        await writer.wait_closed()
        assert re.match(rb"HTTP/1.1 4\d\d ", received), received[:200]
        assert b"root:" not in received
    assert sorted(path for path in site.folder.parent.rglob("*")) == before


@pytest.mark.parametrize(
    ("path", "active"),
    [
        ("a.html", True),
        ("a.HTM", True),
        ("a.svg", True),
        ("a.xhtml", True),
        ("a.xml", True),
        ("a.png", False),
        ("a.pdf", False),
        ("a.txt", False),
    ],
)
async def test_pages_that_were_uploaded_run_in_a_sandbox(site: Site, path: str, active: bool):
    await site.put(path, b"<script>", **{"Content-Type": ""})
    async with site.client.get(site.url(path)) as answer:
        assert ("sandbox" in answer.headers.get("Content-Security-Policy", "")) == active
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("declared", "active"),
    [
        ("text/html", True),
        ("TEXT/HTML; charset=utf-8", True),
        ("image/png, text/html", True),
        ("image/png;a=b,text/html", True),
        ('image/png; a="x, text/html"', True),
        ("application/atom+xml", True),
        ("application/rss+xml", True),
        ("text/xsl", True),
        ("image/svg+xml", True),
        ("image/x+xml", True),
        ("multipart/x-mixed-replace; boundary=x", True),
        ("message/rfc822", True),
        ("nonsense", True),
        ("image/png", False),
        ("text/plain; charset=utf-8", False),
        ("video/mp4", False),
        ("application/vnd.ms-excel", False),
    ],
)
async def test_a_type_that_an_upload_names_may_not_hide_a_page(
    site: Site, declared: str, active: bool
):
    await site.put("a", b"<script>", **{"Content-Type": declared})
    async with site.client.get(site.url("a")) as answer:
        assert ("sandbox" in answer.headers.get("Content-Security-Policy", "")) == active
        assert answer.headers["Content-Type"] == declared


@pytest.mark.parametrize("form", [True, False])
async def test_headers_of_an_upload_are_those_of_its_downloads(site: Site, form: bool):
    ticket = site.ticket("a.txt")
    sent = {
        "x-cos-security-token": ticket.token,
        "x-cos-meta-fileid": "every SDK sends this",
        "x-cos-meta-author": "alice",
        "Cache-Control": "max-age=60",
        "Content-Disposition": "attachment",
        "Set-Cookie": "a=b",
    }
    if form:
        data = FormData()
        for name, value in sent.items():
            data.add_field(name, value)
        data.add_field("x-cos-meta-evil", "a\r\nSet-Cookie: c=d")
        data.add_field("file", b"x", filename="a.txt")
        call = site.client.post(ticket.url, data=data)
    else:
        call = site.client.put(ticket.url, data=b"x", headers=sent)
    async with call as answer:
        assert answer.status in (200, 204), await answer.text()
    await site.storage.copy(
        source="a.txt", target="b.txt", overwrite=True, remove_original=False, caller=ADMINISTRATOR
    )
    for path in ("a.txt", "b.txt"):
        async with site.client.get(site.url(path)) as answer:
            assert answer.headers["x-cos-meta-author"] == "alice"
            assert answer.headers["Cache-Control"] == "max-age=60"
            assert answer.headers["Content-Disposition"] == "attachment"
            for name in ("x-cos-meta-fileid", "x-cos-meta-evil", "Set-Cookie"):
                assert name not in answer.headers


async def test_headers_of_an_upload_are_bounded(site: Site):
    ticket = site.ticket("a.txt")
    headers = {"x-cos-security-token": ticket.token, "x-cos-meta-a": "x" * 3000}
    async with site.client.put(ticket.url, data=b"x", headers=headers) as answer:
        assert answer.status == 400
        assert b"2048 characters" in await answer.read()
    assert site.storage.list() == []


@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_a_body_that_says_it_is_too_long_is_refused_before_it_comes(site: Site, method: str):
    ticket = site.ticket("a")
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(
        f"{method} /_storage/upload HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"x-cos-security-token: {ticket.token}\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        f"Content-Length: {6 * 1024**3}\r\n\r\n".encode()
    )
    async with asyncio.timeout(WAIT_S):
        received = await reader.readuntil(b"</Error>")
    writer.close()
    await writer.wait_closed()
    assert received.startswith(b"HTTP/1.1 400 ")
    assert b"EntityTooLarge" in received
    assert site.storage.list() == []


MUTATIONS = 400
SCRAPS = (b"\r\n", b"\0", b"..", b"/", b"%2e%2e", b"--b", b'"', b"\xff\xfe", b"A" * 5000, b";", b"")


def mutated(chance: random.Random, text: bytes) -> bytes:
    """Return a text with a few pieces cut, doubled or replaced."""
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(text) + 1)
        end = min(len(text), start + chance.randint(0, 12))
        text = text[:start] + chance.choice((*SCRAPS, text[start:end] * 2)) + text[end:]
    return text


async def test_mutated_requests_get_a_code_and_change_nothing_else(site: Site):
    """Tickets, paths, heads and forms out of order: nothing escapes, nothing is a 500."""
    chance = random.Random(6)
    await site.put("kept", b"kept")
    outside = {path for path in site.folder.parent.rglob("*") if site.folder not in path.parents}
    for _ in range(MUTATIONS):
        token = site.ticket("fuzz/a.bin").token.encode()
        form = b'--b\r\nContent-Disposition: form-data; name="x-cos-security-token"\r\n\r\n'
        form += (
            token + b'\r\n--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n12345\r\n--b--'
        )
        url = site.url("kept").partition("/_storage")[2].encode()
        target, head, body = chance.choice(
            (
                (b"POST /_storage/upload", b"Content-Type: multipart/form-data; boundary=b", form),
                (b"PUT /_storage/upload", b"x-cos-security-token: " + token, b"12345"),
                (b"GET /_storage" + url, b"Range: bytes=1-2\r\nIf-Range: x", b""),
            )
        )
        parts = [target, head, body]
        which = chance.randrange(3)
        parts[which] = mutated(chance, parts[which])
        length = b"Content-Length: %d" % len(parts[2])
        request = b"%b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%b\r\n%b\r\n\r\n%b" % (
            parts[0],
            length,
            parts[1],
            parts[2],
        )
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(request)
        writer.write_eof()
        async with asyncio.timeout(WAIT_S):
            received = await reader.read(-1)
        writer.close()
        await writer.wait_closed()
        assert re.match(rb"HTTP/1.\d [24]\d\d ", received) or not received, (request, received)
        assert b"Traceback" not in received
    assert await site.get("kept") == b"kept"
    now = {path for path in site.folder.parent.rglob("*") if site.folder not in path.parents}
    assert now == outside
    assert {info.cloud_path for info in site.storage.list()} <= {"kept", "fuzz/a.bin"}


async def test_a_name_cannot_break_out_of_its_header(site: Site):
    await site.put('a"; x="b\\.txt', b"x")
    async with site.client.get(site.url('a"; x="b\\.txt')) as answer:
        assert answer.headers["Content-Disposition"] == (
            "inline; filename=\"a_; x=_b_.txt\"; filename*=UTF-8''a%22%3B%20x%3D%22b%5C.txt"
        )


async def test_what_is_added_to_a_url_does_not_hinder(site: Site):
    await site.put("a.png", b"x")
    url = site.url("a.png")
    for longer in (f"{url}?ci-process=snapshot", f"{url}?t=1", quote(url, safe=":/")):
        async with site.client.get(longer) as answer:
            assert await answer.read() == b"x"


@pytest.mark.parametrize("cancels", [False, True], ids=["told", "cancelled"])
async def test_a_client_that_leaves_in_the_middle_of_a_download_lets_go_of_the_file(
    tmp_path: Path, cancels: bool, caplog: pytest.LogCaptureFixture
):
    async with running("disk", tmp_path, cancels=cancels) as site:
        await site.put("a", b"x" * 30_000_000)
        path = site.url("a").split(str(site.port), 1)[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await reader.readexactly(100_000)
        await site.storage.clear()
        contents = [each for each in (tmp_path / "contents").rglob("*") if each.is_file()]
        assert len(contents) == 1, "the reader still has it"
        writer.transport.abort()
        await eventually(lambda: not contents[0].exists())
    assert not caplog.records


async def test_a_replaced_file_is_sent_to_its_end(tmp_path: Path):
    async with running("disk", tmp_path) as site:
        await site.put("a", b"x" * 30_000_000)
        async with site.client.get(site.url("a")) as answer:
            first = await answer.content.readexactly(1000)
            await site.put("a", b"newer")
            rest = await answer.read()
        assert first + rest == b"x" * 30_000_000
        assert await site.get("a") == b"newer"


async def test_a_loop_without_sendfile_sends_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async def missing(*arguments: object) -> None:
        raise NotImplementedError

    async with running("disk", tmp_path) as site:
        await site.put("a", b"0123456789" * 100_000)
        monkeypatch.setattr(asyncio.get_running_loop(), "sendfile", missing)
        assert await site.get("a") == b"0123456789" * 100_000


# Pages of other origins


@pytest.mark.parametrize("target", ["/_storage/upload", "/_storage/file/ticket/a.png"])
async def test_every_preflight_is_answered(site: Site, target: str):
    headers = {
        "Origin": "http://localhost:5173",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization,x-cos-meta-fileid,x-own",
    }
    url = f"http://127.0.0.1:{site.port}{target}"
    async with site.client.options(url, headers=headers) as answer:
        assert (answer.status, await answer.read()) == (204, b"")
        told = answer.headers
    assert told["Access-Control-Allow-Origin"] == "http://localhost:5173"
    assert told["Access-Control-Allow-Headers"] == "authorization,x-cos-meta-fileid,x-own"
    assert {"GET", "HEAD", "POST", "PUT"} <= set(told["Access-Control-Allow-Methods"].split(", "))
    assert told["Access-Control-Allow-Private-Network"] == "true"
    assert told["Vary"] == "Origin"
    assert "Access-Control-Allow-Credentials" not in told


@pytest.mark.parametrize("size", [10, 100_000])
async def test_pages_may_read_what_they_download(site: Site, size: int):
    await site.put("a", b"x" * size)
    async with site.client.get(site.url("a"), headers={"Origin": "http://page"}) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == "http://page"
        assert "content-length" in answer.headers["Access-Control-Expose-Headers"]


# Memory


@pytest.mark.slow
@pytest.mark.parametrize("form", [False, True], ids=["put", "form"])
async def test_memory_does_not_grow_with_the_file(tmp_path: Path, form: bool):
    """200 MB go in and out while the process holds a small part of them at any time."""
    size, chunk = 200 * 1024 * 1024, b"x" * 256 * 1024

    async def stream() -> AsyncIterator[bytes]:
        for _ in range(size // len(chunk)):
            yield chunk

    async with running("disk", tmp_path) as site:
        ticket = site.ticket("large")
        headers = {"x-cos-security-token": ticket.token}
        data: Any = stream()
        if form:
            data = MultipartWriter("form-data")
            token = data.append(ticket.token)
            token.set_content_disposition("form-data", name="x-cos-security-token")
            data.append(stream()).set_content_disposition("form-data", name="file")
        tracemalloc.start()
        method = "POST" if form else "PUT"
        async with site.client.request(method, ticket.url, data=data, headers=headers) as answer:
            assert answer.status in (200, 204)
        received = 0
        async with site.client.get(site.url("large")) as answer:
            async for piece in answer.content.iter_any():
                received += len(piece)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert received == size
        assert peak < 20 * 1024 * 1024
