"""Owns which session a call belongs to: that of the running invocation, or that of a script.

Not here: how a session's commands travel (`http`, or whatever the runtime bound). The one idea: the
session of an invocation always wins, so `cloud.init()` in a function changes nothing but defaults;
outside, `init(env=..., endpoint=...)` or the variables CLOUD_EMU_URL and TCB_ENV say where to go.
What `init` was told is kept per context (`contextvars`), never in the module: a thread that a
script starts itself reads the variables, says `init` again or runs in `copy_context()`.
"""

import os
import sys
from collections.abc import Mapping
from contextvars import Context, ContextVar
from dataclasses import replace
from enum import Enum
from typing import Final

from emulator.cloud.errors import CloudError
from emulator.cloud.naming import snake_case
from emulator.cloud.session import Session, current_session
from emulator.core.records import dataclass
from emulator.core.values import Value

ENDPOINT_VARIABLE: Final = "CLOUD_EMU_URL"
KEY_VARIABLE: Final = "TENCENTCLOUD_SECRETKEY"
ENV_VARIABLE: Final = "TCB_ENV"


class DynamicEnv(Enum):
    """The type of DYNAMIC_CURRENT_ENV."""

    CURRENT = "DYNAMIC_CURRENT_ENV"


DYNAMIC_CURRENT_ENV: Final = DynamicEnv.CURRENT
"""The environment that the function runs in; the suite has no other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What `init` was told, and the session that came of it outside an invocation."""

    env_id: str = ""
    endpoint: str = ""
    throw_on_not_found: bool = True
    session: Session | None = None


_NOTHING_TOLD: Final = Settings()

_settings: Final[ContextVar[Settings | None]] = ContextVar("cloud_settings", default=None)


def init(env: Value = None, **options: Value) -> None:
    """Say which environment is meant and, outside a function, where the suite is.

    Takes `env` as text, a dict of texts or DYNAMIC_CURRENT_ENV, `endpoint` as the suite's API
    address, and `throw_on_not_found`; all of them also as one dict. What else the JavaScript SDK
    takes means nothing here.

    Raises:
        CloudError: an option is of a wrong type.
    """
    given = {snake_case(str(name)): value for name, value in options.items()}
    if isinstance(env, Mapping):
        given = {snake_case(str(name)): value for name, value in env.items()} | given
    elif env is not None:
        given["env"] = env
    _settings.set(
        Settings(
            env_id=_env_id(given.get("env")),
            endpoint=_endpoint(given.get("endpoint")),
            throw_on_not_found=bool(given.get("throw_on_not_found", True)),
        )
    )


def settings() -> Settings:
    """Return what `init` was told in this context."""
    return _settings.get() or _NOTHING_TOLD


def settings_of(context: Context) -> Settings | None:
    """Return what `init` was told in another context, None when it was not called there."""
    return context.get(_settings)


def take_over(told: Settings) -> None:
    """Go on in this context with what `init` was told in another."""
    _settings.set(told)


def active_session() -> Session:
    """Return the session that a call made here belongs to.

    Raises:
        CloudError: no function runs here and no suite is known.
    """
    session = current_session.get()
    if session is not None:
        return session
    told = settings()
    session = told.session
    if session is None:
        session = _session_of(told)
        _settings.set(replace(told, session=session))
    return session


def _session_of(told: Settings) -> Session:
    endpoint = told.endpoint or os.environ.get(ENDPOINT_VARIABLE, "")
    if not endpoint:
        raise CloudError(
            "no function runs here and no suite is known: call it in a function, or say "
            f'cloud.init(endpoint="http://127.0.0.1:8270"), or set {ENDPOINT_VARIABLE}; in a '
            "thread of your own, run it in contextvars.copy_context()"
        )
    # Here, because functions never need it: an HTTP client takes its time to import.
    from emulator.cloud.http import HttpTransport

    env_id = told.env_id or os.environ.get(ENV_VARIABLE, "")
    return Session(
        transport=HttpTransport(
            endpoint, env_id=env_id, secret_key=os.environ.get(KEY_VARIABLE, "")
        ),
        env_id=env_id,
        wx_context={"ENV": env_id},
        request_id="",
        log=_print,
    )


def _print(level: str, line: str) -> None:
    stream = sys.stderr if level in {"warn", "error"} else sys.stdout
    stream.write(f"{line}\n")


def _env_id(env: Value) -> str:
    if env is None or env is DYNAMIC_CURRENT_ENV:
        return ""
    if isinstance(env, Mapping):
        return _env_id(env.get("database") or env.get("default"))
    if isinstance(env, str):
        return env
    raise CloudError(f"init:fail parameter.env should be str instead of {type(env).__name__}")


def _endpoint(endpoint: Value) -> str:
    if endpoint is None:
        return ""
    if isinstance(endpoint, str) and endpoint.startswith(("http://", "https://")):
        return endpoint
    raise CloudError(
        f"init:fail parameter.endpoint should be an address such as http://127.0.0.1:8270, "
        f"not {endpoint!r:.200}"
    )
