"""Owns the errors of WeChat's server HTTP API: its numbers, and the cloud's in its shape.

Not here: what is refused. The one idea: every answer has status 200 and `errcode`; WeChat's own
refusals have a number and a fixed text, those of the cloud the number that the SDKs give their
code. Numbers: WeChat's pages on the cloudbase HTTP API and on global return codes.
"""

import logging
from typing import Final

import orjson

from emulator.cloud.errors import ERROR_NUMBERS, error_number
from emulator.core.errors import EmulatorError, InvalidParam
from emulator.core.wxquery.lexer import MalformedStatement

SYSTEM_BUSY: Final = -1
INVALID_ARGUMENTS: Final = 40097
UNMAPPED: Final = -501000
"""What the cloud answers for codes without a number of their own, such as an unknown function."""

_OF_WECHAT: Final = {"FUNCTIONS_TIME_LIMIT_EXCEEDED": -504003}
"""Codes to which WeChat gives a number and wx-server-sdk none; pages see the same."""

_log: Final = logging.getLogger(__name__)


class Refused(InvalidParam):
    """WeChat's own refusal; `number` is its errcode."""

    def __init__(self, number: int, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.number = number


def success(fields: dict[str, object]) -> bytes:
    """Return the answer that carries these fields."""
    return orjson.dumps({"errcode": 0, "errmsg": "ok", **fields})


def failure(error: Exception, request_id: str) -> bytes:
    """Return the answer for whatever ended a request; what is not an error of ours is logged."""
    number, message = _told(error)
    if number == SYSTEM_BUSY:
        _log.error("request %s failed inside the suite", request_id, exc_info=error)
    text = f"{message} rid: {request_id}".encode("utf-8", "replace").decode()
    return orjson.dumps({"errcode": number, "errmsg": text})


def number_of(code: str) -> int:
    """Return the errcode of a code of the cloud."""
    if code in ERROR_NUMBERS:
        return error_number(code)
    return _OF_WECHAT.get(code, UNMAPPED)


def _told(error: Exception) -> tuple[int, str]:
    if isinstance(error, Refused):
        return error.number, error.message
    if isinstance(error, MalformedStatement):
        return INVALID_ARGUMENTS, f"invalid args. {error.message}"
    if isinstance(error, EmulatorError):
        return number_of(error.code), error.message
    if isinstance(error, RecursionError):
        return INVALID_ARGUMENTS, "invalid args. the request is nested too deeply"
    return SYSTEM_BUSY, f"system error: the suite failed on this request ({type(error).__name__})"
