"""Files of 1 KB up and down beside PocketBase, in one run.

Not here: documents (`pocketbase.py`) and large files (`files.py`). The one idea: both servers run
at once and are asked in turns over a keep-alive connection each; the ratio is that of the medians.
An upload of ours is what an SDK does: a ticket, then the bytes; PocketBase takes one form.

    python benchmarks/pocketbase_files.py
    python benchmarks/pocketbase_files.py --json
"""

import argparse
import http.client
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

HERE = Path(__file__).parent
Row = tuple[str, float, str, str, float | None]
ROUNDS = 300
CONTENT = os.urandom(1024)
BOUNDARY = "--------------------------123456789012345678901234"


def _peer():
    """Return the module beside this one, wherever this was started from."""
    spec = importlib.util.spec_from_file_location("pocketbase_peer", HERE / "pocketbase.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Client:
    """One keep-alive connection."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc)
        self._connection.connect()

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> bytes:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(method, path, body, names)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {answer.status} {content[:300]!r}")
        return content


class PocketBase:
    """The peer, with a collection of records that hold one file each."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        peer = _peer()
        program = peer._installed(folder)
        data = ("--dir", str(folder / "data"))
        subprocess.run(
            [program, "superuser", "upsert", *peer.LOGIN, *data], check=True, capture_output=True
        )
        port = peer.free_port()
        process = subprocess.Popen(
            [program, "serve", f"--http=127.0.0.1:{port}", *data],
            stdout=subprocess.DEVNULL,
            text=True,
        )
        stack.enter_context(peer.stopped_afterwards(process))
        peer.until_ready(lambda: peer.Client(port).ask("GET", "/api/health"))
        login = {"identity": peer.LOGIN[0], "password": peer.LOGIN[1]}
        token = peer.Client(port).ask(
            "POST", "/api/collections/_superusers/auth-with-password", login
        )["token"]
        peer.Client(port, {"Authorization": token}).ask(
            "POST",
            "/api/collections",
            {
                "name": "files",
                "type": "base",
                "fields": [{"name": "file", "type": "file", "maxSelect": 1, "maxSize": 10**6}],
                **dict.fromkeys(("listRule", "viewRule", "createRule", "updateRule"), ""),
            },
        )
        self._client = Client(f"http://127.0.0.1:{port}")
        self._path = ""

    def up(self) -> None:
        head = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        body = head.encode() + CONTENT + f"\r\n--{BOUNDARY}--\r\n".encode()
        made = json.loads(
            self._client.ask(
                "POST",
                "/api/collections/files/records",
                body,
                Content_Type=f"multipart/form-data; boundary={BOUNDARY}",
            )
        )
        self._path = f"/api/files/files/{made['id']}/{made['file']}"

    def down(self) -> None:
        assert self._client.ask("GET", self._path) == CONTENT


class CloudEmu:
    """The suite."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        (folder / "project").mkdir()
        command = [sys.executable, "-m", "emulator", "start", str(folder / "project"), "--json"]
        process = subprocess.Popen(
            [*command, "--port", "0", "--site-port", "0"], stdout=subprocess.PIPE, text=True
        )
        stack.enter_context(_peer().stopped_afterwards(process))
        ready = next(each for each in map(json.loads, process.stdout) if each["event"] == "ready")
        self._api, self._site = Client(ready["urls"]["api"]), Client(ready["urls"]["site"])
        self._number = 0
        self._path = ""

    def up(self) -> None:
        self._number += 1
        self.bytes_up(self.ticket(f"bench/{self._number}.bin"))

    def ticket(self, path: str) -> str:
        answer = self._admin("storage.getUploadMetadata", path=path)
        self._file_id = answer["fileId"]
        return answer["token"]

    def bytes_up(self, token: str) -> None:
        self._site.ask("PUT", "/_storage/upload", CONTENT, x_cos_security_token=token)

    def locate(self) -> None:
        files = [{"fileid": self._file_id, "max_age": 3600}]
        [told] = self._admin("storage.batchGetDownloadUrl", file_list=files)["download_list"]
        self._path = urlsplit(told["tempFileURL"]).path

    def down(self) -> None:
        assert self._site.ask("GET", self._path) == CONTENT

    def _admin(self, action: str, **fields: object) -> dict:
        body = json.dumps({"action": action, "envName": "b", "eventId": "0", **fields})
        answer = json.loads(self._api.ask("POST", "/admin", body.encode()))
        return answer["data"]


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        folder = Path(place)
        peer, ours = PocketBase(stack, folder), CloudEmu(stack, folder)
        yield compared("1 KB up", ours.up, peer.up)
        ticket = ours.ticket("bench/again.bin")
        yield compared("1 KB up, its ticket at hand", lambda: ours.bytes_up(ticket), peer.up)
        ours.locate()
        yield compared("1 KB down", ours.down, peer.down)


def compared(what: str, ours: Callable[[], None], peer: Callable[[], None]) -> Row:
    """Return our median time, and its ratio to the peer's: below 1 is quicker."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for taken, call in zip(times, (ours, peer), strict=True):
            begun_s = time.perf_counter()
            call()
            taken.append(time.perf_counter() - begun_s)
    mine, theirs = map(statistics.median, times)
    return (what, mine * 1e6, "us", "PocketBase's time", mine / theirs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    for name, figure, unit, peer, ratio in rows():
        if chosen.json:
            row = {"name": name, "figure": figure, "unit": unit, "peer": peer, "ratio": ratio}
            print(json.dumps(row))
        else:
            print(f"{name:<36} {figure:>12,.1f} {unit:<4} {ratio:8.2f} x {peer}")


if __name__ == "__main__":
    main()
