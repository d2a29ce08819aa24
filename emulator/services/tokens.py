"""Owns sessions and their tokens: who is signed in, until when, and what proves it.

Not here: how somebody signs in (`services.auth`). The one idea: an access token is a JWT that names
its session and environment, signed with the data folder's key; it is good while that session is
kept. A refresh token is random, and only its hash is kept. So both survive a restart, signing out
ends both, and neither is worth anything in another data folder. Tokens are never logged.
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from dataclasses import field
from typing import Any, Final

import orjson

from emulator.ambient import Clock, Ids
from emulator.core.auth_errors import (
    AccessTokenExpired,
    InvalidRefreshToken,
    RefreshTokenExpired,
    Unauthenticated,
)
from emulator.core.records import dataclass
from emulator.core.values import Document
from emulator.stores.base import Delete, DocumentStore, Drop, Put, Write

COLLECTION: Final = "sessions"
ACCESS_AGE_S: Final = 7_200
SESSION_AGE_S: Final = 30 * 86_400
SESSIONS_MAX: Final = 20_000
"""Sessions that are kept; who signed in longest ago is signed out first."""
TOKEN_LENGTH_MAX: Final = 4_096
_HEAD: Final = b'{"alg":"HS256","typ":"JWT"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One sign-in of a user on a client."""

    id: str
    uid: str
    login_type: str
    expires_ms: int
    access_age_s: int
    refresh_hash: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What a client receives that signed in: its session and both tokens."""

    session: Session
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)


class Tokens:
    """The sessions of one environment."""

    def __init__(
        self, store: DocumentStore, key: str, *, env_id: str, clock: Clock, ids: Ids
    ) -> None:
        self._store = store
        self._key = key.encode()
        self._env_id = env_id
        self._clock = clock
        self._ids = ids
        collection = store.collection(COLLECTION)
        found = [_read(each) for each in (collection.snapshot() if collection else ())]
        self._sessions = {each.id: each for each in found}

    def begin(
        self,
        uid: str,
        login_type: str,
        *,
        access_age_s: int = ACCESS_AGE_S,
        expires_ms: int | None = None,
    ) -> Signed:
        """Sign a user in and return the tokens."""
        secret = self._ids.token()
        session = Session(
            id=self._ids.document_id(),
            uid=uid,
            login_type=login_type,
            expires_ms=expires_ms or self._clock.now_ms() + SESSION_AGE_S * 1000,
            access_age_s=access_age_s,
            refresh_hash=_hash(secret),
        )
        writes: list[Write] = [Put(COLLECTION, _document(session))]
        if len(self._sessions) >= SESSIONS_MAX:
            oldest = next(iter(self._sessions))
            del self._sessions[oldest]
            writes.append(Delete(COLLECTION, oldest))
        self._store.commit(writes)
        self._sessions[session.id] = session
        return self._signed(session, f"{session.id}.{secret}")

    def refresh(self, refresh_token: str) -> Signed:
        """Return a new access token beside the same refresh token.

        Raises:
            InvalidRefreshToken: no session has it.
            RefreshTokenExpired: its session has ended.
        """
        session = self.session_of(refresh_token)
        if session.expires_ms <= self._clock.now_ms():
            self.end(session)
            raise RefreshTokenExpired("the session has ended; sign in again")
        return self._signed(session, refresh_token)

    def session_of(self, refresh_token: str) -> Session:
        """Return the session of a refresh token; raises InvalidRefreshToken."""
        session_id, _, secret = refresh_token.partition(".")
        session = self._sessions.get(session_id)
        kept = session.refresh_hash if session else ""
        if session is None or not hmac.compare_digest(_hash(secret), kept):
            raise InvalidRefreshToken("no session has this refresh token; sign in again")
        return session

    def open(self, access_token: str) -> Session:
        """Return the session of an access token.

        Raises:
            AccessTokenExpired: it is too old, its session has ended, or it is of elsewhere.
            Unauthenticated: it is no token at all.
        """
        claims = self._claims(access_token)
        session = self.find(claims.get("sid", ""))
        if session is None or claims["exp"] * 1000 <= self._clock.now_ms():
            raise AccessTokenExpired("the access token has expired or its session has ended")
        return session

    def stamp(self, purpose: str, content: Sequence[str], age_s: int) -> str:
        """Return a signed text that is good for one purpose and for a while; nothing is kept."""
        expires_s = self._clock.now_ms() // 1000 + age_s
        return self._sign({"for": purpose, "is": list(content), "exp": expires_s})

    def stamped(self, text: str, purpose: str) -> list[str]:
        """Return what was stamped for the purpose.

        Raises:
            AccessTokenExpired: it was too long ago, for something else, or elsewhere.
            Unauthenticated: it never was.
        """
        claims = self._claims(text)
        if claims.get("for") != purpose or claims["exp"] * 1000 <= self._clock.now_ms():
            raise AccessTokenExpired(f"the {purpose} token has expired; ask for a new one")
        content: list[str] = claims["is"]
        return content

    def find(self, session_id: str) -> Session | None:
        """Return a session that has not ended, None for any other."""
        session = self._sessions.get(session_id)
        ended = session is None or session.expires_ms <= self._clock.now_ms()
        return None if ended else session

    def revoke(self, token: str) -> None:
        """End the session of an access token or refresh token; of nothing, nothing."""
        session_id = token.partition(".")[0]
        session = self._sessions.get(session_id)
        if session is not None:
            if hmac.compare_digest(_hash(token.partition(".")[2]), session.refresh_hash):
                self.end(session)
            return
        try:
            self.end(self.open(token))
        except (AccessTokenExpired, Unauthenticated):
            return

    def revoke_user(self, uid: str, *, but: str = "") -> None:
        """End the sessions of a user, except one."""
        for session in [each for each in self._sessions.values() if each.uid == uid]:
            if session.id != but:
                self.end(session)

    def clear(self) -> None:
        """End all sessions."""
        self._store.commit([Drop(COLLECTION)])
        self._sessions.clear()

    def end(self, session: Session) -> None:
        """End a session: its tokens are worth nothing any more."""
        self._store.commit([Delete(COLLECTION, session.id)])
        self._sessions.pop(session.id, None)

    def _signed(self, session: Session, refresh_token: str) -> Signed:
        now_s = self._clock.now_ms() // 1000
        anonymous = session.login_type == "ANONYMOUS"
        claims = {
            "iss": f"https://{self._env_id}.tcb-api.tencentcloudapi.com",
            "sub": session.uid,
            "aud": self._env_id,
            "exp": now_s + session.access_age_s,
            "iat": now_s,
            "sid": session.id,
            "scope": "anonymous" if anonymous else "user",
            "project_id": self._env_id,
            "provider_type": session.login_type.lower(),
            "user_id": session.uid,
            "user_type": "external",
        }
        return Signed(session=session, access_token=self._sign(claims), refresh_token=refresh_token)

    def _sign(self, claims: dict[str, Any]) -> str:
        signed = b"%b.%b" % (_base64(_HEAD), _base64(orjson.dumps(claims)))
        return (b"%b.%b" % (signed, self._signature(signed))).decode()

    def _claims(self, token: str) -> dict[str, Any]:
        parts = token.split(".") if token.isascii() and len(token) <= TOKEN_LENGTH_MAX else []
        if len(parts) != 3:
            raise Unauthenticated("the access token is not one", hint="sign in again")
        signed = f"{parts[0]}.{parts[1]}".encode()
        if not hmac.compare_digest(self._signature(signed), parts[2].encode()):
            # Most likely a browser kept it from before the data was reset: it signs in anew.
            raise AccessTokenExpired("the access token is not one of this suite's data folder")
        claims: dict[str, Any] = orjson.loads(_unbase64(parts[1]))
        return claims

    def _signature(self, signed: bytes) -> bytes:
        return _base64(hmac.new(self._key, signed, hashlib.sha256).digest())


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _base64(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


def _unbase64(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except NotBase64 as fault:
        raise Unauthenticated("the access token is not one", hint="sign in again") from fault


def _document(session: Session) -> Document:
    return {
        "_id": session.id,
        "uid": session.uid,
        "login_type": session.login_type,
        "expires_ms": session.expires_ms,
        "access_age_s": session.access_age_s,
        "refresh_hash": session.refresh_hash,
    }


def _read(document: Document) -> Session:
    kept = {name: value for name, value in document.items() if name != "_id"}
    return Session(id=document["_id"], **kept)
