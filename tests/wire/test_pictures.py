"""Processed pictures over real sockets."""

import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from PIL import Image

from emulator.ambient import CountedIds, ManualClock
from emulator.core.commands import UploadFile
from emulator.services import pictures as pictures_service
from emulator.services.caller import ADMINISTRATOR
from emulator.services.storage import Storage
from emulator.services.tickets import Tickets
from emulator.stores.memory_blobs import MemoryBlobStore
from emulator.wire import pictures
from emulator.wire.storage import routes

THUMBNAIL = "?imageMogr2/thumbnail/20x"


def content_of(kind: str) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (80, 40)).save(target, kind)
    return target.getvalue()


@pytest.fixture
async def url_of(tmp_path: Path) -> AsyncIterator:
    clock, address = ManualClock(), []
    storage = Storage(
        MemoryBlobStore(clock),
        Tickets("key", clock),
        clock=clock,
        ids=CountedIds(),
        env_id="demo-env",
        bucket="b",
        site_url=lambda _: address[0],
        publish=lambda file: None,
    )
    app = web.Application()
    app.add_routes(routes(storage))
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    address.append(f"http://127.0.0.1:{runner.addresses[0][1]}")

    async def put(path: str, content: bytes) -> str:
        outcome = await storage.upload(UploadFile(cloud_path=path, content=content), ADMINISTRATOR)
        return storage.temporary_url(outcome.file_id).url

    yield put
    await runner.cleanup()


async def test_a_picture_is_made_smaller_and_the_file_stays(url_of):
    url = await url_of("a.png", content_of("PNG"))
    async with ClientSession() as client:
        async with client.get(url + THUMBNAIL) as answer:
            assert (answer.status, answer.headers["Content-Type"]) == (200, "image/png")
            assert Image.open(io.BytesIO(await answer.read())).size == (20, 10)
            tag = answer.headers["ETag"]
        async with client.get(url + THUMBNAIL, headers={"If-None-Match": tag}) as answer:
            assert (answer.status, await answer.read()) == (304, b"")
        async with client.get(url) as answer:
            assert await answer.read() == content_of("PNG")
            assert answer.headers["ETag"] != tag
        async with client.get(url + THUMBNAIL + "/format/jpg") as answer:
            assert answer.headers["Content-Type"] == "image/jpeg"
        async with client.get(url + THUMBNAIL, headers={"Range": "bytes=0-3"}) as answer:
            assert (answer.status, await answer.read()) == (206, b"\x89PNG")
        async with client.head(url + THUMBNAIL) as answer:
            assert (answer.status, await answer.read()) == (200, b"")
            assert int(answer.headers["Content-Length"]) > 0


@pytest.mark.parametrize(
    ("path", "content", "query"),
    [("a.txt", b"text", THUMBNAIL), ("a.png", content_of("PNG"), "?imageMogr2/thumbnail/no")],
)
async def test_what_cannot_be_done_is_refused_as_cos_does(url_of, path, content, query):
    url = await url_of(path, content)
    async with ClientSession() as client, client.get(url + query) as answer:
        assert answer.status == 400
        assert b"<Code>InvalidArgument</Code>" in await answer.read()


async def test_a_file_beyond_the_bound_is_refused(url_of, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pictures, "SOURCE_BYTES_MAX", 10)
    url = await url_of("a.png", content_of("PNG"))
    async with ClientSession() as client, client.get(url + THUMBNAIL) as answer:
        assert answer.status == 400
        assert b"<Code>EntityTooLarge</Code>" in await answer.read()


async def test_without_pillow_the_file_comes_as_it_is_and_says_why(
    url_of, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pictures, "is_available", lambda: False)
    url = await url_of("a.png", content_of("PNG"))
    async with ClientSession() as client:
        async with client.get(url + THUMBNAIL) as answer:
            assert await answer.read() == content_of("PNG")
            assert "cloud-emu[images]" in answer.headers["Warning"]
        async with client.get(url) as answer:
            assert "Warning" not in answer.headers


def test_pillow_is_found_where_it_is_installed():
    assert pictures_service.is_available()
