"""Owns the WeChat users that a mini program has without signing in: test users, one is current.

Not here: how a client says which one it is (`wire.callers`). The one idea: WeChat knows who holds
the phone, so there always is a user; whoever names none is the current one, and an openid that
nobody made a user of is a user nevertheless.
"""

import hashlib
from base64 import b32encode
from collections.abc import Mapping
from typing import Final

from emulator.core.auth_errors import InvalidArgument
from emulator.core.values import Document
from emulator.services.caller import Caller
from emulator.services.users import User, Users
from emulator.stores.base import DocumentStore, Put

COLLECTION: Final = "settings"
CURRENT: Final = "current_wechat_user"
OPENID_LENGTH_MAX: Final = 64
LOGIN_TYPE: Final = "WECHAT"
SOURCE: Final = "wx_client"
DEFAULT_NAME: Final = "Test user"


class WechatUsers:
    """The WeChat users of one environment."""

    def __init__(self, users: Users, store: DocumentStore, *, env_id: str, appid: str) -> None:
        self._users = users
        self._store = store
        self._env_id = env_id
        self._appid = appid
        collection = store.collection(COLLECTION)
        kept = collection.by_id(CURRENT) if collection else None
        self._current: str = kept["openid"] if kept else ""

    def openid_of(self, name: str) -> str:
        """Return the openid that a user of that name gets in this environment, always the same."""
        return f"o{_letters(f'{self._env_id}/{name}')[:27]}"

    def add(self, name: str, *, openid: str = "", **others: str) -> User:
        """Make a test user; `others` are `unionid`, `appid`, `phone` and what profiles hold.

        Raises:
            UserExists: the openid or phone number is somebody's already.
            InvalidArgument: a field is wrong.
        """
        openid = openid or self.openid_of(name)
        _require_openid(openid)
        phone = others.pop("phone", "")
        unionid = others.pop("unionid", "") or f"u{_letters(openid)[:27]}"
        appid = others.pop("appid", "") or self._appid
        return self._users.create(
            {"openid": openid, **({"phone": phone} if phone else {})},
            **{**others, "name": name, "unionid": unionid, "appid": appid},
        )

    def new_name(self) -> str:
        """Return a name that no test user of this environment was made by."""
        number = 1
        while self.find(self.openid_of(f"{DEFAULT_NAME} {number}")) is not None:
            number += 1
        return f"{DEFAULT_NAME} {number}"

    def find(self, openid: str) -> User | None:
        """Return the test user with that openid, None when there is none."""
        return self._users.known_by("openid", openid)

    def user(self, openid: str = "") -> User:
        """Return a WeChat user, by default the current one, made now if need be."""
        openid = openid or self.current()
        found = self._users.known_by("openid", openid)
        return found or self.add(DEFAULT_NAME, openid=openid)

    def all(self) -> list[User]:
        """Return the test users, oldest first."""
        return [user for user in self._users.all() if user.identity("openid")]

    def current(self) -> str:
        """Return the openid of whoever does not say who it is."""
        if self._current and self.find(self._current):
            return self._current
        known = self.all()
        return known[0].identity("openid") if known else self.openid_of(DEFAULT_NAME)

    def use(self, openid: str) -> None:
        """Let this be the current one; raises InvalidArgument when it is no openid."""
        _require_openid(openid)
        kept: Document = {"_id": CURRENT, "openid": self.user(openid).identity("openid")}
        self._store.commit([Put(COLLECTION, kept)])
        self._current = openid

    def caller(self, openid: str = "") -> Caller:
        """Return a WeChat user as caller, by default the current one; raises InvalidArgument."""
        openid = openid or self.current()
        _require_openid(openid)
        user = self.find(openid)
        return Caller(
            kind="user",
            openid=openid,
            appid=(user.appid if user else "") or self._appid,
            unionid=user.unionid if user else "",
            login_type=LOGIN_TYPE,
            source=SOURCE,
        )

    def forget_current(self) -> None:
        """Let the first test user be the current one again."""
        self._current = ""

    def configure(self, given: tuple[Mapping[str, str], ...]) -> None:
        """Make the test users that the project names and that are not there yet."""
        for each in given:
            others = dict(each)
            name = others.pop("name", DEFAULT_NAME)
            openid = others.pop("openid", "") or self.openid_of(name)
            if self.find(openid) is None:
                self.add(name, openid=openid, **others)


def _letters(text: str) -> str:
    return b32encode(hashlib.sha256(text.encode("utf-8", "replace")).digest()).decode().lower()


def _require_openid(openid: str) -> None:
    if not (openid.isascii() and openid.isprintable() and 1 <= len(openid) <= OPENID_LENGTH_MAX):
        raise InvalidArgument(
            f"{openid!r:.80} is no openid: 1 to {OPENID_LENGTH_MAX} printable ASCII characters"
        )
