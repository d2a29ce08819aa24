"""Owns uploads to COS in parts, as its SDKs send files of some megabytes and more.

Not here: objects as a whole (`wire.cos`). The one idea: a file is written front to back while its
parts come, so that none of them gathers in memory: a part that comes before its turn waits, unread,
until those before it are there. The SDKs send a few parts side by side, in order.
"""

import asyncio
from collections import OrderedDict
from dataclasses import field
from typing import Final

from aiohttp import hdrs, web

from emulator.ambient import Ids
from emulator.core.errors import InvalidParam, StorageFileNotExist
from emulator.core.records import dataclass
from emulator.wire.cos_objects import Incoming, Objects
from emulator.wire.storage import kept_headers, require_fits

UPLOADS_MAX: Final = 100
PARTS_MAX: Final = 10_000
"""COS's own bound."""
TURN_WAIT_MAX_S: Final = 60.0


class NoSuchUpload(StorageFileNotExist):
    """There is no upload of that id, or not any more."""


class PartMissing(InvalidParam):
    """A part waited for those before it and they did not come."""


@dataclass(slots=True)
class _Begun:
    """An upload under way; `written` is the number of the last part."""

    key: str
    upload: Incoming
    written: int = 0
    turn: asyncio.Condition = field(default_factory=asyncio.Condition)


class Parts:
    """The uploads to one bucket; beyond `UPLOADS_MAX` the oldest is forgotten."""

    def __init__(self, objects: Objects, ids: Ids) -> None:
        self._objects = objects
        self._ids = ids
        self._begun: OrderedDict[str, _Begun] = OrderedDict()

    async def close(self) -> None:
        """Forget what was not completed."""
        for upload_id in list(self._begun):
            await self._forget(upload_id)

    async def answer(self, request: web.Request, key: str) -> web.StreamResponse:
        """Answer a request that has `uploads` or `uploadId` in its query."""
        upload_id = request.query.get("uploadId", "")
        if not upload_id:
            return await self._begin(request, key) if request.method == "POST" else self._none()
        begun = self._begun.get(upload_id)
        if begun is None or begun.key != key:
            raise NoSuchUpload("there is no upload of that id for this key")
        if request.method == hdrs.METH_PUT:
            return await self._take(request, upload_id, begun)
        if request.method == hdrs.METH_POST:
            return await self._complete(upload_id, begun)
        if request.method == hdrs.METH_DELETE:
            await self._forget(upload_id)
            return web.Response(status=204)
        return _xml("<ListPartsResult><IsTruncated>false</IsTruncated></ListPartsResult>")

    def _none(self) -> web.Response:
        """Tell of no uploads to go on with: whoever begins anew sends all parts."""
        told = "<IsTruncated>false</IsTruncated>"
        return _xml(f"<ListMultipartUploadsResult>{told}</ListMultipartUploadsResult>")

    async def _begin(self, request: web.Request, key: str) -> web.Response:
        kind = request.headers.get(hdrs.CONTENT_TYPE, "")
        upload = await self._objects.begin(key, kind, kept_headers(request.headers))
        if len(self._begun) >= UPLOADS_MAX:
            await self._forget(next(iter(self._begun)))
        upload_id = self._ids.request_id()
        self._begun[upload_id] = _Begun(key, upload)
        told = f"<UploadId>{upload_id}</UploadId>"
        return _xml(f"<InitiateMultipartUploadResult>{told}</InitiateMultipartUploadResult>")

    async def _take(self, request: web.Request, upload_id: str, begun: _Begun) -> web.Response:
        require_fits(request)
        said = request.query.get("partNumber", "")
        number = int(said) if said.isascii() and said.isdigit() and len(said) < 6 else 0
        if not 1 <= number <= PARTS_MAX:
            raise InvalidParam(f"partNumber must be 1 to {PARTS_MAX}, not {said:.40}")
        async with begun.turn:
            await self._await_turn(begun, number)
            if number > begun.written:
                await self._write(request, upload_id, begun)
                begun.written = number
                begun.turn.notify_all()
        return web.Response(headers={hdrs.ETAG: f'"part-{number}"'})

    async def _await_turn(self, begun: _Begun, number: int) -> None:
        try:
            async with asyncio.timeout(TURN_WAIT_MAX_S):
                await begun.turn.wait_for(lambda: number <= begun.written + 1)
        except TimeoutError as fault:
            raise PartMissing(
                f"part {number} waited {TURN_WAIT_MAX_S:g} s for part {begun.written + 1}",
                hint="send the parts in order, a few at a time",
            ) from fault

    async def _write(self, request: web.Request, upload_id: str, begun: _Begun) -> None:
        try:
            async for chunk in request.content.iter_any():
                await begun.upload.write(chunk)
        except BaseException:
            # Half of a part is in the file: nothing can go on from here.
            await self._forget(upload_id)
            raise

    async def _complete(self, upload_id: str, begun: _Begun) -> web.Response:
        try:
            digest = await begun.upload.commit()
        finally:
            await self._forget(upload_id)
        told = f"<ETag>&quot;{digest}&quot;</ETag>"
        return _xml(f"<CompleteMultipartUploadResult>{told}</CompleteMultipartUploadResult>")

    async def _forget(self, upload_id: str) -> None:
        begun = self._begun.pop(upload_id, None)
        if begun is not None:
            await begun.upload.abort()


def _xml(text: str) -> web.Response:
    return web.Response(body=text.encode(), content_type="application/xml")
