"""Owns `cloud.call_function`: one function calls another by name."""

import json
from typing import Any, Final

from emulator.cloud.calls import Options, Request, answering, options_of, required
from emulator.cloud.encode import json_data, passed
from emulator.core.commands import Called, CallFunction
from emulator.core.values import Value

_CALL: Final = "callFunction"


@answering(_CALL)
def call_function(
    options: Options = None, /, *, name: str | None = None, data: Value = None
) -> Request:
    """Call a function by name with JSON data: `{"result", "errMsg", "requestID"}`."""
    given = options_of(_CALL, options, name=name, data=data)
    function = required(_CALL, given, "name", str)
    event = {} if given["data"] is None else required(_CALL, given, "data", dict)
    command = CallFunction(name=function, event=passed(_CALL, "data", json_data, event))
    return Request(command, _read_result)


def _read_result(called: Called) -> dict[str, Any]:
    # The SDKs decode twice: a function that returns JSON text is read as what the text says.
    result = _decoded(called.result)
    if isinstance(result, str):
        result = _decoded(result)
    return {"result": result, "errMsg": f"{_CALL}:ok", "requestID": called.request_id}


def _decoded(text: bytes | str) -> Value:
    try:
        return json.loads(text)
    except ValueError:
        return text.decode() if isinstance(text, bytes) else text
