"""Owns the users of an environment: who is known under which name, number, account or device.

Not here: how somebody proves to be one of them (`services.auth`). The one idea: whatever a user is
known by is an identity, a kind with a text; an identity belongs to one user at most, and finding by
it is one look into a table. Users are documents of a store of their own, so that neither a seed,
a rule nor a query of the project can reach them.
"""

import re
from collections.abc import Mapping
from dataclasses import field, replace
from typing import Final, Literal

from emulator.ambient import Clock, Ids
from emulator.core.auth_errors import InvalidArgument, TooManyTries, UserExists, UserNotFound
from emulator.core.records import dataclass
from emulator.core.values import Document
from emulator.stores.base import Delete, DocumentStore, Drop, Put

COLLECTION: Final = "users"
USERS_MAX: Final = 100_000
IDENTITY_LENGTH_MAX: Final = 256
PROFILE_TEXT_LENGTH_MAX: Final = 4_096

IdentityKind = Literal["username", "email", "phone", "custom", "anonymous", "openid"]
IDENTITY_KINDS: Final[tuple[IdentityKind, ...]] = (
    "username",
    "email",
    "phone",
    "custom",
    "anonymous",
    "openid",
)
PROFILE_FIELDS: Final = ("name", "picture", "gender", "country", "province", "city")
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")
_PHONE: Final = re.compile(r"\+\d{1,4}\d{5,14}")


def _nothing() -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """One user; `password` is a hash, empty when none was set.

    `identities` holds a text by kind. A user of WeChat has an `openid`, and perhaps a `unionid`
    and the `appid` the openid is of.
    """

    uid: str
    created_ms: int
    updated_ms: int
    identities: Mapping[str, str] = field(default_factory=_nothing)
    profile: Mapping[str, str] = field(default_factory=_nothing)
    password: str = field(default="", repr=False)
    unionid: str = ""
    appid: str = ""
    blocked: bool = False

    def identity(self, kind: IdentityKind) -> str:
        """Return what the user is known by, empty when it is not known so."""
        return self.identities.get(kind, "")

    @property
    def is_anonymous(self) -> bool:
        """Tell whether nothing but a device is known of the user."""
        return set(self.identities) <= {"anonymous"}


def normal(kind: IdentityKind, text: str) -> str:
    """Return an identity in its one spelling.

    Raises:
        InvalidArgument: it is none of that kind.
    """
    if kind == "phone":
        text = "".join(each for each in text if each not in " -()")
        text = text if text.startswith("+") else f"+86{text}"
    elif kind == "email":
        text = text.strip().lower()
    wrong = (
        not text
        or len(text) > IDENTITY_LENGTH_MAX
        or (kind == "email" and not _EMAIL.fullmatch(text))
        or (kind == "phone" and not _PHONE.fullmatch(text))
    )
    if wrong:
        raise InvalidArgument(f"{text!r:.60} is not the {kind} of a user")
    return text


class Users:
    """The users of one environment."""

    def __init__(self, store: DocumentStore, *, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._users: dict[str, User] = {}
        self._uids: dict[tuple[str, str], str] = {}
        collection = store.collection(COLLECTION)
        for document in collection.snapshot() if collection else ():
            self._know(_read(document))

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._users)

    def all(self) -> list[User]:
        """Return all users, oldest first."""
        return list(self._users.values())

    def find(self, uid: str) -> User | None:
        """Return the user with that uid, None when there is none."""
        return self._users.get(uid)

    def get(self, uid: str) -> User:
        """Return the user with that uid; raises UserNotFound."""
        found = self._users.get(uid)
        if found is None:
            raise UserNotFound(f"there is no user {uid!r:.60}")
        return found

    def known_by(self, kind: IdentityKind, text: str) -> User | None:
        """Return who has the identity, None for nobody; raises InvalidArgument."""
        uid = self._uids.get((kind, normal(kind, text)))
        return None if uid is None else self._users[uid]

    def named(self, text: str) -> User | None:
        """Return whose uid, custom id or openid that is, None for nobody."""
        uids = (self._uids.get((kind, text), "") for kind in ("custom", "openid", "email"))
        return self._users.get(text) or self._users.get(next(filter(None, uids), ""))

    def known_as(self, name: str) -> User | None:
        """Return whom a person means who writes a name, an address or a number."""
        for kind in ("username", "email", "phone"):
            try:
                found = self.known_by(kind, name)
            except InvalidArgument:
                continue
            if found is not None:
                return found
        return None

    def create(
        self, identities: Mapping[IdentityKind, str], *, uid: str = "", **others: str
    ) -> User:
        """Make a user; `others` are `password`, `unionid`, `appid` and what profiles hold.

        Raises:
            InvalidArgument: an identity is none.
            UserExists: an identity is somebody's already.
            TooManyTries: there are `USERS_MAX` users.
        """
        if len(self._users) >= USERS_MAX:
            raise TooManyTries(f"there are {USERS_MAX:,} users, which is all that are kept")
        now_ms = self._clock.now_ms()
        made = User(
            uid=uid or self._ids.document_id(),
            created_ms=now_ms,
            updated_ms=now_ms,
            identities=self._free(identities, ""),
            profile=_profile(others),
            password=others.get("password", ""),
            unionid=others.get("unionid", ""),
            appid=others.get("appid", ""),
        )
        if made.uid in self._users:
            raise UserExists(f"there is a user {made.uid!r:.60}")
        return self._keep(made)

    def identify(self, uid: str, identities: Mapping[IdentityKind, str]) -> User:
        """Let a user be known by more, or by something else of a kind; raises as `create`."""
        user = self.get(uid)
        return self._change(user, identities={**user.identities, **self._free(identities, uid)})

    def forget(self, uid: str, kind: IdentityKind) -> User:
        """Let a user no longer be known by a kind of identity."""
        user = self.get(uid)
        left = {each: text for each, text in user.identities.items() if each != kind}
        return self._change(user, identities=left)

    def describe(self, uid: str, profile: Mapping[str, str]) -> User:
        """Change what a profile says."""
        user = self.get(uid)
        return self._change(user, profile={**user.profile, **_profile(profile)})

    def set_password(self, uid: str, password: str) -> User:
        """Set the hash of a password."""
        return self._change(self.get(uid), password=password)

    def block(self, uid: str, *, blocked: bool) -> User:
        """Switch a user off, or on again."""
        return self._change(self.get(uid), blocked=blocked)

    def remove(self, uid: str) -> None:
        """Remove a user; raises UserNotFound."""
        user = self.get(uid)
        self._store.commit([Delete(COLLECTION, uid)])
        self._unknow(user)

    def clear(self) -> None:
        """Remove every user."""
        self._store.commit([Drop(COLLECTION)])
        self._users.clear()
        self._uids.clear()

    def _free(self, identities: Mapping[IdentityKind, str], uid: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for kind, given in identities.items():
            text = normal(kind, given)
            if self._uids.get((kind, text), uid) != uid:
                raise UserExists(f"the {kind} {text!r:.60} belongs to another user")
            found[kind] = text
        return found

    def _change(self, user: User, **changes: object) -> User:
        changed = replace(user, updated_ms=self._clock.now_ms(), **changes)  # type: ignore[arg-type]  # named by this class alone
        return self._keep(changed)

    def _keep(self, user: User) -> User:
        self._store.commit([Put(COLLECTION, _document(user))])
        before = self._users.get(user.uid)
        if before is not None:
            for each in before.identities.items():
                self._uids.pop(each, None)
        self._know(user)
        return user

    def _know(self, user: User) -> None:
        self._users[user.uid] = user
        for each in user.identities.items():
            self._uids[each] = user.uid

    def _unknow(self, user: User) -> None:
        del self._users[user.uid]
        for each in user.identities.items():
            self._uids.pop(each, None)


def _profile(given: Mapping[str, str]) -> dict[str, str]:
    found = {name: given[name] for name in PROFILE_FIELDS if name in given}
    for name, text in found.items():
        if len(text) > PROFILE_TEXT_LENGTH_MAX:
            raise InvalidArgument(f"{name} is longer than {PROFILE_TEXT_LENGTH_MAX} characters")
    return found


def _document(user: User) -> Document:
    return {
        "_id": user.uid,
        "created_ms": user.created_ms,
        "updated_ms": user.updated_ms,
        "identities": dict(user.identities),
        "profile": dict(user.profile),
        "password": user.password,
        "unionid": user.unionid,
        "appid": user.appid,
        "blocked": user.blocked,
    }


def _read(document: Document) -> User:
    kept = {name: value for name, value in document.items() if name != "_id"}
    return User(uid=document["_id"], **kept)
