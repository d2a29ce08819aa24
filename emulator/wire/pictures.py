"""Owns answering with a processed picture where a file's URL asks for one.

Not here: the parameters and the work (`services.pictures`). The one idea: so many pictures are in
work at once, on threads, so that a page of thumbnails takes neither the loop nor the memory.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Final

from aiohttp import web

from emulator.core.errors import RequestTooLarge
from emulator.services.pictures import (
    SOURCE_BYTES_MAX,
    is_available,
    process,
    processing_of,
)
from emulator.stores.base import BlobReader
from emulator.wire.ranges import OK, Facts, select

AT_ONCE_MAX: Final = 2
LEFT_ALONE: Final = '299 - "pictures are left as they are: pip install cloud-emu[images]"'


class Pictures:
    """The pictures of one suite; `None` is answered where the file itself is asked for."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE_MAX)

    async def answer(
        self, request: web.Request, reader: BlobReader, headers: Mapping[str, str]
    ) -> web.StreamResponse | None:
        """Answer with the picture that the URL asks for.

        Raises:
            InvalidParam: the parameters make no sense, or the file is no picture.
            RequestTooLarge: the file is too large to be processed.
        """
        query = request.rel_url.raw_query_string
        wanted = processing_of(query) if query else None
        if wanted is None or not is_available():
            return None
        info = reader.info
        if info.size_bytes > SOURCE_BYTES_MAX:
            raise RequestTooLarge(
                f"a picture to be processed may have {SOURCE_BYTES_MAX} bytes, "
                f"{info.cloud_path:.200} has {info.size_bytes}"
            )
        async with self._turns:
            content = reader.read(0, info.size_bytes)
            body, content_type = await asyncio.to_thread(process, content, wanted)
        tag = hashlib.md5(f"{info.digest} {query}".encode(), usedforsecurity=False).hexdigest()
        facts = Facts(tag=tag, updated_ms=info.updated_ms, size_bytes=len(body))
        selection = select(request.headers, request.method, facts)
        told = {
            **headers,
            "Content-Type": content_type,
            **facts.headers(),
            **selection.headers(facts),
        }
        part = body[selection.start : selection.start + selection.size_bytes]
        if request.method == "HEAD" and selection.status == OK:
            part = body
        return web.Response(status=selection.status, headers=told, body=part)


def note_of(request: web.Request) -> dict[str, str]:
    """Return the header that tells why a picture is as it was put, if it was to be processed."""
    query = request.rel_url.raw_query_string
    asked = query and processing_of(query) is not None and not is_available()
    return {"Warning": LEFT_ALONE} if asked else {}
