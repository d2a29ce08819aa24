"""Owns the front door `/web`: the action protocol of js-sdk 1.x and tcb-js-sdk, and partly of 2.x.

Not here: what the actions do (`wire.web_actions`, `wire.web_auth`) and who is who (`wire.callers`).
The one idea: as on `/admin` every answer has status 200 and is JSON, but whoever calls here is a
user of the app, or nobody, and permissions decide.
"""

from typing import Final

from aiohttp import hdrs, web

from emulator.ambient import Ids
from emulator.services.scope import Scope
from emulator.wire import envelope, fields, named_env
from emulator.wire.actions import Actions
from emulator.wire.callers import Callers, bearer
from emulator.wire.cors import allowed, preflight
from emulator.wire.exchange import JSON, Binary, binary_answer, json_answer, read_object
from emulator.wire.web_auth import Visit, WebAuth

PATH: Final = "/web"
REQUEST_MAX_BYTES: Final = 64 * 1024 * 1024


class WebDoor:
    """The door of one suite."""

    def __init__(
        self, actions: Actions, auth: WebAuth, callers: Callers, *, scope: Scope, ids: Ids
    ) -> None:
        self._actions = actions
        self._auth = auth
        self._callers = callers
        self._ids = ids
        self._scope = scope

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the door: its own, and the same for a named environment."""
        return [
            route
            for path in (PATH, f"/e/{{env}}{PATH}")
            for route in (web.post(path, self.answer), web.options(path, preflight))
        ]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer any request with status 200 and JSON: the rim behind which nothing is raised."""
        request_id = self._ids.request_id()
        try:
            answer = await self._carry_out(request, request_id)
        except Exception as error:  # noqa: BLE001  # the rim of a request
            answer = envelope.refused(error, request_id)
        if isinstance(answer, Binary):
            return binary_answer(answer)
        if hdrs.ORIGIN not in request.headers:
            return json_answer(request, answer)
        headers = {**allowed(request), hdrs.CONTENT_TYPE: JSON, "X-Request-Id": request_id}
        return web.Response(body=answer, headers=headers)

    async def _carry_out(self, request: web.Request, request_id: str) -> bytes | Binary:
        body = await read_object(request, max_bytes=REQUEST_MAX_BYTES)
        self._scope.require_env(named_env.of_path(request.path))
        self._scope.require_env(named_env.of_body(body, "env"))
        if "qualifier" in body:
            self._scope.require_version(fields.optional_text(body, "qualifier"))
        action = fields.text(body, "action")
        token = fields.optional_text(body, "access_token") or bearer(request)
        sign_in = self._auth.find(action)
        if sign_in is not None:
            visit = Visit(request=request, body=body, token=token, request_id=request_id)
            return await sign_in(visit)
        run = self._actions.find(action)
        return await run(body, self._callers.of(request, token), request_id)
