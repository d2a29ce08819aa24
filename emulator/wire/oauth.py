"""Owns `/auth/v1`, the sign-in API of js-sdk 2.x and 3.x: who signs in, and in which ways.

Not here: what a signed-in user does with its own account (`wire.oauth_account`) and what proves
somebody to be a user (`services.auth`). The one idea: a table of method and path. Bodies are JSON
whatever type they say they have, an overridden method counts, and a failure has a status of its own
and gRPC's name and number. `/auth/v2` has the same endpoints under a few other paths.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import orjson
from aiohttp import hdrs, web

from emulator.ambient import Ids
from emulator.core.auth_errors import (
    InvalidArgument,
    NotImplementedHere,
    ProviderNotEnabled,
    Unauthenticated,
    UserNotFound,
    WrongCode,
)
from emulator.core.records import dataclass
from emulator.core.values import Value
from emulator.services.auth import PROVIDER_AGE_S, Auth, Known
from emulator.services.codes import CODE_AGE_S, TOKEN_AGE_S
from emulator.services.inbox import Channel
from emulator.services.scope import Scope
from emulator.services.tokens import Signed
from emulator.services.users import IdentityKind
from emulator.wire import envelope, fields, named_env
from emulator.wire.callers import bearer
from emulator.wire.cors import allowed, preflight
from emulator.wire.exchange import JSON, read_object

REQUEST_MAX_BYTES: Final = 256 * 1024
METHOD_HEADER: Final = "x-http-method-override"
DEVICE_HEADER: Final = "x-device-id"
_ELSEWHERE: Final = (
    "captcha/", "qrcode/", "device/", "user/device/", "user/authorize", "user/authorized/",
    "user/revoke/", "user/security/", "user/trans/", "signin/wechat/", "checkUsername",
    "plugin/", "mgr/", "signin/publichkey", "signin/password/", "user/query",
)  # fmt: skip
"""Endpoints of the cloud that are not here: captchas, QR codes, devices, being a provider."""
_V2_NAMES: Final[Mapping[str, str]] = {
    "signin/username": "signin",
    "signin/verificationcode": "signin",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request: its body, and the user whose token it carries."""

    request: web.Request
    body: dict[str, Any]
    auth: Auth
    tail: str = ""

    def text(self, name: str) -> str:
        """Return a field that must be there; raises InvalidParam."""
        return fields.text(self.body, name)

    def optional(self, name: str) -> str:
        """Return a field, empty when absent; raises InvalidParam."""
        return fields.optional_text(self.body, name)

    def known(self) -> Known:
        """Return the user of the bearer token; raises Unauthenticated."""
        token = bearer(self.request)
        if not token:
            raise Unauthenticated("the request carries no access token; sign in first")
        return self.auth.known(token)

    def address(self) -> tuple[Channel, str]:
        """Return the mail address or phone number of the body; raises InvalidArgument."""
        email, phone = self.optional("email"), self.optional("phone_number")
        if not email and not phone:
            raise InvalidArgument("email or phone_number must be given")
        return ("email", email) if email else ("phone", phone)


Answer = Callable[[Ask], Awaitable[dict[str, Value]]]
Table = Mapping[tuple[str, str], Answer]


class OAuthDoor:
    """The sign-in API of one suite; `account` are the endpoints of signed-in users."""

    def __init__(self, auth: Auth, account: Table, *, scope: Scope, ids: Ids) -> None:
        self._auth = auth
        self._ids = ids
        self._scope = scope
        self._table: Table = {**_SIGN_IN, **account}

    def routes(self) -> list[web.RouteDef]:
        """Return the routes, also those for a named environment."""
        return [
            route
            for start in ("", "/e/{env}")
            for version in ("v1", "v2")
            for path in (f"{start}/auth/{version}/{{path:.*}}",)
            for route in (web.options(path, preflight), web.route("*", path, self.answer))
        ]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer any request with JSON and its status: the rim behind which nothing is raised."""
        request_id, status = self._ids.request_id(), 200
        try:
            body = orjson.dumps(await self._carry_out(request))
        except Exception as error:  # noqa: BLE001  # the rim of a request
            status, body = envelope.oauth_refused(error, request_id)
        headers = {
            **allowed(request),
            hdrs.CONTENT_TYPE: JSON,
            hdrs.CACHE_CONTROL: "no-store",
            "X-Request-Id": request_id,
        }
        return web.Response(status=status, body=body, headers=headers)

    async def _carry_out(self, request: web.Request) -> dict[str, Value]:
        self._scope.require_env(named_env.of_path(request.path))
        self._scope.require_env(named_env.of_host(request.headers))
        path = request.match_info["path"].strip("/")
        path = _V2_NAMES.get(path, path)
        method = request.headers.get(METHOD_HEADER, request.method).upper()
        head, _, tail = path.rpartition("/")
        run = self._table.get((method, path)) or self._table.get((method, f"{head}/*"))
        if run is None:
            if path.startswith(_ELSEWHERE):
                raise NotImplementedHere(f"/auth/v1/{path:.100} is not emulated")
            raise envelope.NoSuchPath(f"nothing answers {method:.10} /auth/v1/{path:.100}")
        body = await read_object(request, max_bytes=REQUEST_MAX_BYTES)
        return await run(Ask(request=request, body=body, auth=self._auth, tail=tail))


def token_of(signed: Signed) -> dict[str, Value]:
    """Return a sign-in as the SDKs keep it."""
    anonymous = signed.session.login_type == "ANONYMOUS"
    return {
        "token_type": "Bearer",
        "access_token": signed.access_token,
        "refresh_token": signed.refresh_token,
        "expires_in": signed.session.access_age_s,
        "scope": "anonymous" if anonymous else "user",
        "sub": signed.session.uid,
        "groups": ["anonymous" if anonymous else "registered"],
    }


async def _anonymously(ask: Ask) -> dict[str, Value]:
    device = ask.request.headers.get(DEVICE_HEADER, "")
    return token_of(ask.auth.anonymous_device(device))


async def _sign_in(ask: Ask) -> dict[str, Value]:
    token = ask.optional("verification_token")
    if token:
        return token_of(ask.auth.with_verification(token))
    names = (ask.optional(name) for name in ("username", "email", "phone_number"))
    name = next(filter(None, names), "")
    if not name:
        raise InvalidArgument("username, with password, or verification_token must be given")
    return token_of(await ask.auth.with_password(name, ask.optional("password")))


async def _sign_up(ask: Ask) -> dict[str, Value]:
    found: dict[IdentityKind, str] = {}
    token = ask.optional("verification_token")
    if token:
        channel, to = ask.auth.codes.spend(token)
        found[channel] = to
    for kind, name in (("email", "email"), ("phone", "phone_number")):
        if ask.optional(name) and kind not in found:
            raise WrongCode(f"the {name} must be verified first: verification_token is missing")
    username = ask.optional("username")
    if username:
        found["username"] = username
    upgrades = ask.optional("anonymous_token")
    uid = ask.auth.known(upgrades).user.uid if upgrades else ""
    profile = {name: ask.optional(name) for name in ("name", "gender", "picture")}
    profile = {name: text for name, text in profile.items() if text}
    signed = await ask.auth.sign_up(found, ask.optional("password"), profile, upgrades=uid)
    return token_of(signed)


async def _custom(ask: Ask) -> dict[str, Value]:
    return token_of(ask.auth.with_ticket(ask.text("ticket")))


async def _provider_token(ask: Ask) -> dict[str, Value]:
    token = ask.auth.wechat_token(ask.text("provider_id"))
    return {"provider_token": token, "expires_in": PROVIDER_AGE_S, "provider_profile": {}}


async def _with_provider(ask: Ask) -> dict[str, Value]:
    return token_of(ask.auth.with_wechat(ask.text("provider_token")))


async def _provider_uri(ask: Ask) -> dict[str, Value]:
    provider = ask.request.query.get("provider_id", "")
    raise ProviderNotEnabled(f"nobody stands behind the provider {provider!r:.60}")


async def _refresh(ask: Ask) -> dict[str, Value]:
    grant = ask.optional("grant_type") or "refresh_token"
    if grant != "refresh_token":
        raise NotImplementedHere(f"grant_type {grant!r:.60} is not emulated")
    return token_of(ask.auth.refresh(ask.optional("refresh_token")))


async def _revoke(ask: Ask) -> dict[str, Value]:
    ask.auth.tokens.revoke(ask.optional("token") or bearer(ask.request))
    return {}


async def _exists(ask: Ask) -> dict[str, Value]:
    name = ask.request.query.get("username", "")
    return {"exist": ask.auth.users.known_as(name) is not None}


async def _verification(ask: Ask) -> dict[str, Value]:
    channel, to = ask.address()
    is_user = ask.auth.users.known_by(channel, to) is not None
    target = ask.optional("target")
    if target == "USER" and not is_user:
        raise UserNotFound(f"nobody is known by this {channel}")
    if target == "NOT_USER":
        ask.auth.require_free(channel, to)
    sent = ask.auth.codes.send(channel, to)
    return {"verification_id": sent, "expires_in": CODE_AGE_S, "is_user": is_user}


async def _verify(ask: Ask) -> dict[str, Value]:
    code = ask.text("verification_code")
    token = ask.auth.codes.verify(ask.text("verification_id"), code)
    return {"verification_token": token, "expires_in": TOKEN_AGE_S}


async def _reset(ask: Ask) -> dict[str, Value]:
    channel, to = ask.address()
    token, new = ask.text("verification_token"), ask.text("new_password")
    await ask.auth.reset_password(channel, to, token, new)
    return {}


_SIGN_IN: Final[Table] = {
    ("POST", "signin/anonymously"): _anonymously,
    ("POST", "signin"): _sign_in,
    ("POST", "signup"): _sign_up,
    ("POST", "signin/custom"): _custom,
    ("POST", "provider/token"): _provider_token,
    ("POST", "signin/with/provider"): _with_provider,
    ("GET", "provider/uri"): _provider_uri,
    ("POST", "token"): _refresh,
    ("POST", "revoke"): _revoke,
    ("GET", "checkIfUserExist"): _exists,
    ("POST", "verification"): _verification,
    ("POST", "verification/verify"): _verify,
    ("POST", "reset"): _reset,
}
