"""The suite that client SDKs are tested with, and what each of them should say to every case."""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.conftest import _drain, start_process, stop_process_drained

MAJORS = (1, 2, 3)
LEGACY = 0
"""tcb-js-sdk 1.10, which came before js-sdk."""
USER = {"username": "alice", "password": "Pass-word1"}
TIMEOUT_S = 30
FUNCTIONS = {
    "echo": "def main(event, context):\n    return event\n",
    "fails": "def main(event, context):\n    raise ValueError('no')\n",
}
PLACES = [f"{where}{major}" for where in ("node", "page", "moved") for major in (LEGACY, *MAJORS)]

EXPECTED: dict[str, Any] = {
    "nobody is signed in": False,
    "sign in by name": True,
    "sign out": False,
    "sign in anonymously": True,
    "add": "string",
    "add two more": "added",
    "get a document": {
        "n": 1,
        "text": "中",
        "when": 1_700_000_000_000,
        "on": True,
        "at": [113, 23],
        "own": True,
    },
    "where, order, limit, field": [3],
    "or and regular expression": [1, 3],
    "where a date": 1,
    "count": 2,
    "update a document": 1,
    "update many": 3,
    "set a document": 100,
    "aggregate": [114],
    "transaction": [11, 50],
    "run commands": [50, 1],
    "remove a document": 1,
    "remove many": 3,
    "watch": [0, 1],
    "call a function": {"a": "中"},
    "call a function without data": {},
    "call a container": {"path": "/hello", "body": '{"n":1}'},
    "upload a file": True,
    "temporary address": "hello",
    "file info": ["SUCCESS", 5],
    "storage.from": [5, "hello", 1],
    "delete a file": "SUCCESS",
}
MISSING_IN_1 = ("transaction", "run commands", "call a container")
REFUSED: dict[str, tuple[str, str, str]] = {
    "sign in with a wrong password": (
        "INVALID_USERNAME_OR_PASSWORD",
        "invalid_username_or_password",
        "invalid_username_or_password",
    ),
    "create a collection": ("DATABASE_PERMISSION_DENIED",) * 3,
    "get of no collection": ("DATABASE_COLLECTION_NOT_EXIST",) * 3,
    "get what is forbidden": ("DATABASE_PERMISSION_DENIED",) * 3,
    "call a function that is not there": (
        "FUNCTION_NOT_FOUND",
        "FUNCTION_NOT_FOUND",
        "FUNCTION_NOT_FOUND",
    ),
    "call a function that fails": (
        "FUNCTIONS_EXECUTE_FAIL",
        "FUNCTIONS_EXECUTE_FAIL",
        "FUNCTION_INVOCATION_FAILED",
    ),
}
NO_FILE = ("STORAGE_FILE_NONEXIST", "STORAGE_FILE_NONEXIST", "OBJECT_NOT_EXIST")


@dataclass(frozen=True)
class ClientWorld:
    """A running suite with a user, collections for every place, functions and a container."""

    api: str
    env: str

    def options(self, major: int, where: str) -> dict[str, Any]:
        """Return what the cases are told."""
        prefix = f"{where}{major}"
        return {
            "api": self.api,
            "env": self.env,
            "major": major,
            "prefix": prefix,
            "user": USER,
            "unpointed": where == "moved",
        }


def check(told: dict[str, Any], major: int) -> None:
    """Compare what an SDK said to every case with what it should say."""
    kind = max(major, 1)
    wanted = {name: {"ok": value} for name, value in EXPECTED.items()}
    wanted["temporary address of no file"] = {"ok": NO_FILE[kind - 1]}
    if kind < 3:
        wanted |= {name: {"ok": None} for name in ("file info", "storage.from")}
    if kind == 1:
        wanted |= {name: {"ok": None} for name in MISSING_IN_1}
    if major == LEGACY:
        wanted["watch"] = told["watch"]
        assert "import realtime module" in told["watch"]["failed"]["message"]
    wrong = {name: told.get(name) for name, value in wanted.items() if told.get(name) != value}
    for name, codes in REFUSED.items():
        failed = told[name].get("failed", {})
        first_word = str(failed.get("message")).split(" ")[0]
        if codes[kind - 1] not in (failed.get("code"), first_word.strip("[]")):
            wrong[name] = told[name]
    assert not wrong
    assert set(told) == {*wanted, *REFUSED}


class _Container(BaseHTTPRequestHandler):
    """A container of the project: says what it was asked."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        text = json.dumps({"path": self.path, "body": body}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def client_world(project: Path) -> Iterator[ClientWorld]:
    """Start everything over an empty folder."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Container) as container:
        thread = threading.Thread(target=container.serve_forever, daemon=True)
        thread.start()
        _write_project(project, container.server_address[1])
        running = start_process(project, "--ephemeral")
        drained = _drain(running)
        try:
            collections: dict[str, Any] = {f"notes_{place}": [] for place in PLACES}
            collections["secret"] = [{"_id": "x"}]
            _post(f"{running.url}/_emu/seed", {"collections": collections})
            _post(f"{running.url}/_emu/users", USER)
            yield ClientWorld(running.url, running.env["TCB_ENV"])
        finally:
            stop_process_drained(running, drained)
            container.shutdown()
            thread.join(timeout=TIMEOUT_S)


def _write_project(project: Path, container_port: int) -> None:
    for name, code in FUNCTIONS.items():
        place = project / "cloudfunctions" / name
        place.mkdir(parents=True)
        (place / "index.py").write_text(code, encoding="utf-8")
    (project / "database.rules.json").write_text('{"secret": "ADMINONLY"}', encoding="utf-8")
    (project / ".emulator.toml").write_text(
        f'[containers]\nshop = "http://127.0.0.1:{container_port}"\n', encoding="utf-8"
    )


def _post(url: str, body: Any) -> None:
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urlopen(request, timeout=TIMEOUT_S) as answer:
        assert answer.status < 300
