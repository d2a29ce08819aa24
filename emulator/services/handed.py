"""Owns what the code of a function is handed besides its event: variables, context, caller.

Not here: the event (`services.caller` adds to it) and the calls themselves (`services.functions`).
The one idea: what is the same in every call of a function is made once.
"""

import os
from collections.abc import Mapping
from typing import Final

from emulator.core.records import dataclass
from emulator.core.values import Value
from emulator.functions.base import Bundle
from emulator.services.caller import Caller, signed_in
from emulator.services.file_ids import ACCOUNT

_BUILT_IN: Final[Mapping[str, str]] = {
    "SCF_FUNCTIONVERSION": "$LATEST",
    "TENCENTCLOUD_APPID": ACCOUNT,
    "TENCENTCLOUD_UIN": "100000000000",
    "TENCENTCLOUD_TZ": "UTC",
    "TENCENTCLOUD_SESSIONTOKEN": "cloud-emu-local-session-token",
    "_SCF_SERVER_PORT": "28902",
}
"""What the platform sets beside what a program outside is told.

https://cloud.tencent.com/document/product/583/32748
"""
_SECRET: Final = "TENCENTCLOUD_SECRETID"
_SESSION_TOKEN: Final = "TENCENTCLOUD_SESSIONTOKEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where functions run: what every one of them may know of its environment."""

    env_id: str
    appid: str
    region: str
    variables: Mapping[str, str]
    is_strict: bool = False

    def variables_of(self, bundle: Bundle) -> dict[str, str]:
        """Return the environment variables that a function sees.

        A key of the project's own goes without our token: with it the real cloud would refuse it.
        """
        known = {
            **_BUILT_IN,
            "USER_CODE_ROOT": f"{bundle.folder}{os.sep}",
            **self.variables,
            **bundle.variables,
            "SCF_FUNCTIONNAME": bundle.name,
        }
        if _SECRET in bundle.variables and _SESSION_TOKEN not in bundle.variables:
            del known[_SESSION_TOKEN]
        return known


class Handed:
    """What functions that run in one place are handed."""

    def __init__(self, place: Place) -> None:
        self.env_id = place.env_id
        self.is_strict = place.is_strict
        self._place = place
        # Of functions, by name, the last bundle that was called and its context without an id.
        self._contexts: dict[str, tuple[Bundle, dict[str, Value]]] = {}

    def context(self, bundle: Bundle, request_id: str) -> dict[str, Value]:
        """Return the second argument of a handler, as the platform fills it."""
        known = self._contexts.get(bundle.name)
        if known is None or known[0] is not bundle:
            known = self._contexts[bundle.name] = (bundle, self._context(bundle))
        context = known[1].copy()
        context["request_id"] = request_id
        return context

    def wx_context(self, caller: Caller) -> dict[str, Value]:
        """Return what `getWXContext()` answers."""
        return {
            "OPENID": caller.openid,
            "APPID": caller.appid or self._place.appid,
            "UNIONID": caller.unionid,
            "ENV": self.env_id,
            "SOURCE": caller.source,
            **signed_in(caller),
        }

    def _context(self, bundle: Bundle) -> dict[str, Value]:
        return {
            "request_id": "",
            "function_name": bundle.name,
            "function_version": "$LATEST",
            "namespace": self.env_id,
            "memory_limit_in_mb": bundle.memory_mb,
            "time_limit_in_ms": round(bundle.timeout_s * 1000),
            "tencentcloud_region": self._place.region,
        }
