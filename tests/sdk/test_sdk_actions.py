"""Every call of every generation of the server SDKs, see actions.json and scripts/actions.cjs."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.sdk, pytest.mark.timeout(600)]

HERE = Path(__file__).parent
HOOK = HERE.parents[1] / "emulator" / "functions" / "node" / "redirect.js"
TABLE: dict[str, Any] = json.loads((HERE / "actions.json").read_text("utf-8"))
SDKS: dict[str, dict[str, str]] = TABLE["sdks"]
CALLS = {name: row for calls in TABLE["calls"].values() for name, row in calls.items()}
PASSED_ON = ("PATH", "HOME", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "USERPROFILE", "LANG")
RUN_TIMEOUT_S = 180
PROJECT = {
    "cloudfunctions/sdk_echo/index.py": "def main(event, context):\n    return event\n",
    "cloudfunctions/sdk_raises/index.py": (
        "def main(event, context):\n    raise ValueError(event['why'])\n"
    ),
    "cloudfunctions/sdk_paid/index.py": (
        "from emulator import cloud\n\n"
        "def main(event, context):\n"
        "    cloud.database().collection('sdk_payments').add(data=event)\n"
        "    return {'errcode': 0, 'errmsg': 'ok'}\n"
    ),
    "seed/all.json": '{"collections": {"sdk_payments": []}}',
    ".emulator.toml": (
        '[openapi.security]\nrisky_words = ["forbidden"]\n'
        '[openapi.mocks."ocr.printedText"]\nitems = [{ text = "hello" }]\n'
        '[seed]\npaths = ["seed/all.json"]\n'
        '[containers]\nshop = "http://127.0.0.1:PORT/base"\n'
    ),
}

Results = Callable[[str], dict[str, Any]]


class Container(BaseHTTPRequestHandler):
    """A container that answers what it was asked."""

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        told = {"path": self.path, "body": json.loads(self.rfile.read(length))}
        text = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def container_port() -> Iterator[int]:
    """The port of a container."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Container)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def variables(
    container_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """The variables that point an SDK at a suite over the project above."""
    project = tmp_path_factory.mktemp("actions")
    for name, text in PROJECT.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("PORT", str(container_port)), encoding="utf-8")
    command = [sys.executable, "-m", "emulator", "start", str(project), "--json", "--ephemeral"]
    process = subprocess.Popen(
        [*command, "--port", "0", "--site-port", "0"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    lines = process.stdout
    ready = next(told for told in map(json.loads, lines) if told["event"] == "ready")
    reader = threading.Thread(target=lambda: [None for _ in lines], daemon=True)
    reader.start()
    yield ready["variables"]
    process.terminate()
    process.wait(timeout=60)
    reader.join(timeout=60)
    lines.close()


@pytest.fixture(scope="module")
def results(
    sdk_modules: Path, variables: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Results:
    """What an SDK said to every call; each is run once, when it is first asked for."""
    folder = tmp_path_factory.mktemp("actions-results")

    @cache
    def of(sdk: str) -> dict[str, Any]:
        file = folder / f"{sdk}.json"
        prefix = f"s{list(SDKS).index(sdk)}-"
        module, kind = str(sdk_modules / sdk), SDKS[sdk]["kind"]
        passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        done = subprocess.run(
            ["node", str(HERE / "scripts" / "actions.cjs"), module, kind, prefix, str(file)],
            env={**passed, **variables, "REDIRECT_HOOK": str(HOOK)},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=RUN_TIMEOUT_S,
            check=False,
        )
        assert file.exists(), f"{sdk} wrote no results\n{done.stdout}\n{done.stderr}"
        told: dict[str, Any] = json.loads(file.read_text("utf-8"))
        return told

    return of


@pytest.mark.parametrize("sdk", SDKS)
@pytest.mark.parametrize("call", CALLS)
def test_a_call_answers_what_the_table_says(results: Results, sdk: str, call: str):
    """wx-server-sdk 4 maps codes to numbers for the database alone: elsewhere it says -1."""
    row = CALLS[call]
    told = results(sdk)[call]
    if sdk in row.get("lacks", ()):
        assert told == {"value": "absent"}
        return
    row = {**row, **row.get("except", {}).get(sdk, {})}
    if "number" not in row:
        assert told == {"value": row["value"]}
        return
    assert row.get("says", "") in told["error"]["message"]
    code, number = told["error"].get("code", ""), told["error"].get("errCode", 0)
    if SDKS[sdk]["kind"] == "wx" and (not code or not row["code"]):
        assert number == row["number"]
    else:
        assert code == row["code"]
        assert number in (0, -1)


def test_every_case_is_in_the_table(results: Results):
    cases = {case for sdk in SDKS for case in results(sdk)}
    assert cases == CALLS.keys()
