"""Owns installing one Python function's requirements: pip, into a folder of the function's own.

Not here: which functions need it (`functions.python_packages`). The one idea: packages are put into
a new folder, and only when all of them are there does the file `current` name it; so a suite that
runs never sees half of them, and what it has loaded is never pulled from under it.
"""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from emulator.cli.output import Failed
from emulator.functions.base import PACKAGES_POINTER
from emulator.functions.python_packages import (
    REQUIREMENTS_FILE,
    TAKEN_FROM_FILE,
    current_of,
    requirements_of,
)

PIP_OPTIONS: Final = ("--disable-pip-version-check", "--no-input", "--no-compile")
PROGRESS: Final = ("Collecting ", "Downloading ", "Installing collected packages")
"""How the lines of pip begin that are worth telling."""
COMPLAINT_LINES_MAX: Final = 8
PROGRESS_CHARACTERS_MAX: Final = 100


def pip_command() -> list[str]:
    """Return what installs packages for this Python; raises Failed where nothing does."""
    if find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "install", *PIP_OPTIONS]
    uv = shutil.which("uv")
    if uv is not None:
        return [uv, "pip", "install", "--python", sys.executable]
    raise Failed(
        f"the Python at {sys.executable} has no pip", hint="python -m ensurepip brings one"
    )


def install_requirements(
    command: Sequence[str], folder: Path, home: Path, progress: Callable[[str], None]
) -> str:
    """Return what was complained about, nothing when the function has its packages."""
    text = requirements_of(folder)
    if text is None:
        return f"{folder / REQUIREMENTS_FILE} cannot be read"
    target = _fresh(home, text)
    try:
        target.mkdir(parents=True)
        fault = _run([*command, "--target", str(target), "-r", REQUIREMENTS_FILE], folder, progress)
        if fault:
            shutil.rmtree(target, ignore_errors=True)
            return fault
        (target / TAKEN_FROM_FILE).write_text(text, encoding="utf-8")
        _point(home, target)
    except OSError as refusal:
        return f"{target} cannot be written: {refusal.strerror}"
    return ""


def _fresh(home: Path, text: str) -> Path:
    """Return a folder that is not there: by the requirements, and a number if they were before."""
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]
    number = 1
    while (home / f"{digest}-{number}").exists():
        number += 1
    return home / f"{digest}-{number}"


def _run(command: Sequence[str], folder: Path, progress: Callable[[str], None]) -> str:
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as fault:
        return f"{command[0]} cannot be started: {fault.strerror}"
    complaints: list[str] = []
    assert process.stdout is not None
    with process.stdout as output:
        for line in output:
            said = line.strip()
            if said.startswith(PROGRESS):
                progress(said[:PROGRESS_CHARACTERS_MAX])
            elif said:
                complaints = [*complaints[1 - COMPLAINT_LINES_MAX :], said]
    if process.wait() == 0:
        return ""
    wrong = [line for line in complaints if line.upper().startswith("ERROR")]
    return "\n".join(wrong or complaints) or f"pip ended with code {process.returncode}"


def _point(home: Path, target: Path) -> None:
    """Have the new folder count; the one before stays for who has loaded it, older ones go."""
    pointer, before = home / PACKAGES_POINTER, current_of(home)
    draft = home / f"{PACKAGES_POINTER}~"
    draft.write_text(f"{target.name}\n", encoding="utf-8")
    draft.replace(pointer)
    for other in home.iterdir():
        if other.is_dir() and other not in (target, before):
            shutil.rmtree(other, ignore_errors=True)
