"""Owns who asks, and what a function is told of them: privilege is a value, never a flag.

Not here: what a caller may do (`services.access`).
"""

from typing import Literal

from emulator.core.records import dataclass
from emulator.core.values import Value

Kind = Literal["administrator", "user", "anonymous"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, over which chain, and how deep in triggers.

    `source` is the chain that functions see as SOURCE: `wx_client`, `wx_client,scf`, `wx_trigger`,
    `wx_http`. `depth` counts triggers: a call by a trigger whose writer had depth n has n + 1.
    `uid` and `login_type` (ANONYMOUS, EMAIL, CUSTOM, …) are those of people who signed in,
    `custom_id` is what a backend of the project's own knows one of them by.
    """

    kind: Kind
    openid: str = ""
    appid: str = ""
    unionid: str = ""
    uid: str = ""
    login_type: str = ""
    custom_id: str = ""
    source: str = ""
    depth: int = 0
    request_id: str = ""

    @property
    def owner_id(self) -> str:
        """Return what documents and files of this caller are marked with, empty for nobody."""
        return self.openid or self.uid

    def inside_function(self, request_id: str) -> "Caller":
        """Return the caller that code inside an invocation acts as: an administrator.

        Its nested calls lose the user and grow the chain, as the platform's do.
        """
        return Caller(
            kind="administrator",
            appid=self.appid,
            source=f"{self.source},scf" if self.source else "scf",
            depth=self.depth,
            request_id=request_id,
        )


ADMINISTRATOR = Caller(kind="administrator")


def with_user(event: Value, caller: Caller, appid: str) -> Value:
    """Return the event with the `userInfo` that the platform injects into calls.

    A user's call names both ids, a function's call the appid alone; timers, HTTP and calls from
    outside the platform have none.
    """
    if not isinstance(event, dict):
        return event
    if caller.openid:
        event["userInfo"] = {"appId": caller.appid or appid, "openId": caller.openid}
    elif caller.source.endswith("scf"):
        event["userInfo"] = {"appId": caller.appid or appid}
    return event


def signed_in(caller: Caller) -> dict[str, Value]:
    """Return what the platform's variables tell of a user who signed in with a client SDK."""
    if not caller.uid:
        return {}
    return {
        "TCB_UUID": caller.uid,
        "TCB_CUSTOM_USER_ID": caller.custom_id,
        "TCB_ISANONYMOUS_USER": "true" if caller.kind == "anonymous" else "false",
        "LOGINTYPE": caller.login_type,
    }
