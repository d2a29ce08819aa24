"""Owns the door of Tencent Cloud's API 3.0, which manager-node and deploy scripts call.

Not here: what the actions do (`wire.cloud_tables`, `wire.cloud_functions`, `wire.cloud_env`). The
one idea: an action of a service is a row of a table; every answer is `{"Response": …}` with status
200, a refusal has `Error` in it, and what has no row is refused with the API's own
`UnsupportedOperation`. Callers are administrators, as holders of an account's key are.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import orjson
from aiohttp import hdrs, web

from emulator.ambient import Ids
from emulator.core.auth_errors import (
    InvalidArgument,
    SignatureInvalid,
    UserExists,
    UserNotFound,
)
from emulator.core.errors import (
    CollectionExists,
    CollectionNotExist,
    DatabaseError,
    EmulatorError,
    FunctionNotFound,
    InvalidCommonParam,
    InvalidEnv,
    InvalidParam,
    RequestTooLarge,
    StorageFileNotExist,
    TooManyCollections,
)
from emulator.services.call_signatures import CallSignatures
from emulator.wire import envelope, json_text
from emulator.wire.exchange import json_answer, read_body
from emulator.wire.fields import Body
from emulator.wire.guard import Guard
from emulator.wire.named_env import FORWARDED_HOST

PATH: Final = "/"
REQUEST_MAX_BYTES: Final = 10 * 1024 * 1024
"""The API takes that much of a signed JSON body."""
ACTION: Final = "X-TC-Action"
SERVICE_DEFAULT: Final = "tcb"
_SERVICE: Final = re.compile(r"Credential=[^/,]*/[^/,]*/([a-z]+)/")

Call = Callable[[Body], Awaitable[dict[str, Any]]]
Tables = Mapping[str, Mapping[str, Call]]
"""A service's short name to its actions."""

_CODES: Final[tuple[tuple[type[EmulatorError], str], ...]] = (
    (CollectionExists, "ResourceUnavailable.ResourceExist"),
    (CollectionNotExist, "ResourceNotFound"),
    (TooManyCollections, "LimitExceeded"),
    (FunctionNotFound, "ResourceNotFound.FunctionName"),
    (StorageFileNotExist, "ResourceNotFound"),
    (InvalidEnv, "ResourceNotFound"),
    (UserExists, "ResourceInUse"),
    (UserNotFound, "ResourceNotFound.UserNotExists"),
    (InvalidArgument, "InvalidParameterValue"),
    (SignatureInvalid, "AuthFailure.SignatureFailure"),
    (RequestTooLarge, "RequestSizeLimitExceeded"),
    (InvalidCommonParam, "InvalidParameter"),
    (InvalidParam, "InvalidParameterValue"),
    (DatabaseError, "FailedOperation"),
)


class Unsupported(EmulatorError):
    """An action that is not emulated."""

    code = "UnsupportedOperation"


class CloudApi:
    """The door of one suite; a strict one is given the `signatures` that it takes."""

    def __init__(
        self, tables: Tables, *, ids: Ids, guard: Guard, signatures: CallSignatures | None = None
    ) -> None:
        self._tables = tables
        self._ids = ids
        self._guard = guard
        self._signatures = signatures

    def routes(self) -> list[web.RouteDef]:
        """Return the one route of all actions."""
        return [web.post(PATH, self.answer)]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer any request with status 200."""
        request_id = self._ids.request_id()
        try:
            self._guard.require_own_origin(request)
            raw = await read_body(request, max_bytes=REQUEST_MAX_BYTES)
            if self._signatures is not None:
                headers = {name.lower(): value for name, value in request.headers.items()}
                self._signatures.require_call(headers, _hosts(request), raw)
            answer = _encoded(await self._find(request)(_body(raw)), request_id)
        except Exception as error:  # noqa: BLE001  # the rim of a request
            answer = _encoded({"Error": _error(error, request_id)}, request_id)
        return json_answer(request, answer)

    def _find(self, request: web.Request) -> Call:
        action = request.headers.get(ACTION, "")
        if not action:
            raise InvalidCommonParam(
                f"the header {ACTION} is missing; POST {PATH} takes calls of Tencent Cloud's API"
            )
        service = _service(request)
        known = self._tables.get(service, {})
        run = known.get(action)
        if run is None:
            raise Unsupported(f"{action:.60} of {service:.30} is not emulated here")
        return run


def _service(request: web.Request) -> str:
    """Return the service that a request was signed for, or that its host names."""
    signed = _SERVICE.search(request.headers.get(hdrs.AUTHORIZATION, ""))
    if signed is not None:
        return signed[1]
    return request.headers.get(FORWARDED_HOST, "").partition(".")[0] or SERVICE_DEFAULT


def _hosts(request: web.Request) -> tuple[str, ...]:
    """Return what may stand for `host` in a signature: manager-node leaves out the port."""
    host = request.headers.get(FORWARDED_HOST, "") or request.headers.get(hdrs.HOST, "")
    return host, host.partition(":")[0]


def _body(raw: bytes) -> Body:
    try:
        body = json_text.read(raw) if raw.strip() else {}
    except orjson.JSONDecodeError as fault:
        raise InvalidCommonParam(f"the request body is not JSON: {fault}") from fault
    if type(body) is not dict:
        raise InvalidCommonParam("the request body must be a JSON object")
    return body


def _encoded(told: Mapping[str, Any], request_id: str) -> bytes:
    return orjson.dumps({"Response": {**told, "RequestId": request_id}})


def _error(error: Exception, request_id: str) -> dict[str, str]:
    told = orjson.loads(envelope.refused(error, request_id))
    code = "InternalError"
    if isinstance(error, Unsupported):
        code = error.code
    elif isinstance(error, EmulatorError):
        code = next((name for kind, name in _CODES if isinstance(error, kind)), "FailedOperation")
    return {"Code": code, "Message": told["message"]}
