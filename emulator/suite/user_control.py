"""Owns how a running suite's users are asked and told, as the control API and the CLI see them.

Not here: routes (`wire.control_users`). The one idea: as in `suite.control`, answers are gathered
and shaped as JSON data; a password is neither shown nor kept.
"""

from collections.abc import Mapping

from emulator.core.values import Value
from emulator.services.auth import Auth
from emulator.services.inbox import Inbox
from emulator.services.users import IdentityKind, User

_NAMED: tuple[IdentityKind, ...] = ("username", "email", "phone")


class UserControl:
    """The users of one running suite."""

    def __init__(self, auth: Auth) -> None:
        self._auth = auth
        self._inbox: Inbox = auth.inbox

    def users(self) -> list[dict[str, Value]]:
        """Return the users, oldest first; there always is a current one of WeChat."""
        self._auth.wechat.user()
        return [self._shown(user) for user in self._auth.users.all()]

    async def add(self, given: Mapping[str, str]) -> dict[str, Value]:
        """Make a user: of WeChat, unless it has a username or an email.

        Raises:
            UserExists: somebody is known by that already.
            InvalidArgument: a field is wrong.
        """
        others = dict(given)
        password = others.pop("password", "")
        identities = {kind: others.pop(kind) for kind in _NAMED if kind in others}
        for kind, text in identities.items():
            self._auth.require_free(kind, text)
        if "openid" in others or not identities.keys() - {"phone"}:
            name = others.pop("name", "") or self._auth.wechat.new_name()
            user = self._auth.wechat.add(name, openid=others.pop("openid", ""), **others)
            user = self._auth.users.identify(user.uid, identities)
        else:
            user = self._auth.users.create(identities, **others)
        if password:
            await self._auth.change_password(user.uid, password)
        return self._shown(self._auth.users.get(user.uid))

    def use(self, openid: str) -> dict[str, Value]:
        """Let a WeChat user be the current one, made now if need be; raises InvalidArgument."""
        self._auth.wechat.use(openid)
        return self._shown(self._auth.wechat.user(openid))

    def block(self, uid: str, *, blocked: bool) -> dict[str, Value]:
        """Switch a user off, or on again; raises UserNotFound."""
        return self._shown(self._auth.users.block(uid, blocked=blocked))

    def remove(self, uid: str) -> None:
        """Remove a user with its sessions; raises UserNotFound."""
        self._auth.remove(uid)

    def sign_in(self, uid: str) -> dict[str, Value]:
        """Return tokens of a user, as if it had signed in; raises UserNotFound, UserBlocked."""
        signed = self._auth.impersonate(uid)
        return {
            "access_token": signed.access_token,
            "refresh_token": signed.refresh_token,
            "expires_in": signed.session.access_age_s,
        }

    def inbox(self, to: str) -> list[dict[str, object]]:
        """Return what would have been sent, newest last."""
        return self._inbox.told(to)

    def login_key(self) -> dict[str, str]:
        """Return `private_key_id`, `private_key` and `env_id` for server SDKs."""
        return self._auth.tickets.credentials()

    def _shown(self, user: User) -> dict[str, Value]:
        known: dict[str, Value] = dict(user.identities)
        openid = user.identity("openid")
        return {
            "uid": user.uid,
            **known,
            "unionid": user.unionid,
            "appid": user.appid,
            "profile": dict(user.profile),
            "has_password": bool(user.password),
            "blocked": user.blocked,
            "current": bool(openid) and openid == self._auth.wechat.current(),
            "created_ms": user.created_ms,
        }
