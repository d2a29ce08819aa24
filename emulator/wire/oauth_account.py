"""Owns the endpoints of `/auth/v1/user`: what a signed-in user sees and changes of its account.

Not here: signing in (`wire.oauth`). The one idea: whoever changes how it signs in proves itself
again first, which gives a sudo token.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from emulator.core.values import Value
from emulator.services.auth import SUDO_AGE_S
from emulator.services.users import IdentityKind, User
from emulator.wire.oauth import Ask, Table

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BASIC: Final = {"nickname": "name", "name": "name", "avatar_url": "picture"}
_PROFILE: Final = ("name", "picture", "gender")


def profile_of(user: User, env_id: str) -> dict[str, Value]:
    """Return a user as the SDKs read it."""
    phone = user.identity("phone")
    anonymous = user.is_anonymous
    return {
        "sub": user.uid,
        "name": "anonymous" if anonymous else user.profile.get("name", ""),
        "username": user.identity("username"),
        "email": user.identity("email"),
        "email_verified": bool(user.identity("email")),
        "phone_number": f"+86 {phone[3:]}" if phone.startswith("+86") else phone,
        "picture": user.profile.get("picture", ""),
        "gender": user.profile.get("gender", ""),
        "groups": [{"id": "anonymous" if anonymous else "registered"}],
        "providers": _providers(user),
        "status": "BLOCKED" if user.blocked else "ACTIVE",
        "created_from": env_id,
        "created_at": _moment(user.created_ms),
        "updated_at": _moment(user.updated_ms),
        "password": "SET" if user.password else "UNSET",
        "user_id": user.uid,
    }


def account_table(env_id: str) -> Table:
    """Return the endpoints of signed-in users."""

    async def me(ask: Ask) -> dict[str, Value]:
        return profile_of(ask.known().user, env_id)

    async def edit(ask: Ask) -> dict[str, Value]:
        given = {name: ask.text(name) for name in _PROFILE if ask.optional(name)}
        uid = ask.known().user.uid
        if ask.optional("username"):
            ask.auth.users.identify(uid, {"username": ask.text("username")})
        return profile_of(ask.auth.users.describe(uid, given), env_id)

    return {
        ("GET", "user/me"): me,
        ("DELETE", "user/me"): _remove,
        ("PATCH", "user/profile"): edit,
        ("POST", "user/basic/edit"): _edit_basics,
        ("GET", "user/provider"): _list_providers,
        ("DELETE", "user/provider/*"): _unbind,
        ("POST", "user/provider/bind"): _bind,
        ("POST", "user/sudo"): _sudo,
        ("PATCH", "user/password"): _set_password,
        ("PATCH", "user/contact"): _set_contact,
        ("POST", "user/signout"): _sign_out,
    }


async def _remove(ask: Ask) -> dict[str, Value]:
    ask.auth.remove(ask.known().user.uid)
    return {}


async def _edit_basics(ask: Ask) -> dict[str, Value]:
    uid = ask.known().user.uid
    given = {ours: ask.text(name) for name, ours in _BASIC.items() if ask.optional(name)}
    if ask.optional("username"):
        ask.auth.users.identify(uid, {"username": ask.text("username")})
    ask.auth.users.describe(uid, given)
    return {}


async def _list_providers(ask: Ask) -> dict[str, Value]:
    found = _providers(ask.known().user)
    return {"total": len(found), "data": found}


async def _unbind(ask: Ask) -> dict[str, Value]:
    kind: IdentityKind = "custom" if ask.tail == "custom" else "openid"
    ask.auth.users.forget(ask.known().user.uid, kind)
    return {}


async def _bind(ask: Ask) -> dict[str, Value]:
    uid = ask.known().user.uid
    ask.auth.bind_wechat(uid, ask.text("provider_token"))
    return {}


async def _sudo(ask: Ask) -> dict[str, Value]:
    user = ask.known().user
    token = ask.optional("verification_token")
    if token:
        ask.auth.require_own_address(user, token)
    elif user.password:
        await ask.auth.require_password(user.uid, ask.optional("password"))
    return {"sudo_token": ask.auth.sudo_token(user.uid), "expires_in": SUDO_AGE_S}


async def _set_password(ask: Ask) -> dict[str, Value]:
    known = ask.known()
    if known.user.password:
        ask.auth.require_sudo(known.user.uid, ask.optional("sudo_token"))
    new = ask.text("new_password")
    await ask.auth.change_password(known.user.uid, new, but_session=known.session.id)
    return {}


async def _set_contact(ask: Ask) -> dict[str, Value]:
    known = ask.known()
    ask.auth.require_sudo(known.user.uid, ask.optional("sudo_token"))
    channel, _ = ask.address()
    ask.auth.link_address(known.user.uid, channel, ask.text("verification_token"))
    return {}


async def _sign_out(ask: Ask) -> dict[str, Value]:
    ask.auth.tokens.end(ask.known().session)
    where = ask.optional("redirect_uri")
    return {"redirect_uri": where} if where else {}


def _providers(user: User) -> list[dict[str, Value]]:
    known = (("custom", user.identity("custom")), ("wechat", user.identity("openid")))
    return [{"id": name, "provider_user_id": text} for name, text in known if text]


def _moment(ms: int) -> str:
    moment = _EPOCH + timedelta(milliseconds=ms)
    return f"{moment.isoformat(timespec='milliseconds')[:-6]}Z"
