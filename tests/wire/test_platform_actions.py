"""The smaller actions of server SDKs: who may read which file."""

from typing import Any

import pytest
from aiohttp import ClientSession

FILES = [{"path": "shop/a.txt", "type": "READ"}, {"path": "private/b.txt", "type": "READ"}]
RULE = '{"read": "resource.openid == auth.openid", "write": true}'


async def authority(it: Any, files: Any = FILES, **who: Any) -> Any:
    body = {"action": "storage.getFileAuthority", "fileList": files, **who}
    async with ClientSession() as session, session.post(f"{it.url}/admin", json=body) as answer:
        told = await answer.json()
        return [each["read"] for each in told["data"]] if "data" in told else told["code"]


async def put(it: Any, path: str, owner: str) -> None:
    """Put a file as a user does."""
    async with ClientSession() as session:
        body = {"action": "storage.getUploadMetadata", "path": path}
        headers = {"x-emu-openid": owner}
        async with session.post(f"{it.url}/web", json=body, headers=headers) as answer:
            ticket = (await answer.json())["data"]
        sent = {
            "authorization": ticket["authorization"],
            "x-cos-security-token": ticket["token"],
            "x-cos-meta-fileid": ticket["cosFileId"],
        }
        async with session.put(ticket["url"], data=b"x", headers=sent) as answer:
            assert answer.status == 200


@pytest.mark.parametrize(
    ("rules", "seen"),
    [
        pytest.param("", {"alice": [True, True], "bob": [True, True]}, id="the default"),
        pytest.param('{"read": false}', {"alice": [False, False]}, id="nobody"),
        pytest.param(RULE, {"alice": [True, False], "bob": [False, True]}, id="a rule"),
    ],
)
async def test_files_may_be_read_by_those_the_permissions_say(
    start_project, rules: str, seen: dict[str, Any]
) -> None:
    files = {"README.md": "files"} | ({"storage.rules.json": rules} if rules else {})
    async with start_project(files) as it:
        if "openid" in rules:
            await put(it, "shop/a.txt", "alice")
            await put(it, "private/b.txt", "bob")
        for openid, readable in seen.items():
            assert await authority(it, openId=openid) == readable


@pytest.mark.parametrize("files", [None, ["a.txt"], [{}], [{"path": "../a"}]])
async def test_a_list_that_is_none_is_refused(start_project, files: Any) -> None:
    async with start_project({"README.md": "files"}) as it:
        assert await authority(it, files, openId="alice") in ("INVALID_PARAM", "INVALID_NAME")
