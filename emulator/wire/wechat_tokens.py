"""Owns the access tokens of WeChat's server HTTP API: giving them, and who has a good one.

Not here: what a token opens (`wire.wechat`). The one idea: a token says itself until when it is
good by the suite's clock, so none is kept but the stable ones, which WeChat gives again while they
last; any other is taken for one of the real WeChat and accepted, since nothing here is secret,
unless the project is strict. Facts: WeChat's pages on getAccessToken and getStableAccessToken.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
from aiohttp import hdrs, web

from emulator.ambient import Clock, Ids
from emulator.core.values import Value
from emulator.wire.exchange import read_body
from emulator.wire.wechat_errors import Refused
from emulator.wire.wechat_fields import REQUEST_MAX_BYTES, read_object
from emulator.wire.wechat_open import TOKENS

TOKEN_LIFETIME_S: Final = 7_200
TOKEN_HEAD: Final = "emu"
STABLE_MAX: Final = 1_000
"""Apps whose stable token is kept; the one that was asked for longest ago is forgotten."""
APPID_LENGTH_MAX: Final = 64
FORM: Final = "application/x-www-form-urlencoded"
_WANTED: Final = (("appid", 41002, "appid missing"), ("secret", 41004, "appsecret missing"))


class WechatTokens:
    """The tokens of one suite."""

    def __init__(self, *, clock: Clock, ids: Ids, strict: bool) -> None:
        self._clock = clock
        self._ids = ids
        self._is_strict = strict
        self._stable: OrderedDict[str, str] = OrderedDict()

    async def give(self, request: web.Request, request_id: str) -> bytes:
        """Answer `/cgi-bin/token`, whose parameters stand in the query or in the body."""
        del request_id
        _require(await _given(request))
        return _told(self._new(), TOKEN_LIFETIME_S)

    async def give_stable(self, request: web.Request, request_id: str) -> bytes:
        """Answer `/cgi-bin/stable_token`: the same token while it lasts, or a new one by force."""
        del request_id
        given = await _given(request)
        _require(given)
        app = str(given["appid"])[:APPID_LENGTH_MAX]
        token = self._stable.get(app, "")
        left_s = self._left_ms(token) // 1000 if token else 0
        if left_s <= 0 or given.get("force_refresh") is True:
            token, left_s = self._new(), TOKEN_LIFETIME_S
        self._stable[app] = token
        self._stable.move_to_end(app)
        if len(self._stable) > STABLE_MAX:
            self._stable.popitem(last=False)
        return _told(token, left_s)

    def require(self, request: web.Request) -> None:
        """Raise Refused for a request without a good token."""
        token = next((request.query[name] for name in TOKENS if request.query.get(name)), "")
        if not token:
            raise Refused(41001, "access_token missing")
        is_ours = self._is_ours(token)
        if is_ours and self._left_ms(token) <= 0:
            raise Refused(42001, "access_token expired")
        if self._is_strict and not is_ours:
            raise Refused(40001, "invalid credential, access_token is invalid or not latest")

    def _new(self) -> str:
        expires_ms = self._clock.now_ms() + TOKEN_LIFETIME_S * 1000
        return f"{TOKEN_HEAD}.{expires_ms}.{self._ids.token()}"

    def _is_ours(self, token: str) -> bool:
        head, _, rest = token.partition(".")
        expires = rest.partition(".")[0]
        return head == TOKEN_HEAD and expires.isascii() and expires.isdigit()

    def _left_ms(self, token: str) -> int:
        """Return how long a token of ours is good."""
        return int(token.split(".")[1][:20]) - self._clock.now_ms()


async def _given(request: web.Request) -> Mapping[str, Any]:
    if request.method != hdrs.METH_POST:
        return request.query
    if request.content_type == FORM:
        raw = await read_body(request, max_bytes=REQUEST_MAX_BYTES)
        return {**request.query, **dict(parse_qsl(raw.decode("utf-8", "replace")))}
    return {**request.query, **await read_object(request)}


def _require(given: Mapping[str, Value]) -> None:
    if given.get("grant_type") != "client_credential":
        raise Refused(40002, "invalid grant_type")
    for name, number, message in _WANTED:
        if not given.get(name):
            raise Refused(number, message)


def _told(token: str, lasts_s: int) -> bytes:
    return orjson.dumps({"access_token": token, "expires_in": lasts_s})
