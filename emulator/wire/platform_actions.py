"""Owns the smaller actions of the server SDKs: copies, authority, users, reports, signatures.

Not here: actions that are commands (`wire.actions`). The one idea: what this version has no service
for is answered as an environment answers that never used it, or refused with a code and a reason.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

import orjson

from emulator.core.commands import FileOutcome
from emulator.core.errors import EmulatorError, InvalidParam
from emulator.core.openapi import OpenApiAnswer
from emulator.core.values import Value
from emulator.services.caller import Caller
from emulator.services.openapi.outbox import Outbox
from emulator.services.users import User
from emulator.wire import envelope, fields
from emulator.wire.exchange import Binary
from emulator.wire.fields import Body
from emulator.wire.watch_messages import socket_ticket

Run = Callable[[Body, Caller, str], Awaitable[bytes | Binary]]

COPIES_MAX: Final = 50
_NOT_ENABLED: Final = {
    "wx.wxCallContainerApi": "containers are called by HTTP, not by this action",
    "ai.invokeAI": "AI services are not emulated",
}
_USER: Final[dict[str, Any]] = {
    "openId": "",
    "appId": "",
    "customUserId": "",
    "isAnonymous": False,
    "nickName": "",
    "gender": "UNKNOWN",
    "country": "",
    "province": "",
    "city": "",
    "avatarUrl": "",
    "email": "",
    "hasPassword": False,
    "username": "",
}


class NotEnabled(EmulatorError):
    """The environment has no such resource."""

    code = "RESOURCE_NOT_INITIAL"


class Copies(Protocol):
    """Whatever copies files and knows who may read them."""

    async def copy(
        self, *, source: str, target: str, overwrite: bool, remove_original: bool, caller: Caller
    ) -> FileOutcome:
        """Copy a file from path to path."""
        ...

    def file_id(self, cloud_path: str) -> str:
        """Return the file id of a path."""
        ...

    def may_read(self, cloud_path: str, caller: Caller) -> bool:
        """Tell whether a caller may read a file; raises InvalidName."""
        ...


class PlatformActions:
    """The actions of one suite."""

    def __init__(
        self,
        storage: Copies,
        outbox: Outbox,
        *,
        env_id: str,
        find_user: Callable[[str], User | None],
        sign_socket: Callable[[], str],
        api_url: Callable[[], str],
    ) -> None:
        self._sign_socket = sign_socket
        self._api_url = api_url
        self._find_user = find_user
        self._storage = storage
        self._outbox = outbox
        self._env_id = env_id

    def table(self) -> dict[str, Run]:
        """Return the actions by name."""
        return {
            "storage.batchCopyFile": self._copy,
            "storage.getFileAuthority": self._authority,
            "auth.getUserInfoForAdmin": self._user,
            "auth.wsWebSign": self._socket,
            "analytics.report": self._report,
            **{name: _refusing(name, why) for name, why in _NOT_ENABLED.items()},
        }

    def stand_ins(self) -> dict[str, Callable[[Value, str], bytes]]:
        """Return the platform's own functions that SDKs call, by name."""
        return {"lowcode-datasource": self._lowcode}

    def _lowcode(self, event: Value, request_id: str) -> bytes:
        """Answer node-sdk 3's sendTemplateNotification; its data models are not enabled."""
        asked = event.get("params") if isinstance(event, dict) else None
        action = asked.get("action") if isinstance(asked, dict) else None
        if not isinstance(asked, dict) or action != "PushNotifyMsg":
            raise NotEnabled(f"{action!s:.60}: data models and SQL are not enabled")
        told = OpenApiAnswer(data={"code": "", "requestId": request_id})
        data = asked.get("data")
        sent = data if isinstance(data, dict) else {}
        self._outbox.record("sendTemplateNotification", sent, told, request_id)
        return orjson.dumps({"response_data": orjson.dumps(told.data).decode()})

    async def _copy(self, body: Body, caller: Caller, request_id: str) -> bytes:
        files = fields.items(body, "file_list")
        if len(files) > COPIES_MAX:
            raise InvalidParam(f"{len(files)} files in one call; {COPIES_MAX} are allowed")
        copied = [await self._copied(each, caller) for each in files]
        return envelope.success(orjson.dumps({"copy_list": copied}), request_id)

    async def _copied(self, given: Any, caller: Caller) -> dict[str, str]:
        if type(given) is not dict:
            raise fields.wrong("file_list", given, "objects with src_path and dst_path")
        target = fields.text(given, "dst_path")
        try:
            outcome = await self._storage.copy(
                source=fields.text(given, "src_path"),
                target=target,
                overwrite=fields.flag(given, "overwrite", default=True),
                remove_original=fields.flag(given, "remove_original", default=False),
                caller=caller,
            )
        except EmulatorError as fault:
            return {"fileId": "", "code": fault.code, "message": fault.message}
        return {"fileId": outcome.file_id, "code": "SUCCESS", "message": ""}

    async def _authority(self, body: Body, caller: Caller, request_id: str) -> bytes:
        """Tell which files the user that is named may read; nobody named is who did not sign in."""
        del caller
        openid = fields.optional_text(body, "openId")
        uid = fields.optional_text(body, "uid")
        user = Caller(
            kind="user" if openid or uid else "anonymous",
            openid=openid,
            uid=uid,
            login_type=fields.optional_text(body, "loginType"),
        )
        told = []
        for each in fields.items(body, "fileList"):
            if type(each) is not dict:
                raise fields.wrong("fileList", each, "objects with path and type")
            path = fields.text(each, "path")
            may = self._storage.may_read(path, user)
            told.append({"path": path, "cosFileId": self._storage.file_id(path), "read": may})
        return envelope.success(orjson.dumps(told), request_id)

    async def _user(self, body: Body, caller: Caller, request_id: str) -> bytes:
        del caller
        uid = fields.optional_text(body, "uuid") or fields.optional_text(body, "platformId")
        if not uid:
            raise InvalidParam("uid or platformId must be given")
        found = self._find_user(uid)
        known = _USER if found is None else _shown(found)
        told = {**known, "uid": uid, "uuid": uid, "envName": self._env_id}
        if found is not None:
            told |= {"uid": found.uid, "uuid": found.uid}
        return envelope.success(orjson.dumps(told), request_id)

    async def _socket(self, body: Body, caller: Caller, request_id: str) -> bytes:
        """Answer where watch() listens, and what says there that an administrator does."""
        del body, caller
        url = self._api_url()
        told = socket_ticket(self._sign_socket(), url=url, env_id=self._env_id)
        return envelope.success(orjson.dumps(told), request_id)

    async def _report(self, body: Body, caller: Caller, request_id: str) -> bytes:
        del body, caller
        return envelope.success(b"{}", request_id)


def _shown(user: User) -> dict[str, Any]:
    profile = user.profile
    return {
        "openId": user.identity("openid"),
        "appId": user.appid,
        "customUserId": user.identity("custom"),
        "isAnonymous": user.is_anonymous,
        "nickName": profile.get("name", ""),
        "gender": profile.get("gender", "UNKNOWN"),
        "country": profile.get("country", ""),
        "province": profile.get("province", ""),
        "city": profile.get("city", ""),
        "avatarUrl": profile.get("picture", ""),
        "email": user.identity("email"),
        "hasPassword": bool(user.password),
        "username": user.identity("username"),
    }


def _refusing(name: str, why: str) -> Run:
    async def refuse(body: Body, caller: Caller, request_id: str) -> bytes:
        del body, caller, request_id
        raise NotEnabled(f"{name} is not enabled: {why}")

    return refuse
