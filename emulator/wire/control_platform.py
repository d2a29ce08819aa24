"""Owns the control API of the clock and of triggers.

Not here: what the calls do (`suite.platform_control`), the rest of the control API
(`wire.control`), whose guard it shares.
"""

from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

from aiohttp import web

from emulator.core.errors import InvalidParam
from emulator.core.values import Value
from emulator.services.metrics import CONTENT_TYPE as METRICS_TYPE
from emulator.wire.control import guarded
from emulator.wire.control_json import Json, answer, flag, limit, read_body, read_object

REQUEST_MAX_BYTES: Final = 64 * 1024


class PlatformSuite(Protocol):
    """What the calls need of a suite."""

    def clock(self) -> Json:
        """Return what the clock shows."""
        ...

    async def set_clock(self, moment: Value) -> None:
        """Show this moment; raises InvalidParam."""
        ...

    async def advance_clock(self, duration: Value, is_wanted: Callable[[], bool]) -> int:
        """Go on by so much, calling what is due, while it is wanted; returns how many timers.

        Raises InvalidParam.
        """
        ...

    async def freeze_clock(self) -> None:
        """Have the clock stand still."""
        ...

    async def resume_clock(self) -> None:
        """Have the clock run on."""
        ...

    def triggers(self) -> list[Json]:
        """Return every trigger of the project."""
        ...

    def pause(self, function: str, trigger: str, *, paused: bool) -> None:
        """Stop or resume a trigger; raises FunctionNotFound."""
        ...

    def hear(self, *, enabled: bool) -> None:
        """Have database and storage triggers hear of changes, or not."""
        ...

    @property
    def hearing(self) -> bool:
        """Tell whether database and storage triggers hear of changes."""
        ...

    def dead_letters(self) -> list[Json]:
        """Return the triggered calls that were given up, oldest first."""
        ...

    def replay(self, number: int | None) -> int:
        """Call again what was given up, one or all; raises InvalidParam."""
        ...

    def trace(self, *, request_id: str, trace_id: str, limit: int, form: str) -> Value:
        """Return the newest spans, of one tree or all; raises InvalidParam."""
        ...

    def metrics(self) -> bytes:
        """Return the figures of the suite in Prometheus' text format."""
        ...

    def usage(self, plan: str) -> Json:
        """Return what would be charged for; raises InvalidParam for an unknown plan."""
        ...


def routes(suite: PlatformSuite) -> list[web.RouteDef]:
    """Return the routes of the clock and of triggers."""
    control = _Control(suite)
    trigger = "/_emu/triggers/{function}/{trigger}"
    return [
        web.get("/_emu/clock", guarded(control.clock)),
        web.post("/_emu/clock", guarded(control.turn)),
        web.get("/_emu/triggers", guarded(control.triggers)),
        web.post("/_emu/triggers", guarded(control.hear)),
        web.post(trigger + "/pause", guarded(control.pause)),
        web.post(trigger + "/resume", guarded(control.resume)),
        web.get("/_emu/dead-letters", guarded(control.dead_letters)),
        web.post("/_emu/dead-letters/replay", guarded(control.replay)),
        web.get("/_emu/trace", guarded(control.trace)),
        web.get("/_emu/metrics", guarded(control.metrics)),
        web.get("/_emu/usage", guarded(control.usage)),
    ]


class _Control:
    """The handlers over one suite."""

    def __init__(self, suite: PlatformSuite) -> None:
        self._suite = suite

    async def clock(self, request: web.Request) -> web.StreamResponse:
        return answer(self._suite.clock())

    async def turn(self, request: web.Request) -> web.StreamResponse:
        raw = await read_body(request, REQUEST_MAX_BYTES)
        data = read_object(raw, known=("set", "advance", "freeze", "resume"))
        if not data or (flag(data, "freeze") and flag(data, "resume")):
            raise InvalidParam(
                "say what to do with the clock",
                hint='{"set": "2026-01-31T09:00:00Z"}, {"advance": "30d"}, {"freeze": true} or '
                '{"resume": true}',
            )
        told: Json = {}
        # In the order that makes every combination mean something.
        if flag(data, "freeze"):
            await self._suite.freeze_clock()
        if "set" in data:
            await self._suite.set_clock(data["set"])
        if "advance" in data:
            told["fired"] = await self._suite.advance_clock(
                data["advance"], partial(_waits, request)
            )
        if flag(data, "resume"):
            await self._suite.resume_clock()
        return answer({**self._suite.clock(), **told})

    async def triggers(self, request: web.Request) -> web.StreamResponse:
        return answer({"enabled": self._suite.hearing, "triggers": self._suite.triggers()})

    async def hear(self, request: web.Request) -> web.StreamResponse:
        data = read_object(await read_body(request, REQUEST_MAX_BYTES), known=("enabled",))
        if "enabled" not in data:
            raise InvalidParam("say whether triggers are enabled", hint='{"enabled": false}')
        was = self._suite.hearing
        self._suite.hear(enabled=flag(data, "enabled"))
        return answer({"enabled": self._suite.hearing, "was": was})

    async def pause(self, request: web.Request) -> web.StreamResponse:
        return self._paused(request, paused=True)

    async def resume(self, request: web.Request) -> web.StreamResponse:
        return self._paused(request, paused=False)

    async def dead_letters(self, request: web.Request) -> web.StreamResponse:
        return answer(self._suite.dead_letters())

    async def replay(self, request: web.Request) -> web.StreamResponse:
        raw = await read_body(request, REQUEST_MAX_BYTES)
        data = read_object(raw or b"{}", known=("number",))
        number = data.get("number")
        if number is not None and (not isinstance(number, int) or isinstance(number, bool)):
            raise InvalidParam("number must be that of a dead letter")
        return answer({"replayed": self._suite.replay(number)})

    async def trace(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        told = self._suite.trace(
            request_id=query.get("request_id", ""),
            trace_id=query.get("trace_id", ""),
            limit=limit(request),
            form=query.get("form", "otlp"),
        )
        return answer(told)

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=self._suite.metrics(), headers={"Content-Type": METRICS_TYPE})

    async def usage(self, request: web.Request) -> web.StreamResponse:
        return answer(self._suite.usage(request.query.get("plan", "")))

    def _paused(self, request: web.Request, *, paused: bool) -> web.StreamResponse:
        found = request.match_info
        self._suite.pause(found["function"], found["trigger"], paused=paused)
        return answer({"paused": paused})


def _waits(request: web.Request) -> bool:
    """Tell whether somebody still waits for the answer."""
    return request.transport is not None and not request.transport.is_closing()
