"""Owns where a request names its environment: its path, the host it was meant for, its body.

Not here: whether that is the environment here (`services.scope`).
"""

import re
from collections.abc import Mapping
from typing import Any, Final

FORWARDED_HOST: Final = "X-Forwarded-Host"
"""Where the redirect of Node programs says which host of the cloud a request was for."""
_PATH: Final = re.compile(r"/e/([^/?]+)/")
_HOST: Final = re.compile(r"([\w-]+)\.api(?:\.intl)?\.tcloudbasegateway\.com", re.ASCII)


def of_path(path: str) -> str:
    """Return the environment of a path such as `/e/ENV/web`, empty when it names none."""
    found = _PATH.match(path)
    return found.group(1) if found else ""


def of_host(headers: Mapping[str, str]) -> str:
    """Return the environment of the gateway's host that a request was for, empty for any other."""
    found = _HOST.match(headers.get(FORWARDED_HOST, ""))
    return found.group(1) if found else ""


def of_body(body: Mapping[str, Any], name: str) -> str:
    """Return the environment in a field; older SDKs send one name for each kind of resource."""
    said = body.get(name)
    if type(said) is dict:
        said = said.get("database") or said.get("default")
    return said if type(said) is str else ""
