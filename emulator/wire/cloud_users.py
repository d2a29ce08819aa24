"""Owns the calls of Tencent Cloud's API about users: made, listed, changed, switched off, removed.

Not here: the door (`wire.cloud_api`) and signing in (`services.auth`). The one idea: two sets of
calls say the same of the same users, one with `UUId`s (manager-node up to 4.x), one with `Uid`s.
"""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from emulator.core.auth_errors import UserNotFound
from emulator.core.errors import InvalidParam
from emulator.services.auth import Auth
from emulator.services.users import IdentityKind, User
from emulator.wire import fields
from emulator.wire.cloud_api import Call
from emulator.wire.fields import Body

PAGE_DEFAULT: Final = 20
_CHINA: Final = timezone(timedelta(hours=8))
_IDENTITIES: Final[tuple[tuple[str, IdentityKind], ...]] = (
    ("Name", "username"),
    ("Phone", "phone"),
    ("Email", "email"),
)
_PROFILE: Final = (("NickName", "name"), ("AvatarUrl", "picture"))
_STATUSES: Final = {"ENABLE": False, "DISABLE": True, "ACTIVE": False, "BLOCKED": True}


class CloudUsers:
    """The calls of one suite."""

    def __init__(self, auth: Auth, *, require_env: Callable[[str], None]) -> None:
        self._auth = auth
        self._require_env = require_env

    def table(self) -> dict[str, Call]:
        """Return the actions by name."""
        calls: dict[str, Call] = {
            "CreateEndUserAccount": self._create_older,
            "DescribeEndUsers": self._list_older,
            "ModifyEndUserAccount": self._rename_older,
            "ModifyEndUser": self._switch_older,
            "DeleteEndUser": self._delete_older,
            "CreateUser": self._create,
            "DescribeUserList": self._list,
            "ModifyUser": self._modify,
            "DeleteUsers": self._delete,
        }
        return {name: self._here(call) for name, call in calls.items()}

    def _here(self, call: Call) -> Call:
        async def checked(body: Body) -> dict[str, Any]:
            self._require_env(fields.optional_text(body, "EnvId"))
            return await call(body)

        return checked

    async def _create_older(self, body: Body) -> dict[str, Any]:
        name, password = fields.text(body, "Username"), fields.text(body, "Password")
        user = await self._made({"Name": name, "Password": password})
        return {"User": _older(user)}

    async def _list_older(self, body: Body) -> dict[str, Any]:
        offset, limit = fields.count(body, "Offset") or 0, fields.count(body, "Limit")
        known = self._auth.users.all()
        shown = known[offset : offset + (PAGE_DEFAULT if limit is None else limit)]
        return {"Total": len(known), "Users": [_older(each) for each in shown]}

    async def _rename_older(self, body: Body) -> dict[str, Any]:
        uid = fields.text(body, "Uuid")
        names = {"Name": body.get("Username"), "Password": body.get("Password")}
        await self._changed(uid, names)
        return {}

    async def _switch_older(self, body: Body) -> dict[str, Any]:
        self._auth.users.block(fields.text(body, "UUId"), blocked=_blocked(body, "Status"))
        return {}

    async def _delete_older(self, body: Body) -> dict[str, Any]:
        for uid in _uids(body, "UserList"):
            self._auth.remove(uid)
        return {}

    async def _create(self, body: Body) -> dict[str, Any]:
        fields.text(body, "Name")
        return {"Data": {"Uid": (await self._made(body)).uid}}

    async def _list(self, body: Body) -> dict[str, Any]:
        size = fields.count(body, "PageSize") or PAGE_DEFAULT
        start = ((fields.count(body, "PageNo") or 1) - 1) * size
        wanted = set(_uids(body, "UidList")) if body.get("UidList") is not None else None
        told = [_later(each) for each in self._auth.users.all()]
        names = ("Name", "NickName", "Phone", "Email")
        found = [
            each
            for each in told
            if (wanted is None or each["Uid"] in wanted)
            and all(fields.optional_text(body, name) in each[name] for name in names)
        ]
        return {"Data": {"Total": len(found), "UserList": found[start : start + size]}}

    async def _modify(self, body: Body) -> dict[str, Any]:
        await self._changed(fields.text(body, "Uid"), body)
        return {"Data": {"Success": True}}

    async def _delete(self, body: Body) -> dict[str, Any]:
        uids = _uids(body, "Uids")
        done = 0
        for uid in uids:
            if self._auth.users.find(uid) is not None:
                self._auth.remove(uid)
                done += 1
        return {"Data": {"SuccessCount": done, "FailedCount": len(uids) - done}}

    async def _made(self, body: Body) -> User:
        """Make a user; nothing is kept when a field is wrong."""
        identities = _identities(body)
        for kind, text in identities.items():
            self._auth.require_free(kind, text)
        user = self._auth.users.create(identities, uid=fields.optional_text(body, "Uid"))
        try:
            return await self._changed(user.uid, {**body, "Name": None})
        except BaseException:
            self._auth.remove(user.uid)
            raise

    async def _changed(self, uid: str, body: Body) -> User:
        users = self._auth.users
        if users.find(uid) is None:
            raise UserNotFound(f"there is no user {uid:.60}")
        identities, password = _identities(body), fields.optional_text(body, "Password")
        profile = {ours: fields.optional_text(body, name) for name, ours in _PROFILE}
        if identities:
            users.identify(uid, identities)
        if any(profile.values()):
            users.describe(uid, {name: text for name, text in profile.items() if text})
        if password:
            await self._auth.change_password(uid, password)
        if body.get("UserStatus") is not None:
            users.block(uid, blocked=_blocked(body, "UserStatus"))
        return users.get(uid)


def _identities(body: Body) -> dict[IdentityKind, str]:
    said = ((kind, fields.optional_text(body, name)) for name, kind in _IDENTITIES)
    return {kind: text for kind, text in said if text}


def _blocked(body: Body, name: str) -> bool:
    said = fields.text(body, name)
    if said not in _STATUSES:
        raise InvalidParam(f"{name} must be one of {', '.join(_STATUSES)}, not {said:.40}")
    return _STATUSES[said]


def _uids(body: Body, name: str) -> list[str]:
    given = fields.items(body, name)
    uids = [each for each in given if type(each) is str]
    if len(uids) != len(given):
        raise fields.wrong(name, given, "an array of strings")
    return uids


def _older(user: User) -> dict[str, Any]:
    return {
        "UUId": user.uid,
        "UserName": user.identity("username"),
        "WXOpenId": user.identity("openid"),
        "QQOpenId": "",
        "Phone": user.identity("phone"),
        "Email": user.identity("email"),
        "NickName": user.profile.get("name", ""),
        "Gender": user.profile.get("gender", ""),
        "AvatarUrl": user.profile.get("picture", ""),
        "Country": user.profile.get("country", ""),
        "Province": user.profile.get("province", ""),
        "City": user.profile.get("city", ""),
        "IsAnonymous": user.is_anonymous,
        "IsDisabled": user.blocked,
        "HasPassword": bool(user.password),
        "CreateTime": _moment(user.created_ms),
        "UpdateTime": _moment(user.updated_ms),
    }


def _later(user: User) -> dict[str, Any]:
    return {
        "Uid": user.uid,
        "Name": user.identity("username"),
        "Type": "externalUser",
        "UserStatus": "BLOCKED" if user.blocked else "ACTIVE",
        "NickName": user.profile.get("name", ""),
        "Phone": user.identity("phone"),
        "Email": user.identity("email"),
        "AvatarUrl": user.profile.get("picture", ""),
    }


def _moment(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, tz=_CHINA):%Y-%m-%d %H:%M:%S}"
