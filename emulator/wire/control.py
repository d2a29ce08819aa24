"""Owns the control API: what the command line, the console and scripts ask of the suite, as JSON.

Not here: what any call does (the suite does it, through `ControlledSuite`) nor the check of the
Host header (`server`). The one idea: a handler reads bounded input, makes one call and answers
JSON; documents travel as Extended JSON, both forms in, the relaxed form out. A request that a page
of a foreign origin makes is refused, so that no hosted page can act as the console.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from typing import Final, Literal, Protocol

from aiohttp import web

from emulator.core.ejson import TAG_MARK
from emulator.core.errors import EmulatorError, InvalidParam
from emulator.core.values import Document, Value
from emulator.services.recorder import LEVELS
from emulator.wire.control_json import (
    Json,
    answer,
    flag,
    limit,
    read_body,
    read_collections,
    read_object,
    refusal,
    refused,
    relaxed_json,
    seconds,
    text_or_none,
)

EVENT_SIZE_MAX_BYTES: Final = 7 * 1024 * 1024
"""More than an event may have: the call refuses it, and says so."""
SEED_SIZE_MAX_BYTES: Final = 512 * 1024 * 1024
PORT_MAX: Final = 65_535
IDLE_WAIT_DEFAULT_S: Final = 10.0
IDLE_WAIT_MAX_S: Final = 600.0
STREAM_LOOK_S: Final = 0.5
"""How often an open stream looks whether the suite stops."""
KEEP_ALIVE_LOOKS: Final = 10
SOURCE_DEFAULT: Final = "wx_client"

StreamKind = Literal["log", "request"]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ControlledSuite(Protocol):
    """What the control API asks of a suite."""

    @property
    def ready(self) -> bool:
        """Tell whether everything is loaded and nothing is being stopped."""
        ...

    def info(self) -> Json:
        """Return what there is to know of the suite, as JSON data."""
        ...

    async def idle(self, timeout_s: float) -> list[str]:
        """Wait until nothing is queued or running; return what still is at the time-out."""
        ...

    async def reset(self) -> None:
        """Empty documents, files, users, messages and logs."""
        ...

    async def seed(
        self, collections: dict[str, list[Document]], *, replace: bool, triggers: bool
    ) -> dict[str, int]:
        """Load documents as administrator; returns how many, by collection."""
        ...

    def collection(self, name: str) -> list[Document]:
        """Return the documents of a collection; raises CollectionNotExist."""
        ...

    async def invoke(
        self,
        name: str,
        event: Value,
        *,
        openid: str | None,
        source: str,
        cold: bool = False,
    ) -> Json:
        """Call a function; raises FunctionNotFound, other failures are part of the answer."""
        ...

    def instances(self) -> list[Json]:
        """Return the instances of functions' code there are now."""
        ...

    async def restart(self, name: str) -> None:
        """Have the next call begin with nothing in memory; raises FunctionNotFound."""
        ...

    async def inspect(self, name: str, port: int) -> str:
        """Open a function to debuggers; raises FunctionNotFound or InvalidParam."""
        ...

    async def fire(self, function: str, trigger: str, event: Value = None) -> Json:
        """Fire a trigger now; raises FunctionNotFound or InvalidName."""
        ...

    def files(self, prefix: str) -> list[Json]:
        """Return the stored files whose cloud path starts with the prefix."""
        ...

    def call_soon(self, name: str, event: Value, *, openid: str | None, source: str) -> None:
        """Call a function when its turn comes; raises FunctionNotFound, QueueFull."""
        ...

    def logs(self, *, function: str, request_id: str, level: str, limit: int) -> list[Json]:
        """Return the newest log lines that fit, oldest first; empty text fits everything."""
        ...

    def requests(self, limit: int) -> list[Json]:
        """Return the newest calls, oldest first."""
        ...

    def follow(self, kind: StreamKind) -> AsyncIterator[Json]:
        """Yield new log lines or calls as they come."""
        ...

    def messages(self) -> list[Json]:
        """Return the calls of open APIs and of payment, newest last."""
        ...

    async def settle(self, out_trade_no: str, *, succeeds: bool) -> Json:
        """Pay an open order, or let its payment fail; raises InvalidParam."""
        ...

    def request_stop(self) -> None:
        """Ask whoever runs the suite to stop it."""
        ...


def routes(suite: ControlledSuite) -> list[web.RouteDef]:
    """Return the routes of the control API."""
    control = _Control(suite)
    table: tuple[tuple[Callable[..., web.RouteDef], str, Handler], ...] = (
        (web.get, "/_emu/health", control.health),
        (web.get, "/_emu/info", control.info),
        (web.get, "/_emu/idle", control.idle),
        (web.post, "/_emu/reset", control.reset),
        (web.post, "/_emu/seed", control.seed),
        (web.get, "/_emu/collections/{name}", control.collection),
        (web.post, "/_emu/functions/{name}/invoke", control.invoke),
        (web.post, "/_emu/functions/{name}/inspect", control.inspect),
        (web.post, "/_emu/functions/{name}/restart", control.restart),
        (web.get, "/_emu/instances", control.instances),
        (web.post, "/_emu/triggers/{function}/{trigger}/fire", control.fire),
        (web.get, "/_emu/storage", control.storage),
        (web.get, "/_emu/logs", control.logs),
        (web.get, "/_emu/requests", control.requests),
        (web.get, "/_emu/messages", control.messages),
        (web.get, "/_emu/outbox", control.messages),
        (web.post, "/_emu/payments/{out_trade_no}", control.settle),
        (web.post, "/_emu/stop", control.stop),
    )
    return [add(path, guarded(handler)) for add, path, handler in table]


class _Control:
    """The handlers over one suite."""

    def __init__(self, suite: ControlledSuite) -> None:
        self._suite = suite

    async def health(self, request: web.Request) -> web.StreamResponse:
        ready = self._suite.ready
        info = self._suite.info()
        told: Json = {key: info[key] for key in ("env", "version", "pid", "project") if key in info}
        health: Json = {"status": "ready" if ready else "starting", **told}
        return answer(health, status=200 if ready else 503)

    async def info(self, request: web.Request) -> web.StreamResponse:
        return answer(self._suite.info())

    async def idle(self, request: web.Request) -> web.StreamResponse:
        timeout_s = seconds(request, "timeout_s", IDLE_WAIT_DEFAULT_S, IDLE_WAIT_MAX_S)
        running = await self._suite.idle(timeout_s)
        return answer({"idle": False, "running": running} if running else {"idle": True})

    async def reset(self, request: web.Request) -> web.StreamResponse:
        await self._suite.reset()
        return answer({"reset": True})

    async def seed(self, request: web.Request) -> web.StreamResponse:
        raw = await read_body(request, SEED_SIZE_MAX_BYTES)
        data = read_object(raw, known=("collections", "replace", "triggers"))
        collections = read_collections(data.get("collections"), tagged=TAG_MARK in raw)
        counts = await self._suite.seed(
            collections,
            replace=flag(data, "replace"),
            triggers=flag(data, "triggers"),
        )
        return answer({"collections": counts})

    async def collection(self, request: web.Request) -> web.StreamResponse:
        return answer(self._suite.collection(request.match_info["name"]))

    async def invoke(self, request: web.Request) -> web.StreamResponse:
        raw = await read_body(request, EVENT_SIZE_MAX_BYTES)
        data = read_object(raw, known=("event", "openid", "source", "asynchronous", "cold"))
        name, event = request.match_info["name"], data.get("event", {})
        openid = text_or_none(data, "openid")
        source = text_or_none(data, "source") or SOURCE_DEFAULT
        if flag(data, "asynchronous"):
            self._suite.call_soon(name, event, openid=openid, source=source)
            return answer({"queued": True}, status=202)
        cold = flag(data, "cold")
        told = await self._suite.invoke(name, event, openid=openid, source=source, cold=cold)
        return answer(told)

    async def instances(self, request: web.Request) -> web.StreamResponse:
        del request
        return answer(self._suite.instances())

    async def restart(self, request: web.Request) -> web.StreamResponse:
        await self._suite.restart(request.match_info["name"])
        return answer({"restarted": True})

    async def inspect(self, request: web.Request) -> web.StreamResponse:
        raw = await read_body(request, EVENT_SIZE_MAX_BYTES)
        port = read_object(raw or b"{}", known=("port",)).get("port", 0)
        if type(port) is not int or not 0 <= port <= PORT_MAX:
            raise InvalidParam(f"port must be a whole number from 0 to {PORT_MAX}")
        return answer({"url": await self._suite.inspect(request.match_info["name"], port)})

    async def fire(self, request: web.Request) -> web.StreamResponse:
        found = request.match_info
        raw = await read_body(request, EVENT_SIZE_MAX_BYTES)
        event = read_object(raw or b"{}", known=("event",)).get("event")
        return answer(await self._suite.fire(found["function"], found["trigger"], event))

    async def storage(self, request: web.Request) -> web.StreamResponse:
        return answer(self._suite.files(request.query.get("prefix", "")))

    async def logs(self, request: web.Request) -> web.StreamResponse:
        function = request.query.get("function", "")
        request_id = request.query.get("request_id", "")
        level = request.query.get("level", "")
        if level and level not in LEVELS:
            raise InvalidParam(f"there is no level {level!r:.40}", hint=", ".join(LEVELS))
        if _wants_stream(request):
            wanted = {"function": function, "request_id": request_id}
            return await self._stream(
                request, "log", {key: value for key, value in wanted.items() if value}, level
            )
        newest = self._suite.logs(
            function=function, request_id=request_id, level=level, limit=limit(request)
        )
        return answer(newest)

    async def requests(self, request: web.Request) -> web.StreamResponse:
        if _wants_stream(request):
            return await self._stream(request, "request", {})
        return answer(self._suite.requests(limit(request)))

    async def messages(self, request: web.Request) -> web.StreamResponse:
        return answer(self._suite.messages())

    async def settle(self, request: web.Request) -> web.StreamResponse:
        raw = await read_body(request, EVENT_SIZE_MAX_BYTES)
        data = read_object(raw or b"{}", known=("succeeds",))
        number = request.match_info["out_trade_no"]
        succeeds = flag({"succeeds": True, **data}, "succeeds")
        return answer(await self._suite.settle(number, succeeds=succeeds))

    async def stop(self, request: web.Request) -> web.StreamResponse:
        self._suite.request_stop()
        return answer({"stopping": True}, status=202)

    async def _stream(
        self, request: web.Request, kind: StreamKind, wanted: Mapping[str, str], level: str = ""
    ) -> web.StreamResponse:
        """Answer with server-sent events until the client goes or the suite stops."""
        entries = self._suite.follow(kind)
        # Asking for the first entry before the head is sent lets a client know that nothing which
        # happens after it saw the head will be missed.
        coming = asyncio.ensure_future(_next(entries))
        await asyncio.sleep(0)
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        looks = 0
        try:
            await response.prepare(request)
            await response.write(
                b": listening\n\n"
            )  # the head alone would wait for the first entry
            while self._suite.ready:
                done, _ = await asyncio.wait({coming}, timeout=STREAM_LOOK_S)
                looks += 1
                if done:
                    entry = coming.result()
                    if entry is None:
                        break
                    coming = asyncio.ensure_future(_next(entries))
                    if _fits(entry, wanted, level):
                        await response.write(b"data: " + relaxed_json(entry) + b"\n\n")
                elif looks % KEEP_ALIVE_LOOKS == 0:
                    await response.write(b": still here\n\n")
        except ConnectionResetError:
            pass  # the client is gone, which is how most streams end
        finally:
            coming.cancel()
            await asyncio.wait({coming})
            if isinstance(entries, AsyncGenerator):
                await entries.aclose()
        return response


async def _next(entries: AsyncIterator[Json]) -> Json | None:
    return await anext(entries, None)


def guarded(handler: Handler) -> Handler:
    """Return a handler that refuses foreign pages and answers the suite's errors as JSON."""

    async def answered(request: web.Request) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        if origin is not None and origin != f"{request.scheme}://{request.host}":
            return refusal(
                "FOREIGN_ORIGIN",
                f"a page of {origin} may not use the control API",
                hint="the control API answers programs and its own console only",
                status=403,
            )
        try:
            return await handler(request)
        except EmulatorError as fault:
            return refused(fault)

    return answered


def _fits(entry: Json, wanted: Mapping[str, str], level: str) -> bool:
    if level and LEVELS.get(entry.get("level", ""), 1) < LEVELS[level]:
        return False
    return all(entry.get(key) == value for key, value in wanted.items())


def _wants_stream(request: web.Request) -> bool:
    return request.query.get("follow", "") in ("1", "true")
