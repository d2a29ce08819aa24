"""Owns the `auth.*` actions of js-sdk 1.x and tcb-js-sdk: sign-in, tokens, the user's own data.

Not here: what proves somebody to be a user (`services.auth`), the HTTP API of newer SDKs
(`wire.oauth`). The one idea: a sign-in answers with a refresh token alone, and the SDK changes it
for an access token itself; an `access_token` beside it would be kept with a wrong expiry.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import orjson
from aiohttp import hdrs, web

from emulator.core.auth_errors import InvalidArgument, ProviderNotEnabled, Unauthenticated
from emulator.core.records import dataclass
from emulator.core.values import Value
from emulator.services.auth import Auth, Known
from emulator.services.tokens import Signed
from emulator.services.users import IdentityKind, User
from emulator.services.wechat_users import LOGIN_TYPE as WECHAT
from emulator.wire import envelope, fields
from emulator.wire.callers import CURRENT, openid_of
from emulator.wire.fields import Body
from emulator.wire.watch_messages import socket_ticket

_GENDERS: Final = ("MALE", "FEMALE", "UNKNOWN")
_PROFILE: Final = {
    "nickName": "name",
    "avatarUrl": "picture",
    "gender": "gender",
    "country": "country",
    "province": "province",
    "city": "city",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request for an `auth.*` action."""

    request: web.Request
    body: Body
    token: str
    request_id: str

    def text(self, name: str) -> str:
        """Return a field that must be there; raises InvalidParam."""
        return fields.text(self.body, name)

    def optional(self, name: str) -> str:
        """Return a field, empty when absent; raises InvalidParam."""
        return fields.optional_text(self.body, name)


Answer = Callable[[Visit], Awaitable[dict[str, Value]]]
SignIn = Callable[[Visit], Awaitable[bytes]]


class WebAuth:
    """The actions of one suite."""

    def __init__(self, auth: Auth, *, env_id: str, new_device: Callable[[], str]) -> None:
        self._auth = auth
        self._env_id = env_id
        self._new_device = new_device
        self._sign_ins: Mapping[str, Callable[[Visit], Awaitable[Signed]]] = {
            "USERNAME": self._by_password("username"),
            "EMAIL": self._by_password("email"),
            "PHONE": self._by_phone,
            "WECHAT-OPEN": self._by_wechat,
            "WECHAT-PUBLIC": self._by_wechat,
        }
        self._table = self._actions()

    def names(self) -> list[str]:
        """Return the names of the actions."""
        return list(self._table)

    def find(self, action: str) -> SignIn | None:
        """Return how an action is carried out, None for one of another kind."""
        run = self._table.get(action)
        if run is None:
            return None

        async def answer(visit: Visit) -> bytes:
            told = orjson.dumps(await run(visit))
            return envelope.flat(told, visit.request_id)

        return answer

    def _actions(self) -> Mapping[str, Answer]:
        return {
            "auth.signInAnonymously": self._anonymous,
            "auth.signInWithTicket": self._ticket,
            "auth.signIn": self._sign_in,
            "auth.fetchAccessTokenWithRefreshToken": self._refresh,
            "auth.logout": self._log_out,
            "auth.getUserInfo": self._user_info,
            "auth.isUsernameRegistered": self._is_registered,
            "auth.sendPhoneCode": self._send_code,
            "auth.signUpWithEmailAndPassword": self._sign_up,
            "auth.activateEndUserMail": self._activate,
            "auth.sendPasswordResetEmail": self._send_reset,
            "auth.resetPasswordWithToken": self._reset,
            "auth.updateUserInfo": self._update_user,
            "auth.updateUsername": self._update_name,
            "auth.updateEmail": self._update_email,
            "auth.updatePassword": self._update_password,
            "auth.linkWithTicket": self._link_ticket,
            "auth.linkAndRetrieveDataWithTicket": self._promote,
            "auth.linkOrUpdatePhoneNumber": self._link_phone,
            "auth.linkWithWeixinCode": self._link_wechat,
            "auth.unlink": self._unlink,
            "auth.getLinkedUidList": self._linked,
            "auth.setPrimaryUid": self._linked,
            "auth.wsWebSign": self._sign_socket,
        }

    async def _anonymous(self, visit: Visit) -> dict[str, Value]:
        device = visit.optional("anonymous_uuid") or self._new_device()
        signed = self._auth.anonymous(device)
        return {"uuid": device, "refresh_token": signed.refresh_token}

    async def _ticket(self, visit: Visit) -> dict[str, Value]:
        return _signed(self._auth.with_ticket(visit.text("ticket")))

    async def _sign_in(self, visit: Visit) -> dict[str, Value]:
        kind = visit.text("loginType")
        sign_in = self._sign_ins.get(kind)
        if sign_in is None:
            raise ProviderNotEnabled(f"loginType {kind!r:.40} is not a way to sign in here")
        return _signed(await sign_in(visit))

    def _by_password(self, name: str) -> Callable[[Visit], Awaitable[Signed]]:
        async def sign_in(visit: Visit) -> Signed:
            return await self._auth.with_password(visit.text(name), visit.text("password"))

        return sign_in

    async def _by_phone(self, visit: Visit) -> Signed:
        phone, password = visit.text("phoneNumber"), visit.optional("password")
        code = visit.optional("phoneCode")
        if not code:
            return await self._auth.with_password(phone, password)
        signed = self._auth.with_phone_code(phone, code)
        if password:
            session = signed.session
            await self._auth.change_password(session.uid, password, but_session=session.id)
        return signed

    async def _by_wechat(self, visit: Visit) -> Signed:
        del visit
        return self._auth.with_wechat(self._auth.wechat_token("wechat"))

    async def _refresh(self, visit: Visit) -> dict[str, Value]:
        signed = self._auth.refresh(visit.optional("refresh_token"))
        return {
            "access_token": signed.access_token,
            "access_token_expire": signed.session.access_age_s * 1000,
        }

    async def _log_out(self, visit: Visit) -> dict[str, Value]:
        self._auth.tokens.revoke(visit.optional("refresh_token") or visit.token)
        return {"data": {}}

    async def _user_info(self, visit: Visit) -> dict[str, Value]:
        known = self._known(visit)
        told = self._told(known.user, known.session.login_type)
        return {"data": told, "seqId": visit.optional("seqId")}

    async def _is_registered(self, visit: Visit) -> dict[str, Value]:
        found = self._auth.users.known_by("username", visit.text("username"))
        return {"data": {"isRegistered": found is not None}}

    async def _send_code(self, visit: Visit) -> dict[str, Value]:
        self._auth.codes.send("phone", visit.text("phoneNumber"))
        return {"data": {"SendStatus": "Ok"}}

    async def _sign_up(self, visit: Visit) -> dict[str, Value]:
        """Make a user of a mail address at once; the letter that activates it may be ignored."""
        email, password = visit.text("email"), visit.text("password")
        await self._auth.sign_up({"email": email}, password, {})
        self._write(email, "Activate your account")
        return {"data": {}}

    async def _activate(self, visit: Visit) -> dict[str, Value]:
        self._auth.codes.spend(visit.text("token"))
        return {"data": {}}

    async def _send_reset(self, visit: Visit) -> dict[str, Value]:
        self._write(visit.text("email"), "Reset your password")
        return {"data": {}}

    async def _reset(self, visit: Visit) -> dict[str, Value]:
        await self._auth.reset_password_by(visit.text("token"), visit.text("newPassword"))
        return {"data": {}}

    async def _update_user(self, visit: Visit) -> dict[str, Value]:
        known = self._known(visit)
        given = {ours: visit.text(name) for name, ours in _PROFILE.items() if visit.optional(name)}
        if given.get("gender", "UNKNOWN") not in _GENDERS:
            raise InvalidArgument(f"gender is one of {', '.join(_GENDERS)}")
        user = self._auth.users.describe(known.user.uid, given)
        return {"data": self._told(user, known.session.login_type)}

    async def _update_name(self, visit: Visit) -> dict[str, Value]:
        uid = self._known(visit).user.uid
        self._auth.users.identify(uid, {"username": visit.text("username")})
        return {"data": {}}

    async def _update_email(self, visit: Visit) -> dict[str, Value]:
        uid = self._known(visit).user.uid
        await self._auth.require_password(uid, visit.optional("password"))
        self._auth.users.identify(uid, {"email": visit.text("newEmail")})
        return {"data": {}}

    async def _update_password(self, visit: Visit) -> dict[str, Value]:
        known = self._known(visit)
        uid = known.user.uid
        if known.user.password:
            await self._auth.require_password(uid, visit.optional("oldPassword"))
        new = visit.text("newPassword")
        await self._auth.change_password(uid, new, but_session=known.session.id)
        return {"data": {}}

    async def _link_ticket(self, visit: Visit) -> dict[str, Value]:
        self._auth.link_ticket(self._known(visit).user.uid, visit.text("ticket"))
        return {"data": {}}

    async def _promote(self, visit: Visit) -> dict[str, Value]:
        """Make a user of a ticket out of an anonymous one, which keeps its uid."""
        self._auth.link_ticket(self._known(visit).user.uid, visit.text("ticket"))
        return _signed(self._auth.with_ticket(visit.text("ticket")))

    async def _link_phone(self, visit: Visit) -> dict[str, Value]:
        uid, phone = self._known(visit).user.uid, visit.text("phoneNumber")
        self._auth.codes.verify_newest("phone", phone, visit.text("phoneCode"))
        self._auth.users.identify(uid, {"phone": phone})
        return {"data": {}}

    async def _link_wechat(self, visit: Visit) -> dict[str, Value]:
        uid = self._known(visit).user.uid
        self._auth.users.identify(uid, {"openid": self._auth.wechat.current()})
        return {"data": {}}

    async def _unlink(self, visit: Visit) -> dict[str, Value]:
        platform = visit.text("platform").lower()
        kind: IdentityKind = "custom" if platform == "custom" else "openid"
        self._auth.users.forget(self._known(visit).user.uid, kind)
        return {"data": {}}

    async def _linked(self, visit: Visit) -> dict[str, Value]:
        known = self._known(visit)
        return {"data": {"users": [self._told(known.user, known.session.login_type)]}}

    async def _sign_socket(self, visit: Visit) -> dict[str, Value]:
        """Answer where the realtime connection is, and what says there who opens it."""
        openid = "" if visit.token else openid_of(visit.request)
        if not visit.token and not openid:
            raise Unauthenticated("watch() is for users who signed in")
        if openid == CURRENT:
            openid = self._auth.wechat.current()
        signature = self._auth.socket_signature(visit.token, openid)
        host = visit.request.headers.get(hdrs.HOST, "")
        return {"data": socket_ticket(signature, url=f"http://{host}", env_id=self._env_id)}

    def _known(self, visit: Visit) -> Known:
        if not visit.token:
            raise Unauthenticated("sign in first")
        return self._auth.known(visit.token)

    def _write(self, email: str, subject: str) -> None:
        user = self._auth.users.known_by("email", email)
        if user is not None:
            to = user.identity("email")
            token = self._auth.codes.vouch("email", to)
            self._auth.inbox.deliver("email", to, subject=subject, code=token)

    def _told(self, user: User, login_type: str) -> dict[str, Any]:
        profile, openid = user.profile, user.identity("openid")
        return {
            "uid": user.uid,
            "loginType": login_type,
            "nickName": profile.get("name", ""),
            "avatarUrl": profile.get("picture", ""),
            "gender": profile.get("gender", "UNKNOWN"),
            "username": user.identity("username") or None,
            "email": user.identity("email") or None,
            "phone": user.identity("phone") or None,
            "openid": openid if login_type == WECHAT else "",
            "wxOpenId": openid,
            "wxUnionId": user.unionid,
            "wxPublicId": "",
            "qqMiniOpenId": "",
            "hasPassword": bool(user.password),
            "customUserId": user.identity("custom"),
            "country": profile.get("country", ""),
            "province": profile.get("province", ""),
            "city": profile.get("city", ""),
            "envName": self._env_id,
        }


def _signed(signed: Signed) -> dict[str, Value]:
    return {"refresh_token": signed.refresh_token}
