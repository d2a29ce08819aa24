"""Owns the signatures of server SDKs: whether a request was signed with a known secret key.

Not here: when that is asked (`[emulator] strict`) and who the caller is (`wire.admin`). The one
idea: TC3-HMAC-SHA256 as @cloudbase/signature-nodejs computes it: over the lower-case values of the
headers and the values of the fields that the request itself names, in the order it names them.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from emulator.core.auth_errors import SignatureInvalid
from emulator.core.records import dataclass

ALGORITHM: Final = "TC3-HMAC-SHA256"
_PART: Final = re.compile(r"(\w+)=([^,]*)")
_SCOPE: Final = "tcb/tc3_request"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a signature is over; `address` is `//host/path`, header names are in lower case."""

    method: str
    address: str
    query: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]


class Signatures:
    """The known secret ids with their keys."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._keys = keys

    def require(self, request: Request) -> None:
        """Let pass what was signed with a known key.

        Raises:
            SignatureInvalid: there is no signature, its secret id is unknown, or it is another.
        """
        authorization = request.headers.get("authorization", "")
        if self._is_key(authorization):
            return
        if not authorization.startswith(ALGORITHM):
            raise SignatureInvalid(
                f"the request carries no {ALGORITHM} signature",
                hint="set TENCENTCLOUD_SECRETID and TENCENTCLOUD_SECRETKEY, or leave strict off",
            )
        said = dict(_PART.findall(authorization))
        secret_id, _, scope = said.get("Credential", "").partition("/")
        key = self._keys.get(secret_id)
        date, _, service = scope.partition("/")
        if key is None or service != _SCOPE:
            raise SignatureInvalid(f"the secret id {secret_id!r:.60} is not one of this suite")
        timestamp = request.headers.get("x-timestamp", "")
        rest, signing_key = _canonical(request, said), _signing_key(key, date)
        given = said.get("Signature", "").encode()
        # The SDKs sign the method as their own code spells it, which is "post".
        for method in (request.method.lower(), request.method):
            head = f"{ALGORITHM}\n{timestamp}\n{scope}"
            digest = _sha256(f"{method}\n{rest}")
            expected = _hmac(signing_key, f"{head}\n{digest}").hex()
            if hmac.compare_digest(expected.encode(), given):
                break
        else:
            raise SignatureInvalid("the signature is not the one of this request")

    def _is_key(self, authorization: str) -> bool:
        """Tell whether a key itself was sent, as the Python client and `accessKey` do."""
        given = authorization.encode()
        keys = (f"Bearer {key}".encode() for key in self._keys.values())
        return any(hmac.compare_digest(given, key) for key in keys)


def _canonical(request: Request, said: Mapping[str, str]) -> str:
    """Return all that is signed but the method, which comes first."""
    names = said.get("SignedHeaders", "").split(";")
    values = (request.headers.get(name, "").strip().lower() for name in names)
    headers = "\n".join(f"{name}:{value}" for name, value in zip(names, values, strict=True))
    fields = {name.lower(): value for name, value in request.body.items()}
    digest = hashlib.sha256()
    for name in said.get("SignedParams", "").split(";"):
        text = _text(fields.get(name))
        if text:
            digest.update(f"&{name}={text}\r\n".encode("utf-8", "replace"))
    head = f"{request.address}\n{request.query}\n{headers}\n\n"
    return f"{head}{';'.join(names)}\n{digest.hexdigest()}"


def _text(value: Any) -> str:
    if value is None:
        return ""
    return (value if isinstance(value, str) else orjson.dumps(value).decode()).strip()


def _signing_key(key: str, date: str) -> bytes:
    found = f"TC3{key}".encode()
    for part in (date, *_SCOPE.split("/")):
        found = _hmac(found, part)
    return found


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode("utf-8", "replace"), hashlib.sha256).digest()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
