"""Owns what the gateway answers to a request that fails: a status, a code and a sentence.

Not here: the shape of other dialects (`wire.envelope`). The one idea: a table from the class of an
error to the status and the code that the gateway has for it, where they differ from those of
`/web`. Codes: the public reference of the HTTP API (functions, document database, storage).
"""

from collections.abc import Mapping
from typing import Final

import orjson

from emulator.core.auth_errors import AuthError
from emulator.core.errors import (
    CollectionExists,
    CollectionNotExist,
    DuplicateKey,
    EmulatorError,
    FunctionFailed,
    FunctionForbidden,
    InvalidOperator,
    PermissionDenied,
    TransactionConflict,
)
from emulator.wire import envelope


class DocumentNotFound(EmulatorError):
    """No document of that id that the caller may read."""

    code = "DOCUMENT_NOT_FOUND"


_TABLE: Final[Mapping[type, tuple[int, str]]] = {
    PermissionDenied: (401, PermissionDenied.code),
    InvalidOperator: (403, InvalidOperator.code),
    CollectionNotExist: (404, CollectionNotExist.code),
    DocumentNotFound: (404, DocumentNotFound.code),
    CollectionExists: (409, "DATABASE_COLLECTION_ALREADY_EXIST"),
    DuplicateKey: (409, "DATABASE_DUPLICATE_WRITE"),
    TransactionConflict: (409, TransactionConflict.code),
    FunctionForbidden: (403, "EXCEED_AUTHORITY"),
    envelope.FunctionTimedOut: (400, envelope.FunctionTimedOut.code),
    FunctionFailed: (400, "FUNCTION_INVOCATION_FAILED"),
}


def failure(error: Exception, request_id: str) -> tuple[int, bytes]:
    """Return the status and the JSON text for whatever ended a request.

    What is not an error of ours is logged; the answer never holds a traceback.
    """
    if isinstance(error, AuthError):
        return error.status, envelope.failure(error, request_id)
    for kind in type(error).__mro__:
        if kind in _TABLE:
            status, code = _TABLE[kind]
            told = {**orjson.loads(envelope.refused(error, request_id)), "code": code}
            return status, orjson.dumps(told)
    return envelope.status_of(error), envelope.refused(error, request_id)
