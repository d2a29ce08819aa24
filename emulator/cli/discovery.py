"""Owns the discovery file: how a running suite is found by commands, scripts and a second start.

Not here: the lock that makes a data folder one suite's (`cli.folder_lock`). The one idea: the file
may always be a leftover of a killed process, so it counts only while its process lives and the
suite at its address says it is that process.
"""

import contextlib
import hashlib
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from json import dump, loads  # by name: functions share the module and may break it
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from emulator.cli.control import ControlClient
from emulator.cli.output import Failed
from emulator.cli.processes import is_alive
from emulator.core.records import dataclass

DISCOVERY_FILE: Final = "emulator.json"
ASK_MAX_S: Final = 2.0
FILE_SIZE_MAX_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovered:
    """What the file of a suite says."""

    pid: int
    env: str
    urls: Mapping[str, str]
    started_at: str
    project: str = ""

    @property
    def api_url(self) -> str:
        """Return the address of the API."""
        return self.urls.get("api", "")


def kept_file(data_dir: Path) -> Path:
    """Return where a suite that keeps its data leaves its file."""
    return data_dir / DISCOVERY_FILE


def ephemeral_file(project: Path, environ: Mapping[str, str] | None = None) -> Path:
    """Return where a suite that keeps nothing leaves its file: by project, in the user's folder."""
    key = hashlib.sha256(os.path.normcase(project).encode()).hexdigest()[:16]
    return _runtime_folder(os.environ if environ is None else environ) / f"{key}.json"


def publish(path: Path, record: Discovered) -> None:
    """Write the file as a whole, readable by its user only.

    Raises:
        OSError: the folder cannot be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{record.pid}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        dump(asdict(record), file, indent=2)
    aside.replace(path)


def withdraw(path: Path, pid: int) -> None:
    """Remove the file if it still is this process's."""
    record = read(path)
    if record is not None and record.pid == pid:
        with contextlib.suppress(OSError):
            path.unlink()


def read(path: Path) -> Discovered | None:
    """Return what a file says, None when there is none or it makes no sense."""
    try:
        with path.open("rb") as file:
            data = loads(file.read(FILE_SIZE_MAX_BYTES))
    except (OSError, ValueError):
        return None
    return _record(data)


def find(data_dir: Path, project: Path) -> Discovered | None:
    """Return the suite that runs for a project, the one that keeps data first."""
    for path in (kept_file(data_dir), ephemeral_file(project)):
        record = read(path)
        if record is not None and answers(record):
            return record
    return None


def find_silent(data_dir: Path, project: Path) -> Discovered | None:
    """Return the suite of a project that still holds its port but answers nobody.

    Code of a function that runs in C and lets no other Python run does that to a whole process.
    """
    from emulator.cli.ports import holder_of

    for path in (kept_file(data_dir), ephemeral_file(project)):
        record = read(path)
        if record is None or not is_alive(record.pid) or answers(record):
            continue
        port = urlsplit(record.api_url).port
        holder = holder_of(port) if port else None
        if holder is not None and holder.pid == record.pid:
            return record
    return None


def answers(record: Discovered) -> bool:
    """Tell whether the process lives and is the suite at the address, not one with its old id."""
    if not is_alive(record.pid):
        return False
    try:
        health = ControlClient(record.api_url, timeout_s=ASK_MAX_S).get(
            "/_emu/health", accept=(200, 503)
        )
    except Failed:
        return False
    if not isinstance(health, dict) or "status" not in health:
        return False
    return int(health.get("pid", record.pid)) == record.pid


def _record(data: Any) -> Discovered | None:
    if not isinstance(data, dict):
        return None
    pid, urls = data.get("pid"), data.get("urls")
    if not isinstance(pid, int) or pid <= 0 or not isinstance(urls, dict):
        return None
    return Discovered(
        pid=pid,
        env=str(data.get("env", "")),
        urls={str(key): str(url) for key, url in urls.items()},
        started_at=str(data.get("started_at", "")),
        project=str(data.get("project", "")),
    )


def _runtime_folder(environ: Mapping[str, str]) -> Path:
    """Return a folder that only this user writes: the system's own for that, else a temporary."""
    if sys.platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or tempfile.gettempdir()) / "cloud-emu" / "run"
    folder = environ.get("XDG_RUNTIME_DIR")
    if folder and os.access(folder, os.W_OK):
        return Path(folder) / "cloud-emu"
    return Path(tempfile.gettempdir()) / f"cloud-emu-{os.getuid()}"
