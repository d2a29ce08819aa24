"""Owns who asks: privilege is a value that is passed along, never a flag.

Not here: what a caller may do (`services.access`).
"""

from typing import Literal

from emulator.core.records import dataclass

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
