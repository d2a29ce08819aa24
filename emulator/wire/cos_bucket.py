"""Owns what requests to one bucket of COS come to: its objects put, read, listed, deleted.

Not here: who may ask (`wire.cos`), what a bucket is (`wire.cos_objects`), parts of large uploads
(`wire.cos_parts`). The one idea: a request's method and query name one call of the bucket.
"""

import re
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from html import escape, unescape
from typing import Final
from urllib.parse import quote, unquote

from aiohttp import hdrs, web

from emulator.ambient import Ids
from emulator.core.errors import InvalidParam
from emulator.wire.cos_objects import Listed, Objects
from emulator.wire.cos_parts import Parts
from emulator.wire.exchange import read_body
from emulator.wire.storage import kept_headers, require_fits, xml_text

KEYS_MAX: Final = 1_000
"""COS lists and deletes that many at a time."""
XML_MAX_BYTES: Final = 2 * 1024 * 1024
_KEY: Final = re.compile(r"<Key>([^<]*)</Key>")
_SUBRESOURCES: Final = ("acl", "cors", "website", "lifecycle", "tagging", "policy", "versioning")

Answer = Callable[[web.Request, str], Coroutine[None, None, web.StreamResponse]]


class Bucket:
    """One bucket."""

    def __init__(self, name: str, objects: Objects, ids: Ids) -> None:
        self._name = name
        self._objects = objects
        self._parts = Parts(objects, ids)
        self._methods: dict[str, Answer] = {
            hdrs.METH_PUT: self._put,
            hdrs.METH_GET: self._get,
            hdrs.METH_HEAD: self._get,
            hdrs.METH_DELETE: self._delete,
        }

    async def close(self) -> None:
        """Forget uploads in parts that were not completed."""
        await self._parts.close()

    def find(self, request: web.Request, key: str) -> Answer:
        """Return what answers a request; raises InvalidParam when nothing does."""
        query = request.query
        if "uploads" in query or "uploadId" in query:
            return self._parts.answer
        asked = next((name for name in _SUBRESOURCES if name in query), "")
        answer = None if asked else self._methods.get(request.method)
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
        kind = headers.get(hdrs.CONTENT_TYPE, "")
        upload = await self._objects.begin(key, kind, kept_headers(headers))
        try:
            async for chunk in request.content.iter_any():
                await upload.write(chunk)
            digest = await upload.commit()
        finally:
            await upload.abort()
        return web.Response(headers={hdrs.ETAG: f'"{digest}"'})

    async def _copy(self, source: str, key: str) -> web.StreamResponse:
        told = _tagged(await self._objects.copy(source, key))
        return _xml(f"<CopyObjectResult>{told}</CopyObjectResult>")

    async def _get(self, request: web.Request, key: str) -> web.StreamResponse:
        return await self._objects.send(request, key)

    async def _delete(self, request: web.Request, key: str) -> web.StreamResponse:
        del request
        await self._objects.remove([key])
        return web.Response(status=204)

    async def _delete_many(self, request: web.Request, key: str) -> web.StreamResponse:
        del key
        raw = await read_body(request, max_bytes=XML_MAX_BYTES)
        keys = [unescape(each) for each in _KEY.findall(raw.decode("utf-8", "replace"))]
        if not 0 < len(keys) <= KEYS_MAX:
            raise InvalidParam(f"1 to {KEYS_MAX} keys are deleted at once, not {len(keys)}")
        await self._objects.remove(keys)
        told = "".join(f"<Deleted><Key>{_text(each)}</Key></Deleted>" for each in keys)
        return _xml(f"<DeleteResult>{told}</DeleteResult>")

    async def _list(self, request: web.Request, key: str) -> web.StreamResponse:
        del key
        query = request.query
        prefix, marker = query.get("prefix", ""), query.get("marker", "")
        most = _number(query.get("max-keys", ""))
        shown, common, last, more = _listed(
            self._objects.list(prefix), prefix, query.get("delimiter", ""), marker, most
        )
        coded = query.get("encoding-type") == "url"
        name = _coded if coded else _text
        told = "".join(_content(each, name(each.key)) for each in shown)
        told += "".join(
            f"<CommonPrefixes><Prefix>{name(each)}</Prefix></CommonPrefixes>" for each in common
        )
        follows = f"<NextMarker>{name(last)}</NextMarker>" if more else ""
        return _xml(
            f"<ListBucketResult><Name>{self._name}</Name><Prefix>{name(prefix)}</Prefix>"
            f"<Marker>{name(marker)}</Marker><MaxKeys>{most}</MaxKeys>"
            f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>{follows}{told}"
            "</ListBucketResult>"
        )


def _listed(
    known: list[Listed], prefix: str, delimiter: str, marker: str, most: int
) -> tuple[list[Listed], list[str], str, bool]:
    """Return files and common beginnings after a marker, the last of them, and if more follow."""
    shown: list[Listed] = []
    common: dict[str, None] = {}
    last = marker
    for each in known:
        path = each.key
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


def _content(info: Listed, name: str) -> str:
    moment = datetime.fromtimestamp(info.updated_ms / 1000, tz=UTC)
    return (
        f"<Contents><Key>{name}</Key><LastModified>{moment:%Y-%m-%dT%H:%M:%S}.000Z</LastModified>"
        f"{_tagged(info.digest)}<Size>{info.size_bytes}</Size><StorageClass>STANDARD</StorageClass>"
        "<Owner><ID></ID></Owner></Contents>"
    )


def _tagged(digest: str) -> str:
    return f"<ETag>&quot;{digest}&quot;</ETag>"


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
