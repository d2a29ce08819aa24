"""Owns the environment variables of Node code: of the process, and of each invocation.

Not here: what the project sets (`bundle_config`) and the suite's own addresses. The one idea: the
SDKs ask `process.env` at every call who is calling and where the cloud is, so that identity is a
handful of variables, set before each invocation of a process that runs one at a time.
"""

import os
from collections.abc import Mapping
from typing import Final

from emulator.functions.base import Invocation

WX_CONTEXT_KEYS: Final = (
    "WX_CLIENTIP,WX_CLIENTIPV6,WX_APPID,WX_OPENID,WX_UNIONID,WX_FROM_APPID,WX_FROM_OPENID,"
    "WX_FROM_UNIONID,WX_API_TOKEN,WX_CLOUDBASE_ACCESSTOKEN"
)
"""Names that `getWXContext()` looks at, those that are set; the platform's own list."""

_LOCAL: Final = "127.0.0.1,localhost,::1"
_OURS: Final = frozenset({"NODE_OPTIONS", "NODE_PATH", "NODE_CHANNEL_FD", "NODE_UNIQUE_ID"})
"""Variables of the shell that would change every worker: how it starts and what it loads."""


def process_variables() -> dict[str, str]:
    """Return what a worker inherits: the machine's own, in the platform's time zone.

    A proxy must not stand between two programs of one machine.
    """
    inherited = {name: value for name, value in os.environ.items() if name.upper() not in _OURS}
    for name in ("NO_PROXY", "no_proxy"):
        inherited[name] = ",".join(filter(None, (inherited.get(name), _LOCAL)))
    return {**inherited, "TZ": "UTC"}


def identity_variables(invocation: Invocation) -> dict[str, str]:
    """Return the variables of one run beside the function's own: who calls, and on which way.

    The token is the request's id: with it the SDK's own requests are known as this invocation's.
    """
    request_id = invocation.request_id
    known = invocation.session.wx_context
    source = _text(known, "SOURCE")
    found = {
        "WX_CONTEXT_KEYS": WX_CONTEXT_KEYS,
        "WX_API_TOKEN": request_id,
        "TCB_SESSIONTOKEN": request_id,
    }
    for name in ("OPENID", "APPID", "UNIONID", "FROM_OPENID", "FROM_APPID", "FROM_UNIONID"):
        text = _text(known, name)
        if text:
            found[f"WX_{name}"] = text
    for name in ("TCB_UUID", "TCB_CUSTOM_USER_ID", "TCB_ISANONYMOUS_USER", "LOGINTYPE"):
        if text := _text(known, name):
            found[name] = text
    if source:
        found["TCB_SOURCE"] = source
    if source == "wx_trigger":
        found["TRIGGER_SRC"] = "timer"
        found["WX_TRIGGER_API_TOKEN_V0"] = request_id
    if _text(known, "OPENID"):
        found["WX_CLIENTIP"] = _text(known, "CLIENTIP") or "127.0.0.1"
        found["LOGINTYPE"] = "WECHAT-OPENID"
    return found


def _text(known: Mapping[str, object], name: str) -> str:
    value = known.get(name)
    return value if isinstance(value, str) else ""
