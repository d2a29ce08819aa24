"""How long a start takes, in CPU seconds of the process, against importing aiohttp's server.

`rows()` yields (name, figure, unit, peer, ratio). The suite is started over this repository's
examples, keeping nothing, until it says that it is ready. Everything has its compiled bytecode, as
after an installation or a first start.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 5
Row = tuple[str, float, str, str, float | None]


def rows(*, full: bool = False) -> Iterator[Row]:
    del full
    with tempfile.TemporaryDirectory() as bytecode:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        yield from measured(environment)


def measured(environment: dict[str, str]) -> Iterator[Row]:
    imports, starts, helps, resident = [], [], [], []
    start_cpu_s(environment)  # writes the bytecode
    for _ in range(ROUNDS):
        imports.append(cpu_s(environment, sys.executable, "-c", "import aiohttp.web"))
        cpu, rss_mb = start_cpu_s(environment)
        starts.append(cpu)
        resident.append(rss_mb)
        helps.append(cpu_s(environment, sys.executable, "-m", "emulator", "--help"))
    peer = statistics.median(imports)
    yield ("import aiohttp.web", peer, "CPU s", "", None)
    yield (
        "start to ready, examples loaded",
        statistics.median(starts),
        "CPU s",
        "import aiohttp.web",
        statistics.median(starts) / peer,
    )
    yield ("cloud-emu --help", statistics.median(helps), "CPU s", "", None)
    yield ("resident memory when idle", statistics.median(resident), "MB", "", None)


def cpu_s(environment: dict[str, str], *command: str) -> float:
    """Return user and system seconds of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def start_cpu_s(environment: dict[str, str]) -> tuple[float, float]:
    """Return CPU seconds until ready and resident megabytes then."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "emulator", "start", str(ROOT), "--json", "--ephemeral"),
            *("--port", "0", "--site-port", "0"),
        ],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line)["event"] == "ready":
                return _spent(process.pid)
        raise SystemExit("the suite ended before it was ready")
    finally:
        process.terminate()
        process.communicate()


def _spent(pid: int) -> tuple[float, float]:
    """Read the process's own account of itself; Linux only, as are the figures we publish."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = os.sysconf("SC_CLK_TCK")
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return (int(fields[11]) + int(fields[12])) / ticks, pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    for row in rows():
        print(*row)
