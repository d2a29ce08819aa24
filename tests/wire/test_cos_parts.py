"""Uploads in parts: written in their order, however they arrive; broken ones leave nothing."""

import asyncio
import re
from typing import Any

import aiohttp

PROJECT = {".emulator.toml": ""}
KEY = {"Authorization": "q-sign-algorithm=sha1&q-ak=any"}


async def test_parts_become_one_object(start_project):
    async with start_project(PROJECT) as running, aiohttp.ClientSession(headers=KEY) as session:
        bucket = f"{running.url}/_cos/6465-demo-env-1250000000/"

        async def ask(method: str, what: str = "", **options: Any) -> tuple[int, str]:
            async with session.request(method, bucket + what, **options) as answer:
                return answer.status, await answer.text()

        async def begin() -> str:
            text = (await ask("POST", "big.bin?uploads"))[1]
            return re.findall("<UploadId>(.*)</UploadId>", text)[0]

        assert "<IsTruncated>false" in (await ask("GET", "?uploads&prefix=big.bin"))[1]
        upload_id = await begin()
        parts = {number: bytes([number]) * 300_000 for number in range(1, 5)}
        asked = [
            ask("PUT", f"big.bin?partNumber={number}&uploadId={upload_id}", data=parts[number])
            for number in (3, 2, 4, 1)
        ]
        assert {status for status, _ in await asyncio.gather(*asked)} == {200}
        # A part that is sent again is there already.
        again = f"big.bin?partNumber=2&uploadId={upload_id}"
        assert (await ask("PUT", again, data=b"other"))[0] == 200
        assert "<IsTruncated>false" in (await ask("GET", f"big.bin?uploadId={upload_id}"))[1]
        assert (await ask("GET", "big.bin"))[0] == 404
        status, text = await ask("POST", f"big.bin?uploadId={upload_id}", data="<C/>")
        assert (status, "<ETag>" in text) == (200, True)
        async with session.get(bucket + "big.bin") as answer:
            assert await answer.read() == b"".join(parts.values())

        upload_id = await begin()
        table = [
            ("PUT", f"big.bin?partNumber=0&uploadId={upload_id}", 400),
            ("PUT", f"big.bin?partNumber=x&uploadId={upload_id}", 400),
            ("PUT", f"other.bin?partNumber=1&uploadId={upload_id}", 404),
            ("DELETE", f"big.bin?uploadId={upload_id}", 204),
            ("PUT", f"big.bin?partNumber=1&uploadId={upload_id}", 404),
            ("POST", f"big.bin?uploadId={upload_id}", 404),
        ]
        for method, what, status in table:
            assert (await ask(method, what))[0] == status, what
        await begin()  # left open: the end of the suite forgets it
