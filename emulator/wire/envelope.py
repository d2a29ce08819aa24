"""Owns the outer shape of every answer, and is the only place that knows error to wire shape.

Not here: what stands in `data`. The one idea: an SDK takes any truthy top-level `code` for a
failure and throws on a status other than 200 without reading on, so failures of actions are
`{"code", "message", "requestId"}` with status 200 and successes never have a `code`.
"""

import logging
from collections.abc import Mapping
from typing import Final

import orjson

from emulator.core.auth_errors import AccessTokenExpired, AuthError, Unauthenticated
from emulator.core.errors import (
    EmulatorError,
    FunctionFailed,
    FunctionForbidden,
    FunctionNotFound,
    InvalidParam,
    PermissionDenied,
    RequestTooLarge,
    StorageDenied,
    StorageFileNotExist,
    StoreError,
)

_log: Final = logging.getLogger(__name__)


class UnknownAction(InvalidParam):
    """No such action; the cloud's code for it has no number in wx-server-sdk's table."""

    code = "INVALID_ACTION"


class ForeignRequest(EmulatorError):
    """A browser sent the request on behalf of some other site."""

    code = "INVALID_REQUEST_SOURCE"


class PairingRequired(EmulatorError):
    """The request comes from another machine that was not let in."""

    code = "PAIRING_REQUIRED"


class TooManyTries(EmulatorError):
    """Too many wrong links were opened."""

    code = "PAIRING_LOCKED"


class FunctionTimedOut(FunctionFailed):
    """User code ran longer than it may; HTTP access has a code of its own for that."""

    code = "FUNCTION_TIME_LIMIT_EXCEEDED"


class NoSuchPath(EmulatorError):
    """Nothing answers on the path."""

    code = "INVALID_PATH"


class NotSignedIn(EmulatorError):
    """Only signed-in visitors may come here; the code is the gateway's."""

    code = "MISSING_CREDENTIALS"


_STATUS: Final[Mapping[type, int]] = {
    EmulatorError: 400,
    NotSignedIn: 401,
    ForeignRequest: 403,
    PairingRequired: 401,
    TooManyTries: 429,
    FunctionForbidden: 403,
    PermissionDenied: 403,
    StorageDenied: 403,
    NoSuchPath: 404,
    FunctionNotFound: 404,
    StorageFileNotExist: 404,
    RequestTooLarge: 413,
    FunctionFailed: 500,
    FunctionTimedOut: 504,
    StoreError: 500,
    AuthError: 400,
    Unauthenticated: 401,
    AccessTokenExpired: 401,
}
_GRPC_OURS: Final = ("internal", 13)
_GRPC: Final[Mapping[int, tuple[str, int]]] = {
    400: ("invalid_argument", 3),
    403: ("permission_denied", 7),
    404: ("not_found", 5),
    413: ("resource_exhausted", 8),
}
"""Statuses to gRPC's name and number, which the sign-in API of newer SDKs speaks."""


def success(data: bytes, request_id: str) -> bytes:
    """Return the answer around finished `data`."""
    return b'{"data":%b,"requestId":"%b"}' % (data, request_id.encode())


def flat(answer: bytes, request_id: str) -> bytes:
    """Return an object as the answer itself, for actions whose SDKs look for no `data`."""
    start = answer[:-1] + (b"," if len(answer) > len(b"{}") else b"")
    return b'%b"requestId":"%b"}' % (start, request_id.encode())


def failure(error: EmulatorError, request_id: str) -> bytes:
    """Return the answer for something the suite refused."""
    return _shape(error.code, error.message, request_id)


def refused(error: Exception, request_id: str) -> bytes:
    """Return the answer for whatever ended a request; what is not an error of ours is logged.

    The answer never holds a traceback; the log has it under the request id.
    """
    if isinstance(error, EmulatorError):
        return failure(error, request_id)
    if isinstance(error, RecursionError):
        return _shape(InvalidParam.code, "the request is nested too deeply", request_id)
    _log.error("request %s failed inside the suite", request_id, exc_info=error)
    why = f"the suite failed on this request ({type(error).__name__}); its log says where"
    return _shape(EmulatorError.code, why, request_id)


def oauth_refused(error: Exception, request_id: str) -> tuple[int, bytes]:
    """Return status and answer for whatever ended a request of `/auth`; ours is logged."""
    if isinstance(error, AuthError):
        status, name, number = error.status, error.error, error.number
    else:
        status = status_of(error)
        name, number = _GRPC.get(status, _GRPC_OURS)
    said = orjson.loads(refused(error, request_id))
    told = {
        "error": name,
        "error_code": number,
        "error_description": said["message"],
        "request_id": request_id,
    }
    return status, orjson.dumps(told)


def status_of(error: Exception) -> int:
    """Return the HTTP status for an error where, unlike in actions, the status speaks."""
    for kind in type(error).__mro__:
        status = _STATUS.get(kind)
        if status is not None:
            return status
    return 500


def _shape(code: str, message: str, request_id: str) -> bytes:
    return orjson.dumps(
        {"code": code, "message": _clean(message), "requestId": request_id},
    )


def _clean(message: str) -> str:
    # A sentence may quote what JSON cannot hold: half of a surrogate pair out of a file or a name.
    return message.encode("utf-8", "replace").decode()
