"""Owns the two HTTP servers of a suite: the API port and the site port, from socket to routes.

Not here: what any route does; routes are handed in. The one idea: every handler stands behind one
thin rim that checks the Host header and turns whatever is raised into coded JSON, so that no client
ever reads a page of HTML or a traceback. Two ports, so that a hosted page is a foreign origin to
the API and the console.
"""

import asyncio
import logging
from collections.abc import (
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    MutableMapping,
    Sequence,
)
from contextlib import AsyncExitStack
from typing import Any, Final

from aiohttp import hdrs, web
from aiohttp.http import HttpProcessingError

from emulator.ambient import Ids
from emulator.core.errors import ConfigurationError
from emulator.core.records import dataclass
from emulator.wire import envelope
from emulator.wire.cors import allowed, is_near
from emulator.wire.exchange import json_answer
from emulator.wire.guard import Guard
from emulator.wire.short_way import Doors, ShortWay

_log: Final = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SHUTDOWN_GRACE_S: Final = 0.5
"""What is under way may end; then connections are closed, whoever still holds them."""

BACKLOG_CONNECTIONS: Final = 512
MALFORMED_REASON_MAX_LENGTH: Final = 200
BODY_READ_MAX_BYTES: Final = 64 * 1024 * 1024
"""For handlers that read a body whole and name no smaller bound; uploads are streamed."""


@dataclass(frozen=True, slots=True)
class Port:
    """A port to listen on, 0 for any free one, and what is served there.

    `doors` answer small requests of programs before any route is looked for.
    """

    number: int
    routes: Sequence[web.AbstractRouteDef]
    doors: Doors = lambda _method, _path: None


class Server:
    """Both ports of one suite; `on_stop` is called while connections still are open."""

    def __init__(
        self,
        *,
        api: Port,
        site: Port,
        guard: Guard,
        ids: Ids,
        host: str = "127.0.0.1",
        on_stop: Sequence[Callable[[], Awaitable[None]]] = (),
    ) -> None:
        self._ports = (api, site)
        self._guard = guard
        self._ids = ids
        self._host = host
        self._on_stop = on_stop
        self._urls = ("", "")
        self._running = AsyncExitStack()

    @property
    def url(self) -> str:
        """Return the address of the API port, once started."""
        return self._urls[0]

    @property
    def site_url(self) -> str:
        """Return the address of the site port, once started."""
        return self._urls[1]

    async def start(self) -> None:
        """Listen on both ports, or on none.

        Raises:
            ConfigurationError: a port is taken or may not be used; the message names it.
        """
        async with AsyncExitStack() as stack:
            listeners = [_Listener(self._runner(port.routes)) for port in self._ports]
            stack.push_async_callback(_close_all, listeners)
            for listener, port in zip(listeners, self._ports, strict=True):
                await self._listen(listener, port)
            for close in reversed(self._on_stop):
                stack.push_async_callback(close)
            self._urls = (self._address(listeners[0]), self._address(listeners[1]))
            self._running = stack.pop_all()

    async def stop(self) -> None:
        """Close every connection, sockets under way included, within two seconds."""
        await self._running.aclose()

    def _runner(self, routes: Iterable[web.AbstractRouteDef]) -> web.AppRunner:
        app = web.Application(client_max_size=BODY_READ_MAX_BYTES)
        app.add_routes(
            web.RouteDef(route.method, route.path, self._rim(route.handler), route.kwargs)
            if isinstance(route, web.RouteDef)
            else route
            for route in [*routes, web.route("*", "/{anything_else:.*}", _nothing_here)]
        )
        # It waits for requests under way once, and as long again before it cancels them.
        return web.AppRunner(
            app, access_log=None, logger=_HttpLog(_log), shutdown_timeout=SHUTDOWN_GRACE_S / 2
        )

    def _rim(self, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> Handler:
        require_host = self._guard.require_host

        async def answer(request: web.Request) -> web.StreamResponse:
            try:
                require_host(request)
                return await handler(request)
            except web.HTTPException:
                raise
            except Exception as error:  # noqa: BLE001  # the rim of a request
                body = envelope.refused(error, self._ids.request_id())
                response = json_answer(request, body, status=envelope.status_of(error))
                if hdrs.ORIGIN in request.headers and is_near(request):
                    # A page of this machine could not even tell its developer what is wrong.
                    response.headers.update(allowed(request))
                return response

        return answer

    async def _listen(self, listener: "_Listener", port: Port) -> None:
        try:
            await _to_its_end(listener.open(self._host, port, self._guard))
        except (OSError, OverflowError) as fault:
            why = fault.strerror if isinstance(fault, OSError) and fault.strerror else str(fault)
            raise ConfigurationError(
                f"port {port.number} on {self._host} cannot be used: {why}",
                hint="stop what uses it, choose another with --port or --site-port, or 0 for any",
            ) from fault

    def _address(self, listener: "_Listener") -> str:
        host = _NAMES_OF_ALL.get(self._host, self._host)
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{listener.port}"


class _Listener:
    """One port: its socket, its short way, and aiohttp for all else."""

    def __init__(self, runner: web.AppRunner) -> None:
        self._runner = runner
        self._way: ShortWay | None = None
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """Return the port's number."""
        assert self._server is not None
        number: int = self._server.sockets[0].getsockname()[1]
        return number

    async def open(self, host: str, port: Port, guard: Guard) -> None:
        """Listen; raises OSError, OverflowError."""
        await self._runner.setup()
        others = self._runner.server
        assert others is not None
        loop = asyncio.get_running_loop()
        self._way = ShortWay(port.doors, admits=guard.admits_by_host, hand_over=others, loop=loop)
        self._server = await loop.create_server(
            self._way, host, port.number, backlog=BACKLOG_CONNECTIONS
        )

    async def close(self) -> None:
        """Close the socket and every connection."""
        if self._server is not None:
            self._server.close()
        closing = [self._runner.cleanup()]
        if self._way is not None:
            closing.append(self._way.close(SHUTDOWN_GRACE_S))
        await asyncio.gather(*closing)


class _HttpLog(logging.LoggerAdapter[logging.Logger]):
    """The log of the HTTP layer: what a client did wrong is one line, what we did has its stack."""

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        """Replace the stack of a malformed request by the reason."""
        fault = kwargs.get("exc_info")
        if not isinstance(fault, HttpProcessingError):
            return msg, kwargs
        reason = fault.message.partition("\n")[0][:MALFORMED_REASON_MAX_LENGTH]
        return f"{msg}: {reason.replace('%', '%%')}", {**kwargs, "exc_info": None}


_NAMES_OF_ALL: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


async def _nothing_here(request: web.Request) -> web.StreamResponse:
    raise envelope.NoSuchPath(f"nothing answers {request.method} {request.path:.200}")


async def _to_its_end(starting: Coroutine[Any, Any, None]) -> None:
    """Wait for it, also when cancelled: half of a start would leave a socket that nobody closes."""
    task = asyncio.ensure_future(starting)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


async def _close_all(listeners: Iterable[_Listener]) -> None:
    await asyncio.gather(*(listener.close() for listener in listeners))
