"""Owns the platform's own function `httpOverCallFunction`: HTTP requests that travel inside a call.

Not here: what answers the requests. The one idea: mini programs reach the gateway and the sign-in
API through a call of this function, which asks the suite's own API port for the path of the address
as the same user; the address's host is never asked. Callers: wx-cloud-client-sdk 1.8 (`rdb`,
`mysql`, models over HTTP) and js-sdk 3.x in mini programs (`signInWithOpenId`).
"""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import unquote

import orjson
from aiohttp import ClientError, ClientSession, ClientTimeout, hdrs
from yarl import URL

from emulator.core.errors import InvalidParam
from emulator.core.values import Value
from emulator.functions.base import Failure, Outcome
from emulator.services.caller import Caller
from emulator.services.functions import Invoked
from emulator.wire import fields
from emulator.wire.actions import Invokes
from emulator.wire.callers import OPENID_HEADER

NAME: Final = "httpOverCallFunction"
ANSWER_WAIT_MAX_S: Final = 30.0
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
_PREFIXES: Final = ("/v1/", "/auth/v1/")
_KEPT: Final = frozenset(
    {"accept", "accept-profile", "authorization", "content-profile", "content-type", "prefer"}
    | {"x-db-instance", "x-device-id", "x-request-id", "x-sdk-version", "x-http-method-override"}
)
"""What travels on; a page's origin and the caller's other headers mean nothing here."""


class HttpOverCall:
    """The functions of a suite, with this one among them unless the project has its own."""

    def __init__(self, functions: Invokes, *, url: Callable[[], str]) -> None:
        self._functions = functions
        self._url = url
        self._session: ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    def has(self, name: str) -> bool:
        """Tell whether there is a function of that name."""
        return name == NAME or self._functions.has(name)

    async def invoke(
        self,
        name: str,
        event: Value,
        caller: Caller,
        *,
        request_id: str = "",
        sent_characters: int | None = None,
    ) -> Invoked:
        """Return what came of the call; raises as the functions do, and InvalidParam."""
        if name != NAME or self._functions.has(name):
            return await self._functions.invoke(
                name, event, caller, request_id=request_id, sent_characters=sent_characters
            )
        try:
            told = await self._ask(event, caller)
        except (ClientError, TimeoutError, OSError) as fault:
            failure = Failure(kind="exception", message=f"the suite did not answer: {fault}")
            outcome = Outcome(result=b"null", failure=failure, duration_ms=0.0)
        else:
            outcome = Outcome(result=orjson.dumps(told), failure=None, duration_ms=0.0)
        return Invoked(request_id=request_id, outcome=outcome, logs=())

    async def _ask(self, event: Value, caller: Caller) -> dict[str, Any]:
        if type(event) is not dict:
            raise fields.wrong("data", event, "an object with url, method, headers and body")
        method = (fields.optional_text(event, "method") or hdrs.METH_GET).upper()
        if method not in METHODS:
            raise InvalidParam(f"method must be one of HTTP's, not {method:.20}")
        address = _path_of(fields.text(event, "url"))
        body = event.get("body")
        data = body.encode() if type(body) is str else orjson.dumps(body) if body else None
        if self._session is None:
            self._session = ClientSession(timeout=ClientTimeout(total=ANSWER_WAIT_MAX_S))
        async with self._session.request(
            method,
            URL(self._url() + address, encoded=True),
            data=data,
            headers=_headers(event.get("headers"), caller),
            allow_redirects=False,
        ) as answer:
            return {
                "statusCode": answer.status,
                "statusMessage": answer.reason or "",
                "headers": {name.lower(): value for name, value in answer.headers.items()},
                "body": _read(await answer.read()),
            }


def _path_of(address: str) -> str:
    """Return the path and query of an address; raises InvalidParam unless it is of the gateway."""
    try:
        url = URL(address)
    except ValueError as fault:
        raise InvalidParam(f"url is no address: {fault}") from fault
    segments = unquote(url.raw_path).split("/")
    if not url.raw_path.startswith(_PREFIXES) or ".." in segments or "." in segments:
        raise InvalidParam(
            f"nothing answers {url.raw_path:.100} over a call; it must be below /v1 or /auth/v1"
        )
    return url.raw_path_qs


def _headers(given: Value, caller: Caller) -> dict[str, str]:
    said = given if type(given) is dict else {}
    kept = {
        name.lower(): value
        for name, value in said.items()
        if name.lower() in _KEPT and type(value) is str and value.isprintable()
    }
    if caller.openid and "authorization" not in kept:
        kept[OPENID_HEADER] = caller.openid
    return kept


def _read(content: bytes) -> Any:
    """Return an answer as the data it is, or as text."""
    try:
        return orjson.loads(content) if content else None
    except orjson.JSONDecodeError:
        return content.decode("utf-8", "replace")
