"""Owns `callContainer`: requests for a container go on to the local address that the project names.

Not here: the other paths of the gateway. The one idea: what goes through is not looked into, only
headers that belong to one connection stay behind. Paths are those of @cloudbase/node-sdk 3.x and
js-sdk 2.x and 3.x: `/v1/cloudrun/NAME/PATH`. Programs and pages of this machine may call, pages
from elsewhere only for a user who signed in.
"""

from collections.abc import Mapping
from typing import Final

from aiohttp import ClientError, ClientSession, ClientTimeout, hdrs, web
from yarl import URL

from emulator.ambient import Ids
from emulator.core.errors import EmulatorError
from emulator.wire.callers import Callers, bearer, is_publishable_key
from emulator.wire.cors import allowed, is_near, preflight, shared
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


class ContainerNotFound(NoSuchPath):
    """The project names no address for the container, or nothing answers there."""

    code = "SERVICE_NOT_FOUND"


class Containers:
    """The containers of one project: addresses by name."""

    def __init__(self, addresses: Mapping[str, str], callers: Callers, *, ids: Ids) -> None:
        self._addresses = addresses
        self._callers = callers
        self._ids = ids
        self._session: ClientSession | None = None

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.route("*", "/v1/cloudrun/{name}", shared(self._rim)),
            web.route("*", "/v1/cloudrun/{name}/{path:.*}", shared(self._rim)),
        ]

    async def close(self) -> None:
        """Close the connections to containers."""
        if self._session is not None:
            await self._session.close()

    async def _rim(self, request: web.Request) -> web.StreamResponse:
        if hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers:
            return await preflight(request)
        try:
            self._admit(request)
            return await self._forward(request)
        except EmulatorError as error:
            status, body = failure(error, self._ids.request_id())
            return json_answer(request, body, status=status)

    def _admit(self, request: web.Request) -> None:
        token = bearer(request)
        if is_near(request):
            return
        if not token or is_publishable_key(token):
            raise ForeignRequest(
                "a page of another machine may not call containers without signing in"
            )
        self._callers.by_token(token)

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        address = self._addresses.get(name)
        if address is None:
            raise ContainerNotFound(
                f"no address of container {name:.60} is known",
                hint=f'say it in .emulator.toml: [containers] {name:.60} = "http://127.0.0.1:3000"',
            )
        body = await read_body(request, max_bytes=REQUEST_MAX_BYTES)
        url = address.rstrip("/") + request.raw_path.removeprefix(f"/v1/cloudrun/{name}")
        try:
            return await self._answer(request, url, body)
        except (ClientError, TimeoutError, OSError) as fault:
            why = str(fault) or type(fault).__name__
            raise ContainerNotFound(
                f"container {name:.60} at {address} did not answer: {why}",
                hint="start it, or correct its address under [containers]",
            ) from fault

    async def _answer(self, request: web.Request, url: str, body: bytes) -> web.StreamResponse:
        if self._session is None:
            timeout = ClientTimeout(total=ANSWER_WAIT_MAX_S)
            self._session = ClientSession(timeout=timeout, auto_decompress=True)
        kept = [(name, value) for name, value in request.headers.items() if _travels(name)]
        async with self._session.request(
            request.method, URL(url, encoded=True), data=body, headers=kept, allow_redirects=False
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
                async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
                    await response.write(chunk)
            await response.write_eof()
        return response


def _travels(name: str) -> bool:
    return name.lower() not in _LEFT_BEHIND
