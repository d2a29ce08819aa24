"""Owns the control API's calls about users: test users, sign-ins, the inbox, the login key.

Not here: what they do (`suite.user_control`). The one idea: as in `wire.control`, a handler reads
bounded input, makes one call and answers JSON.
"""

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from aiohttp import web

from emulator.core.errors import InvalidParam
from emulator.wire.control import Handler, guarded
from emulator.wire.control_json import Json, answer, read_body, read_object

BODY_MAX_BYTES: Final = 64 * 1024
NEW_USER_FIELDS: Final = (
    "openid",
    "name",
    "unionid",
    "appid",
    "phone",
    "username",
    "email",
    "password",
)


class ControlledUsers(Protocol):
    """What the control API asks about users."""

    def users(self) -> list[Json]:
        """Return the users, oldest first; one of WeChat's is current."""
        ...

    async def add(self, given: Mapping[str, str]) -> Json:
        """Make a user; raises UserExists or InvalidArgument."""
        ...

    def use(self, openid: str) -> Json:
        """Let a WeChat user be the current one; raises InvalidArgument."""
        ...

    def block(self, uid: str, *, blocked: bool) -> Json:
        """Switch a user off, or on again; raises UserNotFound."""
        ...

    def remove(self, uid: str) -> None:
        """Remove a user; raises UserNotFound."""
        ...

    def sign_in(self, uid: str) -> Json:
        """Return tokens of a user without any proof; raises UserNotFound."""
        ...

    def inbox(self, to: str) -> list[Json]:
        """Return what would have been sent by mail and text message, newest last."""
        ...

    def login_key(self) -> Json:
        """Return what server SDKs sign custom-login tickets with."""
        ...


def routes(users: ControlledUsers) -> list[web.RouteDef]:
    """Return the routes."""
    control = _Control(users)
    table: tuple[tuple[Callable[..., web.RouteDef], str, Handler], ...] = (
        (web.get, "/_emu/users", control.list),
        (web.post, "/_emu/users", control.add),
        (web.post, "/_emu/users/current", control.use),
        (web.patch, "/_emu/users/{uid}", control.change),
        (web.delete, "/_emu/users/{uid}", control.remove),
        (web.post, "/_emu/users/{uid}/tokens", control.sign_in),
        (web.get, "/_emu/inbox", control.inbox),
        (web.get, "/_emu/login-key", control.login_key),
    )
    return [add(path, guarded(handler)) for add, path, handler in table]


class _Control:
    """The handlers over the users of one suite."""

    def __init__(self, users: ControlledUsers) -> None:
        self._users = users

    async def list(self, request: web.Request) -> web.StreamResponse:
        return answer(self._users.users())

    async def add(self, request: web.Request) -> web.StreamResponse:
        given = await _texts(request, NEW_USER_FIELDS)
        return answer(await self._users.add(given))

    async def use(self, request: web.Request) -> web.StreamResponse:
        given = await _texts(request, ("openid",))
        return answer(self._users.use(given.get("openid", "")))

    async def change(self, request: web.Request) -> web.StreamResponse:
        data = read_object(await read_body(request, BODY_MAX_BYTES), known=("blocked",))
        blocked = data.get("blocked")
        if not isinstance(blocked, bool):
            raise InvalidParam("blocked must be true or false")
        return answer(self._users.block(request.match_info["uid"], blocked=blocked))

    async def remove(self, request: web.Request) -> web.StreamResponse:
        uid = request.match_info["uid"]
        self._users.remove(uid)
        return answer({"removed": uid})

    async def sign_in(self, request: web.Request) -> web.StreamResponse:
        return answer(self._users.sign_in(request.match_info["uid"]))

    async def inbox(self, request: web.Request) -> web.StreamResponse:
        return answer(self._users.inbox(request.query.get("to", "")))

    async def login_key(self, request: web.Request) -> web.StreamResponse:
        return answer(self._users.login_key())


async def _texts(request: web.Request, known: tuple[str, ...]) -> dict[str, str]:
    data = read_object(await read_body(request, BODY_MAX_BYTES), known=known)
    for name, value in data.items():
        if not isinstance(value, str):
            raise InvalidParam(f"{name} must be a text")
    return {name: value for name, value in data.items() if value}
