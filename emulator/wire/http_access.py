"""Owns HTTP access to functions on the site port: request to event, result to response.

Not here: which paths there are (`services.http_routes`), what event and response look like
(`functions.triggers.http`). The one idea: whoever comes this way is nobody known, unless the path
is for signed-in visitors; what a function fails with is told to its log, the visitor hears a code,
a sentence and the request id to look for.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Final, Protocol
from urllib.parse import urlsplit

from aiohttp import hdrs, web
from multidict import CIMultiDict

from emulator.ambient import Ids
from emulator.core.errors import FunctionFailed
from emulator.core.values import Value
from emulator.functions.base import Failure, Manner
from emulator.functions.triggers.http import METHODS, http_event, integration_response
from emulator.services.caller import Caller
from emulator.services.functions import Invoked
from emulator.services.http_routes import HttpRoute
from emulator.wire import envelope, http_sockets
from emulator.wire.callers import bearer
from emulator.wire.exchange import JSON, Binary, read_body
from emulator.wire.http_stream import LongOutlet, ShortOutlet, StreamedAnswer
from emulator.wire.pairing import without_proof
from emulator.wire.short_way import HEAD_MAX_BYTES, Door, Whole

EVENT_BODY_MAX_BYTES: Final = 6 * 1024 * 1024
"""The platform's bound on the event of a synchronous call."""

PREFLIGHT_MAX_AGE_S: Final = 600
CREDENTIALS_HEADER: Final = "x-cloudbase-credentials"
REQUEST_ID_HEADER: Final = "X-Request-Id"
VISITOR: Final = Caller(kind="anonymous", source="wx_http")

_MORE: Final = (
    "For more information, please refer to "
    "https://docs.cloudbase.net/error-code/service/INVALID_PATH"
)
_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Matches(Protocol):
    """Whatever knows which function answers on a path."""

    def match(self, method: str, path: str) -> HttpRoute | None:
        """Return the most specific route, None when no function listens."""
        ...


class InvokesInPieces(Protocol):
    """Whatever calls a function that may answer in pieces."""

    async def invoke(
        self,
        name: str,
        event: Value,
        caller: Caller,
        *,
        request_id: str,
        manner: Manner,
        sent_characters: int | None,
    ) -> Invoked:
        """Return what came of the call."""
        ...


class HttpAccess:
    """The functions of one suite, as visitors of the site port reach them.

    Pages of this machine and of `domains` may read answers; `otherwise` answers what no function
    listens to.
    """

    def __init__(  # noqa: PLR0913  # what it depends on, each once
        self,
        functions: InvokesInPieces,
        routes: Matches,
        *,
        ids: Ids,
        env_id: str,
        caller_of: Callable[[str], Caller] | None = None,
        domains: Iterable[str] = (),
        otherwise: Handler | None = None,
    ) -> None:
        self._functions = functions
        self._routes = routes
        self._ids = ids
        self._env_id = env_id
        self._caller_of = caller_of
        self._domains = tuple(domain.lower() for domain in domains)
        self._otherwise = otherwise or _nothing_here

    def routes(self) -> list[web.RouteDef]:
        """Return the route that takes every path no other route of the port has."""
        return [web.route("*", "/{path:.*}", self.answer)]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Call the function that listens on the path and answer with its result.

        Raises:
            NoSuchPath: none listens, and there is nothing else to answer with.
            RequestTooLarge: the body does not fit in an event.
        """
        route = self._route(request.method, request.path)
        if route is not None:
            return await self.call(route, request)
        allowed = self._methods(request.path)
        if not allowed:
            return await self._otherwise(request)
        if request.method == hdrs.METH_OPTIONS:
            return self._shared(request, _preflight(request, allowed))
        raise envelope.NoSuchPath(
            f"Invalid path: no function listens to {request.method} {request.path:.200}, "
            f"only to {', '.join(allowed)}. {_MORE}"
        )

    async def call(self, route: HttpRoute, request: web.Request) -> web.StreamResponse:
        """Call a route's function with the request and answer with its result."""
        request_id = self._ids.request_id()
        body = await read_body(request, max_bytes=EVENT_BODY_MAX_BYTES)
        whole = Whole(
            request.path, request.headers, body, method=request.method, query=request.query
        )

        def prepare(response: web.StreamResponse) -> web.StreamResponse:
            response.headers.setdefault(REQUEST_ID_HEADER, request_id)
            return self._shared(request, response)

        outlet = LongOutlet(request, prepare)
        streamed = StreamedAnswer(outlet, bodiless=request.method == hdrs.METH_HEAD)
        answer = await self._invoke(route, whole, request_id, streamed)
        if answer is not None:
            place = http_sockets.place_of(answer.headers)
            if place and http_sockets.is_asked_for(request):
                return await http_sockets.join(request, place)
            headers = CIMultiDict(answer.headers)
            return prepare(web.Response(status=answer.status, headers=headers, body=answer.content))
        assert outlet.response is not None, "sent in pieces"
        return outlet.response

    def door(self, method: str, path: str) -> Door | None:
        """Return what answers a request that arrives whole, None where no function listens."""
        route = self._routes.match(method, path)
        return None if route is None else partial(self._answer_whole, route)

    async def _answer_whole(self, route: HttpRoute, whole: Whole) -> Binary | None:
        """Answer a request of the short way: the rim behind which nothing is raised."""
        request_id = self._ids.request_id()
        assert whole.connection is not None, "it came by the short way"
        outlet = ShortOutlet(whole.connection, [(REQUEST_ID_HEADER, request_id)])
        try:
            streamed = StreamedAnswer(outlet, bodiless=False)
            answer = await self._invoke(route, whole, request_id, streamed)
        except Exception as error:  # noqa: BLE001  # the rim of a request
            return self.refusal(error, request_id)
        if answer is None:
            await outlet.end()
            return None
        headers = tuple(outlet.headers_of(answer.headers))
        return Binary(answer.content, answer.content_type, answer.status, headers)

    async def _invoke(
        self, route: HttpRoute, whole: Whole, request_id: str, streamed: StreamedAnswer
    ) -> Binary | None:
        """Return the function's answer, None when it was sent in pieces."""
        try:
            visitor = self.visitor(whole) if route.compiled.auth else VISITOR
            event = http_event(
                method=whole.method,
                path=route.compiled.path_told(whole.path),
                headers=self.headers_told(whole, visitor),
                query=list(whole.query.items()),
                body=whole.body,
                request_id=request_id,
                env_id=self._env_id,
            )
            manner = Manner(stream=streamed.stream)
            invoked = await self._functions.invoke(
                route.function,
                event,
                visitor,
                request_id=request_id,
                manner=manner,
                sent_characters=_characters(whole),
            )
            failure = invoked.outcome.failure
            if await streamed.finished(failed=failure is not None):
                return None
        finally:
            await streamed.close()
        if failure is not None:
            told = self.refusal(_error_of(route.function, failure, request_id), request_id)
            return told._replace(
                content_type="", headers=(*told.headers, (hdrs.CONTENT_TYPE, told.content_type))
            )
        answer = integration_response(invoked.outcome.result)
        return Binary(answer.body, "", answer.status, tuple(answer.headers))

    def _route(self, method: str, path: str) -> HttpRoute | None:
        route = self._routes.match(method, path)
        if route is None and method == hdrs.METH_HEAD:
            return self._routes.match(hdrs.METH_GET, path)
        return route

    def _methods(self, path: str) -> list[str]:
        return [method for method in METHODS if self._routes.match(method, path) is not None]

    def _shared(self, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        """Let pages that may read the response."""
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is None:
            return response
        if hdrs.ACCESS_CONTROL_ALLOW_ORIGIN not in response.headers and self._may_read(origin):
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
            response.headers.add(hdrs.VARY, hdrs.ORIGIN)
        return response

    def _may_read(self, origin: str) -> bool:
        try:
            parts = urlsplit(origin.lower())
        except ValueError:
            return False
        host = parts.hostname or ""
        if host in _LOOPBACK_NAMES or host.endswith(".localhost"):
            return True
        return any(
            host.endswith(domain[1:]) if domain.startswith("*.") else domain in (host, parts.netloc)
            for domain in self._domains
        )

    def refusal(self, error: Exception, request_id: str) -> Binary:
        """Return the answer for whatever ended a request."""
        return Binary(envelope.refused(error, request_id), JSON, envelope.status_of(error))

    def headers_told(self, request: Whole, visitor: Caller) -> list[tuple[str, str]]:
        """Return the headers that the function hears, by default those of the request."""
        del visitor
        return list(without_proof(request.headers))

    def visitor(self, request: Whole) -> Caller:
        """Return who holds the bearer token; raises NotSignedIn, AccessTokenExpired."""
        token = _token_of(request)
        if not token or self._caller_of is None:
            raise envelope.NotSignedIn(
                f"{request.path:.200} is for signed-in visitors: send Authorization: Bearer TOKEN",
                hint='or take "auth" out of the trigger\'s config',
            )
        return replace(self._caller_of(token), source=VISITOR.source)


def _characters(whole: Whole) -> int | None:
    """Return how long the event's text can be at most, None where it is to be measured."""
    if whole.connection is None:
        return None
    # Of what stands in the head, a query is told twice.
    return len(whole.body) + 2 * HEAD_MAX_BYTES


def _error_of(name: str, failure: Failure, request_id: str) -> FunctionFailed:
    kind = envelope.FunctionTimedOut if failure.kind == "timeout" else FunctionFailed
    return kind(f"[{name}] {failure.message} (the log has more under request {request_id})")


def _preflight(request: web.Request, allowed: list[str]) -> web.StreamResponse:
    methods = ", ".join([*allowed, hdrs.METH_OPTIONS])
    return web.Response(
        status=204,
        headers={
            hdrs.ALLOW: methods,
            hdrs.ACCESS_CONTROL_ALLOW_METHODS: methods,
            hdrs.ACCESS_CONTROL_ALLOW_HEADERS: request.headers.get(
                hdrs.ACCESS_CONTROL_REQUEST_HEADERS, "*"
            ),
            hdrs.ACCESS_CONTROL_MAX_AGE: str(PREFLIGHT_MAX_AGE_S),
        },
    )


def _token_of(request: Whole) -> str:
    """Return the access token of a request: a bearer's, or of js-sdk 1.x' `getAuthHeader()`."""
    return bearer(request) or request.headers.get(CREDENTIALS_HEADER, "").partition("/@@/")[0]


async def _nothing_here(request: web.Request) -> web.StreamResponse:
    raise envelope.NoSuchPath(f"Invalid path: no function listens on {request.path:.200}. {_MORE}")
