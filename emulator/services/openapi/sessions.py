"""Owns whose session a login code of `wx.login` is, and that a code serves once.

Not here: what WeChat knows of users besides (`services.openapi.people`). The one idea: a code that
nobody here made stands for whoever holds the phone, the current test user; only an openid or a
name of a test user in its place says who is meant, and may do so again and again.
"""

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable
from typing import Final

from emulator.services.caller import Caller
from emulator.services.openapi.calls import Answer, Call, done, refused, text_of
from emulator.services.wechat_users import WechatUsers

CODE_LIFETIME_S: Final = 300
"""WeChat's page on wx.login: a code is good for five minutes."""
CODES_MAX: Final = 10_000
CODE: Final = re.compile(r"[0-9A-Za-z_-]{1,128}")
"""Codes have 32 of these; the text that the developer tools give without an appid has others."""
KEY_SIZE: Final = 16
"""Bytes of the AES key behind a `session_key`."""


class Sessions:
    """The sessions that login codes of one project are exchanged for."""

    def __init__(self, users: WechatUsers, now_ms: Callable[[], int]) -> None:
        self._users = users
        self._now_ms = now_ms
        self._used: dict[str, int] = {}

    def begin(self, call: Call) -> Answer:
        """Return the session of a code, or WeChat's refusal: missing, invalid, been used."""
        code = text_of(call, "js_code")
        if not code:
            return refused(41008, "missing code")
        user = self._named(code)
        if user is None:
            if CODE.fullmatch(code) is None:
                return refused(40029, "invalid code")
            age_ms = self._use(code)
            if age_ms is not None:
                been_used = age_ms < CODE_LIFETIME_S * 1000
                return (
                    refused(40163, "code been used")
                    if been_used
                    else refused(40029, "invalid code")
                )
            user = self._users.caller(call.openid)
        key = hashlib.sha256(f"{user.openid}/{code}".encode()).digest()[:KEY_SIZE]
        return done(openid=user.openid, session_key=b64encode(key).decode(), unionid=user.unionid)

    def clear(self) -> None:
        """Take every code as new again."""
        self._used.clear()

    def _named(self, code: str) -> Caller | None:
        """Return the test user whose openid or name this is."""
        known = self._users.all()
        found = self._users.find(code) or next(
            (each for each in known if each.profile.get("name") == code), None
        )
        return None if found is None else self._users.caller(found.identity("openid"))

    def _use(self, code: str) -> int | None:
        """Take note of a code; return how long ago it was used before, in ms."""
        now_ms = self._now_ms()
        if code in self._used:
            return now_ms - self._used[code]
        self._used[code] = now_ms
        if len(self._used) > CODES_MAX:
            del self._used[next(iter(self._used))]
        return None
