"""Owns the part of the control API that is about realtime connections: seen, cut and delayed.

Not here: what any call does (`wire.watch` does it).
"""

from typing import Final, Protocol

from aiohttp import web

from emulator.core.errors import InvalidParam
from emulator.wire.control import guarded
from emulator.wire.control_json import Json, answer, read_body, read_object

ORDER_MAX_BYTES: Final = 4096


class WatchedSuite(Protocol):
    """What these calls ask of a suite."""

    def listing(self) -> list[Json]:
        """Return the connections with what they listen to."""
        ...

    def cut(self, number: int | None) -> int:
        """Break one connection off, or all; raises InvalidParam."""
        ...

    def delay_s(self) -> float:
        """Return how long every message is held back."""
        ...

    def delay(self, delay_s: float) -> None:
        """Hold every message back for so long; raises InvalidParam."""
        ...


def routes(suite: WatchedSuite) -> list[web.RouteDef]:
    """Return the routes."""
    control = _Control(suite)
    return [
        web.get("/_emu/watchers", guarded(control.watchers)),
        web.post("/_emu/watchers/cut", guarded(control.cut)),
        web.post("/_emu/watchers/delay", guarded(control.delay)),
    ]


class _Control:
    """The handlers over one suite."""

    def __init__(self, suite: WatchedSuite) -> None:
        self._suite = suite

    async def watchers(self, request: web.Request) -> web.StreamResponse:
        del request
        return answer({"connections": self._suite.listing(), "delay_s": self._suite.delay_s()})

    async def cut(self, request: web.Request) -> web.StreamResponse:
        raw = await read_body(request, ORDER_MAX_BYTES)
        number = read_object(raw or b"{}", known=("connection",)).get("connection")
        if number is not None and type(number) is not int:
            raise InvalidParam("connection must be a number, as the list of watchers has it")
        return answer({"cut": self._suite.cut(number)})

    async def delay(self, request: web.Request) -> web.StreamResponse:
        raw = await read_body(request, ORDER_MAX_BYTES)
        delay_s = read_object(raw, known=("delay_s",)).get("delay_s")
        if not isinstance(delay_s, int | float) or isinstance(delay_s, bool):
            raise InvalidParam("delay_s must be a number of seconds")
        self._suite.delay(delay_s)
        return answer({"delay_s": delay_s})
