"""Owns the environment variables that worker processes inherit from the machine.

Not here: what the project and an invocation add (`node_environment`, `python_worker`). The one
idea: a worker is to behave as in the cloud, whatever the shell says that the suite was started in.
"""

import os
from collections.abc import Collection
from typing import Final

_LOCAL: Final = "127.0.0.1,localhost,::1"


def process_variables(without: Collection[str] = ()) -> dict[str, str]:
    """Return what a worker inherits: the machine's own but for some, in the platform's time zone.

    A proxy must not stand between two programs of one machine.
    """
    inherited = {name: value for name, value in os.environ.items() if name.upper() not in without}
    for name in ("NO_PROXY", "no_proxy"):
        inherited[name] = ",".join(filter(None, (inherited.get(name), _LOCAL)))
    return {**inherited, "TZ": "UTC"}
