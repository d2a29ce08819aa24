"""Uploads and downloads of 1 KB to 1 GB beside bare aiohttp, and what memory they take.

The storage endpoints, a sink that throws bytes away, one that writes them to a file and
`web.FileResponse` run in one server process; a client with a plain socket asks ours and the peer in
turns, so that the ratio of the two rates survives a busy machine. What the file costs shows between
the two sinks: an upload can come close to the second one only.

    python benchmarks/files.py
    python benchmarks/files.py --full --json
"""

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

HERE = Path(__file__).parent
# Run as a script, this folder comes first on the path, where `http.py` hides Python's own.
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != HERE.resolve()]

from aiohttp import web  # noqa: E402  # the path had to be mended first

from emulator.ambient import SystemClock, SystemIds  # noqa: E402  # as above
from emulator.services.storage import Storage  # noqa: E402  # as above
from emulator.services.tickets import Tickets  # noqa: E402  # as above
from emulator.stores.disk import DiskBlobStore  # noqa: E402  # as above
from emulator.wire.storage import routes  # noqa: E402  # as above

Row = tuple[str, float, str, str, float | None]
KEY = "benchmark"
PIECE = os.urandom(1024 * 1024)
SIZES = {
    "1 KB": (1024, 300, 7),
    "1 MB": (1024 * 1024, 20, 11),
    "100 MB": (100 * 1024 * 1024, 1, 15),
}
"""Bytes of a file, how often it goes in a round, and how many rounds there are."""
LARGE = {"1 GB": (1024 * 1024 * 1024, 1, 3)}
"""Only in a full run."""
BOUNDARY = "--------------------------123456789012345678901234"


def rows(*, full: bool = False) -> Iterator[Row]:
    sizes = {**SIZES, **LARGE} if full else SIZES
    with tempfile.TemporaryDirectory() as folder, server(Path(folder), sizes) as (port, pid):
        client = Client(port)
        with closing(client):
            before_mb = resident_mb(pid)
            for label, (size, _, _) in sizes.items():
                name = f"file-{size}"
                put, form, bare = client.put(name, size), client.form(name, size), client.bare(name)
                sink, written = client.sink("sink", size), client.sink("file", size)
                yield from compared("put", label, put, sink, "aiohttp sink")
                yield from compared("put", label, put, written, "aiohttp sink into a file")
                yield from compared("form", label, form, sink, "aiohttp sink")
                yield from compared("form", label, form, written, "aiohttp sink into a file")
                yield from compared("get", label, client.download(name), bare, "FileResponse")
            after_mb = resident_mb(pid)
    if before_mb and after_mb:
        yield ("resident memory after all of it", after_mb, "MB", "", None)
        yield ("growth of resident memory", after_mb - before_mb, "MB", "", None)


def compared(
    what: str, label: str, ours: Callable[[], None], bare: Callable[[], None], peer: str
) -> Iterator[Row]:
    """Yield the rate of ours; the ratio is that of the medians of rounds taken in turns."""
    size, times, rounds = {**SIZES, **LARGE}[label]
    ours_s, bare_s = [], []
    seconds(ours, 1)
    for _ in range(rounds):
        ours_s.append(seconds(ours, times))
        bare_s.append(seconds(bare, times))
    mine, theirs = statistics.median(ours_s), statistics.median(bare_s)
    figure, unit = (1 / mine, "files/s") if size < len(PIECE) else (size / mine / 1e6, "MB/s")
    yield (f"{what} {label}", figure, unit, peer, theirs / mine)


def seconds(call: Callable[[], None], times: int) -> float:
    """Return how long one call takes, the middle one of so many."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


class Client:
    """One keep-alive connection that sends from memory and throws away what it receives."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._tickets = Tickets(KEY, SystemClock())
        self._buffer = bytearray(1024 * 1024)

    def close(self) -> None:
        self._socket.close()

    def put(self, name: str, size: int) -> Callable[[], None]:
        ticket = self._tickets.sign("upload", name, lifetime_s=3600)
        head = (
            f"PUT /_storage/upload HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n"
            f"x-cos-security-token: {ticket}\r\nkey: {name}\r\n\r\n"
        )
        return lambda: self._ask(head.encode(), size)

    def form(self, name: str, size: int) -> Callable[[], None]:
        ticket = self._tickets.sign("upload", name, lifetime_s=3600)
        fields = {"Signature": "q-sign", "x-cos-security-token": ticket, "key": name}
        before = "".join(
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
            for field, value in fields.items()
        )
        before += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"\r\n\r\n'
        after = f"\r\n--{BOUNDARY}--\r\n"
        head = (
            f"POST /_storage/upload HTTP/1.1\r\nHost: x\r\n"
            f"Content-Length: {len(before) + size + len(after)}\r\n"
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n{before}"
        )
        return lambda: self._ask(head.encode(), size, after.encode())

    def sink(self, path: str, size: int) -> Callable[[], None]:
        head = f"PUT /{path} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n"
        return lambda: self._ask(head.encode(), size)

    def download(self, name: str) -> Callable[[], None]:
        ticket = self._tickets.sign("download", name, lifetime_s=3600)
        head = f"GET /_storage/file/{ticket}/{name} HTTP/1.1\r\nHost: x\r\n\r\n"
        return lambda: self._ask(head.encode())

    def bare(self, name: str) -> Callable[[], None]:
        head = f"GET /bare/{name} HTTP/1.1\r\nHost: x\r\n\r\n"
        return lambda: self._ask(head.encode())

    def _ask(self, head: bytes, size: int = 0, after: bytes = b"") -> None:
        if len(head) + size < len(PIECE):
            self._socket.sendall(head + PIECE[:size] + after)
        else:
            self._socket.sendall(head)
            for _ in range(size // len(PIECE)):
                self._socket.sendall(PIECE)
            self._socket.sendall(after)
        self._take_answer()

    def _take_answer(self) -> None:
        received = b""
        while b"\r\n\r\n" not in received:
            piece = self._socket.recv(65536)
            if not piece:
                raise ConnectionError("the server hung up")
            received += piece
        head, _, body = received.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 2"):
            raise ConnectionError(received.decode("utf-8", "replace"))
        left = content_length(head) - len(body)
        while left > 0:
            left -= self._socket.recv_into(self._buffer, min(left, len(self._buffer)))


def content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


@contextmanager
def server(folder: Path, sizes: Mapping[str, tuple[int, int, int]]) -> Iterator[tuple[int, int]]:
    """Run this file's server in a process of its own; yield its port and process id."""
    for size, _, _ in sizes.values():
        with (folder / f"file-{size}").open("wb") as file:
            for _ in range(max(1, size // len(PIECE))):
                file.write(PIECE[:size])
    command = [sys.executable, str(Path(__file__).resolve()), "--serve", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline()), process.pid
        finally:
            process.terminate()


async def serve(folder: Path) -> None:
    clock = SystemClock()
    storage = Storage(
        DiskBlobStore(folder / "blobs", clock),
        Tickets(KEY, clock),
        clock=clock,
        ids=SystemIds(),
        env_id="benchmark",
        bucket="benchmark",
        site_url=lambda _: "",
        publish=lambda file: None,
    )

    async def sink(request: web.Request) -> web.Response:
        async for _ in request.content.iter_any():
            pass
        return web.Response()

    async def file(request: web.Request) -> web.Response:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as target:
            async for chunk in request.content.iter_any():
                target.write(chunk)
        return web.Response()

    async def bare(request: web.Request) -> web.FileResponse:
        return web.FileResponse(folder / request.match_info["name"])

    app = web.Application()
    app.add_routes([*routes(storage), web.put("/sink", sink), web.put("/file", file)])
    app.add_routes([web.get("/bare/{name}", bare)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    listening = socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, listening).start()
    print(listening.getsockname()[1], flush=True)
    await asyncio.Event().wait()


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process where the system tells, else 0."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--full", action="store_true", help="files of 1 GB too")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        asyncio.run(serve(chosen.serve))
        return
    measured = list(rows(full=chosen.full))
    if chosen.json:
        names = ("name", "figure", "unit", "peer", "ratio")
        print(json.dumps([dict(zip(names, row, strict=True)) for row in measured]))
        return
    for name, figure, unit, peer, ratio in measured:
        compared_to = "" if ratio is None else f"{ratio:8.2f} x {peer}"
        print(f"{name:<36} {figure:>12,.1f} {unit:<8} {compared_to}")


if __name__ == "__main__":
    main()
