"""Who is signed in: users, sessions, codes, tickets, WeChat users, on a clock turned by hand."""

import orjson
import pytest

from emulator.ambient import CountedIds, ManualClock
from emulator.core.auth_errors import (
    AccessTokenExpired,
    AuthError,
    InvalidArgument,
    InvalidRefreshToken,
    ProviderNotEnabled,
    RefreshTokenExpired,
    TicketInvalid,
    TooManyTries,
    Unauthenticated,
    UserBlocked,
    UserExists,
    UserNotFound,
    WrongCode,
    WrongPassword,
)
from emulator.services import codes as codes_module
from emulator.services import tokens as tokens_module
from emulator.services.auth import Auth
from emulator.services.codes import CODE_AGE_S, TRIES_MAX, Codes
from emulator.services.inbox import Inbox
from emulator.services.login_tickets import LoginTickets
from emulator.services.tokens import ACCESS_AGE_S, SESSION_AGE_S, Tokens
from emulator.services.users import Users, normal
from emulator.services.wechat_users import WechatUsers
from emulator.stores.memory import MemoryDocumentStore

ENV = "demo-env"


class World:
    """The parts of identity over a store that outlives them."""

    def __init__(self, folder):
        self.clock, self.ids, self.folder = ManualClock(), CountedIds(), folder
        self.store = MemoryDocumentStore()
        self.open()

    def open(self, key="key"):
        """Begin again, as after a restart; with another key, as in another data folder."""
        clock, ids = self.clock, self.ids
        self.inbox = Inbox(clock)
        self.users = Users(self.store, clock=clock, ids=ids)
        self.auth = Auth(
            self.users,
            Tokens(self.store, key, env_id=ENV, clock=clock, ids=ids),
            codes=Codes(self.inbox, clock=clock, ids=ids),
            tickets=LoginTickets(self.folder, env_id=ENV, clock=clock, ids=ids),
            wechat=WechatUsers(self.users, self.store, env_id=ENV, appid="wxapp"),
            inbox=self.inbox,
            ids=ids,
        )
        return self.auth

    def code(self):
        return self.inbox.told()[-1]["code"]


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


@pytest.fixture
def auth(world):
    return world.auth


@pytest.mark.parametrize(
    ("kind", "given", "kept"),
    [
        ("phone", "138 0000-0000", "+8613800000000"),
        ("phone", "+86 13800000000", "+8613800000000"),
        ("phone", "+1 (415) 5550100", "+14155550100"),
        ("email", " Ada@Example.ORG ", "ada@example.org"),
        ("username", "Ada", "Ada"),
    ],
)
def test_an_identity_has_one_spelling(kind, given, kept):
    assert normal(kind, given) == kept


@pytest.mark.parametrize(
    ("kind", "given"),
    [("phone", "12"), ("phone", "abc"), ("email", "ada"), ("email", "a@b@c"), ("username", "")]
    + [(kind, "x" * 300) for kind in ("username", "email", "phone", "openid")],
)
def test_what_is_no_identity_is_refused(kind, given):
    with pytest.raises(InvalidArgument):
        normal(kind, given)


def test_a_device_is_the_same_user_for_ever(world, auth):
    first = auth.anonymous("device-1").session.uid
    assert auth.anonymous("device-1").session.uid == first
    assert auth.anonymous("device-2").session.uid != first
    assert world.open().anonymous("device-1").session.uid == first


def test_an_anonymous_caller_has_a_uid_and_no_openid(auth):
    signed = auth.anonymous("device-1")
    caller = auth.caller(signed.access_token)
    assert (caller.kind, caller.login_type, caller.openid) == ("anonymous", "ANONYMOUS", "")
    assert caller.owner_id == caller.uid == signed.session.uid


def test_an_access_token_is_a_jwt_that_names_environment_and_user(auth):
    signed = auth.anonymous("device-1")
    head, claims, _ = (
        tokens_module._unbase64(part) if part else b"" for part in signed.access_token.split(".")
    )
    assert orjson.loads(head) == {"alg": "HS256", "typ": "JWT"}
    told = orjson.loads(claims)
    assert (told["aud"], told["sub"], told["exp"] - told["iat"]) == (
        ENV, signed.session.uid, ACCESS_AGE_S,
    )  # fmt: skip


def test_an_access_token_expires_and_is_refreshed(world, auth):
    signed = auth.anonymous("device-1")
    world.clock.advance(ACCESS_AGE_S - 1)
    assert auth.caller(signed.access_token)
    world.clock.advance(1)
    with pytest.raises(AccessTokenExpired):
        auth.caller(signed.access_token)
    again = auth.refresh(signed.refresh_token)
    assert auth.caller(again.access_token).uid == signed.session.uid


def test_a_session_ends_and_is_forgotten(world, auth):
    signed = auth.anonymous("device-1")
    world.clock.advance(SESSION_AGE_S)
    with pytest.raises(RefreshTokenExpired):
        auth.refresh(signed.refresh_token)
    with pytest.raises(InvalidRefreshToken):
        auth.refresh(signed.refresh_token)


def test_tokens_survive_a_restart_and_are_worth_nothing_elsewhere(world, auth):
    signed = auth.anonymous("device-1")
    assert world.open().caller(signed.access_token).uid == signed.session.uid
    with pytest.raises(AccessTokenExpired):
        world.open(key="another folder's").caller(signed.access_token)


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_signing_out_ends_both_tokens(auth, which):
    signed = auth.anonymous("device-1")
    auth.tokens.revoke(getattr(signed, which))
    with pytest.raises(AccessTokenExpired):
        auth.caller(signed.access_token)
    with pytest.raises(InvalidRefreshToken):
        auth.refresh(signed.refresh_token)


@pytest.mark.parametrize("text", ["", "x", "a.b.c", ".", "..", "é.é.é", "a.b", "a" * 9000])
def test_what_is_no_token_is_refused(auth, text):
    signed = auth.anonymous("device-1")
    for refused in (auth.caller, auth.refresh, auth.socket_caller, auth.with_wechat):
        with pytest.raises(AuthError):
            refused(text)
    auth.tokens.revoke(text)
    assert auth.caller(signed.access_token)


def test_a_token_with_a_changed_letter_is_refused(auth):
    token = auth.anonymous("device-1").access_token
    for at in range(0, len(token), 7):
        other = "A" if token[at] != "A" else "B"
        with pytest.raises((AccessTokenExpired, Unauthenticated)):
            auth.caller(token[:at] + other + token[at + 1 :])


def test_a_stamp_is_good_for_one_purpose(auth):
    signed = auth.anonymous("device-1")
    sudo = auth.sudo_token(signed.session.uid)
    auth.require_sudo(signed.session.uid, sudo)
    for refused in (auth.caller, auth.socket_caller, auth.with_wechat):
        with pytest.raises(AccessTokenExpired):
            refused(sudo)
    with pytest.raises(AccessTokenExpired):
        auth.require_sudo("another", sudo)
    with pytest.raises(AccessTokenExpired):
        auth.socket_caller(signed.access_token)


def test_a_realtime_connection_is_its_users(world, auth):
    signed = auth.anonymous("device-1")
    signature = auth.socket_signature(signed.access_token)
    assert auth.socket_caller(signature) == auth.caller(signed.access_token)
    assert auth.socket_caller(auth.socket_signature("", "oAda")).openid == "oAda"
    auth.tokens.revoke(signed.refresh_token)
    with pytest.raises(AccessTokenExpired):
        auth.socket_caller(signature)


def test_only_so_many_sessions_are_kept(auth, monkeypatch):
    monkeypatch.setattr(tokens_module, "SESSIONS_MAX", 3)
    signed = [auth.anonymous(f"device-{number}") for number in range(4)]
    with pytest.raises(AccessTokenExpired):
        auth.caller(signed[0].access_token)
    assert all(auth.caller(each.access_token) for each in signed[1:])


async def test_a_password_signs_in_by_every_name(auth):
    await auth.sign_up({"username": "ada"}, "pw", {"name": "Ada"})
    uid = auth.users.known_as("ada").uid
    auth.users.identify(uid, {"email": "ada@b.c", "phone": "13800000000"})
    types = {}
    for name in ("ada", "ADA@b.c", "+86 138 0000 0000"):
        session = (await auth.with_password(name, "pw")).session
        types[session.login_type] = session.uid
    assert types == {"USERNAME": uid, "EMAIL": uid, "PHONE": uid}


async def test_a_wrong_password_and_an_unknown_name_are_refused_alike(auth):
    await auth.sign_up({"username": "ada"}, "pw", {})
    told = set()
    for name, password in [("ada", "no"), ("bob", "pw"), ("ada", ""), ("ada", "x" * 999), ("", "")]:
        with pytest.raises(WrongPassword) as refused:
            await auth.with_password(name, password)
        told.add(refused.value.message)
    assert len(told) == 1


async def test_nobody_without_a_password_signs_in_with_one(auth):
    auth.anonymous("device-1")
    auth.wechat.add("Ada", phone="13800000000")
    with pytest.raises(WrongPassword):
        await auth.with_password("13800000000", "")


async def test_a_password_is_kept_as_a_hash(world, auth):
    await auth.sign_up({"username": "ada"}, "S3cret-Pw", {})
    user = auth.users.known_as("ada")
    assert user.password.startswith("scrypt$")
    assert "S3cret-Pw" not in repr(world.store.collection("users").snapshot())
    assert user.password not in repr(user)


async def test_a_new_password_ends_the_other_sessions(auth):
    kept = await auth.sign_up({"username": "ada"}, "pw", {})
    other = await auth.with_password("ada", "pw")
    await auth.change_password(kept.session.uid, "new", but_session=kept.session.id)
    assert auth.caller(kept.access_token)
    with pytest.raises(AccessTokenExpired):
        auth.caller(other.access_token)
    with pytest.raises(WrongPassword):
        await auth.with_password("ada", "pw")


async def test_an_identity_belongs_to_one_user(auth):
    await auth.sign_up({"username": "ada"}, "", {})
    with pytest.raises(UserExists):
        await auth.sign_up({"username": "ada"}, "", {})
    with pytest.raises(InvalidArgument):
        await auth.sign_up({}, "", {})


async def test_an_anonymous_user_that_signs_up_keeps_its_uid(auth):
    before = auth.anonymous("device-1")
    after = await auth.sign_up({"username": "ada"}, "pw", {}, upgrades=before.session.uid)
    assert after.session.uid == before.session.uid
    assert auth.caller(after.access_token).kind == "user"


def test_a_code_goes_to_the_inbox_and_signs_in_once(world, auth):
    auth.wechat.add("Ada", phone="13800000000")
    sent = auth.codes.send("phone", "138 0000 0000")
    assert world.inbox.told("+8613800000000")[0]["code"] == world.code()
    token = auth.codes.verify(sent, world.code())
    assert auth.with_verification(token).session.login_type == "PHONE"
    for spent in (lambda: auth.with_verification(token), lambda: auth.codes.verify(sent, "000000")):
        with pytest.raises(WrongCode):
            spent()


def test_an_address_that_is_nobodys_signs_nobody_in(world, auth):
    token = auth.codes.verify(auth.codes.send("email", "a@b.c"), world.code())
    with pytest.raises(UserNotFound):
        auth.with_verification(token)


def test_a_code_expires(world, auth):
    sent = auth.codes.send("email", "a@b.c")
    world.clock.advance(CODE_AGE_S)
    with pytest.raises(WrongCode):
        auth.codes.verify(sent, world.code())


def test_a_code_cannot_be_guessed_at_for_long(world, auth):
    sent = auth.codes.send("email", "a@b.c")
    for _ in range(TRIES_MAX - 1):
        with pytest.raises(WrongCode):
            auth.codes.verify(sent, "guess")
    with pytest.raises(TooManyTries):
        auth.codes.verify(sent, "guess")
    with pytest.raises(WrongCode):
        auth.codes.verify(sent, world.code())


def test_only_so_many_codes_are_kept(world, auth, monkeypatch):
    monkeypatch.setattr(codes_module, "CODES_MAX", 2)
    sent = [auth.codes.send("email", f"{number}@b.c") for number in range(3)]
    with pytest.raises(WrongCode):
        auth.codes.verify(sent[0], "000000")
    assert auth.codes.verify(sent[2], world.code())


def test_a_phone_code_makes_a_user(world, auth):
    auth.codes.send("phone", "13800000000")
    uid = auth.with_phone_code("+8613800000000", world.code()).session.uid
    assert auth.users.known_by("phone", "13800000000").uid == uid
    with pytest.raises(WrongCode):
        auth.with_phone_code("+8613800000000", world.code())


async def test_a_reset_needs_the_users_own_address(world, auth):
    await auth.sign_up({"email": "ada@b.c"}, "pw", {})
    theirs = auth.codes.vouch("email", "bob@b.c")
    with pytest.raises(WrongCode):
        await auth.reset_password("email", "ada@b.c", theirs, "new")
    await auth.reset_password("email", "ada@b.c", auth.codes.vouch("email", "ada@b.c"), "new")
    assert await auth.with_password("ada@b.c", "new")


async def test_a_user_that_is_switched_off_stays_out(auth):
    signed = await auth.sign_up({"username": "ada"}, "pw", {})
    auth.users.block(signed.session.uid, blocked=True)
    with pytest.raises(UserBlocked):
        auth.caller(signed.access_token)
    with pytest.raises(UserBlocked):
        auth.refresh(signed.refresh_token)
    with pytest.raises(UserBlocked):
        await auth.with_password("ada", "pw")
    auth.users.block(signed.session.uid, blocked=False)
    assert auth.caller(signed.access_token)


def test_a_user_that_was_removed_is_nobody(auth):
    signed = auth.anonymous("device-1")
    auth.remove(signed.session.uid)
    with pytest.raises(AuthError):
        auth.caller(signed.access_token)
    assert auth.anonymous("device-1").session.uid != signed.session.uid


def test_everything_is_forgotten_at_a_reset(world, auth):
    signed = auth.anonymous("device-1")
    auth.codes.send("email", "a@b.c")
    auth.clear()
    assert (len(auth.users), world.inbox.told()) == (0, [])
    with pytest.raises(AccessTokenExpired):
        auth.caller(signed.access_token)
    assert len(world.open().users) == 0


def test_there_always_is_a_current_wechat_user(world, auth):
    openid = auth.wechat.current()
    caller = auth.wechat.caller()
    assert (caller.openid, caller.appid, caller.source) == (openid, "wxapp", "wx_client")
    assert world.open().wechat.current() == openid


def test_the_current_wechat_user_is_switched_and_kept(world, auth):
    ada = auth.wechat.add("Ada", phone="13800000000")
    bob = auth.wechat.add("Bob", openid="oBob", unionid="uBob")
    assert auth.wechat.current() == ada.identity("openid")
    auth.wechat.use("oBob")
    assert auth.wechat.caller().unionid == "uBob"
    assert world.open().wechat.current() == "oBob"
    world.auth.remove(bob.uid)
    assert world.auth.wechat.current() == ada.identity("openid")


def test_any_openid_is_somebody(auth):
    assert auth.wechat.caller("oStranger").openid == "oStranger"
    for wrong in ("x" * 65, "naïve", "a\nb"):
        with pytest.raises(InvalidArgument):
            auth.wechat.caller(wrong)


def test_a_name_always_gets_the_same_openid(auth):
    assert auth.wechat.openid_of("Ada") == auth.wechat.openid_of("Ada")
    assert len(auth.wechat.openid_of("Ada")) == 28
    auth.wechat.add("Ada")
    with pytest.raises(UserExists):
        auth.wechat.add("Ada")


def test_the_current_wechat_user_signs_in_by_provider(auth):
    signed = auth.with_wechat(auth.wechat_token("wx0123456789abcdef"))
    caller = auth.caller(signed.access_token)
    assert (caller.openid, caller.login_type) == (auth.wechat.current(), "WECHAT")
    with pytest.raises(ProviderNotEnabled):
        auth.wechat_token("github")


def ticket_of(auth, clock, key=None, **claims):
    """Sign a ticket as createTicket() of the server SDKs does."""
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    found = auth.tickets.credentials()
    now = clock.now_ms()
    told = {"alg": "RS256", "env": ENV, "iat": now, "exp": now + 600_000, "uid": "ada", **claims}
    parts = [{"alg": "RS256", "typ": "JWT"}, told]
    signed = b".".join(tokens_module._base64(orjson.dumps(part)) for part in parts)
    pair = load_pem_private_key(found["private_key"].encode(), password=None)
    signature = tokens_module._base64(pair.sign(signed, padding.PKCS1v15(), SHA256()))
    return f"{key or found['private_key_id']}/@@/{(signed + b'.' + signature).decode()}"


def test_a_ticket_signs_its_user_in(world, auth):
    until = world.clock.now_ms() + 86_400_000
    signed = auth.with_ticket(ticket_of(auth, world.clock, refresh=3_600_000, expire=until))
    caller = auth.caller(signed.access_token)
    assert (caller.kind, caller.login_type) == ("user", "CUSTOM")
    assert (signed.session.access_age_s, signed.session.expires_ms) == (3_600, until)
    again = World(world.folder)
    assert again.auth.tickets.open(ticket_of(auth, world.clock)).custom_id == "ada"


@pytest.mark.parametrize(
    "claims", [{"env": "other"}, {"exp": 1}, {"uid": ""}, {"uid": "x" * 65}, {"uid": 7}]
)
def test_a_ticket_that_says_something_wrong_is_refused(world, auth, claims):
    with pytest.raises(TicketInvalid):
        auth.with_ticket(ticket_of(auth, world.clock, **claims))


def test_a_forged_ticket_is_refused(world, auth):
    ticket = ticket_of(auth, world.clock)
    forged = [ticket[:-6] + "AAAAAA", ticket_of(auth, world.clock, key="other"), "x", "", "a/@@/b"]
    forged += ["a/@@/!.!.!", ticket.replace("/@@/", "/@@/e30"), "k/@@/" + "a" * 20_000]
    for each in forged:
        with pytest.raises(TicketInvalid):
            auth.with_ticket(each)


def test_an_anonymous_user_is_known_by_a_ticket_from_then_on(world, auth):
    uid = auth.anonymous("device-1").session.uid
    ticket = ticket_of(auth, world.clock)
    auth.link_ticket(uid, ticket)
    assert auth.with_ticket(ticket).session.uid == uid
    with pytest.raises(UserExists):
        auth.link_ticket(auth.anonymous("device-2").session.uid, ticket)
