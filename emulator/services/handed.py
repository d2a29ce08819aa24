"""Owns what the code of a function is handed besides its event: variables, context, caller.

Not here: the event (`services.caller` adds to it) and the calls themselves (`services.functions`).
The one idea: what is the same in every call of a function is made once.
"""

from collections.abc import Mapping

from emulator.core.records import dataclass
from emulator.core.values import Value
from emulator.functions.base import Bundle
from emulator.services.caller import Caller, signed_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where functions run: what every one of them may know of its environment."""

    env_id: str
    appid: str
    region: str
    variables: Mapping[str, str]

    def variables_of(self, bundle: Bundle) -> dict[str, str]:
        """Return the environment variables that a function sees."""
        return {**self.variables, **bundle.variables, "SCF_FUNCTIONNAME": bundle.name}


class Handed:
    """What functions that run in one place are handed."""

    def __init__(self, place: Place) -> None:
        self.env_id = place.env_id
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
