"""Owns the error that user code sees, with the texts and numbers of wx-server-sdk.

Not here: what is refused (`core.errors` and the services). The one idea: a code of the cloud has a
number and a phrase, and every error text is `API:fail NUMBER PHRASE. MESSAGE`. Checked against
wx-server-sdk 2.6.3, whose table also holds for the database of 4.0.2; spellings are the cloud's.
"""

from collections.abc import Mapping
from typing import Final

from emulator.cloud.naming import BothSpellings
from emulator.core.errors import EmulatorError

SDK_ERROR: Final = -1
SYSTEM_ERROR: Final = -501001

ERROR_NUMBERS: Final[Mapping[str, int]] = {
    "SYS_ERR": SYSTEM_ERROR,
    "SERVER_TIMEOUT": -501002,
    "EXCEED_REQUEST_LIMIT": -501003,
    "EXCEED_CONCURRENT_REQUEST_LIMIT": -501004,
    "INVALIID_ENV": -501005,
    "INVALID_COMMON_PARAM": -501006,
    "INVALID_PARAM": -501007,
    "INVALID_REQUEST_SOURCE": -501008,
    "RESOURCE_NOT_INITIAL": -501009,
    "DATABASE_REQUEST_FAILED": -502001,
    "DATABASE_INVALID_OPERRATOR": -502002,
    "DATABASE_PERMISSION_DENIED": -502003,
    "DATABASE_COLLECTION_EXCEED_LIMIT": -502004,
    "DATABASE_COLLECTION_NOT_EXIST": -502005,
    "STORAGE_REQUEST_FAIL": -503001,
    "STORAGE_EXCEED_AUTHORITY": -503002,
    "STORAGE_FILE_NONEXIST": -503003,
    "STORAGE_SIGN_PARAM_INVALID": -503004,
    "FUNCTIONS_REQUEST_FAIL": -504001,
    "FUNCTIONS_EXECUTE_FAIL": -504002,
    "OPENAPI_NOT_FOUND": -604100,
    "OPENAPI_NO_PERMISSION": -604101,
}

ERROR_PHRASES: Final[Mapping[int, str]] = {
    SYSTEM_ERROR: "resource system error",
    -501002: "resource server timeout",
    -501003: "exceed request limit",
    -501004: "exceed concurrent request limit",
    -501005: "invalid env",
    -501006: "invalid common parameters",
    -501007: "invalid parameters",
    -501008: "invalid request source",
    -501009: "resource not initialized",
    -502001: "database request fail",
    -502002: "database invalid command",
    -502003: "database permission denied",
    -502004: "database exceed collection limit",
    -502005: "database collection not exists",
    -503001: "storage request fail",
    -503002: "storage permission denied",
    -503003: "storage file not exists",
    -503004: "storage invalid sign parameter",
    -504001: "functions request fail",
    -504002: "functions execute fail",
    -604100: "API not found",
    -604101: "function has no permission to call this API",
}


def error_number(code: str) -> int:
    """Return the number of a code; one the SDK does not know is a system error to it."""
    return ERROR_NUMBERS.get(code, SYSTEM_ERROR)


class CloudError(BothSpellings, Exception):
    """A call of the `cloud` object failed.

    `err_code` (`errCode`) is the SDK's number, `err_msg` (`errMsg`) and `message` the whole
    sentence, `code` the cloud's own code or "" where the SDK itself refused.
    """

    def __init__(self, message: str, *, err_code: int = SDK_ERROR, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.err_msg = message
        self.err_code = err_code
        self.code = code

    def __str__(self) -> str:
        return self.message


def sdk_error(api: str, message: str) -> CloudError:
    """Return the error of a call that the SDK refuses before it is sent."""
    return CloudError(f"{api}:fail {message}")


def cloud_error(api: str, code: str, message: str) -> CloudError:
    """Return the error of a call that the cloud refuses."""
    number = error_number(code)
    text = f"{api}:fail {number} {ERROR_PHRASES[number]}. {message}"
    return CloudError(text, err_code=number, code=code)


def error_of(api: str, fault: EmulatorError) -> CloudError:
    """Return what user code sees of the suite's refusal; the hint shows in tracebacks."""
    error = cloud_error(api, fault.code, fault.message)
    if fault.hint:
        error.add_note(f"hint: {fault.hint}")
    return error
