"""Owns the part of the control API that is about rules: read, replaced, denied, covered.

Not here: what any call does (`RuledSuite` does it).
"""

from typing import Final, Protocol

from aiohttp import web

from emulator.core import ejson
from emulator.core.errors import InvalidParam
from emulator.core.values import Value
from emulator.wire.control import guarded
from emulator.wire.control_json import Json, answer, limit, read_body, read_object

RULES_MAX_BYTES: Final = 256 * 1024


class RuledSuite(Protocol):
    """What these calls ask of a suite."""

    def rules(self) -> Json:
        """Return what is permitted."""
        ...

    def rules_of(self, collection: str) -> Json:
        """Return what one collection permits."""
        ...

    def put_rules(self, collection: str, source: Value) -> Json:
        """Replace what one collection permits; raises InvalidParam."""
        ...

    def replay(self, collection: str, source: Value) -> list[Json]:
        """Return what users asked, and what other rules would have said; raises InvalidParam."""
        ...

    def denials(self, limit: int) -> list[Json]:
        """Return the newest denials, oldest first."""
        ...

    def coverage(self) -> list[Json]:
        """Return what was asked of each rule."""
        ...


def routes(suite: RuledSuite) -> list[web.RouteDef]:
    """Return the routes."""
    control = _Control(suite)
    return [
        web.get("/_emu/rules", guarded(control.rules)),
        web.get("/_emu/rules/coverage", guarded(control.coverage)),
        web.get("/_emu/denials", guarded(control.denials)),
        web.get("/_emu/collections/{name}/rules", guarded(control.rules_of)),
        web.put("/_emu/collections/{name}/rules", guarded(control.put)),
        web.post("/_emu/collections/{name}/rules/replay", guarded(control.replay)),
    ]


class _Control:
    """The handlers over one suite."""

    def __init__(self, suite: RuledSuite) -> None:
        self._suite = suite

    async def rules(self, request: web.Request) -> web.StreamResponse:
        del request
        return answer(self._suite.rules())

    async def coverage(self, request: web.Request) -> web.StreamResponse:
        del request
        return answer({"coverage": self._suite.coverage()})

    async def denials(self, request: web.Request) -> web.StreamResponse:
        return answer({"denials": self._suite.denials(limit(request))})

    async def rules_of(self, request: web.Request) -> web.StreamResponse:
        return answer(self._suite.rules_of(request.match_info["name"]))

    async def put(self, request: web.Request) -> web.StreamResponse:
        source = await _source(request)
        return answer(self._suite.put_rules(request.match_info["name"], source))

    async def replay(self, request: web.Request) -> web.StreamResponse:
        source = await _source(request)
        replayed = self._suite.replay(request.match_info["name"], source)
        return answer({"replayed": ejson.encode(replayed)})


async def _source(request: web.Request) -> Value:
    data = read_object(await read_body(request, RULES_MAX_BYTES), known=("preset", "rules"))
    source: Value = data.get("rules", data.get("preset"))
    if source is None:
        raise InvalidParam("give a preset or rules")
    return source
