"""Owns how the packages of Node functions are installed: npm, or yarn or pnpm where they are used.

Not here: for which functions (`cli.fn_install`). The one idea: versions that a lock file names are
those that the project was tried with, so the program that wrote it is the one that installs.
"""

import json
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from emulator.cli.output import Failed
from emulator.core.records import dataclass

NPM_OPTIONS: Final = ("--omit=dev", "--no-audit", "--no-fund", "--loglevel=error")
TIMEOUT_S: Final = 900.0
COMPLAINT_LINES_MAX: Final = 8

_LOCKS: Final[Mapping[str, str]] = {
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
    "pnpm-lock.yaml": "pnpm",
    "yarn.lock": "yarn",
}
_NO_LOCK: Final = "--no-package-lock"
_OWN_OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "npm": NPM_OPTIONS,
    "pnpm": ("--prod", "--ignore-workspace"),
    "yarn": (),
}
_SHARED_OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {**_OWN_OPTIONS, "pnpm": ("--prod",)}
"""What is one of several packages of a workspace is installed with them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """One run of a package manager in a folder; `said` is what people would type."""

    said: str
    folder: Path
    command: tuple[str, ...]

    def run(self) -> str:
        """Return what it complained about, nothing when it is done."""
        name = Path(self.command[0]).stem
        try:
            done = subprocess.run(
                self.command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
                timeout=TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"{name} did not finish within {TIMEOUT_S:g} seconds"
        except OSError as fault:
            return f"{name} cannot be started: {fault.strerror}"
        if done.returncode == 0:
            return ""
        lines = (done.stderr or done.stdout).strip().splitlines()
        return "\n".join(lines[:COMPLAINT_LINES_MAX]) or f"{name} ended with code {done.returncode}"


def install_shared(folder: Path, packages: tuple[str, ...]) -> Installation:
    """Return the installation of packages for all functions; raises Failed where npm is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = folder / "package.json"
    if not manifest.exists():
        # Its own, else npm would install into a project above it.
        content: Mapping[str, Any] = {"private": True, "description": "Packages of all functions"}
        manifest.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    command = (_npm(), "install", *packages, *NPM_OPTIONS)
    return Installation(said=f"npm install {' '.join(packages)}", folder=folder, command=command)


def install_own(folder: Path, versions: Iterable[str]) -> Installation:
    """Return the installation of what a function's `package.json` names, in these versions.

    Raises:
        Failed: there is neither npm nor what wrote the function's lock file.
    """
    is_shared = any(version.startswith("workspace:") for version in versions)
    places = (folder, *folder.parents) if is_shared else (folder,)
    locks = (_LOCKS[lock] for place in places for lock in _LOCKS if (place / lock).is_file())
    name = next(locks, "npm")
    program = shutil.which(name) if name != "npm" else _npm()
    if program is not None:
        options = (_SHARED_OPTIONS if is_shared else _OWN_OPTIONS)[name]
        return Installation(
            said=f"{name} install", folder=folder, command=(program, "install", *options)
        )
    return Installation(
        said=f"npm install {_NO_LOCK} (its lock file is of {name}, which was not found)",
        folder=folder,
        command=(_npm(), "install", _NO_LOCK, *NPM_OPTIONS),
    )


def _npm() -> str:
    found = shutil.which("npm")
    if found is None:
        raise Failed(
            "npm was not found", hint="install Node.js 16 or newer (nodejs.org); npm comes with it"
        )
    return found
