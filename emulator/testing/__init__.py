"""What tests and tools do with a suite: connect to one that runs, or run one of their own.

from emulator.testing import connect, started

suite = connect()                       # of the project here
suite.clock.advance("30d")

with started("path/of/project") as suite:
    suite.seed({"orders": []})
"""

from emulator.testing.client import Emulator, Refused, connect
from emulator.testing.running import started

__all__ = ["Emulator", "Refused", "connect", "started"]
