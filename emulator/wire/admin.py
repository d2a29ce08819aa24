"""Owns the front door `/admin`: who calls with a server SDK, and what a request must look like.

Not here: what the actions do (`wire.actions`). The one idea: whoever reaches this door is an
administrator, as a holder of the environment's secret is in the cloud (the signature is checked in
a strict project), unless the request carries the token of an invocation: then it is code of that
function, and acts as it.
"""

from collections.abc import Callable, Mapping
from typing import Final

import orjson
from aiohttp import hdrs, web

from emulator.ambient import Ids
from emulator.core.errors import EmulatorError, InvalidCommonParam
from emulator.core.values import Value
from emulator.services.caller import ADMINISTRATOR, Caller
from emulator.services.scope import Scope
from emulator.services.signatures import Request, Signatures
from emulator.wire import envelope, fields, json_text, named_env
from emulator.wire.actions import Actions
from emulator.wire.exchange import Binary, binary_answer, json_answer, read_body
from emulator.wire.fields import Body
from emulator.wire.form import read_form
from emulator.wire.guard import Guard
from emulator.wire.short_way import Door, Whole

PATH: Final = "/admin"

REQUEST_MAX_BYTES: Final = 64 * 1024 * 1024
"""A document of MongoDB's 16 MiB grows about fourfold as escaped, canonical Extended JSON."""

SDK_AGENTS: Final = "tcb-"
"""How the User-Agent of every official server SDK begins, `tcb-node-sdk/` or `tcb-admin-sdk/`."""

TOKEN_FIELDS: Final = ("wxCloudApiToken", "tcb_sessionToken")


class AdminDoor:
    """The door of one suite."""

    def __init__(
        self,
        actions: Actions,
        *,
        ids: Ids,
        guard: Guard,
        caller_of: Callable[[str], Caller | None],
        scope: Scope,
        signatures: Signatures | None = None,
    ) -> None:
        self._signatures = signatures
        self._actions = actions
        self._guard = guard
        self._ids = ids
        self._caller_of = caller_of
        self._scope = scope

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the door: its own, and the same for a named environment."""
        return [web.post(PATH, self.answer), web.post(f"/e/{{env}}{PATH}", self.answer)]

    def door(self, method: str, path: str) -> Door | None:
        """Return what answers requests to a path that arrive whole."""
        return self.answer_whole if path == PATH and method == hdrs.METH_POST else None

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer any request with status 200 and JSON."""
        try:
            self._guard.require_own_origin(request)
            raw = await read_body(request, max_bytes=REQUEST_MAX_BYTES)
        except EmulatorError as error:
            return json_answer(request, envelope.failure(error, self._ids.request_id()))
        path, _, query = request.raw_path.partition("?")
        whole = Whole(path, request.headers, raw, raw_query=query)
        answer = await self.answer_whole(whole)
        if isinstance(answer, Binary):
            return binary_answer(answer)
        return json_answer(request, answer)

    async def answer_whole(self, whole: Whole) -> bytes | Binary:
        """Answer a request of no other site: the rim behind which nothing is raised."""
        request_id = self._ids.request_id()
        try:
            headers = whole.headers
            body = _read_object(whole.body, headers)
            self._require_here(whole.path, body)
            from_sdk = headers.get(hdrs.USER_AGENT, "").startswith(SDK_AGENTS)
            run = self._actions.find(fields.text(body, "action"), exact=not from_sdk)
            return await run(body, self._caller(whole, body), request_id)
        except Exception as error:  # noqa: BLE001  # the rim of a request
            return envelope.refused(error, request_id)

    def _require_here(self, path: str, body: Body) -> None:
        """Let pass what is meant for this environment; another account's is reached as this one."""
        if path != PATH:
            self._scope.require_env(named_env.of_path(path))
        if not body.get("crossAuthorizationToken"):
            self._scope.require_env(named_env.of_body(body, "envName"))
        if "qualifier" in body:
            self._scope.require_version(fields.optional_text(body, "qualifier"))

    def _caller(self, whole: Whole, body: Body) -> Caller:
        for name in TOKEN_FIELDS:
            token = body.get(name)
            if token:
                caller = self._caller_of(fields.text(body, name))
                if caller is not None:
                    return caller
        if self._signatures is not None:
            self._signatures.require(_signed_part(whole, body))
        return ADMINISTRATOR


def _signed_part(whole: Whole, body: Body) -> Request:
    return Request(
        method=hdrs.METH_POST,
        address=f"//{whole.headers.get(hdrs.HOST, '')}{whole.path}",
        query=whole.raw_query,
        headers={name.lower(): value for name, value in whole.headers.items()},
        body=body,
    )


def _read_object(raw: bytes, headers: Mapping[str, str]) -> Body:
    try:
        body: Value = json_text.read(raw)
    except orjson.JSONDecodeError as fault:
        kind = headers.get(hdrs.CONTENT_TYPE, "")
        if kind.startswith("multipart/"):
            return read_form(raw, kind)
        what = f"is not JSON: {fault}" if raw else "is empty"
        raise InvalidCommonParam(f"the request body {what}") from fault
    if type(body) is not dict:
        raise InvalidCommonParam("the request body must be a JSON object with an action")
    return body
