"""Owns the calls of functions through the gateway: `POST /v1/functions/NAME`.

Not here: how functions run. The one idea: the body is the event and the answer is what the function
returned, text as text; a result with a `code` of its own looks like a failure to js-sdk 3.x, here
as in the cloud, so the function's log says so.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from emulator.services.functions import result_of
from emulator.services.recorder import Recorder
from emulator.wire.actions import Invokes, StandIn
from emulator.wire.envelope import FunctionTimedOut
from emulator.wire.exchange import JSON
from emulator.wire.gateway import Asked, Endpoint, Told

TEXT: Final = "text/plain; charset=utf-8"


class GatewayFunctions:
    """The functions of one suite; `stand_ins` answer for the platform's own."""

    def __init__(
        self, functions: Invokes, stand_ins: Mapping[str, StandIn], recorder: Recorder
    ) -> None:
        self._functions = functions
        self._recorder = recorder
        self._stand_ins = stand_ins

    def endpoints(self) -> list[Endpoint]:
        """Return what answers where."""
        return [Endpoint("POST", "/functions/{name}", self._call)]

    async def _call(self, asked: Asked) -> Told:
        name, event = asked.names["name"], asked.body()
        stand_in = self._stand_ins.get(name)
        if stand_in is not None and not self._functions.has(name):
            told: dict[str, Any] = orjson.loads(stand_in(event, asked.request_id))
            return Told(told["response_data"].encode())
        invoked = await self._functions.invoke(
            name, event, asked.caller, request_id=asked.request_id
        )
        failure = invoked.outcome.failure
        if failure is not None and failure.kind == "timeout":
            raise FunctionTimedOut(failure.message)
        result = result_of(name, invoked)
        if result[:1] == b'"':
            return Told(orjson.loads(result).encode("utf-8", "replace"), content_type=TEXT)
        if _looks_failed(result):
            self._recorder.log(
                "warn",
                f"{name} returned an object with a code, which js-sdk 3.x takes for a failure; "
                "name the field otherwise",
                function=name,
                request_id=invoked.request_id,
            )
        return Told(result, content_type=JSON)


def _looks_failed(result: bytes) -> bool:
    if result[:1] != b"{" or b'"code"' not in result:
        return False
    try:
        code = orjson.loads(result).get("code")
    except orjson.JSONDecodeError:
        # Nested more deeply than is read here.
        return False
    # An empty list or object is true to JavaScript.
    return bool(code) or type(code) in (list, dict)
