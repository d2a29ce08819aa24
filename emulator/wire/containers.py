"""Owns `callContainer`: requests for a container go on to the local address that the project names.

Not here: the other paths of the gateway. The one idea: what goes through is not looked into, only
headers that belong to one connection stay behind. Paths are those of @cloudbase/node-sdk 3.x:
`/v1/cloudrun/NAME/PATH`; what else it asks the gateway for is answered as not enabled.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from aiohttp import ClientError, ClientSession, ClientTimeout, hdrs, web
from yarl import URL

from emulator.ambient import Ids
from emulator.core.errors import EmulatorError
from emulator.wire.envelope import NoSuchPath
from emulator.wire.exchange import read_body
from emulator.wire.guard import Guard

REQUEST_MAX_BYTES: Final = 64 * 1024 * 1024
ANSWER_WAIT_MAX_S: Final = 60.0
CHUNK_BYTES: Final = 64 * 1024
_LEFT_BEHIND: Final = frozenset(
    {"connection", "content-encoding", "content-length", "host", "keep-alive", "proxy-authenticate"}
    | {"proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade"}
)
_NOT_ENABLED: Final = ("ai", "apis", "model", "rdb", "sql")


class ContainerNotFound(NoSuchPath):
    """The project names no address for the container, or nothing answers there."""

    code = "SERVICE_NOT_FOUND"


class FeatureNotEnabled(EmulatorError):
    """The environment has not enabled what the path belongs to."""

    code = "RESOURCE_NOT_INITIAL"


class Containers:
    """The containers of one project: addresses by name."""

    def __init__(self, addresses: Mapping[str, str], *, ids: Ids, guard: Guard) -> None:
        self._addresses = addresses
        self._ids = ids
        self._guard = guard
        self._session: ClientSession | None = None

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.route("*", "/v1/cloudrun/{name}", self._forward),
            web.route("*", "/v1/cloudrun/{name}/{path:.*}", self._forward),
            *(web.route("*", f"/v1/{name}/{{path:.*}}", _refusing(name)) for name in _NOT_ENABLED),
        ]

    async def close(self) -> None:
        """Close the connections to containers."""
        if self._session is not None:
            await self._session.close()

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        self._guard.require_own_origin(request)
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
            await response.prepare(request)
            if request.method != hdrs.METH_HEAD:
                async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
                    await response.write(chunk)
            await response.write_eof()
        return response


def _travels(name: str) -> bool:
    return name.lower() not in _LEFT_BEHIND


def _refusing(name: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def refuse(request: web.Request) -> web.StreamResponse:
        raise FeatureNotEnabled(f"{request.path:.100}: /v1/{name} is not enabled")

    return refuse
