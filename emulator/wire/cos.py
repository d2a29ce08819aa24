"""Owns COS's own API for the objects of the environment's bucket, which manager-node uploads by.

Not here: tickets and temporary URLs (`wire.storage`), parts of large uploads (`wire.cos_parts`).
The one idea: an object is a stored file and its key the cloud path, so each request is one call of
the storage as administrator. It stands at the API port, where no hosted page can act as one, and
answers only what carries a signature in its header, which no page can add; a strict project
checks it.
"""

import re
from collections.abc import Callable, Coroutine
from contextlib import closing
from datetime import UTC, datetime
from html import escape, unescape
from typing import Final
from urllib.parse import quote, unquote

from aiohttp import hdrs, web

from emulator.core.auth_errors import SignatureInvalid
from emulator.core.commands import DeleteFiles
from emulator.core.errors import EmulatorError, InvalidParam, StorageDenied, StorageFileNotExist
from emulator.services.call_signatures import CallSignatures
from emulator.services.caller import ADMINISTRATOR
from emulator.services.storage import FILES_PER_CALL_MAX, Storage
from emulator.stores.base import BlobInfo
from emulator.wire.cos_parts import Parts
from emulator.wire.exchange import read_body
from emulator.wire.guard import Guard
from emulator.wire.storage import (
    described,
    kept_headers,
    refusal,
    require_fits,
    send_file,
    xml_text,
)

PREFIX: Final = "/_cos"
KEYS_MAX: Final = 1_000
"""COS lists and deletes that many at a time."""
XML_MAX_BYTES: Final = 2 * 1024 * 1024
_KEY: Final = re.compile(r"<Key>([^<]*)</Key>")
_SIGNED: Final = "q-sign-algorithm="
_SUBRESOURCES: Final = ("acl", "cors", "website", "lifecycle", "tagging", "policy", "versioning")

Answer = Callable[[web.Request, str], Coroutine[None, None, web.StreamResponse]]


class NoSuchBucket(StorageFileNotExist):
    """The bucket is not the environment's."""


class CosApi:
    """The bucket of one suite."""

    def __init__(
        self,
        storage: Storage,
        *,
        bucket: str,
        guard: Guard,
        signatures: CallSignatures | None = None,
    ) -> None:
        self._storage = storage
        self._bucket = bucket
        self._guard = guard
        self._signatures = signatures
        self._parts = Parts(storage)
        self._objects: dict[str, Answer] = {
            hdrs.METH_PUT: self._put,
            hdrs.METH_GET: self._get,
            hdrs.METH_HEAD: self._get,
            hdrs.METH_DELETE: self._delete,
        }

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the bucket and of its objects."""
        return [web.route("*", f"{PREFIX}/{{bucket}}/{{key:.*}}", self.answer)]

    async def close(self) -> None:
        """Forget uploads in parts that were not completed."""
        await self._parts.close()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer any request, a refusal as COS's XML."""
        try:
            self._guard.require_own_origin(request)
            key = request.match_info["key"]
            self._require_signed(request, key)
            if request.match_info["bucket"] != self._bucket:
                raise NoSuchBucket(f"the bucket here is {self._bucket}")
            return await self._find(request, key)(request, key)
        except EmulatorError as fault:
            return refusal(fault, self._storage.request_id())
        except ConnectionError:
            return web.Response(status=400)  # the client left; nobody hears this

    def _require_signed(self, request: web.Request, key: str) -> None:
        if not request.headers.get(hdrs.AUTHORIZATION, "").startswith(_SIGNED):
            raise StorageDenied("the request carries no signature of COS")
        if self._signatures is None:
            return
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            self._signatures.require_object(request.method, f"/{key}", request.query, headers)
        except SignatureInvalid as fault:
            raise StorageDenied(fault.message, hint=fault.hint) from fault

    def _find(self, request: web.Request, key: str) -> Answer:
        query = request.query
        if "uploads" in query or "uploadId" in query:
            return self._parts.answer
        asked = next((name for name in _SUBRESOURCES if name in query), "")
        answer = None if asked else self._objects.get(request.method)
        if not key and not asked:
            deletes = request.method == hdrs.METH_POST and "delete" in query
            bucket = {hdrs.METH_GET: self._list, hdrs.METH_HEAD: _there}
            answer = self._delete_many if deletes else bucket.get(request.method)
        if answer is None:
            raise InvalidParam(f"{request.method} of {asked or 'this'} is not emulated")
        return answer

    async def _put(self, request: web.Request, key: str) -> web.StreamResponse:
        source = request.headers.get("x-cos-copy-source", "")
        if source:
            return await self._copy(unquote(source).partition("/")[2], key)
        require_fits(request)
        headers = request.headers
        upload = await self._storage.begin_upload(
            self._storage.upload_ticket(key, ADMINISTRATOR).token,
            content_type=headers.get(hdrs.CONTENT_TYPE, ""),
            headers=kept_headers(headers),
        )
        try:
            async for chunk in request.content.iter_any():
                await upload.write(chunk)
            info = await upload.commit()
        finally:
            await upload.abort()
        return web.Response(headers={hdrs.ETAG: f'"{info.digest}"'})

    async def _copy(self, source: str, key: str) -> web.StreamResponse:
        await self._storage.copy(
            source=source,
            target=key,
            overwrite=True,
            remove_original=False,
            caller=ADMINISTRATOR,
        )
        info = self._storage.info(key)
        told = "" if info is None else _tagged(info)
        return _xml(f"<CopyObjectResult>{told}</CopyObjectResult>")

    async def _get(self, request: web.Request, key: str) -> web.StreamResponse:
        with closing(self._storage.open_path(key)) as reader:
            return await send_file(request, reader, described(reader.info))

    async def _delete(self, request: web.Request, key: str) -> web.StreamResponse:
        del request
        await self._remove([key])
        return web.Response(status=204)

    async def _delete_many(self, request: web.Request, key: str) -> web.StreamResponse:
        del key
        raw = await read_body(request, max_bytes=XML_MAX_BYTES)
        keys = [unescape(each) for each in _KEY.findall(raw.decode("utf-8", "replace"))]
        if not 0 < len(keys) <= KEYS_MAX:
            raise InvalidParam(f"1 to {KEYS_MAX} keys are deleted at once, not {len(keys)}")
        await self._remove(keys)
        told = "".join(f"<Deleted><Key>{_text(each)}</Key></Deleted>" for each in keys)
        return _xml(f"<DeleteResult>{told}</DeleteResult>")

    async def _remove(self, keys: list[str]) -> None:
        """Remove objects; COS says nothing of those that are not there."""
        ids = [self._storage.file_id(each) for each in keys]
        for start in range(0, len(ids), FILES_PER_CALL_MAX):
            command = DeleteFiles(file_ids=tuple(ids[start : start + FILES_PER_CALL_MAX]))
            await self._storage.delete(command, ADMINISTRATOR)

    async def _list(self, request: web.Request, key: str) -> web.StreamResponse:
        del key
        query = request.query
        prefix, marker = query.get("prefix", ""), query.get("marker", "")
        most = _number(query.get("max-keys", ""))
        shown, common, last, more = _listed(
            self._storage.list(prefix), prefix, query.get("delimiter", ""), marker, most
        )
        coded = query.get("encoding-type") == "url"
        name = _coded if coded else _text
        told = "".join(_content(each, name(each.cloud_path)) for each in shown)
        told += "".join(
            f"<CommonPrefixes><Prefix>{name(each)}</Prefix></CommonPrefixes>" for each in common
        )
        follows = f"<NextMarker>{name(last)}</NextMarker>" if more else ""
        return _xml(
            f"<ListBucketResult><Name>{self._bucket}</Name><Prefix>{name(prefix)}</Prefix>"
            f"<Marker>{name(marker)}</Marker><MaxKeys>{most}</MaxKeys>"
            f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>{follows}{told}"
            "</ListBucketResult>"
        )


def _listed(
    known: list[BlobInfo], prefix: str, delimiter: str, marker: str, most: int
) -> tuple[list[BlobInfo], list[str], str, bool]:
    """Return files and common beginnings after a marker, the last of them, and if more follow."""
    shown: list[BlobInfo] = []
    common: dict[str, None] = {}
    last = marker
    for each in known:
        path = each.cloud_path
        if path <= marker:
            continue
        head, found, _ = path[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
        group = f"{prefix}{head}{delimiter}" if found else ""
        if group and (group in common or group <= marker):
            continue
        if len(shown) + len(common) == most:
            return shown, list(common), last, True
        if group:
            common[group] = None
        else:
            shown.append(each)
        last = group or path
    return shown, list(common), last, False


async def _there(request: web.Request, key: str) -> web.StreamResponse:
    del request, key
    return web.Response()


def _content(info: BlobInfo, name: str) -> str:
    moment = datetime.fromtimestamp(info.updated_ms / 1000, tz=UTC)
    return (
        f"<Contents><Key>{name}</Key><LastModified>{moment:%Y-%m-%dT%H:%M:%S}.000Z</LastModified>"
        f"{_tagged(info)}<Size>{info.size_bytes}</Size><StorageClass>STANDARD</StorageClass>"
        "<Owner><ID></ID></Owner></Contents>"
    )


def _tagged(info: BlobInfo) -> str:
    return f"<ETag>&quot;{info.digest}&quot;</ETag>"


def _number(said: str) -> int:
    if not said:
        return KEYS_MAX
    if not (said.isascii() and said.isdigit()):
        raise InvalidParam(f"max-keys must be a number, not {said:.40}")
    return min(int(said[:9]), KEYS_MAX)


def _text(text: str) -> str:
    return escape(xml_text(text), quote=False)


def _coded(text: str) -> str:
    return quote(text, safe="/")


def _xml(text: str) -> web.Response:
    return web.Response(
        body=f"<?xml version='1.0' encoding='utf-8' ?>\n{text}".encode(),
        content_type="application/xml",
    )
