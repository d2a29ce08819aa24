"""Owns who a request of a client comes from: a signed-in user, a WeChat user, or nobody.

Not here: what they may do (`services.access`). The one idea, for every door alike: a bearer or
access token decides; without one, whoever sends `x-emu-openid` (or `openid=` in the address) is a
WeChat user without signing in, as mini programs are: an openid, or `current` for the one that was
chosen in the console, on the command line or through the control API. A publishable key, which an
app carries from the cloud's console, names nobody and permits what nobody may.
"""

from base64 import urlsafe_b64decode
from typing import Any, Final

import orjson
from aiohttp import hdrs

from emulator.services.auth import SOURCE, Auth
from emulator.services.caller import Caller
from emulator.wire.cors import is_near
from emulator.wire.envelope import ForeignRequest
from emulator.wire.exchange import Headed

OPENID_HEADER: Final = "x-emu-openid"
OPENID_PARAMETER: Final = "openid"
CURRENT: Final = "current"
NOBODY: Final = Caller(kind="anonymous", source=SOURCE)
_BEARER: Final = "bearer "
_KEY_LENGTH_MAX: Final = 4_096
_KEY_PLATFORM: Final = "PublishableKey"


class Callers:
    """The callers of one suite."""

    def __init__(self, auth: Auth) -> None:
        self._auth = auth

    def of(self, request: Headed, access_token: str = "") -> Caller:
        """Return the caller by its token, the one of the Authorization header by default.

        Raises:
            Unauthenticated: the token is none, or its user is gone.
            AccessTokenExpired: it was good once.
            UserBlocked: the user was switched off.
            InvalidArgument: the openid is none.
            ForeignRequest: a page from elsewhere names a WeChat user.
        """
        access_token = access_token or bearer(request)
        if access_token and not is_publishable_key(access_token):
            return self._auth.caller(access_token)
        openid = openid_of(request)
        return self._auth.wechat.caller("" if openid == CURRENT else openid) if openid else NOBODY

    def by_token(self, access_token: str) -> Caller:
        """Return the caller of a token; raises as `of`."""
        return self._auth.caller(access_token)


def wechat_headers(caller: Caller, env_id: str) -> dict[str, str]:
    """Return what the platform tells servers behind it of a WeChat user, nothing of anybody else.

    Names as on WeChat's page about containers; what a request says under them itself counts for
    nothing where a user is known.
    """
    if not caller.openid:
        return {}
    told = {
        "x-wx-openid": caller.openid,
        "x-wx-appid": caller.appid,
        "x-wx-unionid": caller.unionid,
        "x-wx-env": env_id,
        "x-wx-source": caller.source,
    }
    return {name: value for name, value in told.items() if value}


def bearer(request: Headed) -> str:
    """Return the token of the Authorization header, empty without one."""
    text = request.headers.get(hdrs.AUTHORIZATION, "")
    return text[len(_BEARER) :].strip() if text[: len(_BEARER)].lower() == _BEARER else ""


def is_publishable_key(token: str) -> bool:
    """Tell whether a token is a key that apps are published with: a JWT of the cloud for anybody.

    Whose signature it has does not matter, as it permits nothing that no token would not.
    """
    parts = token.split(".") if token.isascii() and len(token) <= _KEY_LENGTH_MAX else []
    if len(parts) != 3:
        return False
    try:
        claims: Any = orjson.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return False
    if type(claims) is not dict or "sid" in claims:
        return False
    meta = claims.get("meta")
    of_key = type(meta) is dict and meta.get("platform") == _KEY_PLATFORM
    return of_key or claims.get("sub") == "anon"


def openid_of(request: Headed) -> str:
    """Return the openid that a request names, empty without one.

    Raises:
        ForeignRequest: a page from elsewhere names one.
    """
    openid = request.headers.get(OPENID_HEADER) or request.query.get(OPENID_PARAMETER, "")
    if openid and not is_near(request):
        raise ForeignRequest(
            "a page of another machine may not act as a WeChat user without signing in",
            hint="sign in, or open the page from localhost",
        )
    return openid
