"""Owns the endpoints that tickets and temporary URLs point to, on the site port.

Not here: who gets a ticket (`services.storage`) and the actions that hand one out (`wire.actions`).
The one idea: a stream goes between the socket and the store in the pieces it comes in, so that a
file of any size takes the same memory. Answers look like COS's: uploads end with an empty body,
because the SDKs take any text for an error, and failures are XML with the four elements that they
read (node-sdk 2.x and 3.x, js-sdk 1.x to 3.x).
"""

import re
from collections.abc import Callable, Coroutine, Mapping
from contextlib import closing
from html import escape
from typing import Final
from urllib.parse import quote

from aiohttp import web

from emulator.core.errors import (
    EmulatorError,
    InvalidParam,
    RequestTooLarge,
    StorageDenied,
    StorageFileNotExist,
    StoreError,
)
from emulator.services.file_ids import FILE_PATH, UPLOAD_PATH
from emulator.services.storage import Storage
from emulator.services.uploads import UPLOAD_BYTES_MAX, Upload
from emulator.stores.base import BlobInfo, BlobReader
from emulator.wire.cors import with_cookies
from emulator.wire.file_body import send_part
from emulator.wire.multipart import (
    PART_END,
    Event,
    MalformedForm,
    MultipartParser,
    PartHead,
    boundary_of,
)
from emulator.wire.pictures import Pictures, note_of
from emulator.wire.ranges import Facts, select

Handler = Callable[[web.Request], Coroutine[None, None, web.StreamResponse]]

FIELD_BYTES_MAX: Final = 64 * 1024
PREFLIGHT_AGE_S: Final = 600

_FAULTS: Final[tuple[tuple[type[EmulatorError], int, str], ...]] = (
    (MalformedForm, 400, "MalformedPOSTRequest"),
    (RequestTooLarge, 400, "EntityTooLarge"),
    (StorageDenied, 403, "AccessDenied"),
    (StorageFileNotExist, 404, "NoSuchKey"),
    (InvalidParam, 400, "InvalidArgument"),
    (StoreError, 503, "ServiceUnavailable"),
)
"""Errors to COS's status and code, without SignatureDoesNotMatch: node-sdk says SYS_ERR to it."""

_PASSIVE_TYPE: Final = re.compile(
    r"(?:(?:audio|font|video)/[\w.+-]+|image/(?!svg)[\w.-]+"
    r"|text/(?:plain|csv|css|javascript|markdown)"
    r"|application/(?:json|jsonl|javascript|octet-stream|pdf|zip|gzip|wasm|yaml|vnd\.[\w.-]+))"
    r"(?:\s*;\s*[\w-]+=(?:[\w./:+-]+|\"[^\",]*\"))*",
    re.ASCII | re.IGNORECASE,
)
"""Types that no browser runs scripts of when it shows them.

Everything else is sandboxed: an upload names its own type, downloads share the origin of the hosted
site, and browsers disagree about types that are odd (`image/png, text/html` is a page to some).
"""

HEADERS_LENGTH_MAX: Final = 2048
"""COS's bound on a file's own metadata."""
_KEPT_HEADERS: Final = ("Cache-Control", "Content-Disposition", "Content-Language", "Expires")
_META_NAME: Final = re.compile(r"x-cos-meta-[a-z0-9-]{1,100}", re.ASCII | re.IGNORECASE)
_SDK_META: Final = "x-cos-meta-fileid"
"""Every SDK sends it; it tells nothing of the file."""
_HEADER_VALUE: Final = re.compile(r"[\x20-\x7e]+")

_EXPOSED: Final = (
    "etag, content-length, content-type, content-range, accept-ranges, last-modified, "
    "x-cos-request-id"
)


def routes(storage: Storage) -> list[web.RouteDef]:
    """Return the routes of uploads and temporary URLs."""
    endpoints = _Endpoints(storage)
    file_path = FILE_PATH + "/{ticket}/{name}"
    return [
        web.post(UPLOAD_PATH, _with_rim(storage, endpoints.post)),
        web.put(UPLOAD_PATH, _with_rim(storage, endpoints.put)),
        web.options(UPLOAD_PATH, _preflight),
        web.get(file_path, _with_rim(storage, endpoints.download)),
        web.options(file_path, _preflight),
    ]


class _Endpoints:
    """The handlers; an error they raise becomes COS's XML at the rim."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._pictures = Pictures()

    async def post(self, request: web.Request) -> web.Response:
        """Take a form: fields first, the file as its last part."""
        require_fits(request)
        form = _UploadForm(self._storage)
        parser = MultipartParser(boundary_of(request.headers.get("Content-Type", "")))
        try:
            async for chunk in request.content.iter_any():
                for event in parser.feed(chunk):
                    await form.take(event)
            parser.close()
            info = await form.commit()
        finally:
            await form.abort()
        wanted = form.fields.get("success_action_status", "")
        return _uploaded(info, int(wanted) if wanted in ("200", "201", "204") else 204)

    async def put(self, request: web.Request) -> web.Response:
        """Take a raw body, chunked or of known length."""
        require_fits(request)
        headers = request.headers
        upload = await self._storage.begin_upload(
            headers.get("x-cos-security-token", ""),
            key=headers.get("key"),
            content_type=headers.get("Content-Type", ""),
            headers=kept_headers(headers),
        )
        try:
            async for chunk in request.content.iter_any():
                await upload.write(chunk)
            info = await upload.commit()
        finally:
            await upload.abort()
        return _uploaded(info, 200)

    async def download(self, request: web.Request) -> web.StreamResponse:
        """Send the file of a temporary URL, or the part of it that is asked for."""
        with closing(self._storage.open_file(request.match_info["ticket"])) as reader:
            fixed = {**described(reader.info), **_open_to_all(request)}
            picture = await self._pictures.answer(request, reader, fixed)
            if picture is not None:
                return picture
            return await send_file(request, reader, {**fixed, **note_of(request)})


class _UploadForm:
    """The fields of a form as they come, and its file once they say where to."""

    def __init__(self, storage: Storage) -> None:
        self.fields: dict[str, str] = {}
        self._storage = storage
        self._upload: Upload | None = None
        self._part: PartHead | None = None
        self._field = bytearray()
        self._field_bytes = 0

    async def take(self, event: Event) -> None:
        """Carry on with what the parser found."""
        if isinstance(event, PartHead):
            await self._begin(event)
        elif event is PART_END:
            self._end()
        elif self._part is not None and self._part.name == "file":
            if self._upload is not None:
                await self._upload.write(event)
        else:
            self._field_bytes += len(event)
            if self._field_bytes > FIELD_BYTES_MAX:
                raise MalformedForm(f"the form's fields have more than {FIELD_BYTES_MAX} bytes")
            self._field += event

    async def commit(self) -> BlobInfo:
        """Make the file visible; raises MalformedForm when there was none."""
        if self._upload is None:
            raise MalformedForm("the form has no part named file")
        return await self._upload.commit()

    async def abort(self) -> None:
        """Forget what was not committed."""
        if self._upload is not None:
            await self._upload.abort()

    async def _begin(self, part: PartHead) -> None:
        self._part = part
        self._field.clear()
        if part.name != "file":
            return
        if self._upload is not None:
            raise MalformedForm("the form has more than one part named file")
        self._upload = await self._storage.begin_upload(
            self.fields.get("x-cos-security-token", ""),
            key=self.fields.get("key"),
            content_type=self.fields.get("content-type") or part.content_type,
            headers=kept_headers(self.fields),
        )

    def _end(self) -> None:
        if self._part is not None and self._part.name != "file":
            # The older browser SDKs write some names twice and in any case; the last one counts.
            self.fields[self._part.name.lower()] = self._field.decode("utf-8", "replace")
        self._part = None


async def send_file(
    request: web.Request, reader: BlobReader, fixed: Mapping[str, str]
) -> web.StreamResponse:
    """Answer with a file, or the part of it that is asked for."""
    info = reader.info
    facts = Facts(tag=info.digest, updated_ms=info.updated_ms, size_bytes=info.size_bytes)
    selection = select(request.headers, request.method, facts)
    headers = {
        **facts.headers(),
        **selection.headers(facts),
        **fixed,
    }
    return await send_part(request, reader, selection, headers)


def described(info: BlobInfo) -> dict[str, str]:
    """Return the headers that tell of a file and keep browsers from running it."""
    name = info.cloud_path.rpartition("/")[2]
    plain = "".join(char if " " <= char <= "~" and char not in '"\\' else "_" for char in name)
    headers = {
        "Content-Disposition": f"inline; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}",
        **info.headers,
        "Content-Type": info.content_type,
        "X-Content-Type-Options": "nosniff",
    }
    if _PASSIVE_TYPE.fullmatch(info.content_type) is None:
        headers["Content-Security-Policy"] = "sandbox"
    return headers


def require_fits(request: web.Request) -> None:
    """Refuse a body by its declared length: nobody sends 5 GiB to hear that it was too much."""
    if (request.content_length or 0) > UPLOAD_BYTES_MAX + FIELD_BYTES_MAX:
        raise RequestTooLarge(
            f"a file may have {UPLOAD_BYTES_MAX} bytes, this request has {request.content_length}"
        )


def kept_headers(given: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of an upload that its downloads are to have, as COS keeps them."""
    kept = {
        name: given[name.lower()]
        for name in _KEPT_HEADERS
        if _HEADER_VALUE.fullmatch(given.get(name.lower(), ""))
    }
    for name, value in given.items():
        own = _META_NAME.fullmatch(name) is not None and name.lower() != _SDK_META
        if own and _HEADER_VALUE.fullmatch(value):
            kept[name.lower()] = value
    if sum(map(len, (*kept, *kept.values()))) > HEADERS_LENGTH_MAX:
        raise InvalidParam(f"the file's own headers have more than {HEADERS_LENGTH_MAX} characters")
    return kept


def _uploaded(info: BlobInfo, status: int) -> web.Response:
    return web.Response(status=status, headers={"ETag": f'"{info.digest}"'})


def _with_rim(storage: Storage, handler: Handler) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            response = await handler(request)
        except EmulatorError as fault:
            response = refusal(fault, storage.request_id())
        except ConnectionError:
            # The client left before the end of its upload or download: nobody hears this.
            response = web.Response(status=400)
        if not response.prepared:
            response.headers.update(_open_to_all(request))
        return response

    return handle


def refusal(fault: EmulatorError, request_id: str) -> web.Response:
    """Return COS's answer for something that was refused."""
    status, code = 500, "InternalError"
    for kind, kind_status, kind_code in _FAULTS:
        if isinstance(fault, kind):
            status, code = kind_status, kind_code
            break
    message = f"{fault.message}; {fault.hint}" if fault.hint else fault.message
    text = (
        "<?xml version='1.0' encoding='utf-8' ?>\n"
        f"<Error><Code>{code}</Code><Message>{escape(xml_text(message), quote=False)}</Message>"
        f"<RequestId>{request_id}</RequestId><TraceId>{request_id}</TraceId></Error>"
    )
    return web.Response(
        status=status,
        body=text.encode(),
        content_type="application/xml",
        headers={"x-cos-request-id": request_id, "X-Content-Type-Options": "nosniff"},
    )


def xml_text(text: str) -> str:
    """Return the text without what XML has no way to say."""
    return "".join(char if char.isprintable() else " " for char in text)


async def _preflight(request: web.Request) -> web.Response:
    headers = {
        **_open_to_all(request),
        "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, OPTIONS",
        "Access-Control-Allow-Headers": request.headers.get("Access-Control-Request-Headers", "*"),
        "Access-Control-Allow-Private-Network": "true",
        "Access-Control-Max-Age": str(PREFLIGHT_AGE_S),
    }
    return web.Response(status=204, headers=headers)


def _open_to_all(request: web.Request) -> dict[str, str]:
    """Return the headers that let pages of any origin read the answer: a ticket is the key."""
    return {
        **with_cookies(request),
        "Access-Control-Allow-Origin": request.headers.get("Origin", "*"),
        "Access-Control-Expose-Headers": _EXPOSED,
        "Vary": "Origin",
    }
