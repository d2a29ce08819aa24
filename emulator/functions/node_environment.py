"""Owns the environment variables of Node code beside the machine's: who calls, at each invocation.

Not here: what the project sets (`bundle_config`), what a process inherits (`process_environment`).
The one idea: the SDKs ask `process.env` at every call who is calling and where the cloud is, so
that identity is a handful of variables, set before each invocation of a process that runs one at a
time.
"""

from collections.abc import Mapping
from typing import Final

WX_CONTEXT_KEYS: Final = (
    "WX_CLIENTIP,WX_CLIENTIPV6,WX_APPID,WX_OPENID,WX_UNIONID,WX_FROM_APPID,WX_FROM_OPENID,"
    "WX_FROM_UNIONID,WX_API_TOKEN,WX_CLOUDBASE_ACCESSTOKEN"
)
"""Names that `getWXContext()` looks at, those that are set; the platform's own list."""

_NAMED: Final[Mapping[str, str]] = {
    **{
        name: f"WX_{name}"
        for name in ("OPENID", "APPID", "UNIONID", "FROM_OPENID", "FROM_APPID", "FROM_UNIONID")
    },
    **{
        name: name
        for name in ("TCB_UUID", "TCB_CUSTOM_USER_ID", "TCB_ISANONYMOUS_USER", "LOGINTYPE")
    },
    "SOURCE": "TCB_SOURCE",
}
"""What is known of a caller, and the variable that tells it."""

_TOKENS: Final = ("WX_API_TOKEN", "TCB_SESSIONTOKEN")
_TIMER_TOKENS: Final = (*_TOKENS, "WX_TRIGGER_API_TOKEN_V0")

INHERITED_NOT: Final = frozenset({"NODE_OPTIONS", "NODE_PATH", "NODE_CHANNEL_FD", "NODE_UNIQUE_ID"})
"""Variables of the shell that would change every worker: how it starts and what it loads."""


def identity_variables(known: Mapping[str, object]) -> dict[str, str]:
    """Return the variables of one run beside the function's own: who calls, and on which way."""
    found = {"WX_CONTEXT_KEYS": WX_CONTEXT_KEYS}
    for name, value in known.items():
        variable = _NAMED.get(name)
        if variable is not None and value and isinstance(value, str):
            found[variable] = value
    if found.get("TCB_SOURCE") == "wx_trigger":
        found["TRIGGER_SRC"] = "timer"
    ip = known.get("CLIENTIP")
    address = ip if ip and isinstance(ip, str) else "127.0.0.1"
    if "WX_OPENID" in found:
        found["WX_CLIENTIP"] = address
        found["LOGINTYPE"] = "WECHAT-OPENID"
    if "WX_OPENID" in found or "TCB_UUID" in found or found.get("TCB_SOURCE") == "wx_http":
        found["TCB_SOURCE_IP"] = address
    return found


def token_names(known: Mapping[str, object]) -> tuple[str, ...]:
    """Return the variables that hold the id of the request.

    With it the SDK's own requests are known as those of the run.
    """
    return _TIMER_TOKENS if known.get("SOURCE") == "wx_trigger" else _TOKENS
