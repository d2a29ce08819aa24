"""Deployed files as objects of a bucket; stored files are tested through the API (`test_cos`)."""

import asyncio
from pathlib import Path

import pytest

from emulator.core.errors import InvalidName, InvalidParam, StorageFileNotExist
from emulator.services.deploying import Deployments
from emulator.wire.cos_objects import HostedObjects


async def put(objects: HostedObjects, key: str, content: bytes) -> str:
    incoming = await objects.begin(key, "text/html", {})
    try:
        await incoming.write(content)
        return await incoming.commit()
    finally:
        await incoming.abort()


async def test_files_of_the_site_come_and_go(tmp_path: Path):
    site = tmp_path / "site"
    objects = HostedObjects(Deployments(site))
    digest = await put(objects, "docs/a b.html", b"one")
    assert (site / "docs" / "a b.html").read_bytes() == b"one"
    assert objects.list("docs/")[0] == ("docs/a b.html", 3, objects.list("")[0].updated_ms, digest)
    assert await put(objects, "empty/", b"") == "folder"
    await objects.copy("docs/a b.html", "copy.html")
    assert [each.key for each in objects.list("")] == ["copy.html", "docs/a b.html"]
    await objects.remove(["docs/a b.html", "empty/", "none.html"])
    assert [each.key for each in objects.list("")] == ["copy.html"]
    assert not (site / "docs").exists()


async def test_many_come_and_go_at_once(tmp_path: Path):
    objects = HostedObjects(Deployments(tmp_path / "site"))
    keys = [f"{number % 5}/page.html" for number in range(50)]
    await asyncio.gather(
        *(put(objects, key, b"x" * 1000) for key in keys),
        *(objects.remove([key]) for key in keys[:5]),
    )
    assert {each.size_bytes for each in objects.list("")} <= {1000}


async def test_what_is_no_file_of_a_site_is_refused(tmp_path: Path):
    objects = HostedObjects(Deployments(tmp_path / "site"))
    with pytest.raises(InvalidName):
        await put(objects, "../out.html", b"")
    with pytest.raises(StorageFileNotExist):
        await objects.copy("none.html", "other.html")
    with pytest.raises(InvalidParam, match="empty"):
        await objects.copy("", "other.html")
    assert list(tmp_path.iterdir()) == []
