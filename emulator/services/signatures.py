"""Owns the signatures of server SDKs: whether a request was signed with a known secret key.

Not here: when that is asked (`[emulator] strict`) and who the caller is (`wire.admin`). The one
idea: TC3-HMAC-SHA256 as @cloudbase/signature-nodejs computes it: over the lower-case values of the
headers and the values of the fields that the request itself names, in the order it names them.
tcb-admin-node, and with it wx-server-sdk 1.x, signs in a field of the body, as COS did: with SHA-1.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import orjson

from emulator.core.auth_errors import SignatureInvalid
from emulator.core.records import dataclass

ALGORITHM: Final = "TC3-HMAC-SHA256"
_PART: Final = re.compile(r"(\w+)=([^,]*)")
_SCOPE: Final = "tcb/tc3_request"
_BODY_FIELD: Final = "authorization"
_BODY_HEAD: Final = "post\n/admin"
"""What tcb-admin-node signs for every request, whatever its address is."""


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
        in_body = request.body.get(_BODY_FIELD)
        if not authorization and isinstance(in_body, str):
            self._require_in_body(request, in_body)
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

    def _require_in_body(self, request: Request, authorization: str) -> None:
        """Let pass what tcb-admin-node signed; `authorization` is `q-ak=...&q-signature=...`."""
        said = dict(part.partition("=")[::2] for part in authorization.split("&"))
        secret_id, moment = said.get("q-ak", ""), said.get("q-sign-time", "")
        key = self._keys.get(secret_id)
        if key is None:
            raise SignatureInvalid(f"the secret id {secret_id!r:.60} is not one of this suite")
        fields = {name.lower(): value for name, value in request.body.items()}
        signed = "\n".join(
            (
                _BODY_HEAD,
                _pairs(said.get("q-url-param-list", ""), fields),
                _pairs(said.get("q-header-list", ""), request.headers),
                "",
            )
        )
        digest = hashlib.sha1(signed.encode(), usedforsecurity=False).hexdigest()
        signing_key = _hmac(key.encode(), said.get("q-key-time", ""), "sha1").hex()
        expected = _hmac(signing_key.encode(), f"sha1\n{moment}\n{digest}\n", "sha1").hex()
        if not hmac.compare_digest(expected.encode(), said.get("q-signature", "").encode()):
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


def _pairs(names: str, values: Mapping[str, Any]) -> str:
    """Return `name=value&...` of the names between semicolons, as tcb-admin-node encodes them."""
    told = ((name, _whole_text(values.get(name))) for name in names.split(";") if name)
    return "&".join(f"{_encoded(name)}={_encoded(text)}" for name, text in told)


def _whole_text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bytes):  # the SDK copies a Buffer as an object before it signs it
        value = {str(index): byte for index, byte in enumerate(value)}
    return orjson.dumps(value).decode()


def _encoded(text: str) -> str:
    return quote(text, safe="", errors="replace")


def _hmac(key: bytes, text: str, algorithm: str = "sha256") -> bytes:
    return hmac.new(key, text.encode("utf-8", "replace"), algorithm).digest()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
