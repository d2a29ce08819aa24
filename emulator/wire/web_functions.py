"""Owns HTTP functions through the gateway: `/v1/functions/NAME/PATH?webfn=true`.

Not here: functions that take an event (`wire.gateway_functions`) and what a request becomes
(`wire.http_access`). The one idea: it is HTTP access at another address, with the gateway's callers
and its form of errors; the parameter, or `X-Tcb-Webfn: true`, says that this is meant.

Facts: docs.cloudbase.net/http-api/functions/functions-post.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from aiohttp import hdrs, web

from emulator.ambient import Ids
from emulator.core.errors import EmulatorError
from emulator.core.records import dataclass
from emulator.services.caller import Caller
from emulator.services.http_routes import HttpRoute, HttpRoutes
from emulator.services.scope import Scope
from emulator.wire import named_env
from emulator.wire.callers import Callers, wechat_headers
from emulator.wire.cors import allowed, preflight
from emulator.wire.envelope import NoSuchPath
from emulator.wire.exchange import JSON, Binary, Headed, binary_answer
from emulator.wire.gateway import PATH, QUALIFIER, REQUEST_ID
from emulator.wire.gateway_errors import failure
from emulator.wire.http_access import HttpAccess, InvokesInPieces
from emulator.wire.short_way import Door, Whole

FUNCTIONS: Final = f"{PATH}/functions"
PARAMETER: Final = "webfn"
HEADER: Final = "X-Tcb-Webfn"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Below:
    """What is below the address of a function: every method and path, for the gateway's callers."""

    function: str
    path: str = FUNCTIONS
    methods: frozenset[str] = frozenset()
    auth: bool = True

    def path_told(self, path: str) -> str:
        """Return what the function hears: the rest of the path."""
        return path.partition(f"{FUNCTIONS}/{self.function}")[2] or "/"

    def matches(self, method: str, path: str) -> bool:
        """Tell whether the request is for the function."""
        del method
        return path.startswith(f"{FUNCTIONS}/{self.function}")


class WebFunctions(HttpAccess):
    """The HTTP functions of one suite, as the gateway's callers reach them."""

    def __init__(
        self,
        functions: InvokesInPieces,
        callers: Callers,
        *,
        scope: Scope,
        ids: Ids,
    ) -> None:
        super().__init__(functions, HttpRoutes(), ids=ids, env_id=scope.env_id)
        self._callers = callers
        self._scope = scope

    def before(self, routes: list[web.RouteDef]) -> list[web.RouteDef]:
        """Return the gateway's routes with what is for HTTP functions taken out before."""
        plain: Mapping[str, Handler] = {each.path: each.handler for each in routes}
        own = []
        for start in ("", "/e/{env}"):
            path = f"{start}{FUNCTIONS}/{{name}}"
            own.append(web.route("*", path, self._either(plain[path])))
            own.append(web.route("*", f"{path}/{{path:.*}}", self._either(_nothing_below)))
        return [*own, *routes]

    def door_over(self, plain: Door, path: str) -> Door:
        """Return what answers a POST to a function that arrives whole, else `plain`."""
        route = _route(path.rpartition("/")[2])

        async def answer(whole: Whole) -> bytes | Binary | None:
            return await (self._answer_checked(route, whole) if is_meant(whole) else plain(whole))

        return answer

    def visitor(self, request: Whole) -> Caller:
        """Return who asks, as everywhere at the gateway."""
        return self._callers.of(request)

    def refusal(self, error: Exception, request_id: str) -> Binary:
        """Return the answer for whatever ended a request, in the gateway's form."""
        status, body = failure(error, request_id)
        return Binary(body, JSON, status, ((REQUEST_ID, request_id),))

    def headers_told(self, request: Whole, visitor: Caller) -> list[tuple[str, str]]:
        """Return the headers with who a WeChat user is, as the platform adds it."""
        told = super().headers_told(request, visitor)
        added = wechat_headers(visitor, self._scope.env_id)
        kept = [(name, value) for name, value in told if name.lower() not in added]
        return [*kept, *added.items()]

    async def _answer_checked(self, route: HttpRoute, whole: Whole) -> Binary | None:
        try:
            self._require_here(whole, whole.path)
        except EmulatorError as error:
            return self.refusal(error, self._ids.request_id())
        return await self._answer_whole(route, whole)

    def _either(self, plain: Handler) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            if hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers:
                return await preflight(request)
            if not is_meant(request):
                return await plain(request)
            try:
                self._require_here(request, request.path)
                return await self.call(_route(request.match_info["name"]), request)
            except EmulatorError as error:
                refused = binary_answer(self.refusal(error, self._ids.request_id()))
                return self._shared(request, refused)

        return answer

    def _require_here(self, request: Headed, path: str) -> None:
        self._scope.require_env(named_env.of_path(path))
        self._scope.require_env(named_env.of_host(request.headers))
        self._scope.require_version(request.headers.get(QUALIFIER, ""))

    def _shared(self, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        if hdrs.ORIGIN in request.headers:
            response.headers.update(allowed(request))
        return response


def is_meant(request: Headed) -> bool:
    """Tell whether a request is for an HTTP function."""
    said = request.query.get(PARAMETER) or request.headers.get(HEADER, "")
    return said.lower() == "true"


def _route(name: str) -> HttpRoute:
    return HttpRoute(name, PARAMETER, Below(name))


async def _nothing_below(request: web.Request) -> web.StreamResponse:
    raise NoSuchPath(
        f"nothing answers on {request.path:.200}: a path below a function is for HTTP functions",
        hint=f"send ?{PARAMETER}=true, or the header {HEADER}: true",
    )
