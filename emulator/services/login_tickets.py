"""Owns custom-login tickets: the environment's key pair, and what a ticket signed with it says.

Not here: who the ticket signs in (`services.auth`). The one idea: a backend that holds the private
key vouches for its own users, as in the cloud: `tcb_custom_login.json` goes to its SDK, which signs
`{key id}/@@/{JWT, RS256}`. The pair is made the first time it is needed and lies in the data
folder, readable by its owner; it is never logged.
"""

import os
from base64 import urlsafe_b64decode
from binascii import Error as NotBase64
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import orjson

from emulator.ambient import Clock, Ids
from emulator.core.auth_errors import TicketInvalid
from emulator.core.records import dataclass

KEY_FILE: Final = "tcb_custom_login.json"
KEY_SIZE_BITS: Final = 2_048
TICKET_LENGTH_MAX: Final = 16_384
UID_LENGTH_MAX: Final = 64
REFRESH_MIN_S: Final = 60
REFRESH_MAX_S: Final = 86_400
_SEPARATOR: Final = "/@@/"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginTicket:
    """Whom a ticket signs in, how long its access tokens last and until when it may refresh them.

    `expires_ms` is None where the ticket names no end.
    """

    custom_id: str
    access_age_s: int | None
    expires_ms: int | None


class LoginTickets:
    """The tickets of one environment."""

    def __init__(self, folder: Path, *, env_id: str, clock: Clock, ids: Ids) -> None:
        self._path = folder / KEY_FILE
        self._env_id = env_id
        self._clock = clock
        self._ids = ids
        self._public: Any = None
        self._key_id = ""

    def credentials(self) -> dict[str, str]:
        """Return what the cloud's console downloads: `private_key_id`, `private_key`, `env_id`."""
        with suppress(FileNotFoundError):
            kept: dict[str, str] = orjson.loads(self._path.read_bytes())
            return {**kept, "env_id": self._env_id}
        made = {
            "private_key_id": self._ids.document_id(),
            "private_key": _private_key(),
            "env_id": self._env_id,
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        aside = self._path.with_suffix(".new")
        aside.unlink(missing_ok=True)
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(orjson.dumps(made, option=orjson.OPT_INDENT_2))
        aside.replace(self._path)
        return made

    def open(self, ticket: str) -> LoginTicket:
        """Return what a ticket says.

        Raises:
            TicketInvalid: it is forged, expired, of another environment, or none at all.
        """
        key_id, found, token = ticket.partition(_SEPARATOR)
        parts = token.split(".")
        if len(ticket) > TICKET_LENGTH_MAX or not ticket.isascii() or not found or len(parts) != 3:
            raise TicketInvalid("the ticket is none; createTicket() of a server SDK makes one")
        self._require_signature(key_id, parts)
        claims = _json(parts[1])
        if claims.get("env") != self._env_id:
            raise TicketInvalid("the ticket is for another environment")
        expires_ms = claims.get("exp")
        if type(expires_ms) is not int or expires_ms <= self._clock.now_ms():
            raise TicketInvalid("the ticket has expired; they last ten minutes")
        custom_id = claims.get("uid")
        if type(custom_id) is not str or not 1 <= len(custom_id) <= UID_LENGTH_MAX:
            raise TicketInvalid(f"the uid of a ticket has 1 to {UID_LENGTH_MAX} characters")
        refresh_ms, until_ms = claims.get("refresh"), claims.get("expire")
        return LoginTicket(
            custom_id=custom_id,
            access_age_s=(
                min(max(refresh_ms // 1000, REFRESH_MIN_S), REFRESH_MAX_S)
                if type(refresh_ms) is int
                else None
            ),
            expires_ms=until_ms if type(until_ms) is int and until_ms > 0 else None,
        )

    def _require_signature(self, key_id: str, parts: list[str]) -> None:
        # A tenth of a second of every start would go into importing it.
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric import padding
        from cryptography.hazmat.primitives.hashes import SHA256

        if self._public is None:
            self._public, self._key_id = _public_key(self.credentials())
        head, body, signature = parts
        if key_id != self._key_id or _json(head).get("alg") != "RS256":
            raise TicketInvalid(
                "the ticket was signed with a key that is not this environment's",
                hint="cloud-emu users key writes the one of this environment",
            )
        try:
            self._public.verify(
                _bytes(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), SHA256()
            )
        except InvalidSignature as fault:
            raise TicketInvalid("the signature of the ticket is wrong") from fault


def _private_key() -> str:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    pair = rsa.generate_private_key(public_exponent=65_537, key_size=KEY_SIZE_BITS)
    return pair.private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    ).decode()


def _public_key(credentials: dict[str, str]) -> tuple[Any, str]:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    pair = load_pem_private_key(credentials["private_key"].encode(), password=None)
    return pair.public_key(), credentials["private_key_id"]


def _json(text: str) -> dict[str, Any]:
    try:
        found = orjson.loads(_bytes(text))
    except orjson.JSONDecodeError as fault:
        raise TicketInvalid("the ticket is none: a part of it is not JSON") from fault
    if type(found) is not dict:
        raise TicketInvalid("the ticket is none: a part of it is not an object")
    return found


def _bytes(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except NotBase64 as fault:
        raise TicketInvalid("the ticket is none: a part of it is not base64") from fault
