"""Owns what the parts of a suite are told of the suite around them.

Not here: the parts (`suite.assembly`).
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from emulator.ambient import Ids, SuiteClock
from emulator.core.records import dataclass
from emulator.functions.base import Bundle


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What parts are told of the suite around them.

    What holds files is handed to `at_end` as soon as it is open, so that it is closed even when the
    next part cannot be built. `looks` are turns of the loop between an answer and its sleep.
    """

    folder: Path
    clock: SuiteClock
    ids: Ids
    site_url: Callable[[str], str]
    rediscover: Callable[[str], Bundle | None]
    variables: Mapping[str, str]
    at_end: Callable[[Callable[[], Awaitable[None]]], object]
    looks: int


def appid_of(env_id: str) -> str:
    """Return the app id of an environment whose configuration names none; never all digits."""
    return "wx" + hashlib.sha256(env_id.encode()).hexdigest()[:16]
