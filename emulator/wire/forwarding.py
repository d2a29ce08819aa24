"""Owns passing requests on to servers of this machine that the project names.

Not here: which paths are passed on (`wire.containers`, `wire.local_services`). The one idea: what
goes through is not looked into, only headers that belong to one connection stay behind. Programs
and pages of this machine may call, pages from elsewhere only for a user who signed in.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import ClientError, ClientSession, ClientTimeout, hdrs, web
from yarl import URL

from emulator.ambient import Ids
from emulator.core.auth_errors import AuthError
from emulator.core.errors import EmulatorError
from emulator.core.records import dataclass
from emulator.wire.callers import Callers, bearer, is_publishable_key, wechat_headers
from emulator.wire.cors import allowed, is_near, preflight
from emulator.wire.envelope import ForeignRequest, NoSuchPath
from emulator.wire.exchange import json_answer, read_body
from emulator.wire.gateway_errors import failure

REQUEST_MAX_BYTES: Final = 64 * 1024 * 1024
ANSWER_WAIT_MAX_S: Final = 60.0
CHUNK_BYTES: Final = 64 * 1024
_LEFT_BEHIND: Final = frozenset(
    {"connection", "content-encoding", "content-length", "host", "keep-alive", "proxy-authenticate"}
    | {"proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade"}
)


class ServiceNotFound(NoSuchPath):
    """The project names no address for what is asked, or nothing answers there."""

    code = "SERVICE_NOT_FOUND"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes on to: `what` listens at `address`, as the table `section` says.

    With an `env_id` it hears which WeChat user asks, as the platform's own containers do.
    """

    address: str
    path: str
    what: str
    section: str
    env_id: str = ""


class Forwarder:
    """The connections to the project's own servers."""

    def __init__(self, callers: Callers, *, ids: Ids) -> None:
        self._callers = callers
        self._ids = ids
        self._session: ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    def rim(
        self, target: Callable[[web.Request], Target]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Return what answers requests by passing them on."""

        async def answer(request: web.Request) -> web.StreamResponse:
            if hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers:
                return await preflight(request)
            try:
                self._admit(request)
                return await self._forward(request, target(request))
            except EmulatorError as error:
                status, body = failure(error, self._ids.request_id())
                return json_answer(request, body, status=status)

        return answer

    def _admit(self, request: web.Request) -> None:
        token = bearer(request)
        if is_near(request):
            return
        if not token or is_publishable_key(token):
            raise ForeignRequest(
                "a page of another machine may not call what listens on this one without signing in"
            )
        self._callers.by_token(token)

    async def _forward(self, request: web.Request, target: Target) -> web.StreamResponse:
        body = await read_body(request, max_bytes=REQUEST_MAX_BYTES)
        try:
            return await self._answer(request, target, body)
        except (ClientError, TimeoutError, OSError) as fault:
            why = str(fault) or type(fault).__name__
            raise ServiceNotFound(
                f"{target.what} at {target.address} did not answer: {why}",
                hint=f"start it, or correct its address under [{target.section}]",
            ) from fault

    def _headers(self, request: web.Request, target: Target) -> list[tuple[str, str]]:
        added: dict[str, str] = {}
        if target.env_id:
            try:
                added = wechat_headers(self._callers.of(request), target.env_id)
            except AuthError:
                # The token may be meant for the server itself: it judges, and hears of no user.
                added = {}
        kept = [(name, value) for name, value in request.headers.items() if _travels(name)]
        return [
            *((name, value) for name, value in kept if name.lower() not in added),
            *added.items(),
        ]

    async def _answer(
        self, request: web.Request, target: Target, body: bytes
    ) -> web.StreamResponse:
        if self._session is None:
            timeout = ClientTimeout(total=ANSWER_WAIT_MAX_S)
            self._session = ClientSession(timeout=timeout, auto_decompress=True)
        async with self._session.request(
            request.method,
            URL(target.address.rstrip("/") + target.path, encoded=True),
            data=body,
            headers=self._headers(request, target),
            allow_redirects=False,
        ) as answer:
            response = web.StreamResponse(status=answer.status, reason=answer.reason)
            for name, value in answer.headers.items():
                if _travels(name):
                    response.headers.add(name, value)
            response.headers.setdefault("x-cloudbase-request-id", self._ids.request_id())
            if hdrs.ORIGIN in request.headers:
                response.headers.update(allowed(request))
            await response.prepare(request)
            if request.method != hdrs.METH_HEAD:
                async for chunk in answer.content.iter_any():
                    await response.write(chunk)
            await response.write_eof()
        return response


def path_after(request: web.Request, prefix: str) -> str:
    """Return the path and query of a request as they came, without what stands before."""
    return request.raw_path.partition(prefix)[2]


def _travels(name: str) -> bool:
    return name.lower() not in _LEFT_BEHIND
