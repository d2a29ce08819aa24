"""A suite that is ended by force in the middle of a call, and what becomes of its processes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

SUITE = """
import asyncio, sys
from pathlib import Path
from emulator.ambient import SystemClock, SystemIds
from emulator.cloud.session import Session
from emulator.functions.base import Invocation
from emulator.functions.bundle import find
from emulator.functions.{module} import {runtime}

def log(level, line):
    print(line, flush=True)

async def main():
    runtime = {runtime}(clock=SystemClock(), ids=SystemIds())
    generation = await runtime.load(find(Path(sys.argv[1]), "fn"))
    session = Session(transport=None, env_id="", wx_context={{}}, request_id="1", log=log)
    await runtime.call(generation, Invocation(
        request_id="1", event=None, context={{}}, variables={{}}, session=session, timeout_s=60,
        log=log,
    ))

asyncio.run(main())
"""


def outlives_its_suite(root: Path, module: str, runtime: str) -> bool:
    """Call the function `fn`, which prints its process first, kill the suite, and look."""
    code = SUITE.format(module=module, runtime=runtime)
    suite = subprocess.Popen([sys.executable, "-c", code, str(root)], stdout=subprocess.PIPE)
    assert suite.stdout is not None
    with suite.stdout as said:
        pid = int(said.readline())
        suite.kill()
        suite.wait()
    for _ in range(500):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        signal.sigtimedwait([], 0.02)
    return True
