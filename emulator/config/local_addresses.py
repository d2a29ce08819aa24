"""Owns the addresses of services that the project runs itself, in place of what is not emulated.

Not here: the form of the file (`schema.json`). The one idea: nothing leaves this machine, so every
address is one of its own.
"""

import ipaddress
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from emulator.config.layers import TomlFile
from emulator.core.errors import ConfigurationError

SERVICES: Final = (
    *("ai", "aibot", "apis", "model", "rdb", "sql", "storages/bucket", "storages/object"),
)
"""What the gateway has paths for and this emulator does not do."""
_PATH: Final = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)*", re.ASCII)


def services(file: TomlFile) -> Mapping[str, str]:
    """Return the addresses by path below `/v1`.

    Raises:
        ConfigurationError: a path is of no such service, or an address not of this machine.
    """
    given = file.section("services")
    for path, address in given.items():
        place = f"{file.at(('services', path))}: services"
        known = any(f"{path}/".startswith(f"{each}/") for each in SERVICES)
        if not known or not _PATH.fullmatch(path):
            raise ConfigurationError(
                f'{place}: "{path}" is none that can be passed on',
                hint=f"a path that begins with one of {', '.join(SERVICES)}",
            )
        if not is_here(address):
            raise ConfigurationError(
                f'{place}.{path}: "{address}" is not on this machine, and nothing leaves it',
                hint='an address such as "http://127.0.0.1:11434"',
            )
    return MappingProxyType(dict(given))


def is_here(url: str) -> bool:
    """Tell whether an address is of this machine by its looks; no name is looked up."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.scheme != "http" or parts.username is not None:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
