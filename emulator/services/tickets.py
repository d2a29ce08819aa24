"""Owns tickets: signed permissions for one upload or download that whoever holds them may use.

Not here: what is allowed (`services.access`) and how a ticket travels (`wire.storage`). The one
idea: a ticket carries all it permits, so nothing is kept for it, it survives a restart with the
data it is for, and one of another data folder is worth nothing. Tickets and the key are secrets of
the suite: they are never logged.
"""

import hashlib
import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

import orjson

from emulator.ambient import Clock, Ids
from emulator.core.errors import StorageDenied
from emulator.core.records import dataclass

Purpose = Literal["upload", "download"]

TICKET_LENGTH_MAX: Final = 4096
KEY_FILE: Final = "ticket.key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What may be done with which path until when; `owner` and `depth` are the uploader's."""

    purpose: Purpose
    cloud_path: str
    expires_ms: int
    owner: str = ""
    depth: int = 0


class Tickets:
    """Tickets to texts of ASCII letters, digits, `-`, `_` and one dot, and back."""

    def __init__(self, key: str, clock: Clock) -> None:
        self._key = key.encode()
        self._clock = clock

    def sign(
        self,
        purpose: Purpose,
        cloud_path: str,
        *,
        lifetime_s: int,
        owner: str = "",
        depth: int = 0,
    ) -> str:
        """Return the text of a ticket that lasts so many seconds."""
        expires_ms = self._clock.now_ms() + lifetime_s * 1000
        content = orjson.dumps([purpose, cloud_path, expires_ms, owner, depth])
        body = urlsafe_b64encode(content).rstrip(b"=")
        return f"{body.decode()}.{self._signature(body)}"

    def open(self, text: str, purpose: Purpose) -> Ticket:
        """Return the ticket of a text.

        Raises:
            StorageDenied: it is forged, expired or for something else.
        """
        body, _, signature = text.partition(".")
        signed = text.isascii() and len(text) <= TICKET_LENGTH_MAX
        if not signed or not hmac.compare_digest(self._signature(body.encode()), signature):
            raise StorageDenied(
                "the signature is not one of this suite",
                hint="ask for a new upload ticket or temporary URL; a reset data folder ends all",
            )
        content = orjson.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        ticket = Ticket(
            purpose=content[0],
            cloud_path=content[1],
            expires_ms=content[2],
            owner=content[3],
            depth=content[4],
        )
        if ticket.purpose != purpose:
            raise StorageDenied(f"the ticket is for an {ticket.purpose}, not for an {purpose}")
        if self._clock.now_ms() >= ticket.expires_ms:
            raise StorageDenied(
                f"the ticket for {ticket.cloud_path} has expired", hint="ask for a new one"
            )
        return ticket

    def _signature(self, body: bytes) -> str:
        digest = hmac.new(self._key, body, hashlib.sha256).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode()


def signing_key(folder: Path, ids: Ids) -> str:
    """Return the key of a data folder, made by chance the first time, readable by its owner."""
    path = folder / KEY_FILE
    with suppress(FileNotFoundError):
        if key := path.read_text("ascii").strip():
            return key
    folder.mkdir(parents=True, exist_ok=True)
    key = ids.token()
    aside = path.with_suffix(".new")
    aside.unlink(missing_ok=True)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(key)
    aside.replace(path)
    return key
