"""The official Node SDKs, unmodified from npm, driven against a suite in a process of its own."""

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
MANIFEST = HERE / "package.json"
SCRIPTS = HERE / "scripts"
CACHE_VARIABLE = "TEST_SDK_CACHE"
NPM_OPTIONS = (
    "install",
    "--no-package-lock",
    "--no-audit",
    "--no-fund",
    "--ignore-scripts",
    "--loglevel=error",
)
INSTALL_TIMEOUT_S = 600
RUN_TIMEOUT_S = 180
READY_TIMEOUT_S = 60
NEEDS_NODE = "skipped: needs Node and npm on the PATH; install Node.js 18+ (nodejs.org) to run it"

SDKS = {
    "node-sdk-2": ("node_sdk.cjs", "n2-"),
    "node-sdk-3": ("node_sdk.cjs", "n3-"),
    "wx-server-sdk-2": ("wx_server_sdk.cjs", "w2-"),
    "wx-server-sdk-4": ("wx_server_sdk.cjs", "w4-"),
}
FUNCTIONS = {
    "sdk_echo": "def main(event, context):\n    return event\n",
    "sdk_async": "async def main(event, context):\n    return event['n'] + 1\n",
    "sdk_nothing": "def main(event, context):\n    pass\n",
    "sdk_text": "def main(event, context):\n    return 'a text'\n",
    "sdk_raises": "def main(event, context):\n    raise ValueError(event['why'])\n",
}
PASSED_ON = ("PATH", "HOME", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "USERPROFILE", "LANG")


@dataclass
class SdkRuns:
    """What each SDK said to every case; an SDK is run once, when it is first asked for."""

    modules: Path
    variables: dict[str, str]
    folder: Path
    told: dict[str, dict[str, Any]] = field(default_factory=dict)

    def of(self, sdk: str) -> dict[str, Any]:
        if sdk not in self.told:
            script, prefix = SDKS[sdk]
            self.told[sdk] = self.run(script, self.modules / sdk, prefix)
        return self.told[sdk]

    def run(self, script: str, module: Path, prefix: str) -> dict[str, Any]:
        result = self.folder / f"{prefix}.json"
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        done = subprocess.run(
            ["node", str(SCRIPTS / script), str(module), prefix, str(result)],
            env={**environment, **self.variables},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=RUN_TIMEOUT_S,
            check=False,
        )
        assert result.exists(), f"{script} wrote no results\n{done.stdout}\n{done.stderr}"
        told: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
        return told


def refuse(reason: str) -> None:
    """Skip on a developer's machine; in CI a missing SDK is a failure."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def cache_folder() -> Path:
    """Return where installed SDKs stay between runs, a folder per set of versions."""
    digest = hashlib.sha256(MANIFEST.read_bytes()).hexdigest()[:12]
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        root = Path(chosen)
    elif sys.platform == "win32":
        root = Path(os.environ.get("LOCALAPPDATA") or tempfile.gettempdir()) / "cloud-emu"
    elif sys.platform == "darwin":
        root = Path.home() / "Library" / "Caches" / "cloud-emu"
    else:
        root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cloud-emu"
    return root / f"sdks-{digest}"


def install(npm: str, folder: Path) -> None:
    """Install the manifest aside and move it into place, whoever else does the same meanwhile."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        shutil.copy(MANIFEST, aside)
        done = subprocess.run(
            [npm, *NPM_OPTIONS],
            cwd=aside,
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT_S,
            check=False,
        )
        if done.returncode:
            refuse(f"skipped: npm could not install the SDKs: {done.stderr[-500:]}")
        with contextlib.suppress(OSError):
            aside.rename(folder)
        assert folder.exists()
    finally:
        shutil.rmtree(aside, ignore_errors=True)


@pytest.fixture(scope="session")
def sdk_modules() -> Path:
    """The folder the SDKs are installed in."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        refuse(NEEDS_NODE)
    assert npm is not None
    folder = cache_folder()
    if not folder.exists():
        install(npm, folder)
    return folder / "node_modules"


@pytest.fixture(scope="session")
def sdk_suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A suite over a few functions; the variables and addresses it printed when it was ready."""
    project = tmp_path_factory.mktemp("sdk-project")
    for name, code in FUNCTIONS.items():
        place = project / "cloudfunctions" / name
        place.mkdir(parents=True)
        (place / "index.py").write_text(code, encoding="utf-8")
    command = [sys.executable, "-m", "emulator", "start", str(project), "--json", "--ephemeral"]
    process = subprocess.Popen(
        [*command, "--port", "0", "--site-port", "0"], stdout=subprocess.PIPE, text=True
    )
    reader = None
    try:
        assert process.stdout is not None
        ready = next(told for told in map(json.loads, process.stdout) if told["event"] == "ready")
        lines = process.stdout
        reader = threading.Thread(target=lambda: [None for _ in lines], daemon=True)
        reader.start()
        yield ready
    finally:
        process.terminate()
        process.wait(timeout=READY_TIMEOUT_S)
        if reader is not None:
            reader.join(timeout=READY_TIMEOUT_S)
        process.stdout.close()


@pytest.fixture(scope="session")
def sdk_runs(
    sdk_modules: Path, sdk_suite: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> SdkRuns:
    """What each SDK said to every case."""
    return SdkRuns(sdk_modules, sdk_suite["variables"], tmp_path_factory.mktemp("sdk-results"))
