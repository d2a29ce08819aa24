"""Owns what a function is told about its caller, and its structured log."""

import json
from typing import Any, Final

from emulator.cloud.errors import CloudError
from emulator.cloud.settings import active_session
from emulator.core.values import Value

_CONTEXT: Final = "getWXContext"


class ContextMissing(CloudError, KeyError):
    """This call has no such information about its caller."""


class WxContext(dict[str, Value]):
    """What is known of the caller; what is not has no key, and says why when asked for."""

    __slots__ = ()

    def __missing__(self, key: str) -> Value:
        """Raise ContextMissing."""
        source = self.get("SOURCE") or "a script"
        raise ContextMissing(
            f"{_CONTEXT}:fail {key} is not known: this call came from {source}, and only calls "
            f"by users carry one; use get({key!r}) where it may be missing"
        )


def get_wx_context() -> WxContext:
    """Return OPENID, APPID, UNIONID, ENV, SOURCE as far as this call has them."""
    known = active_session().wx_context.items()
    return WxContext({key: value for key, value in known if value != ""})


class Logger:
    """Lines in the function's log, one JSON object each: `logger().info({"order": 1})`."""

    __slots__ = ()

    def log(self, entry: Any) -> None:
        """Note an entry."""
        _write("log", entry)

    def info(self, entry: Any) -> None:
        """Note an entry of interest."""
        _write("info", entry)

    def warn(self, entry: Any) -> None:
        """Note an entry that somebody should look at."""
        _write("warn", entry)

    def error(self, entry: Any) -> None:
        """Note an entry that is wrong."""
        _write("error", entry)


def logger() -> Logger:
    """Return the logger of whatever invocation uses it."""
    return Logger()


def _write(level: str, entry: Any) -> None:
    line = entry if isinstance(entry, str) else json.dumps(entry, ensure_ascii=False, default=str)
    active_session().log(level, line)
