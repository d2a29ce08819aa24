"""Owns the signatures of calls to the cloud's own API and of requests for stored objects.

Not here: when that is asked (`[emulator] strict`), and signatures of server SDKs
(`services.signatures`). The one idea: TC3-HMAC-SHA256 over the raw body as Tencent Cloud's API 3.0
defines it, and COS's chain of SHA-1; the request names the headers and parameters that it signed.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from emulator.core.auth_errors import SignatureInvalid

ALGORITHM: Final = "TC3-HMAC-SHA256"
SCOPE_END: Final = "tc3_request"
_PART: Final = re.compile(r"(\w+)=([^,]*)")


class CallSignatures:
    """The known secret ids with their keys."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._keys = keys

    def require_call(self, headers: Mapping[str, str], hosts: tuple[str, ...], raw: bytes) -> None:
        """Let pass what was signed for one of these hosts; header names are in lower case.

        Raises:
            SignatureInvalid: there is no signature, its secret id is unknown, or it is another.
        """
        said = dict(_PART.findall(headers.get("authorization", "")))
        secret_id, _, scope = said.get("Credential", "").partition("/")
        date, _, service = scope.partition("/")
        key = f"TC3{self._key(secret_id)}".encode()
        for part in (date, *service.split("/")):
            key = _hmac(key, part)
        for host in hosts:
            canonical = _canonical_call(
                {**headers, "host": host}, said.get("SignedHeaders", ""), raw
            )
            digest = hashlib.sha256(canonical.encode("utf-8", "replace")).hexdigest()
            moment = headers.get("x-tc-timestamp", "")
            text = f"{ALGORITHM}\n{moment}\n{scope}\n{digest}"
            if _same(_hmac(key, text).hex(), said.get("Signature", "")):
                return
        raise SignatureInvalid("the signature is not the one of this request")

    def require_object(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> None:
        """Let pass a request for an object that was signed as COS wants it.

        Raises:
            SignatureInvalid: there is no signature, its secret id is unknown, or it is another.
        """
        said = dict(
            part.partition("=")[::2] for part in headers.get("authorization", "").split("&")
        )
        key = self._key(said.get("q-ak", ""))
        given = {name.lower(): value for name, value in query.items()}
        text = "\n".join(
            (
                method.lower(),
                path,
                _pairs(said.get("q-url-param-list", ""), given),
                _pairs(said.get("q-header-list", ""), headers),
                "",
            )
        )
        digest = hashlib.sha1(text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
        signing_key = _hmac(key.encode(), said.get("q-key-time", ""), "sha1").hex()
        told = f"sha1\n{said.get('q-sign-time', '')}\n{digest}\n"
        if not _same(_hmac(signing_key.encode(), told, "sha1").hex(), said.get("q-signature", "")):
            raise SignatureInvalid("the signature is not the one of this request")

    def _key(self, secret_id: str) -> str:
        key = self._keys.get(secret_id)
        if key is None:
            raise SignatureInvalid(
                f"the secret id {secret_id!r:.60} is not one of this suite",
                hint="set TENCENTCLOUD_SECRETID and TENCENTCLOUD_SECRETKEY, or leave strict off",
            )
        return key


def _canonical_call(headers: Mapping[str, str], names: str, raw: bytes) -> str:
    signed = "".join(
        f"{name}:{headers.get(name, '').strip().lower()}\n" for name in names.split(";")
    )
    return f"POST\n/\n\n{signed}\n{names}\n{hashlib.sha256(raw).hexdigest()}"


def _pairs(names: str, values: Mapping[str, str]) -> str:
    told = ((name, values.get(name, "")) for name in names.split(";") if name)
    return "&".join(f"{name}={quote(text, safe='', errors='replace')}" for name, text in told)


def _hmac(key: bytes, text: str, algorithm: str = "sha256") -> bytes:
    return hmac.new(key, text.encode("utf-8", "replace"), algorithm).digest()


def _same(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))
