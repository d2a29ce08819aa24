"""Measure Node functions: in process beside a thread pool, over HTTP beside functions-framework.

`rows()` yields (name, figure, unit, peer, ratio); each pair is taken in turns within the same run,
so that the ratio survives a busy machine. Rates: above 1 is faster than the peer; times: below 1 is
quicker. The peer `@cloudbase/functions-framework` is installed by npm into a temporary folder (or
into the one that BENCHMARK_NPM_CACHE names, where it stays). `python benchmarks/node.py [--full]`.
"""

import argparse
import asyncio
import importlib.util
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from emulator.ambient import SystemClock, SystemIds
from emulator.cloud.session import Session
from emulator.functions.base import Bundle, FunctionRuntime, Generation, Invocation
from emulator.functions.bundle import find
from emulator.functions.node_process import NodeProcessRuntime
from emulator.functions.python_inline import PythonInlineRuntime

Row = tuple[str, float, str, str, float | None]

HERE = Path(__file__).resolve().parent
PEER = "@cloudbase/functions-framework"
NPM_OPTIONS = ("--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts")
READY_WAIT_S = 30.0
STANDING_S = 2.0
CALLS = 1_500
ROUNDS = 7
ECHO = "exports.main = async (event, context) => event\n"
SDK = "wx-server-sdk"


class NoTransport:
    def submit(self, command: Any) -> Any:
        raise NotImplementedError


def rows(*, full: bool = False) -> Iterator[Row]:
    """Yield what was measured."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        print("benchmark node: needs Node.js and npm on the PATH", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as root:
        packages = install(Path(root))
        yield from asyncio.run(measure_calls(Path(root) / "calls"))
        yield from asyncio.run(measure_starts(Path(root) / "starts", packages, full=full))
        yield from compare(Path(root) / "http", packages, full=full)


def install(root: Path) -> Path:
    """Return the folder of the peer and of the SDK, installed unless they are there."""
    folder = Path(os.environ.get("BENCHMARK_NPM_CACHE") or root / "packages")
    if not (folder / "node_modules" / PEER).is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        npm = str(shutil.which("npm"))
        wanted = (PEER, f"{SDK}@2.6.3")
        subprocess.run([npm, "install", *NPM_OPTIONS, *wanted], cwd=folder, check=True)
    return folder / "node_modules"


# In process --------------------------------------------------------------------------------------


def write(root: Path, name: str, file: str, code: str) -> Bundle:
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(code)
    found = find(root, name)
    assert found is not None
    return found


def caller(runtime: FunctionRuntime, generation: Generation) -> Callable[[], Awaitable[Any]]:
    def drop(level: str, line: str) -> None:
        return

    session = Session(
        transport=NoTransport(), env_id="bench", wx_context={}, request_id="1", log=drop
    )

    async def once() -> None:
        invocation = Invocation(
            request_id="1",
            event={},
            context={},
            variables={},
            session=session,
            timeout_s=30.0,
            log=drop,
        )
        outcome = await runtime.call(generation, invocation)
        assert outcome.failure is None, outcome.failure

    return once


async def microseconds(call: Callable[[], Awaitable[Any]], callers: int) -> float:
    async def one() -> None:
        for _ in range(CALLS // callers):
            await call()

    began_s = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(callers)))
    return (time.perf_counter() - began_s) / CALLS * 1e6


async def measure_calls(root: Path) -> list[Row]:
    node: FunctionRuntime = NodeProcessRuntime(clock=SystemClock(), ids=SystemIds())
    python: FunctionRuntime = PythonInlineRuntime(clock=SystemClock())
    in_node = caller(node, await node.load(write(root, "node", "index.js", ECHO)))
    in_python = caller(
        python,
        await python.load(write(root, "python", "index.py", "async def main(e, c): return e\n")),
    )
    loop = asyncio.get_running_loop()

    async def hop() -> None:
        await loop.run_in_executor(None, dict)

    found: list[Row] = []
    for callers in (1, 32):
        taken: dict[str, list[float]] = {"node": [], "python": [], "hop": []}
        for _ in range(ROUNDS):
            for name, call in (("node", in_node), ("python", in_python), ("hop", hop)):
                taken[name].append(await microseconds(call, callers))
        ours, its, one = (statistics.median(taken[name]) for name in ("node", "python", "hop"))
        what = f"warm call, {callers} callers"
        found.append((what, ours, "us", "a Python call", ours / its))
        if callers == 1:
            over = max(0.0, ours - its)
            found.append((f"{what}: over a Python call", over, "us", "run_in_executor", over / one))
    await node.close()
    await python.close()
    return found


async def measure_starts(root: Path, packages: Path, *, full: bool) -> list[Row]:
    """Measure a first call with the SDK in the function, and a reload, a process standing ready."""
    code = f"const cloud = require({str(packages / SDK)!r})\ncloud.init()\nexports.main = () => 1\n"
    rounds = 15 if full else 7
    firsts, reloads, bare = [], [], []
    for number in range(rounds):
        runtime = NodeProcessRuntime(clock=SystemClock(), ids=SystemIds())
        generation = await runtime.load(write(root, f"first{number}", "index.js", code))
        began_s = time.perf_counter()
        await caller(runtime, generation)()
        firsts.append((time.perf_counter() - began_s) * 1e3)
        for text, times in ((code + "// saved\n", reloads), ("exports.main = () => 1\n", bare)):
            # The process that stands ready is there by the time somebody saves.
            assert runtime._spare is not None
            await runtime._spare
            await asyncio.sleep(STANDING_S)
            bundle = write(root, f"first{number}", "index.js", text)
            began_s = time.perf_counter()
            await caller(runtime, await runtime.load(bundle))()
            times.append((time.perf_counter() - began_s) * 1e3)
        await runtime.close()
    return [
        ("first call after the start", statistics.median(firsts), "ms", "", None),
        (f"reload and call, {SDK} inside", statistics.median(reloads), "ms", "", None),
        ("reload and call, no packages", statistics.median(bare), "ms", "", None),
    ]


# Over HTTP ---------------------------------------------------------------------------------------


def calls_benchmark() -> ModuleType:
    """Return the benchmark of HTTP calls, whose load client and servers are used here."""
    spec = importlib.util.spec_from_file_location("benchmark_calls_for_node", HERE / "calls.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def compare(root: Path, packages: Path, *, full: bool) -> Iterator[Row]:
    """Yield rates and latencies of the same echo on the suite and on functions-framework."""
    http = calls_benchmark()
    project = root / "project"
    write(project / "cloudfunctions", "echo", "index.js", ECHO)
    (project / "cloudfunctions" / "echo" / "config.json").write_text(
        '{"triggers": [{"name": "http", "type": "http", "config": {"path": "/echo"}}]}'
    )
    write(root, "peer", "index.js", ECHO)
    options = argparse.Namespace(suite=None)
    with (
        http.started(http.suite_command(options, project)) as suite,
        peer_of(http, root / "peer", packages) as peer,
    ):
        urls = suite.ready.get("urls") or suite.ready
        body = [http.json.dumps(http.EVENT)]
        servers = [
            http.Row("suite, /admin", suite, urls["api"].rstrip("/") + "/admin", http.call("echo")),
            http.Row("suite, HTTP trigger", suite, urls["site"].rstrip("/") + "/echo", body),
            http.Row(PEER, peer, peer.ready["url"], body),
        ]
        for server in servers:
            server.warm_up()
        for connections in (1, 32):
            inside = [
                asyncio.run(burst(root / "inside", connections)) for _ in range(7 if full else 5)
            ]
            yield from compared(http, servers, connections=connections, rounds=7 if full else 5)
            inside += [
                asyncio.run(burst(root / "inside", connections)) for _ in range(7 if full else 5)
            ]
            its = servers[-1]
            ours_us = statistics.median(inside)
            what = f"inside the suite, {connections} at a time"
            rate = 1e6 / ours_us
            faster = rate / statistics.median(its.rates)
            yield f"{what}: calls", rate, "calls/s", f"{PEER}, its way in", faster
            if connections == 1:
                quicker = ours_us / statistics.median(its.p50_us)
                yield f"{what}: a call", ours_us, "us", f"{PEER}, its way in", quicker


async def burst(root: Path, callers: int) -> float:
    """Return the microseconds of a call that does not come over HTTP: nested ones, triggers."""
    runtime: FunctionRuntime = NodeProcessRuntime(clock=SystemClock(), ids=SystemIds())
    call = caller(runtime, await runtime.load(write(root, "node", "index.js", ECHO)))
    await microseconds(call, callers)
    taken = await microseconds(call, callers)
    await runtime.close()
    return taken


def compared(http: ModuleType, servers: list[Any], *, connections: int, rounds: int) -> list[Row]:
    for server in servers:
        server.rates, server.p50_us = [], []
    for _ in range(rounds):
        for server in servers:
            server.measure(connections=connections, seconds=1.5)
    *ours, its = servers
    found: list[Row] = []
    for server in servers:
        where = f"{server.name}, {connections} connections"
        rate, latency = statistics.median(server.rates), statistics.median(server.p50_us)
        is_ours = server in ours
        peer = PEER if is_ours else ""
        faster = rate / statistics.median(its.rates) if is_ours else None
        quicker = latency / statistics.median(its.p50_us) if is_ours else None
        assert not server.errors, f"{server.errors} errors"
        found.append((f"{where}: requests", rate, "requests/s", peer, faster))
        found.append((f"{where}: half are answered in", latency, "us", peer, quicker))
    return found


class peer_of:  # noqa: N801  # used as a function
    """The peer, started on a free port and seen to answer."""

    def __init__(self, http: ModuleType, folder: Path, packages: Path) -> None:
        self._http = http
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        script = packages / PEER / "bin" / "tcb-ff.js"
        self._command = ["node", str(script), f"--port={self._port}"]
        self._folder = folder

    def __enter__(self) -> Any:
        process = subprocess.Popen(self._command, cwd=self._folder, stdout=subprocess.DEVNULL)
        url = f"http://127.0.0.1:{self._port}/"
        self._process = process
        end_s = time.perf_counter() + READY_WAIT_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=5).close()
                break
            except OSError:
                if time.perf_counter() > end_s:
                    raise
                time.sleep(0.05)
        return self._http.Server(process, {"url": url})

    def __exit__(self, *fault: object) -> None:
        self._process.kill()
        self._process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    for name, figure, unit, peer, ratio in rows(full=parser.parse_args().full):
        compared_with = "" if ratio is None else f"{ratio:8.2f} x {peer}"
        print(f"{name:62} {figure:12.1f} {unit:12} {compared_with}")


if __name__ == "__main__":
    main()
