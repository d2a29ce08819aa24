"""Owns how hosted files are sent: conditions, ranges, compression, caching, live reload.

Not here: what a path stands for (`services.hosting`). The one idea: whoever asks gets the bytes of
the file; only a browser that opens a page gets one line more, a script that loads it again when a
file was saved.
"""

import asyncio
import gzip
import os
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import BinaryIO, Final

from aiohttp import hdrs, web

from emulator.ambient import Ids
from emulator.core.errors import EmulatorError, InvalidParam, PermissionDenied
from emulator.services.content_types import ContentTypes
from emulator.services.hosting import (
    FORBIDDEN,
    Hosting,
    Moved,
    Page,
    Refused,
    Rewrite,
)
from emulator.wire.envelope import NoSuchPath, failure
from emulator.wire.exchange import json_answer
from emulator.wire.file_body import send_part
from emulator.wire.ranges import OK, Facts, select

RELOAD_EVENTS: Final = "/_hosting/reload"
RELOAD_SCRIPT: Final = "/_hosting/reload.js"
LISTENERS_MAX: Final = 64
HEARTBEAT_S: Final = 15.0
"""A stream is written to this often, so that one whose browser has gone is noticed."""

COMPRESSED_FROM_BYTES: Final = 1024
COMPRESSED_UP_TO_BYTES: Final = 8 * 1024 * 1024
COMPRESSION_LEVEL: Final = 6
ON_LOOP_UP_TO_BYTES: Final = 32 * 1024
"""Compressing more takes a millisecond or longer and is done on a thread."""
KEPT_BYTES_MAX: Final = 16 * 1024 * 1024
PAGE_BYTES_MAX: Final = 4 * 1024 * 1024
"""Longer pages get no script."""

_READING: Final = (hdrs.METH_GET, hdrs.METH_HEAD)
_COMPRESSIBLE: Final = re.compile(
    r"text/.*|image/svg\+xml|application/(?:.*\+)?(?:json|xml)|application/(?:javascript|wasm)"
)
_GZIP: Final = re.compile(r"(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q=([\d.]+)\s*)?(?=,|$)", re.IGNORECASE)
_TEXT: Final = re.compile(r"text/.*|application/(?:javascript|json)")

_TAG: Final = f'<script src="{RELOAD_SCRIPT}"></script>'.encode()
_SCRIPT: Final = f"""\
(() => {{
  const events = new EventSource("{RELOAD_EVENTS}");
  events.addEventListener("reload", () => location.reload());
  addEventListener("pagehide", () => events.close());
}})();
"""

CallFunction = Callable[[str, str, web.Request], Awaitable[web.StreamResponse]]
"""Has the function of this name answer a request, mounted at this path."""


Watch = Callable[[Callable[[], None]], Callable[[], None]]
"""Calls back whenever a file of the site was saved, until what it returned is called."""


class VisitorRefused(PermissionDenied):
    """The site's lists keep the visitor out."""

    code = "ACCESS_DENIED"


class MethodNotAllowed(InvalidParam):
    """Files can only be read here."""

    code = "METHOD_NOT_ALLOWED"


class HostedSite:
    """The hosted site of one suite.

    With `watch` open pages load again when a file was saved; it is called when the first is open.
    """

    def __init__(
        self, hosting: Hosting, call: CallFunction, *, ids: Ids, watch: Watch | None = None
    ) -> None:
        self._hosting = hosting
        self._call = call
        self._ids = ids
        self._watch = watch
        self._unwatch: Callable[[], None] = _nothing
        self._is_watching = False
        self._content_types = ContentTypes()
        self._compressed = _Compressed()
        self._listeners: set[asyncio.Event] = set()
        self._closed = False

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of live reload, none when pages are left alone."""
        if self._watch is None:
            return []
        return [web.get(RELOAD_EVENTS, self._events), web.get(RELOAD_SCRIPT, _script)]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a request that no function listens to.

        Raises:
            NoSuchPath: the site has nothing there.
            VisitorRefused: the site's lists keep the visitor out.
        """
        found = self._hosting.find(
            request.path,
            referer=request.headers.get(hdrs.REFERER, ""),
            address=_address(request),
        )
        if isinstance(found, Rewrite):
            return await self._call(found.function, found.prefix, request)
        if isinstance(found, Refused):
            raise _refusal(found)
        if request.method not in _READING:
            return self._only_for_reading(request)
        if isinstance(found, Moved):
            query = request.rel_url.raw_query_string
            location = f"{found.location}?{query}" if query else found.location
            return web.Response(status=302, headers={hdrs.LOCATION: location})
        return await self._send(request, found)

    def reload(self) -> None:
        """Have every open page load again."""
        for listener in self._listeners:
            listener.set()

    async def close(self) -> None:
        """End the streams of open pages, and stop looking for saved files."""
        self._closed = True
        self.reload()
        self._unwatch()

    def _only_for_reading(self, request: web.Request) -> web.StreamResponse:
        error = MethodNotAllowed(
            f"{request.path:.200} is a hosted file; {request.method:.20} means nothing to it"
        )
        answer = json_answer(request, failure(error, self._ids.request_id()), status=405)
        answer.headers[hdrs.ALLOW] = ", ".join(_READING)
        return answer

    async def _send(self, request: web.Request, page: Page) -> web.StreamResponse:
        try:
            file = page.file.open("rb")
        except OSError as fault:
            why = fault.strerror or type(fault).__name__
            raise NoSuchPath(f"{page.key:.200} cannot be read: {why}") from fault
        with closing(_HostedFile(file)) as source:
            headers = self._headers(page)
            content_type = headers[hdrs.CONTENT_TYPE]
            if (
                self._watch is not None
                and content_type.startswith("text/html")
                and _opens_page(request)
            ):
                return _with_script(source, page, headers)
            if page.status != OK:
                body = source.read(0, PAGE_BYTES_MAX)
                return web.Response(status=page.status, headers=headers, body=body)
            if _COMPRESSIBLE.match(content_type):
                headers[hdrs.VARY] = hdrs.ACCEPT_ENCODING
                if source.is_worth_packing and _takes_gzip(request):
                    return await self._send_packed(request, source, page, headers)
            facts = source.facts()
            selection = select(request.headers, request.method, facts)
            headers |= {**facts.headers(), **selection.headers(facts)}
            return await send_part(request, source, selection, headers)

    async def _send_packed(
        self, request: web.Request, source: "_HostedFile", page: Page, headers: dict[str, str]
    ) -> web.StreamResponse:
        tag = f"{source.tag}-gzip"
        body = await self._compressed.of(str(page.file), tag, source)
        facts = Facts(tag=tag, updated_ms=source.updated_ms, size_bytes=len(body))
        selection = select(request.headers, request.method, facts)
        headers |= facts.headers()
        if selection.status != OK:
            return web.Response(status=selection.status, headers=headers)
        headers[hdrs.CONTENT_ENCODING] = "gzip"
        headers[hdrs.ACCEPT_RANGES] = "none"
        return await send_part(request, _Bytes(body), selection, headers)

    def _headers(self, page: Page) -> dict[str, str]:
        content_type = self._content_types.of(page.key)
        if _TEXT.fullmatch(content_type):
            content_type += "; charset=utf-8"
        age_s = page.max_age_s
        return {
            hdrs.CONTENT_TYPE: content_type,
            hdrs.CACHE_CONTROL: "no-cache" if age_s is None else f"max-age={age_s}",
        }

    def _begin_to_watch(self) -> None:
        if self._watch is not None and not self._is_watching:
            self._is_watching = True
            self._unwatch = self._watch(self.reload)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if len(self._listeners) >= LISTENERS_MAX:
            return web.Response(status=503, headers={"Retry-After": "60"})
        stream = web.StreamResponse(
            headers={hdrs.CONTENT_TYPE: "text/event-stream", hdrs.CACHE_CONTROL: "no-store"}
        )
        await stream.prepare(request)
        await stream.write(b": open\n\n")
        listener = asyncio.Event()
        self._listeners.add(listener)
        self._begin_to_watch()
        try:
            while not self._closed:
                text = b"event: reload\ndata: {}\n\n"
                try:
                    async with asyncio.timeout(HEARTBEAT_S):
                        await listener.wait()
                except TimeoutError:
                    text = b": here\n\n"
                if self._closed:
                    break
                listener.clear()
                await stream.write(text)
        except ConnectionError:
            pass  # the page was closed
        finally:
            self._listeners.discard(listener)
        return stream


class _HostedFile:
    """An open file of the site, as it was when it was opened."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        known = os.fstat(file.fileno())
        self.size_bytes = known.st_size
        self.updated_ms = known.st_mtime_ns // 1_000_000
        self.tag = f"{known.st_mtime_ns:x}-{known.st_size:x}"

    @property
    def is_worth_packing(self) -> bool:
        """Tell whether compressing saves more than it costs."""
        return COMPRESSED_FROM_BYTES <= self.size_bytes <= COMPRESSED_UP_TO_BYTES

    def facts(self) -> Facts:
        """Return what conditions are about."""
        return Facts(tag=self.tag, updated_ms=self.updated_ms, size_bytes=self.size_bytes)

    def read(self, start: int, size_bytes: int) -> bytes:
        """Return up to so many bytes from `start`."""
        self._file.seek(start)
        return self._file.read(size_bytes)

    def file(self) -> BinaryIO:
        """Return the open file."""
        return self._file

    def close(self) -> None:
        """Close it."""
        self._file.close()


class _Bytes:
    """A content that was made in memory."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self, start: int, size_bytes: int) -> bytes:
        """Return up to so many bytes from `start`."""
        return self._content[start : start + size_bytes]

    def file(self) -> None:
        """Return None: there is no file."""
        return


class _Compressed:
    """Compressed files by path, so many bytes of them, the latest asked for."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        self._size_bytes = 0

    async def of(self, path: str, tag: str, source: _HostedFile) -> bytes:
        """Return the compressed bytes of an open file."""
        kept = self._kept.get(path)
        if kept is not None and kept[0] == tag:
            self._kept.move_to_end(path)
            return kept[1]
        content = source.read(0, source.size_bytes)
        if len(content) <= ON_LOOP_UP_TO_BYTES:
            packed = _packed(content)
        else:
            packed = await asyncio.to_thread(_packed, content)
        self._keep(path, tag, packed)
        return packed

    def _keep(self, path: str, tag: str, packed: bytes) -> None:
        before = self._kept.pop(path, None)
        self._size_bytes += len(packed) - (len(before[1]) if before else 0)
        self._kept[path] = (tag, packed)
        while self._size_bytes > KEPT_BYTES_MAX:
            _, (_, dropped) = self._kept.popitem(last=False)
            self._size_bytes -= len(dropped)


def _packed(content: bytes) -> bytes:
    # Without a time: the same file packs to the same bytes.
    return gzip.compress(content, COMPRESSION_LEVEL, mtime=0)


def _takes_gzip(request: web.Request) -> bool:
    if hdrs.RANGE in request.headers:
        return False
    found = _GZIP.search(request.headers.get(hdrs.ACCEPT_ENCODING, ""))
    return found is not None and (found[1] or "1").strip("0.") != ""


def _opens_page(request: web.Request) -> bool:
    """Tell whether a browser asks in order to show a page, as only browsers say."""
    shown = request.headers.get("Sec-Fetch-Dest") in ("document", "iframe")
    return shown and request.method == hdrs.METH_GET


def _with_script(source: _HostedFile, page: Page, headers: dict[str, str]) -> web.Response:
    content = source.read(0, source.size_bytes)
    if len(content) <= PAGE_BYTES_MAX:
        end = content.lower().rfind(b"</body>")
        end = len(content) if end < 0 else end
        content = content[:end] + _TAG + content[end:]
    # A page that was kept would wait for news with an old script, or for none at all.
    headers |= {hdrs.CACHE_CONTROL: "no-store", hdrs.VARY: "Sec-Fetch-Dest"}
    return web.Response(status=page.status, headers=headers, body=content)


async def _script(request: web.Request) -> web.Response:
    return web.Response(
        text=_SCRIPT, content_type="text/javascript", headers={hdrs.CACHE_CONTROL: "no-cache"}
    )


def _refusal(found: Refused) -> EmulatorError:
    return VisitorRefused(found.reason) if found.status == FORBIDDEN else NoSuchPath(found.reason)


def _nothing() -> None:
    """Do nothing: no file is watched yet."""


def _address(request: web.Request) -> str:
    """Return where a visitor comes from; a local proxy or test may say so itself."""
    peer = request.remote or ""
    told = request.headers.get("X-Forwarded-For", "").partition(",")[0].strip()
    return told if told and peer in ("127.0.0.1", "::1") else peer
