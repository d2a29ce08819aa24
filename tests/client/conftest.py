"""The client script of the suite, run by Node against a suite in a process of its own."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.conftest import SuiteProcess, _drain, start_process, stop_process_drained

HERE = Path(__file__).parent
SCRIPT = HERE.parents[1] / "emulator" / "client" / "wx-cloud.js"
SCRIPTS = [pytest.param(SCRIPT, id="source"), pytest.param(SCRIPT.with_suffix(".cjs"), id="kept")]
RUN_TIMEOUT_S = 120
NEEDS_NODE = "skipped: needs Node on the PATH; install Node.js 20+ (nodejs.org) to run it"
FUNCTIONS = {
    "echo": "def main(event, context):\n    return event\n",
    "late": ("import asyncio\nasync def main(event, context):\n    await asyncio.Event().wait()\n"),
    "nothing": "def main(event, context):\n    pass\n",
    "raises": "def main(event, context):\n    raise ValueError('out of paper')\n",
    "who": (
        "from emulator import cloud\ncloud.init()\n"
        "def main(event, context):\n    return cloud.get_wx_context()\n"
    ),
}
COLLECTIONS = ("todos", "many", "pets", "list", "users", "orders", "messages", "images")
CONFIGURATION = '[database.permissions]\nmany = "READONLY"\n'
PASSED_ON = ("PATH", "HOME", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "USERPROFILE", "LANG")


@contextmanager
def suite_over(project: Path, *options: str) -> Iterator[SuiteProcess]:
    """A suite with a few functions and empty collections."""
    for name, code in FUNCTIONS.items():
        place = project / "cloudfunctions" / name
        place.mkdir(parents=True)
        (place / "index.py").write_text(code, encoding="utf-8")
        (place / "config.json").write_text('{"timeout": 1}', encoding="utf-8")
    (project / ".emulator.toml").write_text(CONFIGURATION, encoding="utf-8")
    running = start_process(project, "--ephemeral", *options)
    drained = _drain(running)
    try:
        body = json.dumps({"collections": {name: [] for name in COLLECTIONS}}).encode()
        with urlopen(Request(f"{running.url}/_emu/seed", data=body, method="POST")) as answer:
            assert answer.status == 200
        yield running
    finally:
        stop_process_drained(running, drained)


@pytest.fixture(scope="session")
def client_suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SuiteProcess]:
    """One suite for the tests that do not mind what others left there."""
    with suite_over(tmp_path_factory.mktemp("client-project")) as running:
        yield running


def run_node(script: str, *arguments: str, url: str) -> str:
    """Run a script of this folder and return what it printed."""
    node = shutil.which("node")
    if node is None:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(NEEDS_NODE)
        pytest.skip(NEEDS_NODE)
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    done = subprocess.run(
        [node, "--no-warnings", "--experimental-websocket", str(HERE / script), *arguments],
        env={**environment, "CLOUD_EMU_URL": url},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=RUN_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session", params=SCRIPTS)
def told(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What every case of `client.mjs` heard, by the source and by the form that is kept of it."""
    result = tmp_path_factory.mktemp("client") / "told.json"
    with suite_over(tmp_path_factory.mktemp("client-project")) as running:
        run_node("client.mjs", str(request.param), str(result), url=running.url)
    heard: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return heard
