"""Owns whether a suite asks other machines to be paired, and where paired browsers go on.

Not here: the pairing itself (`wire.pairing`).
"""

from collections.abc import Callable

from emulator.ambient import SystemClock, SystemIds
from emulator.config import Config
from emulator.wire.guard import is_loopback
from emulator.wire.pairing import Pairing


def open_pairing(config: Config, *, site_url: Callable[[], str]) -> Pairing | None:
    """Return the pairing of a suite that the network reaches, None where none is asked for.

    What lets a device in is drawn anew for each run, also where other ids follow from a seed.
    """
    emulator = config.emulator
    if not emulator.pairing or is_loopback(emulator.host):
        return None
    return Pairing(
        bound_host=emulator.host,
        ids=SystemIds(),
        clock=SystemClock(),
        landing=site_url if config.hosting.root is not None else str,
    )
