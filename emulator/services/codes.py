"""Owns verification codes: a code goes to an address, comes back, and is changed for a token.

Not here: where codes are read (`services.inbox`) and what the token permits (`services.auth`). The
one idea: a token says that somebody holds an address, and is spent on use. Codes and tokens are
worth nothing after a while, after a few wrong tries, or in another run of the suite.
"""

import hmac
from dataclasses import replace
from typing import Final

from emulator.ambient import Clock, Ids
from emulator.core.auth_errors import TooManyTries, WrongCode
from emulator.core.records import dataclass
from emulator.services.inbox import Channel, Inbox
from emulator.services.users import normal

CODE_AGE_S: Final = 600
TOKEN_AGE_S: Final = 600
CODES_MAX: Final = 10_000
"""Codes and tokens under way; the oldest goes first."""
TRIES_MAX: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    """A code under way, or the token it was changed for; `code` is empty for a token."""

    channel: Channel
    to: str
    code: str
    expires_ms: int
    tries: int = 0


class Codes:
    """The codes of one environment."""

    def __init__(self, inbox: Inbox, *, clock: Clock, ids: Ids) -> None:
        self._inbox = inbox
        self._clock = clock
        self._ids = ids
        self._codes: dict[str, _Sent] = {}
        self._tokens: dict[str, _Sent] = {}

    def send(self, channel: Channel, to: str, subject: str = "Verification code") -> str:
        """Send a code and return the id to verify it under; raises InvalidArgument."""
        to = normal(channel, to)
        code = f"{self._ids.sample(1_000_000, 1)[0]:06d}"
        verification_id = self._ids.token()
        _put(self._codes, verification_id, self._sent(channel, to, code, CODE_AGE_S))
        self._inbox.deliver(channel, to, subject=subject, code=code)
        return verification_id

    def verify(self, verification_id: str, code: str) -> str:
        """Return the token for a code.

        Raises:
            WrongCode: it is another code, or none any more.
            TooManyTries: it was guessed at too often.
        """
        sent = self._codes.get(verification_id)
        if sent is None or sent.expires_ms <= self._clock.now_ms():
            raise WrongCode("the code has expired or was used; ask for a new one")
        if not hmac.compare_digest(code.encode(), sent.code.encode()):
            if sent.tries + 1 >= TRIES_MAX:
                del self._codes[verification_id]
                raise TooManyTries(f"{TRIES_MAX} wrong codes; ask for a new one")
            self._codes[verification_id] = replace(sent, tries=sent.tries + 1)
            raise WrongCode("this is not the code that was sent", hint="GET /_emu/inbox has it")
        del self._codes[verification_id]
        return self.vouch(sent.channel, sent.to)

    def verify_newest(self, channel: Channel, to: str, code: str) -> None:
        """Take the code that was last sent to an address, as callers without an id do.

        Raises:
            WrongCode: it is another code, or none was sent.
            TooManyTries: it was guessed at too often.
        """
        to = normal(channel, to)
        found = [
            key for key, sent in self._codes.items() if (sent.channel, sent.to) == (channel, to)
        ]
        if not found:
            raise WrongCode(f"no code was sent to {to}")
        self._tokens.pop(self.verify(found[-1], code))

    def vouch(self, channel: Channel, to: str) -> str:
        """Return a token that says that its holder holds an address."""
        token = self._ids.token()
        _put(self._tokens, token, self._sent(channel, to, "", TOKEN_AGE_S))
        return token

    def spend(self, token: str) -> tuple[Channel, str]:
        """Return the address that a token is for; it is worth nothing afterwards.

        Raises:
            WrongCode: it never was worth something, or is no more.
        """
        sent = self._tokens.pop(token, None)
        if sent is None or sent.expires_ms <= self._clock.now_ms():
            raise WrongCode("the verification_token is unknown, used or expired; verify again")
        return sent.channel, sent.to

    def clear(self) -> None:
        """Forget all codes and tokens."""
        self._codes.clear()
        self._tokens.clear()

    def _sent(self, channel: Channel, to: str, code: str, age_s: int) -> _Sent:
        expires_ms = self._clock.now_ms() + age_s * 1000
        return _Sent(channel=channel, to=to, code=code, expires_ms=expires_ms)


def _put(table: dict[str, _Sent], key: str, sent: _Sent) -> None:
    table[key] = sent
    if len(table) > CODES_MAX:
        del table[next(iter(table))]
