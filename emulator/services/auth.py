"""Owns signing in: what somebody shows, to the user it proves and the tokens of a new session.

Not here: users (`services.users`), sessions (`services.tokens`), the requests of either dialect
(`wire.web_auth`, `wire.oauth`). The one idea: every way to sign in ends in one place, where a user
who was switched off is refused and a session begins.
"""

from typing import Final

from emulator.ambient import Ids
from emulator.core.auth_errors import (
    AccessTokenExpired,
    InvalidArgument,
    InvalidRefreshToken,
    ProviderNotEnabled,
    Unauthenticated,
    UserBlocked,
    UserExists,
    UserNotFound,
    WrongCode,
    WrongPassword,
)
from emulator.core.records import dataclass
from emulator.services.caller import ADMINISTRATOR, Caller
from emulator.services.codes import Codes
from emulator.services.inbox import Channel, Inbox
from emulator.services.login_tickets import LoginTickets
from emulator.services.passwords import hashed, matches
from emulator.services.tokens import ACCESS_AGE_S, Session, Signed, Tokens
from emulator.services.users import IdentityKind, User, Users
from emulator.services.wechat_users import LOGIN_TYPE as WECHAT
from emulator.services.wechat_users import WechatUsers

SOURCE: Final = "web_client"
"""What functions see as SOURCE of callers who signed in with a client SDK."""
SOCKET_AGE_S: Final = 300
"""How long the signature for a realtime connection may wait to be used."""
PROVIDER_AGE_S: Final = 600
SUDO_AGE_S: Final = 600
_LOGIN_TYPES: Final[dict[IdentityKind, str]] = {
    "username": "USERNAME",
    "email": "EMAIL",
    "phone": "PHONE",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Who holds an access token: the user and its session."""

    user: User
    session: Session


class Auth:
    """The ways to sign in to one environment."""

    def __init__(  # noqa: PLR0913  # one of each that proves something
        self,
        users: Users,
        tokens: Tokens,
        *,
        codes: Codes,
        tickets: LoginTickets,
        wechat: WechatUsers,
        inbox: Inbox,
        ids: Ids,
    ) -> None:
        self.users = users
        self.tokens = tokens
        self.codes = codes
        self.tickets = tickets
        self.wechat = wechat
        self.inbox = inbox
        self._ids = ids

    def known(self, access_token: str) -> Known:
        """Return who holds an access token.

        Raises:
            Unauthenticated: it is none, or its user is gone.
            AccessTokenExpired: it was good once.
            UserBlocked: the user was switched off.
        """
        return self._known(self.tokens.open(access_token))

    def caller(self, access_token: str) -> Caller:
        """Return whoever holds an access token as caller; raises as `known`."""
        return caller_of(self.known(access_token))

    def socket_signature(self, access_token: str, openid: str = "") -> str:
        """Return what opens a realtime connection, as the WeChat user if one is named.

        Raises:
            Unauthenticated: the token is none, or its user is gone.
            AccessTokenExpired: it was good once.
        """
        who = ("openid", openid) if openid else ("session", self.known(access_token).session.id)
        return self.tokens.stamp("socket", who, SOCKET_AGE_S)

    def administrator_signature(self) -> str:
        """Return what opens a realtime connection of a program that holds the secret."""
        return self.tokens.stamp("socket", (ADMINISTRATOR.kind, ""), SOCKET_AGE_S)

    def socket_caller(self, signature: str) -> Caller:
        """Return for whom a realtime connection is opened; raises as `socket_signature`."""
        kind, name = self.tokens.stamped(signature, "socket")
        if kind == ADMINISTRATOR.kind:
            return ADMINISTRATOR
        if kind == "openid":
            return self.wechat.caller(name)
        session = self.tokens.find(name)
        if session is None:
            raise AccessTokenExpired("the session of this connection has ended")
        return caller_of(self._known(session))

    def anonymous(self, device: str) -> Signed:
        """Sign in whoever uses a device, as the same user for ever; raises InvalidArgument."""
        user = self.users.known_by("anonymous", device)
        return self._begin(user or self.users.create({"anonymous": device}), "ANONYMOUS")

    def anonymous_device(self, device: str) -> Signed:
        """Sign in whoever uses a device that newer SDKs name, as a new user where they do not."""
        return self.anonymous(f"device {device}" if device else self._ids.document_id())

    def with_ticket(self, ticket: str) -> Signed:
        """Sign in the user that a custom-login ticket names; raises TicketInvalid."""
        opened = self.tickets.open(ticket)
        user = self.users.known_by("custom", opened.custom_id)
        user = user or self.users.create({"custom": opened.custom_id})
        _require_allowed(user)
        return self.tokens.begin(
            user.uid,
            "CUSTOM",
            access_age_s=opened.access_age_s or ACCESS_AGE_S,
            expires_ms=opened.expires_ms,
        )

    async def with_password(self, name: str, password: str) -> Signed:
        """Sign in by a user name, mail address or phone number with a password.

        Raises:
            WrongPassword: nobody has both.
            UserBlocked: the user was switched off.
        """
        user = self.users.known_as(name)
        right = await matches(password, user.password if user else "")
        # Asked again: the user may have gone, or got another password, in the meantime.
        now = self.users.find(user.uid) if user else None
        if user is None or now is None or not right or now.password != user.password:
            raise WrongPassword("the user name or the password is wrong")
        kinds = (kind for kind in _LOGIN_TYPES if self._is_called(user, kind, name))
        return self._begin(now, _LOGIN_TYPES[next(kinds, "username")])

    def with_verification(self, token: str) -> Signed:
        """Sign in whoever verified an address that is a user's.

        Raises:
            WrongCode: the token is worth nothing.
            UserNotFound: the address is nobody's.
        """
        channel, to = self.codes.spend(token)
        user = self.users.known_by(channel, to)
        if user is None:
            raise UserNotFound(f"nobody is known by the {channel} {to}; sign up first")
        return self._begin(user, _LOGIN_TYPES[channel])

    def with_phone_code(self, phone: str, code: str) -> Signed:
        """Sign in by the code that was last sent to a number, which makes a user of it.

        Raises:
            WrongCode: it is another one.
        """
        self.codes.verify_newest("phone", phone, code)
        user = self.users.known_by("phone", phone) or self.users.create({"phone": phone})
        return self._begin(user, "PHONE")

    async def sign_up(
        self,
        identities: dict[IdentityKind, str],
        password: str,
        profile: dict[str, str],
        *,
        upgrades: str = "",
    ) -> Signed:
        """Make a user, or with `upgrades` one of an anonymous user, and sign it in.

        Raises:
            InvalidArgument: nothing to be known by, or a field is wrong.
            UserExists: a name, address or number is somebody's already.
        """
        if not identities:
            raise InvalidArgument("a user needs a username, an email or a phone_number")
        kept = await hashed(password, self._ids) if password else ""
        if upgrades:
            user = self.users.identify(upgrades, identities)
            if kept:
                user = self.users.set_password(user.uid, kept)
            self.users.describe(user.uid, profile)
        else:
            user = self.users.create(identities, password=kept, **profile)
        return self._begin(user, _LOGIN_TYPES.get(next(iter(identities)), "USERNAME"))

    def wechat_token(self, provider: str) -> str:
        """Return what stands for the current WeChat user, as its login code does in the cloud.

        Raises:
            ProviderNotEnabled: the provider is not WeChat.
        """
        if not provider.lower().startswith("wx") and provider != "wechat":
            raise ProviderNotEnabled(
                f"nobody stands behind the provider {provider!r:.60}",
                hint="test users sign in as WeChat users, anonymously, by name or with a ticket",
            )
        return self.tokens.stamp("provider", (self.wechat.current(),), PROVIDER_AGE_S)

    def with_wechat(self, token: str) -> Signed:
        """Sign in the WeChat user that `wechat_token` stands for; raises Unauthenticated."""
        (openid,) = self.tokens.stamped(token, "provider")
        return self._begin(self.wechat.user(openid), WECHAT)

    def bind_wechat(self, uid: str, token: str) -> None:
        """Let a user be known by the openid that `wechat_token` stands for; raises UserExists."""
        (openid,) = self.tokens.stamped(token, "provider")
        self.users.identify(uid, {"openid": openid})

    def refresh(self, refresh_token: str) -> Signed:
        """Return a new access token; raises InvalidRefreshToken, RefreshTokenExpired."""
        signed = self.tokens.refresh(refresh_token)
        user = self.users.find(signed.session.uid)
        if user is None:
            raise InvalidRefreshToken("the user of this token was removed")
        _require_allowed(user)
        return signed

    def link_ticket(self, uid: str, ticket: str) -> None:
        """Let a user be known by the id in a ticket too; raises TicketInvalid, UserExists."""
        self.users.identify(uid, {"custom": self.tickets.open(ticket).custom_id})

    def link_address(self, uid: str, channel: Channel, token: str) -> User:
        """Let a user be known by an address it verified; raises WrongCode, UserExists."""
        verified, to = self.codes.spend(token)
        if verified != channel:
            raise WrongCode(f"the verification_token is for an address of kind {verified}")
        return self.users.identify(uid, {channel: to})

    def require_own_address(self, user: User, token: str) -> None:
        """Let pass who verified an address of the user; raises WrongCode."""
        channel, to = self.codes.spend(token)
        if user.identity(channel) != to:
            raise WrongCode("the verification_token is for another user's address")

    async def change_password(self, uid: str, new: str, *, but_session: str = "") -> None:
        """Set a password and end the user's other sessions; raises InvalidArgument."""
        self.users.set_password(uid, await hashed(new, self._ids))
        self.tokens.revoke_user(uid, but=but_session)

    async def require_password(self, uid: str, password: str) -> None:
        """Let pass who knows the user's password; raises WrongPassword."""
        if not await matches(password, self.users.get(uid).password):
            raise WrongPassword("the password is wrong")

    async def reset_password(self, channel: Channel, to: str, token: str, new: str) -> None:
        """Set the password of whoever verified an address.

        Raises:
            WrongCode: the token is worth nothing, or for another address.
            UserNotFound: the address is nobody's.
        """
        user = self.users.known_by(channel, to)
        verified, address = self.codes.spend(token)
        if user is None:
            raise UserNotFound(f"nobody is known by the {channel} {to:.100}")
        if verified != channel or user.identity(channel) != address:
            raise WrongCode("the verification_token is for another address")
        await self.change_password(user.uid, new)

    async def reset_password_by(self, token: str, new: str) -> None:
        """Set the password of whoever a verified address belongs to; raises as the above."""
        channel, to = self.codes.spend(token)
        user = self.users.known_by(channel, to)
        if user is None:
            raise UserNotFound(f"nobody is known by the {channel} {to:.100}")
        await self.change_password(user.uid, new)

    def sudo_token(self, uid: str) -> str:
        """Return what lets a user change how it signs in, once it proved itself again."""
        return self.tokens.stamp("sudo", (uid,), SUDO_AGE_S)

    def require_sudo(self, uid: str, token: str) -> None:
        """Let pass who holds a sudo token of the user; raises AccessTokenExpired."""
        if self.tokens.stamped(token, "sudo") != [uid]:
            raise AccessTokenExpired("the sudo token is another user's")

    def impersonate(self, uid: str) -> Signed:
        """Sign a user in without proof, for whoever runs the suite; raises UserNotFound."""
        user = self.users.get(uid)
        kinds = (login for kind, login in _LOGIN_TYPES.items() if user.identity(kind))
        fallback = "ANONYMOUS" if user.is_anonymous else "CUSTOM"
        login_type = WECHAT if user.identity("openid") else next(kinds, fallback)
        return self._begin(user, login_type)

    def remove(self, uid: str) -> None:
        """Remove a user with all its sessions; raises UserNotFound."""
        self.users.remove(uid)
        self.tokens.revoke_user(uid)

    def clear(self) -> None:
        """Remove all users, sessions, codes and messages."""
        self.tokens.clear()
        self.users.clear()
        self.codes.clear()
        self.inbox.clear()
        self.wechat.forget_current()

    def require_free(self, kind: IdentityKind, text: str) -> None:
        """Let pass what nobody is known by; raises UserExists."""
        if self.users.known_by(kind, text) is not None:
            raise UserExists(f"the {kind} {text!r:.60} belongs to another user")

    def _known(self, session: Session) -> Known:
        user = self.users.find(session.uid)
        if user is None:
            raise Unauthenticated("the user of this session was removed")
        _require_allowed(user)
        return Known(user=user, session=session)

    def _begin(self, user: User, login_type: str) -> Signed:
        _require_allowed(user)
        return self.tokens.begin(user.uid, login_type)

    def _is_called(self, user: User, kind: IdentityKind, name: str) -> bool:
        try:
            return self.users.known_by(kind, name) is user
        except InvalidArgument:
            return False


def caller_of(known: Known) -> Caller:
    """Return a signed-in user as caller."""
    user, login_type = known.user, known.session.login_type
    return Caller(
        kind="anonymous" if login_type == "ANONYMOUS" else "user",
        openid=user.identity("openid") if login_type == WECHAT else "",
        appid=user.appid,
        unionid=user.unionid,
        uid=user.uid,
        login_type=login_type,
        custom_id=user.identity("custom"),
        source=SOURCE,
    )


def _require_allowed(user: User) -> None:
    if user.blocked:
        raise UserBlocked(f"the user {user.uid} was switched off")
