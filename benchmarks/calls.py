"""Owns the comparison of the suite's HTTP calls with bare aiohttp, on this machine, in one run.

Not here: absolute goals, which mean nothing on a shared machine. The one idea: a JSON echo, a
thread-pool echo and the suite run side by side, each in its own process, and a small load client
in yet another one drives them in turns (A B A B), so that whatever disturbs one disturbs all.

    python benchmarks/calls.py
    python benchmarks/calls.py --seconds 3 --rounds 7 --json
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

WARM_UP_REQUESTS = 600
CONTENT_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
EVENT = {"action": "ping", "user": {"name": "alice", "age": 30}, "tags": ["a", "b", "c"], "n": 12}
DOCUMENT = {
    "_openid": "oUser-0000000000000000000001",
    "title": "a row of an orders collection",
    "status": "paid",
    "price": 129.5,
    "count": 3,
    "city": "Shenzhen",
    "tags": ["new", "gift", "fast"],
    "buyer": {"name": "alice", "level": 4, "phone": "13800000000"},
    "note": "leave it at the door, please; ring twice",
    "paid": True,
    "coupon": None,
    "created": {"$date": {"$numberLong": "1700000000123"}},
}
FUNCTIONS = {
    "noop_async": "async def main(event, context):\n    return event\n",
    "noop_sync": "def main(event, context):\n    return event\n",
}


# The load client ---------------------------------------------------------------------------------


class Connection(asyncio.Protocol):
    """One keep-alive connection that always has one request under way."""

    def __init__(self, load: "Load") -> None:
        self.load = load
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.send()

    def send(self) -> None:
        self.started_s = time.perf_counter()
        self.transport.write(self.load.next_request())

    def data_received(self, data: bytes) -> None:
        buffer = self.buffer = self.buffer + data if self.buffer else data
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        length = CONTENT_LENGTH.search(buffer, 0, end)
        if length is None:
            # In chunks; the last one is empty.
            if not buffer.endswith(b"0\r\n\r\n"):
                return
        elif len(buffer) < end + 4 + int(length[1]):
            return
        self.buffer = b""
        if self.load.answered(buffer, end, time.perf_counter() - self.started_s):
            self.send()

    def connection_lost(self, _error: Exception | None) -> None:
        self.load.fail("the server closed a connection")


class Load:
    """A number of connections for a number of seconds."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        parts = urlsplit(plan["url"])
        self.host, self.port = parts.hostname, parts.port
        extra = "".join(f"{name}: {value}\r\n" for name, value in plan.get("headers", {}).items())
        paths = plan.get("paths") or [parts.path]
        # As many requests as there are bodies or paths, whichever are more.
        count = max(len(paths), len(plan["bodies"]))
        self.requests = [
            (
                f"{plan.get('method', 'POST')} {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n{extra}"
                f"Content-Type: application/json\r\nContent-Length: {len(body.encode())}\r\n\r\n"
            ).encode()
            + body.encode()
            for path, body in (
                (paths[place % len(paths)], plan["bodies"][place % len(plan["bodies"])])
                for place in range(count)
            )
        ]
        self.latencies_s: list[float] = []
        self.errors = 0
        self.sent = 0

    def next_request(self) -> bytes:
        self.sent += 1
        return self.requests[self.sent % len(self.requests)]

    def answered(self, answer: bytes, end: int, latency_s: float) -> bool:
        self.latencies_s.append(latency_s)
        if not answer.startswith(b"HTTP/1.1 200") or answer.startswith(b'{"code"', end + 4):
            self.errors += 1
            if self.errors == 1:
                print(answer[:600], file=sys.stderr)
        if "requests" in self.plan:
            going_on = self.sent < self.plan["requests"]
        else:
            going_on = time.perf_counter() < self.end_s
        if not going_on and not self.done.done():
            self.done.set_result(None)
        return going_on

    def fail(self, why: str) -> None:
        if not self.done.done():
            self.done.set_exception(RuntimeError(why))

    async def run(self) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        self.done = loop.create_future()
        began_s = time.perf_counter()
        self.end_s = began_s + self.plan.get("seconds", 0)
        for _ in range(self.plan["connections"]):
            await loop.create_connection(lambda: Connection(self), self.host, self.port)
        await self.done
        latencies = sorted(self.latencies_s)
        return {
            "requests": len(latencies),
            "seconds": time.perf_counter() - began_s,
            "errors": self.errors,
            "p50_us": round(latencies[len(latencies) // 2] * 1e6),
            "p99_us": round(latencies[len(latencies) * 99 // 100] * 1e6),
        }


def run_load(plan: dict[str, Any]) -> dict[str, Any]:
    """Return what a load client in a process of its own saw."""
    done = subprocess.run(
        [sys.executable, __file__, "--role", "load"],
        input=json.dumps(plan),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.stderr:
        print(done.stderr, file=sys.stderr)
    done.check_returncode()
    report: dict[str, Any] = json.loads(done.stdout)
    return report


# The yardsticks ----------------------------------------------------------------------------------


def serve_yardstick(role: str) -> None:
    """Serve a bare aiohttp echo until killed: `echo`, `echo_stdlib` or `pool`."""
    from concurrent.futures import ThreadPoolExecutor

    import orjson
    from aiohttp import web

    pool = ThreadPoolExecutor(8)

    async def echo(request: web.Request) -> web.Response:
        data = orjson.loads(await request.read())
        return web.Response(body=orjson.dumps(data), content_type="application/json")

    async def echo_stdlib(request: web.Request) -> web.Response:
        return web.json_response(await request.json())

    def same(data: Any) -> Any:
        return data

    async def pooled(request: web.Request) -> web.Response:
        data = orjson.loads(await request.read())
        data = await asyncio.get_running_loop().run_in_executor(pool, same, data)
        return web.Response(body=orjson.dumps(data), content_type="application/json")

    async def main() -> None:
        app = web.Application()
        handlers = {"echo": echo, "echo_stdlib": echo_stdlib, "pool": pooled}
        app.router.add_post("/echo", handlers[role])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        print(json.dumps({"event": "ready", "url": f"http://127.0.0.1:{port}/echo"}), flush=True)
        await asyncio.Event().wait()

    asyncio.run(main())


@dataclass
class Server:
    """A process that serves, and what its first line said."""

    process: subprocess.Popen[str]
    ready: dict[str, Any]

    def cpu_s(self) -> float | None:
        """Return processor seconds so far, None where the system does not tell."""
        return process_cpu_s(self.process.pid)


def process_cpu_s(pid: int) -> float | None:
    stat = Path(f"/proc/{pid}/stat")
    if stat.exists():
        fields = stat.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    if os.name != "posix":
        return None
    told = subprocess.run(["ps", "-o", "time=", "-p", str(pid)], capture_output=True, text=True)
    parts = told.stdout.strip().replace("-", ":").split(":")
    scale = (1.0, 60.0, 3600.0, 86400.0)
    try:
        return sum(float(part) * by for part, by in zip(reversed(parts), scale, strict=False))
    except ValueError:
        return None


@contextlib.contextmanager
def started(command: list[str]) -> Iterator[Server]:
    """Start a server and wait for the JSON line that says it is ready."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        ready = None
        for line in process.stdout:
            if line.startswith("{") and json.loads(line).get("event") == "ready":
                ready = json.loads(line)
                break
        if ready is None:
            raise SystemExit(f"{command} ended without a ready line")
        yield Server(process, ready)
    finally:
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()


# The comparison ----------------------------------------------------------------------------------


@dataclass
class Row:
    """One kind of call on one server, and what the rounds measured."""

    name: str
    server: Server
    url: str
    bodies: list[str]
    rates: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    p50_us: list[float] = field(default_factory=list)
    errors: int = 0

    def measure(self, *, connections: int, seconds: float) -> None:
        plan = {"url": self.url, "bodies": self.bodies, "connections": connections}
        before_s = self.server.cpu_s()
        report = run_load({**plan, "seconds": seconds})
        after_s = self.server.cpu_s()
        self.rates.append(report["requests"] / report["seconds"])
        self.p50_us.append(report["p50_us"])
        self.errors += report["errors"]
        if before_s is not None and after_s is not None:
            self.cpu_us.append((after_s - before_s) / report["requests"] * 1e6)

    def warm_up(self) -> None:
        run_load(
            {
                "url": self.url,
                "bodies": self.bodies,
                "connections": 4,
                "requests": WARM_UP_REQUESTS,
            }
        )


def admin(action: str, **fields: Any) -> str:
    return json.dumps({"action": action, "envName": "bench-env", "eventId": "0", **fields})


def call(name: str) -> list[str]:
    return [admin("functions.invokeFunction", function_name=name, request_data=json.dumps(EVENT))]


def suite_rows(server: Server) -> list[Row]:
    """Return the calls of the suite, with a collection of 1,000 documents made ready."""
    ready = server.ready
    url = (ready.get("urls") or ready).get("api") or ready["url"]
    url = url.rstrip("/") + "/admin"
    setup = [admin("database.addCollection", collectionName=name) for name in ("in", "out")]
    run_load({"url": url, "bodies": setup, "connections": 1, "requests": 2})
    seed = [
        admin(
            "database.insertDocument",
            collectionName="out",
            data=[json.dumps({"_id": f"d{number}", **DOCUMENT})],
        )
        for number in range(1000)
    ]
    run_load({"url": url, "bodies": seed, "connections": 1, "requests": 1000})
    insert = admin("database.insertDocument", collectionName="in", data=[json.dumps(DOCUMENT)])
    get = [
        admin(
            "database.getDocument",
            collectionName="out",
            queryType="DOC",
            multi=False,
            query=json.dumps({"_id": f"d{number}"}),
        )
        for number in range(1000)
    ]
    return [
        Row("function async", server, url, call("noop_async")),
        Row("function sync", server, url, call("noop_sync")),
        Row("insert", server, url, [insert]),
        Row("get by id", server, url, get),
    ]


def write_project(folder: Path) -> None:
    for name, code in FUNCTIONS.items():
        place = folder / "cloudfunctions" / name
        place.mkdir(parents=True)
        (place / "index.py").write_text(code)


def suite_command(options: argparse.Namespace, project: Path) -> list[str]:
    if options.suite:
        return [*options.suite.split(), str(project)]
    start = [sys.executable, "-m", "emulator", "start", str(project)]
    return [*start, "--json", "--port", "0", "--site-port", "0", "--ephemeral"]


def compare(options: argparse.Namespace) -> list[Row]:
    """Measure every row in turns, round after round."""
    with contextlib.ExitStack() as stack:
        project = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        write_project(project)
        rows = []
        for role in ("echo", "echo_stdlib", "pool"):
            command = [sys.executable, __file__, "--role", role]
            server = stack.enter_context(started(command))
            rows.append(Row(f"aiohttp {role}", server, server.ready["url"], [json.dumps(EVENT)]))
        rows += suite_rows(stack.enter_context(started(suite_command(options, project))))
        for row in rows:
            row.warm_up()
        for _ in range(options.rounds):
            for row in rows:
                row.measure(connections=options.connections, seconds=options.seconds)
    return rows


def figures(rows: list[Row]) -> list[dict[str, Any]]:
    """Return medians, and the ratio to the echo that the row is held against."""
    medians = {row.name: statistics.median(row.rates) for row in rows}
    cpu = {row.name: statistics.median(row.cpu_us) if row.cpu_us else None for row in rows}
    found = []
    for row in rows:
        against = "aiohttp pool" if row.name == "function sync" else "aiohttp echo"
        mine, its = cpu[row.name], cpu[against]
        found.append(
            {
                "name": row.name,
                "requests_per_s": round(medians[row.name]),
                "best_requests_per_s": round(max(row.rates)),
                "cpu_us": None if mine is None else round(mine, 1),
                "p50_us": round(statistics.median(row.p50_us)),
                "errors": row.errors,
                "against": against,
                "ratio": round(medians[row.name] / medians[against], 3),
                "cpu_ratio": round(its / mine, 3) if mine and its else None,
            }
        )
    return found


def show(found: list[dict[str, Any]]) -> None:
    print(
        f"{'':18} {'req/s':>8} {'best':>8} {'CPU us':>8} {'p50 us':>8} {'ratio':>7} {'by CPU':>7}"
    )
    for each in found:
        print(
            f"{each['name']:18} {each['requests_per_s']:8} {each['best_requests_per_s']:8} "
            f"{each['cpu_us'] or '-':>8} {each['p50_us']:8} {each['ratio']:7} "
            f"{each['cpu_ratio'] or '-':>7}"
            + (f"   {each['errors']} errors" if each["errors"] else "")
        )
    print("ratio: requests per second of the row / of its aiohttp echo; by CPU: the same per call")


def rows(*, full: bool = False) -> Iterator[tuple[str, float, str, str, float | None]]:
    """Yield requests per second of each kind of call, beside bare aiohttp."""
    options = argparse.Namespace(
        rounds=7 if full else 4, seconds=2.0, connections=32, suite=None, json=False
    )
    for each in figures(compare(options)):
        peer = None if each["name"].startswith("aiohttp") else each["ratio"]
        yield each["name"], float(each["requests_per_s"]), "requests/s", each["against"], peer


def main() -> None:
    """Run a role, or the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--suite", help="another command that serves the suite; gets the project")
    parser.add_argument("--role", choices=["load", "echo", "echo_stdlib", "pool"])
    options = parser.parse_args()
    if options.role == "load":
        print(json.dumps(asyncio.run(Load(json.load(sys.stdin)).run())))
    elif options.role:
        serve_yardstick(options.role)
    else:
        found = figures(compare(options))
        print(json.dumps(found)) if options.json else show(found)


if __name__ == "__main__":
    main()
