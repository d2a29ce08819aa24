"""Owns what browsers must hear before a page may use this suite from its own origin.

Not here: who may do what. The one idea: client SDKs run in pages of any origin and send no cookies,
so any page may ask and read; what it may do hangs on the token that it sends along. Answers carry
the headers only where a request says that it comes from a page.
"""

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from emulator.wire.exchange import Headed

PREFLIGHT_AGE_S: Final = 600
METHODS: Final = "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS"
EXPOSED: Final = (
    "etag, content-length, content-type, content-range, last-modified, x-request-id, x-tcb-trace"
)
_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def preflight(request: web.Request) -> web.StreamResponse:
    """Answer OPTIONS: whatever a page is about to send, it may."""
    return web.Response(status=204, headers=preflight_headers(request))


def preflight_headers(request: web.BaseRequest) -> dict[str, str]:
    """Return the headers that let a page send what it is about to."""
    asked = request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_HEADERS, "*")
    return {
        **allowed(request),
        hdrs.ACCESS_CONTROL_ALLOW_METHODS: METHODS,
        hdrs.ACCESS_CONTROL_ALLOW_HEADERS: asked,
        hdrs.ACCESS_CONTROL_MAX_AGE: str(PREFLIGHT_AGE_S),
        "Access-Control-Allow-Private-Network": "true",
    }


def allowed(request: web.BaseRequest) -> dict[str, str]:
    """Return the headers that let a page read the answer."""
    return {
        **with_cookies(request),
        hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: request.headers.get(hdrs.ORIGIN, "*"),
        hdrs.ACCESS_CONTROL_EXPOSE_HEADERS: EXPOSED,
        hdrs.VARY: hdrs.ORIGIN,
    }


def with_cookies(request: web.BaseRequest) -> dict[str, str]:
    """Return the header that lets pages of the same host, on whatever port, send their cookies.

    The only cookie there is says that a device is paired; it names no user.
    """
    try:
        page = urlsplit(request.headers.get(hdrs.ORIGIN, "")).hostname
        own = urlsplit(f"//{request.headers.get(hdrs.HOST, '')}").hostname
    except ValueError:
        return {}
    return {"Access-Control-Allow-Credentials": "true"} if page and page == own else {}


def shared(handler: Handler) -> Handler:
    """Return a handler whose answers pages of any origin may read."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = await handler(request)
        if hdrs.ORIGIN in request.headers and not response.prepared:
            response.headers.update(allowed(request))
        return response

    return answer


def is_near(request: Headed) -> bool:
    """Tell whether a program sent the request, or a page of this machine or of this suite.

    Who says nothing of itself is the current test user only to these; a page from elsewhere that
    somebody happens to look at is not.
    """
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is None:
        return True
    try:
        host = urlsplit(origin).hostname or ""
        own = urlsplit(f"//{request.headers.get(hdrs.HOST, '')}").hostname
    except ValueError:
        return False
    return host in _LOOPBACK_NAMES or host.endswith(".localhost") or (host != "" and host == own)
